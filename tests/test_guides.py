"""The guides of officers and outside verifiers work as they stand, one after the other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT = {"FAIL": 1, "CONDITIONAL": 3}


def _run(page: str, folder: Path) -> int:
    """Run each command of the page in a shell; it prints the lines below it, and its exit code fits them."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "HOME": str(folder)}
    ran = 0
    for block in _FENCE.findall((ROOT / "docs" / page).read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
            )
            output = f"{command}\n{done.stdout}{done.stderr}"
            assert done.returncode == _EXIT.get(shown[0].split()[0] if shown else "", 0), output
            flat = " ".join(output.split())
            for line in shown:
                assert " ".join(line.split()) in flat, output
            ran += 1
    return ran


@pytest.mark.soak
def test_an_officer_signs_and_a_verifier_checks(tmp_path: Path) -> None:
    """From the decision of the ready example to a record that is checked with gate and without."""
    if shutil.which("jq") is None and not os.environ.get("GATE_TEST_ALL_PARTS"):
        pytest.skip("the commands of VERIFY.md need jq")
    for name in ("ready", "trust"):
        ignored = shutil.ignore_patterns("ledger", "__pycache__")
        shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "examples" / "operator.yaml", tmp_path)
    assert _run("officer.md", tmp_path) >= 10
    assert _run("verifier.md", tmp_path) >= 6
