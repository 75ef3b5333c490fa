"""The life of orders: accepted, acknowledged, worked, filled, cancelled, and what goes wrong on the way.

An order is PendingSubmit until it is acknowledged (PreSubmitted), then Submitted, and Filled after its last
fill; a stop stays PreSubmitted until the market reaches it. A request to cancel makes it PendingCancel, then
Cancelled; ApiCancelled when it was not acknowledged yet. A rejected order is Inactive. Before each step the
faults of the scenario are asked (``ORDER_PHASES`` in ``scenario.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal

from msgspec.structs import replace

from ..protocol.requests import Request
from .account import Account
from .faults import MESSAGES, OF_THE_CONNECTION, Faults, message_of, outcome_of
from .orders import (
    API_CANCELLED,
    CANCELLED,
    FILLED,
    INACTIVE,
    PENDING_CANCEL,
    PENDING_SUBMIT,
    PRE_SUBMITTED,
    STOPS,
    SUBMITTED,
    TYPES,
    Execution,
    Order,
)
from .replies import Reply
from .scenario import Fault
from .wire import Connection, Wire

_FIRST_PERM_ID = 1_000_000_001


class Desk:
    """All orders and executions of a session."""

    def __init__(self, wire: Wire, account: Account, faults: Faults) -> None:
        self._wire = wire
        self._account = account
        self._faults = faults
        self._numbers = 0
        self._used: dict[int, set[int]] = {}
        self.orders: dict[tuple[int, int], Order] = {}
        self.executions: list[Execution] = []

    def next_id(self, client: int) -> int:
        """The lowest order id above all that the client has used."""
        return max(self._used.get(client, ()), default=0) + 1

    # requests

    def place(self, connection: Connection, client: int, request: Request) -> None:
        """A new order, a change of one, or a what-if question. Raises Malformed: a number in it is none."""
        order_id = request.number("orderId")
        quantity, limit = request.decimal("totalQuantity"), request.decimal("lmtPrice")
        request.decimal("auxPrice")
        existing = self.orders.get((client, order_id))
        if existing is not None and not existing.done:
            self._modify(connection, existing, request, quantity)
            return
        if order_id in self._used.get(client, ()):
            self._wire.error(connection, order_id, 103, MESSAGES[103])
            return
        instrument = self._account.instruments.get(request.text("symbol"))
        if instrument is None or instrument.sec_type != request.text("secType"):
            self._wire.error(connection, order_id, 200, MESSAGES[200])
            return
        account = request.text("account") or self._account.id
        order = Order(request, client, order_id, 0, 0, instrument, account, quantity)
        if (refused := self._refusal(order, limit)) is not None:
            self._wire.error(connection, order_id, *refused)
            if refused[0] != 201:
                return
        if refused is None and request.flag("whatIf"):
            what_if = self._account.what_if(instrument, quantity)
            self._wire.send(connection, order.open_order(connection.version, what_if=what_if))
            return
        self._used.setdefault(client, set()).add(order_id)
        self._numbers += 1
        order.number, order.perm_id = self._numbers, _FIRST_PERM_ID + self._numbers - 1
        self.orders[client, order_id] = order
        if refused is not None:
            self._end(order, INACTIVE, shown=True)
            return
        order.parts = self._parts(quantity)
        if (delay := self._phase(order, "received")) is not None and request.text("transmit") != "0":
            self._later(order, "acknowledge", delay, self._acknowledge)

    def cancel(self, connection: Connection, client: int, order_id: int) -> None:
        """A request to cancel an order."""
        order = self.orders.get((client, order_id))
        if order is None:
            self._wire.error(connection, order_id, 135, f"Can't find order with id ={order_id}")
        elif order.done or order.status == PENDING_CANCEL:
            self._cannot_cancel(order)
        else:
            self._begin_cancel(order)

    def cancel_all(self) -> None:
        """A request to cancel every order of every client."""
        for order in list(self.orders.values()):
            if not order.done and order.status != PENDING_CANCEL:
                self._begin_cancel(order)

    def price_moved(self, symbol: str) -> None:
        """Look again at the orders that wait for a price."""
        for order in list(self.orders.values()):
            if order.instrument.symbol == symbol and order.status in (PRE_SUBMITTED, SUBMITTED):
                self._consider(order)

    def _refusal(self, order: Order, limit: Decimal) -> tuple[int, str] | None:
        request = order.request
        if request.text("action") not in ("BUY", "SELL"):
            return 321, "Error validating request.-'bN' : cause - Invalid order action"
        if request.text("secType") == "BAG" or request.text("parentId") not in ("", "0"):
            return 387, "The simulator offers neither combinations nor attached orders."
        if order.type not in TYPES:
            return 387, MESSAGES[387]
        if order.quantity <= 0 or order.quantity != order.quantity.to_integral_value():
            return 434, "The order size cannot be zero."
        if limit % order.instrument.tick:
            return 110, "The price does not conform to the minimum price variation for this contract."
        if order.account != self._account.id:
            return 321, "Error validating request.-'bN' : cause - Invalid account code"
        if not self._account.affords(order.instrument, order.quantity if order.buys else -order.quantity):
            return 201, "Order rejected - reason:the available funds do not cover the initial margin"
        return None

    def _modify(self, connection: Connection, order: Order, request: Request, quantity: Decimal) -> None:
        same = all(request.text(name) == order.request.text(name) for name in ("symbol", "secType", "action"))
        if not same:
            text = "Order being modified does not match original order"
            self._wire.error(connection, order.id, 105, text)
            return
        changed = replace(order, request=request, quantity=quantity)
        refused = self._refusal(changed, request.decimal("lmtPrice"))
        if quantity <= order.filled:
            refused = 434, "The order size cannot be zero."
        if refused is not None:
            self._wire.error(connection, order.id, *refused)
            return
        held = order.request.text("transmit") == "0" and request.text("transmit") != "0"
        order.request, order.quantity = request, quantity
        order.parts = [*order.parts[: order.fills], *self._parts(order.remaining)]
        if held and order.status == PENDING_SUBMIT:
            self._later(order, "acknowledge", 0, self._acknowledge)
        elif order.status in (PRE_SUBMITTED, SUBMITTED):
            self._later(order, "acknowledge", 0, self._modified)

    # steps

    def _parts(self, quantity: Decimal) -> list[Decimal]:
        count = min(self._wire.scenario.fill_parts, max(int(quantity), 1))
        part = (quantity / count).to_integral_value(ROUND_FLOOR)
        return [part] * (count - 1) + [quantity - part * (count - 1)]

    def _later(self, order: Order, step: str, delay_us: int, action: Callable[[Order], None]) -> None:
        latency = getattr(self._wire.scenario, step)
        taken = self._wire.latency(latency, step, order.client, order.id, order.fills)
        self._wire.after_at_broker(delay_us + taken, lambda: action(order))

    def _tell(self, order: Order, *messages: Reply) -> None:
        connection = self._wire.of_client(order.client)
        for message in messages:
            self._wire.send(connection, message)

    def _show(self, order: Order, *, whole: bool = False) -> None:
        connection = self._wire.of_client(order.client)
        if whole and connection is not None:
            self._wire.send(connection, order.open_order(connection.version))
        self._wire.send(connection, order.order_status())

    def _acknowledge(self, order: Order) -> None:
        if order.status != PENDING_SUBMIT:
            return
        order.status = PRE_SUBMITTED
        self._show(order, whole=True)
        if (delay := self._phase(order, "acknowledged")) is not None and order.status == PRE_SUBMITTED:
            self._later(order, "work", delay, self._work)

    def _work(self, order: Order) -> None:
        if order.status != PRE_SUBMITTED:
            return
        if order.waits_for_stop(*self._account.quote(order.instrument)):
            return
        order.status = SUBMITTED
        self._show(order)
        if (delay := self._phase(order, "working")) is not None:
            self._consider(order, delay)

    def _modified(self, order: Order) -> None:
        if order.status in (PRE_SUBMITTED, SUBMITTED):
            self._show(order, whole=True)
            self._consider(order)

    def _would_trade(self, order: Order) -> bool:
        return order.marketable(*self._account.quote(order.instrument))

    def _consider(self, order: Order, delay_us: int = 0) -> None:
        """Take the next step of an order that works or waits for its stop price, if its time has come."""
        if order.held:
            return
        delay_us = max(delay_us, order.not_before - self._wire.now)
        if order.status == PRE_SUBMITTED:
            if order.type in STOPS:
                self._work(order)
        elif order.status == SUBMITTED and self._would_trade(order):
            fills = order.fills
            self._later(order, "fill", delay_us, lambda one: self._fill_next(one, fills))

    def _fill_next(self, order: Order, fills: int) -> None:
        if order.status != SUBMITTED or order.fills != fills or not self._would_trade(order):
            return
        part = order.parts[fills] if fills < len(order.parts) else order.remaining
        self._fill(order, min(part, order.remaining))
        if not order.done and (delay := self._phase(order, "filling")) is not None:
            self._consider(order, delay)

    def _fill(self, order: Order, quantity: Decimal) -> None:
        """Fill a part of an order at the market's price, and tell everybody who asked."""
        instrument = order.instrument
        bid, ask = self._account.quote(instrument)
        price = ask if order.buys else bid
        commission = self._account.commission(quantity, first=not order.fills)
        realized = self._account.trade(instrument, quantity if order.buys else -quantity, price, commission)
        order.fills += 1
        order.filled += quantity
        order.value += quantity * price
        order.last_price = price
        wire = self._wire
        number = len(self.executions) + 1
        execution = Execution(
            order,
            f"{wire.scenario.seed:08x}.{number:08x}.01.01",
            wire.time_text(),
            quantity,
            price,
            order.filled,
            order.average,
            commission,
            realized,
        )
        self.executions.append(execution)
        wire.event("fill", None, **order.about(), execId=execution.id, shares=quantity, price=price)
        if order.remaining == 0:
            self._end(order, FILLED, shown=False)
        connection = wire.of_client(order.client)
        if connection is not None:
            self._tell(order, execution.details(-1, connection.version))
        self._show(order)
        self._tell(order, execution.report())
        held = self._account.positions[instrument.symbol]
        for other in wire.ready():
            if other.positions:
                wire.send(other, self._account.position(held))
            if other.account_updates:
                wire.send(other, self._account.portfolio(held))
        if order.done:
            self._phase(order, "filled")

    def _end(self, order: Order, status: str, *, shown: bool) -> None:
        order.status = status
        order.ended_at = self._wire.time_text()
        if shown:
            self._show(order, whole=status == INACTIVE)

    def _begin_cancel(self, order: Order) -> None:
        order.cancel_from, order.status, order.held = order.status, PENDING_CANCEL, False
        self._show(order)
        if (delay := self._phase(order, "cancelling")) is not None and order.status == PENDING_CANCEL:
            self._later(order, "cancel", delay, self._cancelled)
        elif order.status == FILLED:
            self._cannot_cancel(order)

    def _cancelled(self, order: Order) -> None:
        if order.status == PENDING_CANCEL:
            self._error(order, 202, MESSAGES[202])
            early = order.cancel_from == PENDING_SUBMIT
            self._end(order, API_CANCELLED if early else CANCELLED, shown=True)

    def _cannot_cancel(self, order: Order) -> None:
        text = f"OrderId {order.id} that needs to be cancelled can not be cancelled, state: {order.status}."
        self._error(order, 10148, text)

    def _error(self, order: Order, code: int, message: str) -> None:
        about = -1 if code in OF_THE_CONNECTION else order.id
        self._wire.error(self._wire.of_client(order.client), about, code, message)

    # faults

    def _phase(self, order: Order, phase: str) -> int | None:
        """Let the faults of a phase happen: by how many microseconds they delay the next step.

        None: there is no next step, as the order has ended or is held.
        """
        delay = 0
        connection = self._wire.of_client(order.client)
        for fault in self._faults.meeting(phase, order.number, connection, order):
            if fault.fault == "delay":
                delay += fault.delay_ms * 1000
            elif fault.fault == "hold":
                order.held = True
            elif not self._happens(order, fault, new=phase == "received"):
                return None
        order.not_before = self._wire.now + delay
        return None if order.held or order.done else delay

    def _happens(self, order: Order, fault: Fault, *, new: bool) -> bool:
        """Let a fault happen; whether the order still exists."""
        if fault.fault == "fill":
            for percent in fault.percent:
                part = (order.quantity * percent / 100).to_integral_value(ROUND_FLOOR)
                quantity = order.remaining if percent == 100 else min(max(part, Decimal(1)), order.remaining)
                if quantity > 0 and not order.done:
                    self._fill(order, quantity)
        elif fault.fault == "error":
            return self._reject(order, fault, new=new)
        else:
            self._faults.strike(fault, self._wire.of_client(order.client))
            if fault.fault == "drop" and fault.lost:
                self._forget(order)
                return False
        return True

    def _reject(self, order: Order, fault: Fault, *, new: bool) -> bool:
        self._error(order, *message_of(fault))
        outcome = outcome_of(fault, new=new)
        if outcome == "discarded":
            self._forget(order)
            return False
        if outcome != "none" and not order.done:
            self._end(order, INACTIVE if outcome == "inactive" else CANCELLED, shown=True)
        return True

    def _forget(self, order: Order) -> None:
        del self.orders[order.client, order.id]
        self._used[order.client].discard(order.id)

    def totals(self) -> dict[str, int]:
        """How many orders are in each status."""
        return dict(sorted(Counter(order.status for order in self.orders.values()).items()))

    def filled(self) -> Decimal:
        """The sum of all fills."""
        return sum((one.quantity for one in self.executions), Decimal(0))
