"""The one walk through a workspace, which reads no file's content."""

from __future__ import annotations

import os
from bisect import bisect_left
from pathlib import Path

from msgspec import Struct

from ...base.errors import EvidenceError, UsageError
from ..files import printable
from ..paths import glob_regex, may_match_below

DERIVED_DIRECTORIES = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
"""Never looked into, wherever they are: what is in them follows from other files or is the history itself."""

TOOL_DIRECTORIES = frozenset({".venv", "venv", "node_modules", ".hypothesis", ".tox", ".nox", ".idea"})
"""Not looked into at the top of the workspace. Deeper down they may hide code that is judged."""


class Inventory(Struct, frozen=True):
    """What the walk met: regular files sorted and as a set, links with their texts, anything else.

    ``refused`` has the directories whose entries are not known, ``.`` for all that the walk did not come to,
    each with the reason and the remedy.
    """

    files: tuple[str, ...]
    known: frozenset[str]
    links: dict[str, str]
    special: frozenset[str]
    refused: dict[str, tuple[str, str]]

    def refusal(self, folder: str) -> EvidenceError:
        """Why the entries of a directory are not known."""
        what, remedy = self.refused[folder]
        return EvidenceError(what, path=printable(folder), remedy=remedy)

    def is_file(self, path: str) -> bool:
        """Whether the walk met a regular file of this name.

        Raises EvidenceError: something else has that name, or nobody knows.
        """
        if path in self.known:
            return True
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            prefix = "/".join(parts[:count])
            if prefix in self.links:
                raise EvidenceError(
                    "is a symbolic link, which evidence may not be",
                    path=printable(prefix),
                    remedy="replace the link by the file itself",
                )
            if prefix in self.special:
                raise EvidenceError(
                    "is not a regular file", path=printable(prefix), remedy="replace it by a regular file"
                )
            if prefix in self.refused:
                raise self.refusal(prefix)
        if "." in self.refused:
            raise self.refusal(".")
        return False

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Everything but directories that matches a glob, sorted.

        Raises EvidenceError: a directory that it leads into is a refused one.
        """
        for folder in self.refused:
            if may_match_below(pattern, folder):
                raise self.refusal(folder)
        matches = glob_regex(pattern).fullmatch
        fixed = pattern.partition("*")[0].partition("?")[0]
        found = [path for path in (*self.links, *self.special) if matches(path)]
        for number in range(bisect_left(self.files, fixed), len(self.files)):
            path = self.files[number]
            if not path.startswith(fixed):
                break
            if matches(path):
                found.append(path)
        return tuple(sorted(found))


def walk(root: Path, ignore: frozenset[str], most: int) -> Inventory:
    """Look through everything below ``root``. Raises UsageError: ``root`` itself cannot be listed."""
    files: list[str] = []
    links: dict[str, str] = {}
    special: set[str] = set()
    refused: dict[str, tuple[str, str]] = {}
    pending = [""]
    seen = 0
    while pending:
        folder = pending.pop()
        below: list[str] = []
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    seen += 1
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_symlink():
                        links[path] = os.readlink(entry.path)  # noqa: PTH115 - Path would rewrite the text
                    elif entry.is_dir(follow_symlinks=False):
                        if not _left_out(folder, entry.name) and path not in ignore:
                            below.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        if entry.name != ".git":  # where a work tree or submodule has its repository
                            files.append(path)
                    else:
                        special.add(path)
        except OSError as error:
            what = f"the directory cannot be listed: {error.strerror}"
            if not folder:
                raise UsageError(what, path=str(root), remedy="make the workspace readable") from error
            refused[folder] = (what, "make it readable, or exclude it under subject.exclude in gate.yaml")
        if seen > most:
            what = f"the workspace has more than {most} entries"
            refused["."] = (what, "judge a smaller directory, or widen limits.inventory_entries in gate.yaml")
            break
        pending += sorted(below, reverse=True)  # where the limit ends the walk, it ends the next one, too
    files.sort()
    return Inventory(tuple(files), frozenset(files), links, frozenset(special), refused)


def _left_out(folder: str, name: str) -> bool:
    return name in DERIVED_DIRECTORIES or (not folder and name in TOOL_DIRECTORIES)
