"""docs/editing-policies.md works as it says: an auditor copies, changes, tests, adds, checks and compares."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "editing-policies.md"
_FENCE = re.compile(r"^```(console|yaml [\w./]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.soak
def test_the_page_word_for_word(gate: Callable[..., Any], tmp_path: Path, opa: str) -> None:
    """Commands run one after the other; each shows the lines that the page shows, in their order."""
    fails = {"gate policy test": 1, "gate policy check": 1}
    ran = []
    for info, block in _FENCE.findall(PAGE.read_text()):
        if info != "console":
            path = tmp_path / info.partition(" ")[2]
            name = block.partition(":")[0]
            old = re.compile(rf"^{name}:\n(?:  .*\n)+", re.MULTILINE)
            text, count = old.subn(block, path.read_text())
            assert count == 1
            path.write_text(text)
            continue
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            ran.append(command)
            if not command.startswith("gate "):
                subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
                continue
            done = gate(*shlex.split(command)[1:])
            output = (done.out + done.err).splitlines()
            places = []
            for line in shown:
                # what the page leaves out changes with every rule of the shipped policies
                shape = re.compile(re.escape(line).replace("…", r"\d+"))
                near = [place for place, text in enumerate(output) if shape.match(text)]
                assert near, f"{command}\n{line}\n{done.out}{done.err}"
                places.append(max(near) if places and min(near) < places[-1] else min(near))
            bad = any((" failed" in line and " 0 failed" not in line) or "findings" in line for line in shown)
            assert done.code == (fails[" ".join(command.split()[:3])] if bad else 0), command
    assert len(ran) >= 9
    assert (tmp_path / "input.schema.json").is_file()


def test_the_table_of_checks_is_complete() -> None:
    """The page lists the checks that there are."""
    from gate.engine.workbench.findings import CHECKS

    assert re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE) == list(CHECKS)
