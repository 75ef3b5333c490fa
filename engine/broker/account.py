"""The record of an account: who vouches for what in it, and showing it with its number shortened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...evidence.base.errors import ConfigError, UsageError, masked
from ...evidence.base.limits import DEFAULT
from ...evidence.base.times import parse_rfc3339
from ...evidence.broker.account_id import mask
from ...evidence.broker.probe.attestation import Attestation, read_attestation
from ...evidence.broker.probe.record import Record
from ...evidence.reading.workspace.named import read_named
from ..config.operator import outside
from ..context import Context
from ..people.provenance import check_finished
from ..people.sshsign import check_signed
from ..report.json_format import render_json
from ..terminal.lines import to_bytes

ROLE = "risk_officer"
NAMESPACE = "file"
"""As for the signatures of artifacts: ``ssh-keygen -Y sign -n file``."""


def load_attestation(context: Context, path: Path, account: str, now_s: int) -> Attestation:
    """The attestation in a file: signed by the risk officer (FILE.sig), or given by the operator.

    A file is the operator's if it lies outside of the workspace, where the judged change cannot alter it.

    Raises UsageError: there is no such file, it lies in the workspace without a signature, or its signature
    does not count, or it is from the future; ConfigError: it is malformed; Refused: it is about another
    account.
    """
    data = read_named(path, UsageError, "name the attestation's file")
    signature = path.with_name(f"{path.name}.sig")
    if signature.exists():
        armored = read_named(signature, UsageError, "sign the attestation again", DEFAULT.signature_bytes)
        by = check_signed(context, data, armored, NAMESPACE, ROLE)
    else:
        try:
            outside(path, context.root, "the attestation")
        except ConfigError as error:
            remedy = f"have the {ROLE} sign it: ssh-keygen -Y sign -f KEY -n {NAMESPACE} {path.name}"
            raise UsageError(
                "an attestation in the workspace needs a signature: the judged change could alter it",
                path=str(path),
                remedy=f"{remedy}; or keep it outside of the workspace",
            ) from error
        by = "operator"
    found = read_attestation(data, str(path), by, account)
    check_finished(parse_rfc3339(found.at), now_s)
    return found


UNKNOWN = "UNKNOWN"
_AMOUNTS = ("nav", "cash", "buying_power", "maintenance_margin", "equity_with_loan")
_STATES = {True: "granted", False: "denied", None: UNKNOWN}


def _text(record: Record) -> bytes:
    one = record.document
    lines = [
        f"account             {mask(one['account_id'])}, {one['account_type']}",
        f"observed            {one['timestamp'] or UNKNOWN}",
        f"currency            {one.get('currency', UNKNOWN)}",
    ]
    lines += [f"{name.replace('_', ' '):<20}{_amount(one[name])}" for name in _AMOUNTS]
    lines.append(f"{'margin cushion':<20}{_amount(one['margin_cushion'])}")
    held = one["positions"]
    lines.append(f"positions           {UNKNOWN if held is None else len(held)}")
    permissions = ", ".join(f"{name} {_STATES[state]}" for name, state in one["permissions"].items())
    lines.append(f"permissions         {permissions}")
    assets = one["assets"]
    lines.append(f"assets              {UNKNOWN if assets is None else ', '.join(assets) or 'none'}")
    limits = ", ".join(f"{name} {_amount(value)}" for name, value in one["limits"].items())
    lines.append(f"limits              {limits}")
    attested = one.get("attested")
    if attested:
        fields = ", ".join(attested["fields"])
        lines.append(f"attested            {fields} by {attested['by']}, {attested['at']}")
    if "connection" in one:
        lines += _session(one["connection"])
    lines += [_latency(row) for row in one.get("latency", ())]
    lines += [f"unknown             {remark}" for remark in record.remarks]
    return to_bytes(lines)


def _amount(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _session(session: dict[str, Any]) -> list[str]:
    state = {True: "on", False: "off", None: UNKNOWN}[session["read_only"]]
    by = f", says the {session['read_only_known_from']}" if "read_only_known_from" in session else ""
    sent = ", ".join(f"{count} of {number}" for number, count in session["messages"].items())
    where = f"{session['host']}:{session['port']}, client {session['client_id']}"
    return [
        f"session             {where}, {session['client']}, protocol {session['server_version']}",
        f"read-only           {state}{by}",
        f"sent                {sent}",
    ]


def _latency(row: dict[str, Any]) -> str:
    sla = row["sla_us"]
    within = "" if sla is None else f", {'within' if row['p95_us'] <= sla else 'ABOVE'} the SLA of {_ms(sla)}"
    return (
        f"latency             {row['operation']}: p95 {_ms(row['p95_us'])}, median {_ms(row['p50_us'])}, "
        f"longest {_ms(row['max_us'])} of {row['samples']}{within}"
    )


def _ms(microseconds: int) -> str:
    return f"{microseconds / 1000:,.1f} ms"


def _json(record: Record) -> bytes:
    shown = {**record.document, "account_id": mask(record.document["account_id"])}
    if "note" in shown:
        shown["note"] = masked(shown["note"])
    return render_json({**shown, "unknown": list(record.remarks)})


RENDERERS: dict[str, Callable[[Record], bytes]] = {"table": _text, "json": _json}
