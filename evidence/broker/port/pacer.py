"""The byte writer of a connection: evenly spaced, counted, and with an allow-list.

The client libraries send what waits in bursts, and write long after they were asked to. Here the messages
of a connection leave one by one, at least ``1 / messages_per_s`` apart; that is also the place where it is
known when an order left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from .codes import PLACE
from .model import BrokerProblem, Traffic

_GREETING = b"API\0"
_EARLY_S = 0.0005
"""By how much a timer may be early."""


class Pacer:
    """Writes the messages of one port, over all of its connections.

    Args:
        messages_per_s: how many at most; None for no limit.
        allowed: the only message numbers that are written; None allows all.
        written: called with message number and order id (0 if it is no order) when one has left.
        now: seconds of a clock that never goes back.
        later: calls a function at a time of this clock; what it gives can be cancelled.
    """

    def __init__(
        self,
        messages_per_s: float | None,
        allowed: frozenset[int] | None,
        written: Callable[[int, int], None],
        *,
        now: Callable[[], float],
        later: Callable[[float, Callable[[], None]], Any],
    ) -> None:
        self.gap = 0.0 if messages_per_s is None else 1 / messages_per_s
        """Seconds between two messages."""
        self._allowed = allowed
        self._written = written
        self._now, self._later = now, later
        self._write: Callable[[bytes], None] | None = None
        self._next = 0.0
        self._waiting: deque[tuple[int, int, int, bytes]] = deque()
        self._done = 0
        self._dropped: set[int] = set()
        self.latest = 0
        """The ticket of the message that was sent last: they are counted from 1."""
        self._timer: Any = None
        self._recent: deque[float] = deque()
        self._by_id: dict[int, int] = {}
        self._busiest = 0
        self.warnings = 0

    @property
    def traffic(self) -> Traffic:
        """What was written so far."""
        by_id = dict(sorted(self._by_id.items()))
        return Traffic(sum(by_id.values()), self._busiest, by_id, self.warnings)

    def attach(self, write: Callable[[bytes], None]) -> None:
        """Write to this connection from now on."""
        self.detach()
        self._write = write

    def detach(self) -> list[int]:
        """The connection has ended: forget what waits, and give the ids of the orders in it."""
        dropped = [order_id for _, number, order_id, _ in self._waiting if number == PLACE]
        self._dropped.update(ticket for ticket, *_ in self._waiting)
        self._done = self.latest
        self._waiting.clear()
        self._write = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return dropped

    def left(self, ticket: int) -> bool | None:
        """Whether a message has left; None while it waits."""
        return ticket not in self._dropped if ticket <= self._done else None

    def send(self, data: bytes) -> None:
        """Write a message now or when its turn comes. Raises BrokerProblem: it is not allowed."""
        if data.startswith(_GREETING):
            if self._write is not None:
                self._write(data)
            return
        number, order_id = _named(data)
        if self._allowed is not None and number not in self._allowed:
            what = f"message {number} was not sent: this connection only reads"
            raise BrokerProblem(what, remedy="use a connection that may trade", permanent=True)
        self.latest += 1
        self._waiting.append((self.latest, number, order_id, data))
        if self._timer is None:
            self._drain()

    def _drain(self) -> None:
        self._timer = None
        while self._waiting:
            now = self._now()
            if now < self._next - _EARLY_S:
                self._timer = self._later(self._next, self._drain)
                return
            self._done, number, order_id, data = self._waiting.popleft()
            if self._write is not None:
                self._count(number, now)
                self._next = now + self.gap
                self._write(data)
                self._written(number, order_id)

    def _count(self, number: int, now: float) -> None:
        self._by_id[number] = self._by_id.get(number, 0) + 1
        recent = self._recent
        recent.append(now)
        while now - recent[0] >= 1:
            recent.popleft()
        self._busiest = max(self._busiest, len(recent))


def _named(data: bytes) -> tuple[int, int]:
    """The number of a framed message, and the id of the order that it places or 0."""
    parts = data[4:60].split(b"\0", 2)
    number = int(parts[0])
    return number, int(parts[1]) if number == PLACE else 0
