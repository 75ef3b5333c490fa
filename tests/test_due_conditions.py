"""Conditions have an end: closed by a rule or by their author, and violations when they are due."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.engine.decide.answer import Answer
from gate.engine.decide.conditions import DAY, due_at, settle
from gate.engine.decide.model import Rule, Stage
from gate.engine.decision.document import Condition, Severity
from gate.evidence.base.errors import EngineError
from gate.evidence.base.times import format_utc, parse_rfc3339

Office = Any
APPROVED = "stage2.architecture_approved"


def stage2(office: Office) -> tuple[str, list[tuple[str, str]], list[str]]:
    """Check status, conditions and violations of the rule that asks for approvals."""
    found = office.judge("stage2")
    status = next(one["status"] for one in found["checks"] if one["code"] == APPROVED)
    conditions = [(one["id"], one["closed_by"]) for one in found["conditions"] if one["code"] == APPROVED]
    return status, conditions, [one["msg"] for one in found["violations"] if one["code"] == APPROVED]


@pytest.mark.soak
@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("Fix it|dev|2025-12-05", "conditional"),
        ("Fix it|dev|2025-12-04", "violated"),
        ("Fix it|dev|2025-12-04|stage2.flow_stages_defined", "holds"),
        ("Fix it|dev|2025-12-05|stage1.checklist_total", "conditional"),
    ],
)
def test_a_condition_is_open_overdue_or_closed(office: Office, condition: str, status: str) -> None:
    """Until the end of its day it is a condition, then a violation; a rule that holds closes it."""
    if "checklist" in condition:
        checklist = office.root / "PRE_LIVE_CHECKLIST.md"
        checklist.write_text(checklist.read_text().replace("760", "761"))
    office.sign_off("stage2", "cto", "--verdict", "conditional", "--condition", condition)
    found, conditions, violations = stage2(office)
    assert found == status
    closed_by = condition.split("|")[3] if condition.count("|") == 3 else "signoff"
    assert conditions == ([("stage2-cto-1", closed_by)] if status == "conditional" else [])
    overdue = "The condition stage2-cto-1 is overdue since 2025-12-04: Fix it"
    assert violations == ([overdue] if status == "violated" else [])


@pytest.mark.soak
def test_whoever_set_a_condition_can_end_it(office: Office) -> None:
    """A later approval without conditions by the same person."""
    condition = ("--verdict", "conditional", "--condition", "Fix it|dev|2025-12-30")
    office.sign_off("stage2", "cto", *condition, "--at", "2025-12-05T11:50:00Z", name="first")
    assert stage2(office)[0] == "conditional"
    office.sign_off("stage2", "cto", "--at", "2025-12-05T11:55:00Z", name="second")
    assert stage2(office) == ("holds", [], [])


@given(st.integers(0, 4_000_000_000))
def test_a_day_ends_with_its_last_second(now_s: int) -> None:
    """A date is due at the end of the day in UTC, a time at its second."""
    today = format_utc(now_s)[:10]
    assert due_at(today) == parse_rfc3339(f"{today}T00:00:00Z") + DAY
    one = Condition("stage1.x", "m", "stage1", "dev", format_utc(now_s), "C-1", "signoff")
    assert settle([one], (), now_s) == ([], [one])
    assert settle([one], (), now_s - 1) == ([one], [])
    assert settle([one], {"signoff"}, now_s) == ([], [])


@pytest.mark.parametrize("due", ["tomorrow", "2025-02-30", "2025-12-05T25:00:00Z", "05.12.2025"])
def test_a_policy_cannot_state_a_day_that_does_not_exist(due: str) -> None:
    """Otherwise its condition would never be due."""
    rule = Rule("stage1.x", "stage1", "x", "deny", "t", "d", Severity.HIGH, "s", "o", (), ())
    stage = Stage("stage1", "t", "q", (), (), (rule,), (), "gate.stage1")
    operand = {"name": "n", "op": "=", "actual": 1, "expected": 1, "unit": "u", "holds": True}
    check = {"holds": True, "operands": [operand]}
    stated = [{"code": "stage1.x", "msg": "m", "due": due}]
    answer = Answer(stage, rule, {"check_x": check, "condition_x": stated})
    with pytest.raises(EngineError, match="no day and no time"):
        answer.conditions()
