"""The record of the latest rollback drill, held against its contract and against itself."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from ...base.errors import EvidenceError
from ...base.numbers import PPM
from ...broker.account_id import prefix, read_json
from ...collecting.interface import Problem
from ...reading.workspace import View
from ..shared.documents import absent, check_filled, moment, scaled

_LATER = {"root_cause", "report"}
"""Steps that come after the recovery, whose time is not part of its total."""
_FIGURES = (
    "performed_at_s", "total_recovery_ms", "cancel_orders_ms", "all_flat", "open_orders", "nav_delta_ppm",
    "logs_archived",
)  # fmt: skip
_ACCOUNT = ("account_prefix", "simulated", "same_account")


def no_drill() -> dict[str, Any]:
    """The facts of a drill that nobody recorded."""
    return {**dict.fromkeys((*_FIGURES, "nav_before_cents", *_ACCOUNT)), "steps": [], "contradictions": []}


def read_drill(view: View, path: str, account: str) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The facts of the record at ``path``, and why some of them are null.

    Args:
        account: the account's record, whose account a drill that names one has to name.

    Raises:
        EvidenceError: malformed, against its contract, or a template.
    """
    record = read_json(view, path, "rollback_drill")
    check_filled(record, path, "operator", "trigger")
    if not re.search("[0-9]", record.get("account", "0")):
        remedy = "leave its last digits visible"
        raise EvidenceError("names no account", path=path, place="/account", remedy=remedy)
    figures: dict[str, Any] = {name: record.get(name) for name in _FIGURES}
    for name in ("total_recovery_ms", "cancel_orders_ms", "open_orders"):
        figures[name] = None if record[name] is None else int(record[name])
    _, figures["performed_at_s"] = moment(record["performed_at"], path, "/performed_at")
    before, after = record["nav_before"], record["nav_after"]
    if before is not None and after is not None:
        change = abs(Fraction(after) - Fraction(before)) / Fraction(before)
        figures["nav_delta_ppm"] = scaled(change, PPM, path, "/nav_after", up=True)
    figures["nav_before_cents"] = None if before is None else scaled(before, 100, path, "/nav_before")
    steps = [(step["step"], int(step["completed_ms"])) for step in record.get("steps", [])]
    figures["steps"] = [{"step": name, "completed_ms": time} for name, time in steps]
    figures["contradictions"] = _contradictions(steps, figures)
    kind = prefix(record["account"]) if "account" in record else None
    figures |= {
        "account_prefix": kind,
        "simulated": None if kind is None else kind == "DUSIM",
        "same_account": None if kind is None else _is_same(view, account, record["account"]),
    }
    empty = [f"drill.{name}" for name in _FIGURES if figures[name] is None]
    empty += ["drill.nav_before_cents"] if before is None else []
    problems = absent(empty, f"{path} does not record it", "measure it in the next drill and record it")
    if kind is not None and figures["same_account"] is None:
        reason = f"{account} does not say which account was probed"
        problems += absent(["drill.same_account"], reason, "probe the account and record it there")
    if kind is None:
        remedy = "record `account`, its middle hidden"
        reason = f"{path} does not name the account"
        problems += absent([f"drill.{name}" for name in _ACCOUNT], reason, remedy)
    return figures, problems


def _is_same(view: View, account: str, drilled: str) -> bool | None:
    """Whether the account, its middle hidden or not, is the recorded one; None where none is recorded."""
    try:
        recorded: str = read_json(view, account, "account_config")["account_id"]
    except EvidenceError:  # a finding of the collector ``account``
        return None
    begin, hidden, _ = drilled.partition("*")
    if not hidden:
        return recorded == drilled
    return recorded.startswith(begin) and recorded.endswith(drilled.rpartition("*")[2])


def _contradictions(steps: list[tuple[str, int]], figures: dict[str, Any]) -> list[dict[str, str]]:
    """Where the record contradicts itself: a JSON pointer and what is wrong there."""
    total, cancelled = figures["total_recovery_ms"], figures["cancel_orders_ms"]
    found: list[tuple[str, str]] = []
    times = dict(reversed(steps))
    for index, (name, time) in enumerate(steps):
        place = f"/steps/{index}"
        if name in [other for other, _ in steps[:index]]:
            found.append((place, f"{name} stands twice"))
        if index and time < steps[index - 1][1]:
            found.append((f"{place}/completed_ms", f"{name} was finished before the step above it"))
        if time > total and name not in _LATER:
            text = f"{name} was finished after {time} ms, the whole recovery after {total}"
            found.append((f"{place}/completed_ms", text))
    if len({time for _, time in steps}) == 1 < len(steps):
        found.append(("/steps", "were all finished in the same instant"))
    if total == 0:
        found.append(("/total_recovery_ms", "is 0 ms, which nobody has measured"))
    place = "/cancel_orders_ms"
    if cancelled is not None and cancelled > total:
        found.append((place, f"cancelling took {cancelled} ms, the whole recovery {total}"))
    if cancelled is not None and times.get("cancel_orders", cancelled) != cancelled:
        found.append((place, f"states {cancelled} ms, the step cancel_orders {times['cancel_orders']}"))
    if times.get("verify", total) != total:
        found.append(("/total_recovery_ms", f"states {total} ms, the step verify {times['verify']}"))
    return [{"place": place, "text": text} for place, text in found]
