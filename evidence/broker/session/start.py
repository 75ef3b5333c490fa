"""Begins or resumes a session: every check, then the connection, every other check, then orders."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path

from ...base.errors import UsageError
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
from ..safety import Refused, Target, check_accounts, check_library, check_target, refusal
from .book import Book, read_book
from .journal import Journal
from .plan import Plan
from .recorder import Recorder
from .run import Session

Listener = Callable[[Book, Traffic], None]


def clock_after(last_us: int = 0) -> Callable[[], int]:
    """Microseconds since 1970: the machine's time now, which then never goes back, nor before ``last_us``."""
    offset = max(time.time_ns() // 1000, last_us) - time.monotonic_ns() // 1000
    return lambda: offset + time.monotonic_ns() // 1000


async def trade_plan(plan: Plan, target: Target, path: Path, *, resume: bool, listen: Listener) -> Book:
    """Trade a plan to its end; what happened.

    Args:
        target: where to, and the pinned account.
        path: of the journal.
        resume: whether the session of an existing journal is continued.
        listen: called when the book has changed.

    SIGINT and SIGTERM stop the session in order.

    Raises Refused: anything that is not the pinned paper account; nothing was sent that could be an order.
    UsageError: the journal is taken, missing, of another plan or account, or complete; ConfigError: it is
    damaged. BrokerProblem: the gateway cannot be reached, does not know a symbol or would refuse its orders,
    or the connection was lost for good. Interrupted: a signal came.
    """
    check_library(plan.library)
    check_target(target)
    if resume:
        journal, records = Journal.reopen(path)
        with journal:
            book = read_book(records)
            _check_journal(book, plan, target, path)
            return await _run(plan, target, journal, book, listen)
    if os.path.lexists(path):
        remedy = "go on with it: --resume; or move it away"
        raise UsageError("there is a journal already", path=str(path), remedy=remedy)
    return await _run(plan, target, path, Book(), listen)


def _check_journal(book: Book, plan: Plan, target: Target, path: Path) -> None:
    wrong, remedy = None, "give the plan that the session began with"
    if book.ended_us is not None:
        wrong, remedy = "the session is complete", "leave out --resume to begin another one"
    elif book.session["plan"] != plan.digest:
        wrong = "the session began with another plan"
    elif book.session["account_id"] != target.account:
        wrong, remedy = "the session began with another account", "pin the account that it began with"
    if wrong is not None:
        raise UsageError(wrong, path=str(path), remedy=remedy)


async def _run(plan: Plan, target: Target, journal: Journal | Path, book: Book, listen: Listener) -> Book:
    clock = clock_after(book.last_us)
    settings = Settings(target.port, target.client, target.host, target.account)
    broker = open_broker(Library(plan.library), settings, clock=clock)
    with _stopping() as stop:
        events = broker.events()
        try:
            await broker.connect()
            check_accounts(target, await broker.accounts())
            details = {symbol: await _examine(broker, symbol, target) for symbol in plan.symbols}
            opened = Journal.create(journal) if isinstance(journal, Path) else journal
        except BaseException:
            await broker.close()
            raise

        def changed(now: Book) -> None:
            listen(now, broker.traffic)

        try:
            recorder = Recorder(opened, book, plan, clock)
            await Session(plan, target.account, broker, events, details, recorder, changed).run(stop)
        finally:
            if isinstance(journal, Path):
                opened.close()
    listen(book, broker.traffic)
    return book


async def _examine(broker: Broker, symbol: str, target: Target) -> InstrumentDetails:
    """What the broker knows of a symbol, once it has said that it would take an order for it.

    No message of the protocol states permissions; the answer to a what-if order shows them.
    """
    details = await broker.contract(Instrument(symbol))
    probe = OrderIntent(f"what-if-{symbol}"[:40].replace(" ", "_"), details.instrument, Side.BUY, Decimal(1))
    answer = await broker.what_if(probe)
    if answer.code is not None:
        refused: Refused | None = refusal(answer.code, target.client)
        if refused is not None:
            raise refused
        what = f"the broker would refuse orders for {symbol} ({answer.code}): {answer.text}"
        raise BrokerProblem(what, remedy="correct the account's permissions or the plan", code=answer.code)
    return details


@contextmanager
def _stopping() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread
            loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in numbers:
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)
