"""docs/auditor.md works as it says: from a copy of the shipped policies to a decision by a signed bundle."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_FENCE = re.compile(r"^```(console|yaml \S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.soak
def test_the_day_of_an_auditor(tmp_path: Path) -> None:
    """Each command of the page runs in a shell, and prints the lines below it; files are written as shown."""
    for name in ("ready", "trust"):
        ignored = shutil.ignore_patterns("ledger", "__pycache__")
        shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "examples" / "operator.yaml", tmp_path)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "HOME": str(tmp_path)}
    ran = 0
    for info, block in _FENCE.findall((ROOT / "docs" / "auditor.md").read_text()):
        if info != "console":
            path = tmp_path / info.split()[1]
            if path.exists():  # one key of the file is shown
                old = re.compile(rf"^{block.partition(':')[0]}:\n(?:  .*\n)+", re.MULTILINE)
                block, count = old.subn(block, path.read_text())
                assert count == 1
            path.write_text(block)
            continue
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
            )
            output = f"{command}\n{done.stdout}{done.stderr}"
            assert done.returncode == any(line.startswith("FAIL ") for line in shown), output
            flat = " ".join(output.split())
            for line in shown:
                assert " ".join(line.split()) in flat, output
            ran += 1
    assert ran >= 15
