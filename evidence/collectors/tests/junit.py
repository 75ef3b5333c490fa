"""JUnit XML reports, read as a stream: what their elements say. No tree is built, whatever the size.

There is no standard; this reads the common core of what pytest
(https://docs.pytest.org/en/stable/how-to/output.html#creating-junitxml-format-files), Maven Surefire
(https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd) and googletest
(https://google.github.io/googletest/advanced.html#generating-an-xml-report) write. An element or an outcome
that is not known here might be a failure in the words of another tool: it is refused, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn

from ...base.errors import EvidenceError
from ...base.limits import Limits
from ...base.times import parse_rfc3339
from ...collecting.interface import Origin
from .claims import CHILDREN, Claims, Totals, read_counts
from .kinds import kinds_of, markers_in
from .model import OUTCOMES, REMEDY, Case, Report, Suite
from .words import RANKS, stated_outcome

_ATTEMPTS = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError"})
"""Surefire's elements for an attempt that failed and was followed by another one."""
_SUITES = ("testsuite", "testsuites")
_OUTPUT = frozenset({"system-out", "system-err"})
_IN_SUITE = frozenset({*_SUITES, "testcase", "properties", "failure", "error"}) | _OUTPUT
_INSIDE: dict[str, frozenset[str]] = {
    "testsuites": _IN_SUITE,
    "testsuite": _IN_SUITE,
    "testcase": frozenset({*CHILDREN, "properties"}) | _ATTEMPTS | _OUTPUT,
    "properties": frozenset({"property"}),
    "property": frozenset({"item"}),
    **dict.fromkeys(_ATTEMPTS, _OUTPUT | {"stackTrace"}),
}
"""What may stand in what."""

_PYTEST_ROOT = "pytest tests"
_STRICT = "[XPASS(strict)]"
_NAME_CHARS = 200
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


def read_report(data: bytes, path: str, limits: Limits) -> Report:
    """Everything a report says.

    Args:
        data: its bytes.
        path: the file, for messages.
        limits: how much of it is read.

    Raises:
        EvidenceError: it is malformed, built to do harm or no JUnit report, has an element or an outcome that
            is not known, contradicts itself, or has a malformed count, time or statement.
    """
    return _Reader(path, limits).read(data)


class _Open:
    """A suite that has begun and not ended."""

    __slots__ = ("below", "cases", "claims", "own", "said", "suite")

    def __init__(self, suite: Suite, claims: Claims) -> None:
        self.suite = suite
        self.claims = claims
        self.cases: list[Case] = []
        self.own = Totals()
        self.below = Totals()
        self.said: dict[str, str] = {}


class _OpenCase:
    """A test case that has begun and not ended."""

    __slots__ = ("attempts", "attributes", "expected", "markers", "stated", "tags", "unexpected")

    def __init__(self, attributes: Mapping[str, str], stated: str) -> None:
        self.attributes = attributes
        self.stated = stated
        self.markers: frozenset[str] = frozenset()
        self.tags: set[str] = set()
        self.attempts = 0
        self.expected = False
        self.unexpected = False


class _Reader:
    def __init__(self, path: str, limits: Limits) -> None:
        from xml.parsers import expat

        self._path = path
        self._limits = limits
        self._report = Report()
        self._subtests = False
        self._tags: list[str] = []
        self._open: list[_Open] = []
        self._case: _OpenCase | None = None
        self._foreign: tuple[str, str] | None = None
        self._elements = 0
        self._entries = 0
        self._texts: dict[str, str] = {}
        self._kinds: dict[frozenset[str], frozenset[str]] = {}
        # with a separator, an element of a namespace has another name than one that is known
        self._parser = expat.ParserCreate(None, "}")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self, data: bytes) -> Report:
        from xml.parsers.expat import ExpatError

        try:
            self._parser.Parse(data, True)
        except ExpatError as error:
            raise EvidenceError(
                f"malformed XML: {str(error).split(':')[0]}",
                path=self._path,
                place=f"line {error.lineno}, column {error.offset + 1}",
                remedy=REMEDY,
            ) from error
        except (LookupError, ValueError) as error:
            raise EvidenceError(
                f"the XML cannot be decoded: {error}", path=self._path, remedy=REMEDY
            ) from error
        finally:
            # the parser and this object refer to each other
            self._parser.StartElementHandler = self._parser.EndElementHandler = None
            self._parser.StartDoctypeDeclHandler = None
        if self._foreign is not None:
            name, place = self._foreign
            self._fail(f"is not a JUnit report: its root element is {_named(name)}", place)
        for suite in self._report.suites:  # in the order of the document, so that the one around it was done
            if suite.parent is not None:
                suite.markers |= suite.parent.markers
        self._report.suites = [suite for suite in self._report.suites if suite.listed or suite.cases]
        return self._report

    def _fail(self, what: str, place: str | None = None, remedy: str = REMEDY) -> NoReturn:
        raise EvidenceError(
            what, path=self._path, place=place or f"line {self._parser.CurrentLineNumber}", remedy=remedy
        )

    def _doctype(self, _name: str, _system: str | None, _public: str | None, _internal: bool) -> None:
        self._fail("the XML declares a document type or entities, which evidence may not")

    # elements

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tags = self._tags
        self._elements += 1
        if self._elements > self._limits.json_items:
            self._fail(f"has more than {self._limits.json_items} elements", remedy="split the report")
        if len(tags) >= self._limits.xml_depth:
            self._fail(f"the XML nests deeper than {self._limits.xml_depth} levels")
        if not tags and name not in _SUITES:
            self._foreign = (name, f"line {self._parser.CurrentLineNumber}")
        if self._foreign is not None:  # read to its end all the same: whether it is sound is said first
            tags.append(name)
            return
        if tags and name not in _INSIDE.get(tags[-1], ()):
            self._fail(
                f"has an element {_named(name)} in {tags[-1]!r}, which is not known: it might be a failure",
                place=f"{self._where()}, line {self._parser.CurrentLineNumber}",
                remedy="write the report as pytest, Surefire or googletest do",
            )
        tags.append(name)
        if name in _SUITES:
            self._start_suite(name, attributes)
        elif name == "testcase":
            self._count_entry()
            self._case = _OpenCase(attributes, self._stated(attributes, f"test case {_name(attributes)!r}"))
        elif name in CHILDREN:
            self._outcome(name, attributes)
        elif name in _ATTEMPTS and self._case is not None:
            self._case.attempts += 1
            self._case.tags.add(name)
        elif name == "property":
            self._property(attributes.get("name", ""), attributes.get("value", ""))

    def _end(self, name: str) -> None:
        self._tags.pop()
        if self._foreign is not None:
            return
        if name == "testcase" and self._case is not None:
            self._end_case(self._case)
            self._case = None
        elif name in _SUITES:
            self._end_suite()

    def _where(self) -> str:
        if self._case is not None:
            return f"test case {_name(self._case.attributes)!r}"
        return self._open[-1].claims.place

    def _count_entry(self) -> None:
        self._entries += 1
        if self._entries > self._limits.csv_rows:
            self._fail(
                f"has more than {self._limits.csv_rows} suites and test cases", remedy="split the report"
            )

    def _once(self, text: str) -> str:
        """The same object for a text that was there before: most cases share a class."""
        return self._texts.setdefault(text, text)

    def _stated(self, attributes: Mapping[str, str], place: str) -> str:
        return stated_outcome(attributes, self._path, f"{place}, line {self._parser.CurrentLineNumber}")

    # suites

    def _start_suite(self, tag: str, attributes: dict[str, str]) -> None:
        self._count_entry()
        name = attributes.get("name", "")
        place = f"suite {name[:100]!r}"
        if not self._open:
            self._subtests = tag == "testsuites" and name == _PYTEST_ROOT
        parent = self._open[-1].suite if self._open else None
        started = self._time(attributes.get("timestamp"), place)
        if started is not None:
            first, last = self._report.span or (started, started)
            self._report.span = (min(first, started), max(last, started))
        elif parent is not None:
            started = parent.started_s
        suite = Suite(name[:_NAME_CHARS], started, parent, tag == "testsuite")
        counts = read_counts(attributes, self._path, place)
        claims = Claims(tag, name, counts, self._stated(attributes, place), self._path)
        self._open.append(_Open(suite, claims))
        self._report.suites.append(suite)

    def _end_suite(self) -> None:
        ended = self._open.pop()
        ended.suite.cases = ended.cases
        everything = ended.claims.check(ended.suite, ended.own, ended.below, subtests=self._subtests)
        if not ended.suite.cases:
            ended.suite.cases = ()
        if self._open:
            self._open[-1].below += everything
        if ended.said:
            dirty = ended.said.get("dirty")
            origin = Origin(
                ended.said.get("commit"),
                None if dirty is None else dirty == "true",
                ended.said.get("source_digest"),
            )
            self._report.origins[origin] = None

    def _time(self, stated: str | None, place: str) -> int | None:
        if stated is None or _NO_ZONE.fullmatch(stated):
            return None
        try:
            moment = parse_rfc3339(stated)
        except ValueError as error:
            raise EvidenceError(
                f"the timestamp is wrong: {error}", path=self._path, place=place, remedy=REMEDY
            ) from error
        if moment < 0:
            self._fail(f"the timestamp {stated!r} lies before 1970", place=place)
        return moment

    def _property(self, name: str, value: str) -> None:
        """What a property says of its case, or of a suite: its markers, what was tested and by what."""
        if self._case is not None:
            self._case.markers |= markers_in(name, value)
            return
        inside = self._open[-1]
        inside.suite.markers |= markers_in(name, value)
        if name == "tool" and value:
            self._report.tools[value[:_NAME_CHARS]] = None
        if name not in _STATEMENTS:
            return
        form, meaning = _STATEMENTS[name]
        if not form.fullmatch(value) or inside.said.setdefault(name, value) != value:
            before = inside.said.get(name, value)
            self._fail(
                f"the property {name} has the value {value[:80]!r}"
                + (f" and {before!r}" if before != value else ""),
                place=f"suite {inside.claims.name[:100]!r}",
                remedy=f"write it once, as {meaning}",
            )

    # test cases

    def _outcome(self, tag: str, attributes: Mapping[str, str]) -> None:
        index = CHILDREN.index(tag)
        inside = self._open[-1]
        if self._case is not None:
            inside.own.elements[index] += 1
            self._case.tags.add(tag)
            self._case.expected |= tag == "skipped" and attributes.get("type", "").startswith("pytest.xfail")
            self._case.unexpected |= tag == "failure" and attributes.get("message", "").startswith(_STRICT)
            return
        # something went wrong outside of any test case: in the collection of the tests, or in a set-up
        self._count_entry()
        inside.own.loose[index] += 1
        inside.own.outside += 1
        inside.cases.append(
            Case(
                identity=(f"\n{inside.suite.name}", f"({tag} outside of any test case)"),
                outcome=OUTCOMES[index + 1],
                bare=False,
                kinds=frozenset(),
                silent=(True, True),
                expected_failure=False,
                unexpected_pass=False,
                attempts=0,
            )
        )

    def _end_case(self, case: _OpenCase) -> None:
        inside = self._open[-1]
        outcome = case.stated or "passed"
        for name, tag in zip(OUTCOMES[1:], CHILDREN, strict=True):
            if tag in case.tags and RANKS[name] < RANKS[outcome]:
                outcome = name
        if outcome != "passed" and CHILDREN[RANKS[outcome]] not in case.tags:
            inside.own.loose[RANKS[outcome]] += 1
        get = case.attributes.get
        classname, file = get("classname", ""), get("file", "")
        kinds, silent = kinds_of(case.markers, classname, file)
        inside.cases.append(
            Case(
                # two suites may both have a test of one name; only a place tells whether it is the same test
                identity=(self._once(classname or file or f"\n{inside.claims.name}"), get("name", "")),
                outcome=outcome,
                bare=not case.tags and outcome == "passed",
                kinds=self._kinds.setdefault(kinds, kinds),
                silent=_SILENT[silent],
                expected_failure=outcome == "skipped" and case.expected,
                unexpected_pass=outcome == "failed" and case.unexpected,
                attempts=case.attempts,
            )
        )
        stated = get("time")
        if stated is None:
            inside.suite.seconds = None
            return
        if not _SECONDS.fullmatch(stated):
            self._fail(
                f"the time {stated[:40]!r} is not a number of seconds",
                place=f"test case {_name(case.attributes)!r}",
            )
        if inside.suite.seconds is not None:
            inside.suite.seconds += Decimal(stated)


_SILENT = {(a, b): (a, b) for a in (False, True) for b in (False, True)}


def _name(attributes: Mapping[str, str]) -> str:
    return attributes.get("name", "")[:100]


def _named(name: str) -> str:
    return repr(("{" if "}" in name else "") + name[:60])
