"""Collector ``tests``: results of a test run, counted from the test cases of JUnit XML reports.

The counts in a report's attributes are a claim: they are compared with the test cases, never used. Format:
https://docs.pytest.org/en/stable/how-to/output.html#creating-junitxml-format-files (pytest's, which is the
common core of what other tools write). See ``docs/collectors/tests.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import EvidenceError
from ..interface import Missing, Observation, Options
from ..times import format_utc, parse_rfc3339
from ..workspace import View

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

STAGES = ("stage6", "stage7", "stage8")
OUTCOMES = ("passed", "failed", "errors", "skipped")
_CHILDREN = ("failure", "error", "skipped")
"""Elements that make a test case's outcome, in the order of `OUTCOMES` without the first."""

_STAGE = re.compile(r"(?:test_)?(stage[678])(?![0-9])", re.IGNORECASE)
_COUNT = re.compile(r"[0-9]{1,9}")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?([eE]-[0-9]{1,2})?")
_NO_ZONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_REMEDY = "run the tests again: pytest --junitxml=junit.xml"
_PYTEST_ROOT = "pytest tests"


@dataclass(frozen=True, slots=True)
class TestsOptions(Options):
    """Options of ``evidence.tests``.

    Attributes:
        junit: the reports (paths or globs); all that exist are counted together.
    """

    __test__ = False  # the name is no invitation to pytest

    junit: tuple[str, ...] = field(default=("junit.xml",))


@dataclass(slots=True)
class _Suite:
    """Counts of one suite: its own test cases by outcome, and everything the attributes count."""

    name: str
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    elements: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_CHILDREN, 0))
    repeated: int = 0

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())


class TestsCollector:
    """See the module."""

    __test__ = False  # the name is no invitation to pytest

    id: ClassVar[str] = "tests"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = TestsOptions

    def __init__(self, options: TestsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Count the test cases of every report.

        Raises:
            EvidenceError: a report is malformed, is no JUnit report, or contradicts itself.
        """
        paths = list(dict.fromkeys(path for pattern in self._options.junit for path in view.glob(pattern)))
        if not paths:
            return _nothing(", ".join(self._options.junit))
        report = _Report()
        for path in paths:
            report.add(view.read_xml(path), path)
        missing = []
        if report.duration is None:
            reason = "the report has a test case without a time, or no test case"
            missing.append(Missing("duration_ms", reason, _REMEDY))
        if report.observed_at_s is None:
            reason = "the report states no time with a zone"
            missing.append(Missing("observed_at_s", reason, "write the report with pytest 8 or newer"))
        totals = {name: sum(suite.outcomes[name] for suite in report.suites) for name in OUTCOMES}
        facts: dict[str, Any] = {
            "total": sum(totals.values()),
            **totals,
            "suites": [
                {"name": suite.name, "total": suite.total, **suite.outcomes} for suite in report.suites
            ],
            "stage_passed": report.stage_passed,
            "file": ", ".join(paths),
            "duration_ms": report.duration,
            "observed_at_s": report.observed_at_s,
        }
        observed = None if report.observed_at_s is None else format_utc(report.observed_at_s)
        return Observation(facts, tuple(missing), observed)


def _nothing(patterns: str) -> Observation:
    reason = f"there is no test report ({patterns})"
    names = ["total", *OUTCOMES, *(f"stage_passed.{stage}" for stage in STAGES)]
    names += ["file", "duration_ms", "observed_at_s"]
    facts: dict[str, Any] = {
        "total": None,
        **dict.fromkeys(OUTCOMES),
        "suites": [],
        "stage_passed": dict.fromkeys(STAGES),
        "file": None,
        "duration_ms": None,
        "observed_at_s": None,
    }
    return Observation(facts, tuple(Missing(name, reason, _REMEDY) for name in names))


class _Report:
    """What all reports say together."""

    def __init__(self) -> None:
        self.suites: list[_Suite] = []
        self.stage_passed = dict.fromkeys(STAGES, 0)
        self.observed_at_s: int | None = None
        self._seconds: Decimal | None = Decimal(0)
        self._cases = 0

    @property
    def duration(self) -> int | None:
        """Sum of the times in milliseconds, rounded up; None when a case states none."""
        if self._seconds is None or not self._cases:
            return None
        return int((self._seconds * 1000).to_integral_value(ROUND_CEILING))

    def add(self, root: Element, path: str) -> None:
        """Count one report.

        Raises:
            EvidenceError: see :meth:`TestsCollector.collect`.
        """
        if root.tag not in ("testsuites", "testsuite"):
            raise EvidenceError(
                f"is not a JUnit report: its root element is {root.tag[:60]!r}", path=path, remedy=_REMEDY
            )
        subtests = root.tag == "testsuites" and root.get("name") == _PYTEST_ROOT
        own: dict[Element, _Suite] = {}
        order: list[tuple[Element, list[Element]]] = []
        pending = [root]
        while pending:
            element = pending.pop()
            nested = [child for child in element if child.tag in ("testsuite", "testsuites")]
            own[element] = self._suite(element, path)
            order.append((element, nested))
            pending.extend(reversed(nested))
        recursive: dict[Element, list[_Suite]] = {}
        for element, nested in reversed(order):
            below = [suite for child in nested for suite in recursive[child]]
            recursive[element] = [own[element], *below]
            _compare(element, [own[element]], recursive[element], path, subtests=subtests)
        self.suites += [
            own[element] for element, _ in order if element.tag == "testsuite" or own[element].total
        ]

    def _suite(self, element: Element, path: str) -> _Suite:
        name = element.get("name", "")
        suite = _Suite(name)
        self._time(element.get("timestamp"), name, path)
        previous: tuple[str | None, str | None] | None = None
        for case in element:
            if case.tag != "testcase":
                continue
            counted = {tag: sum(child.tag == tag for child in case) for tag in _CHILDREN}
            for tag, count in counted.items():
                suite.elements[tag] += count
            outcome = next(
                (name for name, tag in zip(OUTCOMES[1:], _CHILDREN, strict=True) if counted[tag]), "passed"
            )
            suite.outcomes[outcome] += 1
            # pytest writes a test that fails and whose tear-down fails too as two cases and counts it once
            identity = (case.get("classname"), case.get("name"))
            suite.repeated += identity == previous and outcome == "errors"
            previous = identity
            self._case(case, outcome, path)
        return suite

    def _case(self, case: Element, outcome: str, path: str) -> None:
        self._cases += 1
        stated = case.get("time")
        if stated is None:
            self._seconds = None
        elif not _SECONDS.fullmatch(stated):
            raise EvidenceError(
                f"the time {stated[:40]!r} is not a number of seconds",
                path=path,
                place=f"test case {case.get('name', '')[:100]!r}",
                remedy=_REMEDY,
            )
        elif self._seconds is not None:
            self._seconds += Decimal(stated)
        if outcome == "passed":
            parts = [*case.get("classname", "").split("."), *re.split(r"[/\\]", case.get("file", ""))]
            for stage in sorted({match[1].lower() for part in parts if (match := _STAGE.match(part))}):
                self.stage_passed[stage] += 1

    def _time(self, stated: str | None, suite: str, path: str) -> None:
        if stated is None or _NO_ZONE.fullmatch(stated):
            return
        try:
            moment = parse_rfc3339(stated)
        except ValueError as error:
            raise EvidenceError(
                f"the timestamp is wrong: {error}", path=path, place=f"suite {suite[:100]!r}", remedy=_REMEDY
            ) from error
        if moment < 0:
            raise EvidenceError(
                f"the timestamp {stated!r} lies before 1970",
                path=path,
                place=f"suite {suite[:100]!r}",
                remedy=_REMEDY,
            )
        self.observed_at_s = max(moment, self.observed_at_s or 0)


def _compare(
    element: Element, own: list[_Suite], recursive: list[_Suite], path: str, *, subtests: bool
) -> None:
    """Hold a suite's attributes against its test cases, counted with or without the suites nested in it."""
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        declared = _declared(element, attribute, path)
        counts = [sum(suite.elements[tag] for suite in suites) for suites in (own, recursive)]
        if declared is not None and declared not in counts:
            _contradiction(element, attribute, declared, counts[1], path)
    declared = _declared(element, "tests", path)
    if declared is None:
        return
    for suites in (own, recursive):
        cases = sum(suite.total for suite in suites)
        least = cases - sum(suite.repeated for suite in suites)
        # a test that passes and whose tear-down fails is one case that pytest counts twice
        most = cases + sum(suite.elements["error"] for suite in suites)
        # pytest counts passed subtests, which it does not write as cases
        if least <= declared and (declared <= most or subtests):
            return
    _contradiction(element, "tests", declared, sum(suite.total for suite in recursive), path)


def _declared(element: Element, attribute: str, path: str) -> int | None:
    stated = element.get(attribute)
    if stated is None:
        return None
    if not _COUNT.fullmatch(stated):
        raise EvidenceError(
            f"{attribute}={stated[:40]!r} is not a count",
            path=path,
            place=f"suite {element.get('name', '')[:100]!r}",
            remedy=_REMEDY,
        )
    return int(stated)


def _contradiction(element: Element, attribute: str, declared: int, counted: int, path: str) -> None:
    raise EvidenceError(
        f"the report contradicts itself: {attribute}={declared} is stated, {counted} are in its test cases",
        path=path,
        place=f"{element.tag} {element.get('name', '')[:100]!r}",
        remedy=_REMEDY,
    )
