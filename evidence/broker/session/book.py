"""What a session has come to, told by the records of its journal alone.

Pure: the same records give the same book, whether they are being written or read back.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from .journal import Record
from .messages import format_time

_MS_US = 1000


class Order(Struct):
    """One order of the session.

    Attributes:
        number: which order of the plan it is.
        at_us: when the intent was written.
        intent: the order intent.
        report: the latest execution report; None before the first one.
        times: ``intent``, ``submitted``, ``acknowledged``, ``filled``, in microseconds since 1970 or None.
        reports: how many there were.
    """

    number: int
    at_us: int
    intent: dict[str, Any]
    times: dict[str, int | None]
    report: dict[str, Any] | None = None
    reports: int = 0

    @property
    def status(self) -> str:
        """The state; ``SUBMITTED`` before the first report."""
        return "SUBMITTED" if self.report is None else str(self.report["status"])

    @property
    def final(self) -> bool:
        """Whether the broker has said that it ended, or it never left."""
        return self.status in ("FILLED", "CANCELED", "REJECTED") or not self.sent

    @property
    def filled(self) -> Decimal:
        """The filled quantity."""
        return Decimal(0) if self.report is None else Decimal(str(self.report["filled_quantity"]))

    @property
    def sent(self) -> bool:
        """Whether its bytes left, or may have left."""
        return self.times["submitted"] is not None or self.status != "ERROR"

    @property
    def total_us(self) -> int | None:
        """From intent to last fill; None where there is none."""
        begin, end = self.times["intent"], self.times["filled"]
        return None if begin is None or end is None else end - begin


class Book(Struct):
    """The session so far.

    Attributes:
        session: the first record; empty before it.
        orders: by intent id, in order of their intents.
        messages: all execution reports, in order of their writing.
        equity: times (microseconds since 1970) and net liquidation values.
        events: of the session's log, in order of time.
        last_us: time of the last record.
        paused_us: how long nothing was traded between interruptions and resumptions.
        down_since_us: since when there is no connection; None while there is one.
        ended_us: when the session ended; None while it has not.
    """

    session: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    equity: list[tuple[int, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    last_us: int = 0
    paused_us: int = 0
    down_since_us: int | None = None
    ended_us: int | None = None

    @property
    def started_us(self) -> int:
        """When the session began."""
        return int(self.session["at_us"])

    @property
    def numbers(self) -> set[int]:
        """Which orders of the plan have been taken on."""
        return {order.number for order in self.orders.values()}

    def apply(self, record: Record) -> None:
        """Take note of one record."""
        at = int(record["at_us"])
        match record["record"]:
            case "session":
                self.session = dict(record)
            case "intent":
                intent = record["intent"]
                times = {"intent": at, "submitted": None, "acknowledged": None, "filled": None}
                self.orders[intent["intent_id"]] = Order(record["number"], at, intent, times)
            case "report":
                order = self.orders[record["report"]["intent_id"]]
                order.report, order.times = record["report"], dict(record["times"])
                order.reports += 1
                self.messages.append(record["report"])
            case "equity":
                self.equity.append((at, record["nav"]))
            case "connection":
                self._connection(at, record["up"], record["code"], record["detail"])
            case "notice":
                self._event(at, record["type"], record["code"], record["detail"])
            case "stopped":
                self._connection(at, False, None, record["detail"])
            case "resumed":
                # a killed process wrote no word about its end
                self._connection(self.last_us, False, None, "the session was interrupted")
                self._connection(at, True, None, "the session was resumed")
                self.paused_us += record["pause_us"]
            case "end":
                self.ended_us = at
        self.last_us = max(self.last_us, at)

    def _connection(self, at: int, up: bool, code: int | None, detail: str) -> None:
        if up == (self.down_since_us is None):
            return  # nothing that was not known
        self._event(at, "reconnect" if up else "disconnect", code, detail)
        if up:
            self.events[-1]["duration_ms"] = (at - (self.down_since_us or at)) // _MS_US
        self.down_since_us = None if up else at

    def _event(self, at: int, kind: str, code: int | None, detail: str) -> None:
        self.events.append({"time": format_time(at), "type": kind, "code": code, "detail": detail})

    def entry(self, number: int) -> Order | None:
        """The order of that number in the plan, in its last try."""
        return next((order for order in reversed(self.orders.values()) if order.number == number), None)

    def held(self) -> dict[str, Decimal]:
        """What the session's fills come to, by symbol."""
        held: dict[str, Decimal] = {}
        for order in self.orders.values():
            sign = 1 if order.intent["direction"] == "BUY" else -1
            symbol = order.intent["symbol"]
            held[symbol] = held.get(symbol, Decimal(0)) + sign * order.filled
        return held

    def prices(self) -> dict[str, Decimal]:
        """The latest reference price of each symbol."""
        return {
            order.intent["symbol"]: Decimal(str(order.intent["reference_price"]))
            for order in self.orders.values()
        }


def read_book(records: Iterable[Record]) -> Book:
    """The book that these records give."""
    book = Book()
    for record in records:
        book.apply(record)
    return book
