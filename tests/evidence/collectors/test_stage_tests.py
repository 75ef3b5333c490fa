"""Stage tests are found by pattern and judged collectable from their syntax trees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import ConfigError, EnvironmentProblem
from gate.evidence.base.limits import Limits
from gate.evidence.collecting.interface import ProblemKind
from gate.evidence.collectors.stage_tests import pytest_runner as _pytest_runner

CONFTEST = """
import pytest, pytest_asyncio
from pytest import fixture
@pytest.fixture
def a(): return 1
@pytest.fixture(scope="session")
def b(): return 1
@fixture
def c(): return 1
@pytest_asyncio.fixture
async def d(): return 1
def helper(): return 1
"""


def test_nothing_there(watch: Any) -> None:
    facts = watch("stage_tests", {}).facts
    assert facts["stages"]["stage6"] == {
        "files": [],
        "tests": 0,
        "tests_static": 0,
        "tests_empty": 0,
        "collectable": False,
        "problems": [{"path": "tests/stage6*.py", "line": None, "text": "no file matches this pattern"}],
        "problems_total": 1,
    }
    assert (facts["fixtures"], facts["conftest"], facts["markers"]) == (0, [], [])


def test_functions_methods_markers_and_fixtures_are_counted(watch: Any) -> None:
    facts = watch(
        "stage_tests",
        {
            "tests/conftest.py": CONFTEST,
            "conftest.py": "",
            "tests/other/conftest.py": CONFTEST,
            "tests/stage6_account.py": """
import pytest
pytestmark = [pytest.mark.paper, pytest.mark.timeout(3)]
@pytest.mark.parametrize("x", [1, 2])
async def test_one(x): assert x
class TestMany:
    def test_two(self): assert id
    def helper(self): pass
    class TestInner:
        def test_three(self): assert id
class Probe(unittest.TestCase):
    def __init__(self): pass
    def test_four(self): assert id
class Other:
    def test_not_collected(self): assert id
""",
            "tests/stage7_paper.py": "if True:\n    def test_a(): assert id\n",
            "tests/stage8_go.py": "try:\n  def test_a(): id()\nexcept ValueError:\n  def test_b(): id()\n",
        },
    ).facts
    assert facts["stages"]["stage6"]["tests"] == 4
    assert facts["stages"]["stage7"]["tests"] == 1
    assert facts["stages"]["stage8"]["tests"] == 2
    assert all(stage["collectable"] and not stage["problems"] for stage in facts["stages"].values())
    assert facts["fixtures"] == 4
    assert facts["conftest"] == ["conftest.py", "tests/conftest.py"]
    assert facts["markers"] == ["paper", "parametrize", "timeout"]
    assert facts["method"] == "static"


def test_what_keeps_pytest_from_collecting_is_named(watch: Any) -> None:
    facts = watch(
        "stage_tests",
        {
            "tests/stage6_a.py": "def test_a(): assert id\ndef test_a(): assert id\n",
            "tests/stage6_b.py": "class TestC:\n    def __init__(self): pass\n    def test_a(self): id()\n",
            "tests/stage7_a.py": "def test_a(: pass\n",
            "tests/stage8_a.py": "import pytest\n@pytest.fixture\ndef test_data(): assert id\n",
        },
    ).facts["stages"]
    assert facts["stage6"]["tests"] == 1
    assert [(problem["line"], problem["text"]) for problem in facts["stage6"]["problems"]] == [
        (2, "test_a replaces an earlier test of the same name"),
        (None, "defines no test function or method"),
        (1, "pytest cannot collect class TestC because it has a constructor"),
    ]
    assert not facts["stage6"]["collectable"]
    assert "not valid Python" in facts["stage7"]["problems"][0]["text"]
    assert (facts["stage8"]["tests"], facts["stage8"]["collectable"]) == (0, False)


def test_a_broken_conftest_breaks_the_stages_below_it(watch: Any) -> None:
    facts = watch(
        "stage_tests",
        {
            "tests/conftest.py": "def (\n",
            "tests/stage6_a.py": "def test_a(): assert id\n",
            "tests/stage6_b.py": "def test_a(): assert id\n",
            "elsewhere/stage7_a.py": "def test_a(): assert id\n",
        },
        patterns={"stage7": "elsewhere/stage7*.py"},
    ).facts
    assert not facts["stages"]["stage6"]["collectable"]
    assert [problem["path"] for problem in facts["stages"]["stage6"]["problems"]] == ["tests/conftest.py"]
    assert facts["stages"]["stage7"]["collectable"]


def test_an_unknown_stage_is_refused(watch: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        watch("stage_tests", {}, patterns={"stage5": "x"})
    assert caught.value.place == "/evidence/stage_tests/patterns"


def test_a_linked_or_binary_test_is_rejected_and_hides_nothing(watch: Any, tmp_path: Path) -> None:
    files = {"tests/stage6_a.py": b"\xff", "tests/stage7_a.py": "def test_a(): assert id\n"}
    evidence = watch("stage_tests", files)
    assert [(one.fact, one.path) for one in evidence.problems] == [
        ("tests_defined", "tests/stage6_a.py"),
        ("stages.stage6", "tests/stage6_a.py"),
    ]
    assert all("not UTF-8" in one.reason for one in evidence.problems)
    assert (evidence.facts["stages"]["stage7"]["tests"], evidence.facts["tests_defined"]) == (1, 1)
    (tmp_path / "tests" / "stage6_a.py").unlink()
    (tmp_path / "tests" / "stage6_b.py").symlink_to("stage6_c.py")
    evidence = watch("stage_tests", {})
    assert "symbolic link" in evidence.problems[0].reason
    (tmp_path / "conftest.py").symlink_to("elsewhere.py")
    linked = [problem.fact for problem in watch("stage_tests", {}).problems if "link" in problem.reason]
    assert "fixtures" in linked
    assert evidence.facts["stages"]["stage7"]["tests"] == 1


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "...",
        '"""Words."""',
        "x = 1",
        "return None",
        "assert True",
        "assert 1",
        "assert 1 == 1",
        'print("done")',
        'pytest.skip("later")',
        "if False:\n        check()",
        "while 0:\n        check()",
        "return\n    check()",
        "def inner(): check()",
        "f = lambda: check()",
        "import os",
    ],
)
def test_a_body_that_proves_nothing_is_no_test(watch: Any, body: str) -> None:
    """And is named, with its line."""
    code = f"def test_a():\n    {body}\n\nclass TestB:\n    def test_b(self): assert id\n"
    stage = watch("stage_tests", {"tests/stage6_a.py": code}).facts["stages"]["stage6"]
    assert (stage["tests"], stage["tests_empty"], stage["collectable"]) == (1, 1, True)
    assert stage["problems"] == [
        {
            "path": "tests/stage6_a.py",
            "line": 1,
            "text": "test_a has a body without a call or an assertion: it proves nothing",
        }
    ]


@pytest.mark.parametrize(
    ("line", "tests"),
    [
        ("sys.exit(0)", 0),
        ('pytest.skip("later", allow_module_level=True)', 0),
        ('if os.environ.get("CI"):\n    pytest.skip("later", allow_module_level=True)', 1),
    ],
)
def test_a_module_that_ends_at_once_has_no_tests(watch: Any, line: str, tests: int) -> None:
    code = f"def test_a(): check()\n{line}\n"
    stage = watch("stage_tests", {"tests/stage6_a.py": code}).facts["stages"]["stage6"]
    assert (stage["tests"], stage["collectable"]) == (tests, bool(tests))


@pytest.mark.parametrize(
    "body",
    [
        "assert x",
        "assert 1 == x",
        "check()",
        "print(check())",
        "with check(): pass",
        "x = [check() for _ in x]",
        "if x:\n        return\n    check()",
        "try:\n        pass\n    finally:\n        check()",
        "for _ in x:\n        assert _",
        "raise check()",
        "self.answers_in_time(x)",
        "Config(x)",
        "with suppress(OSError):\n        assert x",
    ],
)
def test_a_body_that_calls_or_asserts_is_a_test(watch: Any, body: str) -> None:
    code = f"def test_a(x):\n    {body}\n"
    stage = watch("stage_tests", {"tests/stage6_a.py": code}).facts["stages"]["stage6"]
    assert (stage["tests"], stage["tests_empty"], stage["problems"]) == (1, 0, [])


@pytest.mark.parametrize(
    "code",
    [
        "if False:\n    def test_a(): assert id\n",
        "if 0:\n    def test_a(): assert id\n",
        "if True:\n    pass\nelse:\n    def test_a(): assert id\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    def test_a(): assert id\n",
        "def test_a(): assert id\ndel test_a\n",
        "def test_a(): assert id\ntest_a = None\n",
        "def test_a(): assert id\ntest_a.__test__ = False\n",
        "__test__ = False\ndef test_a(): assert id\n",
        "def test_a(): assert id\n__test__ = False\n",
        "class TestA:\n    __test__ = False\n    def test_a(self): assert id\n",
        "class TestA:\n    def test_a(self): assert id\nTestA.__test__ = False\n",
        "class TestA:\n    def test_a(self): assert id\n    del test_a\n",
        "class TestA:\n    def test_a(self): assert id\ndel TestA\n",
        "raise SystemExit\ndef test_a(): assert id\n",
    ],
)
def test_what_pytest_would_not_collect_is_no_test(watch: Any, code: str) -> None:
    stage = watch("stage_tests", {"tests/stage6_a.py": code}).facts["stages"]["stage6"]
    assert (stage["tests"], stage["collectable"]) == (0, False)


def test_the_tests_of_all_files_are_counted(watch: Any) -> None:
    code = "def test_a(): assert id\ndef test_b(): pass\n"
    files = {"tests/stage6_a.py": code, "tests/unit/test_a.py": code, "src/b_test.py": code, "src/c.py": code}
    evidence = watch("stage_tests", files | {"tests/test_broken.py": "def ("})
    assert evidence.facts["tests_defined"] == 3
    assert [(one.fact, one.path) for one in evidence.problems] == [("tests_defined", "tests/test_broken.py")]
    assert evidence.scopes[2].looked_at == 4
    assert watch("stage_tests", {}, tests=["tests/unit/*.py"]).facts["tests_defined"] == 2


GOOD = {
    "tests/stage6_a.py": """
import pytest
@pytest.mark.paper
@pytest.mark.parametrize("x", [1, 2, 3])
def test_a(x): assert id
class TestB:
    def test_b(self): assert id
""",
    "tests/stage7_a.py": "def test_a(): assert id\n",
    "tests/stage8_a.py": "def test_a(): assert id\n",
    "tests/conftest.py": "import pytest\n@pytest.fixture\ndef f(): pass\n",
    "data.json": "{}",
}


def tree(root: Path) -> dict[str, bytes | None]:
    """Everything in a directory."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python whose pytest starts without the plug-ins that are installed: in half the time."""
    path = tmp_path_factory.mktemp("plain") / "python"
    path.write_text(f'#!/bin/sh\nPYTEST_DISABLE_PLUGIN_AUTOLOAD=1 exec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def by_pytest(watch: Any, plain: str) -> Any:
    def collect(files: dict[str, str], **options: Any) -> Any:
        return watch("stage_tests", {**GOOD, **files}, **{"python": plain, **options})

    return collect


def test_pytest_itself_collects(watch: Any, by_pytest: Any, tmp_path: Path) -> None:
    static = watch("stage_tests", GOOD).facts
    before = tree(tmp_path)
    evidence = by_pytest({}, python=sys.executable)
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "",
    ]
    command += ["--rootdir=.", "tests/stage6_a.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    facts = evidence.facts
    assert facts["method"] == "pytest"
    assert f"{facts['stages']['stage6']['tests']} tests collected" in said
    assert facts["stages"]["stage6"]["tests_static"] == 2
    assert [facts["stages"][stage]["tests"] for stage in ("stage7", "stage8")] == [1, 1]
    assert all(stage["collectable"] and not stage["problems"] for stage in facts["stages"].values())
    assert facts["markers"] == ["paper", "parametrize"]
    for same in (static, facts):  # all but parameters is as the sources say
        assert same["stages"]["stage8"] == static["stages"]["stage8"]
        assert (same["conftest"], same["fixtures"]) == (["tests/conftest.py"], 1)
    assert evidence.tool == f"pytest {pytest.__version__}"
    assert not evidence.repeatable
    assert json.loads(evidence.attachments[0].data)["complete"]
    assert str(tmp_path).encode() not in evidence.attachments[0].data
    assert tree(tmp_path) == before  # no __pycache__, no .pytest_cache, nothing


def test_nothing_to_collect_runs_nothing(watch: Any) -> None:
    facts = watch("stage_tests", {"conftest.py": "import os; os._exit(1)"}, python="/absent").facts
    assert facts["stages"]["stage6"]["tests"] == 0


@pytest.mark.parametrize(
    ("code", "line", "text"),
    [
        ("import nothere\ndef test_a(): assert id\n", 1, "ModuleNotFoundError: No module named 'nothere'"),
        *(
            pytest.param(*case, marks=pytest.mark.soak)
            for case in [
                (
                    "def f():\n    raise ValueError('bad\\nmore')\nf()\ndef test_a(): assert id\n",
                    2,
                    "ValueError: bad",
                ),
                (
                    "import pytest\npytest.skip('no', allow_module_level=True)\ndef test_a(): assert id\n",
                    None,
                    "is skipped",
                ),
                (
                    "class E(Exception):\n    def __str__(self): 1/0\nraise E\ndef test_a(): assert id\n",
                    3,
                    "E: ?",
                ),
                ("import sys; sys.exit(0)\ndef test_a(): assert id\n", None, "SystemExit: 0"),
                ("def test_a(): assert id\ndel test_a\n", None, "pytest collects no test from it"),
                ("def test_a(: pass\n", 1, "SyntaxError"),
            ]
        ),
    ],
)
def test_what_pytest_cannot_collect(by_pytest: Any, code: str, line: int | None, text: str) -> None:
    stage = by_pytest({"tests/stage7_a.py": code}).facts["stages"]["stage7"]
    assert (stage["tests"], stage["collectable"]) == (0, False)
    found = [problem for problem in stage["problems"] if text in problem["text"]]
    assert [(problem["path"], problem["line"]) for problem in found] == [("tests/stage7_a.py", line)]


@pytest.mark.soak
def test_a_broken_file_leaves_the_other_stages_alone(by_pytest: Any) -> None:
    stages = by_pytest({"tests/stage7_a.py": "import nothere\ndef test_a(): assert id\n"}).facts["stages"]
    assert stages["stage6"]["tests"] == 4
    assert stages["stage6"]["collectable"]


@pytest.mark.soak
@pytest.mark.parametrize(
    ("conftest", "said"),
    [
        ("raise ValueError('x')", "ValueError: x"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        pytest.param(
            "import pytest; pytest.exit('enough', returncode=0)", "Exit: enough", marks=pytest.mark.soak
        ),
        pytest.param(
            "def pytest_collection_modifyitems(items): raise SystemExit(0)",
            "SystemExit: 0",
            marks=pytest.mark.soak,
        ),
        ("def pytest_collection_modifyitems(items): items.clear()", "pytest collects no test from it"),
        ("def pytest_configure(config): config.option.nothing", "did not finish collecting"),
    ],
)
def test_a_conftest_that_ends_it_is_a_problem(by_pytest: Any, conftest: str, said: str) -> None:
    for stage in by_pytest({"tests/conftest.py": conftest}).facts["stages"].values():
        assert (stage["tests"], stage["collectable"]) == (0, False)
        assert any(said in problem["text"] for problem in stage["problems"])


@pytest.mark.parametrize(
    ("conftest", "said"),
    [
        ("import os; os._exit(0)", "left no report: exit code 0"),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "left no report: exit code -9",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            "import os\nwhile True: os.write(2, b'x' * 1000)",
            "wrote more than 100000 bytes",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            "import atexit, sys, os; atexit.register(os.remove, sys.argv[1])",
            "left no report",
            marks=pytest.mark.soak,
        ),
        (
            "import atexit, sys; atexit.register(lambda: open(sys.argv[1], 'w').write('{'))",
            "malformed JSON",
        ),
        pytest.param(
            "import atexit, sys; atexit.register(lambda: open(sys.argv[1], 'w').write('x' * 200_000))",
            "is larger than 100000 bytes",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            "import atexit, sys, os\n"
            "@atexit.register\ndef f(): os.remove(sys.argv[1]); os.symlink('/etc/passwd', sys.argv[1])\n",
            "left no report",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            "import atexit, sys, os\n"
            "@atexit.register\ndef f(): os.remove(sys.argv[1]); os.mkfifo(sys.argv[1])\n",
            "left no report",
            marks=pytest.mark.soak,
        ),
        (
            "import atexit, sys; atexit.register(lambda: open(sys.argv[1], 'w').write('{\"pytest\": 1}'))",
            "does not keep to the contract",
        ),
        ("import pathlib; pathlib.Path('data.json').write_text('[]')", "changed while pytest collected"),
        pytest.param(
            "import pathlib; pathlib.Path('data.json').unlink()",
            "changed while pytest collected",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_a_conftest_that_spoils_the_report_is_rejected(by_pytest: Any, conftest: str, said: str) -> None:
    evidence = by_pytest({"tests/conftest.py": conftest}, limits=Limits(command_bytes=100_000))
    assert [problem.fact for problem in evidence.problems] == ["stages", "markers"]
    for problem in evidence.problems:
        assert problem.kind is ProblemKind.REJECTED
        assert said in problem.reason
    assert not evidence.repeatable


def test_a_conftest_that_hangs_is_ended(by_pytest: Any) -> None:
    conftest = {"tests/conftest.py": "import time; time.sleep(36_000)"}
    rejected = by_pytest(conftest, limits=Limits(command_seconds=0.5)).problems[0]
    assert rejected.reason == "collecting the stage tests with pytest took longer than 0.5 s"
    assert "limits.command_seconds" in rejected.remedy


@pytest.mark.soak
def test_a_conftest_that_prints_or_forks_is_no_problem(by_pytest: Any) -> None:
    conftest = "import os, sys\nprint('x' * 9999)\nprint('y', file=sys.stderr)\nos.fork()\n"
    stages = by_pytest({"tests/conftest.py": conftest}).facts["stages"]
    assert [stage["tests"] for stage in stages.values()] == [4, 1, 1]


FORGER = """
import atexit, json, os, sys
def forge():
    report = json.loads(open(sys.argv[1]).read())
    report["files"] = [{"path": f"tests/stage{n}_a.py", "tests": 99, "deselected": 0} for n in (6, 7, 8)]
    report.update(complete=True, errors=[])
    open(sys.argv[1], "w").write(json.dumps(report))
atexit.register(forge)
"""


def test_tests_that_only_the_report_knows_are_not_counted(by_pytest: Any) -> None:
    """A project can lie about its tests to the extent that its sources have some at all: see ADR 8."""
    files = {"tests/conftest.py": FORGER, "tests/stage7_a.py": "def helper(): pass\n"}
    stage = by_pytest(files).facts["stages"]["stage7"]
    assert (stage["tests"], stage["collectable"]) == (0, False)
    assert "pytest reports 99 tests, but the file defines none; they are not counted" in [
        problem["text"] for problem in stage["problems"]
    ]


@pytest.mark.soak
def test_the_projects_own_options(by_pytest: Any, tmp_path: Path) -> None:
    settings = "[pytest]\naddopts = -m paper --junitxml=junit.xml --lf\npython_files = other.py\n"
    stages = by_pytest({"pytest.ini": settings, "junit.xml": "<precious/>"}).facts["stages"]
    assert (stages["stage6"]["tests"], stages["stage6"]["collectable"]) == (3, True)
    assert [problem["text"] for problem in stages["stage6"]["problems"]] == [
        "the project's options for pytest leave out 1 of its tests"
    ]
    assert (stages["stage7"]["tests"], stages["stage7"]["collectable"]) == (0, False)
    assert (tmp_path / "junit.xml").read_text() == "<precious/>"
    stages = by_pytest({"pytest.ini": "[pytest]\naddopts = --nothing-like-it\n"}).facts["stages"]
    assert "unrecognized arguments: --nothing-like-it" in stages["stage6"]["problems"][0]["text"]
    assert stages["stage6"]["tests"] == 0


def test_nothing_of_ours_reaches_the_project(by_pytest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE_SECRET", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    conftest = (
        "import os, sys\n"
        "assert not {name for name in os.environ if name.startswith(('GATE', 'AWS', 'SSH', 'GIT'))}\n"
        "assert not [path for path in sys.path if path.endswith('collectors')]\n"
        "assert not [name for name in sys.modules if name.startswith('gate')]\n"
    )
    assert by_pytest({"tests/conftest.py": conftest}).facts["stages"]["stage6"]["tests"] == 4


def test_the_interpreter_must_be_there_and_have_pytest(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match=r"there is no program '\.venv/bin/python'"):
        watch("stage_tests", GOOD, python=".venv/bin/python")
    bare = tmp_path / "bare" / "python"
    bare.parent.mkdir()
    bare.write_text(f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} -S -E "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(EnvironmentProblem, match="has no pytest: ModuleNotFoundError") as caught:
        watch("stage_tests", GOOD, python="bare/python")
    assert (caught.value.path, caught.value.place) == ("gate.yaml", "/evidence/stage_tests/python")
    bare.write_text("#!/bin/sh\necho no Python at all >&2; exit 3\n")
    rejected = watch("stage_tests", GOOD, python="bare/python").problems[0]
    assert "left no report: exit code 3, no Python at all" in rejected.reason


def test_an_account_number_in_an_error_is_masked(by_pytest: Any) -> None:
    code = "raise ValueError('account DU1234567')\ndef test_a(): assert id\n"
    problems = by_pytest({"tests/stage7_a.py": code}).facts["stages"]["stage7"]["problems"]
    assert any("DU****67" in problem["text"] for problem in problems)


@pytest.mark.soak
def test_the_runner_alone(tmp_path: Path) -> None:
    """The script as it is started, in an environment where its lines are measured."""
    for name, code in {**GOOD, "tests/stage7_a.py": "import nothere"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(code)
    command = [sys.executable, _pytest_runner.__file__, str(tmp_path / "report.json"), "--collect-only", "-q"]
    command += ["-p", "no:cacheprovider", "-m", "not paper", f"--rootdir={tmp_path}"]
    conftests = {"": 1, "import pytest; pytest.exit('enough')": 0, "raise SystemExit(3)": 1, "x": 0}
    for conftest, errors in conftests.items():  # of some, what pytest prints says why it ended
        (tmp_path / "tests" / "conftest.py").write_text(conftest)
        subprocess.run([*command, "tests/stage6_a.py", "tests/stage7_a.py"], cwd=tmp_path, check=False)
        report = json.loads((tmp_path / "report.json").read_text())
        assert report["complete"] == (not conftest)
        assert len(report["errors"]) == errors
        assert [file["tests"] for file in report["files"]] == ([] if conftest else [1])
