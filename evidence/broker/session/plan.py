"""What a paper session trades: a YAML file, contract ``ibkr_paper_session``, and orders drawn from its seed.

Nothing here knows a broker or a clock: the same plan gives the same orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict

from ...base.errors import ConfigError
from ...base.records import from_json
from ...reading.workspace.named import read_named
from ..declared import digest_of, parse_declared, whole

CONTRACT = "ibkr_paper_session"
Kind = Literal["market", "limit", "cancelled"]
_REMEDY = "gate docs paper-session describes plans"


class Mix(Struct, frozen=True):
    """How the orders are divided, as weights."""

    market: int = 60
    limit: int = 40
    cancelled: int = 0


class Quantity(Struct, frozen=True):
    """Shares per order."""

    least: int = 1
    most: int = 10


class RiskLimits(Struct, frozen=True):
    """What a session may risk, in the account's currency and in percent of its value."""

    order_value: Decimal = Decimal(50_000)
    gross_value: Decimal = Decimal(250_000)
    loss_percent: Decimal = Decimal(5)
    drawdown_percent: Decimal = Decimal(15)


class Plan(Struct, frozen=True):
    """A declared session; every member is described in the contract."""

    name: str
    duration_s: int
    trades: int
    symbols: tuple[str, ...]
    seed: int = 1
    strategy_id: str = "paper-session"
    mix: Mix = Mix()
    quantity: Quantity = Quantity()
    limit_offset_bps: int = 20
    resting_offset_bps: int = 300
    rest_ms: int = 1000
    fill_timeout_ms: int = 30_000
    equity_every_s: int = 300
    library: str = "ib_async"
    host: str = "127.0.0.1"
    port: int = 4002
    client_id: int = 61
    limits: RiskLimits = RiskLimits()
    digest: str = ""
    """SHA-256 of the file's canonical JSON."""


class Planned(Struct, frozen=True):
    """One order of the plan.

    Attributes:
        number: from 1, in order of time.
        after_us: when it is due, since the session's start.
        closes: number of the order whose fill this one sells again; None for an order that buys.
    """

    number: int
    after_us: int
    symbol: str
    kind: Kind
    quantity: int
    closes: int | None


def read_plan(path: Path) -> Plan:
    """The plan in a file.

    Raises ConfigError: the file cannot be read, is no YAML, or does not describe a session.
    """
    return parse_plan(read_named(path, ConfigError, "name a plan in YAML"), str(path))


def parse_plan(data: bytes, path: str) -> Plan:
    """The plan in these bytes; errors name ``path``.

    Raises ConfigError: no YAML, not of the contract, or with parts that contradict each other.
    """
    return parse_declared(data, path, CONTRACT, _REMEDY, _build, _contradictions)


def _build(document: dict[str, Any]) -> Plan:
    settings = whole(document)
    del settings["format"]
    return from_json(Plan, settings | {"digest": digest_of(document)})


def _contradictions(plan: Plan) -> list[tuple[str, str]]:
    """What the contract cannot say, as (JSON pointer, message)."""
    found = []
    if plan.quantity.least > plan.quantity.most:
        found.append(("/quantity", "the least quantity is above the most"))
    if not plan.mix.market + plan.mix.limit + plan.mix.cancelled:
        found.append(("/mix", "all weights are zero, so no order has a type"))
    if len(plan.symbols) > (buying := _buying(_shares(plan)) if found == [] else plan.trades):
        what = f"there are more symbols than orders that open a position: {buying}"
        found.append(("/symbols", what))
    if plan.equity_every_s * 2 > plan.duration_s:
        what = "the session is too short for three samples of the account's value, which a Sharpe ratio needs"
        found.append(("/equity_every_s", what))
    return found


def draw_orders(plan: Plan) -> tuple[Planned, ...]:
    """The plan's orders in order of time, drawn from its seed.

    The duration is divided into as many equal parts as there are orders, and each order falls somewhere into
    its own, so orders neither bunch nor leave gaps. The kinds are divided as the weights say, to the order.
    What is bought is sold again later; with an odd number of them, the last one only buys. Orders to be
    cancelled buy.
    """
    draw = Random(plan.seed)  # noqa: S311 - a reproducible draw, nothing secret
    kinds = _shares(plan)
    trading = sum(kind != "cancelled" for kind in kinds)
    symbols = [plan.symbols[number % len(plan.symbols)] for number in range(_buying(kinds))]
    tokens = [number // 2 for number in range(trading)]
    draw.shuffle(kinds)
    draw.shuffle(symbols)
    draw.shuffle(tokens)
    orders: list[Planned] = []
    opened: dict[int, Planned] = {}
    pairs, names = iter(tokens), iter(symbols)
    part = plan.duration_s * 1_000_000 / plan.trades
    for slot, kind in enumerate(kinds):
        after = int((slot + draw.random() * 0.9) * part)
        size = draw.randint(plan.quantity.least, plan.quantity.most)
        token = None if kind == "cancelled" else next(pairs)
        entry = None if token is None else opened.pop(token, None)
        if entry is None:
            order = Planned(slot + 1, after, next(names), kind, size, None)
            if token is not None:
                opened[token] = order
        else:
            order = Planned(slot + 1, after, entry.symbol, kind, entry.quantity, entry.number)
        orders.append(order)
    return tuple(orders)


def _buying(kinds: Sequence[Kind]) -> int:
    """How many of these orders open a position: those to be cancelled, and half of the others."""
    cancelled = kinds.count("cancelled")
    return cancelled + (len(kinds) - cancelled + 1) // 2


def _shares(plan: Plan) -> list[Kind]:
    """As many of each kind as its weight says, by largest remainder."""
    weights: dict[Kind, int] = asdict(plan.mix)  # type: ignore[assignment]
    whole = sum(weights.values())
    counts = {kind: plan.trades * weight // whole for kind, weight in weights.items()}
    left = sorted(weights, key=lambda kind: -(plan.trades * weights[kind] % whole))
    for kind in left[: plan.trades - sum(counts.values())]:
        counts[kind] += 1
    return [kind for kind, count in counts.items() for _ in range(count)]
