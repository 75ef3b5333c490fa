"""What goes to standard error beside errors: the log of ``--verbose``, and progress on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base import activity

Program = Callable[..., Any]
Copy = Callable[..., Path]

PATIENCE_SECONDS = 300.0
"""How long a busy machine may take until something that must come is there."""

WAITS = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\n"

ACCOUNT = re.compile(r"(?<![A-Za-z0-9])D?U\d{5,}")


def commit(root: Path) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(root)]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "a"]):
        subprocess.run([*git, *arguments], check=True)


@pytest.mark.soak
def test_verbose_tells_what_is_read_asked_and_written(
    program: Program, copy_example: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By module: files, git, the policy engine, the ledger, the cache; standard output stays the same."""
    root = copy_example("ready")
    monkeypatch.setenv("GATE_CACHE_DIR", str(tmp_path / "cache"))
    (root / "order_plane/DU1234567.py").write_text("X = 1\n")
    commit(root)
    first = program("evaluate", "stage1", "-w", root, "-v")
    size = (root / "fixtures/seeds.yaml").stat().st_size
    for line in (
        f"gate.evidence.reading.workspace: read fixtures/seeds.yaml, {size} bytes",
        "gate.evidence.reading.workspace: read order_plane/DU****67.py, 6 bytes",
        "gate.evidence.collecting.cache: fixtures: nothing in the cache fits",
    ):
        assert line in first.err.splitlines()
    for pattern in (
        r"gate\.evidence\.reading\.git\.\w+: git cat-file --batch\S*",
        r"gate\.engine\.policy\.engines\.embedded: start regorus over bundle gate-prelive \S+",
        r"gate\.engine\.policy\.engines\.embedded: asked gate\.stage1: \d+ ms",
        r"gate\.engine\.ledger\.writer: .+: appended entries 0 to 0",
        r"gate\.engine\.ledger\.writer: .+: sealed, now of size 1",
    ):
        assert re.search(f"^{pattern}$", first.err, re.MULTILINE), pattern
    assert not ACCOUNT.search(first.err)

    again = program("evaluate", "stage1", "-w", root, "-v", "--no-record")
    plain = program("evaluate", "stage1", "-w", root, "--no-record")
    assert "gate.evidence.collecting.cache: fixtures: taken from the cache" in again.err.splitlines()
    assert "seeds.yaml" not in again.err
    assert again.out == plain.out
    assert plain.err == ""


@pytest.mark.parametrize("arguments", [("status", "-v"), ("-v", "status"), ("--verbose", "history")])
def test_every_command_can_log(program: Program, make_workspace: Copy, arguments: tuple[str, ...]) -> None:
    """With the option after the command or before it."""
    done = program(*arguments, "-w", make_workspace({"gate.yaml": "version: 1\n"}))
    assert done.code == 0 and "gate.evidence.reading.workspace: read gate.yaml, 11 bytes" in done.err


def test_no_secret_of_a_command_is_logged(program: Program, make_workspace: Copy, operator: Copy) -> None:
    """Of a command's arguments only options and files are named."""
    text = (
        "evidence: {commands: {run: {audit: {command: [python3, tool.py, --deep, --token, hunter2, "
        "-phunter3, '--password=hunter4', 'https://u:hunter5@example.org']}}}}"
    )
    root = make_workspace({"gate.yaml": text, "tool.py": ""})
    done = program("collect", "commands", "-w", root, "--operator", operator(root), "-v")
    [line] = (line for line in done.err.splitlines() if "the command 'audit' runs" in line)
    assert line.endswith(" tool.py --deep --token … … … …")
    assert "hunter" not in done.err


def test_a_log_line_is_one_line_in_which_nothing_acts() -> None:
    """Whatever a name holds: it clears no screen, begins no line, and is cut where it is too long."""
    code = (
        "from gate.engine.terminal.console import log_to_stderr; "
        "from gate.evidence.base.activity import Log; "
        "log_to_stderr(); log = Log('gate.x'); log.info('read %s', 'a\\x1b[2J\\n::error::U1234567'); "
        "log.info('y' * 1000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stderr.splitlines()
    assert first == "gate.x: read a\\u001b[2J\\u000a::error::U****67"
    assert len(second) == 400


def test_nothing_is_imported_for_logs_that_nobody_wants() -> None:
    """Logging is slow to import, so the program starts without it."""
    code = (
        "import sys; from gate.engine import service; from gate.engine.commands import judge; "
        "from gate.engine.ledger import writer; from gate.evidence.process import programs; "
        "print('logging' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


class Terminal:
    """A terminal of 60 columns that a program writes its standard error to."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        self.text = ""

    def until(self, text: str) -> None:
        """Read until this text was written; it must come."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.text:
            assert select.select([self._ours], [], [], deadline - time.monotonic())[0], self.text
            self.text += os.read(self._ours, 1 << 16).decode()

    def close(self) -> str:
        """All that was written."""
        while select.select([self._ours], [], [], 0)[0]:
            self.text += os.read(self._ours, 1 << 16).decode()
        os.close(self.theirs)
        os.close(self._ours)
        return self.text


def test_progress_is_one_line_that_vanishes(make_workspace: Copy, tmp_path: Path, operator: Copy) -> None:
    """While a collector takes long, a terminal shows which; when it is done, nothing of that is left."""
    over = tmp_path / "over"
    settings = f"evidence: {{commands: {{run: {{slow: {{command: [python3, wait.py, {over}]}}}}}}}}"
    root = make_workspace({"gate.yaml": settings, "wait.py": WAITS})
    terminal = Terminal()
    command = [sys.executable, "-m", "gate", "collect", "values", "commands", "-w", str(root)]
    command += ["--operator", str(operator(root))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal.theirs) as process:
        terminal.until("of 2: commands\x1b[K")
        over.touch()
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    shown = terminal.close()
    assert process.returncode == 0
    assert b"slow" in out and b"collecting" not in out
    assert shown.endswith("\r\x1b[K")
    lines = shown.split("\r")[1:-1]
    assert all(re.fullmatch(r"collecting … [12] of 2: (values|commands)\x1b\[K", line) for line in lines)


AT_ONCE = (
    "from gate.engine.terminal import console; console.PATIENCE_SECONDS = 0.0; "
    "from gate.cli import main; main()"
)


@pytest.mark.soak
@pytest.mark.parametrize(("flags", "shows"), [([], True), (["--quiet"], False), (["-v"], False)])
def test_where_progress_is_shown(copy_example: Copy, flags: list[str], shows: bool) -> None:
    """An evaluation shows it on a terminal, without being asked to be quiet, and not among log lines."""
    terminal = Terminal()
    command = [sys.executable, "-c", AT_ONCE, "evaluate", "stage1", "--no-record", *flags]
    with subprocess.Popen(
        [*command, "-w", str(copy_example("ready"))], stdout=subprocess.PIPE, stderr=terminal.theirs
    ) as process:
        if shows:
            terminal.until("\x1b[K")
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    shown = terminal.close()
    assert process.returncode == 0
    assert ("\x1b[K" in shown) is shows
    assert b"\x1b" not in out


def test_no_progress_without_a_terminal(program: Program, copy_example: Copy) -> None:
    """A pipe or a file gets errors and nothing else."""
    run = program("evaluate", "stage8", "-w", copy_example("algo-trade"), "--no-record", "--no-cache")
    assert (run.code, run.err) == (1, "")


def test_steps_reach_whoever_listens() -> None:
    """And nobody when that is over."""
    steps: list[str] = []
    activity.listen(steps.append)
    activity.step("one")
    activity.listen(None)
    activity.step("two")
    assert steps == ["one"]
