"""The guides of officers and outside verifiers work as they stand, one after the other."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parent.parent
_FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT = {"FAIL": 1, "CONDITIONAL": 3}


def _run(text: str, folder: Path) -> int:
    """Run each command of a page in a shell; it prints the lines below it, and its exit code fits them."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "HOME": str(folder)}
    ran = 0
    for block in _FENCE.findall(text):
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
    for name in ("ready", "trust"):
        ignored = shutil.ignore_patterns("ledger", "__pycache__")
        shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "examples" / "operator.yaml", tmp_path)
    assert _run((ROOT / "docs" / "officer.md").read_text(), tmp_path) >= 10
    assert _run((ROOT / "docs" / "verifier.md").read_text(), tmp_path) >= 6


@pytest.mark.soak
def test_settings_name_their_schema_for_editors(tmp_path: Path) -> None:
    """The lines of docs/configuration.md write the schema and name it; it accepts what it is for."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a.py").write_text("a = 1\n")
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert _run(page.partition("## Completion in an editor")[2].partition("\n## ")[0], tmp_path) == 2
    text = (tmp_path / "gate.yaml").read_text()
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named is not None
    schema = Draft202012Validator(json.loads((tmp_path / named[1]).read_text()))
    assert schema.is_valid(yaml.safe_load(text)) and not schema.is_valid({"version": 1, "sbject": {}})
