"""Order latencies against the simulator: the floor of this machine, and the mock with a scenario's delays."""

from __future__ import annotations

import asyncio
import gc
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from ...base.activity import step
from ...base.numbers import percentile_nearest_rank
from ..port import (
    Broker,
    BrokerProblem,
    Instrument,
    InstrumentDetails,
    Library,
    OrderIntent,
    OrderState,
    Settings,
    Side,
    open_broker,
)
from ..safety import Target, check_accounts, check_library, check_target
from ..simulator.scenario import Scenario
from .simulated import calm, simulated

WARM_UP = 20
"""Orders before the measured ones."""
_CLIENT = 62
_ORDER_S = 30.0
_SHOWN = 20
PERCENTS = (50, 95, 99)


class Figures(Struct, frozen=True):
    """Percentiles of the total latency (intent to last fill) by nearest rank, in microseconds."""

    orders: int
    p50_us: int
    p95_us: int
    p99_us: int

    @classmethod
    def of(cls, latencies: list[int]) -> Figures:
        """The figures of latencies; there is at least one."""
        return cls(len(latencies), *(percentile_nearest_rank(latencies, percent) for percent in PERCENTS))


class Measured(Struct, frozen=True):
    """What was measured: the floor is the simulator without delays, the mock is with a scenario's."""

    library: str
    scenario: str
    seed: int
    floor: Figures
    mock: Figures


def measure(library: str, scenario: Path | None, seed: int | None, orders: int) -> Measured:
    """Measure both, each with this many orders, one at a time.

    Raises ConfigError: the scenario is none; Refused or UsageError: the library is not installed, or both
    are; EnvironmentProblem: the simulator does not start, or an order is not filled.
    """
    check_library(library)
    found = []
    for delays in (False, True):
        used = calm(scenario, seed, delays=delays)
        with simulated(used) as port:
            latencies, name = asyncio.run(_orders(library, used, port, orders))
        found.append(Figures.of(latencies))
    return Measured(name, used.name, used.seed, *found)


async def _orders(library: str, scenario: Scenario, port: int, orders: int) -> tuple[list[int], str]:
    """The latencies of the orders in microseconds, and the library's name and version."""
    account, traded = scenario.account, scenario.instruments[0]
    target = Target(account, port, client=_CLIENT)
    check_target(target)
    settings = Settings(port, _CLIENT, account=account, messages_per_s=None)
    broker = open_broker(Library(library), settings)
    async with broker:
        check_accounts(target, await broker.accounts())
        instrument = Instrument(traded.symbol, traded.sec_type, traded.exchange, traded.currency)
        details = await broker.contract(instrument)
        latencies = []
        for number in range(WARM_UP + orders):
            if number == WARM_UP:
                gc.collect()
                gc.freeze()
            if number % _SHOWN == 0:
                step(f"measuring {scenario.name} … {number} of {WARM_UP + orders} orders")
            latencies.append(await _one(broker, details, account, number))
        gc.unfreeze()
        return latencies[WARM_UP:], broker.library


async def _one(broker: Broker, details: InstrumentDetails, account: str, number: int) -> int:
    side = Side.SELL if number % 2 else Side.BUY
    order = OrderIntent(f"benchmark-{number}", details.instrument, side, Decimal(1), account=account)
    await broker.place(order)
    try:
        report = await asyncio.wait_for(broker.outcome(order.intent_id), _ORDER_S)
    except TimeoutError:
        report = broker.order(order.intent_id)
    if report.state is not OrderState.FILLED or report.times.filled is None:
        what = f"order {number + 1} was not filled: {report.state} {report.text}".rstrip()
        raise BrokerProblem(what, remedy="take a scenario whose first instrument can be traded")
    return max(int(report.times.filled - report.times.intent), 1)
