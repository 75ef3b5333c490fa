"""Prepares, places and lists waivers and revocations, the documents that people sign."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...evidence.base.canonical import canonical, sha256_hex
from ...evidence.base.errors import UsageError, suggestion
from ...evidence.base.times import format_utc, parse_rfc3339
from ...evidence.collecting.interface import ProblemKind
from ...evidence.collectors.waivers import NAMESPACE
from .. import service
from ..collectors import open_workspace
from ..context import Context
from ..decide.facts import UNWAIVABLE, worst_of
from ..decide.recorded import Time, facts_of
from ..decide.waivers import IN_FORCE, states
from ..report.people import Listed, rejected
from . import sshsign

_FOLDER = "waivers"
NO_EFFECT = "no effect"
"""Listed in place of the state of a waiver that is in force, where the evidence of its rule is missing."""


def prepare_waiver(
    context: Context, values: Mapping[str, str | None], stages: Sequence[str], *, only_now: bool
) -> dict[str, Any]:
    """A waiver to be signed.

    Args:
        values: fields of the contract that are strings; ``id`` may be absent.
        stages: further stages in whose decision it counts; the rule's own is always one.
        only_now: limit it to the sources as they are now.

    Raises UsageError: an unknown rule, stage or role, a role that may not approve waivers, an end that is no
    time or not later than the beginning.
    """
    code, role = str(values["code"]), str(values["approver_role"])
    sshsign.check_code(context, code)
    if code in context.plan.never_waived:
        raise UsageError(f"{code} is a rule that cannot be waived", remedy="fix what it names")
    for stage in stages:
        context.check_stage(stage)
    sshsign.check_role(context, role)
    _check_approver(context, role)
    document: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    begin, end = (_moment(document, name) for name in ("effective_on", "effective_until"))
    if end <= begin:
        what = f"the waiver would end on {document['effective_until']}, before it begins"
        raise UsageError(what, place="--until", remedy="give a later time")
    document["stages"] = sorted({code.partition(".")[0], *stages})
    if only_now:
        subject, _ = service.find_subject(open_workspace(context.root, context.authority))
        document["subject"] = subject.digest
    document.setdefault("id", f"W-{document['effective_on'][:10]}-{sha256_hex(canonical(document))[:6]}")
    return {"type": "gate.waiver/v1", **document}


def prepare_revocation(context: Context, waiver: str, role: str, reason: str, time: Time) -> dict[str, Any]:
    """The end of a waiver, to be signed. Raises UsageError: there is no such waiver, or role for it."""
    sshsign.check_role(context, role)
    _check_approver(context, role)
    known = [one.data["id"] for one in list_waivers(context, time) if "id" in one.data]
    if waiver not in known:
        raise UsageError(f"there is no waiver {waiver!r}", remedy=suggestion(waiver, known))
    stated = {"id": waiver, "role": role, "reason": reason, "revoked_at": time.text}
    return {"type": "gate.revocation/v1", **stated}


def path_of(context: Context, document: Mapping[str, Any]) -> str:
    """Where the waiver or revocation belongs."""
    folder = sshsign.directory_of(context, _FOLDER)
    return f"{folder}{'/revoked' if 'revoked_at' in document else ''}/{document['id']}.json"


def place_waiver(context: Context, document: Mapping[str, Any], data: bytes, armored: bytes) -> str:
    """Put what was signed into the workspace; returns its path.

    Raises UsageError: the signer may not sign it, asked for it, or it is there already.
    """
    role = document.get("approver_role") or document["role"]
    check_author(document, sshsign.check_signed(context, data, armored, NAMESPACE, role))
    path = path_of(context, document)
    sshsign.place(context, path, data, armored)
    return path


def check_author(document: Mapping[str, Any], principal: str) -> None:
    """Refuse a signer who asked for the waiver. Raises UsageError: it is the same person."""
    if principal.casefold() == str(document.get("author", "")).casefold():
        what = f"{principal} asked for the waiver and cannot approve it"
        raise UsageError(what, place="--author", remedy="let somebody else approve it")


def list_waivers(context: Context, time: Time) -> list[Listed]:
    """Every waiver of the workspace, and files that are none."""
    recorded = service.observe(context, [_FOLDER], next(iter(context.plan.stages)), time)
    evidence, subject = recorded.evidence[_FOLDER], recorded.setup.subject.digest
    facts, found = evidence.facts, []
    stated = list(states(facts["waivers"], facts["revocations"], context.plan, subject, time.seconds))
    in_force = {row["code"] for row, state, _ in stated if state in IN_FORCE}
    unwaivable = without_evidence(context, in_force, time)
    for row, state, text in stated:
        what = f"{row['code']} ({row['term']})" if row["term"] else row["code"]
        details = (
            f"{what}, {row['effective_on']} to {row['effective_until']}",
            f"for {row['author']}, approved by {row['approver_principal'] or 'nobody'}, {row['reference']}",
        )
        shown = state.value
        if state in IN_FORCE and row["code"] in unwaivable:
            shown, text = NO_EFFECT, f"{text}; {NO_EFFECT}: {unwaivable[row['code']]}"
        found.append(Listed(shown, f"{row['id']}: {text}", details, {**row, "state": shown, "text": text}))
    return [*found, *rejected(evidence, context.config.allowed_signers)]


def without_evidence(context: Context, codes: Collection[str], time: Time) -> dict[str, str]:
    """Of the rules of these codes, those that no waiver helps as things stand, each with the reason.

    Their evidence is missing, was rejected or cannot be told; the policies are not asked.
    """
    plan, found = context.plan, dict[str, str]()
    rules = [rule for stage in plan.stages.values() for rule in stage.rules if rule.code in codes]
    ids = {collector for rule in rules for collector in rule.collectors}
    if not ids:
        return found
    facts = facts_of(service.observe(context, ids, next(iter(plan.stages)), time), time)
    for rule in rules:
        problems = facts.decisive(rule, facts.problems_for(rule))
        if not problems or not rule.selected or (rule.effective_on_s or 0) > time.seconds:
            continue
        kind = worst_of(problems)
        if kind is not ProblemKind.UNKNOWN or plan.on_unknown.get(rule.code, "fail") == "fail":
            found[rule.code] = f"{UNWAIVABLE[kind]} cannot be waived"
    return found


def _check_approver(context: Context, role: str) -> None:
    allowed = context.plan.waiver_roles
    if role not in allowed:
        raise UsageError(f"{role} may not approve waivers", remedy=f"only these may: {', '.join(allowed)}")


def _moment(document: dict[str, Any], name: str) -> int:
    """The time in seconds; a day is its first second."""
    text = document[name]
    try:
        seconds = parse_rfc3339(text if "T" in text.upper() else f"{text}T00:00:00Z")
    except ValueError as error:
        raise UsageError(str(error), place=name, remedy="write it as YYYY-MM-DD, or RFC 3339") from error
    document[name] = format_utc(seconds)
    return seconds
