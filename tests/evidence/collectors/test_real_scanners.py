"""Reports that real scanners write just now, of a project with known weaknesses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import hashlib, pickle, subprocess

password = "hunter2"

def run(command):
    assert command
    subprocess.call(command, shell=True)
    eval(command)
    eval(command)  # nosec
    return hashlib.md5(command).hexdigest()
"""
SCRIPTS = Path(sys.executable).parent


def _tool(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [str(SCRIPTS / command[0]), *command[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "run it.py").write_text(PROGRAM)
    (folder / "pkg" / "fine.py").write_text("import random\nprint(random.random())\n")
    return folder


def test_bandit_agrees(watch: Any, project: Path) -> None:
    log = _tool(project, "bandit", "-q", "-r", "pkg", "-f", "sarif")
    totals = json.loads(_tool(project, "bandit", "-q", "-r", "pkg", "-f", "json"))["metrics"]["_totals"]
    printed = _tool(project, "bandit", "-r", "pkg")
    evidence = watch("scans", {"bandit.sarif": log})
    facts = evidence.facts
    for severity in ("low", "medium", "high"):
        assert facts["by_severity"][severity] == totals[f"SEVERITY.{severity.upper()}"] > 0
    by_severity = printed.split("Total issues (by severity):")[1].split("Total issues (by conf")[0]
    assert facts["results"] == sum(int(count) for count in re.findall(r": (\d+)", by_severity))
    assert facts["by_severity"]["critical"] == facts["incomplete"] == 0
    assert {finding["path"] for finding in facts["findings"]} == {"pkg/run it.py", "pkg/fine.py"}
    assert facts["findings"][0]["severity"] == "high"
    assert evidence.observed_at is not None
    assert facts["tools"][0]["name"] == "Bandit"


def test_a_password_that_a_scanner_quotes_is_not_kept(watch: Any, project: Path) -> None:
    log = _tool(project, "bandit", "-q", "-r", "pkg", "-f", "sarif")
    assert "hunter2" in log
    evidence = watch("scans", {"bandit.sarif": log})
    assert "hunter2" not in json.dumps(evidence.to_json())
    assert any("password" in finding["message"] for finding in evidence.facts["findings"])


def test_files_that_bandit_could_not_read_make_the_scan_incomplete(watch: Any, project: Path) -> None:
    (project / "pkg" / "broken.py").write_text("def (:\n")
    facts = watch("scans", {"b.sarif": _tool(project, "bandit", "-q", "-r", "pkg", "-f", "sarif")}).facts
    assert facts["incomplete"] == 1
    assert "syntax error" in facts["reports"][0]["incomplete_because"]


def test_ruff_agrees(watch: Any, project: Path, tmp_path: Path) -> None:
    check = ["ruff", "check", "--isolated", "--no-cache", "--select", "ALL", "pkg"]
    found = json.loads(_tool(project, *check, "--output-format", "json"))
    statistics = _tool(project, *check, "--statistics")
    log = _tool(project, *check, "--output-format", "sarif")
    (tmp_path / "project" / "reports").mkdir()
    facts = watch("scans", {"reports/ruff.sarif": log}).facts
    assert facts["results"] == len(found) > 10
    assert facts["results"] == sum(int(count) for count in re.findall(r"^(\d+)\s", statistics, re.MULTILINE))
    listed = Counter(finding["rule"] for finding in facts["findings"])
    assert listed == Counter(one["code"] for one in found)
    assert {finding["path"] for finding in facts["findings"]} <= {
        "project/pkg/run it.py",
        "project/pkg/fine.py",
    }
    assert facts["observed_at_s"] is None  # ruff states none


# severities
