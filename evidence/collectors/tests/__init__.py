"""Collector ``tests``: results of a test run, counted from the test cases of JUnit XML reports.

The counts in a report's attributes are a claim: they are compared with the test cases, never used. See
:mod:`.junit` for the format, and ``docs/collectors/tests.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any, ClassVar

from ...base.errors import masked
from ...base.numbers import ratio_ppm
from ...base.times import format_utc
from ...collecting.interface import Observation, Options, Origin, Problem, ProblemKind, Scope
from ...reading.workspace import View
from ..shared.documents import read_matching
from ..shared.named import Names
from .junit import read_report
from .kinds import KINDS, STAGES
from .model import REMEDY, Identity, Report, Suite
from .words import OUTCOMES

_NAME_CHARS = 300
_SUITE_CHARS = 200
_MOST_NAMES = 2000
_SINGLE = (
    "functions", "skipped_ppm", "expected_failures", "unexpected_passes", "flaky", "reruns", "suites_total",
    "file",
)  # fmt: skip
_TIMES = ("duration_ms", "observed_at_s", "latest_s")
_PASSED, _BAD = 1, 2
_SEEN = {"passed": _PASSED, "failed": _BAD, "errors": _BAD, "skipped": 0}
_TIME_REMEDY = "write it with a tool that states a zone (pytest 8 or newer), or state it with gate provenance"
_KNOWN_REMEDY = "write the report as pytest, Surefire, Gradle, jest, mocha or googletest do"


@dataclass(frozen=True, slots=True)
class TestsOptions(Options):
    """Options of ``evidence.tests``.

    Attributes:
        junit: the reports (paths or globs); all that exist are counted together.
    """

    __test__ = False  # the name is no invitation to pytest

    junit: tuple[str, ...] = field(default=("junit.xml",))


class TestsCollector:
    """See the module."""

    __test__ = False  # the name is no invitation to pytest

    id: ClassVar[str] = "tests"
    version: ClassVar[str] = "8"
    Options: ClassVar[type[Options]] = TestsOptions

    def __init__(self, options: TestsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Count the test cases of every report that can be read; each other one is a problem."""
        problems: list[Problem] = []

        def read(path: str) -> Report:
            return read_report(view.read(path), path, view.limits)

        reports = read_matching(view, self._options.junit, problems, read)
        scope = Scope("", len(reports) + len(problems), len(reports), "test reports")
        if not reports:
            if not problems:
                reason = f"no test report found (looked for {', '.join(self._options.junit)})"
                problems.append(Problem("", reason, REMEDY))
            nothing: dict[str, Any] = {
                **dict.fromkeys(["total", *OUTCOMES, *_SINGLE, *_TIMES]),
                "flaky_tests": [],
                "function_names": [],
                "modules_not_there": [],
                "suites": [],
                "by_kind": dict.fromkeys((*KINDS, *STAGES)),
                "stage_passed": dict.fromkeys(STAGES),
            }
            return Observation(nothing, tuple(problems), scopes=(scope,))
        for path, report in reports.items():
            for what, place in report.unknown[: view.limits.problems]:
                unknown = ProblemKind.UNKNOWN
                problems.append(Problem("", what, _KNOWN_REMEDY, unknown, path=path, place=place))
        facts = _facts(reports, view.limits.problems)
        facts["modules_not_there"] = _not_there(reports.values(), view)[: view.limits.problems]
        if facts["skipped_ppm"] is None:
            problems.append(Problem("skipped_ppm", "the reports have no test case", REMEDY))
        if facts["duration_ms"] is None:
            reason = "the reports have a test case without a time, or no test case"
            problems.append(Problem("duration_ms", reason, REMEDY))
        silent = _without_time(reports)
        if silent is not None:
            reason = f"a suite in {silent} states no time with a zone"
            problems += [Problem(name, reason, _TIME_REMEDY, path=silent) for name in _TIMES[1:]]
        first = facts["observed_at_s"]
        tools = sorted({tool for report in reports.values() for tool in report.tools})
        return Observation(
            facts,
            tuple(problems),
            None if first is None else format_utc(first),
            tool=", ".join(tools)[:_NAME_CHARS] or None,
            format="junit",
            origins=_origins(reports.values()),
            scopes=(scope,),
        )


def _facts(reports: dict[str, Report], most: int) -> dict[str, Any]:
    suites = [suite for report in reports.values() for suite in report.suites]
    cases = [case for suite in suites for case in suite.cases]
    ends = Counter(end for suite in suites for end in suite.ends())
    flaky, reruns = _flaky(suites)
    kinds = {kind: _outcomes(ends, kind) for kind in (*KINDS, *STAGES)}
    counted = _outcomes(ends)
    times = [] if _without_time(reports) else [time for each in reports.values() for time in each.times]
    return {
        **counted,
        "functions": len(
            {(place, name.partition("[")[0]) for place, name in (each.identity for each in cases)}
        ),
        "function_names": _names(suites),
        "skipped_ppm": ratio_ppm(counted["skipped"], counted["total"]) if counted["total"] else None,
        "expected_failures": sum(case.expected_failure for case in cases),
        "unexpected_passes": sum(case.unexpected_pass for case in cases),
        "flaky": len(flaky),
        "flaky_tests": flaky[:most],
        "reruns": reruns,
        "suites": [
            {"name": suite.name[:_SUITE_CHARS], **_outcomes(Counter(suite.ends()))} for suite in suites[:most]
        ],
        "suites_total": len(suites),
        "by_kind": kinds,
        "stage_passed": {stage: kinds[stage]["passed"] for stage in STAGES},
        "file": ", ".join(reports),
        "duration_ms": _duration(suites),
        "observed_at_s": min(times, default=None),
        "latest_s": max(times, default=None),
    }


def _names(suites: list[Suite]) -> list[str]:
    """The functions' names if pytest, which takes them from the source, wrote a report; none if too many."""
    if not any(suite.by_pytest for suite in suites):
        return []
    cases = (case.identity[1] for suite in suites for case in suite.cases)
    names = {masked(name.partition("[")[0].partition(" ")[0][:_NAME_CHARS]) for name in cases} - {""}
    return sorted(names) if len(names) <= _MOST_NAMES else []


def _not_there(reports: Iterable[Report], view: View) -> list[str]:
    """Modules of tests that pytest ran and that no file of the workspace is."""
    suites = [suite for report in reports for suite in report.suites if suite.by_pytest]
    places = {case.identity[0] for suite in suites for case in suite.cases}
    if not suites:
        return []
    names = Names(view.paths())
    unknown = (place for place in places if place[:1] != "\n" and not names.have(place, inside=True))
    return sorted(masked(place[:_NAME_CHARS]) for place in unknown)


def _outcomes(ends: Counter[tuple[str, frozenset[str]]], kind: str | None = None) -> dict[str, int]:
    """How many cases ended how, of a kind or of all."""
    counted: Counter[str] = Counter()
    for (outcome, kinds), number in ends.items():
        if kind is None or kind in kinds:
            counted[outcome] += number
    return {"total": counted.total(), **{outcome: counted[outcome] for outcome in OUTCOMES}}


def _duration(suites: list[Suite]) -> int | None:
    """Sum of the times in milliseconds, rounded up; None when a case states none, or without a case."""
    stated = [suite.seconds for suite in suites]
    if None in stated or not any(suite.cases for suite in suites):
        return None
    seconds = sum((time for time in stated if time is not None), Decimal(0))
    return int((seconds * 1000).to_integral_value(ROUND_CEILING))


def _without_time(reports: dict[str, Report]) -> str | None:
    """The first report that does not state when each of its suites started.

    The earliest start is the age of the evidence: a stale report must not hide behind a fresh one, nor one
    that does not state its time.
    """
    for path, report in reports.items():
        if not report.times or any(suite.cases and suite.started_s is None for suite in report.suites):
            return path
    return None


def _flaky(suites: list[Suite]) -> tuple[list[str], int]:
    """Tests that both failed and passed, sorted, and the number of attempts that were followed by another."""
    seen: dict[Identity, int] = {}
    flaky: set[Identity] = set()
    reruns = 0
    for suite in suites:
        for case in suite.cases:
            seen[case.identity] = seen.get(case.identity, 0) | _SEEN[case.outcome]
            attempts = case.attempts + suite.attempts.get(case.identity, 0)
            if attempts and case.outcome == "passed":
                flaky.add(case.identity)
            reruns += case.attempts
        reruns += sum(suite.attempts.values())
    flaky |= {test for test, ended in seen.items() if ended == _PASSED | _BAD}
    return sorted("::".join(test).strip()[:_NAME_CHARS] for test in flaky), reruns


def _origins(reports: Iterable[Report]) -> tuple[Origin, ...]:
    """Each different statement once; beside a report that makes one, silence is a statement of nothing."""
    unique = dict.fromkeys(origin for report in reports for origin in (report.origins or [Origin()]))
    return tuple(unique) if any(origin != Origin() for origin in unique) else ()
