"""The observation log of one case, read for what the client did."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

ORDERING = frozenset({"placeOrder", "cancelOrder", "reqGlobalCancel"})
DONE = frozenset({"Filled", "Cancelled", "ApiCancelled", "Inactive"})


def asks_what_if(one: Mapping[str, Any]) -> bool:
    """Whether a message asks what an order would cost, and places none."""
    return bool(one["message"] == "placeOrder" and one["fields"].get("whatIf") == "1")


class Connection(Struct):
    """One connection of the client; times in microseconds since 1970, None for what did not happen."""

    number: int
    opened_us: int
    ready_us: int | None = None
    """When the gateway told the client its next order id: from then on it can be used."""
    ended_us: int | None = None
    reason: str = ""


class CaseLog:
    """The records of one case (``contracts/files/ibkr_observation.schema.json``).

    Raises ValueError: they do not belong together, with what is wrong and the number of the record.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.records: Sequence[Mapping[str, Any]] = tuple(records)
        self.connections: dict[int, Connection] = {}
        before = 0
        for number, one in enumerate(self.records, 1):
            if one["n"] != number or one["at_us"] < before:
                raise ValueError(f"record {number} is out of order")
            before = one["at_us"]
            self._note(number, one)
        if not self.records:
            raise ValueError("the log is empty")
        first, last = self.records[0], self.records[-1]
        if first["message"] != "session" or first["direction"] != "event":
            raise ValueError("the log does not begin with the event session")
        self.session: Mapping[str, str] = first["fields"]
        if last["message"] != "end" or last["direction"] != "event":
            raise ValueError("the log does not end with the event end")

    def _note(self, number: int, one: Mapping[str, Any]) -> None:
        about = one["connection"]
        if about is None:
            if one["direction"] != "event":
                raise ValueError(f"record {number} is a message of no connection")
            return
        if one["direction"] == "event" and one["message"] == "connected":
            self.connections[about] = Connection(about, one["at_us"])
        elif about not in self.connections:
            raise ValueError(f"record {number} is of a connection that was never opened")
        elif one["direction"] == "event" and one["message"] == "disconnected":
            self.connections[about].ended_us = one["at_us"]
            self.connections[about].reason = one["fields"].get("reason", "")
        elif one["direction"] == "out" and one["message"] == "nextValidId":
            connection = self.connections[about]
            connection.ready_us = connection.ready_us or one["at_us"]

    def sent(self, *names: str) -> Iterator[Mapping[str, Any]]:
        """What the client sent, of these names; everything if none is given."""
        return self._those("in", names)

    def placed(self) -> Iterator[Mapping[str, Any]]:
        """The orders that the client placed; a what-if is a question, not an order."""
        return (one for one in self.sent("placeOrder") if not asks_what_if(one))

    def told(self, *names: str) -> Iterator[Mapping[str, Any]]:
        """What the gateway sent."""
        return self._those("out", names)

    def events(self, *names: str) -> Iterator[Mapping[str, Any]]:
        """What happened besides messages."""
        return self._those("event", names)

    def _those(self, direction: str, names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
        return (
            one
            for one in self.records
            if one["direction"] == direction and (not names or one["message"] in names)
        )

    def told_at(self, symbol: str, statuses: Iterable[str]) -> int | None:
        """Number of the first record that told the client of such a status of an order for the symbol."""
        ids = self.order_ids(symbol)
        wanted = frozenset(statuses)
        for one in self.told("orderStatus"):
            if one["fields"].get("orderId") in ids and one["fields"].get("status") in wanted:
                return int(one["n"])
        return None

    def order_ids(self, symbol: str) -> set[str]:
        """The ids under which orders for the symbol were placed."""
        return {
            one["fields"].get("orderId", "") for one in self.placed() if one["fields"].get("symbol") == symbol
        }

    def orders(self) -> list[Mapping[str, str]]:
        """How every order that the gateway accepted stood in the end."""
        return [one["fields"] for one in self.events("order")]

    def first_error(self, code: int, ids: Container[str] | None = None) -> Mapping[str, Any] | None:
        """The first error of this code that the client was told; of one of these orders, if given."""
        for one in self.told("error"):
            fields = one["fields"]
            if fields.get("code") == str(code) and (ids is None or fields.get("requestId") in ids):
                return one
        return None
