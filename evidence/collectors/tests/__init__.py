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

from ...base.times import format_utc
from ...collecting.interface import Observation, Options, Origin, Problem
from ...reading.workspace import View
from .junit import read_report
from .kinds import KINDS, STAGES
from .model import OUTCOMES, REMEDY, Identity, Report, Suite

_NAME_CHARS = 300
_SINGLE = ("expected_failures", "unexpected_passes", "flaky", "reruns", "suites_total")
_PASSED, _BAD = 1, 2
_SEEN = {"passed": _PASSED, "failed": _BAD, "errors": _BAD, "skipped": 0}
_TIME_REMEDY = "write the report with pytest 8 or newer"


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
    version: ClassVar[str] = "3"
    Options: ClassVar[type[Options]] = TestsOptions

    def __init__(self, options: TestsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Count the test cases of every report.

        Raises:
            EvidenceError: a report is malformed, is no JUnit report, says something that is not known, or
                contradicts itself.
        """
        paths = list(dict.fromkeys(path for pattern in self._options.junit for path in view.glob(pattern)))
        if not paths:
            return _nothing(", ".join(self._options.junit))
        reports = {path: read_report(view.read(path), path, view.limits) for path in paths}
        suites = [suite for report in reports.values() for suite in report.suites]
        missing: list[Problem] = []
        duration = _duration(suites)
        if duration is None:
            reason = "the report has a test case without a time, or no test case"
            missing.append(Problem("duration_ms", reason, REMEDY))
        times = _times(reports)
        if isinstance(times, str):
            reason = f"a suite in {times} states no time with a zone"
            missing += [Problem(name, reason, _TIME_REMEDY) for name in ("observed_at_s", "latest_s")]
        first, last = (None, None) if isinstance(times, str) else times
        ends = Counter(end for suite in suites for end in suite.ends())
        flaky, reruns = _flaky(suites)
        kinds = {kind: _outcomes(ends, kind) for kind in (*KINDS, *STAGES)}
        most = view.limits.problems
        facts: dict[str, Any] = {
            **_outcomes(ends),
            "expected_failures": sum(case.expected_failure for suite in suites for case in suite.cases),
            "unexpected_passes": sum(case.unexpected_pass for suite in suites for case in suite.cases),
            "flaky": len(flaky),
            "flaky_tests": flaky[:most],
            "reruns": reruns,
            "suites": [{"name": suite.name, **_outcomes(Counter(suite.ends()))} for suite in suites[:most]],
            "suites_total": len(suites),
            "by_kind": kinds,
            "stage_passed": {stage: kinds[stage]["passed"] for stage in STAGES},
            "file": ", ".join(paths),
            "duration_ms": duration,
            "observed_at_s": first,
            "latest_s": last,
        }
        tools = sorted({tool for report in reports.values() for tool in report.tools})
        return Observation(
            facts,
            tuple(missing),
            None if first is None else format_utc(first),
            tool=", ".join(tools)[:_NAME_CHARS] or None,
            format="junit",
            origins=_origins(reports.values()),
        )


def _nothing(patterns: str) -> Observation:
    reason = f"there is no test report ({patterns})"
    names = ["total", *OUTCOMES, *_SINGLE, "file", "duration_ms", "observed_at_s", "latest_s"]
    facts: dict[str, Any] = {
        **dict.fromkeys(names),
        "flaky_tests": [],
        "suites": [],
        "by_kind": dict.fromkeys((*KINDS, *STAGES)),
        "stage_passed": dict.fromkeys(STAGES),
    }
    names += [f"{name}.{key}" for name in ("by_kind", "stage_passed") for key in facts[name]]
    return Observation(facts, tuple(Problem(name, reason, REMEDY) for name in names))


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


def _times(reports: dict[str, Report]) -> tuple[int, int] | str:
    """The earliest and the latest start, or the report that keeps silent about one.

    The earliest is the age of the evidence: a stale report must not hide behind a fresh one, nor one that
    does not state its time.
    """
    for path, report in reports.items():
        silent = any(suite.cases and suite.started_s is None for suite in report.suites)
        if silent or report.span is None:
            return path
    spans = [report.span for report in reports.values() if report.span is not None]
    return min(first for first, _ in spans), max(last for _, last in spans)


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
