"""Figures of a session that other evidence limits, and its orders beside their contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

from ...base.contracts import breach
from ...base.errors import EvidenceError, masked
from ...base.numbers import PPM
from ...reading.workspace import View
from ..shared.documents import scaled
from ..shared.schemas.workspace_schema import usable_contract
from .log import HOUR_US, Session, Trade, busiest
from .pnl import drawdown

FACTS = ("largest_order", "largest_value", "loss_ppm", "drawdown_ppm", "disconnects_per_hour")
_NOT_TAKEN = frozenset({"ERROR", "REJECTED"})
"""Last states of orders that the broker did not take: a limit has held."""
_MEMBERS = ("symbol", "quantity", "order_type")
"""What an order has both in the log and in its contract, and in the same words."""


def measured(session: Session, path: str) -> dict[str, Any]:
    """The largest order and value that the broker took, the deepest falls, the hour with most disconnections.

    Falls are rounded up: below the first sample (loss), and below the highest one before (drawdown).
    """
    found: dict[str, Any] = dict.fromkeys(FACTS)
    found["disconnects_per_hour"] = busiest(session.disconnected_us, HOUR_US)
    orders = [
        (Fraction(trade.quantity), trade.price, f"/trades/{index}")
        for index, trade in enumerate(session.trades)
        if trade.status not in _NOT_TAKEN
    ]
    if orders:
        quantity, _, place = max(orders, key=lambda one: one[0])
        found["largest_order"] = {"place": place, "quantity": scaled(ceil(quantity), 1, path, place)}
    values = [(quantity * Fraction(price), place) for quantity, price, place in orders if price and price > 0]
    if values:
        value, place = max(values, key=lambda one: one[0])
        found["largest_value"] = {"place": place, "cents": scaled(value, 100, path, place, up=True)}
    navs = [nav for _, nav in session.samples]
    if navs and min(navs) > 0:
        lowest = Fraction(min(navs)) / Fraction(navs[0])
        found["loss_ppm"] = scaled(1 - lowest, PPM, path, "/equity", up=True)
        found["drawdown_ppm"] = scaled(drawdown(navs).depth, PPM, path, "/equity", up=True)
    return found


def beyond_contract(view: View, contract: str, trades: Sequence[Trade]) -> Iterator[tuple[str, str]]:
    """Orders that the contract of intents does not permit: JSON pointer in the log, and why.

    Each reason is given once. A contract that is not there or cannot be used is a finding of ``contracts``.
    """
    try:
        if not view.exists(contract):
            return
        validator = usable_contract(view, contract)
    except EvidenceError:
        return
    seen: set[tuple[object, ...]] = set()
    for index, trade in enumerate(trades):
        order = {name: getattr(trade, name) for name in _MEMBERS}
        if (values := tuple(order.values())) in seen:
            continue
        seen.add(values)
        for error in validator.iter_errors(order):
            name, what = next(iter(error.instance_path), None), masked(breach(error))
            if name is not None and (name, what) not in seen:
                seen.add((name, what))
                yield f"/trades/{index}/{name}", f"is not what {contract} permits: {what}"
