"""Facts of the collector ``coverage`` from counted files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ...base.numbers import ratio_ppm
from ...base.times import format_utc
from ...collecting.interface import Observation, Problem, Scope
from .counting import Counted
from .model import Counts, Measured

_SINGLE = (
    "line_ppm", "branch_ppm", "statements", "covered", "branches", "taken", "files", "never_imported",
    "foreign_lines", "unlisted_lines", "excluded_statements", "excluded_ppm", "diff", "format", "tool",
    "observed_at_s",
)  # fmt: skip
"""Facts that are null when nothing was measured."""

_UNIT = "Python files of the sources, those of tests left out"
_BRANCH_REMEDY = "measure branches too: coverage run --branch -m pytest"
_SOURCES_REMEDY = "correct evidence.coverage.sources"


class Evidence(Struct, frozen=True):
    """Where the measurement comes from: the fact ``format``, the first file read, and what it said."""

    kind: str
    path: str
    measured: Measured


class Changes(Struct, frozen=True):
    """The commit compared with, and the lines of each file that differ from it."""

    base: str
    lines: Mapping[str, frozenset[int]]


def unmeasured(reason: str, remedy: str) -> Observation:
    """Nothing was measured, for this one reason."""
    facts: dict[str, Any] = {**dict.fromkeys(_SINGLE), "sources": [], "packages": [], "excluded": []}
    return Observation(facts, (Problem("", reason, remedy),), scopes=(Scope("", 0, 0, _UNIT),))


def observation(
    counted: Mapping[str, Counted],
    looked_at: int,
    groups: Mapping[str, Sequence[str]],
    evidence: Evidence,
    changes: Changes | None,
    problems: Iterable[Problem],
    most: int,
) -> Observation:
    """Everything that was measured."""
    measured = evidence.measured
    files = counted.values()
    total = sum((file.counts for file in files), Counts())
    excluded = sum(file.excluded for file in files)
    packages: dict[str, list[str]] = {}
    for path in counted:
        packages.setdefault(path.rpartition("/")[0] or ".", []).append(path)

    def entry(paths: Iterable[str]) -> dict[str, Any]:
        known = [counted[path].counts for path in paths if path in counted]
        return {"files": len(known), **_figures(sum(known, Counts()), measured.branches)}

    facts: dict[str, Any] = {
        **_figures(total, measured.branches),
        "files": len(counted),
        "never_imported": sum(file.counts.statements > 0 and file.counts.covered == 0 for file in files),
        "foreign_lines": sum(file.foreign for file in files),
        "unlisted_lines": sum(file.unlisted for file in files),
        "excluded_statements": excluded,
        "excluded_ppm": _share(excluded, excluded + total.statements),
        "excluded": [
            {"path": path, "statements": file.excluded}
            for path, file in sorted(counted.items(), key=lambda item: -item[1].excluded)[:most]
            if file.excluded
        ],
        "sources": [{"source": source, **entry(paths)} for source, paths in groups.items()],
        "packages": _least_covered(
            [{"name": name, **entry(paths)} for name, paths in packages.items()], most
        ),
        "diff": None if changes is None else _diff(changes, counted),
        "format": evidence.kind,
        "tool": measured.tool,
        "observed_at_s": measured.observed_at_s,
    }
    return Observation(
        facts,
        (*problems, *_missing(facts, evidence)),
        observed_at=None if measured.observed_at_s is None else format_utc(measured.observed_at_s),
        tool=measured.tool,
        format=measured.format,
        scopes=(Scope("", looked_at, len(counted), _UNIT),),
    )


def _missing(facts: Mapping[str, Any], evidence: Evidence) -> Iterable[Problem]:
    measured = evidence.measured
    for name in ("line_ppm", "excluded_ppm"):
        if facts[name] is None:
            yield Problem(name, "the sources have no statement", _SOURCES_REMEDY)
    if not measured.branches:
        for name in ("branches", "taken", "branch_ppm"):
            yield Problem(name, "branches were not measured", _BRANCH_REMEDY)
    elif facts["branch_ppm"] is None:
        yield Problem("branch_ppm", "the sources have no branch", _SOURCES_REMEDY)
    if facts["diff"] is not None and facts["diff"]["line_ppm"] is None:
        reason = "no statement of the sources changed since the base"
        yield Problem("diff.line_ppm", reason, "compare with an earlier commit, if there should be a change")
    if facts["tool"] is None:
        reason = f"{evidence.path} does not say which tool and version wrote it"
        yield Problem("tool", reason, "write it with one current coverage.py")
    if facts["observed_at_s"] is None:
        yield Problem(
            "observed_at_s",
            measured.undated,
            "write a Cobertura report (coverage xml), which states its time, or a provenance file beside it",
        )


def _figures(counts: Counts, branches: bool) -> dict[str, Any]:
    return {
        "statements": counts.statements,
        "covered": counts.covered,
        "line_ppm": _share(counts.covered, counts.statements),
        "branches": counts.branches if branches else None,
        "taken": counts.taken if branches else None,
        "branch_ppm": _share(counts.taken, counts.branches) if branches else None,
    }


def _least_covered(packages: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """At most so many packages, by name; when there are more, those with the lowest line coverage."""

    def share(package: Mapping[str, Any]) -> tuple[bool, int, str]:
        ppm = package["line_ppm"]
        return ppm is None, ppm or 0, package["name"]

    return sorted(sorted(packages, key=share)[:most], key=lambda package: str(package["name"]))


def _diff(changes: Changes, counted: Mapping[str, Counted]) -> dict[str, Any]:
    statements = covered = files = 0
    for path, file in counted.items():
        changed = changes.lines[path]
        files += bool(changed)
        statements += len(changed & file.lines)
        covered += len(changed & file.ran)
    return {
        "base": changes.base,
        "files": files,
        "statements": statements,
        "covered": covered,
        "line_ppm": _share(covered, statements),
    }


def _share(part: int, whole: int) -> int | None:
    return ratio_ppm(part, whole) if whole else None
