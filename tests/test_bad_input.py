"""Bad input to a whole evaluation: evidence is rejected and the rest judged; wrong settings end the run.

Every kind of bad content in every kind of file is in ``hostile_files``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Gate = Callable[..., Any]
Copy = Callable[..., Path]

TRUST = {"stage8.trust_anchored"}
"""What a decision without an operator always lacks."""


def judge(gate: Gate, root: Path, stage: str = "stage8") -> dict[str, Any]:
    """The decision of a run that must fail without an error; the ledger has it."""
    run = gate("evaluate", stage, "-w", root, "-o", "json")
    assert run.code == 1, (run.out[:300], run.err)
    assert "error" not in run.err and "Traceback" not in run.err
    decision: dict[str, Any] = json.loads(run.out)
    assert decision["verdict"] == "FAIL"
    assert decision["ledger"]["index"] == 0
    return decision


def rejected(decision: dict[str, Any], path: str) -> list[str]:
    """Codes of the violations because this file was rejected; each says what to do."""
    found = [
        item
        for item in decision["violations"]
        if item["problem"] == "rejected" and path in [place["path"] for place in item["places"]]
    ]
    assert all(path in item["msg"] and item["solution"] for item in found)
    return [item["code"] for item in found]


def test_a_pipe_does_not_hang_the_run(gate: Gate, copy_example: Copy) -> None:
    """Named pipes in place of evidence are rejected at once, each by name."""
    root = copy_example("ready")
    codes = {
        "ACCOUNT_CONFIG.json": "stage6.connected",
        "ROLLBACK_PROCEDURE.md": "stage8.rollback_documented",
        "junit.xml": "stage4.all_tests_run",
    }
    for name in codes:
        (root / name).unlink()
        os.mkfifo(root / name)
    decision = judge(gate, root)
    assert all(code in rejected(decision, name) for name, code in codes.items())


def test_a_pipe_in_place_of_the_settings_ends_the_run(gate: Gate, copy_example: Copy) -> None:
    """Without settings nothing can be decided."""
    root = copy_example("ready")
    (root / "gate.yaml").unlink()
    os.mkfifo(root / "gate.yaml")
    run = gate("evaluate", "stage8", "-w", root, "-o", "json")
    assert (run.code, run.out) == (2, "")
    assert "gate.yaml" in run.err and "to do:" in run.err and "internal error" not in run.err
    assert not (root / "ledger").exists()


def test_evidence_below_a_linked_directory_is_not_read(
    gate: Gate, copy_example: Copy, tmp_path: Path
) -> None:
    """Sign-offs behind a link do not count, and the link is named."""
    root = copy_example("ready")
    (root / "signoffs").rename(tmp_path / "elsewhere")
    (root / "signoffs").symlink_to(tmp_path / "elsewhere")
    decision = judge(gate, root)
    assert "stage1.governance_signed" in rejected(decision, "signoffs")
    assert not any(item["key"] for item in decision["signatures"])


@pytest.mark.parametrize(
    "change",
    [
        b'{"type": "gate.signoff/v1"}',
        *(pytest.param(one, marks=pytest.mark.soak) for one in (b"[1, 2", b"\xff")),
    ],
)
def test_a_broken_signoff_does_not_count(gate: Gate, copy_example: Copy, change: bytes) -> None:
    """A sign-off file that is no sign-off is named; the others count."""
    root = copy_example("ready")
    victim = root / "signoffs/stage8-cto.json"
    victim.write_bytes(change)
    decision = judge(gate, root)
    assert "stage8.governance_signed" in rejected(decision, "signoffs/stage8-cto.json")
    assert {item["role"] for item in decision["signatures"] if item["key"]} == {"lead_trader", "risk_officer"}


def test_a_directory_that_cannot_be_listed_fails_every_stage_by_name(gate: Gate, copy_example: Copy) -> None:
    """Code or evidence may be in it; all that can be read is judged, and to exclude it helps."""
    root = copy_example("ready")
    here = os.open(root, os.O_RDONLY)
    for _ in range(20):  # more than a path may be long, so that not even root can list it
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    decision = judge(gate, root)
    stages = {f"stage{n}.subject" for n in range(1, 9)}
    assert stages <= {item["code"] for item in decision["violations"] if item["problem"] == "rejected"}
    assert sum(check["status"] == "holds" for check in decision["checks"]) > 80
    found = decision["violations"]
    subject = next(item for item in found if item["code"] == "stage1.subject")
    assert "the directory cannot be listed: File name too long" in subject["msg"]
    assert "subject.exclude" in subject["solution"]
    assert subject["places"][0]["path"].startswith("ddd")
    settings = (root / "gate.yaml").read_text()
    assert "\nsubject:\n" in settings
    (root / "gate.yaml").write_text(settings.replace("\nsubject:\n", "\nsubject:\n  exclude: ['ddd**']\n"))
    run = gate("evaluate", "stage8", "-w", root, "-o", "json", "--no-record")
    assert not [item for item in json.loads(run.out)["violations"] if item["code"].endswith(".subject")]


def test_more_entries_than_the_limit_end_in_a_decision(gate: Gate, copy_example: Copy) -> None:
    """What was not looked at is unknown, so nothing passes; the same is found again."""
    root = copy_example("ready")
    (root / "gate.yaml").write_text((root / "gate.yaml").read_text() + "limits: {inventory_entries: 20}\n")
    decision = judge(gate, root)
    assert {f"stage{n}.subject" for n in range(1, 9)} <= set(rejected(decision, "."))
    subject = next(item for item in decision["violations"] if item["code"] == "stage1.subject")
    assert "has more than 20 entries" in subject["msg"] and "limits.inventory_entries" in subject["solution"]
    again = json.loads(gate("evaluate", "stage8", "-w", root, "-o", "json", "--no-record").out)
    assert again["subject"] == decision["subject"]


GARBAGE = b"KILL_PNL \x00\xff\xfe garbage"


@pytest.mark.parametrize(
    "path",
    [
        "ACCOUNT_CONFIG.json",
        pytest.param("PRE_LIVE_CHECKLIST.md", marks=pytest.mark.soak),
        pytest.param("contracts/bar_event.schema.json", marks=pytest.mark.soak),
        "junit.xml",
        pytest.param("fixtures/seeds.yaml", marks=pytest.mark.soak),
        pytest.param("signatures/artifacts.sha256", marks=pytest.mark.soak),
        "trust/allowed_signers",
    ],
)
def test_a_rejected_file_fails_the_rules_that_need_it_and_hides_nothing_else(
    gate: Gate, copy_example: Copy, evaluated: Callable[..., Any], path: str
) -> None:
    """All other evidence, and all rules that rest on it alone, are as before."""
    root = copy_example("ready")
    (root / path).write_bytes(GARBAGE)
    before, after = json.loads(evaluated("ready", "stage8", False).out), judge(gate, root)
    assert {violation["code"] for violation in before["violations"]} == TRUST
    assert rejected(after, path)
    readers = {
        item["id"]
        for decision in (before, after)
        for item in decision["evidence"]
        if path in [part["path"] for part in (*item["files"], *item["problems"])]
    }
    assert evidence(before, readers) == evidence(after, readers)
    readers |= {"signoffs", "provenance"}  # approvals are of certain evidence, and void of any other
    assert checks(before, readers) == checks(after, readers)
    assert len(checks(after, readers)) > 20


def evidence(decision: dict[str, Any], readers: set[str]) -> dict[str, str]:
    """Digests of the evidence of the other collectors."""
    return {item["id"]: item["digest"] for item in decision["evidence"] if item["id"] not in readers}


def checks(decision: dict[str, Any], readers: set[str]) -> dict[str, Any]:
    """The rules all of whose facts are of the other collectors."""
    return {
        check["code"]: check
        for check in decision["checks"]
        if not readers & {fact["collector"] for fact in check["facts"]}
    }


@pytest.mark.soak
@pytest.mark.parametrize("how", ["link", "pipe", "garbage"])
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("order_plane/broker/ibkr_exec_client.py", "stage4.sources_parse"),
        ("GO_LIVE_DECISION_GATE.md", "stage1.artifacts_valid"),
    ],
)
def test_hostile_sources_and_artifacts_are_found_and_not_valid(
    gate: Gate, copy_example: Copy, tmp_path: Path, path: str, code: str, how: str
) -> None:
    """What is wrong with them is a fact, so the rule about them names the file and the reason."""
    root = copy_example("ready")
    (root / path).rename(tmp_path / "elsewhere")
    if how == "link":
        (root / path).symlink_to(tmp_path / "elsewhere")
    elif how == "pipe":
        os.mkfifo(root / path)
    else:
        (root / path).write_bytes(GARBAGE)
    run = gate("evaluate", "stage4", "-w", root, "-o", "json", "--no-record")
    assert (run.code, run.err) in ((1, ""), (3, ""))
    said = [item["msg"] for item in json.loads(run.out)["violations"] if item["code"] == code]
    wrong = re.compile("symbolic link|no regular file|not a regular file|not UTF-8|malformed")
    assert any(path in message and wrong.search(message) for message in said), said


@pytest.mark.soak
def test_a_decision_over_rejected_evidence_is_recorded_in_full(gate: Gate, copy_example: Copy) -> None:
    """It can be explained and verified, nothing else is written, and a later run is recorded after it."""
    root = copy_example("ready")
    good = {
        name: (root / name).read_bytes()
        for name in ("ACCOUNT_CONFIG.json", "fixtures/seeds.yaml", "junit.xml")
    }
    for name, data in good.items():
        (root / name).write_bytes(data[: len(data) // 2] + b"\0")
    before = set(root.rglob("*"))
    judge(gate, root)
    assert all(path.is_relative_to(root / "ledger") for path in set(root.rglob("*")) - before)
    shown = gate("explain", "0", "-w", root)
    assert shown.code == 0 and all(name in shown.out for name in good)
    for name, data in good.items():
        (root / name).write_bytes(data)
    assert gate("evaluate", "stage1", "-w", root).code == 0
    assert gate("ledger", "verify", "-w", root).code == 0


def test_a_workspace_that_is_no_directory_is_wrong_usage(gate: Gate, tmp_path: Path) -> None:
    """There is nothing to judge."""
    (tmp_path / "file").write_text("x")
    for place in ("file", "nowhere"):
        run = gate("evaluate", "stage1", "-w", tmp_path / place)
        assert (run.code, run.out) == (2, "")
        assert "is not a directory" in run.err and "to do: " in run.err


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
    """Two broken files are two findings at once, so nobody has to run twice to see both."""
    root = copy_example("ready")
    (root / "ACCOUNT_CONFIG.json").write_text("{")
    (root / "junit.xml").write_text("<a>")
    run = gate("evaluate", "stage8", "-w", root)
    assert run.code == 1
    assert "ACCOUNT_CONFIG.json" in run.out and "junit.xml" in run.out


def test_the_account_number_is_never_shown_in_full(gate: Gate, copy_example: Copy) -> None:
    """Neither facts, nor decisions, nor what is said about a broken file repeat the account id."""
    root = copy_example("ready")
    path = root / "ACCOUNT_CONFIG.json"
    account = json.loads(path.read_text())["account_id"]
    outputs = [gate("collect", "account", "-w", root).out, gate("evaluate", "stage6", "-w", root).out]
    path.write_text(path.read_text().replace('"nav"', '"nva"'))
    broken = gate("evaluate", "stage6", "-w", root)
    assert broken.code == 1 and "ACCOUNT_CONFIG.json" in broken.out
    for text in [*outputs, broken.out, gate("collect", "account", "-w", root, "-o", "json").out]:
        assert text
        assert account not in text
    for stored in (root / "ledger").rglob("*"):
        if stored.is_file():
            assert account.encode() not in stored.read_bytes()
