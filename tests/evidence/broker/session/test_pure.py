"""Plans, prices, limits and status without a broker."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.evidence.broker.port import Instrument, InstrumentDetails, OrderTimes, Quote, Side
from gate.evidence.broker.session.book import Book, read_book
from gate.evidence.broker.session.messages import format_time, in_order, latency_ms, plain
from gate.evidence.broker.session.orders import Prices, check_risk, order_for
from gate.evidence.broker.session.plan import Mix, Plan, Planned, Quantity, RiskLimits, draw_orders
from gate.evidence.broker.session.status import sparkline, status_line

PLAN = Plan("test", 3600, 60, ("SPY", "QQQ", "AAPL"), mix=Mix(3, 2, 1))
SPY = InstrumentDetails(Instrument("SPY"), Decimal("0.05"))
PRICES = Prices(Decimal("449.99"), Decimal("450.01"))
weights = st.integers(0, 5)


@given(
    st.integers(0, 10**6), st.integers(1, 80), st.builds(Mix, weights, weights, weights), st.integers(1, 4)
)
def test_orders_of_any_plan(seed: int, trades: int, mix: Mix, symbols: int) -> None:
    """As many as planned, in order of time, within the session, of the kinds that the weights say; each that
    sells closes an earlier one of the same symbol and quantity, and none is closed twice."""
    if not mix.market + mix.limit + mix.cancelled:
        mix = Mix()
    names = ("SPY", "QQQ", "AAPL", "MSFT")[:symbols]
    plan = Plan("any", 600, trades, names, seed=seed, mix=mix, quantity=Quantity(2, 9))
    orders = draw_orders(plan)
    assert orders == draw_orders(plan)
    assert [order.number for order in orders] == list(range(1, trades + 1))
    times = [order.after_us for order in orders]
    assert times == sorted(times) and times[0] >= 0 and times[-1] < 600_000_000
    counts, whole = Counter(order.kind for order in orders), mix.market + mix.limit + mix.cancelled
    for kind, weight in (("market", mix.market), ("limit", mix.limit), ("cancelled", mix.cancelled)):
        assert abs(counts[kind] * whole - trades * weight) < whole
    closing = [order for order in orders if order.closes is not None]
    assert len({order.closes for order in closing}) == len(closing)
    for order in closing:
        entry = orders[(order.closes or 0) - 1]
        assert entry.number < order.number and entry.closes is None and entry.kind != "cancelled"
        assert (entry.symbol, entry.quantity) == (order.symbol, order.quantity)
    assert len(orders) - counts["cancelled"] - 2 * len(closing) in (0, 1)


def test_every_symbol_is_traded() -> None:
    """Also where most orders close a position."""
    for seed in range(20):
        plan = replace(PLAN, seed=seed, trades=6, mix=Mix(1, 0, 0))
        assert {order.symbol for order in draw_orders(plan)} == {"SPY", "QQQ", "AAPL"}


@pytest.mark.parametrize(
    ("kind", "closes", "price"),
    [
        ("limit", None, "450.95"),  # 450.01 + 0.2 % = 450.91002, and up to the next step of 0.05
        ("limit", 1, "449.05"),
        ("cancelled", None, "436.45"),  # 449.99 - 3 % = 436.4903, and down
        ("market", None, None),
    ],
)
def test_prices_of_orders(kind: Any, closes: int | None, price: str | None) -> None:
    """Limit prices lie beyond the market, resting ones far from it, both on the instrument's steps."""
    planned = Planned(2, 0, "SPY", kind, 5, closes)
    order = order_for(planned, Decimal(5), "i", SPY, "DU1234567", PRICES, PLAN)
    assert order.limit_price == (None if price is None else Decimal(price))
    assert order.side is (Side.BUY if closes is None else Side.SELL)


def test_prices_of_quotes() -> None:
    """The last trade stands in for a side that is missing; without it there is no price."""
    assert Prices.of(Quote(None, Decimal(2), Decimal(1))) == Prices(Decimal(1), Decimal(2))
    assert Prices.of(Quote(None, Decimal(2), None)) is None
    assert Prices.of(Quote(Decimal(0), Decimal(2), None)) is None


def test_limits() -> None:
    """One step beyond each limit is refused, the limit itself is not."""
    order = order_for(Planned(1, 0, "SPY", "market", 5, None), Decimal(5), "i", SPY, "DU1", PRICES, PLAN)
    for limits, refusal in (
        (RiskLimits(order_value=Decimal(2000), gross_value=Decimal(2000)), None),
        (RiskLimits(order_value=Decimal("1999.99")), "its value is above limits.order_value"),
        (RiskLimits(gross_value=Decimal("1999.99")), "the positions would be above limits.gross_value"),
    ):
        assert check_risk(Book(), limits, order, Decimal(400)).refusal == refusal


def test_kill_switches() -> None:
    """Losses since the start and since the highest value, each just below and just above its limit."""
    limits = RiskLimits(loss_percent=Decimal(5), drawdown_percent=Decimal(10))
    for values, halt in (
        ((1000, 950), None),
        ((1000, "949.99"), "the account has lost more than limits.loss_percent"),
        ((1000, 1200, 1080), None),
        ((1000, 1200, "1079.99"), "the drawdown is above limits.drawdown_percent"),
    ):
        book = Book(equity=[(n, Decimal(value)) for n, value in enumerate(values)])
        assert check_risk(book, limits).halt == halt


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (OrderTimes(10, 20, 30, filled=50), (0.01, 0.01, 0.02, 0.04)),
        (OrderTimes(10, 20, 60, filled=50), (0.01, 0.03, 0, 0.04)),  # the fill was heard of first
        (OrderTimes(10, 70, None, filled=50), (0.04, None, None, 0.04)),
        (OrderTimes(10, 20, 30), (0.01, 0.01, None, None)),
        (OrderTimes(10), (None, None, None, None)),
    ],
)
def test_latencies(times: OrderTimes, expected: tuple[float | None, ...]) -> None:
    """No step takes less than no time, and the steps add up to the whole."""
    assert tuple(latency_ms(in_order(times)).values()) == expected


def test_numbers_and_times() -> None:
    """Whole numbers have no decimal point, thirds end, microseconds stay."""
    assert [plain(Decimal(text)) for text in ("2.0", "0.1", "1E+2")] == [2, 0.1, 100]
    assert plain(Decimal(1) / 3) == 0.3333333333
    assert format_time(1_764_858_600_000_001) == "2025-12-04T14:30:00.000001Z"


def test_interruptions_in_the_book() -> None:
    """A killed process leaves no word: its last record is where the connection ended, and pauses add up."""
    session = {"n": 1, "at_us": 1_000_000, "record": "session"}
    killed = read_book(
        [
            session,
            {"n": 2, "at_us": 2_000_000, "record": "equity", "nav": Decimal(5)},
            {"n": 3, "at_us": 9_000_000, "record": "resumed", "pause_us": 7_000_000},
        ]
    )
    assert [(one["type"], one["time"][17:19]) for one in killed.events] == [
        ("disconnect", "02"),
        ("reconnect", "09"),
    ]
    assert (killed.events[1]["duration_ms"], killed.paused_us, killed.down_since_us) == (
        7000,
        7_000_000,
        None,
    )
    lost = read_book(
        [
            session,
            {"at_us": 2_000_000, "record": "connection", "up": False, "code": 1100, "detail": "lost"},
            {"at_us": 3_000_000, "record": "connection", "up": False, "code": None, "detail": "closed"},
            {"at_us": 4_000_000, "record": "stopped", "detail": "told to"},
            {"at_us": 5_000_000, "record": "resumed", "pause_us": 1_000_000},
        ]
    )
    assert [(one["type"], one["code"]) for one in lost.events] == [("disconnect", 1100), ("reconnect", None)]
    assert lost.events[1]["duration_ms"] == 3000


def test_a_line_for_the_terminal() -> None:
    """Bars from the lowest to the highest of the latest values; nothing where there are none."""
    assert sparkline([1, 2, 3, 8]) == "▁▂▃█" and sparkline([5, 5]) == "▁▁" and sparkline([]) == ""
    assert len(sparkline(list(range(100)))) == 20
    assert status_line(Book(), 12) == "0 of 12 orders, 0 filled"
