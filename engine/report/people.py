"""What people signed, in words or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...evidence.base.records import to_json
from ..signoff import Status
from ..terminal.lines import Lines
from ..waiver import WaiverStatus
from .interface import Screen
from .json_format import render_json

SignoffsRenderer = Callable[[Sequence[Status], Screen], bytes]


def _signoffs_text(found: Sequence[Status], screen: Screen) -> bytes:
    """Each sign-off with whether it counts, and the reasons below it."""
    lines = Lines(screen)
    for one in found:
        word = ("counts", "green") if one.counts else ("void", "red")
        who = f"{one.stage} {one.role}: {one.verdict} by {one.principal or one.name}, {one.signed_at}"
        lines.add((f"{word[0]:<8}", word[1]), f"{who if one.stage else 'no sign-off'} ({one.path})", hang=8)
        for reason in one.reasons:
            lines.add(f"- {reason}", indent=8)
    if not found:
        lines.add("nobody has signed anything")
    return lines.text().encode()


def _signoffs_json(found: Sequence[Status], screen: Screen) -> bytes:
    return render_json({"signoffs": [to_json(one) for one in found]})


def _waivers_text(found: Sequence[WaiverStatus], screen: Screen) -> bytes:
    """Each waiver with its state; what it permits, and who said so, below it."""
    lines = Lines(screen)
    for one in found:
        style = {"active": "green", "expiring": "yellow", "void": "red"}.get(one.state, "dim")
        lines.add((f"{one.state:<10}", style), f"{one.id or one.path}: {one.text}", hang=10)
        if one.code is not None:
            term = f" ({one.term})" if one.term else ""
            who = f"for {one.author}, approved by {one.approver or 'nobody'}, {one.reference}"
            lines.add(f"{one.code}{term}, {one.effective_on} to {one.effective_until}", indent=10)
            lines.add(who, indent=10)
    if not found:
        lines.add("there are no waivers")
    return lines.text().encode()


def _waivers_json(found: Sequence[WaiverStatus], screen: Screen) -> bytes:
    return render_json({"waivers": [to_json(one) for one in found]})


WAIVERS: dict[str, Callable[[Sequence[WaiverStatus], Screen], bytes]] = {
    "table": _waivers_text,
    "json": _waivers_json,
}
SIGNOFFS: dict[str, SignoffsRenderer] = {"table": _signoffs_text, "json": _signoffs_json}
