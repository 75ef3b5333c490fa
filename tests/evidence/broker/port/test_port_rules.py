"""The order book and the byte writer by themselves: what no gateway can be made to send at will."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.evidence.broker.port import BrokerProblem, Event, Fill, Filled, OpenOrder, OrderState, Side
from gate.evidence.broker.port.book import Book
from gate.evidence.broker.port.events import Events
from gate.evidence.broker.port.pacer import Pacer

from .conftest import brief, intent

OURS, PERM = 7, 1001


class Desk:
    """A book with one order, and the broker's words about it with times that count up."""

    def __init__(self, limit: str | None = None) -> None:
        self.events = Events()
        self.told = self.events.subscribe()
        self.book = Book(OURS, self.events, itertools.count(1).__next__)
        self.record = self.book.add(intent("one", limit), 5)
        self.book.written(5)

    def status(self, status: str, filled: int = 0, perm_id: int = PERM, client_id: int = OURS) -> None:
        self.book.status(5, perm_id, client_id, status, Decimal(filled))

    def fill(self, name: str, quantity: int, price: str = "450", perm_id: int = PERM) -> None:
        side, amount = Side.BUY, Decimal(quantity)
        fill = Fill(name, "one", 5, perm_id, side, amount, Decimal(price), 0)
        self.book.execution(fill, OURS)

    def error(self, code: int) -> None:
        self.book.error(5, code, f"text {code}")

    def cost(self, name: str, amount: str = "1") -> None:
        self.book.commission(name, Decimal(amount))

    def events_told(self) -> list[Event]:
        """All that was told, now that nothing more will be."""

        async def listen() -> list[Event]:
            self.events.end()
            return [event async for event in self.told]

        return asyncio.run(listen())

    @property
    def now(self) -> str:
        return brief(self.record.report())


def test_filled_means_that_the_fills_are_there() -> None:
    """The status may come before them."""
    desk = Desk()
    desk.status("Submitted")
    desk.status("Filled", 10)
    assert desk.now == "ACKNOWLEDGED 0/10"
    assert desk.record.told > desk.record.filled  # which makes the port ask for them
    desk.fill("a.01", 4)
    assert desk.now == "PARTIAL_FILL 4/10 at 450"
    desk.fill("b.01", 6)
    assert desk.now == "FILLED 10/10 at 450"


def test_a_fill_is_counted_once_and_may_be_corrected() -> None:
    """As it happens, and again in every answer; a correction takes the place of what it corrects."""
    desk = Desk()
    desk.fill("e.0a.01", 4, "450")
    desk.cost("e.0a.01")
    for _ in range(3):
        desk.fill("e.0a.01", 4, "450")
        desk.cost("e.0a.01")
    assert desk.now == "PARTIAL_FILL 4/10 at 450 for 1"
    desk.fill("e.0a.02", 3, "451")
    assert desk.now == "PARTIAL_FILL 3/10 at 451"
    desk.fill("e.0a.01", 4, "450")
    assert len(desk.book.fills) == 1
    assert [type(one) for one in desk.events_told()].count(Filled) == 3


def test_a_commission_that_comes_first() -> None:
    """Is kept until its execution is heard of."""
    desk = Desk()
    desk.cost("a.01", "1.25")
    desk.fill("a.01", 10)
    assert desk.now == "FILLED 10/10 at 450 for 1.25"


@pytest.mark.parametrize(
    ("words", "state"),
    [
        # 201 on the wire, and as gateways also send it
        ([("error", 201), ("status", "Inactive")], "REJECTED"),
        ([("error", 201), ("status", "Cancelled"), ("status", "Inactive")], "REJECTED"),
        ([("status", "Cancelled"), ("error", 201)], "CANCELED"),
        ([("error", 202), ("status", "Cancelled")], "CANCELED"),
        # refusals of a new order, and the same codes about one that works
        ([("error", 321)], "REJECTED"),
        ([("status", "Submitted"), ("error", 321)], "ACKNOWLEDGED"),
        ([("status", "PreSubmitted"), ("error", 110)], "SUBMITTED"),
        # warnings, before and after the acknowledgement
        ([("error", 399)], "SUBMITTED"),
        ([("error", 2109)], "SUBMITTED"),
        ([("error", 10349), ("status", "Submitted")], "ACKNOWLEDGED"),
        ([("status", "Submitted"), ("error", 10349)], "ACKNOWLEDGED"),
        ([("status", "Submitted"), ("error", 404)], "ACKNOWLEDGED"),
        # refused by mistake: it works after all
        ([("error", 110), ("status", "Submitted")], "ACKNOWLEDGED"),
        ([("status", "Inactive"), ("status", "Submitted")], "ACKNOWLEDGED"),
        # gateways' own words are no acknowledgement
        ([("status", "PendingSubmit")], "SUBMITTED"),
        ([("status", "PendingCancel")], "ACKNOWLEDGED"),
        # the end outlives what was overtaken by it
        ([("status", "Cancelled"), ("status", "Submitted")], "CANCELED"),
        ([("fill", 4), ("status", "Cancelled")], "CANCELED"),
        ([("fill", 4), ("status", "Inactive")], "CANCELED"),
        ([("fill", 10), ("status", "Cancelled")], "FILLED"),
        ([("status", "Cancelled"), ("fill", 10)], "FILLED"),
        ([("fill", 10), ("error", 201)], "FILLED"),
        # an unknown code decides nothing
        ([("error", 99999)], "SUBMITTED"),
    ],
)
def test_status_code_and_fills_together(words: list[tuple[str, Any]], state: str) -> None:
    """No single one of them decides."""
    desk = Desk()
    for kind, value in words:
        desk.fill("a.01", value) if kind == "fill" else getattr(desk, kind)(value)
    assert desk.record.state == state


def test_what_was_concluded_from_silence() -> None:
    """Ends with the broker's word, but not with the gateway's."""
    desk = Desk()
    desk.book.give_up(desk.record, OrderState.TIMEOUT, "no answer")
    desk.status("PendingSubmit")
    desk.status("PendingCancel")
    assert desk.now == "TIMEOUT 0/10"
    desk.fill("a.01", 10)
    assert desk.now == "FILLED 10/10 at 450"
    desk.book.give_up(desk.record, OrderState.ERROR, "nothing found")
    assert desk.now == "FILLED 10/10 at 450"


def test_what_the_broker_knows_nothing_of() -> None:
    """Was never there, and may be sent again, unless it was acknowledged once."""
    desk = Desk()
    desk.book.forgotten(desk.record)
    assert desk.now == "ERROR 0/10"
    desk.status("PendingSubmit")
    assert (desk.now, desk.record.text) == ("SUBMITTED 0/10", "")
    desk.fill("a.01", 4)
    desk.book.forgotten(desk.record)
    assert desk.now == "TIMEOUT 4/10 at 450"


def test_words_about_the_orders_of_others() -> None:
    """An id is that of a client; another client's order with the same one is none of ours."""
    desk = Desk()
    desk.status("Cancelled", perm_id=5005, client_id=8)
    assert desk.now == "SUBMITTED 0/10"
    desk.status("Submitted")
    desk.status("Cancelled", perm_id=5005)
    assert desk.now == "ACKNOWLEDGED 0/10"
    other = OpenOrder("one", 5, 5005, 8, "Cancelled")
    assert desk.book.opened(other) is None
    assert desk.book.completed("one", 5005, "Cancelled", Decimal(0)) is None
    assert desk.now == "ACKNOWLEDGED 0/10"


WORDS = st.one_of(
    st.tuples(st.just("status"), st.sampled_from(
        ["PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel", "Cancelled", "ApiCancelled",
         "Filled", "Inactive", "", "Whatever"])),
    st.tuples(st.just("error"), st.sampled_from([0, 100, 110, 135, 201, 202, 321, 399, 10148, 10349])),
    st.tuples(st.just("fill"), st.sampled_from(["a.01", "b.01", "b.02", "c.01"])),
    st.tuples(st.just("cost"), st.sampled_from(["a.01", "b.01", "b.02", "c.01"])),
)  # fmt: skip


@pytest.mark.property
@given(st.lists(WORDS, max_size=12))
@settings(deadline=None, max_examples=40 if settings.default.derandomize else settings.default.max_examples)
def test_whatever_the_broker_says(words: list[tuple[str, Any]]) -> None:
    """Nothing is filled twice, FILLED means all of it, and being filled is for ever."""
    desk, done = Desk(), False
    for kind, value in words:
        desk.fill(value, 5) if kind == "fill" else getattr(desk, kind)(value)
        report = desk.record.report()
        assert report.filled == sum(one.quantity for one in report.fills) == 5 * len(desk.book.fills)
        assert (report.state is OrderState.FILLED) == (report.filled >= 10)
        assert report.state is OrderState.FILLED or not done
        done = report.state is OrderState.FILLED


# the byte writer


class Clock:
    """A clock with one timer, which jumps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timer: tuple[float, Callable[[], None]] | None = None

    def later(self, at: float, call: Callable[[], None]) -> Clock:
        self.timer = (at, call)
        return self

    def cancel(self) -> None:
        self.timer = None

    def run(self) -> None:
        while self.timer is not None:
            (self.now, call), self.timer = self.timer, None
            call()


def message(number: int, order_id: int = 0) -> bytes:
    """A framed message, as a client library writes it."""
    body = f"{number}\0{order_id}\0SPY\0".encode()
    return len(body).to_bytes(4) + body


def pacer(clock: Clock, per_s: float | None = 40, allowed: frozenset[int] | None = None) -> Any:
    """A byte writer, what it wrote when, and what it said had left."""
    written: list[tuple[float, bytes]] = []
    left: list[tuple[int, int]] = []
    made = Pacer(per_s, allowed, lambda *one: left.append(one), now=lambda: clock.now, later=clock.later)
    made.attach(lambda data: written.append((clock.now, data)))
    return made, written, left


def test_messages_leave_evenly_spaced() -> None:
    """However many come at once, in their order; after a pause the next one leaves at once, but one only."""
    clock = Clock()
    made, written, left = pacer(clock)
    for n in range(100):
        made.send(message(3, n))
    assert len(left) == 1
    clock.run()
    assert left == [(3, n) for n in range(100)]
    times = [time for time, _ in written]
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.0249
    assert (made.traffic.messages, made.traffic.busiest_second) == (100, 40)
    clock.now += 10
    for _ in range(2):
        made.send(message(49))
    assert len(left) == 101


def test_what_waits_when_the_connection_ends() -> None:
    """Is never written, not even by the next connection, and the orders in it are known."""
    clock = Clock()
    made, written, left = pacer(clock)
    for n in range(5):
        made.send(message(3, n))
    made.send(message(61))
    assert made.detach() == [1, 2, 3, 4]
    made.attach(lambda data: written.append((clock.now, data)))
    clock.run()
    assert left == [(3, 0)]


def test_the_list_of_what_may_leave() -> None:
    """Everything else is refused before it is written; the greeting is no message."""
    clock = Clock()
    made, written, _ = pacer(clock, None, frozenset({61, 71}))
    made.send(b"API\0\x00\x00\x00\x09v157..178")
    made.send(message(71))
    for number in (3, 4, 58, 5, 1):
        with pytest.raises(BrokerProblem, match=f"message {number} was not sent"):
            made.send(message(number))
    assert [data[4:6] for _, data in written] == [b"\0\0", b"71"]
    assert made.traffic.by_id == {71: 1}
