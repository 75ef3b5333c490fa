"""Test reports that are odd, hostile or huge: counted exactly, or rejected with one clear problem."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.limits import Limits
from gate.evidence.collecting.interface import Evidence, Problem

OK = '<testcase classname="c" name="ok" time="1"/>'
BAD = '<testcase classname="c" name="bad" time="1"><failure message="x"/></testcase>'


def problem(evidence: Evidence) -> Problem:
    """The one problem that touches everything in the reports."""
    [found] = [each for each in evidence.problems if each.fact == ""]
    return found


def in_suite(inner: str, stated: str = "") -> str:
    return f'<testsuites><testsuite name="s" {stated}>{inner}</testsuite></testsuites>'


@pytest.mark.parametrize(
    ("report", "what", "place"),
    [
        (in_suite(f"{OK}<group>{BAD}</group>"), "'group' in 'testsuite'", "testsuite 's', line 1"),
        (in_suite(f'<testcase name="a">{BAD}</testcase>'), "'testcase' in 'testcase'", "test case 'a'"),
        (in_suite('<testcase name="a"><Failure/></testcase>'), "'Failure' in 'testcase'", "test case 'a'"),
        (in_suite('<testcase name="a"><failed/></testcase>'), "'failed' in 'testcase'", "test case 'a'"),
        (in_suite(f"{OK}<system-out>{BAD}</system-out>"), "'testcase' in 'system-out'", "'s'"),
        (in_suite(f"<properties>{BAD}</properties>"), "'testcase' in 'properties'", "'s'"),
        (
            in_suite('<testcase name="a"><system-out><failure/></system-out></testcase>'),
            "'failure' in 'system-out'",
            "test case 'a'",
        ),
        (
            in_suite('<testcase name="a"><rerunFailure><failure/></rerunFailure></testcase>'),
            "'failure' in 'rerunFailure'",
            "test case 'a'",
        ),
        (in_suite(f"{OK}<skipped/>"), "'skipped' in 'testsuite'", "'s'"),
        (in_suite('<testcase name="a" status="kaputt"/>'), "the status is 'kaputt'", "test case 'a'"),
        (in_suite('<testcase name="a" Result="odd"/>'), "the result is 'odd'", "test case 'a'"),
        (
            in_suite('<testcase name="a" x:status="odd" xmlns:x="urn:x"/>'),
            "the status is 'odd'",
            "test case 'a'",
        ),
        (in_suite(OK, 'status="kaputt"'), "the status is 'kaputt'", "suite 's'"),
        (in_suite(OK, 'status="failed"'), "did not end well", "testsuite 's'"),
        (in_suite(OK, 'failed="5"'), "failures=5 is stated, 0", "testsuite 's'"),
        (in_suite(OK, 'failures="2"') + "", "failures=2 is stated, 0", "testsuite 's'"),
    ],
)
def test_what_is_not_known_is_a_problem(watch: Any, report: str, what: str, place: str | None) -> None:
    refused = problem(watch("tests", {"junit.xml": report}))
    assert what in refused.reason
    assert refused.path == "junit.xml"
    assert (place or "line 1") in (refused.place or "")
    assert refused.remedy


@pytest.mark.parametrize(
    "stated", ["", 'tests="1" errors="0" failures="0"', 'tests="3" errors="1" failures="1"']
)
def test_what_went_wrong_outside_of_a_test_case_counts(watch: Any, stated: str) -> None:
    inner = f'<error message="cannot be collected"/>{OK}<failure message="set-up"/>'
    facts = watch("tests", {"junit.xml": in_suite(inner, stated)}).facts
    assert (facts["total"], facts["passed"], facts["failed"], facts["errors"]) == (3, 1, 1, 1)
    facts = watch("tests", {"junit.xml": f"<testsuites><error/>{in_suite(OK)[12:]}"}).facts
    assert (facts["passed"], facts["errors"], facts["suites_total"]) == (1, 1, 2)


@pytest.mark.parametrize(
    ("stated", "ended"),
    [
        ('status="failed"', "failed"),
        ('status="FAIL"', "failed"),
        ('result="failed"', "failed"),
        ('status="run" result="failed"', "failed"),
        ('status="failed" result="completed"', "failed"),
        ('success="false"', "failed"),
        ('x:status="failed" xmlns:x="urn:x"', "failed"),
        ('status="error"', "errors"),
        ('status="run" result="interrupted"', "errors"),
        ('status="timedout"', "errors"),
        ('status="NOT RUN"', "skipped"),
        ('status="skipped"', "skipped"),
        ('status="disabled"', "skipped"),
        ('status="run"', "passed"),
        ('status="run" result="completed"', "passed"),
        ('status="passed"', "passed"),
        ('status=""', "passed"),
    ],
)
def test_an_attribute_that_says_how_a_case_ended_is_heard(watch: Any, stated: str, ended: str) -> None:
    def ends(child: str, counts: str = "") -> list[str]:
        report = in_suite(f'<testcase name="a" {stated}>{child}</testcase>', counts)
        facts = watch("tests", {"junit.xml": report}).facts
        return [name for name in ("passed", "failed", "errors", "skipped") if facts[name]]

    assert ends("") == ends("", 'tests="1" failures="0" errors="0" skipped="0"') == [ended]
    if ended in ("failed", "errors"):
        attribute = {"failed": "failures"}.get(ended, ended)
        assert ends("", f'tests="1" {attribute}="1"') == [ended]
    assert ends("<failure/>") == ["failed"]
    assert ends("<skipped/>") == (["skipped"] if ended == "passed" else [ended])


def test_what_real_tools_write_is_accepted(watch: Any) -> None:
    """As Surefire, googletest, Catch2, nextest and Playwright write it, in one report."""
    report = """<?xml version="1.0" encoding="UTF-8"?>
    <testsuites tests="7" failures="1" disabled="1" errors="0" time="0." name="AllTests">
      <testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
          xsi:noNamespaceSchemaLocation="surefire-test-report.xsd" version="3.0.2" name="com.shop.CartTest"
          time="0.07" tests="4" errors="0" skipped="1" failures="1" flakes="1">
        <properties><property name="java.version" value="21"/>
          <property name="evidence"><item name="a.png">QUJD</item></property></properties>
        <testcase name="a" classname="com.shop.CartTest" time="0.01">
          <failure message="m" type="T"><![CDATA[at <testcase><failure/>]]></failure>
          <rerunFailure message="m" type="T" time="0.1"><stackTrace>s</stackTrace><system-out>o</system-out>
            <system-err>e</system-err></rerunFailure>
          <rerunError type="T"><stackTrace>s</stackTrace></rerunError></testcase>
        <testcase name="b" classname="com.shop.CartTest" time="0.01">
          <flakyFailure message="m" type="T"><stackTrace>s</stackTrace></flakyFailure>
          <flakyError type="T">text<system-err>e</system-err></flakyError></testcase>
        <testcase name="c" classname="com.shop.CartTest"><skipped message="later"/></testcase>
        <testcase name="d" classname="com.shop.CartTest"><properties>
          <property name="k" value="v"/></properties>
          <system-out>o</system-out><system-err>e</system-err></testcase>
        <system-out>o</system-out><system-err/>
      </testsuite>
      <testsuite name="MathTest" tests="3" failures="0" disabled="1" skipped="0" errors="0" time="0."
          timestamp="2025-11-07T12:00:00.123">
        <testcase name="x" file="m.cc" line="3" status="run" result="completed" classname="MathTest"/>
        <testcase name="y" status="notrun" result="suppressed" time="0." classname="MathTest"/>
        <testcase name="z" status="Passed" classname="MathTest"/>
      </testsuite>
    </testsuites>""".replace('time="0."', 'time="0.0"')
    facts = watch("tests", {"junit.xml": report}).facts
    assert (facts["total"], facts["passed"], facts["failed"], facts["skipped"]) == (7, 4, 1, 2)
    assert (facts["reruns"], facts["flaky_tests"]) == (4, ["com.shop.CartTest::b"])


def test_properties_behind_what_they_are_said_of_count_too(watch: Any) -> None:
    properties = '<properties><property name="marker" value="chaos"/></properties>'
    report = f"<testsuite><testsuite>{OK}</testsuite>{OK}{properties}</testsuite>"
    assert watch("tests", {"junit.xml": report}).facts["by_kind"]["chaos"]["total"] == 2


@pytest.mark.parametrize(
    ("report", "limits", "what"),
    [
        (in_suite(OK * 5), Limits(csv_rows=6), "more than 6 suites and test cases"),
        (in_suite("<testsuite/>" * 5), Limits(csv_rows=6), "more than 6 suites and test cases"),
        (in_suite("<failure/>" * 5), Limits(csv_rows=6), "more than 6 suites and test cases"),
        (in_suite("<properties/>" * 5), Limits(json_items=6), "more than 6 elements"),
    ],
)
def test_how_much_a_report_holds_is_limited(watch: Any, report: str, limits: Limits, what: str) -> None:
    refused = problem(watch("tests", {"junit.xml": report}, limits=limits))
    assert what in refused.reason
    assert refused.place == "line 1"


MEASURE = """
import sys
from pathlib import Path
from gate.evidence.collectors.tests import TestsCollector, TestsOptions
from gate.evidence.base.limits import Limits
from gate.evidence.collecting.runner import observe
from gate.evidence.reading.workspace import Workspace
limits = Limits(csv_rows=200_000)
evidence = observe(Workspace(Path(sys.argv[1]), limits), TestsCollector(TestsOptions()))
print(*(problem.reason for problem in evidence.problems))
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells how much was used")
@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("<testsuite/>", "more than 200000 suites and test cases"),
        ("<properties/>", ""),
        ('<testcase name="{:07}" classname="tests.unit.test_it" time="0.001"/>', ""),
    ],
)
def test_a_large_report_takes_little_memory(tmp_path: Path, unit: str, said: str) -> None:
    report = "".join(map(unit.format, range(4_000_000 // len(unit))))
    (tmp_path / "junit.xml").write_text(f'<testsuite name="s">{report}</testsuite>')
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path], capture_output=True, text=True, check=True
    )
    *told, most = done.stdout.split("\n")[:-1]
    assert said in " ".join(told)
    assert int(most) < 100_000  # kB; a tree of these elements takes more, and Python alone 30,000


@pytest.mark.parametrize(
    ("report", "said", "place"),
    [
        ('<testsuite name="s" tests="2"><testcase name="a"/></testsuite>', "tests=2 is stated, 1", "'s'"),
        ('<testsuite name="s" tests="0"><testcase name="a"/></testsuite>', "tests=0 is stated, 1", "'s'"),
        (
            '<testsuite name="s" failures="2"><testcase name="a"><failure/></testcase></testsuite>',
            "failures=2 is stated, 1",
            "'s'",
        ),
        (
            '<testsuite name="s" disabled="1"><testcase name="a"/></testsuite>',
            "disabled=1 is stated, 0",
            "'s'",
        ),
        ('<testsuite name="s" flakes="1"><testcase name="a"/></testsuite>', "flakes=1 is stated, 0", "'s'"),
        ('<testsuite name="s" errors="1"><testcase name="a"/></testsuite>', "errors=1 is stated, 0", "'s'"),
        ('<testsuite name="s" skipped="-1"/>', "skipped='-1' is not a count", "'s'"),
        ('<testsuite name="s" tests="many"/>', "tests='many' is not a count", "'s'"),
        ("<html/>", "not a JUnit report: its root element is 'html'", None),
        ("<html><testcase></html>", "malformed XML", "line 1"),
        ("<html><testsuite/><testcase time='x'/></html>", "its root element is 'html'", "line 1"),
        ("<html>" * 70 + "</html>" * 70, "nests deeper than 64", "line 1"),
        ("<testsuite", "malformed XML", "line 1, column"),
        ("", "malformed XML", "line 1, column"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><testsuite name="&a;"/>', "document type", None),
        ("<testsuite>" * 70 + "</testsuite>" * 70, "nests deeper than 64", None),
    ],
)
def test_bad_reports_are_refused(watch: Any, report: str, said: str, place: str | None) -> None:
    refused = problem(watch("tests", {"junit.xml": report}))
    assert said in refused.reason
    assert refused.path == "junit.xml"
    assert refused.remedy
    assert place is None or place in (refused.place or "")


def test_oversized_and_linked_reports_are_refused(watch: Any, tmp_path: Path) -> None:
    refused = problem(watch("tests", {"junit.xml": '<testsuite name="s"/>'}, limits=Limits(file_bytes=10)))
    assert "larger than 10 bytes" in refused.reason
    (tmp_path / "junit.xml").unlink()
    (tmp_path / "junit.xml").symlink_to(tmp_path / "elsewhere.xml")
    refused = problem(watch("tests", {}))
    assert "symbolic link" in refused.reason


names = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x5FF), max_size=10)
outcomes = st.sampled_from(["", "<failure/>", "<error/>", "<skipped/>", '<skipped type="pytest.xfail"/>'])
suites = st.recursive(
    st.lists(outcomes, max_size=8).map(lambda cases: (cases, [])),
    lambda inner: st.tuples(st.lists(outcomes, max_size=4), st.lists(inner, max_size=3)),
    max_leaves=6,
)


def as_xml(
    suite: tuple[list[str], list[Any]], counter: Iterator[int], *, nested: bool
) -> tuple[str, list[str]]:
    """A suite with counts that are true of its own cases, or of everything in it."""
    own, inner = suite
    parts = [as_xml(one, counter, nested=nested) for one in inner]
    everything = [*own, *(case for _, cases in parts for case in cases)]
    body = "".join(f'<testcase name="t{next(counter)}" time="0.001">{child}</testcase>' for child in own)
    stated = everything if nested else own
    skipped = sum("skipped" in child for child in stated)
    return (
        f'<testsuite tests="{len(stated)}" failures="{stated.count("<failure/>")}" '
        f'errors="{stated.count("<error/>")}" skipped="{skipped}">{body}'
        + "".join(text for text, _ in parts)
        + "</testsuite>",
        everything,
    )


@given(suites, st.booleans(), st.integers(0, 3))
def test_any_report_counts_every_case_once(watch: Any, suite: Any, nested: bool, more: int) -> None:
    report, cases = as_xml(suite, count(), nested=nested)
    facts = watch("tests", {"junit.xml": report}).facts
    assert facts["total"] == len(cases)
    assert facts["passed"] == cases.count("")
    assert facts["failed"] == cases.count("<failure/>")
    assert facts["errors"] == cases.count("<error/>")
    assert facts["expected_failures"] == cases.count('<skipped type="pytest.xfail"/>')
    assert facts["total"] == facts["passed"] + facts["failed"] + facts["errors"] + facts["skipped"]
    assert facts["duration_ms"] == (len(cases) or None)
    assert (facts["flaky"], facts["reruns"]) == (0, 0)
    if more and facts["errors"] < more:  # a stated number that is too high is never believed
        wrong = report.replace(' tests="', f' tests="{more}', 1)
        assert "contradicts itself" in problem(watch("tests", {"junit.xml": wrong})).reason


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "<failure/>", "<error/>"])), max_size=8), names
)
def test_every_test_that_was_run_again_counts_once(
    watch: Any, tests: list[tuple[int, str]], prefix: str
) -> None:
    cases = [
        f"<testcase classname='c' name={quoteattr(f'{prefix}{number}')}>{child}</testcase>"
        for number, (reruns, last) in enumerate(tests)
        for child in [*[""] * reruns, last]
    ]
    ends = [last for _, last in tests]
    report = (
        f'<testsuite tests="{len(tests)}" failures="{ends.count("<failure/>")}" '
        f'errors="{ends.count("<error/>")}">{"".join(cases)}</testsuite>'
    )
    facts = watch("tests", {"junit.xml": report}).facts
    assert (facts["total"], facts["passed"]) == (len(tests), ends.count(""))
    assert facts["reruns"] == sum(reruns for reruns, _ in tests)
    assert facts["flaky"] == sum(reruns > 0 and not last for reruns, last in tests)


tags = (
    "testsuites",
    "testsuite",
    "testcase",
    "failure",
    "error",
    "skipped",
    "properties",
    "property",
    "flakyError",
)
attributes = (
    "name",
    "classname",
    "file",
    "tests",
    "failures",
    "time",
    "timestamp",
    "value",
    "type",
    "message",
)
values = st.one_of(
    names,
    st.sampled_from(
        [
            "0",
            "1",
            "2",
            "1e9",
            "-1",
            "commit",
            "dirty",
            "marker",
            "unit",
            "true",
            "0123456789abcdef" * 2 + "01234567",
        ]
    ),
    st.sampled_from(["2025-11-07T12:00:00Z", "9999-12-31T23:59:59Z", "2025-11-07", "pytest.xfail"]),
)
elements = st.recursive(
    st.tuples(st.sampled_from(tags), st.dictionaries(st.sampled_from(attributes), values), st.just([])),
    lambda inner: st.tuples(
        st.sampled_from(tags),
        st.dictionaries(st.sampled_from(attributes), values),
        st.lists(inner, max_size=4),
    ),
    max_leaves=15,
)


def markup(element: Any) -> str:
    tag, stated, inner = element
    text = "".join(f" {name}={quoteattr(value)}" for name, value in stated.items())
    return f"<{tag}{text}>{''.join(map(markup, inner))}</{tag}>"


@given(elements)
def test_any_elements_give_facts_or_one_clear_problem(watch: Any, element: Any) -> None:
    report = markup(element)
    evidence = watch("tests", {"junit.xml": report})
    facts = evidence.facts
    if facts["total"] is None:
        assert problem(evidence).path == "junit.xml"
        return
    assert facts["total"] == facts["passed"] + facts["failed"] + facts["errors"] + facts["skipped"]
    assert facts["total"] <= sum(report.count(f"<{tag}") for tag in ("testcase", "failure", "error"))
