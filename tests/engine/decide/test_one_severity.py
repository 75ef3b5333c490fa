"""A rule has one severity; where missing evidence makes a violation heavier, every screen says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time
from gate.engine.report.explain import render_explanation
from gate.engine.report.interface import Screen
from gate.engine.report.table import render_table
from gate.evidence.base.contracts import violations

TOTAL = "stage1.checklist_total"
RAISED = "HIGH (MEDIUM rule, raised: evidence is missing)"


@pytest.fixture
def decision(copy_example: Callable[[str], Path]) -> dict[str, Any]:
    """The ready example without its checklist, which a MEDIUM rule of stage 1 looks at."""
    root = copy_example("ready")
    (root / "PRE_LIVE_CHECKLIST.md").unlink()
    setting = open_context(root)
    judged = service.evaluate(setting, "stage1", Time("2025-12-05T12:00:00Z", "gate.yaml"))
    return {**judged.decision.to_json(), "ledger": None}


def of(code: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is about one rule."""
    return [item for item in items if item["code"] == code]


def test_the_decision_has_both_severities(decision: dict[str, Any]) -> None:
    """The rule's own stands with its check, and beside that of the violation where that was raised."""
    assert violations("", "decision", decision) == []
    assert [check["severity"] for check in of(TOTAL, decision["checks"])] == ["MEDIUM"]
    found = of(TOTAL, decision["violations"])
    assert [(item["severity"], item["raised_from"], item["problem"]) for item in found] == [
        ("HIGH", "MEDIUM", "missing")
    ]
    own = {check["code"]: check["severity"] for check in decision["checks"]}
    for item in decision["violations"]:
        assert (item["raised_from"] or item["severity"]) == own[item["code"]]


def test_the_table_says_that_it_was_raised(decision: dict[str, Any]) -> None:
    """The reader sees why a MEDIUM rule blocks, and no such remark where nothing was raised."""
    text = render_table(decision, Screen(width=160))
    [line] = [line for line in text.splitlines() if TOTAL in line]
    assert line.startswith(f"{RAISED} {TOTAL}  No evidence: ")
    assert text.count("raised:") == 1
    assert "stage1.governance_signed" in text


def test_the_explanation_says_that_it_was_raised(decision: dict[str, Any]) -> None:
    """The tree shows the same words; a rule that holds shows its own severity."""
    lines = render_explanation(decision).splitlines()
    [line] = [line for line in lines if line.startswith(f"  ✘ {TOTAL}")]
    assert RAISED in line
    [other] = [line for line in lines if "stage1.artifacts_signed" in line and "✔" in line]
    assert "  MEDIUM  " in other
