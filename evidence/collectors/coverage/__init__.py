"""Collector ``coverage``: how much of the configured sources the tests ran, by what coverage tools wrote.

The most original of the files wins. Only what ran is taken from it: statements are counted in the source text
as it is now.
Files in directories named ``test`` or ``tests`` are not under measurement.
Options, facts and their meaning: ``docs/collectors/coverage.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from ...base.errors import ConfigError, EvidenceError
from ...base.settings import Text
from ...collecting.interface import Observation, Options, Problem, ProblemKind
from ...reading.workspace import View, check_relative, glob_regex
from ..shared.python_source import decode_source
from . import facts
from .counting import Counted, count
from .model import Book, Measured

_TESTS = frozenset({"test", "tests"})
"""Directories whose files are tests, wherever they lie: they are not under measurement."""
DEFAULT_FILES = (".coverage", "coverage.json", "coverage.xml", "coverage.lcov")
"""Where measurements are looked for, the most original first."""

_BESIDE_DATA = ("-journal", ".provenance.json")
"""Ends of names that are no parallel data files although they begin like one."""
_WRONG = "correct or remove it in evidence.coverage.sources"
_REMEDY = "run the tests under coverage: coverage run --branch -m pytest"


@dataclass(frozen=True, slots=True)
class CoverageOptions(Options):
    """Options of ``evidence.coverage``.

    Of the four kinds of files the first that exists is read. Where one or more are named, the others are not
    looked for; otherwise they are, under `DEFAULT_FILES`.

    Attributes:
        data: the data file; when there is none, the parallel ones beside it (``.coverage.*``) are combined.
        json_report: the JSON report (``json`` in gate.yaml).
        xml: the Cobertura report.
        lcov: the LCOV report.
        sources: directories, files or globs whose Python files must be covered, those in directories named
            ``test`` or ``tests`` left out; by default the judged sources (``subject.sources``).
        omit: globs of files under them that do not count.
        exclude_also: regular expressions of lines (and the blocks they open) that do not count, besides
            coverage.py's defaults. The settings of the judged project itself are not read: what counts is
            decided where the auditor reads it.
        base: the git revision (branch, tag or commit) since which changed lines are counted apart.
    """

    data: Text | None = None
    json_report: Text | None = field(default=None, metadata={"alias": "json"})
    xml: Text | None = None
    lcov: Text | None = None
    sources: tuple[str, ...] | None = field(default=None, metadata={"min_length": 1})
    omit: tuple[str, ...] = field(default=())
    exclude_also: tuple[str, ...] = field(default=())
    base: Text | None = None

    @property
    def files(self) -> tuple[str | None, ...]:
        """Names of the data file and of the JSON, Cobertura and LCOV reports; None for what is not read."""
        named = (self.data, self.json_report, self.xml, self.lcov)
        return named if any(name is not None for name in named) else DEFAULT_FILES


class CoverageCollector:
    """See the module."""

    id: ClassVar[str] = "coverage"
    version: ClassVar[str] = "4"
    Options: ClassVar[type[Options]] = CoverageOptions

    def __init__(self, options: CoverageOptions) -> None:
        for place, expression in enumerate(options.exclude_also):
            try:
                re.compile(f"(?:x)|(?:{expression})")  # coverage joins them, where no flags may stand
            except re.error as error:
                raise ConfigError(
                    f"{expression[:80]!r} is not a regular expression: {error}",
                    path="gate.yaml",
                    place=f"/evidence/coverage/exclude_also/{place}",
                    remedy="correct it",
                ) from error
        self._options = options

    def collect(self, view: View) -> Observation:
        """Read the measurement and count statements in the sources.

        Raises:
            ConfigError: the base is not the name of a branch, tag or commit.
        """
        groups, nowhere = self._groups(view)
        inputs = self._inputs(view)
        if not inputs:
            names = [name for name in self._options.files if name is not None]
            return facts.unmeasured(f"no coverage report found (looked for {', '.join(names)})", _REMEDY)
        paths = sorted({path for group in groups.values() for path in group})
        kind, measured = self._read(view, inputs, Book(view.paths(), paths, view.root.as_posix()))
        if not paths:
            reason = f"the sources have no Python file outside of tests ({', '.join(self._sources(view))})"
            return facts.unmeasured(reason, "name directories with Python code in evidence.coverage.sources")
        if not measured.files:
            reason = f"{inputs[0]} has no record of any file under {', '.join(groups)}"
            return facts.unmeasured(reason, _REMEDY)
        problems = [
            Problem("line_ppm", f"nothing is under the source {source[:80]!r}", _WRONG, ProblemKind.UNKNOWN)
            for source in nowhere
        ]
        counted: dict[str, Counted] = {}
        for path in paths:
            try:
                text = decode_source(view.read(path, view.limits.text_bytes), path)
                record, also = measured.files.get(path), self._options.exclude_also
                counted[path] = count(text, path, record, measured.branches, also)
            except EvidenceError as error:
                problems.append(Problem.rejected(error))
        changes = self._changes(view, list(counted), problems)
        evidence = facts.Evidence(kind, inputs[0], measured)
        return facts.observation(
            counted, len(paths), groups, evidence, changes, problems, view.limits.problems
        )

    def _changes(self, view: View, paths: list[str], problems: list[Problem]) -> facts.Changes | None:
        """What differs from the configured base; None, with a problem, where that is not known."""
        revision = self._options.base
        if revision is None:
            reason = "no base commit is configured"
            problems.append(Problem("diff", reason, "name a branch, tag or commit in evidence.coverage.base"))
            return None
        history = view.history
        base = history.resolve(revision)
        if base is None:
            reason = f"git knows no commit {revision[:80]!r} (evidence.coverage.base)"
            problems.append(Problem("diff", reason, "fetch it (git fetch --unshallow), or name another base"))
            return None
        try:
            lines = {path: history.changed_lines(base, path, view.read(path)) for path in paths}
        except EvidenceError as error:
            problems.append(Problem.rejected(error, "diff"))
            return None
        return facts.Changes(base, lines)

    def _inputs(self, view: View) -> list[str]:
        """The files that are read: the most original ones there are."""
        data, *reports = self._options.files
        parts: list[str] = []
        if data is not None:
            if view.exists(data):
                return [data]
            parts = [
                path
                for path in view.glob(f"{data}.*")
                if path not in reports and not path.endswith(_BESIDE_DATA)
            ]
        return parts or [path for path in reports if path is not None and view.exists(path)][:1]

    def _read(self, view: View, inputs: list[str], book: Book) -> tuple[str, Measured]:
        """The kind of file that is read, and what it says of the sources."""
        path = inputs[0]
        _, json_report, xml, lcov = self._options.files
        if path == json_report:
            from .json_report import read_report

            return "coverage-json", read_report(view, path, book)
        if path == xml:
            from .cobertura import read_cobertura

            return "cobertura-xml", read_cobertura(view.read(path), path, book, view.limits)
        if path == lcov:
            from .lcov import read_lcov

            return "lcov", read_lcov(view.lines(path), path, book)
        from .data_file import read_data_files

        contents = {part: view.read(part) for part in inputs}
        if sum(map(len, contents.values())) > view.limits.file_bytes:
            what = f"the parallel data files are together larger than {view.limits.file_bytes} bytes"
            raise EvidenceError(what, path=path, remedy="combine the data: coverage combine")
        return "coverage-sqlite", read_data_files(contents, book)

    def _sources(self, view: View) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._options.sources or view.judged().patterns or (".",)))

    def _groups(self, view: View) -> tuple[dict[str, list[str]], list[str]]:
        """The Python files under measurement, by source; and the sources under which there is no file."""
        dropped = [glob_regex(pattern) for pattern in self._options.omit]
        groups: dict[str, list[str]] = {}
        nowhere = []
        for source in self._sources(view):
            found = list(view.paths())
            if source != ".":  # a directory, file or glob
                place = glob_regex(check_relative(source.rstrip("/"), found=True) + "/**")
                found = [path for path in found if place.fullmatch(f"{path}/")]
            nowhere += [] if found else [source]
            groups[source] = [
                path
                for path in found
                if path.endswith(".py")
                and not _TESTS.intersection(path.split("/")[:-1])
                and not any(drop.fullmatch(path) for drop in dropped)
            ]
        return {source: paths for source, paths in groups.items() if paths}, nowhere
