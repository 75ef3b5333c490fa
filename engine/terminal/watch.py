"""Judging again whenever a file changes, and what then differs; nothing is recorded.

Changes are found by looking at the files' stamps about once a second, so nothing has to be installed and
network drives work, too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from ...evidence.base.errors import EvidenceError, GateError
from ...evidence.base.limits import DEFAULT, Limits
from ...evidence.reading.git.state import marker, repository_stamps
from ...evidence.reading.workspace.walk import walk
from ..decision.document import Check, CheckStatus, Decision
from .console import write_error, write_text
from .figures import figure
from .lines import Lines, Screen

LOOK_SECONDS = 0.5
"""Between two looks at the files; longer where a look takes long."""
MOST_LOOKS = 6
"""After so many looks at files that go on changing, they are judged all the same."""
MOST_CHANGES = 6
"""Rules named after each run."""

_NOW = {
    CheckStatus.HOLDS: "now holds",
    CheckStatus.VIOLATED: "now fails",
    CheckStatus.MISSING: "now lacks evidence",
    CheckStatus.UNKNOWN: "now cannot be told",
    CheckStatus.WAIVED: "is now waived",
    CheckStatus.CONDITIONAL: "is now conditional",
    CheckStatus.PENDING: "would now fail, once it binds",
    CheckStatus.LEFT_OUT: "is no longer in the profile",
    CheckStatus.EXCEPTED: "is now excepted by the policies",
    CheckStatus.WARNS: "now warns",
}


def stamps(root: Path, ignore: Iterable[str] = (), limits: Limits = DEFAULT) -> object:
    """Something that differs once a file below ``root``, or the git repository around it, was changed."""
    try:
        files = walk(root, frozenset(ignore), limits.inventory_entries)
    except EvidenceError as error:
        return error.diagnostics()
    found: list[object] = []
    for path in files.files:
        with suppress(OSError):  # it is going away
            state = os.lstat(root / path)
            found.append((path, state.st_mtime_ns, state.st_size, state.st_ino))
    git = marker(root)
    try:
        repository = [] if git is None else list(repository_stamps(git, objects=False))
    except (OSError, ValueError) as error:
        return found, files.links, str(error)
    return found, files.links, repository


def changes(before: Decision, after: Decision) -> str:
    """What became different between two decisions, in one line.

    It begins with how many rules fail: ``7 → 6 failing: stage1.test_coverage now holds``.
    """
    old, new = {check.code: check for check in before.checks}, {check.code: check for check in after.checks}
    count, was = _failing(after), _failing(before)
    text = f"{was} → {count} failing" if was != count else f"{count} failing, as before"
    if before.verdict is not after.verdict:
        text = f"{before.verdict} → {after.verdict}, {text}"
    found = [
        f"{code} {_NOW[check.status]}"
        for code, check in new.items()
        if code not in old or old[code].status is not check.status
    ]
    found += [f"{code} is no longer judged" for code in old if code not in new]
    found += [moved for code in new if (moved := _moved(old.get(code), new[code]))]
    rest = f", +{len(found) - MOST_CHANGES}" if len(found) > MOST_CHANGES else ""
    return f"{text}: {'; '.join(found[:MOST_CHANGES])}{rest}" if found else f"{text}; no rule changed"


def _failing(decision: Decision) -> int:
    return len({violation.code for violation in decision.violations})


def _moved(old: Check | None, new: Check) -> str | None:
    """How the first figure that fails changed, of a rule whose status did not."""
    if old is None or old.status is not new.status or new.status is CheckStatus.HOLDS:
        return None
    earlier = {operand.name: operand.actual for operand in old.operands}
    for operand in new.operands:
        was = earlier.get(operand.name)
        if not operand.holds and was != operand.actual:
            was, now = figure(was, operand.unit, operand.actual), figure(operand.actual, operand.unit, was)
            return f"{new.code} {was} → {now}"
    return None


def watch(
    judge: Callable[[], Decision], look: Callable[[], object], render: Callable[[Decision], str], page: Screen
) -> None:
    """Judge, and again after every change, until the user interrupts it; an error is shown instead.

    Args:
        judge: gives a decision about what is there now.
        look: stamps of everything that a decision depends on; compared, never looked into.
        render: the page about a decision; printed where it differs from the one before.
    """
    last: Decision | None = None
    shown = ""

    def run() -> Callable[[], None]:
        nonlocal last, shown
        decision, lines = judge(), Lines(page)
        if last is not None:
            lines.add("")
            lines.add((changes(last, decision), "bold"), hang=2)
        text = render(decision)
        page_text = (lines.text() if last is not None else "") + (text if text != shown else "")
        last, shown = decision, text
        return lambda: write_text(page_text)

    repeat(run, look, "; nothing is recorded")


def repeat(run: Callable[[], Callable[[], None]], look: Callable[[], object], note: str = "") -> None:
    """Run, and again after every change of what ``look`` gives, until the user interrupts it.

    An error in ``run`` is shown, and the watch goes on; one in what it returns, which prints, ends the watch:
    nobody reads it any more. ``note`` is told at the beginning.
    """
    try:
        write_error(f"watching for changes{note}; Ctrl-C ends it")
        while True:
            seen = look()
            try:
                show = run()
            except (GateError, OSError) as error:
                text = error.diagnostics() if isinstance(error, GateError) else f"error: {error}"
                write_error(f"{text}\nstill watching")
            else:
                show()
            _await_change(look, seen)
    except KeyboardInterrupt:
        write_error("")


def _await_change(look: Callable[[], object], seen: object) -> None:
    """Return once the stamps differ from those seen, and no longer change from one look to the next."""
    before, differing = seen, 0
    while True:
        began = time.monotonic()
        now = look()
        differing = differing + 1 if now != seen else 0
        if differing and (now == before or differing >= MOST_LOOKS):
            return
        before = now
        time.sleep(max(LOOK_SECONDS, 4 * (time.monotonic() - began)))
