"""What becomes of conditions: closed by a rule that holds, open, or due and no longer a condition. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from ...evidence.base.times import parse_rfc3339
from ..decision.document import Check, CheckStatus, Condition, Violation
from .model import Rule

DAY = 86_400


def due_at(due: str) -> int:
    """The first second at which a condition is overdue: a day, or an RFC 3339 time, has passed.

    Raises ValueError: it is neither.
    """
    if "T" in due.upper():
        return parse_rfc3339(due)
    return parse_rfc3339(f"{date.fromisoformat(due).isoformat()}T00:00:00Z") + DAY


def of_rule(rule: Rule, stated: Mapping[str, str | None], due: str) -> Condition:
    """The condition under which a rule holds, with what the policy states of it."""
    owner, name, closed_by = (stated.get(key) for key in ("owner", "id", "closed_by"))
    return Condition(
        rule.code,
        stated["msg"] or "",
        rule.stage,
        owner or rule.owner,
        due,
        name or rule.code,
        closed_by or rule.code,
    )


def of_violation(violation: Violation, msg: str, owner: str, due: str, name: str | None) -> Condition:
    """The condition that a violation is which does not block; its rule closes it by holding."""
    return Condition(
        violation.code, msg, violation.stage, owner, due, name or own_id(violation), violation.code
    )


def own_id(violation: Violation) -> str:
    """The id of the condition that an open violation is."""
    return f"{violation.code}:{violation.term}" if violation.term else violation.code


def settle(
    conditions: Iterable[Condition], holding: Collection[str], now_s: int
) -> tuple[list[Condition], list[Condition]]:
    """Those that are open and those that are overdue, without those that a rule closes.

    Args:
        holding: codes of the rules that hold.
    """
    left = [one for one in conditions if one.closed_by not in holding]
    return [one for one in left if now_s < due_at(one.due)], [one for one in left if due_at(one.due) <= now_s]


def overdue(condition: Condition, rule: Rule) -> Violation:
    """The violation that a condition becomes when it is due; a waiver names it by the condition's id."""
    return rule.violation(
        f"The condition {condition.id} is overdue since {condition.due}: {condition.msg}",
        term=condition.id,
        expected=f"closed by {condition.closed_by}",
        actual="open",
        solution=f"{condition.owner} has to fulfil it, and {condition.closed_by} to close it.",
    )


def is_overdue(violation: Violation) -> bool:
    """Whether it is what `overdue` gives; its ``term`` is the condition's id."""
    closed = isinstance(violation.expected, str) and violation.expected.startswith("closed by ")
    return closed and violation.actual == "open" and (violation.operand, violation.op) == (None, None)


def settled(
    checks: Iterable[Check],
    violations: Sequence[Violation],
    waived: Sequence[Violation],
    conditions: Sequence[Condition],
) -> tuple[Check, ...]:
    """The checks that held under conditions, with the status that is left of that."""
    left = {one.code: CheckStatus.CONDITIONAL for one in conditions}
    left |= {one.code: CheckStatus.WAIVED for one in waived}
    left |= {one.code: CheckStatus.VIOLATED for one in violations}
    return tuple(
        replace(check, status=left.get(check.code, CheckStatus.HOLDS))
        if check.status is CheckStatus.CONDITIONAL
        else check
        for check in checks
    )
