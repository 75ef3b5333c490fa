"""A rule has one severity; where missing evidence makes a violation heavier, every screen says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time
from gate.engine.decision.document import Decision
from gate.engine.report import registry
from gate.engine.report.interface import Screen

TOTAL = "stage1.checklist_total"


@pytest.fixture
def judged(copy_example: Callable[[str], Path]) -> Decision:
    """The ready example without its checklist, which a MEDIUM rule of stage 1 looks at."""
    root = copy_example("ready")
    (root / "PRE_LIVE_CHECKLIST.md").unlink()
    setting = open_context(root)
    return service.evaluate(setting, "stage1", Time("2025-12-05T12:00:00Z", "gate.yaml")).decision


def test_the_decision_has_both_severities(judged: Decision) -> None:
    """The rule's own stands with its check, and beside that of the violation where that was raised."""
    assert [check.severity for check in judged.checks if check.code == TOTAL] == ["MEDIUM"]
    [found] = [violation for violation in judged.violations if violation.code == TOTAL]
    assert (found.severity, found.raised_from, found.problem) == ("HIGH", "MEDIUM", "missing")
    own = {check.code: check.severity for check in judged.checks}
    for item in judged.violations:
        assert (item.raised_from or item.severity) == own[item.code]


def test_the_explanation_says_that_it_was_raised(judged: Decision) -> None:
    """The reader sees why a MEDIUM rule blocks."""
    shown = registry.load("explain").render(judged, None, Screen(width=160)).decode()
    assert "raised: evidence is missing" in shown
