"""What each kill switch is fed: a value just short of its limit, then one just beyond it.

Three switches watch values, which are handed over as numbers and as a curve of the account's value that has
them. Four watch the wire, where a simulated gateway lets the faults happen; limits are those of the rollback
procedure.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from statistics import NormalDist
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ...base.errors import UsageError
from ..simulator.scenario import Fault, Latency, Scenario

MARGIN = Decimal("0.02")
"""How far a value lies from the limit, as a share of it."""
MARGIN_WIRE = Decimal("0.1")
"""The same for latencies, which a busy machine lengthens."""
BASELINE_MS = 250
"""The baseline latency that the latency switch is told."""
NAV = Decimal(1_000_000)
SYMBOL = "SPY"

_RETURNS = 250
_SPREAD = 0.0005
"""Size of the returns of the PSR curve: so small that neither its loss nor its drawdown breaches a limit."""
_AT_ONCE = Latency(0)
_SOON = Latency(200)
_QUICK = Scenario(
    "kill switch", messages_per_s=None, acknowledge=_SOON, work=_AT_ONCE, fill=_SOON, cancel=_SOON
)
_LATENCIES = 20
"""Acknowledgements after which a 95th percentile is one."""
_LONGEST_RUN = 1000
"""The most faults that a rehearsal waits for."""


class Faults(Struct, frozen=True):
    """What happens on the wire: an observation's direction, name and a field, how often, and orders after it.

    After so many faults the limit is breached; or, when it must not be, so many orders after them show that
    the program goes on trading.
    """

    direction: str
    message: str
    field: str
    value: str
    needed: int
    orders_after: int = 0


class Rehearsal(Struct, frozen=True):
    """One run of the program: what it is fed, and on which side of the limit that is.

    ``observed`` is the value that the switch sees; ``values`` is handed over; ``faults`` happen in
    ``scenario``, or are None for a switch that watches values.
    """

    switch: str
    limit: Decimal
    breaches: bool
    observed: Decimal
    values: Mapping[str, Any]
    scenario: Scenario
    faults: Faults | None = None


def rehearsals(name: str, limit: Decimal) -> tuple[Rehearsal, Rehearsal]:
    """The rehearsals of a switch with this limit: just short of it, just beyond it.

    Raises UsageError: there are no values on both sides of such a limit.
    """
    switch = SWITCHES[name]
    with suppress(ArithmeticError, ValueError):
        short, beyond = switch.make(name, limit, False), switch.make(name, limit, True)
        if (beyond.observed - limit) * switch.side > 0 >= (short.observed - limit) * switch.side:
            return short, beyond
    raise UsageError(
        f"the limit {limit:f} of {name} cannot be rehearsed: no values lie on both sides of it",
        remedy=f"a usable limit of {name} is {switch.usable}; correct it, or give --limit {name}=NUMBER",
    )


def _shifted(name: str, limit: Decimal, breaches: bool, margin: Decimal = MARGIN) -> Decimal:
    """A value so far from the limit, on the side that breaches it or on the other one."""
    away = SWITCHES[name].side if breaches else -SWITCHES[name].side
    return limit + away * abs(limit) * margin


def _fed(name: str, limit: Decimal, breaches: bool, observed: Decimal, equity: list[Decimal]) -> Rehearsal:
    observed = round(observed, 6)
    values = {"value": float(observed), "day_start": float(NAV), "equity": [float(one) for one in equity]}
    return Rehearsal(name, limit, breaches, observed, values, _QUICK)


def _pnl(name: str, limit: Decimal, breaches: bool) -> Rehearsal:
    if not -1 < limit < 0:
        raise ValueError("a daily loss is a negative share")
    value = round(NAV * (1 + _shifted(name, limit, breaches)), 2)
    return _fed(name, limit, breaches, value / NAV - 1, [value])


def _drawdown(name: str, limit: Decimal, breaches: bool) -> Rehearsal:
    """A rise and a fall that ends above the day's start, so that the day has no loss."""
    if not 0 < limit < Decimal("0.9"):
        raise ValueError("a drawdown is a share")
    peak = (NAV / 1000 / (1 - limit * (1 + MARGIN))).to_integral_value(ROUND_CEILING) * 1000
    value = round(peak * (1 - _shifted(name, limit, breaches)), 2)
    return _fed(name, limit, breaches, 1 - value / peak, [peak, value])


def _psr(name: str, limit: Decimal, breaches: bool) -> Rehearsal:
    """Returns of two sizes in turn: no skewness, kurtosis 1, so that PSR = Φ(SR·√(n−1)).

    Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier" (2012).
    """
    target = float(_shifted(name, limit, breaches))
    n = _RETURNS
    sharpe = NormalDist().inv_cdf(target) / math.sqrt(n - 1)
    mean = sharpe * _SPREAD * math.sqrt(n / (n - 1))
    curve = itertools.accumulate(
        (1 + mean + (_SPREAD if day % 2 else -_SPREAD) for day in range(n)), lambda a, b: a * b
    )
    equity = [round(NAV * Decimal(one), 2) for one in curve]
    return _fed(name, limit, breaches, Decimal(target), equity)


def _wire(
    name: str, limit: Decimal, breaches: bool, observed: Decimal, scenario: Scenario, faults: Faults
) -> Rehearsal:
    if limit <= 0 or not 0 < faults.needed <= _LONGEST_RUN:
        raise ValueError("nothing to count, or too much")
    values = {"symbol": SYMBOL, "baseline_ms": BASELINE_MS}
    return Rehearsal(name, limit, breaches, round(observed, 6), values, scenario, faults)


def _count(limit: Decimal, breaches: bool) -> int:
    """The most faults that are not above the limit, or one more."""
    return int(limit.to_integral_value(ROUND_FLOOR)) + breaches


def _pacing(name: str, limit: Decimal, breaches: bool) -> Rehearsal:
    """So many orders are answered with error 100."""
    count = _count(limit, breaches)
    scenario = replace(_QUICK, faults=(Fault("error", "received", code=100, times=count),))
    faults = Faults("out", "error", "code", "100", count, orders_after=3)
    return _wire(name, limit, breaches, Decimal(count), scenario, faults)


def _connection(name: str, limit: Decimal, breaches: bool) -> Rehearsal:
    """The connection is closed so many times, after every other order."""
    count = _count(limit, breaches)
    scenario = replace(_QUICK, faults=(Fault("drop", "filled", every=2, times=count),))
    faults = Faults("event", "disconnected", "reason", "dropped by the scenario", count, orders_after=3)
    return _wire(name, limit, breaches, Decimal(count), scenario, faults)


def _rejections(name: str, limit: Decimal, breaches: bool) -> Rehearsal:
    """Every n-th order is rejected: just as many as the limit allows, or just more."""
    every = int((1 / limit).to_integral_value(ROUND_CEILING)) - breaches
    scenario = replace(_QUICK, faults=(Fault("error", "received", code=201, every=every),))
    faults = Faults("out", "error", "code", "201", *((1, 0) if breaches else (4, every - 1)))
    return _wire(name, limit, breaches, Decimal(1) / every, scenario, faults)


def _latency(name: str, limit: Decimal, breaches: bool) -> Rehearsal:
    """Every order is acknowledged, and filled, so much later than the baseline."""
    ratio = _shifted(name, limit, breaches, MARGIN_WIRE)
    scenario = replace(_QUICK, acknowledge=Latency(int(ratio * BASELINE_MS * 1000)), fill=_AT_ONCE)
    faults = Faults("out", "orderStatus", "status", "PreSubmitted", 1 if breaches else _LATENCIES)
    return _wire(name, limit, breaches, ratio, scenario, faults)


class Switch(Struct, frozen=True):
    """A kill switch.

    Attributes:
        trigger: its name in the rollback procedure.
        side: of the limit that breaches it, -1 or 1.
        usable: which limits can be rehearsed, in words.
        make: a rehearsal from name, limit, and whether it is breached; raises ValueError, ArithmeticError.
    """

    trigger: str
    side: int
    usable: str
    make: Callable[[str, Decimal, bool], Rehearsal]


SWITCHES = {
    "KILL_PNL": Switch("pnl", -1, "a negative share, such as -0.05", _pnl),
    "MAX_DD_KILL_SWITCH": Switch("drawdown", 1, "a share below 0.9, such as 0.15", _drawdown),
    "PSR_KILL_SWITCH": Switch("psr", -1, "a probability below 0.98, such as 0.2", _psr),
    "PACING_KILL_SWITCH": Switch("pacing", 1, "a count per hour, such as 10", _pacing),
    "CONNECTION_KILL_SWITCH": Switch("connection", 1, "a count per hour, such as 3", _connection),
    "REJECTION_KILL_SWITCH": Switch("rejections", 1, "a share below 1, such as 0.2", _rejections),
    "LATENCY_KILL_SWITCH": Switch("latency", 1, "a multiple of the baseline, such as 2", _latency),
}
