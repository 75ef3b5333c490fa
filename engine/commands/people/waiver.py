"""``gate waiver``: write, revoke and list waivers, which permit one rule to be broken for a time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from ....evidence.collectors.waivers import NAMESPACE
from ...context import Context
from ...people import sshsign, waiver
from ...terminal.console import write_error
from ...workspace_ledger import check_people
from ..options import HERE_ALONE, Outputs, Where, argument, command_group, config_dir, effective_time, option
from .signoff import Key, Role, Yes, confirm, say_written, show_list

app = command_group(
    "waiver", "Write, revoke and list waivers, which permit one rule to be broken for a time."
)


@app.command("new")
def new(
    code: Annotated[str, argument("The rule, such as stage1.checklist_total.", "RULE")],
    role: Role,
    reason: Annotated[str, option("--reason", "Why it is acceptable for now.", "TEXT")],
    reference: Annotated[str, option("--reference", "Ticket or document behind it.", "TEXT")],
    author: Annotated[str, option("--author", "Who asked for it; never the approver.", "NAME")],
    until: Annotated[str, option("--until", "When it ends: YYYY-MM-DD, or RFC 3339.", "TIME")],
    begin: Annotated[str | None, option("--from", "When it begins. Default: now.", "TIME")] = None,
    term: Annotated[
        str | None, option("--term", "Only this term of the rule, as a violation names it.", "TERM")
    ] = None,
    stage: Annotated[
        list[str] | None, option("--stage", "Count in this stage's decision, too. Repeatable.", "STAGE")
    ] = None,
    only_now: Annotated[bool, option("--this-content", "Only for the sources as they are now.")] = False,
    name: Annotated[str | None, option("--id", "The waiver's id. Default: generated.", "ID")] = None,
    key: Key = None,
    yes: Yes = False,
    where: Where = HERE_ALONE,
) -> None:
    """Write a waiver and sign it with your SSH key, as the approver."""
    context = where.open()
    time = effective_time(context, None, allow_past=True)
    values = {
        "id": name,
        "code": code,
        "term": term,
        "reason": reason,
        "reference": reference,
        "author": author,
        "approver_role": role,
        "effective_on": begin or time.text,
        "effective_until": until,
    }
    document = waiver.prepare_waiver(context, values, stage or (), only_now=only_now)
    for why in waiver.without_evidence(context, [code], time).values():
        write_error(f"note: it would have {waiver.NO_EFFECT} as things stand: {why}")
    question = f"Permit {code} to be broken until {document['effective_until']}?"
    _sign(context, where, document, "waiver", key, question, yes)


@app.command("revoke")
def revoke(
    name: Annotated[str, argument("The waiver's id.", "ID")],
    role: Role,
    reason: Annotated[str, option("--reason", "Why it ends.", "TEXT")],
    key: Key = None,
    yes: Yes = False,
    where: Where = HERE_ALONE,
) -> None:
    """End a waiver before its time, with your signature."""
    context = where.open()
    time = effective_time(context, None, allow_past=True)
    document = waiver.prepare_revocation(context, name, role, reason, time)
    _sign(context, where, document, "revocation", key, f"End the waiver {name}?", yes)


@app.command("list")
def list_(output: Outputs = None, where: Where = HERE_ALONE) -> None:
    """List waivers: active, expiring, pending, expired, revoked, and those that do not count."""
    context = where.open()
    show_list("waivers", waiver.list_waivers, output, context)


def _sign(
    context: Context,
    where: Where,
    document: dict[str, Any],
    contract: str,
    key: Path | None,
    question: str,
    yes: bool,
) -> None:
    """Show it, ask, sign it, and put it into the workspace."""
    check_people(context, config_dir())
    data = sshsign.to_bytes(document, contract)
    file = sshsign.find_key(key)
    role = document.get("approver_role") or document["role"]
    public = sshsign.public_key(file)
    if public is not None:
        signers = sshsign.known_signers(context)
        waiver.check_author(document, sshsign.principal_of(context, signers, public, NAMESPACE, role))
    write_error(data.decode())
    confirm(question, yes)
    armored = sshsign.sign(context.root, data, NAMESPACE, file)
    say_written(where, waiver.place_waiver(context, document, data, armored))
