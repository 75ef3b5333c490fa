"""Charts from the tables that a decision carries; where a fact is absent, why there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ....evidence.base.times import format_utc
from ...decision.document import Decision, Operand
from ...terminal.figures import figure
from .model import Bar, Chart, Curve, Mark
from .words import Said, Text, say

GOOD, BAD, WARN, NONE = "good", "bad", "warn", "none"
WIDTH, EQUITY_HEIGHT, DRAWDOWN_HEIGHT = 720, 200, 80


class Tables:
    """A decision's tables and operands by name, and why a fact is absent."""

    def __init__(self, decision: Decision) -> None:
        self._tables = {
            fact: table for stage in decision.stages.values() for fact, table in stage.exhibits.items()
        }
        self._problems = {item.id: item.problems for item in decision.evidence}
        self._operands: dict[str, Operand] = {}
        for check in decision.checks:
            for operand in check.operands:
                self._operands.setdefault(operand.name, operand)

    def rows(self, fact: str) -> list[dict[str, Any]]:
        """The rows of a fact's table; none where the decision has no such table."""
        table = self._tables.get(fact)
        return [] if table is None else table.records()

    def left_out(self, fact: str) -> int:
        """How many rows the table lacks."""
        table = self._tables.get(fact)
        return 0 if table is None else table.left_out

    def limit(self, operand: str) -> int | None:
        """What the operand of that name is compared with, where that is a number."""
        found = self._operands.get(operand)
        return found.expected if found is not None and type(found.expected) is int else None

    def looked_for(self, fact: str) -> bool:
        """Whether its collector ran for the decision."""
        return fact.partition(".")[0] in self._problems

    def absent(self, fact: str) -> Said:
        """Why there is no such fact, as the evidence says it."""
        collector, _, name = fact.partition(".")
        about = [p for p in self._problems.get(collector, ()) if p.fact in ("", name) or name in p.fact]
        if fact not in self._tables:
            return say("Nothing to draw: the decision carries no {fact}.", fact=fact)
        if about:
            return say("Nothing to draw: {reason}.", reason=about[0].reason)
        return say("Nothing to draw: {fact} was not measured.", fact=fact)


def coverage(tables: Tables) -> Chart | None:
    """Line coverage by package against the target; None where the decision is not about it."""
    limit = tables.limit("test_coverage")

    def bar(row: dict[str, Any]) -> Bar | None:
        share = row.get("line_ppm")
        if type(share) is not int:
            return None
        met = limit is None or share >= limit
        mark = Mark(GOOD, say("reaches the target")) if met else Mark(WARN, say("below the target"))
        lines = say("{covered} of {statements} statements", **_strings(row, "covered", "statements"))
        return Bar(str(row.get("name")), share // 1000, figure(share, "ppm"), lines, mark)

    target: Text = "" if limit is None else say("target {value}", value=f"≥ {figure(limit, 'ppm')}")
    return _chart(tables, "coverage.packages", bar, None if limit is None else limit // 1000, target)


def checklist(tables: Tables) -> Chart | None:
    """Ticked items of the checklist by category; None where the decision is not about it."""

    def bar(row: dict[str, Any]) -> Bar | None:
        ticked, items = row.get("ticked"), row.get("items")
        if type(ticked) is not int or type(items) is not int:
            return None
        mark = Mark(GOOD, say("complete")) if 0 < items == ticked else Mark(WARN, say("open"))
        points = say("{points} points", **_strings(row, "points"))
        counted = say("{ticked} of {items}", ticked=ticked, items=items)
        return Bar(str(row.get("name")), ticked * 1000 // max(items, 1), counted, points, mark)

    return _chart(tables, "checklist.categories", bar)


def _chart(
    tables: Tables,
    fact: str,
    make: Callable[[dict[str, Any]], Bar | None],
    limit: int | None = None,
    target: Text = "",
) -> Chart | None:
    """A bar for each row of a table that can be drawn."""
    if not tables.looked_for(fact):
        return None
    bars = tuple(filter(None, map(make, tables.rows(fact))))
    return Chart(bars, limit, target, None if bars else tables.absent(fact), tables.left_out(fact))


def latency(tables: Tables) -> Chart | None:
    """Percentiles of the total latency on paper and of the mock broker, against the p95 limit; None where the
    decision is not about it."""
    if not tables.looked_for("paper.latency"):
        return None
    limit = tables.limit("p95_latency")
    found: list[tuple[Said, int, bool]] = []
    for percent in ("p50", "p95", "p99"):
        for fact, label in (
            ("paper.latency", say("{percent}, paper session", percent=percent)),
            ("paper.mock", say("{percent}, mock broker", percent=percent)),
        ):
            value = next((row.get(f"{percent}_us") for row in tables.rows(fact)), None)
            if type(value) is int:
                found.append((label, value, fact == "paper.latency" and percent == "p95"))
    if not any(label.text.endswith("paper session") for label, _, _ in found):
        return Chart((), None, "", tables.absent("paper.latency"))
    longest = max([value for _, value, _ in found] + ([limit] if limit else []))
    whole = max(longest * 11 // 10, 1)
    bars = []
    for label, value, judged in found:
        mark = Mark(NONE, say("for comparison"))
        if judged and limit is not None:
            met = value < limit
            mark = Mark(GOOD, say("within the limit")) if met else Mark(BAD, say("over the limit"))
        bars.append(Bar(label, value * 1000 // whole, figure(value, "us"), "", mark))
    text: Text = "" if limit is None else say("p95 limit {value}", value=f"< {figure(limit, 'us')}")
    return Chart(tuple(bars), None if limit is None else limit * 1000 // whole, text, None)


def equity(tables: Tables) -> Curve | Said | None:
    """The account's value over the paper session, and its drawdown from the highest value before; None where
    the decision is not about it."""
    if not tables.looked_for("paper.equity"):
        return None
    samples = sorted(
        (row["at_s"], row["nav_cents"])
        for row in tables.rows("paper.equity")
        if type(row.get("at_s")) is int and type(row.get("nav_cents")) is int
    )
    if len(samples) < 2 or samples[-1][0] <= samples[0][0]:
        return tables.absent("paper.equity")
    values = [value for _, value in samples]
    low, high, top = min(values), max(values), values[0]
    falls = []
    for value in values:
        top = max(top, value)
        falls.append((top - value) * 1_000_000 // top if top > 0 else 0)
    times, deepest = [at for at, _ in samples], max(falls)
    rises = [(value - low) * 1000 // max(high - low, 1) for value in values]
    depths = [1000 - fall * 1000 // max(deepest, 1) for fall in falls]
    first, last = figure(values[0], "cents"), figure(values[-1], "cents")
    return Curve(
        equity=_points(times, rises, EQUITY_HEIGHT),
        drawdown=_points(times, depths, DRAWDOWN_HEIGHT),
        highest=figure(high, "cents"),
        lowest=figure(low, "cents"),
        begins=format_utc(times[0]),
        ends=format_utc(times[-1]),
        summary=say(
            "From {first} to {last}; deepest drawdown {depth}; {count} samples.",
            first=first, last=last, depth=figure(-deepest, "ppm"), count=len(samples),
        ),
        deepest=figure(-deepest, "ppm"),
    )  # fmt: skip


def _points(times: Sequence[int], heights: Sequence[int], height: int) -> str:
    """SVG points: thousandths of the height above the lower edge, at times spread over the width."""
    begin, length = times[0], times[-1] - times[0]
    return " ".join(
        f"{(at - begin) * WIDTH * 10 // length / 10:g},{height - up * height // 1000}"
        for at, up in zip(times, heights, strict=True)
    )


def _strings(row: dict[str, Any], *names: str) -> dict[str, Text | int]:
    return {name: str(row.get(name)) for name in names}
