"""Bad input of every kind in every file the eight stages read: one clear error, exit 2, ledger untouched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Gate = Callable[..., Any]
Copy = Callable[..., Path]

JSON_FILES = [
    "ACCOUNT_CONFIG.json",
    "PAPER_TRADING_LOG.json",
    "MOCK_BASELINE.json",
    "BACKTEST_METRICS.json",
    "ROLLBACK_DRILL.json",
    "KILL_SWITCH_VERIFICATION.json",
    "PRELIVE_VERIFICATION_LOG.json",
]
DATA_FILES = [
    *JSON_FILES,
    "contracts/order_intent.schema.json",
    "fixtures/seeds.yaml",
    "gate.yaml",
    "junit.xml",
    "PAPER_TRADING_METRICS.csv",
    ".coverage",
]
DOCUMENTS = [
    "PRE_LIVE_CHECKLIST.md",
    "IBKR_INTERFACE_MAP.md",
    "INTEGRATION_FLOW.md",
    "ROLLBACK_PROCEDURE.md",
    "SCALE_UP_PLAN.md",
    "GO_LIVE_DECISION_GATE.md",
]
SIGNED = ["signoffs", "trust/allowed_signers", "signatures/artifacts.sha256"]


def truncated(data: bytes) -> bytes:
    """The first half of a file, as a full disk leaves it."""
    return data[: len(data) // 2]


def garbage(_: bytes) -> bytes:
    """Bytes of no format at all."""
    return b"\x00\xff\xfe garbage \x80\x81" * 20


def utf16(data: bytes) -> bytes:
    """The text saved by an editor that prefers UTF-16."""
    return data.decode("utf-8", "replace").encode("utf-16")


def mojibake(data: bytes) -> bytes:
    """The text with a Hebrew line, decoded as a single-byte code page and encoded again."""
    return data + "\nתאריך\n".encode().decode("latin-1").encode("utf-8")


def deep(_: bytes) -> bytes:
    """A JSON array nested a hundred thousand times."""
    return b"[" * 100_000 + b"]" * 100_000


def wrong_types(_: bytes) -> bytes:
    """A valid document of another shape."""
    return b'{"timestamp": [], "nav": "much"}'


def expect_refusal(gate: Gate, root: Path, name: str) -> None:
    """The run names the file, says what to do, shows no traceback and leaves the ledger as it was."""
    ledger = root / "ledger" / "log.intoto.jsonl"
    before = ledger.read_bytes() if ledger.exists() else None
    run = gate("evaluate", "stage8", "-w", root, "-o", "json")
    assert run.code == 2, (run.out[:300], run.err)
    assert run.out == ""
    assert Path(name).name in run.err, run.err
    assert "to do:" in run.err
    assert "Traceback" not in run.err
    assert "internal error" not in run.err
    assert (ledger.read_bytes() if ledger.exists() else None) == before


@pytest.mark.parametrize("name", DATA_FILES)
@pytest.mark.parametrize("corrupt", [truncated, garbage])
def test_corrupt_data_is_refused(
    gate: Gate, copy_example: Copy, name: str, corrupt: Callable[[bytes], bytes]
) -> None:
    """A data file that is cut off or is garbage is an error that names it, never a verdict."""
    root = copy_example("ready")
    path = root / name
    path.write_bytes(corrupt(path.read_bytes()))
    expect_refusal(gate, root, name)


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize("corrupt", [deep, wrong_types, utf16])
def test_hostile_json_is_refused(
    gate: Gate, copy_example: Copy, name: str, corrupt: Callable[[bytes], bytes]
) -> None:
    """Depth bombs, wrong types and wrong encodings in JSON evidence are errors."""
    root = copy_example("ready")
    path = root / name
    path.write_bytes(corrupt(path.read_bytes()))
    expect_refusal(gate, root, name)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("corrupt", [garbage, utf16, mojibake])
def test_documents_in_a_wrong_encoding_are_refused(
    gate: Gate, copy_example: Copy, name: str, corrupt: Callable[[bytes], bytes]
) -> None:
    """Markdown that is not UTF-8, or was encoded twice, is an error."""
    root = copy_example("ready")
    path = root / name
    path.write_bytes(corrupt(path.read_bytes()))
    expect_refusal(gate, root, name)


@pytest.mark.parametrize("name", [*DATA_FILES, *DOCUMENTS])
def test_links_are_not_followed(gate: Gate, copy_example: Copy, tmp_path: Path, name: str) -> None:
    """Evidence that is a symbolic link is refused, also when its target is perfectly good."""
    root = copy_example("ready")
    moved = tmp_path / "elsewhere"
    (root / name).rename(moved)
    (root / name).symlink_to(moved)
    expect_refusal(gate, root, name)


@pytest.mark.parametrize("name", ["ACCOUNT_CONFIG.json", "ROLLBACK_PROCEDURE.md", "junit.xml", "gate.yaml"])
def test_a_pipe_does_not_hang_the_run(gate: Gate, copy_example: Copy, name: str) -> None:
    """A named pipe in place of evidence is refused at once."""
    root = copy_example("ready")
    (root / name).unlink()
    os.mkfifo(root / name)
    expect_refusal(gate, root, name)


def test_a_linked_directory_on_the_way_is_refused(gate: Gate, copy_example: Copy, tmp_path: Path) -> None:
    """Evidence below a directory that is a link is not read."""
    root = copy_example("ready")
    (root / "signoffs").rename(tmp_path / "elsewhere")
    (root / "signoffs").symlink_to(tmp_path / "elsewhere")
    expect_refusal(gate, root, "signoffs")


@pytest.mark.parametrize("change", [b"[1, 2", b"\xff\xfe", b'{"type": "gate.signoff/v1"}'])
def test_a_broken_signoff_is_refused(gate: Gate, copy_example: Copy, change: bytes) -> None:
    """A sign-off file that is no sign-off is an error that names it."""
    root = copy_example("ready")
    victim = sorted((root / "signoffs").glob("*.json"))[0]
    victim.write_bytes(change)
    expect_refusal(gate, root, victim.name)


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\n",
        "versoin: 1\n",
        "subject: {sources: [nowhere]}\n",
        "subject: {sources: [../outside]}\n",
        "subject: {sources: [/etc]}\n",
        "subject: &a {sources: [algo_trade]}\nroles: *a\n",
        "name: one\nname: two\n",
        "evidence: {nothing: {}}\n",
        "evidence: {coverage: {dat: x}}\n",
        "evidence: {coverage: {data: [1]}}\n",
        "evidence: {account: {path: ../../etc/passwd}}\n",
        "effective_time: tomorrow\n",
        "policy: {version: '9'}\n",
        "policy: {digest: '" + "0" * 64 + "'}\n",
        "policy: {bundle: nowhere}\n",
        "stages: {stage1: {depends_on: [stage8]}}\n",
        "stages: {stage77: {depends_on: []}}\n",
        "ledger: {location: 'postgresql://host/db'}\n",
        "engine: magic\n",
        "- a list\n",
        "just text\n",
        "a: [1\n",
        "\ttabs: 1\n",
    ],
)
def test_a_wrong_configuration_is_refused(gate: Gate, copy_example: Copy, text: str) -> None:
    """Every mistake in gate.yaml is an error with file and place; nothing is judged or recorded."""
    root = copy_example("algo-trade")
    (root / "gate.yaml").write_text(text)
    run = gate("evaluate", "stage8", "-w", root, "-o", "json")
    assert run.code == 2, run.out[:200]
    assert "to do:" in run.err
    assert "Traceback" not in run.err and "internal error" not in run.err
    assert run.out == ""
    assert not (root / "ledger" / "log.intoto.jsonl").exists()


def test_every_broken_file_is_named_in_one_run(gate: Gate, copy_example: Copy) -> None:
    """Two broken files give two errors at once, so nobody has to run twice to see both."""
    root = copy_example("ready")
    (root / "ACCOUNT_CONFIG.json").write_text("{")
    (root / "junit.xml").write_text("<a>")
    run = gate("evaluate", "stage8", "-w", root)
    assert run.code == 2
    assert run.err.count("where: ACCOUNT_CONFIG.json") == 1
    assert run.err.count("where: junit.xml") == 1


def test_the_account_number_is_never_shown_in_full(gate: Gate, copy_example: Copy) -> None:
    """Neither facts, nor decisions, nor errors about the file repeat the account id."""
    import json

    root = copy_example("ready")
    path = root / "ACCOUNT_CONFIG.json"
    account = json.loads(path.read_text())["account_id"]
    outputs = [gate("collect", "account", "-w", root).out, gate("evaluate", "stage6", "-w", root).out]
    path.write_text(path.read_text().replace('"nav"', '"nva"'))
    broken = gate("evaluate", "stage6", "-w", root)
    assert broken.code == 2
    for text in [*outputs, broken.err]:
        assert text
        assert account not in text
    for stored in (root / "ledger").rglob("*"):
        if stored.is_file():
            assert account.encode() not in stored.read_bytes()
