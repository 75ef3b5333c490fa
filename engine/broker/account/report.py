"""The record of an account, as text or JSON for people; the account's number is shortened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....evidence.base.errors import masked
from ....evidence.broker.account_id import mask
from ....evidence.broker.probe.record import Record
from ...report.json_format import render_json
from ...terminal.lines import to_bytes

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
