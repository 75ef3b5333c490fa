"""Figures of the judged stages as earlier decisions state them: exact, with the place of their last decimal.

A ratio stays a ratio, a time becomes milliseconds, anything else keeps its unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from ...base.canonical import MAX_SAFE_INTEGER
from ...base.errors import masked
from ...reading.markdown import Table

_MICRO = 1_000_000
_NUMBER = re.compile(
    r"(?P<number>[-−]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.[0-9]{1,15})?)\s*(?P<unit>%|ms|s)?"
)
_UNITS = {"%": Fraction(1, 100), "s": Fraction(1000)}
_METRIC, _CURRENT = re.compile(r"\W*metrics?\W*", re.IGNORECASE), re.compile(r"\W*current\W*", re.IGNORECASE)
_LONGEST = 60


def of_log(gates: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The figures beside the statuses of a verification log."""
    return [
        _figure(f"{name}.{key}", value)
        for name, gate in gates.items()
        for key, value in gate.items()
        if key != "status" and type(value) in {int, Decimal, str}
    ]


def of_tables(tables: Iterable[Table], stage: re.Pattern[str]) -> list[dict[str, Any]]:
    """The figures of tables with a column for the stage, the metric and its current value."""
    found = []
    for table in tables:
        columns = {
            head: next((i for i, cell in enumerate(table.header) if head.fullmatch(cell)), None)
            for head in (_METRIC, _CURRENT)
        }
        metric, current = columns.values()
        if metric is None or current is None:
            continue
        for row in table.rows:
            if named := stage.match(row.cells[0]):
                name = "_".join(re.findall(r"\w+", row.cells[metric].lower()))
                found.append(_figure(f"stage{named['number']}.{name}", row.cells[current]))
    return found


def _figure(name: str, value: Decimal | int | str) -> dict[str, Any]:
    """A figure in millionths, and one unit of its last decimal likewise; both null where it is no number."""
    found = _NUMBER.fullmatch(f"{value:f}" if isinstance(value, Decimal) else str(value))
    micro = slack = None
    if found:
        number = Decimal(found["number"].replace("−", "-").replace(",", ""))
        unit = _UNITS.get(found["unit"], Fraction(1)) * _MICRO
        decimals = -int(number.as_tuple().exponent)
        micro, slack = floor(Fraction(number) * unit), max(1, floor(unit / 10**decimals))
    exact = micro is not None and abs(micro) <= MAX_SAFE_INTEGER
    return {
        "name": name[:_LONGEST],
        "text": masked(str(value))[:_LONGEST],
        "micro": micro if exact else None,
        "slack": slack if exact else None,
    }
