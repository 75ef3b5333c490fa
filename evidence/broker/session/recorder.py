"""Writes what happens into the journal and the book, in the same step, so that neither knows more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from ...base.errors import masked
from ..port import (
    ConnectionChanged,
    ConnectionState,
    Event,
    Filled,
    OrderChanged,
    OrderReport,
    OrderTimes,
    Problem,
)
from .book import Book, Order
from .journal import Journal
from .messages import in_order, report_message
from .plan import Plan

_LONGEST = 2000
_CONNECTION = frozenset({504, 1100, 1101, 1102, 1300})
"""Codes about the connection, whose changes have records of their own."""
_NOTICES = frozenset({202, 399, *range(2100, 2170)})
"""Codes that report no error."""
_PACING = 100


class Recorder:
    """The journal of a session while it is written.

    Args:
        journal: new, or that of an interrupted session.
        book: what the journal has come to.
        plan: what is traded.
        clock: microseconds since 1970; it never goes back.
    """

    def __init__(self, journal: Journal, book: Book, plan: Plan, clock: Callable[[], int]) -> None:
        self._journal = journal
        self._plan = plan
        self.book = book
        self.now = clock
        self._earlier: dict[str, OrderTimes] = {}

    def write(self, record: str, at: int | None = None, **fields: Any) -> None:
        """Add a record. Raises EnvironmentProblem: the journal cannot be written."""
        at_us = self.now() if at is None else at
        self.book.apply(self._journal.write({"at_us": at_us, "record": record, **fields}))

    async def sync(self) -> None:
        """Wait until the disk has everything. Raises EnvironmentProblem: it does not take it."""
        await asyncio.to_thread(self._journal.sync)

    def taken_up(self, order: Order) -> None:
        """An earlier process has placed this order: the times that it has seen stand."""
        times = order.times
        self._earlier[order.intent["intent_id"]] = OrderTimes(
            times["intent"] or order.at_us, times["submitted"], times["acknowledged"]
        )

    def notice(self, kind: str, detail: str, code: int | None = None) -> None:
        """Add a word to the session's log: ``info``, ``error`` or about pacing."""
        text = masked(" ".join(detail.split()))[:_LONGEST]
        said = code is not None and code >= 0 and code not in _CONNECTION
        if code == _PACING and kind != "pacing_violation":  # each of those has its own record
            said = False
        self.write("notice", type=kind, code=code if said else None, detail=text)

    def report(self, report: OrderReport, at: int | None = None) -> None:
        """Add an execution report, unless it says what the last one said."""
        order = self.book.orders.get(report.intent_id)
        if order is None:  # none of this session's
            return
        if report.filled < order.filled:  # executions of an earlier day are not told again
            self.notice("error", f"the broker no longer knows all fills of intent {report.intent_id}")
            return
        times = in_order(self._merged(report))
        message = report_message(
            replace(report, times=times),
            number=order.reports + 1,
            at=self.now() if at is None else at,
            client_id=self._plan.client_id,
            strategy_id=self._plan.strategy_id,
            reference=Decimal(str(order.intent["reference_price"])),
        )
        changing = ("report_id", "timestamp")
        if order.report is not None and all(
            value == order.report[name] for name, value in message.items() if name not in changing
        ):
            return
        names = ("intent", "submitted", "acknowledged", "filled")
        self.write("report", times={name: getattr(times, name) for name in names}, report=message)

    def _merged(self, report: OrderReport) -> OrderTimes:
        earlier, times = self._earlier.get(report.intent_id), report.times
        if earlier is None:
            return times
        acknowledged = earlier.acknowledged or times.acknowledged
        return replace(earlier, acknowledged=acknowledged, filled=times.filled)

    def take(self, event: Event) -> None:
        """Add what the broker says."""
        match event:
            case OrderChanged() | Filled():
                if event.report is not None:
                    self.report(event.report)
            case ConnectionChanged():
                up = event.state is ConnectionState.CONNECTED
                code = 1100 if event.state is ConnectionState.IMPAIRED else None
                detail = masked(event.reason)[:_LONGEST] or event.state.value.lower()
                self.write("connection", up=up, code=code, detail=detail)
            case Problem(code=code) if code not in _CONNECTION:
                kind = "info" if code in _NOTICES else "error"
                if code == _PACING:
                    kind = "pacing_violation"
                elif code == 0 and "max rate" in event.text.lower():
                    kind = "pacing_warning"
                self.notice(kind, event.text, code)
