"""Begins or resumes a session: every check, then the connection, every other check, then orders."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from ...base.errors import UsageError
from ...process.stopping import Interrupted, stop_signals
from ..clock import clock_after
from ..port import (
    Broker,
    BrokerProblem,
    Instrument,
    InstrumentDetails,
    Library,
    OrderIntent,
    Settings,
    Side,
    Traffic,
    open_broker,
)
from ..preflight import preflight_for_orders
from ..safety import Refused, Target, check_accounts, check_library, check_target, refusal
from .book import Book, read_book
from .journal import Journal, read_journal, taken
from .plan import Plan
from .recorder import Recorder
from .run import Session

T = TypeVar("T")
Listener = Callable[[Book, Traffic], None]


async def trade_plan(
    plan: Plan, target: Target, path: Path, *, resume: bool, force: bool, listen: Listener
) -> Book:
    """Trade a plan to its end; what happened.

    Args:
        target: where to, and the pinned account.
        path: of the journal.
        resume: whether the session of an existing journal is continued; a complete one is only read.
        force: whether the journal of a complete session may be replaced.
        listen: called when the book has changed.

    SIGINT and SIGTERM stop the session in order.

    Raises Refused: anything that is not the pinned paper account; nothing was sent that could be an order.
    UsageError: the journal is taken, missing, or of another plan or account; ConfigError: it is damaged.
    BrokerProblem: the gateway cannot be reached, does not know a symbol or would refuse its orders,
    or the connection was lost for good. Interrupted: a signal came.
    """
    check_library(plan.library)
    check_target(target)
    book = Book()
    stop = asyncio.Event()
    with ExitStack() as opened, stop_signals(lambda _: stop.set()):
        if resume:
            found, records = Journal.reopen(path)
            opened.enter_context(found)
            book = read_book(records)
            _check_journal(book, plan, target, path)
            if book.ended_us is not None:
                return book
        elif os.path.lexists(path) and not (force and read_book(read_journal(path)).ended_us is not None):
            raise taken(path)
        clock = clock_after(book.last_us)
        settings = Settings(target.port, target.client, target.host, target.account)
        broker = open_broker(Library(plan.library), settings, clock=clock)
        try:
            details = await _unless(stop, _connected(broker, plan, target))
            events = broker.events()
            journal = found if resume else opened.enter_context(Journal.create(path, replace=force))
        except BaseException:
            await broker.close()
            raise

        def changed(now: Book) -> None:
            listen(now, broker.traffic)

        recorder = Recorder(journal, book, plan, clock)
        await Session(plan, target, broker, events, details, recorder, changed).run(stop)
        changed(book)
    return book


def _check_journal(book: Book, plan: Plan, target: Target, path: Path) -> None:
    wrong, remedy = None, "give the plan that the session began with"
    if book.session["plan"] != plan.digest:
        wrong = "the session began with another plan"
    elif book.session["account_id"] != target.account:
        wrong, remedy = "the session began with another account", "pin the account that it began with"
    if wrong is not None:
        raise UsageError(wrong, path=str(path), remedy=remedy)


async def _connected(broker: Broker, plan: Plan, target: Target) -> dict[str, InstrumentDetails]:
    """The plan's instruments, once the gateway is known to be that of the pinned paper account.

    A connection of a few bytes asks first; then the client library connects and is asked again.
    """
    await preflight_for_orders(target)
    await broker.connect()
    check_accounts(target, await broker.accounts())
    return {symbol: await _examine(broker, symbol, target) for symbol in plan.symbols}


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work. Raises Interrupted: the event was set before."""
    task, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
    finally:
        for one in (task, stopping):
            one.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
    raise Interrupted("the session was stopped before its first order", remedy="start it again")


async def _examine(broker: Broker, symbol: str, target: Target) -> InstrumentDetails:
    """What the broker knows of a symbol, once it has said that it would take an order for it.

    No message of the protocol states permissions; the answer to a what-if order shows them.
    """
    try:
        details = await broker.contract(Instrument(symbol))
    except BrokerProblem as problem:
        what = f"the broker does not offer {symbol}: {problem.what}"
        raise BrokerProblem(what, remedy="correct the plan's symbols", code=problem.code) from problem
    name = f"what-if-{details.instrument.con_id}"
    probe = OrderIntent(name, details.instrument, Side.BUY, Decimal(1))
    answer = await broker.what_if(probe)
    if answer.code is not None:
        refused: Refused | None = refusal(answer.code, target.client)
        if refused is not None:
            raise refused
        what = f"the broker would refuse orders for {symbol} ({answer.code}): {answer.text}"
        raise BrokerProblem(what, remedy="correct the account's permissions or the plan", code=answer.code)
    return details
