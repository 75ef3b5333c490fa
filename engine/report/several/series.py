"""The figures of recorded decisions as series over time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ...decision.document import CheckStatus, Decision
from ...entries.reading import RecordedDecision
from ...terminal.figures import figure, label, scale

RULES = "rules.hold"
"""The series that every decision has: the share of its rules that hold."""


class Point(Struct, frozen=True):
    """A figure in one decision; None where it was not measured."""

    entry: int
    time: str
    value: int | None


class Series(Struct, frozen=True):
    """A figure over time, oldest first: ``stage.name`` and its unit."""

    name: str
    unit: str
    points: tuple[Point, ...]

    @property
    def values(self) -> list[int]:
        """What was measured."""
        return [point.value for point in self.points if point.value is not None]

    def shown(self, value: int | None) -> str:
        """A value with its unit."""
        return figure(value, scale(self.name, self.unit))

    @property
    def title(self) -> str:
        """The name in words."""
        return label(self.name.replace(".", " ", 1))


class Trend(Struct, frozen=True):
    """The decisions, oldest first, and their figures."""

    rows: tuple[RecordedDecision, ...]
    series: tuple[Series, ...]

    @property
    def problems(self) -> list[tuple[int, str]]:
        """Index of each decision without figures, and why it cannot be read."""
        return [(row.entry.index, row.problem) for row in self.rows if row.problem is not None]


def trend(rows: Sequence[RecordedDecision], wanted: Iterable[str] = ()) -> Trend:
    """The figures that were numbers at least once.

    Args:
        rows: oldest first.
        wanted: stages, or figures as ``stage.name``; all where none is named.
    """
    measured = [(row.entry.index, row.time, row.decision) for row in rows]
    asked = set(wanted)
    series = [one for one in figures(measured) if not asked or asked & {one.name, one.name.partition(".")[0]}]
    return Trend(tuple(rows), tuple(series))


def figures(measured: Iterable[tuple[int, str, Decision | None]]) -> list[Series]:
    """The figures of decisions that were numbers at least once.

    Args:
        measured: ledger index, effective time and document (None: unreadable) of each, oldest first.
    """
    found: dict[str, tuple[str, list[Point]]] = {RULES: ("ppm", [])}
    for index, time, decision in measured:
        if decision is None:
            for _, points in found.values():
                points.append(Point(index, time, None))
            continue
        held = sum(check.status is CheckStatus.HOLDS for check in decision.checks)
        share = held * 1_000_000 // len(decision.checks) if decision.checks else None
        found[RULES][1].append(Point(index, time, share))
        for stage, about in decision.stages.items():
            for name, item in about.figures.items():
                number = item.value if type(item.value) is int else None
                found.setdefault(f"{stage}.{name}", (item.unit, []))[1].append(Point(index, time, number))
    series = (Series(name, unit, tuple(points)) for name, (unit, points) in found.items())
    return [one for one in series if one.values]
