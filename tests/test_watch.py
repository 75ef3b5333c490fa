"""``gate evaluate --watch`` as a user meets it: start, change files, read what is shown, interrupt."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from msgspec.structs import replace

from gate.engine.decision.document import CheckStatus, Decision
from gate.engine.terminal.watch import changes, repeat, stamps
from gate.evidence.base.errors import EnvironmentProblem

Gate = Callable[..., Any]
Copy = Callable[..., Path]

PATIENCE_SECONDS = 300.0
"""How long a busy machine may take until something that must come is there."""


class Watching:
    """A running ``gate evaluate --watch``."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.text = ""
        self._pieces: queue.Queue[bytes | None] = queue.Queue()
        assert process.stdout is not None
        self.stream = process.stdout
        self.reader = threading.Thread(target=self._read, args=(self.stream,), daemon=True)
        self.reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        while piece := os.read(stream.fileno(), 1 << 16):
            self._pieces.put(piece)
        self._pieces.put(None)

    def until(self, text: str) -> str:
        """What was written up to where this text ends; it must come. What follows is left for the next."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.text:
            piece = self._pieces.get(timeout=max(0.0, deadline - time.monotonic()))
            assert piece is not None, f"ended without {text!r}: {self.text}"
            self.text += piece.decode()
        before, found, self.text = self.text.partition(text)
        return before + found

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C: the exit code, and the rest of what was written."""
        os.killpg(self.process.pid, signal.SIGINT)
        code = self.process.wait(PATIENCE_SECONDS)
        while (piece := self._pieces.get(timeout=PATIENCE_SECONDS)) is not None:
            self.text += piece.decode()
        return code, self.text


@contextmanager
def watching(*arguments: str | Path) -> Iterator[Watching]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gate", "evaluate", *map(str, arguments), "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # a suite in a shell's background ignores the signal, and so would the program
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    run = Watching(process)
    try:
        yield run
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        run.reader.join()
        run.stream.close()


@pytest.mark.soak
def test_a_change_is_judged_and_named(copy_example: Copy) -> None:
    """Evidence goes and comes back, settings break and are corrected; Ctrl-C ends it; nothing is recorded."""
    root = copy_example("ready")
    settings, seeds = (root / "gate.yaml").read_text(), (root / "fixtures/seeds.yaml").read_bytes()
    with watching("stage1", "-w", root) as run:
        run.until("watching for changes; nothing is recorded; Ctrl-C ends it")
        run.until("PASS  stage1")
        run.until("why: gate explain")
        (root / "fixtures/seeds.yaml").unlink()
        named = run.until("FAIL  stage1")
        assert "PASS → FAIL, 0 → 2 failing: stage1.governance_signed now fails;" in named
        assert "stage1.fixtures_valid now lacks evidence" in named
        run.until("why: gate explain")
        (root / "gate.yaml").write_text(settings + "\nnmae: x\n")
        broken = run.until("still watching")
        assert "there is no setting 'nmae' here" in broken and "did you mean 'name'?" in broken
        (root / "gate.yaml").write_text(settings)
        (root / "fixtures/seeds.yaml").write_bytes(seeds)
        named = run.until("PASS  stage1")
        assert "FAIL → PASS, 2 → 0 failing: stage1.governance_signed now holds;" in named
        run.until("why: gate explain")
        code, rest = run.interrupt()
    assert code == 0
    assert "Traceback" not in rest
    assert not (root / "ledger").exists()


@pytest.mark.soak
def test_a_run_may_be_interrupted_while_it_judges(copy_example: Copy) -> None:
    """Also in the first run, before anything was shown."""
    with watching("stage8", "-w", copy_example("algo-trade"), "--no-cache") as run:
        run.until("watching for changes")
        code, rest = run.interrupt()
    assert code == 0
    assert "Traceback" not in rest


def test_a_watch_whose_reader_went_away_ends() -> None:
    """An error while it judges is shown, and it goes on; one while it prints is its end."""
    looks = iter(range(100))

    def broken() -> None:
        raise EnvironmentProblem("standard output cannot be written: Broken pipe")

    with pytest.raises(EnvironmentProblem, match="Broken pipe"):
        repeat(lambda: broken, lambda: next(looks))


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["stag1"], "did you mean 'stage1'? known: stage1, stage2"),
        (["stage1", "-o", "json"], "--watch prints the table and nothing else"),
        (["stage1", "-o", "table=report.txt"], "--watch prints the table and nothing else"),
        (["stage1", "--quiet"], "--watch prints the table and nothing else"),
    ],
)
def test_what_cannot_be_watched(gate: Gate, make_workspace: Copy, arguments: list[str], what: str) -> None:
    """Wrong usage ends the command before anything is watched."""
    run = gate("evaluate", *arguments, "--watch", "-w", make_workspace({"a.txt": "a"}))
    assert run.code == 2
    assert what in run.err
    assert run.out == ""


def decision(gate: Gate, root: Path) -> Decision:
    import json

    document = json.loads(gate("evaluate", "stage1", "-w", root, "--no-record", "-o", "json").out)
    document.pop("ledger", None)
    return Decision.from_json(document)


def test_changes_are_counted_and_named(gate: Gate, copy_example: Copy) -> None:
    """A rule that begins to fail or to hold, one whose figure moves, one that is gone; and nothing at all."""
    before = decision(gate, copy_example("algo-trade"))
    assert changes(before, before).endswith("failing, as before; no rule changed")
    failing = next(check for check in before.checks if check.code == "stage1.artifact_coverage")
    others = tuple(check for check in before.checks if check is not failing)
    count = len({violation.code for violation in before.violations})

    left = tuple(violation for violation in before.violations if violation.code != failing.code)
    fixed = replace(before, checks=(*others, replace(failing, status=CheckStatus.HOLDS)), violations=left)
    assert changes(before, fixed) == f"{count} → {count - 1} failing: stage1.artifact_coverage now holds"
    assert changes(fixed, before) == f"{count - 1} → {count} failing: stage1.artifact_coverage now fails"
    gone = replace(before, checks=others, violations=left)
    assert changes(before, gone).endswith("stage1.artifact_coverage is no longer judged")

    broken = next(operand for operand in failing.operands if not operand.holds)
    moved = replace(broken, actual=broken.actual + 100_000)
    better = replace(failing, operands=tuple(moved if one is broken else one for one in failing.operands))
    text = changes(before, replace(before, checks=(*others, better)))
    assert text == f"{count} failing, as before: stage1.artifact_coverage 35.7 % → 45.7 %"


def test_what_counts_as_a_change(make_workspace: Copy) -> None:
    """Content, new files and commits do; the ledger and git's objects do not."""
    root = make_workspace({"a.txt": "a", "ledger/log": "1", "src/b.py": ""})
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True)

    def look() -> object:
        return stamps(root, ["ledger"])

    seen = look()
    (root / "ledger/log").write_text("12")
    (root / ".git/objects/aa").mkdir()
    assert look() == seen
    (root / "src/b.py").write_text("x = 1")
    changed = look()
    assert changed != seen
    (root / "src/c.py").touch()
    more = look()
    assert more != changed
    subprocess.run([*git, "add", "a.txt"], check=True)
    subprocess.run([*git, "commit", "-qm", "a"], check=True)
    assert look() != more
