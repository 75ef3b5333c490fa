"""The checklist's points, boxes and stated total are read as a person reads them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import Limits

PATH = "PRE_LIVE_CHECKLIST.md"
EXAMPLE = Path(__file__).parents[3] / "examples" / "algo-trade" / PATH


def test_the_audited_example_states_another_total_than_its_points_add_up_to(watch: Any) -> None:
    facts = watch("checklist", {PATH: EXAMPLE.read_bytes()}).facts
    assert [c["points"] for c in facts["categories"]] == [80, 60, 100, 70, 90, 100, 80, 70, 60, 50]
    assert (facts["points_sum"], facts["stated_total"]) == (760, 660)
    assert [c["id"] for c in facts["categories"]] == [
        "code_quality", "configuration", "ibkr_integration", "data_pipeline", "algorithms",
        "risk_management", "monitoring", "infrastructure", "security", "documentation",
    ]  # fmt: skip
    assert facts["categories"][0] == {
        "id": "code_quality",
        "name": "Code Quality & Testing",
        "line": facts["categories"][0]["line"],
        "points": 80,
        "items": 7,
        "ticked": 5,
    }


def test_nested_items_and_their_parents_count_once_each(watch: Any) -> None:
    text = """# Checklist
**Total:** 150 pts
## 🔒 1. סיכונים (100 נק')
* [x] parent
  1. [ ] child
     + [X] grandchild
### part (999 points)
- [x] in a part
```
- [ ] in code
```
## Data — 50 points
no boxes here
## Sign-off
- [ ] outside categories
"""
    facts = watch("checklist", {PATH: text}).facts
    assert facts == {
        "file": PATH,
        "categories": [
            {"id": "risk_management", "name": "סיכונים", "line": 3, "points": 100, "items": 4, "ticked": 3},
            {"id": None, "name": "Data", "line": 12, "points": 50, "items": 0, "ticked": 0},
        ],
        "weights": [],
        "points_sum": 150,
        "stated_total": 150,
        "score_ppm": 500_000,
        "unticked": 1,
    }


@pytest.mark.parametrize(
    ("line", "total"),
    [
        ("Total: 660", 660),
        ("**Total:** 660 points", 660),
        ("Total points = 1,660.", 1660),
        ("- Total score: 12 / 660", 660),
        ("Grand total is 660 pts", 660),
        ("| Total | 660 |\n|---|---|", 660),
        ('סה"כ: 660 נקודות', 660),
        ("סך הכול 660", 660),
        ("## Total (660 points)", 660),
        ("Total: 660; total: 100", 660),
        ("Sub-total: 660", None),
        ("Total: 95 %", None),
        ("Total: 12 items", None),
        ("Total exposure 100", None),
        ("    Total: 660", None),
    ],
)
def test_the_stated_total_is_found_however_it_is_written(watch: Any, line: str, total: int | None) -> None:
    evidence = watch("checklist", {PATH: f"# Checklist\n\n{line}\n\n## Risk (100 pts)\n- [x] a\n"})
    assert evidence.facts["stated_total"] == total
    assert [c["name"] for c in evidence.facts["categories"]] == ["Risk"]
    if total is None:
        assert "does not state" in evidence.problems[0].reason


def test_categories_are_found_at_any_level(watch: Any) -> None:
    text = "# Checklist\n## Categories\n### 1. Code (60 points)\n- [ ] a\n### 2. Risk (40 points)\n- [x] b\n"
    evidence = watch("checklist", {PATH: text})
    assert [(c["name"], c["points"]) for c in evidence.facts["categories"]] == [("Code", 60), ("Risk", 40)]
    assert evidence.facts["score_ppm"] == 400_000
    assert [(s.looked_at, s.understood, s.unit) for s in evidence.scopes] == [(2, 2, "task-list boxes")]
    facts = watch("checklist", {PATH: text.replace("# Checklist", "# Checklist (110 points)", 1)}).facts
    assert (facts["stated_total"], facts["points_sum"]) == (110, 100)


def test_a_heading_level_without_categories_names_the_setting_that_helps(watch: Any) -> None:
    evidence = watch(
        "checklist", {"c.md": "### A (10 pts)\n- [x] a\nTotal: 10\n"}, path="c.md", heading_level=2
    )
    assert "evidence.checklist.heading_level" in evidence.problems[0].remedy
    facts = watch("checklist", path="c.md", heading_level=3).facts
    assert facts["score_ppm"] == 1_000_000
    with pytest.raises(ValidationError):
        watch("checklist", heading_level=7)


def test_weights_come_from_a_table_or_from_the_headings(watch: Any) -> None:
    table = (
        "| Category | Score | Weight |\n|---|---|---|\n| Code | 1/1 | 75% |\n| Risk | 1/1 | **40.5 %** |\n"
    )
    text = f"## Code (60 pts)\n- [x] a\n## Summary\n{table}| **TOTAL** | | 100% |\n"
    assert watch("checklist", {PATH: text}).facts["weights"] == [
        {"name": "Code", "ppm": 750_000},
        {"name": "Risk", "ppm": 405_000},
    ]
    facts = watch("checklist", {PATH: "## Code (60 pts, 75 %)\n- [x] a\n## Risk (40 pts)\n- [x] a\n"}).facts
    assert [weight["ppm"] for weight in facts["weights"]] == [750_000]


def test_an_absent_checklist_is_missing_not_zero(watch: Any) -> None:
    evidence = watch("checklist")
    assert evidence.facts["points_sum"] is None and evidence.facts["categories"] == []
    assert {m.reason for m in evidence.problems} == {"PRE_LIVE_CHECKLIST.md does not exist"}
    assert "task-list boxes" in evidence.problems[0].remedy


def test_a_checklist_without_points_says_what_to_write(watch: Any) -> None:
    evidence = watch("checklist", {PATH: "## Risk\n- [x] a\n"})
    assert {m.fact for m in evidence.problems} == {"points_sum", "score_ppm", "unticked", "stated_total"}
    assert any("## Risk (100 pts)" in m.remedy for m in evidence.problems)


def test_points_that_add_up_to_nothing_give_no_score(watch: Any) -> None:
    evidence = watch("checklist", {PATH: "## Risk (0 pts)\n- [x] a\nTotal: 0\n"})
    assert evidence.facts["points_sum"] == 0
    assert [(m.fact, m.reason) for m in evidence.problems] == [
        ("score_ppm", "the points in PRE_LIVE_CHECKLIST.md add up to 0")
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xff\xfe#\x00", "UTF-16"),
        (b"## \xe9 (10 pts)\n", "not UTF-8"),
        (b"## A\x00 (10 pts)\n", "NUL"),
        ("## סיכון (10 pts)\n".encode().decode("latin-1").encode(), "mojibake"),
        (b"> " * 500 + b"x", "nests deeper"),
    ],
)
def test_an_unreadable_checklist_is_an_error(watch: Any, content: bytes, what: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("checklist", {PATH: content})
    assert what in caught.value.what
    assert caught.value.path == PATH and caught.value.remedy


def test_a_huge_checklist_and_a_link_are_refused(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="larger than 10 bytes"):
        watch("checklist", {PATH: "## Risk (100 pts)\n"}, limits=Limits(text_bytes=10))
    (tmp_path / "elsewhere.md").symlink_to(tmp_path / PATH)
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("checklist", path="elsewhere.md")


@given(st.lists(st.tuples(st.integers(0, 500), st.lists(st.booleans(), max_size=6)), min_size=1, max_size=6))
def test_the_score_is_the_weighted_share_rounded_down(
    watch: Any, parts: list[tuple[int, list[bool]]]
) -> None:
    text = "Total: 7\n\n"
    for number, (points, boxes) in enumerate(parts):
        text += (
            f"## Part {number} ({points} pts)\n"
            + "".join(f"- [{'x' if b else ' '}] i {n}\n" for n, b in enumerate(boxes))
            + "\n"
        )
    facts = watch("checklist", {PATH: text}).facts
    total = sum(points for points, _ in parts)
    earned = sum(points * Fraction(sum(boxes), len(boxes)) for points, boxes in parts if boxes)
    assert facts["points_sum"] == total
    assert facts["score_ppm"] == (earned * 1_000_000 // total if total else None)
    assert facts["unticked"] == sum(boxes.count(False) for _, boxes in parts)
