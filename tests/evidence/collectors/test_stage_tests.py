"""Stage tests are found by pattern and judged collectable from their syntax trees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.evidence.errors import ConfigError, EvidenceError

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
        "collectable": False,
        "problems": [{"path": "tests/stage6*.py", "line": None, "text": "no file matches this pattern"}],
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
    def test_two(self): pass
    def helper(self): pass
    class TestInner:
        def test_three(self): pass
class Probe(unittest.TestCase):
    def __init__(self): pass
    def test_four(self): pass
class Other:
    def test_not_collected(self): pass
""",
            "tests/stage7_paper.py": "if True:\n    def test_a(): pass\n",
            "tests/stage8_go.py": "try:\n  def test_a(): pass\nexcept ValueError:\n  def test_b(): pass\n",
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
            "tests/stage6_a.py": "def test_a(): pass\ndef test_a(): pass\n",
            "tests/stage6_b.py": "class TestC:\n    def __init__(self): pass\n    def test_a(self): pass\n",
            "tests/stage7_a.py": "def test_a(: pass\n",
            "tests/stage8_a.py": "import pytest\n@pytest.fixture\ndef test_data(): pass\n",
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
            "tests/stage6_a.py": "def test_a(): pass\n",
            "tests/stage6_b.py": "def test_a(): pass\n",
            "elsewhere/stage7_a.py": "def test_a(): pass\n",
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


def test_a_linked_or_binary_test_is_refused(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="not UTF-8"):
        watch("stage_tests", {"tests/stage6_a.py": b"\xff"})
    (tmp_path / "tests" / "stage6_a.py").unlink()
    (tmp_path / "tests" / "stage6_b.py").symlink_to("stage6_c.py")
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("stage_tests", {})
