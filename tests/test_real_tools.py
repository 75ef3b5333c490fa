"""`gate collect --format json` on a real project gives the numbers that the real tools print themselves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

FILES = {
    "algo_trade/__init__.py": "",
    "algo_trade/sizing.py": (
        "import subprocess\n\n\n"
        "def size(cash, price, limit=100):\n"
        "    if price <= 0:\n        raise ValueError('price')\n"
        "    wanted = cash // price\n"
        "    return min(wanted, limit) if wanted > 0 else 0\n\n\n"
        "def report(name):\n"
        "    return subprocess.call('echo ' + name, shell=True)\n\n\n"
        "def load(text):\n    return eval(text)\n"
    ),
    "algo_trade/never.py": "import pickle\n\n\ndef load(data):\n    return pickle.loads(data)\n",
    "tests/unit/test_sizing.py": (
        "import pytest\nfrom algo_trade.sizing import size\n\n\n"
        "@pytest.mark.parametrize('cash', [0, 10, 10_000])\n"
        "def test_size(cash):\n    assert 0 <= size(cash, 5) <= 100\n\n\n"
        "def test_price():\n    with pytest.raises(ValueError):\n        size(1, 0)\n\n\n"
        "def test_wrong():\n    assert size(10, 5) == 3\n\n\n"
        "@pytest.mark.skip(reason='later')\ndef test_later():\n    pass\n\n\n"
        "@pytest.mark.xfail\ndef test_known():\n    assert False\n"
    ),
    "tests/e2e/test_flow.py": "def test_flow():\n    pass\n",
    "gate.yaml": (
        "subject: {sources: [algo_trade]}\n"
        "evidence:\n  coverage: {sources: [algo_trade]}\n  scans: {sarif: ['*.sarif']}\n"
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A project that was tested and scanned, and what pytest printed last."""
    root = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    tested = tool(
        *(
            "coverage",
            "run",
            "--branch",
            "--source=algo_trade",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
        ),
        "--junitxml=junit.xml",
        cwd=root,
    )
    tool("bandit", "-q", "-r", "algo_trade", "-f", "sarif", "-o", "bandit.sarif", cwd=root)
    return root, tested.splitlines()[-1]


def tool(*command: str, cwd: Path) -> str:
    """What a real tool prints."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def facts(gate: Run, root: Path, collector: str) -> dict[str, Any]:
    """The facts of one collector, from the program's output."""
    done = gate("collect", collector, "-o", "json", "-w", root)
    assert (done.code, done.err) == (0, "")
    return dict(json.loads(done.out)[collector]["facts"])


@pytest.mark.soak
def test_the_numbers_of_pytest(gate: Run, project: tuple[Path, str]) -> None:
    """Passed, failed, skipped and expectedly failing tests as pytest counts them in its last line."""
    root, printed = project
    said = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", printed.partition(" in ")[0])}
    assert said == {"failed": 1, "passed": 5, "skipped": 1, "xfailed": 1}
    found = facts(gate, root, "tests")
    assert found["passed"] == said["passed"]
    assert found["failed"] == said["failed"]
    assert found["skipped"] == said["skipped"] + said["xfailed"]
    assert found["expected_failures"] == said["xfailed"]
    assert found["total"] == sum(said.values())
    listed = tool("pytest", "-q", "-p", "no:cacheprovider", "--collect-only", "tests/unit", cwd=root)
    assert found["by_kind"]["unit"]["total"] == listed.count("tests/unit/test_sizing.py::")
    assert found["by_kind"]["e2e"]["total"] == 1


@pytest.mark.soak
@pytest.mark.parametrize("form", ["data", "json", "xml", "lcov"])
def test_the_numbers_of_coverage(gate: Run, project: tuple[Path, str], tmp_path: Path, form: str) -> None:
    """Statements, branches and the total are those of coverage.py's own report, whatever the format."""
    root, _ = project
    totals = json.loads(tool("coverage", "json", "-q", "-o", "-", cwd=root).splitlines()[-1])["totals"]
    percent = tool("coverage", "report", "--format=total", "--precision=2", cwd=root).strip()
    if form == "data":
        looked_at = root
    else:
        looked_at = tmp_path / "project"
        import shutil

        shutil.copytree(root, looked_at, ignore=shutil.ignore_patterns(".coverage", "__pycache__"))
        name = "coverage.lcov" if form == "lcov" else f"coverage.{form}"
        tool("coverage", form, "-q", "-o", str(looked_at / name), cwd=root)
    found = facts(gate, looked_at, "coverage")
    assert found["statements"] == totals["num_statements"]
    assert found["covered"] == totals["covered_lines"]
    assert found["branches"] == totals["num_branches"]
    assert found["taken"] == totals["covered_branches"]
    both = (found["covered"] + found["taken"]) / (found["statements"] + found["branches"])
    assert f"{both * 100:.2f}" == percent
    assert found["never_imported"] == 1


@pytest.mark.soak
def test_the_numbers_of_a_scanner(gate: Run, project: tuple[Path, str]) -> None:
    """Findings by severity as bandit prints them in its own summary."""
    root, _ = project
    printed = tool("bandit", "-r", "algo_trade", cwd=root).partition("Total issues (by severity):")[2]
    said = {name.lower(): int(count) for name, count in re.findall(r"(High|Medium|Low): (\d+)", printed)[:3]}
    assert sum(said.values()) >= 4
    found = facts(gate, root, "scans")
    counted = found["by_severity"]
    assert {name: counted[name] for name in said} == said
