"""Nothing of the judged checkout runs: not by the program's start, not by the GitHub action's steps."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .test_attacks import commit_all

ROOT = Path(__file__).resolve().parent.parent
TRAP = "open({path!r}, 'a').write({name!r} + '\\n')\n"
# Python imports these itself, before any module that -m names can do anything about it
BEFORE_MAIN = {
    "importlib",
    "runpy",
    "os",
    "io",
    "sys",
    "site",
    "codecs",
    "encodings",
    "abc",
    "stat",
    "posixpath",
}


@pytest.fixture
def hostile(copy_example: Callable[[str], Path], tmp_path: Path) -> tuple[Path, Path]:
    """A workspace with a module for every name that might be imported, and the file they all write to."""
    workspace, marker = copy_example("algo-trade"), tmp_path / "executed"
    names = {name for name in sys.stdlib_module_names if not name.startswith("_")} - BEFORE_MAIN
    for distribution in importlib.metadata.distributions():
        text = distribution.read_text("top_level.txt") or re.sub(r"[-.]", "_", distribution.name)
        names.update(name for name in text.split() if re.fullmatch(r"[A-Za-z]\w*", name) and name != "gate")
    for name in {*names, "pip", "typer", "pydantic", "yaml", "sitecustomize", "usercustomize"}:
        (workspace / f"{name}.py").write_text(TRAP.format(path=str(marker), name=name))
    return workspace, marker


def executed(marker: Path) -> list[str]:
    """Which modules of the workspace ran."""
    return marker.read_text().split() if marker.exists() else []


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "gate"],
        pytest.param(["-I", "-m", "gate"], marks=pytest.mark.soak),
        [str(Path(sys.executable).with_name("gate"))],
    ],
)
def test_the_program_imports_nothing_from_the_workspace(
    hostile: tuple[Path, Path], command: list[str]
) -> None:
    """Started inside the workspace in each of three ways, it judges and runs none of the modules there."""
    workspace, marker = hostile
    done = subprocess.run(
        [sys.executable, *command, "evaluate", "stage1", "--no-record"],
        cwd=workspace,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert executed(marker) == []


def steps() -> dict[str, str]:
    """The shell scripts of the action, by step name."""
    return {
        step["name"]: step["run"]
        for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
        if "run" in step
    }


SHELL = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]


@pytest.fixture
def environment(hostile: tuple[Path, Path], tmp_path: Path) -> dict[str, str]:
    """What the runner sets for a step, with the checkout where Python looks first."""
    workspace, _ = hostile
    temporary = tmp_path / "runner temp"
    temporary.mkdir()
    return {
        **os.environ,
        "RUNNER_TEMP": str(temporary),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "PYTHONPATH": str(workspace),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "",
        "STAGE": "stage1",
        "ACCEPT": "",
        "RECORD": "--no-record",
        "GATE_WORKSPACE": ".",
    }


@pytest.mark.soak
def test_the_actions_install_step_runs_nothing_of_the_checkout(
    hostile: tuple[Path, Path], environment: dict[str, str]
) -> None:
    """Install asks pip for the locked packages, and no module of the checkout runs.

    There is no package index here, so pip has to give up; `.ci/check_setup.py` runs the steps with one.
    """
    workspace, marker = hostile
    for step in ("Prepare", "Install"):
        installed = subprocess.run(
            [*SHELL, steps()[step]], cwd=workspace, env=environment, capture_output=True, check=False
        )
    assert b"No matching distribution found for pip==" in installed.stderr
    assert executed(marker) == []


def test_the_actions_judge_step_runs_nothing_of_the_checkout(
    hostile: tuple[Path, Path], environment: dict[str, str]
) -> None:
    """Judge judges, and no module of the checkout runs; what Install installs is lent by this environment."""
    workspace, marker = hostile
    python = Path(environment["RUNNER_TEMP"]) / "gate" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    judged = subprocess.run(
        [*SHELL, steps()["Judge"]], cwd=workspace, env=environment, capture_output=True, check=False
    )
    assert judged.returncode == 1, judged.stderr
    assert judged.stdout.decode().startswith("FAIL  stage1")
    assert executed(marker) == []


@pytest.mark.parametrize("path", ["", ".", "bin", "{workspace}/bin"])
def test_no_git_of_the_checkout_is_started(
    gate: Callable[..., Any], make_workspace: Callable[..., Path], tmp_path: Path, path: str
) -> None:
    """Empty, relative and absolute entries of PATH that lead into the checkout are passed over."""
    marker = tmp_path / "executed"
    root = make_workspace({"a.py": "x = 1\n"})
    subprocess.run(["git", "init", "-q", root], check=True)
    for folder in (root, root / "bin"):
        folder.mkdir(exist_ok=True)
        (folder / "git").write_text(f"#!/bin/sh\ntouch {marker}\n")
        (folder / "git").chmod(0o755)
    env = {"PATH": f"{path.format(workspace=root)}{os.pathsep}{os.environ['PATH']}"}
    done = gate("evaluate", "stage1", "-w", root, "--no-record", cwd=root, env=env)
    assert done.code == 1, done.err
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", [".git", ".git/HEAD", ".git/config", ".git/index", ".git/packed-refs", ".mailmap"]
)
def test_a_pipe_in_place_of_a_file_of_the_repository_stops_nothing(
    gate: Callable[..., Any], make_workspace: Callable[..., Path], name: str
) -> None:
    """Nobody writes to the other end: one error, at once, instead of waiting for ever."""
    root = make_workspace({"a.py": "x = 1\n"})
    if name != ".git":
        commit_all(root)
        (root / name).unlink(missing_ok=True)
    os.mkfifo(root / name)
    done = gate("evaluate", "stage1", "-w", root, "--no-record", env={"GATE_NO_CACHE": "1"})
    assert (done.code == 2 and ".git" in done.err) or "regular file" in done.err
    assert done.err.count("to do:") == 1
