"""Collector ``coverage``: how much of the configured sources the tests ran, by what coverage tools wrote.

The most original of the files wins. Only what ran is taken from it: statements are counted in the source text
as it is now.
Options, facts and their meaning: ``docs/collectors/coverage.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ...base.errors import ConfigError, EvidenceError
from ...base.settings import Text
from ...collecting.interface import Observation, Options
from ...reading.workspace import View, check_relative, glob_regex
from . import facts
from .counting import Counted, NotCountable, count
from .model import Measured, Targets

if TYPE_CHECKING:
    from ...reading.git.history import History

DEFAULT_SOURCES = ("algo_trade", "data_plane", "order_plane")
DEFAULT_FILES = (".coverage", "coverage.json", "coverage.xml", "coverage.lcov")
"""Where measurements are looked for, the most original first."""

_BESIDE_DATA = ("-journal", ".provenance.json")
"""Ends of names that are no parallel data files although they begin like one."""
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
        sources: directories whose Python files must be covered, each with at least one; by default
            `DEFAULT_SOURCES`, as far as they are there.
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
    version: ClassVar[str] = "3"
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
            EvidenceError: the data, a report or a source file is malformed, hostile or unreadable; a
                configured source has no Python file; git does not know the base.
        """
        groups = self._groups(view)
        history = view.history
        base = self._base(history)
        paths = sorted({path for group in groups.values() for path in group})
        inputs = self._inputs(view)
        if not inputs:
            names = [name for name in self._options.files if name is not None]
            reason = f"none of {', '.join(names)} exists" if len(names) > 1 else f"{names[0]} does not exist"
            return facts.unmeasured(reason, _REMEDY)
        targets = Targets(view.paths(), paths, view.root.as_posix())
        kind, measured = self._read(view, inputs, targets)
        if not paths:
            return facts.unmeasured(
                "no Python file is under " + ", ".join(groups), "correct evidence.coverage.sources"
            )
        if not measured.files:
            return facts.unmeasured(
                f"{inputs[0]} has no record of any file under " + ", ".join(groups), _REMEDY
            )
        try:
            counted = {path: self._count(view, path, measured) for path in paths}
        except NotCountable as error:
            return facts.unmeasured(
                str(error), "correct the source, or leave it out with evidence.coverage.omit"
            )
        changes = None
        if base is not None:
            lines = {path: history.changed_lines(base, path, view.read(path)) for path in paths}
            changes = facts.Changes(base, lines)
        evidence = facts.Evidence(kind, inputs[0], measured)
        return facts.observation(counted, groups, evidence, changes, view.limits)

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

    def _read(self, view: View, inputs: list[str], targets: Targets) -> tuple[str, Measured]:
        """The kind of file that is read, and what it says of the sources."""
        path = inputs[0]
        _, json_report, xml, lcov = self._options.files
        if path == json_report:
            from .json_report import read_report

            return "coverage-json", read_report(view.read_json(path), path, targets)
        if path == xml:
            from .cobertura import read_cobertura

            return "cobertura-xml", read_cobertura(view.read(path), path, targets, view.limits)
        if path == lcov:
            from .lcov import read_lcov

            return "lcov", read_lcov(view.lines(path), path, targets)
        from .data_file import read_data_files

        contents = {part: view.read(part) for part in inputs}
        if sum(map(len, contents.values())) > view.limits.file_bytes:
            raise EvidenceError(
                f"the parallel data files are together larger than {view.limits.file_bytes} bytes",
                path=path,
                remedy="combine the data: coverage combine",
            )
        return "coverage-sqlite", read_data_files(contents, targets)

    def _count(self, view: View, path: str, measured: Measured) -> Counted:
        found = measured.files.get(path)
        return count(view.read_text(path), path, found, measured.branches, self._options.exclude_also)

    def _base(self, history: History) -> str | None:
        """The commit that the configured base names."""
        revision = self._options.base
        if revision is None:
            return None
        commit = history.resolve(revision)
        if commit is None:
            raise EvidenceError(
                f"the base {revision[:80]!r} is no commit that git knows here",
                path="gate.yaml",
                place="/evidence/coverage/base",
                remedy="name a branch, tag or commit that is there, and fetch it first (no shallow clone)",
            )
        return commit

    def _groups(self, view: View) -> dict[str, list[str]]:
        """The Python files that count, by configured source."""
        configured = self._options.sources
        groups = {
            source: self._files(view, source) for source in dict.fromkeys(configured or DEFAULT_SOURCES)
        }
        for place, source in enumerate(configured or ()):
            if not groups[source]:
                raise EvidenceError(
                    f"no Python file that counts is under the source {source[:80]!r}",
                    path="gate.yaml",
                    place=f"/evidence/coverage/sources/{place}",
                    remedy="correct or remove it: nothing says whether what it should name is covered",
                )
        return groups

    def _files(self, view: View, source: str) -> list[str]:
        """Python files at or below the source directory that are not omitted."""
        place = check_relative(source.rstrip("/"))
        dropped = [glob_regex(pattern) for pattern in self._options.omit]
        return [
            path
            for path in view.paths()
            if path.endswith(".py")
            and (path == place or path.startswith(f"{place}/"))
            and not any(drop.fullmatch(path) for drop in dropped)
        ]
