"""What this machine remembers of a ledger: one that was replaced, emptied or set back is refused."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.store import access

Gate = Callable[..., Any]
COMMANDS = (
    ("evaluate", "stage1"),
    ("status",),
    ("explain", "0"),
    ("ledger", "show"),
    ("ledger", "show", "0"),
)


@pytest.fixture
def root(gate: Gate, recorded: Callable[..., Path], tmp_path: Path) -> Path:
    """A workspace with two recorded decisions; the ledger as it was after the first is kept in `old`."""
    root = recorded("algo-trade", "stage1")
    shutil.copytree(root / "ledger", tmp_path / "old")
    assert gate("evaluate", "stage1", "-w", root, "--quiet").code == 1
    return root


def empty(root: Path, tmp_path: Path, gate: Gate) -> None:
    """Remove what is in the ledger's directory."""
    shutil.rmtree(root / "ledger")
    (root / "ledger").mkdir()


def remove(root: Path, tmp_path: Path, gate: Gate) -> None:
    """Remove the whole ledger."""
    shutil.rmtree(root / "ledger")


def replace(root: Path, tmp_path: Path, gate: Gate) -> None:
    """Put another ledger of the same key in its place, which is sound in itself."""
    other = tmp_path / "other"
    shutil.copytree(root, other, ignore=shutil.ignore_patterns("ledger"))
    assert gate("evaluate", "stage1", "-w", other, "--quiet").code == 1
    shutil.rmtree(root / "ledger")
    (other / "ledger").rename(root / "ledger")


def other_key(root: Path, tmp_path: Path, gate: Gate) -> None:
    """Write everything anew with another key."""
    env = {"GATE_CONFIG_DIR": str(tmp_path / "thief")}
    shutil.rmtree(root / "ledger")
    for _ in range(2):
        assert gate("evaluate", "stage1", "-w", root, "--quiet", env=env).code == 1


def roll_back(root: Path, tmp_path: Path, gate: Gate) -> None:
    """Put the ledger back as it was after the first decision."""
    shutil.rmtree(root / "ledger")
    shutil.copytree(tmp_path / "old", root / "ledger")


ATTACKS = {
    empty: "the ledger is gone: here was",
    remove: "the ledger is gone: here was",
    replace: "this is another ledger",
    other_key: "this is another ledger",
    roll_back: "the ledger was cut back",
}


@pytest.mark.soak
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_every_command_notices(
    root: Path, tmp_path: Path, gate: Gate, attack: Callable[[Path, Path, Gate], None]
) -> None:
    """One error with exit code 2 that says what was here and what to do; verify lists it."""
    attack(root, tmp_path, gate)
    for command in COMMANDS:
        done = gate(*command, "-w", root)
        assert (done.code, done.out) == (2, ""), command
        assert done.err.startswith(f"ledger error: {ATTACKS[attack]}"), (command, done.err)
        assert "restore the ledger" in done.err
        assert "receipts" in done.err
    verified = gate("ledger", "verify", "-w", root)
    assert verified.code == (2 if attack in (empty, remove) else 1)
    assert "verified" not in verified.out


def test_the_receipt_that_the_message_names_can_be_given_up(root: Path, tmp_path: Path, gate: Gate) -> None:
    """The owner who removed a ledger on purpose deletes that file, and a new one is begun."""
    remove(root, tmp_path, gate)
    error = gate("status", "-w", root).err
    Path(error.partition("where: receipt ")[2].splitlines()[0]).unlink()
    assert "PENDING" in gate("status", "-w", root).out
    assert gate("evaluate", "stage1", "-w", root, "--quiet").code == 1
    assert gate("ledger", "verify", "-w", root).code == 0


def test_a_new_ledger_is_accepted_by_its_key(root: Path, tmp_path: Path, gate: Gate) -> None:
    """Whoever knows that it was replaced says so by naming the new key; from then on that one is expected."""
    old = (root / "ledger" / "trust" / "log.vkey").read_text().strip()
    replace(root, tmp_path, gate)
    new = (root / "ledger" / "trust" / "log.vkey").read_text().strip()
    assert gate("ledger", "verify", "-w", root, "--key", old).code == 1
    assert gate("status", "-w", root).code == 2
    assert gate("ledger", "verify", "-w", root, "--key", new).code == 0
    assert gate("status", "-w", root).code == 0


def test_verified_says_against_what(root: Path, tmp_path: Path, gate: Gate) -> None:
    """A ledger that nothing outside is known of is only consistent in itself; a copy makes the difference."""
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    key = (root / "ledger" / "trust" / "log.vkey").read_text().strip()

    def found(*options: str | Path, env: dict[str, str] | None = None) -> Any:
        report = json.loads(gate("ledger", "verify", "-w", root, "-o", "json", *options, env=env).out)
        return report["verified"], report["pinned"], [copy.split(" of ")[0] for copy in report["outside"]]

    first = gate("ledger", "verify", "-w", root, env=stranger)
    assert first.code == 0
    assert "consistent in itself, not compared with a copy outside of it" in first.out
    assert "verified" not in first.out
    owner = gate("ledger", "verify", "-w", root)
    assert "verified: consistent in itself and with what is kept outside of it" in owner.out
    assert "(size 2)" in owner.out
    shutil.rmtree(tmp_path / "stranger")
    assert found("--key", key, env=stranger) == ("outside", True, ["the given key"])
    shutil.rmtree(tmp_path / "stranger")
    checkpoint = tmp_path / "old" / "checkpoint"
    assert found("--since", checkpoint, env=stranger) == ("outside", False, ["the given checkpoint"])
    verdict, pinned, [name] = found(env=stranger)  # by now the stranger has a receipt
    assert (verdict, pinned, "receipt" in name) == ("outside", True, True)


def test_a_kept_checkpoint_finds_a_ledger_that_was_set_back(root: Path, tmp_path: Path, gate: Gate) -> None:
    """On a machine that has never seen the ledger."""
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    shutil.copy(root / "ledger" / "checkpoint", tmp_path / "kept")
    roll_back(root, tmp_path, gate)
    done = gate("ledger", "verify", "-w", root, "--since", tmp_path / "kept", env=stranger)
    assert done.code == 1
    assert "the given checkpoint" in done.out
    os.mkfifo(tmp_path / "pipe")  # nobody writes to it
    for name in ("none", "pipe"):
        assert gate("ledger", "verify", "-w", root, "--since", tmp_path / name, env=stranger).code == 2


def test_only_what_is_new_is_read_on_demand(root: Path, tmp_path: Path, gate: Gate) -> None:
    """--since receipt leaves out what the receipt covers; without it every line is read."""
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "old", copy / "ledger")
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    missing = gate("ledger", "verify", "-w", copy, "--since", "receipt", env=stranger)
    assert missing.code == 2
    assert "no receipt" in missing.err
    assert gate("ledger", "verify", "-w", copy, env=stranger).code == 0
    shutil.rmtree(copy / "ledger")
    shutil.copytree(root / "ledger", copy / "ledger")
    log = copy / "ledger" / "log.intoto.jsonl"
    log.write_bytes(log.read_bytes().replace(b"A", b"B", 1))
    new = gate("ledger", "verify", "-w", copy, "--since", "receipt", "-o", "json", env=stranger)
    assert (new.code, json.loads(new.out)["checked_from"]) == (0, 1)
    whole = gate("ledger", "verify", "-w", copy, env=stranger)
    assert whole.code == 1
    assert "log.intoto.jsonl, line 1" in whole.out
    assert gate("ledger", "verify", "-w", copy, "--full", "--since", "receipt").code == 2


def test_a_log_cut_off_before_the_receipt_is_found_by_the_quick_check(root: Path, gate: Gate) -> None:
    log = root / "ledger" / "log.intoto.jsonl"
    log.write_bytes(b"")
    assert gate("ledger", "verify", "-w", root, "--since", "receipt").code == 1


def test_signatures_that_a_receipt_covers_are_checked_on_demand(root: Path, gate: Gate) -> None:
    for option, first in (([], 2), (["--full"], 0)):
        report = json.loads(gate("ledger", "verify", "-w", root, "-o", "json", *option).out)
        assert (report["ok"], report["checked_from"]) == (True, first)


def test_a_receipt_that_cannot_be_written_does_not_deny_the_entry(
    root: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for the receipt alone: the decision is sealed, and a warning says so."""
    real = access.write_at

    def full(directory: int, name: str, data: bytes, **options: Any) -> None:
        if len(name) == 64 + len(".json"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(directory, name, data, **options)

    with monkeypatch.context() as patch:
        patch.setattr(access, "write_at", full)
        done = gate("evaluate", "stage1", "-w", root)
    assert done.code == 1
    assert "recorded: entry 2" in done.out
    assert "the receipt could not be written" in done.err
    assert gate("ledger", "verify", "-w", root).code == 0


@pytest.mark.parametrize("name", ["ledger", "ledger/log.intoto.jsonl"])
def test_a_lock_that_somebody_holds_is_not_waited_for_for_ever(
    root: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One error that names it; once it is free, everything goes on."""
    handle = os.open(root / name, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with monkeypatch.context() as patch:
        patch.setattr(access, "LOCK_SECONDS", 0)
        done = gate("evaluate", "stage1", "-w", root)
    assert (done.code, done.out) == (2, "")
    assert "another process has held the lock" in done.err
    assert name in done.err
    os.close(handle)
    assert gate("evaluate", "stage1", "-w", root, "--quiet").code == 1


STOP = """
import os, signal, sys
calls, at = 0, int(sys.argv.pop(1))

def deadly(function):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

for name in ("fsync", "rename"):
    setattr(os, name, deadly(getattr(os, name)))
from gate.__main__ import run
run()
"""


POINTS = [14, 25]  # the log and the checkpoint; the soak has all


@pytest.mark.parametrize(
    "at", [*POINTS, *(pytest.param(at, marks=pytest.mark.soak) for at in range(1, 37) if at not in POINTS)]
)
def test_a_kill_while_the_ledger_is_begun(
    gate: Gate, copy_example: Callable[[str], Path], tmp_path: Path, at: int
) -> None:
    """At no point is what remains "NOT sound"; the next run goes on, and leaves no temporary file."""
    root = copy_example("algo-trade")
    gate("evaluate", "stage1", "-w", root, "--no-record")
    command = [sys.executable, "-c", STOP, str(at), "evaluate", "stage1", "-w", str(root), "--quiet"]
    killed = subprocess.run(command, env=os.environ, check=False, capture_output=True)
    assert killed.returncode in (-signal.SIGKILL, 1)
    verified = gate("ledger", "verify", "-w", root)
    assert "NOT sound" not in verified.out, verified.out
    assert verified.code in (0, 2)
    assert (verified.code == 0) == (verified.err == "")
    assert "no ledger here" in verified.err or verified.code == 0
    assert gate("status", "-w", root).code == 0
    assert gate("evaluate", "stage1", "-w", root, "--quiet").code == 1
    assert gate("ledger", "verify", "-w", root).code == 0
    assert list((root / "ledger").rglob(".tmp-*")) == []
