"""Test results are counted from the test cases; a report that contradicts itself is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from gate.evidence.collecting.interface import Evidence, Origin, Problem, ProblemKind, Scope


def rejection(evidence: Evidence) -> Problem:
    """The one problem that touches everything in the reports."""
    [found] = [each for each in evidence.problems if each.fact == ""]
    assert found.kind is ProblemKind.REJECTED
    return found


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


def run_pytest(
    project: Path, code: str, *arguments: str, where: str = "test_it.py", plugins: bool = False
) -> str:
    """What pytest says of a module of tests in a project of its own; the report is there as junit.xml.

    It starts in half the time without the plug-ins that are installed here.
    """
    (project / where).parent.mkdir(parents=True, exist_ok=True)
    (project / where).write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=junit.xml"]
    env = os.environ | ({} if plugins else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    command += arguments
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    return done.stdout


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
    assert "junit.xml" in evidence.problems[0].reason


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
    other = (
        '<testsuite name="single" tests="1" timestamp="2025-11-06T12:00:00Z">'
        '<testcase name="d" time="0"><skipped/></testcase></testsuite>'
    )
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
    assert evidence.observed_at == "2025-11-06T12:00:00Z"
    assert facts["latest_s"] - facts["observed_at_s"] == 25 * 3600
    assert (facts["suites_total"], evidence.format) == (3, "junit")


OLD = '<testsuite name="old" timestamp="2020-01-01T00:00:00Z"><testcase name="a"/></testsuite>'
FRESH = '<testsuite name="new" timestamp="2025-11-07T12:00:00Z"><testcase name="b"/></testsuite>'
SILENT = '<testsuite name="silent"><testcase name="c"/></testsuite>'


@pytest.mark.parametrize(
    "files",
    [
        {"a.xml": OLD, "b.xml": FRESH},
        {"a.xml": FRESH, "b.xml": OLD},
        {"a.xml": f"<testsuites>{FRESH}{OLD}</testsuites>"},
    ],
)
def test_a_stale_report_does_not_hide_behind_a_fresh_one(watch: Any, files: dict[str, str]) -> None:
    evidence = watch("tests", files, junit=["*.xml"])
    assert evidence.observed_at == "2020-01-01T00:00:00Z"
    assert evidence.facts["observed_at_s"] == 1577836800


@pytest.mark.parametrize(
    "files",
    [
        {"a.xml": FRESH, "silent.xml": SILENT},
        {"silent.xml": f"<testsuites>{FRESH}{SILENT}</testsuites>"},
        {"a.xml": FRESH, "silent.xml": "<testsuites/>"},
    ],
)
def test_nor_does_a_report_that_does_not_state_its_time(watch: Any, files: dict[str, str]) -> None:
    evidence = watch("tests", files, junit=["*.xml"])
    assert (evidence.facts["observed_at_s"], evidence.facts["latest_s"]) == (None, None)
    assert "silent.xml" in evidence.problems[-1].reason


def test_a_suite_starts_with_the_one_around_it(watch: Any) -> None:
    report = f'<testsuites timestamp="2025-11-07T12:00:00Z">{SILENT}</testsuites>'
    assert watch("tests", {"junit.xml": report}).observed_at == "2025-11-07T12:00:00Z"


RERUNS = """
import pathlib, pytest

def attempt(name):
    path = pathlib.Path(name)
    path.write_text(path.read_text() + "x" if path.exists() else "x")
    return len(path.read_text())

@pytest.mark.flaky(reruns=4)
def test_third_time_lucky(): assert attempt("a") == 3
@pytest.mark.flaky(reruns=2)
@pytest.mark.parametrize("number", range(4))
def test_some(number): assert attempt(f"p{number}") > number % 2
@pytest.mark.flaky(reruns=2)
def test_never(): assert 0
@pytest.mark.flaky(reruns=2)
def test_at_once(): pass
@pytest.fixture
def bad_setup(): raise RuntimeError("up")
@pytest.mark.flaky(reruns=1)
def test_setup(bad_setup): pass
@pytest.fixture
def bad_teardown():
    yield
    raise RuntimeError("down")
@pytest.mark.flaky(reruns=1)
def test_fails_then_error(bad_teardown): assert 0
"""
SUBTESTS = """
def test_sub(subtests):
    for number in range(9):
        with subtests.test(number=number): pass
"""


@pytest.mark.soak
@pytest.mark.parametrize("workers", [[], pytest.param(["-n", "2"], marks=pytest.mark.soak)])
@pytest.mark.parametrize("more", ["", SUBTESTS])
def test_attempts_of_pytest_rerunfailures_are_no_passes(
    watch: Any, tmp_path: Path, workers: list[str], more: str
) -> None:
    said = run_pytest(tmp_path / "project", RERUNS + more, *workers, plugins=True)
    facts = watch("tests", {"junit.xml": (tmp_path / "project" / "junit.xml").read_bytes()}).facts
    assert facts["passed"] == 6 + bool(more)
    assert facts["flaky_tests"] == [
        "test_it::test_some[1]",
        "test_it::test_some[3]",
        "test_it::test_third_time_lucky",
    ]
    assert facts["flaky"] == 3
    # the plug-in speaks of an attempt that fails and whose tear-down fails too as two
    assert f"{facts['reruns'] + 1} rerun" in said
    assert (facts["failed"], facts["skipped"]) == (2, 0)


def test_the_same_test_given_twice_is_read_as_run_again(watch: Any, tmp_path: Path) -> None:
    """Subtests may add anything to the number pytest states, so that a report cannot prove the contrary."""
    said = run_pytest(tmp_path / "project", STAGE, "--keep-duplicates", "test_it.py", "test_it.py")
    assert "4 passed" in said
    report = (tmp_path / "project" / "junit.xml").read_text()
    facts = watch("tests", {"junit.xml": report}).facts
    assert (facts["passed"], facts["flaky"], facts["reruns"]) == (2, 2, 2)
    # where no tool with such a habit wrote it, the number stated decides
    facts = watch("tests", {"junit.xml": report.replace('name="pytest tests"', "")}).facts
    assert (facts["passed"], facts["flaky"], facts["reruns"]) == (4, 0, 0)


EXPECTED = """
import pytest
@pytest.mark.xfail(reason="known")
def test_expected(): assert 0
@pytest.mark.xfail(run=False)
def test_not_run(): assert 0
def test_said_while_running(): pytest.xfail("known")
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail(strict=True, reason="known")
def test_strict(): pass
@pytest.mark.xfail(reason="known")
def test_lenient(): pass
"""


def test_expected_failures_and_unexpected_passes(watch: Any, tmp_path: Path) -> None:
    assert "1 failed, 1 skipped, 3 xfailed, 1 xpassed" in run_pytest(tmp_path / "project", EXPECTED)
    facts = watch("tests", {"junit.xml": (tmp_path / "project" / "junit.xml").read_bytes()}).facts
    assert (facts["skipped"], facts["expected_failures"]) == (4, 3)
    assert (facts["failed"], facts["unexpected_passes"], facts["passed"]) == (1, 1, 1)


BAD_RUNS = {
    "nose2 leaves out a set-up that failed": """<testsuite name="nose2-junit" errors="1" tests="1">
      <testcase classname="setUpClass (test_u" name="S)"><error message="test failure">up</error></testcase>
      <testcase classname="test_u.T" name="test_ok"/></testsuite>""",
    "gotestsum writes a package that does not build": """<testsuites>
      <testsuite tests="0" failures="0" name="" timestamp="0001-01-01T00:00:00Z"/>
      <testsuite tests="1" failures="0" name="x/bad"><testcase classname="x/bad" name="TestMain">
      <failure message="Failed" type=""/></testcase></testsuite>
      <testsuite tests="1" name="x"><testcase classname="x" name="TestA"/></testsuite></testsuites>""",
    "jest-junit adds an error to a suite": """<testsuite name="t" errors="1" failures="0" tests="1">
      <testcase classname="Test suite failed to run" name="t"><error/></testcase>
      <testcase classname="a" name="b"/></testsuite>""",
    "mocha takes skipped as the rest": """<testsuite name="Mocha" tests="3" errors="1" skipped="0">
      <testcase classname="a" name="b"/><testcase classname="a" name="c"><skipped/></testcase>
      <testcase classname="a" name="hook"><failure/></testcase></testsuite>""",
}


@pytest.mark.parametrize("report", BAD_RUNS.values(), ids=BAD_RUNS.keys())
def test_what_a_writer_does_not_count_counts(watch: Any, report: str) -> None:
    evidence = watch("tests", {"junit.xml": report})
    facts = evidence.facts
    assert (facts["passed"], facts["failed"] + facts["errors"]) == (1, 1)
    assert not [one for one in evidence.problems if one.kind is ProblemKind.REJECTED]


def test_the_times_of_test_cases_count(watch: Any) -> None:
    """Rows of an old report in a new suite."""
    report = """<testsuite name="s" timestamp="2025-11-07T12:00:00Z">
      <testcase name="a" timestamp="2020-01-01T00:00:00Z"/></testsuite>"""
    assert watch("tests", {"junit.xml": report}).observed_at == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("name", ["commit", "GIT_COMMIT", "git.commit.id", "CI_COMMIT_SHA", "vcs.revision"])
def test_a_commit_under_any_of_its_names(watch: Any, name: str) -> None:
    report = f"""<testsuite name="s"><properties><property name="{name}" value="{"a" * 40}"/></properties>
      <testcase name="a"/></testsuite>"""
    assert watch("tests", {"junit.xml": report}).origins == (Origin("a" * 40),)
    other = report.replace(name, "base_commit")
    assert watch("tests", {"junit.xml": other}).origins == ()


def test_attempts_listed_in_the_test_case(watch: Any) -> None:
    report = """<testsuite name="s" tests="3" failures="1" timestamp="2025-11-07T12:00:00Z">
      <testcase classname="c" name="a"><flakyFailure message="x"/><flakyError/></testcase>
      <testcase classname="c" name="b"><failure/><rerunFailure/><rerunError/></testcase>
      <testcase classname="c" name="c"/></testsuite>"""
    facts = watch("tests", {"junit.xml": report}).facts
    assert (facts["passed"], facts["failed"], facts["flaky"], facts["reruns"]) == (2, 1, 1, 4)
    assert facts["flaky_tests"] == ["c::a"]


def test_one_test_with_different_ends_is_flaky_wherever_it_ran(watch: Any) -> None:
    def report(suite: str, place: str, ends: dict[str, str]) -> str:
        cases = "".join(f'<testcase {place} name="{name}">{end}</testcase>' for name, end in ends.items())
        return f'<testsuite name="{suite}">{cases}</testsuite>'

    first = {"a": "", "b": "<failure/>", "c": "<skipped/>", "d": "<error/>"}
    second = {"a": "<error/>", "b": "", "c": "", "d": "<failure/>"}
    files = {"a.xml": report("s", 'classname="m"', first), "b.xml": report("s", 'classname="m"', second)}
    assert watch("tests", files, junit=["*.xml"]).facts["flaky_tests"] == ["m::a", "m::b"]
    # without a place, tests of one name in two suites are different tests
    files = {"a.xml": report("s", "", first), "b.xml": report("t", "", second)}
    assert watch("tests", files, junit=["*.xml"]).facts["flaky"] == 0


def test_long_lists_and_names_are_cut_and_counted(watch: Any) -> None:
    suites = "".join(
        f'<testsuite name="{"n" * 999}"><testcase name="{number:03}{"m" * 999}"><flakyError/></testcase>'
        "</testsuite>"
        for number in range(70)
    )
    facts = watch("tests", {"junit.xml": f"<testsuites>{suites}</testsuites>"}).facts
    assert (facts["flaky"], len(facts["flaky_tests"])) == (70, 50)
    assert (facts["suites_total"], len(facts["suites"]), facts["total"]) == (70, 50, 70)


def test_a_disabled_test_did_not_pass(watch: Any) -> None:
    report = '<testsuite name="s"><testcase name="a" status="notrun" result="suppressed"/></testsuite>'
    facts = watch("tests", {"junit.xml": report}).facts
    assert (facts["passed"], facts["skipped"]) == (0, 1)


def documented_hook() -> str:
    page = Path(__file__).resolve().parents[3] / "docs" / "collectors" / "tests.md"
    return page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]


MARKED = """
import pytest
pytestmark = pytest.mark.chaos
@pytest.mark.stage6
@pytest.mark.e2e
def test_both(): pass
@pytest.mark.skip
def test_skipped(): pass
class TestFail:
    @pytest.mark.flaky(reruns=1)
    def test_fails(self): assert 0
"""


@pytest.mark.parametrize("workers", [[], pytest.param(["-n", "2"], marks=pytest.mark.soak)])
def test_markers_written_by_the_documented_hook(watch: Any, tmp_path: Path, workers: list[str]) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "conftest.py").write_text(documented_hook())
    run_pytest(project, MARKED, *workers, where="tests/unit/test_it.py", plugins=True)
    facts = watch("tests", {"junit.xml": (project / "junit.xml").read_bytes()}).facts
    kinds = facts["by_kind"]
    assert kinds["chaos"] == {"total": 3, "passed": 1, "failed": 1, "errors": 0, "skipped": 1}
    assert (kinds["e2e"]["passed"], kinds["e2e"]["total"]) == (1, 1)
    assert kinds["unit"]["total"] == 0  # a marker says more than a directory
    assert facts["stage_passed"] == {"stage6": 1, "stage7": 0, "stage8": 0}
    assert facts["reruns"] == 1


@pytest.mark.parametrize(
    ("case", "kinds"),
    [
        ('classname="tests.unit.test_performance.TestE2E"', {"unit"}),
        ('classname="tests.test_performance.TestE2E"', {"performance"}),
        ('classname="com.shop.Integration_Tests.CartTest"', {"integration"}),
        ('classname="x" file="tests\\e2e\\test_all.py"', {"e2e"}),
        ('classname="x" file="tests/test_chaos.py"', {"chaos"}),
        ('classname="tests.unit.stage7_paper"', {"unit", "stage7"}),
        ('classname="tests.stage77"', set()),
        ('classname="tests.unity.proper"', set()),
        ('classname="" name="unit"', set()),
    ],
)
def test_kinds_from_the_place_of_a_test(watch: Any, case: str, kinds: set[str]) -> None:
    facts = watch("tests", {"junit.xml": f'<testsuite name="s"><testcase {case}/></testsuite>'}).facts
    assert {kind for kind, counts in facts["by_kind"].items() if counts["total"]} == kinds


def test_kinds_from_properties_and_suites(watch: Any) -> None:
    properties = '<properties><property name="marker" value="Metamorphic"/></properties>'
    listed = '<properties><property name="markers" value="unit, slow  e2e"/></properties>'
    report = f"""<testsuites>
      <testsuite name="integration"><testcase name="a"/><testcase name="b" classname="tests.unit.b"/>
        <testcase name="c">{listed}</testcase></testsuite>
      <testsuite name="s">{properties}<testsuite name="t"><testcase name="d"/></testsuite></testsuite>
    </testsuites>"""
    kinds = watch("tests", {"junit.xml": report}).facts["by_kind"]
    assert {kind: counts["total"] for kind, counts in kinds.items() if counts["total"]} == {
        "unit": 2,
        "metamorphic": 1,
        "integration": 1,
        "e2e": 1,
    }


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def bound(**properties: str) -> str:
    inner = "".join(f"<property name={quoteattr(k)} value={quoteattr(v)}/>" for k, v in properties.items())
    return f'<testsuite name="s"><properties>{inner}</properties><testcase name="a"/></testsuite>'


def test_what_a_report_states_of_its_sources(watch: Any, tmp_path: Path) -> None:
    hook = f"""
import pytest
@pytest.fixture(scope="session", autouse=True)
def bound(record_testsuite_property):
    record_testsuite_property("commit", "{COMMIT}")
    record_testsuite_property("dirty", "true")
    record_testsuite_property("source_digest", "{"ab" * 32}")
    record_testsuite_property("tool", "pytest " + pytest.__version__)
"""
    run_pytest(tmp_path / "project", hook + STAGE)
    report = (tmp_path / "project" / "junit.xml").read_bytes()
    evidence = watch("tests", {"junit.xml": report})
    assert evidence.origins == (Origin(COMMIT, True, "ab" * 32),)
    assert evidence.tool == f"pytest {pytest.__version__}"
    evidence = watch("tests", {"a.xml": bound(commit=COMMIT), "b.xml": FRESH}, junit=["junit.xml", "?.xml"])
    assert set(evidence.origins) == {Origin(COMMIT, True, "ab" * 32), Origin(COMMIT), Origin()}
    assert watch("tests", {}, junit=["b.xml"]).origins == ()


@pytest.mark.parametrize(
    "properties", [{"commit": "abc"}, {"commit": "HEAD"}, {"dirty": "no"}, {"source_digest": COMMIT}]
)
def test_malformed_statements_are_refused(watch: Any, properties: dict[str, str]) -> None:
    refused = rejection(watch("tests", {"junit.xml": bound(**properties)}))
    assert "the property" in refused.reason
    assert (refused.path, refused.place) == ("junit.xml", "suite 's'")


def test_contradicting_statements_are_refused(watch: Any) -> None:
    report = bound(dirty="true").replace(
        "</properties>", '<property name="dirty" value="false"/></properties>'
    )
    refused = rejection(watch("tests", {"junit.xml": report}))
    assert "'false' and 'true'" in refused.reason


def test_a_time_without_zone_is_no_time(watch: Any) -> None:
    cases = '<testcase name="a"/><testcase name="b" time="1"/>'
    report = f'<testsuite name="s" timestamp="2025-11-07T12:00:00.5">{cases}</testsuite>'
    evidence = watch("tests", {"junit.xml": report})
    assert evidence.facts["observed_at_s"] is None
    assert evidence.facts["duration_ms"] is None
    assert evidence.observed_at is None


def test_one_malformed_report_hides_nothing_of_the_others(watch: Any) -> None:
    files = {"a.xml": FRESH, "b.xml": "<testsuite", "c.xml": OLD}
    evidence = watch("tests", files, junit=["*.xml"])
    assert (evidence.facts["total"], evidence.facts["file"]) == (2, "a.xml, c.xml")
    assert rejection(evidence).path == "b.xml"
    assert evidence.scopes == (Scope("", 3, 2, "test reports"),)


ODD_BUT_KNOWN = [
    # mocha's xunit reporter calls failures errors
    ('<testsuite name="Mocha Tests" tests="2" failures="0" errors="1" skipped="0">', (2, 1)),
    ('<testsuite name="s" tests="2" errors="" failures=" ">', (2, 1)),
    ('<testsuite name="s" failures="1">', (2, 1)),
    ('<testsuite name="s" tests="2" time="1,234.5">', (2, 1)),
    ('<testsuite xmlns="urn:junit" name="s" tests="2">', (2, 1)),
]


@pytest.mark.parametrize(("suite", "counted"), ODD_BUT_KNOWN)
def test_oddities_of_writers_are_no_problem(watch: Any, suite: str, counted: tuple[int, int]) -> None:
    cases = '<testcase name="a" time="1,234.5"/><testcase name="b" time="1."><failure>no</failure></testcase>'
    evidence = watch("tests", {"junit.xml": f"{suite}{cases}</testsuite>"})
    facts = evidence.facts
    assert (facts["total"], facts["failed"], facts["duration_ms"]) == (*counted, 1_235_500)
    assert {problem.fact for problem in evidence.problems} == {"observed_at_s", "latest_s"}


@pytest.mark.parametrize(
    ("stated", "observed"),
    [
        ("Mon, 03 Nov 2025 10:00:00 GMT", "2025-11-03T10:00:00Z"),
        ("03 Nov 2025 12:00:00 +0200", "2025-11-03T10:00:00Z"),
        ("2025-11-03T10:00:00.123Z", "2025-11-03T10:00:00Z"),
        ("2025-11-03 12:00:00.5+02:00", "2025-11-03T10:00:00Z"),
        ("2025-11-03T12:00:00+0200", "2025-11-03T10:00:00Z"),
        ("2025-11-03T10:00:00", None),
        ("2025-11-03T10:00:00.123456", None),
        ("Mon, 03 Nov 2025 10:00:00", None),
        ("Mon, 99 Nov 2025 10:00:00 GMT", None),
        ("1969-12-31T23:59:59Z", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_start_in_any_spelling_with_a_zone(watch: Any, stated: str, observed: str | None) -> None:
    report = f'<testsuite name="s" timestamp="{stated}"><testcase name="a"/></testsuite>'
    evidence = watch("tests", {"junit.xml": report})
    assert (evidence.facts["total"], evidence.observed_at) == (1, observed)


@pytest.mark.parametrize("time", ["-0.001", "NaN", "", "soon", "1e999"])
def test_a_duration_that_is_none_is_not_measured(watch: Any, time: str) -> None:
    report = f'<testsuite name="s"><testcase name="a" time="{time}"/></testsuite>'
    facts = watch("tests", {"junit.xml": report}).facts
    assert (facts["passed"], facts["duration_ms"]) == (1, None)


def test_output_of_megabytes_is_passed_over(watch: Any) -> None:
    output = f"<system-out><![CDATA[{'<failure/> ' * 300_000}]]></system-out>"
    report = f'<testsuite name="s"><testcase name="a">{output}</testcase>{output}</testsuite>'
    assert watch("tests", {"junit.xml": report}).facts["passed"] == 1


def test_an_element_that_is_not_known_is_unknown_and_the_rest_counts(watch: Any) -> None:
    odd = '<testcase name="b"><ouch><failure/></ouch></testcase>'
    report = f'<testsuite name="s"><testcase name="a"/>{odd}</testsuite>'
    evidence = watch("tests", {"junit.xml": report})
    [found] = [problem for problem in evidence.problems if not problem.fact]
    assert (found.kind, evidence.facts["total"]) == (ProblemKind.UNKNOWN, 2)
    assert (found.path, found.place) == ("junit.xml", "test case 'b', line 1")


def test_the_share_of_skipped_tests(watch: Any) -> None:
    cases = '<testcase name="a"/>' + '<testcase name="b"><skipped message="no broker"/></testcase>' * 2
    facts = watch("tests", {"junit.xml": f'<testsuite name="s">{cases}</testsuite>'}).facts
    assert (facts["skipped"], facts["skipped_ppm"]) == (2, 666_666)


@pytest.mark.parametrize(
    ("root", "suite", "names"),
    [
        ("", "pytest", ["test_a", "test_b"]),
        ("pytest tests", "nightly", ["test_a", "test_b"]),
        ("", "jest", []),
    ],
)
def test_names_of_functions_are_those_of_pytest(watch: Any, root: str, suite: str, names: list[str]) -> None:
    """With any parameters, run again or on several workers; other frameworks name tests in words."""
    cases = "".join(
        f'<testcase classname="tests.test_x" name="{name}" time="0"/>'
        for name in ("test_a[1-[b c]]", "test_a[2]", "test_b")
    )
    report = f'<testsuites name="{root}"><testsuite name="{suite}" tests="3">{cases}</testsuite></testsuites>'
    assert watch("tests", {"junit.xml": report}).facts["function_names"] == names


def test_tests_that_jest_still_has_to_write_are_skipped(watch: Any) -> None:
    """jest-junit writes ``test.todo`` like a pass that took no time, and does not count it."""
    cases = '<testcase name="a" time="0.002"/><testcase name="b" time="0"/><testcase name="c" time="0"/>'
    for stated, passed in ((1, 1), (3, 3), (2, None)):
        suite = f'<testsuite name="s" tests="{stated}" failures="0" skipped="0">{cases}</testsuite>'
        report = f'<testsuites name="jest tests" tests="{stated}">{suite}</testsuites>'
        assert watch("tests", {"junit.xml": report}).facts.get("passed") == passed
