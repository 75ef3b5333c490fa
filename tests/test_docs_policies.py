"""The bundle that docs/policy-bundles.md builds step by step works as the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy.bundle import SHIPPED

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "policy-bundles.md").read_text()

Make = Callable[..., Path]
Run = Callable[..., Any]

JUNIT = (
    '<testsuites><testsuite name="s" tests="1" timestamp="2025-11-06T12:00:00Z">'
    '<testcase classname="a" name="b" time="0.1"/></testsuite></testsuites>'
)
FILES = {
    "src/app.py": "x = 1\n",
    "summary.json": '{"fill_ratio": 0.96}',
    "tools/check_limits.py": "import sys\nsys.exit(0)\n",
    "junit.xml": JUNIT,
    "CHANGELOG.md": "## [Unreleased]\n\n## [1.0.0] - 2025-11-01\n- a\n",
}
TIME = ["--effective-time", "2025-11-07T12:00:00Z", "--allow-past-effective-time"]


def blocks(language: str) -> list[str]:
    """The page's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def plugin(tmp_path: Path) -> dict[str, str]:
    """The environment in which the example plug-in is installed."""
    info = tmp_path / "site" / "gate_changelog-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gate-changelog\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[gate.collectors]\nchangelog = gate_changelog:ChangelogCollector\n"
    )
    return {"PYTHONPATH": os.pathsep.join([str(info.parent), str(ROOT / "examples" / "collector-plugin")])}


@pytest.fixture
def workspace(make_workspace: Make) -> Path:
    """A workspace built with the commands and files of the page, and nothing else."""
    files = {}
    for text in blocks("yaml") + blocks("rego"):
        named = re.match(r"# (\S+\.(?:yaml|rego))\n", text)
        if named:
            files[named[1]] = text
    assert set(files) == {
        "gate.yaml",
        "policies/gate/params/house/data.yaml",
        "policies/gate/house/house.rego",
    }
    root = make_workspace(FILES)
    [copy] = blocks("sh")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(["sh", "-ec", copy], cwd=root, env={**os.environ, "PATH": path}, check=True)
    make_workspace(files)
    [stage] = blocks("json")
    manifest = json.loads((root / "policies/.manifest").read_text())
    manifest["metadata"]["stages"].update(json.loads(stage))
    (root / "policies/.manifest").write_text(json.dumps(manifest))
    return root


def judged(
    program: Run, operator: Callable[[Path], Path], root: Path, env: dict[str, str]
) -> tuple[int, list[str]]:
    """Exit code and the codes of the violations, with an operator who permits the commands."""
    trust = ("--operator", operator(root))
    done = program("evaluate", "house", "-w", root, *trust, "--output", "json", *TIME, env=env)
    assert done.out, done.err
    decision = json.loads(done.out)
    assert {check["code"] for check in decision["checks"]} == {
        "house.fill_ratio",
        "house.limits",
        "house.tests_recent",
        "house.released",
    }
    return done.code, sorted(violation["code"] for violation in decision["violations"])


@pytest.mark.soak
def test_the_example_stage_judges(
    program: Run, here: Run, operator: Callable[[Path], Path], workspace: Path, plugin: dict[str, str]
) -> None:
    """It passes when everything is as its rules want it, and each rule finds its own fault.

    Only a rule names the plug-in, gate.yaml does not: that is enough for it to run.
    """
    assert judged(program, operator, workspace, plugin) == (0, [])
    faults = {
        "house.fill_ratio": ("summary.json", '{"fill_ratio": 0.949}'),
        "house.limits": ("tools/check_limits.py", "import sys\nsys.exit(1)\n"),
        "house.tests_recent": ("junit.xml", JUNIT.replace("2025-11-06", "2025-10-06")),
        "house.released": ("CHANGELOG.md", "## [Unreleased]\n- new\n\n## [1.0.0] - 2025-11-01\n- a\n"),
    }
    for code, (path, text) in faults.items():
        before = (workspace / path).read_text()
        (workspace / path).write_text(text)
        light = code in ("house.tests_recent", "house.released")  # MEDIUM and LOW: a condition, no FAIL
        assert judged(here, operator, workspace, plugin) == (3 if light else 1, [code])
        (workspace / path).write_text(before)


def test_without_the_plug_in_the_remedy_says_so(program: Run, workspace: Path) -> None:
    """Its facts are in no contract then, and the error says what may be the reason."""
    done = program("evaluate", "house", "-w", workspace)
    assert done.code == 2
    assert "install the plug-in that brings the collector 'changelog'" in done.err


def test_the_helpers_listed_are_those_there_are() -> None:
    """Every function the page names is in gate/lib, with as many arguments where it lists them."""
    library = "\n".join(
        path.read_text() for path in SHIPPED.glob("gate/lib/*.rego") if "_test" not in path.name
    )
    defined = {
        name: len(arguments.split(","))
        for name, arguments in re.findall(r"^(?:default )?([a-z_]+)\(([^)]*)\)", library, re.MULTILINE)
    }
    section = PAGE.partition("## The helpers")[2].partition("\n## ")[0]
    listed = re.findall(r"`([a-z_]+)\(([^`]*)\)`", section)
    assert len(listed) > 15
    for name, arguments in listed:
        assert defined.get(name) == len(arguments.split(",")), name


def test_common_parameters_listed_are_those_the_shipped_bundle_has() -> None:
    """The table and the sentence below it name parameters of gate/params/common."""
    data = (SHIPPED / "gate/params/common/data.yaml").read_text()
    section = PAGE.partition("## Start from the shipped bundle")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)
    named += re.findall(r"`([a-z_]+)`", section.partition("The helpers below use")[2])
    assert len(named) == 8
    for name in named:
        assert f"\n{name}:\n" in data, name
