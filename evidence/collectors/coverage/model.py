"""What every coverage format comes down to: per workspace file, what ran, or which lines a report lists."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from operator import add

from msgspec import Struct, field

from ...base.errors import EvidenceError

_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}", re.ASCII)


class Counts(Struct, frozen=True):
    """Figures of one or more files, in statements and branches."""

    statements: int = 0
    covered: int = 0
    branches: int = 0
    taken: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine = (self.statements, self.covered, self.branches, self.taken)
        return Counts(*map(add, mine, (other.statements, other.covered, other.branches, other.taken)))


class Record(Struct):
    """What a measurement says of one file.

    Attributes:
        ran: numbers of the lines that ran.
        arcs: for coverage.py's own data, the branches taken, as pairs of line numbers; negative for the way
            in and out of a code object. Which arcs are possible, the source text says.
        listed: for a report, the lines that hold a statement; None for coverage.py's own data.
        branches: for a report, by line the branches taken and the branches there.
    """

    ran: set[int] = field(default_factory=set)
    arcs: set[tuple[int, int]] = field(default_factory=set)
    listed: set[int] | None = None
    branches: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add_branches(self, line: int, taken: int, total: int) -> None:
        """Take what is said of a line's branches; of two statements the higher figures count."""
        before = self.branches.get(line, (0, 0))
        self.branches[line] = (max(before[0], taken), max(before[1], total))

    def merge(self, other: Record) -> None:
        """Add what another record of the same file has: a line ran when any of them says so."""
        self.ran |= other.ran
        self.arcs |= other.arcs
        if self.listed is not None and other.listed is not None:
            self.listed |= other.listed
        for line, figures in other.branches.items():
            self.add_branches(line, *figures)

    def counts(self) -> Counts:
        """The figures of a report itself."""
        taken, total = (sum(figures[n] for figures in self.branches.values()) for n in (0, 1))
        return Counts(len(self.listed or ()), len(self.ran), total, taken)


class Measured(Struct, frozen=True):
    """A measurement, or several combined.

    Attributes:
        files: by workspace path, of the files asked about only.
        branches: whether branches were measured.
        tool: name and version of what wrote it, as it states; None when it does not.
        format: name and version of its format.
        observed_at_s: the time it states, epoch seconds; None when it states none that can be used.
        undated: why there is no time, one clause.
    """

    files: dict[str, Record]
    branches: bool
    tool: str | None
    format: str
    observed_at_s: int | None = None
    undated: str = ""


def tool_name(version: object) -> str | None:
    """``coverage.py`` and the version, when that is one."""
    return f"coverage.py {version}" if isinstance(version, str) and _VERSION.fullmatch(version) else None


class _Entry(Struct):
    name: str
    exact: bool
    record: Record
    rival: str | None = None


class Book:
    """Collects what a measurement says of workspace files, by its own names for them.

    A name means the workspace file of that name, relative or absolute. Any other name (from a build machine,
    or relative to a directory above) means the file that is its longest tail, in whole components. A name
    that is exactly the file's wins over one that only ends like it; two exact ones, and two mentions under
    one name, are merged.

    Args:
        files: every file of the workspace.
        wanted: those that are asked about.
        root: the workspace's absolute directory.
    """

    def __init__(self, files: Iterable[str], wanted: Iterable[str], root: str) -> None:
        self._files = frozenset(files)
        self._wanted = frozenset(wanted)
        self._root = f"{root}/"
        self._names = frozenset(path.rpartition("/")[2] for path in self._wanted)
        self._depth = max((path.count("/") + 1 for path in self._wanted), default=0)
        self._entries: dict[str, _Entry] = {}

    def find(self, name: str) -> tuple[str, bool] | None:
        """The file asked about that ``name`` means, and whether that is its very name."""
        if "\\" in name:
            name = name.replace("\\", "/")
        if name.rpartition("/")[2] not in self._names:
            return None
        name = posixpath.normpath(name)
        own = name.removeprefix(self._root)
        if own in self._files:
            return (own, True) if own in self._wanted else None
        parts = name.rsplit("/", self._depth)
        for start in range(1, len(parts)):
            tail = "/".join(parts[start:])
            if tail in self._files:
                return (tail, False) if tail in self._wanted else None
        return None

    def add(self, name: str, record: Record) -> None:
        """Take what is said under ``name``, if that is a file asked about."""
        found = self.find(name)
        if found is None:
            return
        path, exact = found
        entry = self._entries.get(path)
        if entry is None or (exact and not entry.exact):
            self._entries[path] = _Entry(name, exact, record)
        elif exact or (name == entry.name and not entry.exact):
            entry.record.merge(record)
        elif not entry.exact and entry.rival is None:
            entry.rival = name

    def finish(self, data_path: str) -> dict[str, Record]:
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
        return {path: entry.record for path, entry in self._entries.items()}
