"""Files that evidence names are found by the end of their path, or by more than their path."""

from __future__ import annotations

import pytest

from gate.evidence.collectors.shared.named import Names, programs_not_there

NAMES = Names(["tests/e2e/driver.py", "algo/__main__.py", "README.md", ".coverage", "src/app/run.py"])


@pytest.mark.parametrize(
    ("name", "inside", "known"),
    [
        ("tests/e2e/driver.py", False, True),
        ("tests.e2e.driver", False, True),
        ("./tests/e2e/driver.py", False, True),
        ("tests\\e2e\\driver.py", False, True),
        ("driver", False, True),
        ("services/algo/tests/e2e/driver.py", False, True),
        ("app.run", False, True),
        ("README.md", False, True),
        ("tests.e2e.driver.TestDriver", False, False),
        ("tests.e2e.driver.TestDriver", True, True),
        ("tests.e2e.other", True, False),
        ("other.driver2", True, False),
        ("coverage", False, False),
        ("", True, False),
    ],
)
def test_a_file_of_the_workspace_is_known(name: str, inside: bool, known: bool) -> None:
    assert NAMES.have(name, inside=inside) is known


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("python -m tests.e2e.driver --paper", []),
        ("python -m algo", []),
        ("python -m coverage run -m tests.e2e.driver", []),
        ("python -m other.driver", ["other.driver"]),
        ("python old/client.py --port 4002", ["old/client.py"]),
        ("tests/e2e/mock.py, seed 400", ["tests/e2e/mock.py"]),
        ("tests/e2e/driver.py, seed 400", []),
        ("docker run algo", []),
        ("algo-driver --mode paper", []),
        ("", []),
    ],
)
def test_programs_that_are_named_and_not_there(text: str, missing: list[str]) -> None:
    assert programs_not_there(text, NAMES) == missing
