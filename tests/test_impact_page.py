"""docs/impact.md shows what the program prints, word for word."""

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
def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    """Each command of the page runs in a shell, and each line below it is in its output."""
    shutil.copytree(
        ROOT / "examples" / "algo-trade",
        tmp_path / "algo-trade",
        ignore=shutil.ignore_patterns("ledger", "__pycache__"),
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "HOME": str(tmp_path)}
    for info, block in _FENCE.findall((ROOT / "docs" / "impact.md").read_text()):
        if info != "console":
            (tmp_path / info.split()[1]).write_text(block)
            continue
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
            )
            output = f"{command}\n{done.stdout}{done.stderr}"
            fails = command.startswith("gate evaluate") or command.endswith("impact rules -w algo-trade")
            assert done.returncode == fails, output
            flat = " ".join(output.split())
            for line in shown:
                assert " ".join(line.split()) in flat, output
