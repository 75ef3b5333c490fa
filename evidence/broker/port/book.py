"""The orders of one port and their fills: what the broker's words make of them. Nothing here waits or asks.

An order's state follows from three things together: its fills, the broker's last status, and the error code
about it. No single one is enough: a fill may outrun the status or come without one, a rejection may be told
as a cancellation, and a warning must not end anything.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from ...base.errors import UsageError
from .codes import REFUSALS, UNKNOWN_ORDER, warns
from .events import Events
from .model import (
    Fill,
    Filled,
    OpenOrder,
    OrderChanged,
    OrderIntent,
    OrderReport,
    OrderState,
    OrderTimes,
    Problem,
)

_CANCELLED = frozenset({"Cancelled", "ApiCancelled"})
_LIVE = frozenset({"PreSubmitted", "Submitted"})
_BROKERS = _LIVE | _CANCELLED | {"Filled", "Inactive"}
"""Words of the broker; PendingSubmit and PendingCancel are the gateway's own."""
_WORKS = frozenset({"Submitted", "PendingCancel", "Filled"})
"""Filled without all the fills is not FILLED: they are still to come."""
_EXACT = Decimal("1e-8")


class Record(Struct, eq=False):
    """One order, as far as it is known."""

    intent: OrderIntent
    began: int
    order_id: int = 0
    perm_id: int = 0
    state: OrderState = OrderState.SUBMITTED
    status: str = ""
    """The broker's last word; empty before the first."""
    told: Decimal = Decimal(0)
    """What the broker says is filled; the fills may still be on their way."""
    code: int | None = None
    text: str = ""
    refused: bool = False
    """Whether an error code ended it before it worked."""
    given_up: OrderState | None = None
    """TIMEOUT or ERROR: what was concluded from the broker's silence, until it speaks."""
    cancel_requested: bool = False
    cancelling: bool = False
    """Whether the broker's answer to a request to cancel is awaited."""
    fills: dict[str, Fill] = field(default_factory=dict)
    filled: Decimal = Decimal(0)
    submitted: int | None = None
    acknowledged: int | None = None
    last_fill: int | None = None
    waiting: list[tuple[Callable[[Record], bool], Future[None]]] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.state.final or (self.state.settled and not self.cancelling)

    @property
    def complete(self) -> bool:
        """Whether it is settled, and the commission of every fill is known."""
        return self.settled and all(one.commission is not None for one in self.fills.values())

    def conclude(self) -> OrderState:
        """Its state, from fills, status and code."""
        if self.filled >= self.intent.quantity:
            return OrderState.FILLED
        if self.status in _CANCELLED:
            unwanted = self.code in REFUSALS and not self.filled and not self.cancel_requested
            return OrderState.REJECTED if unwanted else OrderState.CANCELED
        if self.status == "Inactive":
            return OrderState.CANCELED if self.filled else OrderState.REJECTED
        if self.refused:
            return OrderState.REJECTED
        if self.given_up is not None:
            return self.given_up
        if self.filled:
            return OrderState.PARTIAL_FILL
        return OrderState.ACKNOWLEDGED if self.status in _WORKS else OrderState.SUBMITTED

    def report(self) -> OrderReport:
        """It as others see it."""
        fills = tuple(self.fills.values())
        value = sum((one.quantity * one.price for one in fills), Decimal(0))
        costs = [one.commission for one in fills if one.commission is not None]
        filled_at = self.last_fill if self.state is OrderState.FILLED else None
        return OrderReport(
            self.intent,
            self.order_id,
            self.perm_id,
            self.state,
            self.filled,
            _average(value, self.filled) if fills else None,
            OrderTimes(self.began, self.submitted, self.acknowledged, filled_at),
            self.code,
            self.text,
            fills,
            sum(costs, Decimal(0)) if fills and len(costs) == len(fills) else None,
            self.cancel_requested,
        )


def _average(value: Decimal, filled: Decimal) -> Decimal:
    exact = value / filled
    rounded = exact.quantize(_EXACT)
    return exact if rounded == exact else rounded


class Book:
    """All orders and fills of one port.

    ``client_id`` is the connection's: order ids of other clients mean nothing here.
    """

    def __init__(self, client_id: int, events: Events, clock: Callable[[], int]) -> None:
        self._client_id, self._events, self._now = client_id, events, clock
        self._records: dict[str, Record] = {}
        self._by_order_id: dict[int, Record] = {}
        self._by_perm_id: dict[int, Record] = {}
        self._fills: dict[str, Fill] = {}
        self._early: dict[str, Decimal] = {}
        """Commissions of executions that were not yet heard of."""

    # what is there

    @property
    def records(self) -> Iterable[Record]:
        """Every order, in the order of placing."""
        return self._records.values()

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Every fill, each once."""
        return tuple(self._fills.values())

    def __contains__(self, intent_id: str) -> bool:
        return intent_id in self._records

    def record(self, intent_id: str) -> Record:
        """An order. Raises UsageError: there is none."""
        found = self._records.get(intent_id)
        if found is None:
            raise UsageError(f"no order {intent_id[:60]!r} was placed", remedy="place it first")
        return found

    def numbered(self, order_id: int) -> Record | None:
        """The order with this id of the client."""
        return self._by_order_id.get(order_id)

    # what we do

    def add(self, intent: OrderIntent, order_id: int) -> Record:
        """An order is to be placed. Raises UsageError: there is one with this id."""
        if intent.intent_id in self._records:
            what = f"order {intent.intent_id} was placed before"
            raise UsageError(what, remedy="give each order an id of its own; the first one may still work")
        made = self._records[intent.intent_id] = Record(intent, self._now())
        self._number(made, order_id)
        self._tell(made)
        return made

    def _number(self, record: Record, order_id: int) -> None:
        if order_id > 0:
            record.order_id = order_id
            self._by_order_id[order_id] = record

    def written(self, order_id: int) -> Record | None:
        """The bytes of an order have left."""
        record = self._by_order_id.get(order_id)
        if record is not None and record.submitted is None:
            record.submitted = self._now()
            self._wake(record)
        return record

    def give_up(self, record: Record, state: OrderState, text: str) -> None:
        """Conclude TIMEOUT or ERROR from the broker's silence, unless the order has ended."""
        if not record.state.final:
            record.given_up, record.cancelling = state, False
            record.text = text if record.code is None else record.text
            self._update(record)

    def forgotten(self, record: Record) -> None:
        """The broker knows nothing of an order, in answers to every question about it.

        One that it had acknowledged was there: what became of it is not known, and it must not be sent
        again.
        """
        if record.acknowledged is None:
            self.give_up(record, OrderState.ERROR, "the broker does not know it after the reconnection")
        else:
            self.give_up(record, OrderState.TIMEOUT, "the broker does not list it any more")

    def ask_cancel(self, record: Record) -> None:
        """A request to cancel was sent."""
        before, record.cancel_requested = record.cancel_requested, True
        record.cancelling = True
        if not before:
            self._tell(record)

    # what the broker says

    def _find(self, reference: str, order_id: int, perm_id: int, client_id: int) -> Record | None:
        if (found := self._by_perm_id.get(perm_id)) is not None:
            return found
        found = self._records.get(reference)
        if found is None or found.perm_id or client_id not in (self._client_id, 0):
            return None
        return found if order_id in (0, found.order_id) or not found.order_id else None

    def _spoke(self, record: Record, perm_id: int) -> bool:
        """The broker has said something about an order; whether it acknowledged it by that."""
        if perm_id > 0 and not record.perm_id:
            record.perm_id = perm_id
            self._by_perm_id[perm_id] = record
        certain = bool(record.fills) or record.status in _BROKERS
        if record.given_up is not None and (certain or record.given_up is OrderState.ERROR):
            record.given_up = None
            record.text = record.text if record.code is not None else ""
        if record.acknowledged is not None or not (record.fills or record.status in _LIVE | {"Filled"}):
            return False
        record.acknowledged = self._now()
        return True

    def status(
        self, order_id: int, perm_id: int, client_id: int, status: str, filled: Decimal
    ) -> Record | None:
        """The order of a status message, if it is one of ours."""
        record = self._by_perm_id.get(perm_id)
        if record is None and client_id == self._client_id:
            record = self._by_order_id.get(order_id)
        if record is None or (record.perm_id and perm_id and record.perm_id != perm_id):
            return None
        record.told = max(record.told, filled)
        self._heard(record, status, perm_id)
        return record

    def _heard(self, record: Record, status: str, perm_id: int) -> None:
        ended = record.status in _CANCELLED or record.state is OrderState.FILLED
        if not ended:  # a message that was overtaken by the end changes nothing
            if status in _LIVE:
                record.refused = False
            record.status = status
        self._update(record, told=self._spoke(record, perm_id))

    def opened(self, order: OpenOrder) -> Record | None:
        """The order of ours that the broker lists as open, or that it has just taken."""
        record = self._find(order.order_ref, order.order_id, order.perm_id, order.client_id)
        if record is not None:
            if not record.order_id and order.client_id == self._client_id:
                self._number(record, order.order_id)
            self._heard(record, order.status, order.perm_id)
        return record

    def completed(self, reference: str, perm_id: int, status: str, filled: Decimal) -> Record | None:
        """The order of ours that the broker lists as ended."""
        record = self._find(reference, 0, perm_id, 0)
        if record is not None:
            record.told = max(record.told, filled)
            self._heard(record, status, perm_id)
        return record

    def execution(self, fill: Fill, client_id: int) -> Record | None:
        """The order of ours that was filled. A fill that is known already changes nothing.

        A correction has the id of what it corrects but for the part after the last dot.
        """
        record = self._find(fill.intent_id, fill.order_id, fill.perm_id, client_id)
        key = fill.execution_id.rpartition(".")[0] or fill.execution_id
        known = self._fills.get(key)
        if known is not None and known.execution_id >= fill.execution_id:
            if record is None or key in record.fills:
                return record
            fill = known  # it was heard of before its order was
        elif (cost := self._early.pop(fill.execution_id, None)) is not None:
            fill = replace(fill, commission=cost)
        self._fills[key] = fill
        if record is None:
            self._events.emit(lambda: Filled(fill, None))
            return None
        if not record.order_id and client_id == self._client_id:
            self._number(record, fill.order_id)
        record.fills[key] = fill
        record.filled = sum((one.quantity for one in record.fills.values()), Decimal(0))
        record.last_fill = self._now()
        self._update(record, told=self._spoke(record, fill.perm_id), fill=fill)
        return record

    def commission(self, execution_id: str, amount: Decimal) -> None:
        """What a fill cost became known."""
        key = execution_id.rpartition(".")[0] or execution_id
        fill = self._fills.get(key)
        if fill is None or fill.execution_id != execution_id:
            self._early[execution_id] = amount
            return
        if fill.commission == amount:
            return
        fill = self._fills[key] = replace(fill, commission=amount)
        record = self._records.get(fill.intent_id)
        if record is not None and key in record.fills:
            record.fills[key] = fill
            self._wake(record)
        else:
            record = None
        self._events.emit(lambda: Filled(fill, None if record is None else record.report()))

    def error(self, order_id: int, code: int, text: str) -> None:
        """An error, warning or notice, which may be about an order of ours."""
        record = self._by_order_id.get(order_id)
        about = "" if record is None else record.intent.intent_id
        self._events.emit(lambda: Problem(code, text, about))
        if record is None or record.state.final or warns(code):
            return
        new = record.acknowledged is None
        if code in UNKNOWN_ORDER:
            if new:
                self.give_up(record, OrderState.ERROR, f"the broker does not know it: {text}")
        elif code in (201, 202) or new:
            before = record.code
            record.code, record.text = code, text
            record.refused = record.refused or (new and code in REFUSALS)
            self._update(record, told=before != code)

    # telling

    def _update(self, record: Record, *, told: bool = False, fill: Fill | None = None) -> None:
        before, record.state = record.state, record.conclude()
        if fill is not None:
            self._events.emit(lambda: Filled(fill, record.report()))
        if told or record.state is not before:
            self._tell(record)
        self._wake(record)

    def _tell(self, record: Record) -> None:
        self._events.emit(lambda: OrderChanged(record.report()))

    def _wake(self, record: Record) -> None:
        for one in record.waiting[:]:
            condition, future = one
            if condition(record):
                record.waiting.remove(one)
                if not future.done():
                    future.set_result(None)
