"""Collector ``coverage``: how much of the configured sources the tests ran, as coverage.py recorded it.

The data file wins over the JSON report. Statements are counted in the source text as it is now. Options,
facts and their meaning: ``docs/collectors/coverage.md``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..errors import ConfigError
from ..interface import Missing, Observation, Options
from ..numbers import ratio_ppm
from ..workspace import View, check_relative, glob_regex
from . import _coverage_data as data

_FIGURES = ("line_ppm", "branch_ppm", "statements", "covered", "files", "never_imported")
_REMEDY = "run the tests under coverage: coverage run --branch -m pytest"


@dataclass(frozen=True, slots=True)
class CoverageOptions(Options):
    """Options of ``evidence.coverage``.

    Attributes:
        data: the data file.
        json_report: the JSON report, read when there is no data file (``json`` in gate.yaml).
        sources: directories whose Python files must be covered.
        omit: globs of files under them that do not count.
        exclude_also: regular expressions of lines (and the blocks they open) that do not count, besides
            coverage.py's defaults. The settings of the judged project itself are not read: what counts is
            decided where the auditor reads it.
    """

    data: str = ".coverage"
    json_report: str = field(default="coverage.json", metadata={"alias": "json"})
    sources: tuple[str, ...] = field(
        default=("algo_trade", "data_plane", "order_plane"), metadata={"min_length": 1}
    )
    omit: tuple[str, ...] = field(default=())
    exclude_also: tuple[str, ...] = field(default=())


class CoverageCollector:
    """See the module."""

    id: ClassVar[str] = "coverage"
    version: ClassVar[str] = "1"
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
            EvidenceError: the data or a source file is malformed, hostile or unreadable.
        """
        options = self._options
        if view.exists(options.data):
            path, kind = options.data, "coverage-sqlite"
            measurement = data.read_data_file(view.read(path), path)
        elif view.exists(options.json_report):
            path, kind = options.json_report, "coverage-json"
            measurement = data.read_report(view.read_json(path), path)
        else:
            parts = view.glob(f"{options.data}.*")
            return _unmeasured(
                f"neither {options.data} nor {options.json_report} exists"
                + (f", only the uncombined {parts[0]}" if parts else ""),
                "combine the data: coverage combine" if parts else _REMEDY,
            )
        groups = {source: self._files(view, source) for source in dict.fromkeys(options.sources)}
        paths = sorted({path for group in groups.values() for path in group})
        if not paths:
            return _unmeasured(
                "no Python file is under " + ", ".join(groups), "correct evidence.coverage.sources"
            )
        recorded = data.find_recorded(measurement, paths, view.root.as_posix(), path)
        if not recorded:
            return _unmeasured(f"{path} has no record of any file under " + ", ".join(groups), _REMEDY)
        try:
            counts = {
                source: data.count(
                    view.read_text(source),
                    source,
                    recorded.get(source),
                    measurement.branches,
                    options.exclude_also,
                )
                for source in paths
            }
        except data.NotCountable as error:
            return _unmeasured(str(error), "correct the source, or leave it out with evidence.coverage.omit")
        return _observation(counts, groups, kind, path, measurement)

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


def _observation(
    counts: dict[str, data.Counts],
    groups: dict[str, list[str]],
    kind: str,
    path: str,
    measurement: data.Measurement,
) -> Observation:
    total = sum(counts.values(), data.Counts())
    facts: dict[str, Any] = {
        "line_ppm": _share(total.covered, total.statements),
        "branch_ppm": _share(total.taken, total.branches),
        "statements": total.statements,
        "covered": total.covered,
        "files": len(counts),
        "never_imported": sum(count.statements > 0 and count.covered == 0 for count in counts.values()),
        "sources": [_source(source, [counts[file] for file in files]) for source, files in groups.items()],
        "format": kind,
        "tool": measurement.tool,
    }
    missing = []
    if facts["line_ppm"] is None:
        missing.append(
            Missing("line_ppm", "the sources have no statement", "correct evidence.coverage.sources")
        )
    if facts["branch_ppm"] is None:
        reason = "the sources have no branch" if measurement.branches else "branches were not measured"
        missing.append(Missing("branch_ppm", reason, _REMEDY))
    if facts["tool"] is None:
        missing.append(Missing("tool", f"{path} does not say which version wrote it", _REMEDY))
    return Observation(facts, tuple(missing))


def _source(source: str, counts: Sequence[data.Counts]) -> dict[str, Any]:
    total = sum(counts, data.Counts())
    return {
        "source": source,
        "files": len(counts),
        "statements": total.statements,
        "covered": total.covered,
        "line_ppm": _share(total.covered, total.statements),
    }


def _share(part: int, whole: int) -> int | None:
    return ratio_ppm(part, whole) if whole else None


def _unmeasured(reason: str, remedy: str) -> Observation:
    names = (*_FIGURES, "format", "tool")
    facts: dict[str, Any] = {**dict.fromkeys(_FIGURES), "sources": [], "format": None, "tool": None}
    return Observation(facts, tuple(Missing(name, reason, remedy) for name in names))
