"""From a planned order and prices to an order intent, and whether the session's limits let it leave. Pure."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from msgspec import Struct

from ..port import InstrumentDetails, OrderIntent, OrderType, Quote, Side
from .book import Book
from .messages import RiskChecks
from .plan import Plan, Planned, RiskLimits

_BPS = Decimal(10_000)


class Prices(Struct, frozen=True):
    """What an order is priced with: the best bid and ask."""

    bid: Decimal
    ask: Decimal

    @classmethod
    def of(cls, quote: Quote) -> Prices | None:
        """The prices in a quote, a missing side taken from the last trade; None where there is none."""
        bid, ask = (side if side is not None else quote.last for side in (quote.bid, quote.ask))
        return None if bid is None or ask is None or min(bid, ask) <= 0 else cls(bid, ask)

    def reference(self, side: Side) -> Decimal:
        """What an order of that side would be filled at now."""
        return self.ask if side is Side.BUY else self.bid


def order_for(
    planned: Planned,
    quantity: Decimal,
    intent_id: str,
    details: InstrumentDetails,
    account: str,
    prices: Prices,
    plan: Plan,
) -> OrderIntent:
    """The order of a plan at these prices.

    A limit order is priced beyond the other side of the market, so that it fills at once; one that is to be
    cancelled, far on its own side. Both are rounded to the instrument's smallest step, away from the other
    side's reach only as far as the step demands.
    """
    side = Side.BUY if planned.closes is None else Side.SELL
    if planned.kind == "market":
        return OrderIntent(intent_id, details.instrument, side, quantity, account=account)
    resting = planned.kind == "cancelled"
    offset = (plan.resting_offset_bps if resting else plan.limit_offset_bps) / _BPS
    up = (side is Side.BUY) != resting
    price = (prices.ask if up else prices.bid) * (1 + offset if up else 1 - offset)
    tick = details.tick if details.tick > 0 else Decimal("0.01")
    steps = (price / tick).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
    limit = max(steps * tick, tick)
    return OrderIntent(intent_id, details.instrument, side, quantity, OrderType.LMT, limit, account)


def check_risk(
    book: Book, limits: RiskLimits, order: OrderIntent | None = None, reference: Decimal = Decimal(0)
) -> RiskChecks:
    """Whether the order keeps the session's limits, and whether a kill switch has tripped.

    Positions are those of the session's own fills, each at the latest price that the session has seen.
    """
    values = [Decimal(nav) for _, nav in book.equity]
    first, last, highest = (values[0], values[-1], max(values)) if values else (Decimal(1),) * 3
    within_box = within_gross = True
    if order is not None:
        closes = order.side is Side.SELL  # nothing is sold short, and what is held may always be sold
        within_box = order.quantity * reference <= limits.order_value or closes
        held, prices = book.held(), book.prices()
        symbol = order.instrument.symbol
        prices[symbol] = reference
        signed = order.quantity if order.side is Side.BUY else -order.quantity
        held[symbol] = held.get(symbol, Decimal(0)) + signed
        gross = sum((abs(quantity) * prices[name] for name, quantity in held.items()), Decimal(0))
        within_gross = gross <= limits.gross_value or closes
    return RiskChecks(
        within_box_limit=within_box,
        within_gross_limit=within_gross,
        pnl_kill_switch=(first - last) * 100 > limits.loss_percent * first,
        drawdown_kill_switch=(highest - last) * 100 > limits.drawdown_percent * highest,
    )
