"""Documents as they were met: templates that look filled in, and a checklist with categories at level 3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.settings import validate
from gate.evidence.collecting.registry import load
from gate.evidence.collecting.runner import observe
from gate.evidence.reading.workspace import Workspace

CASES = Path(__file__).parent
TEMPLATES, CHECKLIST = CASES / "template-any-match", CASES / "checklist-categories-at-level-3"


def seen(collector: str, root: Path, **options: Any) -> dict[str, Any]:
    kind = load(collector)
    return dict(observe(Workspace(root), kind(validate(kind.Options, options))).facts)


def test_a_heading_with_a_similar_word_fills_no_section() -> None:
    rows = {row["id"]: row for row in seen("artifacts", TEMPLATES)["rows"]}
    decision, rollback = rows["go_live_decision_gate"], rows["rollback_procedure"]
    assert decision["valid"] is False and rollback["valid"] is False
    texts = [problem["text"] for problem in decision["problems"]]
    for section in ("'decision' (Decision)", "'recommendation' (Recommendation)", "'sign_offs' (Signatures)"):
        assert f"section {section} is not filled in" in texts
    texts = [problem["text"] for problem in rollback["problems"]]
    for section in ("'steps' (Steps)", "'recovery' (Recovery)"):
        assert f"section {section} is not filled in" in texts


def test_marks_before_the_first_section_count() -> None:
    rows = {row["id"]: row for row in seen("artifacts", TEMPLATES)["rows"]}
    for row, lines in (("go_live_decision_gate", {3}), ("rollback_procedure", {3})):
        found = {p["line"] for p in rows[row]["problems"] if p["text"].startswith("still has a mark")}
        assert lines <= found


def test_the_rollback_procedure_is_known_as_a_template() -> None:
    facts = seen("rollback", TEMPLATES)
    assert facts["sections"] == {"triggers": "filled", "steps": "unfilled", "recovery": "unfilled"}
    assert [(one["section"], one["title"]) for one in facts["unfilled"]] == [
        ("steps", "Steps"),
        ("recovery", "Recovery"),
    ]
    assert all(limit["micro"] is None for limit in facts["limits"])
    assert facts["checks"] == []


@pytest.mark.parametrize("options", [{}, {"heading_level": 3}])
def test_categories_are_found_where_they_stand(options: dict[str, Any]) -> None:
    facts = seen("checklist", CHECKLIST, **options)
    assert facts["points_sum"] == 100
    assert facts["stated_total"] is None
    assert [weight["ppm"] for weight in facts["weights"]] == [750_000, 400_000]


def test_weights_that_do_not_add_up_are_a_finding(gate: Callable[..., Any]) -> None:
    run = gate("explain", "stage1", "-w", CHECKLIST)
    assert "1150000 ppm of 1000000" in run.out
    assert "states a total" not in run.out
