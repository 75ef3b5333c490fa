"""What people signed, in words or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...evidence.base.records import to_json
from ..signoff import Status
from ..terminal.lines import Lines
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


SIGNOFFS: dict[str, SignoffsRenderer] = {"table": _signoffs_text, "json": _signoffs_json}
