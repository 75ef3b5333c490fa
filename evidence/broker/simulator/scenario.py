"""What a simulated gateway is like and what goes wrong in it: a YAML file, contract ``ibkr_scenario``."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from ...base.errors import ConfigError
from ...base.records import from_json
from ...reading.workspace.named import read_named
from ..declared import digest_of, parse_declared, whole

CONTRACT = "ibkr_scenario"
FORMAT = "gate.ibkr.scenario/v1"

_LEAST_TICK = Decimal("0.000001")

ORDER_PHASES = ("received", "acknowledged", "working", "filling", "filled", "cancelling")
"""Where a fault may meet an order: before it is acknowledged, after that, while it works, between two of its
fills, after its last one, and while a cancel request is on its way."""

TIME = "time"
"""The phase of a fault that happens ``after_ms``."""


class Latency(Struct, frozen=True):
    """How long a step takes, in microseconds: log-normal with this median and 99th percentile."""

    median_us: int = 0
    p99_us: int | None = None


class Instrument(Struct, frozen=True):
    """Something that can be traded: a fixed price with a spread of two ticks around it."""

    symbol: str
    price: Decimal
    con_id: int
    sec_type: str = "STK"
    exchange: str = "SMART"
    primary_exchange: str = "NASDAQ"
    currency: str = "USD"
    tick: Decimal = Decimal("0.01")
    multiplier: int = 1
    name: str = ""


class Holding(Struct, frozen=True):
    """What the account holds at the start: quantity (negative for a short position) and average cost."""

    symbol: str
    quantity: Decimal
    average_cost: Decimal


class Fault(Struct, frozen=True):
    """Something that goes wrong: what, in which phase, and which orders or connections it meets.

    ``number`` meets the n-th order or connection of the session, ``every`` each n-th, ``symbol`` orders for
    one instrument, ``chance_ppm`` a part of them, drawn from the seed. ``times`` ends it.
    """

    fault: str
    at: str
    number: int | None = None
    every: int | None = None
    symbol: str | None = None
    chance_ppm: int | None = None
    times: int | None = None
    after_ms: int = 0
    code: int | None = None
    message: str | None = None
    outcome: str | None = None
    percent: tuple[int, ...] = (100,)
    delay_ms: int = 0
    refuse_ms: int = 0
    lost: bool = False
    outage_ms: int = 1000
    data: str = "kept"


class Move(Struct, frozen=True):
    """A change of an instrument's price, this long after the start."""

    symbol: str
    after_ms: int
    price: Decimal


class Scenario(Struct, frozen=True):
    """A gateway, its account, its instruments and its faults. The defaults are a gateway without faults."""

    name: str = "default"
    seed: int = 1
    account: str = "DUSIM0000001"
    read_only: bool = False
    highest_version: int = 178
    messages_per_s: int | None = 50
    violations: int = 3
    fill_parts: int = 1
    cash: Decimal = Decimal(1_000_000)
    acknowledge: Latency = Latency(2_000, 10_000)
    work: Latency = Latency(1_000, 5_000)
    fill: Latency = Latency(3_000, 20_000)
    cancel: Latency = Latency(2_000, 10_000)
    instruments: tuple[Instrument, ...] = (
        Instrument("SPY", Decimal("450.00"), 756733, primary_exchange="ARCA", name="SPDR S&P 500 ETF TRUST"),
        Instrument("QQQ", Decimal("380.00"), 320227571, name="INVESCO QQQ TRUST SERIES 1"),
        Instrument("AAPL", Decimal("190.00"), 265598, name="APPLE INC"),
        Instrument("MSFT", Decimal("370.00"), 272093, name="MICROSOFT CORP"),
    )
    holdings: tuple[Holding, ...] = ()
    faults: tuple[Fault, ...] = ()
    moves: tuple[Move, ...] = ()
    digest: str = ""
    """SHA-256 of the file's canonical JSON; empty for the defaults."""


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file.

    Raises ConfigError: the file cannot be read, is no YAML, or does not describe a scenario.
    """
    return parse_scenario(read_named(path, ConfigError, "name a scenario in YAML"), str(path))


def parse_scenario(data: bytes, path: str) -> Scenario:
    """The scenario in these bytes; errors name ``path``.

    Raises ConfigError: no YAML, not of the contract, or with parts that contradict each other.
    """
    remedy = "gate docs ibkr describes scenarios"
    return parse_declared(data, path, CONTRACT, remedy, _build, _contradictions)


def _build(document: dict[str, Any]) -> Scenario:
    settings = whole(document, "price", "tick", "cash", "average_cost")
    del settings["format"]
    settings |= settings.pop("pacing", {}) | settings.pop("latency", {})
    usual = {one.symbol: {"con_id": one.con_id, "name": one.name} for one in Scenario().instruments}
    if "instruments" in settings:
        settings["instruments"] = [
            {"con_id": 900_000_001 + n} | usual.get(item["symbol"], {}) | item
            for n, item in enumerate(settings["instruments"])
        ]
    return from_json(Scenario, settings | {"digest": digest_of(document)})


def _contradictions(scenario: Scenario) -> list[tuple[str, str]]:
    """What the contract cannot say, as (JSON pointer, message)."""
    found = []
    symbols = [instrument.symbol for instrument in scenario.instruments]
    ids = [instrument.con_id for instrument in scenario.instruments]
    for name, values in (("symbol", symbols), ("con_id", ids)):
        if len(set(values)) < len(values):
            found.append(("/instruments", f"two instruments have the same {name}"))
    ticks = {instrument.symbol: instrument.tick for instrument in scenario.instruments}
    prices = [(f"/instruments/{n}", one.symbol, one.price) for n, one in enumerate(scenario.instruments)]
    prices += [(f"/moves/{n}", move.symbol, move.price) for n, move in enumerate(scenario.moves)]
    for place, symbol, price in prices:
        if not _LEAST_TICK <= ticks.get(symbol, _LEAST_TICK) < price:
            found.append((place, f"the tick is below {_LEAST_TICK:f}, or the price is not above it"))
    named = [(f"/holdings/{n}/symbol", holding.symbol) for n, holding in enumerate(scenario.holdings)]
    named += [(f"/moves/{n}/symbol", move.symbol) for n, move in enumerate(scenario.moves)]
    for n, fault in enumerate(scenario.faults):
        if fault.symbol is not None:
            named.append((f"/faults/{n}/symbol", fault.symbol))
        ordered = fault.at in ORDER_PHASES
        if fault.fault in ("fill", "hold") and not ordered:
            found.append((f"/faults/{n}/at", f"{fault.fault!r} happens to orders, not at {fault.at!r}"))
        if fault.fault == "delay" and fault.at == TIME:
            found.append((f"/faults/{n}/at", "'delay' happens to a step, not at 'time'"))
        if fault.symbol is not None and not ordered:
            found.append((f"/faults/{n}/symbol", "only faults of orders have a symbol"))
        if (fault.outcome is not None and not ordered) or (fault.lost and fault.at != "received"):
            found.append((f"/faults/{n}", "'outcome' is for orders, and 'lost' for those just received"))
    found += [
        (place, f"there is no instrument {symbol!r}") for place, symbol in named if symbol not in symbols
    ]
    for name in ("acknowledge", "work", "fill", "cancel"):
        latency: Latency = getattr(scenario, name)
        if latency.p99_us is not None and not 0 < latency.median_us <= latency.p99_us:
            found.append((f"/latency/{name}", "p99_us is below median_us, or median_us is zero"))
    return found
