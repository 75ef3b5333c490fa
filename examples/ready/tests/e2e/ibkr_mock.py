"""An object mock of the broker with the eight order states, in virtual time.

Nothing sleeps: `advance(ms)` moves the clock and lets everything happen that was due. Latencies and fill splits
come from a generator with a fixed seed, so two runs of the same test see the same market.
"""

from __future__ import annotations

import enum
import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class OrderState(enum.Enum):
    """States of an order; the last five are final."""

    SUBMITTED = "SUBMITTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    PARTIAL_FILL = "PARTIAL_FILL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    ERROR = "ERROR"


S = OrderState
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    S.SUBMITTED: frozenset({S.ACKNOWLEDGED, S.REJECTED, S.CANCELED, S.TIMEOUT, S.ERROR}),
    S.ACKNOWLEDGED: frozenset({S.PARTIAL_FILL, S.FILLED, S.CANCELED, S.REJECTED, S.ERROR}),
    S.PARTIAL_FILL: frozenset({S.PARTIAL_FILL, S.FILLED, S.CANCELED, S.ERROR}),
    S.FILLED: frozenset(),
    S.CANCELED: frozenset(),
    S.REJECTED: frozenset(),
    S.TIMEOUT: frozenset(),
    S.ERROR: frozenset(),
}


class IllegalTransitionError(RuntimeError):
    """The mock was asked to move an order between states that are not connected."""


@dataclass(slots=True)
class MockOrder:
    """One order as the mock keeps it; times are virtual milliseconds, prices are in currency."""

    order_id: int
    symbol: str
    direction: str
    quantity: int
    order_type: str
    limit_price: float | None
    submitted_ms: float
    state: OrderState = OrderState.SUBMITTED
    filled: int = 0
    notional: float = 0.0
    commission: float = 0.0
    reason: str | None = None
    history: list[tuple[float, OrderState]] = field(default_factory=list)

    @property
    def final(self) -> bool:
        """Whether no further state can follow."""
        return not TRANSITIONS[self.state]


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, as probabilities per order; `ack_timeout_ms` is when an unanswered order times out."""

    reject: float = 0.0
    lose_ack: float = 0.0
    partial: float = 0.3
    ack_timeout_ms: float = 5000.0


class IBKRMock:
    """A paper account with cash, positions and orders."""

    def __init__(
        self,
        seed: int = 42,
        cash: float = 1_000_000.0,
        prices: dict[str, float] | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._random = random.Random(seed)
        self._faults = faults or Faults()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._ids = itertools.count(1)
        self.now_ms = 0.0
        self.account_id = "DU1234567"
        self.cash = cash
        self.prices = dict(prices or {"SPY": 580.0, "QQQ": 510.0, "IWM": 220.0})
        self.positions: dict[str, int] = {}
        self.orders: dict[int, MockOrder] = {}
        self.connected = False

    def connect(self) -> str:
        """Open the session and return the account's id."""
        self.connected = True
        return self.account_id

    def disconnect(self) -> None:
        """Close the session; what is on its way stays in the queue, as at a real broker."""
        self.connected = False

    def place_order(
        self,
        symbol: str,
        direction: str,
        quantity: int,
        order_type: str = "MKT",
        limit_price: float | None = None,
    ) -> int:
        """Send an order and return its id.

        Raises ConnectionError without a session and ValueError for an order that no broker would take.
        """
        self._need_session()
        if symbol not in self.prices or direction not in ("BUY", "SELL") or quantity <= 0:
            raise ValueError(f"bad order: {direction} {quantity} {symbol}")
        if (order_type == "LMT") != (limit_price is not None):
            raise ValueError("a limit order, and only that, needs a limit price")
        order = MockOrder(next(self._ids), symbol, direction, quantity, order_type, limit_price, self.now_ms)
        order.history.append((self.now_ms, order.state))
        self.orders[order.order_id] = order
        draw = self._random.random()
        ack = self._latency(40.0)
        if draw < self._faults.reject:
            self._after(ack, lambda: self._move(order, S.REJECTED, "order rejected by risk check (201)"))
        elif draw < self._faults.reject + self._faults.lose_ack:
            self._after(self._faults.ack_timeout_ms, lambda: self._time_out(order))
        else:
            self._after(ack, lambda: self._acknowledge(order))
        return order.order_id

    def cancel_order(self, order_id: int) -> None:
        """Ask for cancellation; a fill that is faster wins, as at a real broker."""
        self._need_session()
        order = self.orders[order_id]
        self._after(self._latency(25.0), lambda: None if order.final else self._move(order, S.CANCELED))

    def get_order_status(self, order_id: int) -> OrderState:
        """State of the order now."""
        return self.orders[order_id].state

    def get_account_info(self) -> dict[str, Any]:
        """Net asset value, cash and buying power, in currency."""
        self._need_session()
        held = sum(quantity * self.prices[symbol] for symbol, quantity in self.positions.items())
        nav = self.cash + held
        return {
            "account_id": self.account_id,
            "nav": nav,
            "cash": self.cash,
            "buying_power": max(4 * nav, 0.0),
        }

    def get_positions(self) -> dict[str, int]:
        """Shares per symbol, without the flat ones."""
        self._need_session()
        return {symbol: quantity for symbol, quantity in sorted(self.positions.items()) if quantity}

    def fail(self, order_id: int, reason: str) -> None:
        """Let an order end in ERROR, for example because the session's state was lost."""
        self._move(self.orders[order_id], S.ERROR, reason)

    def advance(self, milliseconds: float) -> None:
        """Move virtual time forward and let everything happen that was due."""
        until = self.now_ms + milliseconds
        while self._queue and self._queue[0][0] <= until:
            self.now_ms, _, action = heapq.heappop(self._queue)
            action()
        self.now_ms = until

    def _need_session(self) -> None:
        if not self.connected:
            raise ConnectionError("not connected")

    def _latency(self, typical_ms: float) -> float:
        return typical_ms * self._random.lognormvariate(0.0, 0.25)

    def _after(self, milliseconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now_ms + milliseconds, next(self._sequence), action))

    def _move(self, order: MockOrder, state: OrderState, reason: str | None = None) -> None:
        if state not in TRANSITIONS[order.state]:
            raise IllegalTransitionError(f"order {order.order_id}: {order.state.name} to {state.name}")
        order.state = state
        order.reason = reason or order.reason
        order.history.append((self.now_ms, state))

    def _time_out(self, order: MockOrder) -> None:
        if order.state is S.SUBMITTED:
            self._move(order, S.TIMEOUT, "no acknowledgement")

    def _acknowledge(self, order: MockOrder) -> None:
        if order.final:
            return
        self._move(order, S.ACKNOWLEDGED)
        if self._marketable(order):
            if order.quantity > 1 and self._random.random() < self._faults.partial:
                first = self._random.randint(1, order.quantity - 1)
                self._after(self._latency(15.0), lambda: self._fill(order, first))
                self._after(self._latency(60.0), lambda: self._fill(order, order.quantity - order.filled))
            else:
                self._after(self._latency(25.0), lambda: self._fill(order, order.quantity))

    def _marketable(self, order: MockOrder) -> bool:
        price = self.prices[order.symbol]
        if order.limit_price is None:
            return True
        return order.limit_price >= price if order.direction == "BUY" else order.limit_price <= price

    def _fill(self, order: MockOrder, quantity: int) -> None:
        if order.final or quantity <= 0:
            return
        price = self.prices[order.symbol]
        sign = 1 if order.direction == "BUY" else -1
        order.filled += quantity
        order.notional += quantity * price
        order.commission += max(0.35, 0.0035 * quantity)
        self.cash -= sign * quantity * price + max(0.35, 0.0035 * quantity)
        self.positions[order.symbol] = self.positions.get(order.symbol, 0) + sign * quantity
        self._move(order, S.FILLED if order.filled == order.quantity else S.PARTIAL_FILL)
