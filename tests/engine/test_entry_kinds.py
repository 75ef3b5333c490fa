"""Entries that are no decisions: written after their contracts, shown, counted and verified."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gate.engine import recording
from gate.engine.context import Context, open_context
from gate.engine.ledger import open_ledger
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import InternalError
from gate.evidence.signing.keys import load_or_create_log_key

NOW = "2035-01-01T00:00:00Z"
KEY = "SHA256:" + "A" * 43
SUBJECT = [{"name": "stage1", "digest": {"sha256": "0" * 64}}]
ENTRIES: dict[str, dict[str, Any]] = {
    "evidence": {"decision": "0" * 64, "entry": 0, "note": "a report"},
    "signoff": {"stage": "stage1", "role": "cto", "principal": "a@example.com", "key": KEY},
    "waiver": {"action": "granted", "id": "w1", "code": "stage1.x", "principal": "a@example.com", "key": KEY},
    "key-event": {"event": "{}", "signatures": ["none"]},
    "receipt": {"origin": "example.com/log", "size": 3, "root": "0" * 64, "time": NOW},
}


@pytest.fixture
def config() -> Path:
    return Path(os.environ["GATE_CONFIG_DIR"])


@pytest.fixture
def context(recorded: Callable[..., Path]) -> Context:
    """A workspace with one recorded decision."""
    return open_context(recorded("algo-trade", "stage1"))


def test_every_kind_is_recorded_shown_and_verified(
    context: Context, config: Path, gate: Callable[..., Any]
) -> None:
    for index, (kind, predicate) in enumerate(ENTRIES.items(), 1):
        documents = {"b.txt": b"two", "a.json": kind.encode()}
        entry, notices = recording.append_statement(context, kind, SUBJECT, predicate, documents, config, NOW)
        assert (entry.index, notices) == (index, [])
    rows = json.loads(gate("ledger", "show", "-w", context.root, "-o", "json").out)["entries"]
    assert [row["kind"] for row in rows] == ["decision", *ENTRIES]
    first = rows[1]["statement"]["predicate"]["documents"]
    assert first == [
        {"name": "a.json", "sha256": sha256(b"evidence").hexdigest()},
        {"name": "b.txt", "sha256": sha256(b"two").hexdigest()},
    ]
    listed = gate("ledger", "show", "-w", context.root, "--last", "2").out.splitlines()
    assert [line.split()[:3] for line in listed[:2]] == [
        ["4", "key-event", "stage1"],
        ["5", "receipt", "stage1"],
    ]
    done = gate("ledger", "verify", "-w", context.root)
    assert done.code == 0, done.out
    assert "1 decision, 1 evidence, 1 signoff, 1 waiver, 1 key-event, 1 receipt" in done.out
    assert gate("explain", "0", "-w", context.root).code == 0
    assert "no decision '1'" in gate("explain", "1", "-w", context.root).err
    stored = context.root / "ledger" / "evidence" / "sha256"
    digest = sha256(b"receipt").hexdigest()
    (stored / digest[:2] / digest).unlink()
    lost = gate("ledger", "verify", "-w", context.root)
    assert lost.code == 1
    assert digest in lost.out


@pytest.mark.parametrize("kind", ENTRIES)
def test_what_breaks_its_contract_is_not_recorded(context: Context, config: Path, kind: str) -> None:
    before = (context.root / "ledger" / "log.intoto.jsonl").read_bytes()
    wrong = {**ENTRIES[kind], "other": 1}
    with pytest.raises(InternalError, match="breaks its contract"):
        recording.append_statement(context, kind, SUBJECT, wrong, {"a": b""}, config, NOW)
    with pytest.raises(InternalError, match="breaks its contract"):
        recording.append_statement(context, kind, SUBJECT, ENTRIES[kind], {}, config, NOW)
    assert (context.root / "ledger" / "log.intoto.jsonl").read_bytes() == before


def append(context: Context, config: Path, kind: str, predicate: dict[str, Any]) -> None:
    """Append a statement of any kind, as another version would."""
    key = load_or_create_log_key(config)[0]
    assert key is not None
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": SUBJECT,
        "predicateType": kind,
        "predicate": predicate,
    }
    with open_ledger(context.ledger, key, config_dir=config) as ledger:
        ledger.append([canonical(statement)])
        ledger.seal(NOW)


def test_an_unknown_kind_is_reported_and_no_error(
    context: Context, config: Path, gate: Callable[..., Any]
) -> None:
    append(context, config, "https://example.com/later/v1", {})
    done = gate("ledger", "verify", "-w", context.root)
    assert done.code == 0
    assert "1 of type https://example.com/later/v1, which this version of gate does not read" in done.out
    report = json.loads(gate("ledger", "verify", "-w", context.root, "-o", "json").out)
    assert (report["kinds"], report["unknown"]) == ({"decision": 1}, {"https://example.com/later/v1": 1})
    assert (
        "unknown      https://example.com/later/v1 stage1" in gate("ledger", "show", "-w", context.root).out
    )
    assert gate("status", "-w", context.root).code == 0


@pytest.mark.parametrize(
    ("kind", "predicate"),
    [
        ("urn:gate:signoff:v1", {"stage": "stage1"}),
        ("urn:gate:receipt:v1", {"documents": 3}),
        ("https://slsa.dev/verification_summary/v1", {"urn:gate:decision:v1": {"stage": "stage1"}}),
        (
            "https://slsa.dev/verification_summary/v1",
            {"urn:gate:decision:v1": dict.fromkeys(["stage", "verdict", "decision", "input", "stages"], 3)},
        ),
    ],
)
def test_a_signed_line_that_breaks_its_contract_is_found(
    context: Context, config: Path, gate: Callable[..., Any], kind: str, predicate: dict[str, Any]
) -> None:
    append(context, config, kind, predicate)
    done = gate("ledger", "verify", "-w", context.root)
    assert done.code == 1
    assert "log.intoto.jsonl, line 2" in done.out
