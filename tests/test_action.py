"""The GitHub action's judging step, run by a real shell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


def test_every_input_is_used_and_declared() -> None:
    """What the steps read are the inputs there are."""
    text = (ROOT / "action.yml").read_text()
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(yaml.safe_load(text)["inputs"])


@pytest.mark.parametrize("record", [True, False])
def test_the_judging_step_fails_the_job_and_leaves_the_decision(
    copy_example: Callable[[str], Path], tmp_path: Path, record: bool
) -> None:
    """With the variables a runner sets, the step exits 1 for the audited example and names the JSON file."""
    workspace = copy_example("algo-trade")
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    [script] = [step["run"] for step in steps if step.get("id") == "judge"]
    (tmp_path / "gate" / "bin").mkdir(parents=True)
    python = tmp_path / "gate" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    env = {
        **os.environ,
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "STAGE": "stage1",
        "ACCEPT": "",
        "RECORD": "" if record else "--no-record",
        "TRUST_REF": "",
        "OPERATOR": str(ROOT / "examples" / "operator.yaml"),
        "GATE_WORKSPACE": str(workspace),
    }
    done = subprocess.run(["bash", "-e", "-c", script], env=env, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout.decode().startswith("FAIL  stage1")
    path = (tmp_path / "outputs").read_text().strip().removeprefix("decision=")
    assert json.loads(Path(path).read_text())["verdict"] == "FAIL"
    assert (workspace / "ledger").exists() is record


def test_nothing_is_recorded_unless_asked() -> None:
    """A job that judges a change makes no key, and judges by the base branch of its pull request."""
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    assert inputs["record"]["default"] == "false"
    assert "github.base_ref" in (ROOT / "action.yml").read_text()
