"""Decides which waivers count at a given time. Pure.

A waiver counts when it names a rule of the bundle and the rule's own stage among its stages, its signature
is valid under a key that was allowed at the effective time, its signer holds the approving role, that role
may approve waivers, the approver is not its author, nobody who may approve waivers revoked it, it is in force
(``effective_on`` ≤ now < ``effective_until``) and, where it names a subject, names this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from ...evidence.base.errors import nearest
from ..decision.document import Notice
from .conditions import DAY
from .model import Plan

Fact = Mapping[str, Any]
"""A waiver or revocation as the facts have it."""


class Waiver(Struct, frozen=True):
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


class State(StrEnum):
    """What a waiver is at a time; only those `IN_FORCE` count."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    PENDING = "pending"
    EXPIRED = "expired"
    REVOKED = "revoked"
    OTHER = "other"
    VOID = "void"


IN_FORCE = (State.ACTIVE, State.EXPIRING)
"""States of waivers that count."""


def assess(
    facts: Sequence[Fact], revocations: Sequence[Fact], plan: Plan, subject: str, now_s: int
) -> tuple[list[Waiver], list[Notice]]:
    """Return the waivers that count, and notices about those that need attention.

    Returns:
        The valid waivers by id, and notices about pending, expiring and expired ones and those for other
        sources; of the level ``error`` about mistakes.
    """
    valid: list[Waiver] = []
    notes: list[Notice] = []
    for fact, state, text in states(facts, revocations, plan, subject, now_s):
        if state not in IN_FORCE:
            level = "error" if state is State.VOID else "warning"
            notes.append(Notice(fact["code"], f"waiver {fact['id']} ({fact['path']}) {text}", level))
            continue
        same = ("id", "code", "term", "reason", "reference", "author", "effective_until")
        named = {"stages": tuple(fact["stages"]), "approver": fact["approver_principal"]}
        valid.append(Waiver(**{name: fact[name] for name in same}, **named))
        if state is State.EXPIRING:
            notes.append(Notice(fact["code"], f"waiver {fact['id']} {text}"))
    for one in revocations:
        if (problem := _void(one, plan)) is not None:
            what = f"the revocation of waiver {one['id']} ({one['path']}) does not count: {problem}"
            notes.append(Notice("waivers", what, "error"))
    return valid, notes


def states(
    facts: Sequence[Fact], revocations: Sequence[Fact], plan: Plan, subject: str, now_s: int
) -> Iterator[tuple[Fact, State, str]]:
    """Every waiver by id, with its state and that in words."""
    ended = {
        one["id"]: one for one in revocations if _void(one, plan) is None and one["revoked_at_s"] <= now_s
    }
    for fact in sorted(facts, key=lambda item: (item["id"], item["path"])):
        mistake = _mistake(fact, plan)
        if mistake is not None:
            yield fact, State.VOID, f"does not count: {mistake}"
        elif (by := ended.get(fact["id"])) is not None:
            text = f"was revoked on {by['revoked_at']} by {by['principal']}: {by['reason']}"
            yield fact, State.REVOKED, text
        else:
            yield fact, *_state(fact, plan, subject, now_s)


def _void(revocation: Mapping[str, Any], plan: Plan) -> str | None:
    """Why a revocation does not count: whoever may approve waivers may end them, and nobody else."""
    if revocation["signature"] != "valid":
        return str(revocation["problem"] or revocation["signature"])
    if not revocation["role_authorised"] or revocation["role"] not in plan.waiver_roles:
        return f"its signer may not end waivers as {revocation['role']}"
    return None


def no_such_rule(code: str, plan: Plan) -> str | None:
    """What is wrong with a rule's code, and which was probably meant; None where there is that rule."""
    stage = code.partition(".")[0]
    codes = [rule.code for one in plan.stages.values() for rule in one.rules]
    if stage in plan.stages and code == f"{stage}.dependency":
        return "a dependency between stages cannot be waived; waive a rule of the stage that failed"
    if code in codes:
        return None
    meant = nearest(code, codes)
    advice = f"did you mean {meant!r}?" if meant else "`gate policy list` lists the rules"
    return f"there is no rule {code!r}; {advice}"


def _mistake(fact: Mapping[str, Any], plan: Plan) -> str | None:
    """Why the waiver can never count as it stands: somebody has to correct it."""
    stage = str(fact["code"]).partition(".")[0]
    if (wrong := no_such_rule(fact["code"], plan)) is not None:
        return wrong
    if fact["code"] in plan.never_waived:
        return f"{fact['code']} is a rule that cannot be waived"
    if stage not in fact["stages"]:
        return f"its stages ({', '.join(fact['stages'])}) do not include {stage}, the rule's own stage"
    if fact["signature"] != "valid":
        return str(fact["problem"] or fact["signature"])
    if not fact["role_authorised"] or fact["approver_role"] not in plan.waiver_roles:
        return f"its signer may not approve waivers as {fact['approver_role']}"
    author = fact["author"].casefold().replace("<", " ").replace(">", " ")
    if str(fact["approver_principal"]).casefold() in (fact["author"].casefold(), *author.split()):
        return "its author approved it"
    return None


def _state(fact: Mapping[str, Any], plan: Plan, subject: str, now_s: int) -> tuple[State, str]:
    """Whether a waiver without a mistake counts here and now."""
    start, end = fact["key_valid_from_s"], fact["key_valid_until_s"]
    if (start is not None and now_s < start) or (end is not None and now_s > end):
        return State.OTHER, "does not count: its signer's key is not valid at the effective time"
    if fact["subject"] not in (None, subject):
        return State.OTHER, "does not count: it is for other sources"
    if now_s < fact["effective_on_s"]:
        return State.PENDING, f"is pending until {fact['effective_on']}"
    if now_s >= fact["effective_until_s"]:
        return State.EXPIRED, f"expired on {fact['effective_until']}"
    soon = fact["effective_until_s"] - now_s < plan.waiver_warning_days * DAY
    return (State.EXPIRING if soon else State.ACTIVE), f"expires on {fact['effective_until']}"
