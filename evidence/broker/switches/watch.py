"""What the simulated gateway sees of a program whose kill switch is rehearsed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ..simulator.wire import Observation
from .rehearsals import Faults

_ENDED = frozenset({"Filled", "Cancelled", "ApiCancelled", "Inactive"})


class Watch:
    """Counts the faults that a program met, its orders, and its requests to cancel; times in microseconds."""

    def __init__(self, faults: Faults | None) -> None:
        self._faults = faults
        self._orders_since = 0
        self.news = asyncio.Event()
        """Set whenever something was seen."""
        self.met = 0
        """How many of the faults happened."""
        self.breached_at: int | None = None
        """When the last of the faults happened that are needed."""
        self.cancelled_all_at: int | None = None
        """When the program asked to cancel every order, and has placed none since."""
        self.last_order_at: int | None = None
        """When an order was last placed, changed, cancelled or filled."""
        self.survived = False
        """Whether all of the faults happened, and the program went on trading."""
        self.connected = False
        self.traded = False
        self.left_open = 0
        """When the session has ended: orders that are still open."""

    def add(self, seen: Observation) -> None:
        """Take in one observation."""
        direction, message, fields = seen["direction"], seen["message"], seen["fields"]
        at, wanted = int(seen["at_us"]), self._faults
        if (direction, message) == ("in", "startApi"):
            self.connected = True
        elif direction == "in" and message in ("placeOrder", "cancelOrder", "reqGlobalCancel"):
            self.last_order_at = at
            if message == "placeOrder":
                self._orders_since += 1
                self.traded, self.cancelled_all_at = True, None
            elif message == "reqGlobalCancel" and self.cancelled_all_at is None:
                self.cancelled_all_at = at
        elif message == "orderStatus" and fields.get("status") in _ENDED:
            self.last_order_at = at
        elif (direction, message) == ("event", "order"):
            self.left_open += _open(fields)
        if wanted and (direction, message, fields.get(wanted.field)) == (
            wanted.direction,
            wanted.message,
            wanted.value,
        ):
            self.met += 1
            self._orders_since = 0
            if self.met == wanted.needed:
                self.breached_at = at
        if wanted and self.met >= wanted.needed and self._orders_since >= wanted.orders_after:
            self.survived = True
        self.news.set()


def _open(fields: Mapping[str, str]) -> bool:
    return fields.get("status") not in _ENDED
