"""What every coverage format comes down to: per workspace file, what ran, or which lines a report lists.

Also the one rule by which a path in a measurement belongs to a file of the workspace.
"""

from __future__ import annotations

import posixpath
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, Self, TypeVar

from ...base.errors import EvidenceError


@dataclass(frozen=True, slots=True)
class Counts:
    """Figures of one or more files, in statements and branches."""

    statements: int = 0
    covered: int = 0
    branches: int = 0
    taken: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.statements + other.statements,
            self.covered + other.covered,
            self.branches + other.branches,
            self.taken + other.taken,
        )


@dataclass(slots=True)
class Recorded:
    """What was recorded of one file: lines that ran and, where branches were measured, arcs that were taken.

    An arc is a pair of line numbers, negative for the way in and out of a code object. Which lines hold
    statements, and which arcs are possible, is not recorded: the source text says it.
    """

    lines: set[int] = field(default_factory=set)
    arcs: set[tuple[int, int]] = field(default_factory=set)

    def merge(self, other: Self) -> None:
        """Add what another record of the same file has."""
        self.lines |= other.lines
        self.arcs |= other.arcs


def _integers() -> array[int]:
    return array("i")


@dataclass(slots=True)
class Listed:
    """What a report lists of one file. Compact, because a report may list millions of lines.

    Attributes:
        lines: numbers of the lines that hold a statement.
        ran: those of them that ran.
        branches: triples of line number, branches taken there, branches there.
    """

    lines: array[int] = field(default_factory=_integers)
    ran: array[int] = field(default_factory=_integers)
    branches: array[int] = field(default_factory=_integers)

    def merge(self, other: Self) -> None:
        """Add another mention of the same file: a line ran when any mention says so."""
        self.lines.extend(other.lines)
        self.ran.extend(other.ran)
        self.branches.extend(other.branches)

    def taken_branches(self) -> dict[int, tuple[int, int]]:
        """By line, branches taken and branches; of two mentions of one line the higher figures count."""
        most: dict[int, tuple[int, int]] = {}
        flat = iter(self.branches)
        for line, taken, total in zip(flat, flat, flat, strict=True):
            before = most.get(line, (0, 0))
            most[line] = (max(before[0], taken), max(before[1], total))
        return most

    def counts(self) -> Counts:
        """The figures of the report itself."""
        most = self.taken_branches()
        return Counts(
            len(set(self.lines)),
            len(set(self.ran)),
            sum(total for _, total in most.values()),
            sum(taken for taken, _ in most.values()),
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement, or several combined.

    Attributes:
        files: by workspace path, of the files asked about only.
        branches: whether branches were measured.
        tool: name and version of what wrote it, as it states; None when it does not.
        format: name and version of its format.
        observed_at_s: the time it states, epoch seconds; None when it states none that can be used.
        undated: why there is no time, one clause.
    """

    files: dict[str, Recorded] | dict[str, Listed]
    branches: bool
    tool: str | None
    format: str
    observed_at_s: int | None = None
    undated: str = ""


class Targets:
    """Finds the workspace file that a path in a measurement means.

    A path means the workspace file of that name, relative or absolute. Any other path (from a build machine,
    or relative to a directory above) means the file that is its longest tail, in whole components.

    Args:
        files: every file of the workspace.
        wanted: those that are asked about.
        root: the workspace's absolute directory.
    """

    def __init__(self, files: Iterable[str], wanted: Iterable[str], root: str) -> None:
        self._files = frozenset(files)
        self.wanted = frozenset(wanted)
        self._root = f"{root}/"
        self._names = frozenset(path.rpartition("/")[2] for path in self.wanted)
        self._depth = max((path.count("/") + 1 for path in self.wanted), default=0)

    def find(self, name: str) -> tuple[str, bool] | None:
        """The file asked about that ``name`` means, and whether that is its very name."""
        if "\\" in name:
            name = name.replace("\\", "/")
        if name.rpartition("/")[2] not in self._names:
            return None
        name = posixpath.normpath(name)
        own = name.removeprefix(self._root)
        if own in self._files:
            return (own, True) if own in self.wanted else None
        parts = name.rsplit("/", self._depth)
        for start in range(1, len(parts)):
            tail = "/".join(parts[start:])
            if tail in self._files:
                return (tail, False) if tail in self.wanted else None
        return None


class _Mergeable(Protocol):
    def merge(self, other: Self, /) -> None: ...


M = TypeVar("M", bound=_Mergeable)


@dataclass(slots=True)
class _Entry(Generic[M]):
    name: str
    exact: bool
    content: M
    rival: str | None = None


class Book(Generic[M]):
    """Collects what a measurement says of workspace files, by its own names for them.

    A name that is exactly the file's wins over one that only ends like it; two exact ones, and two mentions
    under one name, are merged.
    """

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._entries: dict[str, _Entry[M]] = {}

    def add(self, name: str, content: M) -> None:
        """Take what is said under ``name``, if that is a file asked about."""
        found = self._targets.find(name)
        if found is not None:
            self.put(*found, name, content)

    def put(self, path: str, exact: bool, name: str, content: M) -> None:
        """Take what is said under ``name``, which means the workspace file ``path``."""
        entry = self._entries.get(path)
        if entry is None or (exact and not entry.exact):
            self._entries[path] = _Entry(name, exact, content)
        elif exact or (name == entry.name and not entry.exact):
            entry.content.merge(content)
        elif not entry.exact and entry.rival is None:
            entry.rival = name

    def finish(self, data_path: str) -> dict[str, M]:
        """What was said, by workspace path.

        Raises:
            EvidenceError: two names could mean one file and neither is exactly its name.
        """
        for path, entry in sorted(self._entries.items()):
            if entry.rival is not None:
                raise EvidenceError(
                    f"records {path} twice, as {entry.name} and as {entry.rival}",
                    path=data_path,
                    remedy="combine the data with the [paths] setting of coverage.py, or set relative_files",
                )
        return {path: entry.content for path, entry in self._entries.items()}
