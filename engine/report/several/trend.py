"""Figures of recorded decisions over time: a table with sparklines, JSON, CSV, or charts as an SVG file."""

from __future__ import annotations

from collections.abc import Sequence

from ...terminal.figures import printable
from ...terminal.lines import Lines, columns, pad
from ..interface import Screen
from ..json_format import render_json
from .chart import chart, decisions_of
from .history import render_csv
from .series import Point, Trend

BARS = "▁▂▃▄▅▆▇█"
GAP = "·"
"""Stands for a decision in which the figure was not measured."""


def sparkline(points: Sequence[Point]) -> str:
    """One bar for each point between the least and the greatest; a gap where nothing was measured."""
    values = [point.value for point in points if point.value is not None]
    low, high = min(values, default=0), max(values, default=0)
    top, middle = len(BARS) - 1, len(BARS) // 2
    return "".join(
        GAP if one.value is None else BARS[(one.value - low) * top // (high - low) if high > low else middle]
        for one in points
    )


def _table(found: Trend, screen: Screen) -> bytes:
    lines = Lines(screen)
    if not found.rows:
        lines.add("no decision was recorded")
        return lines.text().encode()
    first, last = found.rows[0], found.rows[-1]
    verdicts = "".join(row.entry.summary.verdict[0] for row in found.rows)
    lines.add((decisions_of(found), "bold"), f" from {first.time} to {last.time}")
    lines.add("verdicts  ", verdicts, "  (P PASS, C CONDITIONAL, F FAIL; oldest first)")
    names = max((columns(one.title) for one in found.series), default=0)
    for one in found.series:
        values = one.values
        told = f"{one.shown(values[0])} → {one.shown(values[-1])}"
        between = f"least {one.shown(min(values))}, greatest {one.shown(max(values))}"
        lines.add(
            f"{pad(one.title, names)}  ", (sparkline(one.points), "cyan"), f"  {told} ({between})", hang=4
        )
    if found.problems:
        lines.add(("Not read", "red"))
    for index, reason in found.problems:
        lines.add(f"entry {index}: {reason}", indent=2, hang=6)
    return lines.text().encode()


def _json(found: Trend, screen: Screen) -> bytes:
    series = [
        {"name": one.name, "unit": one.unit}
        | {"points": [{"entry": p.entry, "effective_time": p.time, "value": p.value} for p in one.points]}
        for one in found.series
    ]
    problems = [{"entry": index, "reason": printable(reason)} for index, reason in found.problems]
    return render_json({"series": series, "problems": problems})


def _csv(found: Trend, screen: Screen) -> bytes:
    head = ("figure", "unit", "entry", "effective_time", "value")
    rows = ((one.name, one.unit, p.entry, p.time, p.value) for one in found.series for p in one.points)
    return render_csv([head, *rows])


RENDERERS = {"table": _table, "json": _json, "csv": _csv, "svg": chart}
