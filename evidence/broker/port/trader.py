"""A port that can trade: orders, their fates, and what is made of them after the connection was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ...base.errors import UsageError
from . import codes
from .book import Book, Record
from .model import (
    BrokerProblem,
    ConnectionState,
    Fill,
    Instrument,
    OpenOrder,
    OrderIntent,
    OrderReport,
    OrderState,
    Quote,
    WhatIf,
)
from .reader import Reader

if TYPE_CHECKING:
    from ..adapters.library import LibraryGateway

_UNSENT = "the connection was lost before it was sent"
_NO_FILLS = "the broker says that it is filled, but not how"
_FILLS_LATE_S = 0.5
"""After this time the fills that the broker says there were are asked for."""
_LAST_PRICE_S = 0.5
"""How long a quote waits for the last price; an instrument that did not trade has none."""


class Broker(Reader):
    """A connection that can trade."""

    allowed = None

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._book = Book(self._settings.client_id, self._events, self._now)
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking_fills = False

    # orders

    async def place(self, intent: OrderIntent) -> OrderReport:
        """Place an order; returns when its bytes have left (SUBMITTED), or will not (ERROR).

        Raises UsageError: an order with this id was placed before, or it names another account;
        BrokerProblem: not connected to the broker. Then nothing was sent.
        """
        gateway = self._trading(intent)
        record = self._book.add(intent, self._next_id(gateway))
        try:
            gateway.place(record.order_id, intent, self._account)
        except BrokerProblem as problem:
            self._book.give_up(record, OrderState.ERROR, problem.what)
        if record.submitted is None:
            await self._until(record, lambda one: one.submitted is not None or one.state.settled)
        return record.report()

    def _trading(self, intent: OrderIntent) -> LibraryGateway:
        gateway = self._up()
        if self.state is not ConnectionState.CONNECTED:
            what = "the gateway has lost the broker (1100): nothing is placed"
            raise BrokerProblem(what, remedy="wait until it is connected again", code=codes.LOST)
        if intent.account not in ("", self._account):
            what = f"order {intent.intent_id} is for another account, {intent.account}"
            raise UsageError(what, remedy="leave its account empty, or connect to that one")
        return gateway

    async def cancel(self, intent_id: str) -> None:
        """Ask to cancel an order; returns when the request has left. Nothing happens if the order is final.

        An order in TIMEOUT that the broker does not know becomes ERROR by it. Raises UsageError: there is no
        such order; BrokerProblem: not connected, or the connection was lost before the request left.
        """
        record, gateway = self._book.record(intent_id), self._up()
        if record.state.final or not record.order_id:
            return
        if record.state is OrderState.ERROR and record.submitted is None:
            return
        await self._cancel([record], lambda: gateway.cancel(record.order_id))

    async def cancel_all(self) -> None:
        """Ask to cancel every open order of the account, of every client; as ``cancel``."""
        records = [one for one in self._book.records if not one.settled or one.state is OrderState.TIMEOUT]
        await self._cancel(records, self._up().cancel_all)

    async def _cancel(self, records: list[Record], send: Callable[[], None]) -> None:
        """Send a request to cancel, and wait until it has left."""
        send()
        ticket = self._pacer.latest
        for record in records:
            self._book.ask_cancel(record)
            self._await(record, cancelling=True)
        while (left := self._pacer.left(ticket)) is None:
            await asyncio.sleep(self._pacer.gap)
        if not left:
            for record in records:
                record.cancelling = False
            raise BrokerProblem(_UNSENT, remedy="cancel again when it is connected")

    def order(self, intent_id: str) -> OrderReport:
        """How an order stands. Raises UsageError: there is none."""
        return self._book.record(intent_id).report()

    def orders(self) -> tuple[OrderReport, ...]:
        """How every order of ours stands, in the order of their placing."""
        return tuple(record.report() for record in self._book.records)

    def fills(self) -> tuple[Fill, ...]:
        """Every fill that was heard of, each once, in the order of hearing."""
        return self._book.fills

    async def outcome(self, intent_id: str) -> OrderReport:
        """The report when the order is settled and its commissions are known, or late.

        An order that works for ever is waited for for ever. Raises UsageError: there is none.
        """
        record = self._book.record(intent_id)
        await self._until(record, lambda one: one.settled)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.commission_timeout_s):
                await self._until(record, lambda one: one.complete)
        return record.report()

    async def _until(self, record: Record, condition: Callable[[Record], bool]) -> None:
        if not condition(record):
            future = asyncio.get_running_loop().create_future()
            record.waiting.append((condition, future))
            await future

    # other questions

    async def quote(self, instrument: Instrument) -> Quote:
        """The best prices now."""
        gateway = self._up()
        request = self._next_id(gateway)
        try:
            found = await self._requests.ask(
                request,
                f"prices of {instrument.symbol}",
                lambda: gateway.prices(request, instrument, subscribe=True),
            )
        finally:
            if self._gateway is gateway:
                gateway.prices(request, instrument, subscribe=False)
        prices: dict[str, Decimal | None] = dict(found)
        return Quote(prices.get("bid"), prices.get("ask"), prices.get("last"))

    def on_price(self, request: int, kind: str, price: Decimal | None) -> None:
        """A price; the answer is complete with the three of them, or if the last one does not come."""
        if request not in self._requests:
            return
        self._requests.part(request, (kind, price))
        kinds = {kind for kind, _ in self._requests.parts(request)}
        if len(kinds) == 3:
            self._requests.end(request)
        elif kinds == {"bid", "ask"}:
            asyncio.get_running_loop().call_later(_LAST_PRICE_S, self._requests.end, request)

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        """The open orders of every client."""
        gateway = self._up()
        found = await self._requests.ask(
            "open_orders", "open orders", lambda: gateway.open_orders(of_all=True)
        )
        return tuple({one.perm_id or (one.client_id, one.order_id): one for one in found}.values())

    async def what_if(self, intent: OrderIntent) -> WhatIf:
        """Whether the broker would take an order, without placing it."""
        gateway = self._trading(intent)
        order_id = self._next_id(gateway)
        try:
            found = await self._requests.ask(
                order_id,
                "margin",
                lambda: gateway.place(order_id, intent, self._account, what_if=True),
            )
        except BrokerProblem as problem:
            if problem.code is None:
                raise
            return WhatIf(problem.code, problem.what)
        return found[0] if found else WhatIf()

    def on_what_if(self, order_id: int, answer: WhatIf) -> None:
        """The answer to a question about an order."""
        self._requests.part(order_id, answer)
        self._requests.end(order_id)

    # what the gateway says of orders

    def on_open_order(self, order: OpenOrder) -> None:
        """An order that is open, or its acknowledgement."""
        self._requests.part("open_orders", order)
        self._book.opened(order)

    def on_completed_order(self, reference: str, perm_id: int, status: str, filled: Decimal) -> None:
        """An order that has ended."""
        record = self._book.completed(reference, perm_id, status, filled)
        self._requests.part("completed_orders", record)

    def on_status(self, order_id: int, perm_id: int, client_id: int, status: str, filled: Decimal) -> None:
        """The status of an order."""
        record = self._book.status(order_id, perm_id, client_id, status, filled)
        if record is not None and record.told > record.filled and not self._asking_fills:
            self._asking_fills = True
            asyncio.get_running_loop().call_later(_FILLS_LATE_S, self._ask_for_fills)

    def on_execution(self, request: int, fill: Fill, client_id: int) -> None:
        """A fill."""
        self._requests.part(request, fill)
        self._book.execution(fill, client_id)

    def on_commission(self, execution_id: str, amount: Decimal) -> None:
        """What a fill cost."""
        self._book.commission(execution_id, amount)

    def _about_order(self, request: int, code: int, text: str) -> None:
        self._book.error(request, code, text)
        if code == codes.READ_ONLY and request == -1 and "read-only" in text.lower():
            remedy = "clear Read-Only API in the settings of the gateway"
            for key in ("open_orders", "completed_orders"):
                problem = BrokerProblem(f"error {code}: {text}", remedy=remedy, code=code, permanent=True)
                self._requests.fail(key, problem)

    def _ask_for_fills(self) -> None:
        self._asking_fills = False
        if self._gateway is not None and any(one.told > one.filled for one in self._book.records):
            self._spawn(self._missing_fills(self._gateway))

    async def _missing_fills(self, gateway: LibraryGateway) -> None:
        await self._executions(gateway)
        for record in self._book.records:
            if record.status == "Filled" and not record.state.final:
                self._book.give_up(record, OrderState.TIMEOUT, _NO_FILLS)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        async def quietly() -> None:
            with suppress(BrokerProblem):  # a connection that was lost reconciles when it is back
                await work

        task = asyncio.get_running_loop().create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # time-outs

    def _on_written(self, number: int, order_id: int) -> None:
        if number == codes.PLACE and (record := self._book.written(order_id)) is not None:
            self._await(record, cancelling=False)

    def _await(self, record: Record, *, cancelling: bool) -> None:
        """Do not wait for ever until the broker acknowledges an order, or has cancelled it."""
        seconds = self._settings.acknowledge_timeout_s
        asyncio.get_running_loop().call_later(seconds, self._overdue, record, cancelling)

    def _overdue(self, record: Record, cancelling: bool) -> None:
        silent = record.acknowledged is None and not record.cancelling
        if not record.settled and (record.cancelling if cancelling else silent):
            what = "cancelled" if cancelling else "acknowledged"
            text = f"not {what} within {self._settings.acknowledge_timeout_s:g} s"
            self._book.give_up(record, OrderState.TIMEOUT, text)

    # connections

    async def _prepare(self) -> None:
        await self._reconcile()

    def _cut_off(self, reason: str) -> None:
        for order_id in self._pacer.detach():
            if (record := self._book.numbered(order_id)) is not None:
                self._book.give_up(record, OrderState.ERROR, _UNSENT)
        super()._cut_off(reason)

    async def disconnect(self) -> None:
        """End the connection; open orders stay open."""
        await super().disconnect()
        for task in list(self._tasks):
            task.cancel()

    def _on_restored(self) -> None:
        self._spawn(self._reconcile())

    async def reconcile(self, intents: Iterable[OrderIntent] = ()) -> tuple[OrderReport, ...]:
        """Ask the broker for open and completed orders and executions, and correct every report by them.

        ``intents`` adds orders that an earlier process placed: they are found by their references, and those
        that the broker does not know become ERROR. Done by itself after each connection.
        """
        self._up()
        for intent in intents:
            if intent.intent_id not in self._book:
                self._book.add(intent, 0)
        await self._reconcile()
        return self.orders()

    async def _reconcile(self) -> None:
        gateway = self._gateway
        if gateway is None:
            return
        asked = [record for record in self._book.records if not record.state.final]
        listed: list[OpenOrder] = await self._requests.ask(
            "open_orders", "open orders", lambda: gateway.open_orders(of_all=False)
        )
        await self._executions(gateway)  # before the completed orders: by the fills their permIds are known
        ended: list[Record | None] = await self._requests.ask(
            "completed_orders", "completed orders", gateway.completed_orders
        )
        known = {one.order_ref for one in listed} | {one.intent.intent_id for one in ended if one is not None}
        for record in asked:
            if record.intent.intent_id not in known and not record.state.final:
                self._book.forgotten(record)
