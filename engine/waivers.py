"""Which waivers count at a given time. Pure.

A waiver counts when its signature is valid under a key that was allowed at the effective time, its signer
holds the approving role, that role may approve waivers, the approver is not its author, it is in force
(``effective_on`` ≤ now < ``effective_until``) and, where it names a subject, names this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .judge import DAY, Waiver
from .model import Plan


def assess(
    facts: Sequence[Mapping[str, Any]], plan: Plan, subject: str, now_s: int
) -> tuple[list[Waiver], list[dict[str, str]]]:
    """Split the waivers found into those that count and notes about all that need attention.

    Returns:
        The valid waivers by id, and notes ``{"code", "msg"}`` for pending, expiring, expired, invalid ones.
    """
    valid: list[Waiver] = []
    notes: list[dict[str, str]] = []
    for fact in sorted(facts, key=lambda item: (item["id"], item["path"])):
        problem = _problem(fact, plan, subject, now_s)
        if problem is not None:
            notes.append({"code": fact["code"], "msg": f"waiver {fact['id']} ({fact['path']}) {problem}"})
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
            notes.append(
                {"code": fact["code"], "msg": f"waiver {fact['id']} expires on {fact['effective_until']}"}
            )
    return valid, notes


def _problem(fact: Mapping[str, Any], plan: Plan, subject: str, now_s: int) -> str | None:
    if fact["signature"] != "valid":
        return f"does not count: {fact['problem'] or fact['signature']}"
    if not fact["role_authorised"] or fact["approver_role"] not in plan.waiver_roles:
        return f"does not count: its signer may not approve waivers as {fact['approver_role']}"
    if str(fact["approver_principal"]).casefold() == fact["author"].casefold():
        return "does not count: its author approved it"
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
