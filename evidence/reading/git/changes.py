"""What changed: the lines of a file that are new against a commit, and files that were renamed."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ...base.limits import Limits
from .process import ask, neutral, private_directory, refusal, run

_HUNK = re.compile(rb"^@@ -[0-9]+(?:,[0-9]+)? \+([0-9]+)(?:,([0-9]+))? @@", re.MULTILINE)


def changed_lines(old: bytes, new: bytes, limits: Limits) -> frozenset[int]:
    """Numbers of the lines of ``new`` that ``git diff`` adds to ``old``, by its default (Myers) algorithm.

    Git compares two files of our own in a directory of our own, so no attribute, filter or driver applies;
    files with NUL bytes are compared line by line as well.
    """
    if old == new:
        return frozenset()
    with private_directory() as folder:
        (folder / "old").write_bytes(old)
        (folder / "new").write_bytes(new)
        arguments = [
            "diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--text",
            "--diff-algorithm=myers", "--indent-heuristic", "--unified=0", "--inter-hunk-context=0",
            "--", "old", "new",
        ]  # fmt: skip
        done = run(folder, arguments, limits, environment=neutral(folder))
    if done.returncode not in (0, 1) or done.stderr:
        raise refusal(Path("diff"), done)
    found: set[int] = set()
    for match in _HUNK.finditer(done.stdout):
        start = int(match[1])
        found.update(range(start, start + int(match[2] or 1)))
    return frozenset(found)


def renames(root: Path, commit: str, limits: Limits) -> dict[str, str]:
    """Files that ``git diff -M`` takes for renamed since the commit, in the index: new name → old name."""
    arguments = ["diff-index", "--cached", "--name-status", "-z", "-M", "-l1000", "--diff-filter=R"]
    fields = ask(root, [*arguments, "--relative", commit, "--"], limits).split(b"\x00")
    return {os.fsdecode(new): os.fsdecode(old) for old, new in zip(fields[1::3], fields[2::3], strict=False)}


def all_lines(data: bytes) -> frozenset[int]:
    """The numbers of all lines, the last one also without a line end."""
    count = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    return frozenset(range(1, count + 1))
