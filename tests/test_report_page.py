"""docs/report.md says how the report is made, and its commands do that."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
Gate = Callable[..., Any]


@pytest.mark.soak
def test_the_commands_of_the_page(gate: Gate, copy_example: Callable[..., Path]) -> None:
    """Judging writes the report; a recorded decision gives one, too, and says where it was recorded."""
    root = copy_example("ready").parent
    shutil.copy(ROOT / "examples" / "operator.yaml", root)
    shutil.copytree(ROOT / "examples" / "trust", root / "trust", dirs_exist_ok=True)
    page = (ROOT / "docs" / "report.md").read_text()
    commands = [line.partition("   #")[0] for line in re.findall(r"^\$ gate (.+)$", page, re.MULTILINE)]
    assert len(commands) == 2
    for command in commands:
        done = gate(*shlex.split(command), cwd=root)
        assert done.code == 0, done.err
    shown, text = (root / "report.html").read_text(), (root / "report.md").read_text()
    assert 'entry <bdi dir="ltr">0</bdi> of the ledger' in shown and "gate replay 0" in shown
    assert text.startswith("# Audit report: ✔ PASS · algo-trade · Go-live decision")
    # the same decision, with nothing but its words in another language
    where = ("-w", root / "ready", "--operator", root / "operator.yaml")
    hebrew = ("--language", "he", "-o", f"html={root / 'he.html'}", "-o", "go-live")
    go_live = gate("report", "--decision", "0", *where, *hebrew)
    assert go_live.out.startswith('<div dir="rtl">\n\n# שער ההחלטה')
    assert 'lang="he" dir="rtl"' in (root / "he.html").read_text()
    wrong = gate("explain", "0", "-w", root / "ready", "--language", "hw", "-o", "html")
    assert wrong.code == 2 and "no report in the language 'hw'" in wrong.err and "known: en, he" in wrong.err
