"""``PAPER_TRADING_METRICS.csv``: claims, compared with what the log gives.

A claim is compared at its own precision: it may differ from the recomputed figure by half a unit of its last
decimal, and by no more than ``_COARSEST`` says. ``0.99 ratio`` agrees with 0.9917; ``0.9917 ratio`` does not
agree with 0.99, nor ``1 ratio`` with 0.9917.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NoReturn

from msgspec import Struct

from ...base.errors import EvidenceError
from ...reading.workspace import View

HEADER = ("metric", "value", "unit", "status")
_COUNT = dict.fromkeys(("", "count", "events", "number", "orders", "trades"), Fraction(1))
_PLAIN = {"": Fraction(1), "ratio": Fraction(1)}
_RATIO = {**_PLAIN, **dict.fromkeys(("%", "percent", "pct"), Fraction(1, 100))}
_SECONDS = dict.fromkeys(("s", "sec", "second", "seconds"), Fraction(1))
_LATENCY = {
    **dict.fromkeys(("us", "µs", "μs"), Fraction(1, 1000)),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), Fraction(1)),
    **dict.fromkeys(_SECONDS, Fraction(1000)),
}
_DURATION = {
    **_SECONDS,
    **dict.fromkeys(("min", "mins", "minute", "minutes"), Fraction(60)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), Fraction(3600)),
}
UNITS: dict[str, dict[str, Fraction]] = {
    "duration": _DURATION, "total_trades": _COUNT, "fill_rate": _RATIO,
    "p50_latency": _LATENCY, "p95_latency": _LATENCY, "p99_latency": _LATENCY,
    "pacing_violations": _COUNT, "disconnects": _COUNT,
    "sharpe_paper": _PLAIN, "sharpe_backtest": _PLAIN, "sharpe_delta": _PLAIN,
    "latency_delta_vs_mock": _RATIO, "psr": _RATIO, "max_drawdown": _RATIO,
}  # fmt: skip
"""Metric → unit → its size in the metric's own unit (seconds, milliseconds, a count or a ratio)."""
_COARSEST = (
    (_RATIO, Fraction(1, 200)),
    (_PLAIN, Fraction(1, 20)),
    (_LATENCY, Fraction(1, 2)),
    (_DURATION, Fraction(180)),
)
"""How far off a claim may be that states few decimals, in the metric's own unit."""
_VALUE = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?")


class Claim(Struct, frozen=True):
    """One row of the file.

    Attributes:
        metric: its name; nothing recomputes one that is no key of ``UNITS``.
        stated: the number as written.
        decimals: how many decimals it states.
        unit: as written.
        status: as written.
    """

    metric: str
    stated: str
    decimals: int
    unit: str
    status: str = ""

    @property
    def value(self) -> Fraction:
        """The figure in the metric's own unit."""
        return Fraction(self.stated) * UNITS[self.metric][self.unit]

    def disagreement(self, recomputed: Fraction) -> dict[str, str] | None:
        """The claim beside the recomputed figure (in the metric's own unit), or None when they agree."""
        units = UNITS[self.metric]
        unit, shown = units[self.unit], self.decimals
        most = next((most for kind, most in _COARSEST if kind is units), unit)
        if abs(self.value - recomputed) <= min(most, unit / 10**shown / 2):
            return None
        # round() of a Fraction rounds half to even
        while (rounded := round(recomputed / unit * 10**shown)) == Fraction(self.stated) * 10**shown:
            shown += 1  # until the difference shows
        return {
            "metric": self.metric,
            "claimed": f"{self.stated} {self.unit}".strip(),
            "recomputed": f"{_fixed(rounded, shown)} {self.unit}".strip(),
        }


def _fixed(scaled: int, decimals: int) -> str:
    sign, digits = "-" if scaled < 0 else "", str(abs(scaled)).rjust(decimals + 1, "0")
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)


def read_claims(view: View, path: str) -> dict[str, Claim]:
    """The claims by metric, in the file's order.

    Raises:
        EvidenceError: malformed CSV, or a repeated metric; of one that can be recomputed an unknown unit, or
            a value that is no plain decimal number; with the line.
    """
    claims: dict[str, Claim] = {}
    for row in view.read_csv(path, HEADER):
        metric, unit, stated = row.cells["metric"], row.cells["unit"], row.cells["value"]
        same = re.sub(r"[\W_]+", "_", metric.lower()).strip("_")
        metric = same if same in UNITS else metric

        def refuse(what: str, remedy: str, line: int = row.line) -> NoReturn:
            raise EvidenceError(what, path=path, place=f"line {line}", remedy=remedy)

        if metric in claims:
            refuse(f"the metric {metric[:40]!r} stands twice", "keep one row per metric")
        if metric not in UNITS:
            claims[metric] = Claim(metric, stated, 0, unit, row.cells["status"])
            continue
        units = UNITS[metric]
        unit = unit if unit in units else unit.lower()
        if stated.endswith("%") and "%" in units and (not unit or units.get(unit) == units["%"]):
            stated, unit = stated[:-1].rstrip(), "%"
        if unit not in units:
            known = ", ".join(name for name in units if name)
            refuse(f"the unit {unit[:20]!r} of {metric!r} is unknown", f"state it in one of: {known}")
        if _VALUE.fullmatch(stated) is None:
            remedy = "write the figure like 0.9917, or leave the row out when it was not measured"
            refuse(f"the value {stated[:40]!r} of {metric!r} is not a decimal number", remedy)
        exponent = int(Decimal(stated).as_tuple().exponent)
        claims[metric] = Claim(metric, stated, max(0, -exponent), unit, row.cells["status"])
    return claims


def disagreements(claims: Mapping[str, Claim], recomputed: Mapping[str, Fraction]) -> list[dict[str, str]]:
    """Every claim that a recomputed figure contradicts, in the order of the claims."""
    found = (claim.disagreement(recomputed[name]) for name, claim in claims.items() if name in recomputed)
    return [one for one in found if one is not None]
