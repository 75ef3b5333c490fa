"""Statements and branches of a Python source text, found by coverage.py's own parser, and how many ran.

So the figures are those of coverage.py's report, for the text as it is now.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from msgspec import Struct

from ...base.errors import EvidenceError
from ..shared import python_source as python
from .model import Counts, Record


class Counted(Struct, frozen=True):
    """One file, counted.

    Attributes:
        counts: its figures.
        lines: first lines of its statements.
        ran: those of them that ran.
        foreign: lines that the measurement names and that hold no statement in the text: it was made from
            another text.
        unlisted: statements of the text that a report does not list; none of them ran.
        excluded: statements that do not count because a comment (``pragma: no cover``) or a pattern of the
            settings excludes them.
    """

    counts: Counts
    lines: frozenset[int]
    ran: frozenset[int]
    foreign: int
    unlisted: int
    excluded: int


def count(source: str, path: str, record: Record | None, branches: bool, also: Sequence[str]) -> Counted:
    """Statements and branches of a source text and how many of them ran.

    Args:
        source: the file's text.
        path: its name, for messages.
        record: what was measured of it; None when it was never imported.
        branches: whether branches were measured.
        also: regular expressions that exclude a line or the block it opens, besides coverage.py's defaults.

    Raises:
        EvidenceError: the source does not parse.
    """
    library = _library()
    python.silence_warnings()
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    text += "" if text.endswith("\n") or not text else "\n"
    record = record or Record()
    what = python.INVALID
    try:
        parser = _parser(text, also)
        excluded = 0
        if parser.excluded:
            excluded = len(_parser(text, (), pragmas=False).statements) - len(parser.statements)
        if record.listed is not None:
            return _compare(record, record.listed, parser, branches, excluded)
        analysis = library.analyse(_any(_Seen(record, branches)), 0, _any(_reporter(parser)), path)
        found = analysis.numbers
        taken = found.n_branches - found.n_missing_branches
        counts = Counts(found.n_statements, found.n_statements - found.n_missing, found.n_branches, taken)
        statements = frozenset(analysis.statements)
        ran = statements - analysis.missing
        return Counted(counts, statements, ran, _foreign(record.ran, parser), 0, excluded)
    except library.NotPython as error:
        cause, what = error, f"{what}: {str(error).rpartition(': ')[2][:200]}"
    except (RecursionError, MemoryError) as error:
        cause, what = error, "nests too deeply to be analysed"
    except (ValueError, AssertionError) as error:
        cause = error
    remedy = "correct the source, or leave it out with evidence.coverage.omit"
    raise EvidenceError(what, path=path, remedy=remedy) from cause


def _compare(record: Record, listed: set[int], parser: Any, branches: bool, excluded: int) -> Counted:
    """What a report says of the statements that the text has.

    Otherwise a report that lists only what ran, or lines that the text does not have, could claim anything.
    """
    statements = frozenset(parser.statements)
    ran = statements & parser.first_lines(record.ran)
    unlisted = statements - parser.first_lines(listed)
    total = taken = 0
    if branches:
        # line 0 stands for branches that a report sums up without listing them
        said = record.branches.items()
        real = [found for line, found in said if line == 0 or parser.first_line(line) in statements]
        exits = parser.exit_counts()
        total = sum(found[1] for found in real)
        total += sum(exits[line] for line in unlisted if exits.get(line, 0) > 1)
        taken = sum(found[0] for found in real)
    counts = Counts(len(statements), len(ran), total, taken)
    return Counted(counts, statements, ran, _foreign(listed, parser), len(unlisted), excluded)


def _foreign(lines: set[int], parser: Any) -> int:
    """How many of the lines hold no statement, docstring or excluded code; line 0 is the module's entry."""
    held = parser.first_lines(
        parser.raw_statements | parser.raw_docstrings | parser.excluded | parser.raw_excluded
    )
    # the one line of an empty file is recorded when it is imported
    return sum(parser.first_line(line) not in held for line in lines if line > (0 if parser.text else 1))


def _any(value: object) -> Any:
    """The value without its type: these two stand in for classes that only read from files."""
    return value


class _Seen(Struct, frozen=True):
    """Stands in for CoverageData: one file's record."""

    record: Record
    branches: bool

    def has_arcs(self) -> bool:
        return self.branches

    def lines(self, _name: str) -> list[int]:
        return sorted(self.record.ran)

    def arcs(self, _name: str) -> list[tuple[int, int]]:
        return sorted(self.record.arcs)


@functools.cache
def _library() -> SimpleNamespace:
    """The parts of coverage.py that analyse a text.

    Importing the package also imports everything that measures and reports, which takes as long as the
    analysis of an average project. So its modules are imported under a package that is not executed.
    """
    loaded = sys.modules.get("coverage")
    if loaded is None:
        spec = importlib.util.find_spec("coverage")
        assert spec is not None  # noqa: S101 - a dependency of ours
        sys.modules["coverage"] = importlib.util.module_from_spec(spec)
    try:
        from coverage import config, exceptions, misc, parser, results
    finally:
        if loaded is None:
            del sys.modules["coverage"]  # whoever needs the package gets the whole of it
    return SimpleNamespace(
        NotPython=exceptions.NotPython,
        analyse=results.analysis_from_file_reporter,
        Parser=parser.PythonParser,
        default_exclude=config.DEFAULT_EXCLUDE,
        join=misc.join_regex,
        partial=misc.join_regex([*config.DEFAULT_PARTIAL, *config.DEFAULT_PARTIAL_ALWAYS]),
    )


def _parser(text: str, also: Sequence[str], *, pragmas: bool = True) -> Any:
    """Coverage.py's parser, having parsed the text; without ``pragmas`` no comment excludes anything."""
    library = _library()
    patterns = [*(each for each in library.default_exclude if pragmas or "pragma" not in each), *also]
    exclude = library.join(patterns) if patterns else None
    parser = library.Parser(text=text, filename=python.FILENAME, exclude=exclude)
    parser.parse_source()
    return parser


def _reporter(parser: Any) -> Any:
    """Stands in for coverage.py's file reporter, whose own reads the file from disk a second time."""

    class Reporter:
        lines = staticmethod(lambda: parser.statements)
        excluded_lines = staticmethod(lambda: parser.excluded)
        translate_lines = staticmethod(parser.translate_lines)
        translate_arcs = staticmethod(parser.translate_arcs)
        arcs = staticmethod(parser.arcs)
        exit_counts = staticmethod(parser.exit_counts)

        @staticmethod
        def no_branch_lines() -> set[int]:
            return parser.lines_matching(_library().partial)  # type: ignore[no-any-return]

    return Reporter()
