"""JUnit XML reports: what their elements say, held against what their attributes claim.

There is no standard; this reads the common core of what pytest
(https://docs.pytest.org/en/stable/how-to/output.html#creating-junitxml-format-files), Maven Surefire
(https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd) and googletest
(https://google.github.io/googletest/advanced.html#generating-an-xml-report) write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from ...errors import EvidenceError
from ...interface import Origin
from ...times import parse_rfc3339
from .kinds import kinds_of, markers_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

OUTCOMES = ("passed", "failed", "errors", "skipped")
REMEDY = "run the tests again: pytest --junitxml=junit.xml"

_CHILDREN = ("failure", "error", "skipped")
"""Elements that make a test case's outcome, in the order of `OUTCOMES` without the first."""
_ATTEMPTS = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError"})
"""Surefire's elements for an attempt that failed and was followed by another one."""
_SUITES = ("testsuite", "testsuites")
_PYTEST_ROOT = "pytest tests"
_STRICT = "[XPASS(strict)]"
_NAME_CHARS = 200

_COUNT = re.compile(r"[0-9]{1,9}")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?([eE]-[0-9]{1,2})?")
_NO_ZONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_STATEMENTS = {
    "commit": (re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}"), "the full id of a commit: git rev-parse HEAD"),
    "dirty": (re.compile(r"true|false"), "true or false"),
    "source_digest": (
        re.compile(r"[0-9a-f]{64}"),
        "the SHA-256 that gate states as the source digest, in hex",
    ),
}

Identity = tuple[str, str]
"""A test across suites and reports: where it is defined, and its name."""


@dataclass(frozen=True, slots=True)
class Case:
    """One ``testcase`` element.

    Attributes:
        identity: equal for the same test.
        outcome: one of `OUTCOMES`.
        bare: whether nothing in it says how it ended; this means a pass, or an attempt that failed.
        kinds: what kinds of test it is.
        expected_failure: it failed, which it is marked to do; the outcome is ``skipped``.
        unexpected_pass: it passed, and is marked to fail for sure; the outcome is ``failed``.
        attempts: failed attempts before the last one that the element itself lists.
        seconds: how long it took; None where it does not say.
    """

    identity: Identity
    outcome: str
    bare: bool
    kinds: frozenset[str]
    expected_failure: bool
    unexpected_pass: bool
    attempts: int
    seconds: Decimal | None


@dataclass(slots=True)
class Suite:
    """One ``testsuite`` (or root) element without the suites nested in it.

    Attributes:
        name: its name, cut to two hundred characters.
        cases: its test cases, without the attempts that were followed by another one.
        attempts: such attempts that stood in it as cases of their own, by test.
        started_s: epoch seconds its start is stated as, by itself or a suite around it; None when it is not.
        elements: how many ``failure``, ``error`` and ``skipped`` elements its cases have.
        seconds: time of everything in it, attempts included; None when one does not state it.
    """

    name: str
    started_s: int | None
    cases: list[Case] = field(default_factory=list)
    attempts: dict[Identity, int] = field(default_factory=dict)
    elements: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_CHILDREN, 0))
    seconds: Decimal | None = Decimal(0)

    def count(self, outcome: str) -> int:
        """Its cases that ended so."""
        return sum(case.outcome == outcome for case in self.cases)

    @property
    def repeated(self) -> int:
        """Errors that follow another outcome of the same test: pytest may count the two as one."""
        seen: set[Identity] = set()
        found = 0
        for case in self.cases:
            found += case.outcome == "errors" and case.identity in seen
            seen.add(case.identity)
        return found


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    Attributes:
        suites: its suites in document order; a root that is no suite only if it has cases of its own.
        started: every start stated with a zone, in epoch seconds.
        origins: what its suites state about the sources.
        tools: what its suites state as the tool that ran them.
    """

    suites: list[Suite]
    started: list[int]
    origins: list[Origin]
    tools: list[str]


def read_report(root: Element, path: str) -> Report:
    """Everything a report says.

    Args:
        root: its root element.
        path: the file, for messages.

    Raises:
        EvidenceError: it is no JUnit report, contradicts itself, or has a malformed count, time or statement.
    """
    if root.tag not in _SUITES:
        raise EvidenceError(
            f"is not a JUnit report: its root element is {root.tag[:60]!r}", path=path, remedy=REMEDY
        )
    subtests = root.tag == "testsuites" and root.get("name") == _PYTEST_ROOT
    own: dict[Element, Suite] = {}
    order: list[tuple[Element, list[Element]]] = []
    report = Report([], [], [], [])
    pending: list[tuple[Element, int | None, frozenset[str]]] = [(root, None, frozenset())]
    while pending:
        element, started, markers = pending.pop()
        nested = [child for child in element if child.tag in _SUITES]
        stated = _time(element, path)
        if stated is not None:
            report.started.append(stated)
            started = stated
        markers |= markers_of(element)
        own[element] = _suite(element, started, markers, path)
        order.append((element, nested))
        _statements(element, report, path)
        pending.extend((child, started, markers) for child in reversed(nested))
    below: dict[Element, list[Suite]] = {}
    for element, nested in reversed(order):
        inner = [suite for child in nested for suite in below[child]]
        below[element] = [own[element], *inner]
        _reconcile(element, own[element], inner, path, subtests=subtests)
    report.suites.extend(
        own[element] for element, _ in order if element.tag == "testsuite" or own[element].cases
    )
    return report


def _suite(element: Element, started: int | None, markers: frozenset[str], path: str) -> Suite:
    name = element.get("name", "")
    suite = Suite(name[:_NAME_CHARS], started)
    for node in element:
        if node.tag != "testcase":
            continue
        for child in node:
            if child.tag in suite.elements:
                suite.elements[child.tag] += 1
        case = _case(node, name, markers, path)
        suite.cases.append(case)
        if case.seconds is None or suite.seconds is None:
            suite.seconds = None
        else:
            suite.seconds += case.seconds
    return suite


def _case(node: Element, suite: str, markers: frozenset[str], path: str) -> Case:
    tags = {child.tag for child in node}
    outcome = next((name for name, tag in zip(OUTCOMES[1:], _CHILDREN, strict=True) if tag in tags), "passed")
    if outcome == "passed" and (node.get("status") == "notrun" or node.get("result") == "suppressed"):
        outcome = "skipped"  # a disabled test of googletest, which has no child that says so
    place = node.get("classname") or node.get("file")
    return Case(
        # two suites may both have a test of one name; only a place tells whether it is the same test
        identity=(place or f"\n{suite}", node.get("name", "")),
        outcome=outcome,
        bare=not tags & {*_CHILDREN, *_ATTEMPTS} and outcome == "passed",
        kinds=kinds_of(node, suite, markers),
        expected_failure=outcome == "skipped" and _has(node, "skipped", "type", "pytest.xfail"),
        unexpected_pass=outcome == "failed" and _has(node, "failure", "message", _STRICT),
        attempts=sum(child.tag in _ATTEMPTS for child in node),
        seconds=_seconds(node, path),
    )


def _has(node: Element, tag: str, attribute: str, start: str) -> bool:
    return any(child.tag == tag and child.get(attribute, "").startswith(start) for child in node)


def _seconds(node: Element, path: str) -> Decimal | None:
    stated = node.get("time")
    if stated is None:
        return None
    if not _SECONDS.fullmatch(stated):
        raise EvidenceError(
            f"the time {stated[:40]!r} is not a number of seconds",
            path=path,
            place=f"test case {node.get('name', '')[:100]!r}",
            remedy=REMEDY,
        )
    return Decimal(stated)


def _time(element: Element, path: str) -> int | None:
    stated = element.get("timestamp")
    if stated is None or _NO_ZONE.fullmatch(stated):
        return None
    try:
        moment = parse_rfc3339(stated)
    except ValueError as error:
        raise EvidenceError(
            f"the timestamp is wrong: {error}", path=path, place=_place(element), remedy=REMEDY
        ) from error
    if moment < 0:
        raise EvidenceError(
            f"the timestamp {stated!r} lies before 1970", path=path, place=_place(element), remedy=REMEDY
        )
    return moment


def _statements(element: Element, report: Report, path: str) -> None:
    """The properties of a suite that say what was tested and by what."""
    said: dict[str, str] = {}
    for node in element.iterfind("properties/property"):
        name, value = node.get("name", ""), node.get("value", "")
        if name == "tool" and value:
            report.tools.append(value[:_NAME_CHARS])
        if name not in _STATEMENTS:
            continue
        form, meaning = _STATEMENTS[name]
        if not form.fullmatch(value) or said.setdefault(name, value) != value:
            raise EvidenceError(
                f"the property {name} has the value {value[:80]!r}"
                + (f" and {said[name]!r}" if name in said and said[name] != value else ""),
                path=path,
                place=_place(element),
                remedy=f"write it once, as {meaning}",
            )
    if said:
        dirty = said.get("dirty")
        report.origins.append(
            Origin(said.get("commit"), None if dirty is None else dirty == "true", said.get("source_digest"))
        )


def _reconcile(element: Element, own: Suite, inner: list[Suite], path: str, *, subtests: bool) -> None:
    """Hold the attributes against the test cases, counted with or without the suites nested in it.

    The plug-in pytest-rerunfailures leaves every attempt of a test as a case of its own, of which only the
    last one says how it ended: the others look like passes. ``tests`` does not count them, and that gives
    them away; they are then taken out of the suite's cases.
    """
    everything = [own, *inner]
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        declared = _declared(element, attribute, path)
        counts = [sum(suite.elements[tag] for suite in suites) for suites in ([own], everything)]
        if declared is not None and declared not in counts:
            _contradiction(element, attribute, declared, counts[1], path)
    declared = _declared(element, "tests", path)
    if declared is None:
        return
    readings: list[tuple[list[Case], dict[Identity, int]]] = [(own.cases, {})]
    without, attempts = _without_attempts(own.cases)
    if attempts:  # where both would explain the number, a test that was run again is not two that passed
        readings.insert(0, (without, attempts))
    for own.cases, own.attempts in readings:
        if any(_explains(declared, suites, bounded=not subtests) for suites in ([own], everything)):
            return
    _contradiction(element, "tests", declared, sum(len(suite.cases) for suite in everything), path)


def _explains(declared: int, suites: list[Suite], *, bounded: bool) -> bool:
    cases = sum(len(suite.cases) for suite in suites)
    # a failing test whose tear-down fails too is two cases, which some versions of pytest count once
    least = cases - sum(suite.repeated for suite in suites)
    # a test that passes and whose tear-down fails is one case that some versions of pytest count twice
    most = cases + sum(suite.elements["error"] for suite in suites)
    # without bounds: pytest counts subtests that pass, which it does not write as cases
    return least <= declared and (declared <= most or not bounded)


def _without_attempts(cases: list[Case]) -> tuple[list[Case], dict[Identity, int]]:
    """The cases without those that a later one of the same test supersedes, and how many these are."""
    last = {case.identity: case for case in cases}
    attempts: dict[Identity, int] = {}
    kept = []
    for case in cases:
        if case.bare and case is not last[case.identity]:
            attempts[case.identity] = attempts.get(case.identity, 0) + 1
        else:
            kept.append(case)
    return kept, attempts


def _declared(element: Element, attribute: str, path: str) -> int | None:
    stated = element.get(attribute)
    if stated is None:
        return None
    if not _COUNT.fullmatch(stated):
        raise EvidenceError(
            f"{attribute}={stated[:40]!r} is not a count", path=path, place=_place(element), remedy=REMEDY
        )
    return int(stated)


def _place(element: Element) -> str:
    return f"suite {element.get('name', '')[:100]!r}"


def _contradiction(element: Element, attribute: str, declared: int, counted: int, path: str) -> None:
    raise EvidenceError(
        f"the report contradicts itself: {attribute}={declared} is stated, {counted} are in its test cases",
        path=path,
        place=f"{element.tag} {element.get('name', '')[:100]!r}",
        remedy=REMEDY,
    )
