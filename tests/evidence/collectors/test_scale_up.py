"""Steps of the scale-up plan are found in tables, lists and headings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EvidenceError

PATH = "SCALE_UP_PLAN.md"
READY = Path(__file__).parents[3] / "examples" / "ready" / PATH
FIELDS = ("from_week", "to_week", "capital_ppm", "position_cap", "review")
PLAN = [(1, 1, 100_000, True, True), (2, 3, 300_000, True, True), (4, None, 1_000_000, True, True)]


def steps(evidence: Any) -> list[tuple[Any, ...]]:
    return [tuple(step[name] for name in FIELDS) for step in evidence.facts["steps"]]


@pytest.mark.parametrize(
    "text",
    [
        READY.read_text(encoding="utf-8"),
        "| Weeks | Position cap | Capital | Review |\n|---|---|---|---|\n| 4+ | 5% | 100% | weekly |\n"
        "| 1 | 2% | 10% | daily |\n| 2–3 | 3% | 30% | daily |\n",
        "- Week 1: 10 % of capital, position cap 2 %, daily review\n"
        "- Weeks 2 to 3: 30 % of capital, position cap 2 %, daily review\n"
        "- Week 4 and beyond: 100 % of capital, position cap 2 %, weekly review\n",
        "## Week 1\nPosition cap: 2 %\n\nCapital: 10 %\n\nReview: daily\n"
        "## Weeks 2-3\nCapital: 30 %\n- maximum position 2 %\n- reviewed daily\n"
        "## Week 4 onwards\nCapital: 100 %, capped at 5 % each, review weekly\n",
        "| שבועות | הון | תקרה | סקירה |\n|---|---|---|---|\n| שבוע 1 | 10% | 2% | יומית |\n"
        "| שבועות 2-3 | 30% | 2% | יומית |\n| שבוע 4 ואילך | 100% | 2% | שבועית |\n",
        "- Week 1: 10% of capital\n- Weeks 2-3: 30% of capital, cap, review\n"
        "- Week 4+: 100% of capital, cap, review\n"
        "## Week 1\nCapital: 10%\nCap 5. Review.\n",
    ],
    ids=["ready", "table", "list", "headings", "hebrew", "joined"],
)
def test_the_same_plan_in_every_layout(watch: Any, text: str) -> None:
    assert steps(watch("scale_up", {PATH: text})) == PLAN


def test_empty_cells_and_template_marks_are_not_stated(watch: Any) -> None:
    text = """| Period | Share | Position cap | Review |
|---|---|---|---|
| Week 1 | 12.5 % | TBD | |
| Week 2 | TBD % | x | x |
| Week 4 to 3 | 5 % | x | x |
| Week 5 | ____ | x | x |
| Month 2 | 50 % | x | x |
"""
    assert steps(watch("scale_up", {PATH: text})) == [(1, 1, 125_000, False, False)]


def test_without_columns_of_their_own_words_in_the_row_count(watch: Any) -> None:
    text = "| Step | What |\n|---|---|\n| Week 1 | 10 % with a cap and a review |\n| Week 2 | 20 % |\n"
    assert steps(watch("scale_up", {PATH: text})) == [
        (1, 1, 100_000, True, True),
        (2, 2, 200_000, False, False),
    ]


def test_an_absent_or_unreadable_plan(watch: Any, tmp_path: Path) -> None:
    evidence = watch("scale_up")
    assert evidence.facts == {"file": None, "steps": []}
    assert [(m.fact, m.reason) for m in evidence.problems] == [("", "SCALE_UP_PLAN.md does not exist")]
    with pytest.raises(EvidenceError, match="not UTF-8"):
        watch("scale_up", {PATH: b"Week \xe9"})
    (tmp_path / "link.md").symlink_to(PATH)
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("scale_up", path="link.md")
