"""Bad input to a whole evaluation: one clear error, exit 2, ledger untouched.

Every kind of bad content in every kind of file is in ``test_hostile_files.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Gate = Callable[..., Any]
Copy = Callable[..., Path]


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
