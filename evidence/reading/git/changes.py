"""What changed: the last commit that touched a path, and the lines that are new against a commit."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from ...base.limits import Limits
from .objects import object_id
from .plumbing import utf8
from .process import ask, neutral, private_directory, refusal, run, shallow_commits

_COMMITS = 100_000
"""Commits looked at for one answer; what was not touched by them is unknown."""
_PATHS = 500
"""Paths on one command line."""
_HUNK = re.compile(rb"^@@ -[0-9]+(?:,[0-9]+)? \+([0-9]+)(?:,([0-9]+))? @@", re.MULTILINE)
_LATEST = 2**53 - 1


class Change(Struct, frozen=True):
    """The last commit that touched a file; its time (epoch seconds) as the commit itself states it."""

    commit: str
    author_email: str | None
    time_s: int | None


class _Commit(Struct, frozen=True):
    tree: str
    parents: tuple[str, ...]
    change: Change


def last_changes(root: Path, commit: str, paths: Sequence[str], limits: Limits) -> dict[str, Change]:
    """See :meth:`gate.evidence.history.History.last_changes`; two git commands for up to 500 paths."""
    found: dict[str, Change] = {}
    for start in range(0, len(paths), _PATHS):
        found |= _last_changes(root, commit, paths[start : start + _PATHS], limits)
    return found


def _last_changes(root: Path, commit: str, paths: Sequence[str], limits: Limits) -> dict[str, Change]:
    commits = _commits(root, commit, paths, limits)
    if not commits:
        return {}
    first = next(iter(commits))
    empty = object_id("tree", b"", len(commit))
    pairs = {(empty, commits[first].tree)}
    for one in commits.values():
        before = [commits[parent].tree for parent in one.parents if parent in commits]
        pairs |= {(tree, one.tree) for tree in before or [empty]}
    differing = _differing(root, sorted(pairs), paths, limits)
    cut = shallow_commits(root)
    found = {}
    for path in set(paths) & differing[empty, commits[first].tree]:
        change = _walk(path, first, commits, differing, empty)
        if change is not None and change.commit not in cut:
            found[path] = change
    return found


def _walk(
    path: str,
    first: str,
    commits: Mapping[str, _Commit],
    differing: Mapping[tuple[str, str], frozenset[str]],
    empty: str,
) -> Change | None:
    """From commit to parent as long as one has the file unchanged, the first such parent as git does."""
    at = first
    while True:
        one = commits[at]
        if not set(one.parents) <= commits.keys():
            return None
        same = (parent for parent in one.parents if path not in differing[commits[parent].tree, one.tree])
        following = next(same, None)
        if following is None:
            return one.change
        at = following


def _commits(root: Path, commit: str, paths: Sequence[str], limits: Limits) -> dict[str, _Commit]:
    """The commits that touch one of the paths and all merges, newest first, with parents among themselves."""
    arguments = ["rev-list", "--full-history", "--parents", f"--max-count={_COMMITS}", "--encoding=UTF-8"]
    output = ask(root, [*arguments, "--format=%T%x00%ae%x00%ct", commit, "--", *paths], limits)
    lines = output.split(b"\n")
    found = {}
    for head, line in zip(lines[::2], lines[1::2], strict=False):
        name, *parents = head.decode("ascii").removeprefix("commit ").split(" ")
        tree, author, time = line.split(b"\x00")
        change = Change(name, utf8(author), _seconds(time))
        found[name] = _Commit(tree.decode("ascii"), tuple(parents), change)
    return found


def _differing(
    root: Path, pairs: Sequence[tuple[str, str]], paths: Sequence[str], limits: Limits
) -> dict[tuple[str, str], frozenset[str]]:
    """For each pair of trees the paths whose content or kind differs."""
    output = ask(
        root,
        ["diff-tree", "--stdin", "-r", "--raw", "-z", "--no-renames", "--relative", "--", *paths],
        limits,
        "".join(f"{old} {new}\n" for old, new in pairs).encode(),
    )
    found: dict[tuple[str, str], set[str]] = {pair: set() for pair in pairs}
    current: set[str] = set()
    at = 0
    while at < len(output):
        if output[at : at + 1] == b":":
            start = output.index(b"\x00", at) + 1
            at = output.index(b"\x00", start)
            current.add(os.fsdecode(output[start:at]))
        else:
            end = output.index(b"\n", at)
            old, _, new = output[at:end].decode("ascii").partition(" ")
            current = found[old, new]
            at = end
        at += 1
    return {pair: frozenset(changed) for pair, changed in found.items()}


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


def _seconds(raw: bytes) -> int | None:
    return int(raw) if re.fullmatch(rb"[0-9]{1,16}", raw) and int(raw) <= _LATEST else None
