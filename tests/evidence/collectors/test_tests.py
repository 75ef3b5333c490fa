"""Test results are counted from the test cases; a report that contradicts itself is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.evidence.errors import EvidenceError
from gate.evidence.limits import Limits

SUITE = """
import pytest

@pytest.fixture
def bad_teardown():
    yield
    raise RuntimeError("down")

@pytest.fixture
def bad_setup():
    raise RuntimeError("up")

class TestProbe:
    def test_passes(self): pass

def test_fails(): assert 0
def test_error(bad_setup): pass
def test_passes_then_error(bad_teardown): pass
def test_fails_then_error(bad_teardown): assert 0
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert 0
def test_sub(subtests):
    for number in range(3):
        with subtests.test(number=number):
            assert number != 1
"""
STAGE = "def test_a(): pass\ndef test_b(): pass\n"


def test_a_report_of_pytest_itself_is_counted(watch: Any, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "tests").mkdir(parents=True)
    (project / "tests" / "test_unit.py").write_text(SUITE)
    (project / "tests" / "stage6_account.py").write_text(STAGE)
    (project / "pytest.ini").write_text("[pytest]\npython_files = test_*.py stage*.py\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=junit.xml"]
    subprocess.run(command, cwd=project, capture_output=True, check=False)
    evidence = watch("tests", {"junit.xml": (project / "junit.xml").read_bytes()})
    facts = evidence.facts
    # a failing test whose tear-down fails too is two cases in the report
    assert (facts["total"], facts["passed"], facts["failed"]) == (11, 3, 3)
    assert (facts["errors"], facts["skipped"]) == (3, 2)
    assert facts["stage_passed"] == {"stage6": 2, "stage7": 0, "stage8": 0}
    assert facts["suites"][0]["name"] == "pytest"
    assert facts["file"] == "junit.xml"
    assert facts["observed_at_s"] > 1_600_000_000
    assert evidence.observed_at is not None


def test_without_a_report_nothing_is_zero(watch: Any) -> None:
    evidence = watch("tests", {})
    assert evidence.facts["total"] is None
    assert evidence.facts["stage_passed"] == {"stage6": None, "stage7": None, "stage8": None}
    assert "junit.xml" in evidence.missing[0].reason


def test_zero_tests_stay_zero(watch: Any) -> None:
    facts = watch("tests", {"junit.xml": '<testsuites><testsuite name="s" tests="0"/></testsuites>'}).facts
    assert facts["total"] == 0
    assert facts["duration_ms"] is None


def test_nested_suites_and_several_reports_add_up(watch: Any) -> None:
    nested = """<testsuites tests="3" failures="1">
      <testsuite name="outer" tests="3" failures="1" timestamp="2025-11-07T12:00:00Z">
        <testcase classname="tests.stage7_paper.TestFill" name="a" time="0.0012"/>
        <testsuite name="inner" tests="2" timestamp="2025-11-07T14:00:00+01:00">
          <testcase classname="x" file="tests/Stage8_go.py" name="b" time="1.5"/>
          <testcase classname="tests.stage80" name="c" time="1e-3"><failure/></testcase>
        </testsuite>
      </testsuite></testsuites>"""
    other = '<testsuite name="single" tests="1"><testcase name="d" time="0"><skipped/></testcase></testsuite>'
    evidence = watch("tests", {"a.xml": nested, "b.xml": other}, junit=["a.xml", "b.xml", "c.xml"])
    facts = evidence.facts
    assert [(suite["name"], suite["total"]) for suite in facts["suites"]] == [
        ("outer", 1),
        ("inner", 2),
        ("single", 1),
    ]
    assert (facts["total"], facts["passed"], facts["failed"], facts["skipped"]) == (4, 2, 1, 1)
    assert facts["stage_passed"] == {"stage6": 0, "stage7": 1, "stage8": 1}
    assert facts["file"] == "a.xml, b.xml"
    assert facts["duration_ms"] == 1503
    assert evidence.observed_at == "2025-11-07T13:00:00Z"


def test_a_time_without_zone_is_no_time(watch: Any) -> None:
    cases = '<testcase name="a"/><testcase name="b" time="1"/>'
    report = f'<testsuite name="s" timestamp="2025-11-07T12:00:00.5">{cases}</testsuite>'
    evidence = watch("tests", {"junit.xml": report})
    assert evidence.facts["observed_at_s"] is None
    assert evidence.facts["duration_ms"] is None
    assert evidence.observed_at is None


@pytest.mark.parametrize(
    ("report", "said", "place"),
    [
        ('<testsuite name="s" tests="2"><testcase name="a"/></testsuite>', "tests=2 is stated, 1", "'s'"),
        ('<testsuite name="s" tests="0"><testcase name="a"/></testsuite>', "tests=0 is stated, 1", "'s'"),
        (
            '<testsuite name="s" failures="0"><testcase name="a"><failure/></testcase></testsuite>',
            "failures=0 is stated, 1",
            "'s'",
        ),
        ('<testsuite name="s" errors="1"><testcase name="a"/></testsuite>', "errors=1 is stated, 0", "'s'"),
        ('<testsuite name="s" skipped="-1"/>', "skipped='-1' is not a count", "'s'"),
        ('<testsuite name="s" tests="many"/>', "tests='many' is not a count", "'s'"),
        ('<testsuite name="s"><testcase name="a" time="-1"/></testsuite>', "'-1' is not a number", "'a'"),
        ('<testsuite name="s"><testcase name="a" time="NaN"/></testsuite>', "'NaN' is not a number", "'a'"),
        ('<testsuite name="s" timestamp="yesterday"/>', "timestamp is wrong", "'s'"),
        ('<testsuite name="s" timestamp="1969-12-31T23:59:59Z"/>', "before 1970", "'s'"),
        ("<html/>", "not a JUnit report: its root element is 'html'", None),
        ("<testsuite", "malformed XML", "line 1, column"),
        ("", "malformed XML", "line 1, column"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><testsuite name="&a;"/>', "document type", None),
        ("<testsuite>" * 70 + "</testsuite>" * 70, "nests deeper than 64", None),
    ],
)
def test_bad_reports_are_refused(watch: Any, report: str, said: str, place: str | None) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("tests", {"junit.xml": report})
    assert said in caught.value.what
    assert caught.value.path == "junit.xml"
    assert caught.value.remedy
    assert place is None or place in (caught.value.place or "")


def test_oversized_and_linked_reports_are_refused(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="larger than 10 bytes"):
        watch("tests", {"junit.xml": '<testsuite name="s"/>'}, limits=Limits(file_bytes=10))
    (tmp_path / "junit.xml").unlink()
    (tmp_path / "junit.xml").symlink_to(tmp_path / "elsewhere.xml")
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("tests", {})


names = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x5FF), max_size=10)
outcomes = st.sampled_from(["", "<failure/>", "<error/>", "<skipped/>"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(names, outcomes), max_size=12))
def test_any_report_counts_every_case_once(watch: Any, cases: list[tuple[str, str]]) -> None:
    body = "".join(
        f'<testcase name={quoteattr(f"{index}{name}")} time="0.001">{child}</testcase>'
        for index, (name, child) in enumerate(cases)
    )
    count = [child for _, child in cases]
    report = (
        f'<testsuite name="s" tests="{len(cases)}" failures="{count.count("<failure/>")}" '
        f'errors="{count.count("<error/>")}" skipped="{count.count("<skipped/>")}">{body}</testsuite>'
    )
    facts = watch("tests", {"junit.xml": report}).facts
    assert facts["total"] == len(cases)
    assert facts["passed"] == count.count("")
    assert facts["total"] == facts["passed"] + facts["failed"] + facts["errors"] + facts["skipped"]
    assert facts["duration_ms"] == (len(cases) or None)
