"""Trades a plan over a connected broker, one order at a time.

Each intent is on the disk before its order may leave. However the session ends (time, signal, error), its
open orders are cancelled and the connection is closed; what is missing is done by a later process that
resumes from the journal.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from decimal import Decimal

from ...base.errors import GateError, masked
from ...base.times import format_utc
from ...process.stopping import Interrupted
from ..port import (
    Broker,
    BrokerProblem,
    ConnectionChanged,
    ConnectionState,
    Event,
    InstrumentDetails,
    OrderIntent,
    OrderReport,
    OrderState,
    OrderTimes,
    OrderType,
    Side,
)
from ..safety import Refused, Target, check_accounts
from .book import Book, Order
from .journal import FORMAT
from .messages import intent_message, plain
from .orders import Prices, check_risk, order_for
from .plan import Plan, Planned, draw_orders
from .recorder import Recorder
from .settling import Settler

_TRIES = 3
"""How often an order is tried whose bytes did not leave because the connection broke just then."""
_AGAIN_S = 0.05
_VALUE_S = 10
"""How long is waited for the account's first value."""
_PACED_S = 0.06
"""After a question for prices, its two messages have left by then, and the pacer holds no order back."""
_LEAD_US = 150_000
"""How much earlier the account's value is asked for than it is written down, so that samples are on time."""
_SECOND_US = 1_000_000


class Session:
    """One run of a plan.

    Args:
        plan: what is traded.
        target: the pinned paper account; the gateway is asked for its accounts again before each order and
            cancel.
        broker: connected and checked.
        events: the broker's events from now on.
        details: the plan's instruments, by symbol.
        recorder: of a new session, or of an interrupted one.
        listen: called when the session's book has changed.
    """

    def __init__(
        self,
        plan: Plan,
        target: Target,
        broker: Broker,
        events: AsyncIterator[Event],
        details: Mapping[str, InstrumentDetails],
        recorder: Recorder,
        listen: Callable[[Book], None],
    ) -> None:
        self._plan = plan
        self._target = target
        self._broker = broker
        self._events = events
        self._details = details
        self._recorder = recorder
        self._settler = Settler(broker, target, recorder)
        self._listen = listen
        self._orders = draw_orders(plan)
        self._up = asyncio.Event()
        self._traded = asyncio.Event()
        self._closed = False

    @property
    def book(self) -> Book:
        """What has happened so far."""
        return self._recorder.book

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until the plan is done; then, or before, cancel what is open and disconnect.

        Raises Interrupted: ``stop`` was set; BrokerProblem: the connection was lost for good; Refused: the
        gateway manages other accounts now; EnvironmentProblem: the journal cannot be written.
        """
        gc.collect()
        gc.freeze()
        consuming = asyncio.create_task(self._consume())
        try:
            await self._begin()
            await self._work(stop, consuming)
        except GateError as error:
            left = await self._end(consuming, error.what, cancel=not isinstance(error, Refused))
            if left:
                error.what += f"; {left} of its orders may still be open at the broker"
            raise
        except BaseException:
            await self._end(consuming, "the session broke off")
            raise
        else:
            await self._end(consuming, None)
        finally:
            gc.unfreeze()

    async def _work(self, stop: asyncio.Event, consuming: asyncio.Task[None]) -> None:
        """Trade and sample until both are done, or something else is."""
        stopping = asyncio.create_task(stop.wait())
        work = {asyncio.create_task(one) for one in (self._trade(), self._sample())}
        pending: set[asyncio.Task[object]] = {consuming, stopping, *work}
        try:
            while not all(task.done() for task in work):
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                if consuming in done:
                    raise BrokerProblem("the connection was closed", remedy="go on with --resume")
                if stopping in done:
                    taken = f"{len(self.book.numbers)} of {self._plan.trades} orders"
                    raise Interrupted(f"the session stopped after {taken}", remedy="go on with --resume")
        finally:
            for task in (stopping, *work):
                task.cancel()
            await asyncio.gather(stopping, *work, return_exceptions=True)

    async def _begin(self) -> None:
        """Write the first record, or find out what became of the orders of an interrupted session."""
        if self._broker.state is ConnectionState.CONNECTED:
            self._up.set()
        if self.book.session:
            await self._take_up()
            return
        nav = await self._nav(self._recorder.now() + _VALUE_S * _SECOND_US)
        if nav is None:
            remedy = "check that the gateway shows the account's value, then start again"
            raise BrokerProblem("the gateway does not state the account's value", remedy=remedy)
        started = self._recorder.now()
        stamp = format_utc(started // _SECOND_US).replace("-", "").replace(":", "")
        self._recorder.write(
            "session",
            started,
            format=FORMAT,
            session_id=f"paper-{stamp}-{self._plan.seed}",
            name=self._plan.name,
            plan=self._plan.digest,
            account_id=self._target.account,
            library=self._broker.library,
            equity_every_s=self._plan.equity_every_s,
        )
        self._recorder.write("equity", nav=plain(nav))
        await self._recorder.sync()

    async def _take_up(self) -> None:
        self._recorder.write("resumed", pause_us=max(self._recorder.now() - self.book.last_us, 0))
        unsettled = [order for order in self.book.orders.values() if not order.final]
        for order in unsettled:
            self._recorder.taken_up(order)
        intents = [self._as_placed(order) for order in unsettled]
        await self._broker.reconcile(intents)
        await self._settler.cancel(intent.intent_id for intent in intents)

    def _as_placed(self, order: Order) -> OrderIntent:
        intent, limit = order.intent, order.intent["limit_price"]
        return OrderIntent(
            intent["intent_id"],
            self._details[intent["symbol"]].instrument,
            Side(intent["direction"]),
            Decimal(intent["quantity"]),
            OrderType(intent["order_type"]),
            None if limit is None else Decimal(limit),
            self._target.account,
        )

    async def _consume(self) -> None:
        """Record the broker's events until the connection is closed."""
        async for event in self._events:
            if self._closed or not self.book.session:
                continue
            self._recorder.take(event)
            if isinstance(event, ConnectionChanged):
                if event.state is ConnectionState.CONNECTED:
                    self._up.set()
                else:
                    self._up.clear()
                if event.state is ConnectionState.FAILED:
                    what = "the connection was lost and cannot be established again"
                    raise BrokerProblem(what, remedy="start the gateway, then go on with --resume")
            self._listen(self.book)

    # orders

    @property
    def _begun_us(self) -> int:
        """When the session would have begun without its pauses."""
        return self.book.started_us + self.book.paused_us

    async def _until(self, time_us: int) -> None:
        while (left := time_us - self._recorder.now()) > 0:
            await asyncio.sleep(left / _SECOND_US)

    async def _trade(self) -> None:
        done = self.book.numbers
        for planned in self._orders:
            if planned.number in done:
                continue
            await self._until(self._begun_us + planned.after_us)
            if (halt := check_risk(self.book, self._plan.limits).halt) is not None:
                self._recorder.notice("error", f"no more orders are placed: {halt}")
                break
            await self._one(planned)
            self._listen(self.book)
        await self._until(self._begun_us + self._plan.duration_s * _SECOND_US)
        self._traded.set()

    async def _one(self, planned: Planned) -> None:
        """Place one order of the plan, and wait until it is settled."""
        quantity, closes = Decimal(planned.quantity), None
        if planned.closes is not None:
            entry = self.book.entry(planned.closes)
            if entry is None or not entry.filled:
                self._recorder.notice("info", f"order {planned.number} has no position to close")
                return
            quantity, closes = entry.filled, str(entry.intent["intent_id"])
        for attempt in range(1, _TRIES + 1):
            await self._up.wait()
            try:
                prices = await self._prices(planned.symbol)
            except BrokerProblem as problem:
                if self._broker.state is ConnectionState.CONNECTED:
                    self._recorder.notice("error", f"order {planned.number}: {problem.what}", problem.code)
                    return
                await asyncio.sleep(_AGAIN_S)
                continue
            await asyncio.sleep(_PACED_S)
            try:
                check_accounts(self._target, await self._broker.accounts())
            except BrokerProblem:  # not connected any more
                continue
            key = f"{self.book.session['session_id']}/{planned.number}/{attempt}"
            name = hashlib.sha256(key.encode()).hexdigest()[:16]
            details = self._details[planned.symbol]
            order = order_for(planned, quantity, name, details, self._target.account, prices, self._plan)
            if await self._place(order, planned, prices, closes):
                return
            await asyncio.sleep(_AGAIN_S)
        self._recorder.notice("error", f"order {planned.number} could not be placed in {_TRIES} tries")

    async def _prices(self, symbol: str) -> Prices:
        prices = Prices.of(await self._broker.quote(self._details[symbol].instrument))
        if prices is None:
            raise BrokerProblem(f"there is no price of {symbol}", remedy="subscribe to its market data")
        return prices

    async def _place(self, order: OrderIntent, planned: Planned, prices: Prices, closes: str | None) -> bool:
        """Whether the order has been placed, or must not be; False where its bytes did not leave."""
        reference = prices.reference(order.side)
        checks = check_risk(self.book, self._plan.limits, order, reference)
        if (refusal := checks.refusal) is not None:
            self._recorder.notice("error", f"order {planned.number} was not placed: {refusal}")
            return True
        made = self._recorder.now()
        message = intent_message(
            order,
            at=made,
            strategy_id=self._plan.strategy_id,
            session_id=self.book.session["session_id"],
            reference=reference,
            closes=closes,
            checks=checks,
        )
        self._recorder.write("intent", made, number=planned.number, intent=message)
        await self._recorder.sync()
        try:
            report = await self._broker.place(order)
        except BrokerProblem as problem:
            report = OrderReport(
                order,
                *(0, 0, OrderState.ERROR, Decimal(0), None),
                OrderTimes(made),
                text=problem.what,
            )
            self._recorder.report(report)
            return False
        self._recorder.report(report)
        if report.state is OrderState.ERROR and report.times.submitted is None:
            return False
        resting = planned.kind == "cancelled"
        wait_ms = self._plan.rest_ms if resting else self._plan.fill_timeout_ms
        await self._settler.settle(order.intent_id, wait_ms / 1000)
        return True

    # the account's value

    async def _sample(self) -> None:
        """Samples at equal intervals from the session's start until its end, whatever was missed."""
        every = self._plan.equity_every_s * _SECOND_US
        number = -((self.book.started_us - self._recorder.now()) // every) if self.book.equity else 1
        while True:
            due = self.book.started_us + number * every
            if due > self._begun_us + self._plan.duration_s * _SECOND_US:
                with suppress(TimeoutError):
                    wait = max(due - self._recorder.now(), 0) / _SECOND_US
                    await asyncio.wait_for(self._traded.wait(), wait)
                if self._traded.is_set():
                    return
            await self._until(due - _LEAD_US)
            nav = await self._nav(due + every)
            await self._until(due)
            if nav is not None:
                self._recorder.write("equity", nav=plain(nav))
                self._listen(self.book)
            number += 1

    async def _nav(self, before_us: int) -> Decimal | None:
        """The account's value, asked for again until this time; None where it was not to be had."""
        while self._recorder.now() < before_us:
            with suppress(BrokerProblem):
                values = await self._broker.account_values(self._target.account)
                nav = values.amount("NetLiquidation")
                if nav is not None and nav > 0:
                    return nav
            await asyncio.sleep(_AGAIN_S)
        return None

    # the end

    async def _end(self, consuming: asyncio.Task[None], broken: str | None, *, cancel: bool = True) -> int:
        """Cancel what is open, write down how the session ended, disconnect: how many orders stay open.

        Args:
            broken: why the session ends too early; None if it does not.
            cancel: whether a message may leave at all: none does to a login that was refused.
        """
        try:
            known = {report.intent_id for report in self._broker.orders()}
            mine = [name for name in self.book.orders if name in known]
            if cancel:
                with suppress(Refused):  # said of the orders that are left
                    await self._settler.cancel([name for name in mine if self._settler.is_open(name)])
            for name in mine:
                self._recorder.report(self._broker.order(name))
            left = [
                name
                for name, order in self.book.orders.items()
                if (self._settler.is_open(name) if name in known else not order.final)
            ]
            if self.book.session:
                for name in left:
                    self._recorder.notice("error", f"the order of intent {name} may be open at the broker")
                if broken is None:
                    self._recorder.write("end")
                else:
                    self._recorder.write("stopped", detail=masked(broken))
                await self._recorder.sync()
            return len(left)
        finally:
            self._closed = True
            await self._broker.close()
            consuming.cancel()
            await asyncio.gather(consuming, return_exceptions=True)
