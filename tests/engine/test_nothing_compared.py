"""Where nothing was compared, a rule about a comparison cannot be told; it does not hold."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.service import Judged

READY = Path(__file__).resolve().parents[2] / "examples" / "ready"
Gate = Callable[..., Any]
Examples = Callable[[str, str], Judged]

CURRENT = {f"stage{number}.evidence_current" for number in (1, 4, 6, 7, 8)}


def statuses(judged: Judged) -> dict[str, str]:
    """Rule → status."""
    return {check.code: check.status.value for check in judged.decision.checks}


def test_what_cannot_be_told_is_shown_as_such(judged_examples: Examples) -> None:
    """No git, no approved contracts, evidence that states no sources: a warning each, as the data want it."""
    judged = judged_examples("ready", "stage8")
    found = {code for code, status in statuses(judged).items() if status == "cannot be told"}
    assert (
        found == {"stage8.tree_clean", "stage8.evidence_committed", "stage1.contracts_compatible"} | CURRENT
    )
    said = {notice.code: notice.msg for notice in judged.decision.warnings if notice.code in found}
    assert said.keys() == found
    assert said["stage8.tree_clean"].startswith("Cannot be told: no commit is checked out")
    assert said["stage1.contracts_compatible"] == (
        "Cannot be told: no approved version is named to compare with"
    )
    assert "does not state what it was made from" in said["stage4.evidence_current"]


@pytest.mark.parametrize("code", ["stage1.evidence_current", "stage4.evidence_current"])
def test_evidence_that_is_not_there_is_not_current(judged_examples: Examples, code: str) -> None:
    """The rule has the reason of those that need the evidence, and blocks like them."""
    judged = judged_examples("algo-trade", code.partition(".")[0])
    assert statuses(judged)[code] == "missing evidence"
    (violation,) = (one for one in judged.decision.violations if one.code == code)
    assert violation.msg.startswith("No evidence: no ") and "report found (looked for" in violation.msg


def test_once_committed_and_stated_they_hold(gate: Gate, make_workspace: Callable[..., Path]) -> None:
    """A commit to compare with, and a statement beside the evidence, are what is asked for."""
    report = '<testsuite name="s"><testcase name="a"/></testsuite>'
    logs = [f"broker_conformance/{one.name}" for one in (READY / "broker_conformance").iterdir()]
    root = make_workspace(
        {
            "src/app.py": "x = 1\n",
            "junit.xml": report,
            "gate.yaml": "subject: {sources: [src]}\n",
            **{name: (READY / name).read_bytes() for name in ("BROKER_CONFORMANCE.json", *logs)},
        }
    )
    identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
    assert gate("provenance", "-w", root, "junit.xml", "BROKER_CONFORMANCE.json").code == 0
    checks = json.loads(gate("evaluate", "stage8", "-w", root, "-o", "json").out)["checks"]
    found = {check["code"]: check["status"] for check in checks}
    assert (found["stage8.tree_clean"], found["stage4.evidence_current"]) == ("holds", "holds")
