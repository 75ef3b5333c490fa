"""Which waivers count at a given time. Pure.

A waiver counts when it names a rule of the bundle and the rule's own stage among its stages, its signature
is valid under a key that was allowed at the effective time, its signer holds the approving role, that role
may approve waivers, the approver is not its author, it is in force (``effective_on`` ≤ now <
``effective_until``) and, where it names a subject, names this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...evidence.base.errors import nearest
from ..decision.document import Notice
from .model import Plan

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Waiver:
    """A permission found valid at the effective time, for ``stages`` and one rule code (and term)."""

    id: str
    code: str
    term: str | None
    stages: tuple[str, ...]
    reason: str
    reference: str
    author: str
    approver: str
    effective_until: str


def assess(
    facts: Sequence[Mapping[str, Any]], plan: Plan, subject: str, now_s: int
) -> tuple[list[Waiver], list[Notice]]:
    """Split the waivers found into those that count and notes about all that need attention.

    Returns:
        The valid waivers by id, and notices about pending, expiring and expired ones and those for other
        sources; of the level ``error`` about mistakes.
    """
    valid: list[Waiver] = []
    notes: list[Notice] = []
    for fact in sorted(facts, key=lambda item: (item["id"], item["path"])):
        named = f"waiver {fact['id']} ({fact['path']})"
        mistake = _mistake(fact, plan)
        if mistake is not None:
            notes.append(Notice(fact["code"], f"{named} does not count: {mistake}", "error"))
            continue
        state = _state(fact, subject, now_s)
        if state is not None:
            notes.append(Notice(fact["code"], f"{named} {state}"))
            continue
        valid.append(
            Waiver(
                id=fact["id"],
                code=fact["code"],
                term=fact["term"],
                stages=tuple(fact["stages"]),
                reason=fact["reason"],
                reference=fact["reference"],
                author=fact["author"],
                approver=fact["approver_principal"],
                effective_until=fact["effective_until"],
            )
        )
        if fact["effective_until_s"] - now_s < plan.waiver_warning_days * DAY:
            notes.append(Notice(fact["code"], f"waiver {fact['id']} expires on {fact['effective_until']}"))
    return valid, notes


def _mistake(fact: Mapping[str, Any], plan: Plan) -> str | None:
    """Why the waiver can never count as it stands: somebody has to correct it."""
    stage = str(fact["code"]).partition(".")[0]
    codes = [rule.code for one in plan.stages.values() for rule in one.rules]
    if stage in plan.stages and fact["code"] == f"{stage}.dependency":
        return "a dependency between stages cannot be waived; waive a rule of the stage that failed"
    if fact["code"] not in codes:
        meant = nearest(fact["code"], codes)
        advice = f"did you mean {meant!r}?" if meant else "docs/policies.md lists the rules"
        return f"there is no rule {fact['code']!r}; {advice}"
    if fact["code"] in plan.never_waived:
        return f"{fact['code']} is a rule that cannot be waived"
    if stage not in fact["stages"]:
        return f"its stages ({', '.join(fact['stages'])}) do not include {stage}, the rule's own stage"
    if fact["signature"] != "valid":
        return str(fact["problem"] or fact["signature"])
    if not fact["role_authorised"] or fact["approver_role"] not in plan.waiver_roles:
        return f"its signer may not approve waivers as {fact['approver_role']}"
    if str(fact["approver_principal"]).casefold() == fact["author"].casefold():
        return "its author approved it"
    return None


def _state(fact: Mapping[str, Any], subject: str, now_s: int) -> str | None:
    """Why a waiver without a mistake does not count here and now."""
    start, end = fact["key_valid_from_s"], fact["key_valid_until_s"]
    if (start is not None and now_s < start) or (end is not None and now_s > end):
        return "does not count: its signer's key is not valid at the effective time"
    if fact["subject"] not in (None, subject):
        return "does not count: it is for other sources"
    if now_s < fact["effective_on_s"]:
        return f"is pending until {fact['effective_on']}"
    if now_s >= fact["effective_until_s"]:
        return f"expired on {fact['effective_until']}"
    return None
