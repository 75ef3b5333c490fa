"""The one walk through a workspace, which reads no file's content."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ...base.errors import EvidenceError
from ..files import printable

DERIVED_DIRECTORIES = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
"""Never looked into, wherever they are: what is in them follows from other files or is the history itself."""

TOOL_DIRECTORIES = frozenset({".venv", "venv", "node_modules", ".hypothesis", ".tox", ".nox", ".idea"})
"""Not looked into at the top of the workspace. Deeper down they may hide code that is judged."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the walk met: regular files sorted and as a set, links with their texts, anything else."""

    files: tuple[str, ...]
    known: frozenset[str]
    links: dict[str, str]
    special: frozenset[str]


def walk(root: Path, ignore: frozenset[str], most: int) -> Inventory:
    """Look through everything below ``root``.

    Args:
        root: the directory.
        ignore: relative directories left out.
        most: entries accepted.

    Raises:
        EvidenceError: a directory cannot be listed, or there are too many entries.
    """
    files: list[str] = []
    links: dict[str, str] = {}
    special: set[str] = set()
    pending = [""]
    seen = 0
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    seen += 1
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_symlink():
                        links[path] = os.readlink(entry.path)  # noqa: PTH115 - Path would rewrite the text
                    elif entry.is_dir(follow_symlinks=False):
                        if not _left_out(folder, entry.name) and path not in ignore:
                            pending.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        files.append(path)
                    else:
                        special.add(path)
        except OSError as error:
            raise EvidenceError(
                f"the directory cannot be listed: {error.strerror}",
                path=printable(folder or "."),
                remedy="make it readable, or remove it from the workspace",
            ) from error
        if seen > most:
            raise EvidenceError(
                f"the workspace has more than {most} entries",
                path=printable(folder or "."),
                remedy="judge a smaller directory",
            )
    files.sort()
    return Inventory(tuple(files), frozenset(files), links, frozenset(special))


def _left_out(folder: str, name: str) -> bool:
    return name in DERIVED_DIRECTORIES or (not folder and name in TOOL_DIRECTORIES)
