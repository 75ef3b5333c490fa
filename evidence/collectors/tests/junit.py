"""JUnit XML reports, read as a stream: what their elements say.

There is no standard; this reads the common core of what pytest
(https://docs.pytest.org/en/stable/how-to/output.html#creating-junitxml-format-files), Maven Surefire
(https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd), Gradle, jest, mocha
and googletest (https://google.github.io/googletest/advanced.html#generating-an-xml-report) write. An element
or an outcome that is not known here might be a failure in the words of another tool: it is noted as unknown.
"""

from __future__ import annotations

import re
from typing import TypeVar

from msgspec import Struct, field

from ...base.errors import EvidenceError
from ...base.limits import Limits
from ...collecting.interface import Origin
from ...reading.xml_stream import XmlReader
from .claims import Totals, check
from .kinds import kinds_of, markers_in
from .model import PYTEST_ROOT, REMEDY, Case, Report, Suite
from .words import RANKS, count, instant, seconds, stated_outcome

_OUTCOMES = {"failure": "failed", "error": "errors", "skipped": "skipped"}
"""Outcome by the element that makes it."""
_ATTEMPTS = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError"})
"""Surefire's elements for an attempt that failed and was followed by another one."""
_SUITES = ("testsuite", "testsuites")
_OUTPUT = frozenset({"system-out", "system-err"})
_IN_SUITE = frozenset({*_SUITES, "testcase", "properties", "failure", "error"}) | _OUTPUT
_INSIDE: dict[str, frozenset[str]] = {
    "testsuites": _IN_SUITE,
    "testsuite": _IN_SUITE,
    "testcase": frozenset({*_OUTCOMES, "properties"}) | _ATTEMPTS | _OUTPUT,
    "properties": frozenset({"property"}),
    "property": frozenset({"item"}),
    **dict.fromkeys(_ATTEMPTS, _OUTPUT | {"stackTrace"}),
}
"""What may stand in what."""

_NONE = Suite("", "", None, None, {}, "")
_T = TypeVar("_T")
_STRICT = "[XPASS(strict)]"
_NAME_CHARS = 200
_NOT_AT_ONCE = 20
"""Tests that pytest cannot run within the millisecond that it rounds to."""
_COMMIT = "[0-9a-f]{40}|[0-9a-f]{64}"
_COMMIT_NAMES = re.compile(r"(ci|git|github|scm|vcs|build)?(commit(sha|id|hash)?|revision|sha)")
"""Names, without case and punctuation, under which builds write the id of the commit: ``GIT_COMMIT``."""
_STATEMENTS = {
    "commit": (_COMMIT, "the full id of a commit: git rev-parse HEAD"),
    "dirty": ("true|false", "true or false"),
    "source_digest": ("[0-9a-f]{64}", "the SHA-256 that gate states as the source digest, in hex"),
}


def read_report(data: bytes, path: str, limits: Limits) -> Report:
    """Everything a report says.

    Raises:
        EvidenceError: it is malformed, built to do harm or no JUnit report, contradicts itself, or has a
            malformed count or statement.
    """
    reader = _Reader(path, limits, REMEDY)
    reader.parse(data)
    return reader.finish()


class _OpenCase(Struct):
    """A test case that has begun and not ended."""

    attributes: dict[str, str]
    stated: str = ""
    markers: frozenset[str] = frozenset()
    tags: set[str] = field(default_factory=set)
    attempts: int = 0
    expected: bool = False
    unexpected: bool = False


class _Reader(XmlReader):
    def __init__(self, path: str, limits: Limits, remedy: str) -> None:
        super().__init__(path, limits, remedy)
        self._report = Report()
        self._subtests = False
        self._open: list[tuple[Suite, Totals, Totals]] = []
        """Suites that have begun and not ended, with the totals of their own and of those below."""
        self._case: _OpenCase | None = None
        self._skip = 0
        self._foreign: tuple[str, int] | None = None
        self._entries = 0
        self._texts: dict[object, object] = {}

    def finish(self) -> Report:
        """The report, once it was read to its end."""
        if self._foreign is not None:
            self.fail(f"is not a JUnit report: its root element is {self._foreign[0]!r}", self._foreign[1])
        for suite in self._report.suites:  # in the order of the document, so that the one around it was done
            if suite.parent is not None:
                suite.markers |= suite.parent.markers
        self._report.suites = [one for one in self._report.suites if one.tag == "testsuite" or one.cases]
        return self._report

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; a namespace does not make it another one."""
        name = self.tags[-1] = name.rpartition("}")[2]
        if len(self.tags) == 1 and name not in _SUITES:
            self._foreign = (name[:60], self.parser.CurrentLineNumber)
        elif len(self.tags) > 1 and not self._skip and name not in _INSIDE.get(self.tags[-2], ()):
            self._unknown(f"has an element {name[:60]!r} in {self.tags[-2]!r}")
            self._skip = len(self.tags)
        if self._foreign is not None or self._skip:
            return
        if name in _SUITES:
            self._start_suite(name, attributes)
        elif name == "testcase":
            self._count_entry()
            self._case = _OpenCase(attributes)
            self._case.stated = self._stated(attributes)
            started = instant(attributes.get("timestamp"))
            self._report.times += [] if started is None else [started]
        elif name in _OUTCOMES:
            self._outcome(name, attributes)
        elif name in _ATTEMPTS and self._case is not None:
            self._case.attempts += 1
            self._case.tags.add(name)
        elif name == "property":
            self._property(attributes.get("name", ""), attributes.get("value", ""))

    def end(self, name: str) -> None:
        """An element ends."""
        if self._skip:
            self._skip = 0 if len(self.tags) == self._skip else self._skip
        elif self._foreign is None:
            if self.tags[-1] == "testcase" and self._case is not None:
                self._end_case(self._case)
                self._case = None
            elif self.tags[-1] in _SUITES:
                self._end_suite()

    def _unknown(self, what: str) -> None:
        if self._case is not None:
            where = f"test case {self._case.attributes.get('name', '')[:100]!r}"
        else:
            where = self._open[-1][0].place if self._open else self.tags[0]
        place = f"{where}, line {self.parser.CurrentLineNumber}"
        self._report.unknown.append((f"{what}, which is not known: it might be a failure", place))

    def _refuse(self, what: str, place: str, remedy: str = REMEDY) -> None:
        raise EvidenceError(what, path=self.path, place=place, remedy=remedy)

    def _count_entry(self) -> None:
        self._entries += 1
        most = self.limits.csv_rows
        if self._entries > most:
            self.fail(f"has more than {most} suites and test cases", remedy="split the report")

    def _stated(self, attributes: dict[str, str]) -> str:
        stated, odd = stated_outcome(attributes)
        if odd:
            self._unknown(odd)
        return stated

    # suites

    def _start_suite(self, tag: str, attributes: dict[str, str]) -> None:
        self._count_entry()
        name = attributes.get("name", "")
        if not self._open:
            self._subtests = tag == "testsuites" and name == PYTEST_ROOT
        parent = self._open[-1][0] if self._open else None
        started = instant(attributes.get("timestamp"))
        if started is not None:
            self._report.times.append(started)
        elif parent is not None:
            started = parent.started_s
        suite = Suite(tag, name, started, parent, {}, "", took=seconds(attributes.get("time")))
        self._open.append((suite, Totals(), Totals()))
        suite.outcome = self._stated(attributes)
        for key in ("tests", "failures", "failed", "errors", "skipped", "disabled", "flakes"):
            try:
                number = count(attributes.get(key))
            except ValueError:
                self._refuse(f"{key}={attributes[key][:40]!r} is not a count", suite.place)
            else:
                if number is not None:
                    suite.counts.setdefault("failures" if key == "failed" else key, number)
        self._report.suites.append(suite)

    def _end_suite(self) -> None:
        suite, own, below = self._open.pop()
        everything, contradiction = check(suite, own, below, subtests=self._subtests)
        if suite.by_pytest and suite.took == 0 and len(suite.cases) >= _NOT_AT_ONCE:
            contradiction = contradiction or f"{len(suite.cases)} tests took no time, which pytest measures"
        if contradiction:
            self._refuse(f"the report contradicts itself: {contradiction}", suite.place)
        if self._open:
            around, its_own, its_below = self._open[-1]
            self._open[-1] = (around, its_own, its_below + everything)
        if suite.said:
            get = suite.said.get
            dirty = None if "dirty" not in suite.said else get("dirty") == "true"
            self._report.origins[Origin(get("commit"), dirty, get("source_digest"))] = None
        # what an ended suite does not have, it shares with a million others that may be as empty
        suite.cases = suite.cases or _NONE.cases
        suite.counts = suite.counts or _NONE.counts
        suite.attempts = suite.attempts or _NONE.attempts
        suite.said = suite.said or _NONE.said

    def _property(self, name: str, value: str) -> None:
        """What a property says of its case, or of a suite: its markers, what was tested and by what."""
        if self._case is not None:
            self._case.markers |= markers_in(name, value)
            return
        suite = self._open[-1][0]
        suite.markers |= markers_in(name, value)
        if name == "tool" and value:
            self._report.tools[value[:_NAME_CHARS]] = None
        if _COMMIT_NAMES.fullmatch(re.sub(r"[\W_]", "", name).lower()) and re.fullmatch(_COMMIT, value):
            name = "commit"
        if name not in _STATEMENTS:
            return
        form, meaning = _STATEMENTS[name]
        if not re.fullmatch(form, value) or suite.said.setdefault(name, value) != value:
            before = suite.said.get(name, value)
            also = f" and {before!r}" if before != value else ""
            what = f"the property {name} has the value {value[:80]!r}{also}"
            self._refuse(what, f"suite {suite.name[:100]!r}", f"write it once, as {meaning}")

    # test cases

    def _outcome(self, tag: str, attributes: dict[str, str]) -> None:
        suite, own, _ = self._open[-1]
        if self._case is not None:
            own[tag] += 1
            self._case.tags.add(tag)
            self._case.expected |= tag == "skipped" and attributes.get("type", "").startswith("pytest.xfail")
            self._case.unexpected |= tag == "failure" and attributes.get("message", "").startswith(_STRICT)
            return
        # something went wrong outside of any test case: in the collection of the tests, or in a set-up
        self._count_entry()
        own["loose"] += 1
        suite.cases.append(Case((f"\n{suite.name}", f"({tag} outside of any test case)"), _OUTCOMES[tag]))

    def _end_case(self, case: _OpenCase) -> None:
        suite, own, _ = self._open[-1]
        found = [_OUTCOMES[tag] for tag in case.tags if tag in _OUTCOMES]
        outcome = min([case.stated or "passed", *found], key=RANKS.__getitem__)
        if outcome not in found:
            own["loose"] += outcome in ("failed", "errors")
            own["loose_skips"] += outcome == "skipped"
        get = case.attributes.get
        classname, file = get("classname", ""), get("file", "")
        kinds, silent = kinds_of(case.markers, classname, file)
        time = seconds(get("time"))
        bare = not case.tags and outcome == "passed"
        suite.cases.append(
            Case(
                # two suites may both have a test of one name; only a place tells whether it is the same test
                identity=(self._once(classname or file or f"\n{suite.name}"), get("name", "")),
                outcome=outcome,
                bare=bare,
                kinds=self._once(kinds),
                silent=self._once(silent),
                expected_failure=outcome == "skipped" and case.expected,
                unexpected_pass=outcome == "failed" and case.unexpected,
                attempts=case.attempts,
                planned=bare and time == 0,
            )
        )
        suite.seconds = None if time is None or suite.seconds is None else suite.seconds + time

    def _once(self, value: _T) -> _T:
        """The same object for a value that was there before: most cases share a class and kinds."""
        return self._texts.setdefault(value, value)  # type: ignore[return-value]
