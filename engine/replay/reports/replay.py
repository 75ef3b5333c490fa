"""Replayed decisions for people and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ....evidence.base.contracts import shorten
from ....evidence.base.records import to_json
from ...report.json_format import render_json
from ...terminal.lines import Lines, Screen
from ..replay import Replayed, Status

_STYLE = {Status.IDENTICAL: "green", Status.DIFFERENT: "alarm", Status.IMPOSSIBLE: "yellow"}


def _json(found: Sequence[Replayed], screen: Screen) -> bytes:
    counts = Counter(one.status for one in found)
    summary = {status.value: counts[status] for status in Status}
    return render_json({"decisions": to_json(found), "summary": summary})


def _table(found: Sequence[Replayed], screen: Screen) -> bytes:
    lines = Lines(screen)
    counts = Counter(one.status for one in found)
    if len(found) == 1 or len(counts) > (Status.IDENTICAL in counts):
        for one in found:
            if len(found) == 1 or one.status is not Status.IDENTICAL:
                _decision(lines, one)
        lines.add("")
    engines = ", ".join(sorted({one.engine for one in found if one.engine is not None}))
    parts = [f"{counts[status]} {status.value}" for status in Status if counts[status]]
    text = f"{', '.join(parts) or 'nothing is recorded'}{f', on {engines}' if engines else ''}"
    lines.add((text, "bold"))
    return lines.text().encode()


def _decision(lines: Lines, one: Replayed) -> None:
    lines.add((one.status.value, _STYLE[one.status]), f"  entry {one.index}  {one.stage} {one.verdict}")
    if one.reason is not None:
        lines.row("why", one.reason)
    if one.difference is not None:
        rule = one.difference.rule
        lines.row("rule", "none" if rule is None else rule)
        lines.row("field", one.difference.field)
        lines.row("recorded", _value(one.difference.recorded))
        lines.row("replayed", _value(one.difference.replayed))


def _value(value: Any) -> str:
    return "nothing" if value is None else shorten(json.dumps(value, ensure_ascii=False))


RENDERERS = {"table": _table, "json": _json}
