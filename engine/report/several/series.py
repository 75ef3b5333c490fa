"""The figures of recorded decisions as series over time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ...terminal.figures import figure, label, scale
from .history import Recorded

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

    rows: tuple[Recorded, ...]
    series: tuple[Series, ...]


def trend(rows: Sequence[Recorded], wanted: Iterable[str] = ()) -> Trend:
    """The figures that were numbers at least once.

    Args:
        rows: oldest first.
        wanted: stages, or figures as ``stage.name``; all where none is named.
    """
    asked = set(wanted)
    found: dict[str, tuple[str, list[Point]]] = {RULES: ("ppm", [])}
    for row in rows:
        index = row.entry.entry.index
        if row.decision is None:
            continue
        holds, rules = row.holds or (0, 0)
        share = holds * 1_000_000 // rules if rules else None
        found[RULES][1].append(Point(index, row.time, share))
        for stage, about in row.decision.stages.items():
            for name, item in about.figures.items():
                number = item.value if type(item.value) is int else None
                points = found.setdefault(f"{stage}.{name}", (item.unit, []))[1]
                points.append(Point(index, row.time, number))
    series = [Series(name, unit, tuple(points)) for name, (unit, points) in found.items()]
    return Trend(
        tuple(rows),
        tuple(
            one
            for one in series
            if one.values and (not asked or asked & {one.name, one.name.partition(".")[0]})
        ),
    )
