"""Coverage measurements, out of coverage.py's data file or its JSON report, and what they say of a source.

The data file is SQLite (https://coverage.readthedocs.io/en/latest/dbschema.html) and may be hostile: it is
opened as a private copy, and only when it holds plain tables of reasonable size. Statements, exclusions and
branches are found in the source text by coverage.py's own parser, so the figures are those of its report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ..errors import EvidenceError
from . import _python_source as python

_HEADER = b"SQLite format 3\x00"
_COMPUTED = re.compile(r"\bvirtual\b|\bgenerated\b|\bas\s*\(", re.IGNORECASE)
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}", re.ASCII)
_FORMATS = (2, 3)
_AGAIN = "measure again: coverage run -m pytest"


@dataclass(slots=True)
class Recorded:
    """What was recorded of one file: lines that ran and, where branches were measured, arcs that were taken.

    An arc is a pair of line numbers, negative for the way in and out of a code object.
    """

    lines: set[int] = field(default_factory=set)
    arcs: set[tuple[int, int]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A data set: what was recorded by path as stated, whether branches were, and which tool wrote it."""

    files: dict[str, Recorded]
    branches: bool
    tool: str | None


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


class NotCountable(Exception):
    """A source has no statements to count because it does not parse; the message says why."""


def read_data_file(data: bytes, path: str) -> Measurement:
    """The measurement in the bytes of a coverage.py data file.

    Raises:
        EvidenceError: not such a file, damaged, of another schema, or built to do harm.
    """
    import sqlite3
    import tempfile
    from contextlib import nullcontext

    from coverage import CoverageData
    from coverage.exceptions import CoverageException

    if not data.startswith(_HEADER):
        raise EvidenceError("is not a coverage.py data file (no SQLite header)", path=path, remedy=_AGAIN)
    with tempfile.TemporaryDirectory(prefix="gate-coverage-") as folder:
        copy = Path(folder) / "data"
        copy.write_bytes(data)
        try:
            tool = _inspect(copy, path)
            found = CoverageData(basename=str(copy))
            # where the library can, the file is opened once instead of for every question
            keep_open = getattr(found, "keep_db_open", nullcontext)
            try:
                found.read()
                branches = found.has_arcs()
                with keep_open():
                    files = {
                        name: Recorded(
                            set(found.lines(name) or ()), set(found.arcs(name) or ()) if branches else set()
                        )
                        for name in sorted(found.measured_files())
                    }
            finally:
                found.close(force=True)
        except (CoverageException, sqlite3.Error, ValueError, TypeError) as error:
            said = str(error).replace(str(copy), path)
            raise EvidenceError(
                f"the coverage data cannot be read: {said[:200]}", path=path, remedy=_AGAIN
            ) from error
    return Measurement(files, branches, tool)


def _inspect(copy: Path, path: str) -> str | None:
    """Refuse a database that computes anything when it is read; the tool that wrote it, where it says so."""
    import sqlite3
    from contextlib import closing

    def refuse(what: str) -> NoReturn:
        raise EvidenceError(f"the coverage data {what}", path=path, remedy=_AGAIN)

    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        for kind, name, sql in database.execute("select type, name, sql from sqlite_master"):
            if kind == "index" and sql is None:
                continue
            if kind != "table" or not isinstance(sql, str) or _COMPUTED.search(sql):
                refuse(f"has the {kind} {str(name)[:40]!r}, which coverage.py never makes")
        if database.execute("pragma quick_check(1)").fetchone() != ("ok",):
            refuse("is damaged")
        checks = (
            (
                "select count(*) from file where typeof(path) <> 'text'",
                "names a file by something else than text",
            ),
            (
                # one bit a line: 131072 bytes are about a million lines
                "select count(*) from line_bits where typeof(numbits) <> 'blob' or length(numbits) > 131072",
                "has an impossible set of line numbers",
            ),
            (
                "select count(*) from arc where typeof(fromno) <> 'integer' or typeof(tono) <> 'integer'",
                "has a branch without line numbers",
            ),
        )
        for query, what in checks:
            if database.execute(query).fetchone()[0]:
                refuse(what)
        row = database.execute("select value from meta where key = 'version'").fetchone()
    return _tool(row[0] if row else None)


def _tool(version: Any) -> str | None:
    return f"coverage.py {version}" if isinstance(version, str) and _VERSION.fullmatch(version) else None


def read_report(report: Any, path: str) -> Measurement:
    """The measurement in a parsed ``coverage json`` report (formats 2 and 3).

    Only the recorded lines and branches are used; its sums are a claim that is not needed.

    Raises:
        EvidenceError: another shape.
    """

    def refuse(what: str, place: str) -> NoReturn:
        raise EvidenceError(
            what, path=path, place=place, remedy="write it again with a current coverage.py: coverage json"
        )

    def member(value: Any, name: str, kind: type, place: str) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get(name), kind):
            refuse(f"is no coverage.py JSON report: {name!r} is not there or of another type", place)
        return value[name]

    def numbers(value: list[Any], place: str) -> list[int]:
        if not all(isinstance(item, int) and not isinstance(item, bool) for item in value):
            refuse("is no coverage.py JSON report: a line number is not an integer", place)
        return value

    meta = member(report, "meta", dict, "/")
    if meta.get("format") not in _FORMATS:
        refuse(f"has the report format {meta.get('format')!r}, known are 2 and 3", "/meta/format")
    branches = member(meta, "branch_coverage", bool, "/meta")
    files = {}
    for name, entry in member(report, "files", dict, "/").items():
        place = "/files/" + name.replace("~", "~0").replace("/", "~1")
        recorded = Recorded(set(numbers(member(entry, "executed_lines", list, place), place)))
        if branches:
            for arc in member(entry, "executed_branches", list, place):
                if not isinstance(arc, list) or len(arc) != 2:
                    refuse("is no coverage.py JSON report: a branch is not a pair", place)
                start, end = numbers(arc, place)
                recorded.arcs.add((start, end))
        files[name] = recorded
    return Measurement(files, branches, _tool(meta.get("version")))


def find_recorded(
    measurement: Measurement, paths: Iterable[str], root: str, data_path: str
) -> dict[str, Recorded]:
    """What was recorded of workspace files, by their path.

    A recorded path is a workspace file's when it is that path, or ends with it below some directory (an
    absolute path, or one relative to a directory above the workspace). The workspace's own directory wins.

    Raises:
        EvidenceError: two recorded paths could be one file and neither lies in the workspace.
    """
    by_name: dict[str, list[str]] = {}
    for name in measurement.files:
        by_name.setdefault(_posix(name).rpartition("/")[2], []).append(name)
    found = {}
    for path in paths:
        candidates = by_name.get(path.rpartition("/")[2], [])
        exact = [name for name in candidates if _posix(name) in (path, f"{root}/{path}")]
        tails = exact or [name for name in candidates if _posix(name).endswith(f"/{path}")]
        if len(tails) > 1 and not exact:
            raise EvidenceError(
                f"records {path} twice, as {tails[0]} and as {tails[1]}",
                path=data_path,
                remedy="combine the data with the [paths] setting of coverage.py, or set relative_files",
            )
        if tails:
            found[path] = measurement.files[tails[0]]
    return found


def _posix(name: str) -> str:
    return name.replace("\\", "/")


def count(source: str, path: str, recorded: Recorded | None, branches: bool, also: Sequence[str]) -> Counts:
    """Statements and branches of a source text and how many of them ran.

    Args:
        source: the file's text.
        path: its name, for messages.
        recorded: what was measured; None when the file was never imported.
        branches: whether branches were measured.
        also: regular expressions that exclude a line or the block it opens, besides coverage.py's defaults.

    Raises:
        NotCountable: the source does not parse.
    """
    from coverage.exceptions import NotPython
    from coverage.results import analysis_from_file_reporter

    python.silence_warnings()
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    text += "" if text.endswith("\n") or not text else "\n"
    seen = _Seen(recorded or Recorded(), branches)
    try:
        reporter = _reporter(text, also)
        numbers = analysis_from_file_reporter(_any(seen), 0, _any(reporter), path).numbers
    except NotPython as error:
        raise NotCountable(f"{path} is not valid Python: {str(error).rpartition(': ')[2][:200]}") from error
    except (RecursionError, MemoryError) as error:
        raise NotCountable(f"{path} nests too deeply to be analysed") from error
    except (ValueError, AssertionError) as error:
        raise NotCountable(f"{path} cannot be analysed: {str(error)[:200]}") from error
    return Counts(
        numbers.n_statements,
        numbers.n_statements - numbers.n_missing,
        numbers.n_branches,
        numbers.n_branches - numbers.n_missing_branches,
    )


def _any(value: object) -> Any:
    """The value without its type: these two stand in for classes that only read from files."""
    return value


@dataclass(frozen=True, slots=True)
class _Seen:
    """Stands in for CoverageData: one file's record."""

    recorded: Recorded
    branches: bool

    def has_arcs(self) -> bool:
        return self.branches

    def lines(self, _name: str) -> list[int]:
        return sorted(self.recorded.lines)

    def arcs(self, _name: str) -> list[tuple[int, int]]:
        return sorted(self.recorded.arcs)


def _reporter(text: str, also: Sequence[str]) -> Any:
    """Stands in for coverage.py's file reporter, whose own reads the file from disk a second time."""
    from coverage.config import DEFAULT_EXCLUDE, DEFAULT_PARTIAL, DEFAULT_PARTIAL_ALWAYS
    from coverage.misc import join_regex
    from coverage.parser import PythonParser

    parser = PythonParser(text=text, filename=python.FILENAME, exclude=join_regex([*DEFAULT_EXCLUDE, *also]))
    parser.parse_source()

    class Reporter:
        lines = staticmethod(lambda: parser.statements)
        excluded_lines = staticmethod(lambda: parser.excluded)
        translate_lines = staticmethod(parser.translate_lines)
        translate_arcs = staticmethod(parser.translate_arcs)
        arcs = staticmethod(parser.arcs)
        exit_counts = staticmethod(parser.exit_counts)

        @staticmethod
        def no_branch_lines() -> set[int]:
            return parser.lines_matching(join_regex([*DEFAULT_PARTIAL, *DEFAULT_PARTIAL_ALWAYS]))

    return Reporter()
