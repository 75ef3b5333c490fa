"""A client of the simulated gateway without sockets, and a clock that jumps to whatever is due next."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from gate.evidence.broker.simulator.core import Simulator
from gate.evidence.broker.simulator.scenario import parse_scenario
from gate.evidence.broker.simulator.wire import Output

START_US = 1_764_201_600_000_000
ORDER = {
    "orderId": 1,
    "symbol": "SPY",
    "secType": "STK",
    "exchange": "SMART",
    "currency": "USD",
    "action": "BUY",
    "totalQuantity": 10,
    "orderType": "MKT",
    "transmit": 1,
    "deltaNeutralContract": 0,
}
_CONTRACT = [
    *("conId", "symbol", "secType", "lastTradeDate", "strike", "right", "multiplier", "exchange"),
    *("primaryExchange", "currency", "localSymbol", "tradingClass"),
]
_ORDER = [
    *("orderId", *_CONTRACT, "secIdType", "secId", "action", "totalQuantity", "orderType", "lmtPrice"),
    *("auxPrice", "tif", "ocaGroup", "account", "openClose", "origin", "orderRef", "transmit", "parentId"),
    *("blockOrder", "sweepToFill", "displaySize", "triggerMethod", "outsideRth", "hidden"),
    *map(str, range(7 + 24 + 7 + 4 + 4)),  # what the simulator does not look at
    *("deltaNeutralContract", "algoStrategy", "algoId", "whatIf", "a", "b", "c", "d"),
]
"""Fields of placeOrder from version 177 on, as ``ib_async`` sends them up to ``randomizePrice``."""


def frame(*fields: object) -> bytes:
    """A message of a client."""
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


def order(**fields: object) -> bytes:
    """A placeOrder message: a market order for 10 SPY but for these fields."""
    values = ORDER | fields
    return frame(3, *(values.get(name, "") for name in _ORDER))


class Session:
    """A simulator, its log, and clients that speak to it at times of this session's own."""

    frame = staticmethod(frame)
    order = staticmethod(order)

    def __init__(self, scenario: str) -> None:
        text = f"format: gate.ibkr.scenario/v1\nname: test\n{scenario}"
        self.now = START_US
        self.simulator = Simulator(parse_scenario(text.encode(), "scenario.yaml"), self.now)
        self.log: list[dict[str, Any]] = []
        self.sent: dict[int, list[bytes]] = {}
        self.run(0)

    def _keep(self, output: Output) -> None:
        self.log += output.observations
        for number, data in output.outgoing:
            if data is not None:
                self.sent.setdefault(number, []).append(data)

    def run(self, milliseconds: float | None = None) -> None:
        """Let this time pass, or everything happen that is due within half a second after the last step."""
        end = None if milliseconds is None else self.now + round(milliseconds * 1000)
        while (due := self.simulator.next_due()) is not None:
            if due > (self.now + 500_000 if end is None else end):
                break
            self.now = max(self.now, due)
            self._keep(self.simulator.advance(self.now))
        if end is not None:
            self.now = end
            self._keep(self.simulator.advance(end))

    def open(self, *data: bytes) -> int:
        """A connection, and the bytes that it sends at once: its number."""
        number, output = self.simulator.connect(self.now)
        self._keep(output)
        for one in data:
            self.send(number, one)
        return number

    def client(self, client: int = 7, versions: bytes = b"v157..178") -> int:
        """A client that has connected and given its id: its connection's number."""
        greeting = b"API\0" + struct.pack(">I", len(versions)) + versions
        number = self.open(greeting, frame(71, 2, client, ""))
        self.run(0)
        return number

    def send(self, number: int, *messages: bytes) -> None:
        """Send messages, without time passing."""
        for message in messages:
            self._keep(self.simulator.receive(number, message, self.now))

    def stop(self) -> None:
        """End the session."""
        self._keep(self.simulator.stop(self.now))

    def out(self, *names: str, since: int = 0) -> list[dict[str, str]]:
        """The fields of the messages to clients that have these names, in order."""
        return [
            one["fields"] for one in self.log[since:] if one["direction"] == "out" and one["message"] in names
        ]

    def statuses(self, order_id: int = 1) -> list[str]:
        """Each status that a client was told of an order, with the quantity filled, without repetitions."""
        told = [
            f"{one['status']} {one['filled']}"
            for one in self.out("orderStatus")
            if one["orderId"] == str(order_id)
        ]
        return [one for one, _ in itertools.groupby(told)]

    def codes(self) -> list[int]:
        """The error codes that were sent, in order, but for notices."""
        return [int(one["code"]) for one in self.out("error") if one["code"] != "2104"]

    def events(self, *names: str) -> list[dict[str, str]]:
        """The fields of the events of these names."""
        return [one["fields"] for one in self.log if one["direction"] == "event" and one["message"] in names]


def lines(log: Iterable[dict[str, Any]], *, since_us: int = START_US) -> list[str]:
    """A log in short lines, for people: milliseconds, connection, direction, message, what matters in it."""
    shown = (
        "orderId",
        "requestId",
        "status",
        "filled",
        "code",
        "shares",
        "price",
        "reason",
        "fault",
        "outage_ms",
    )
    found = []
    for one in log:
        values = " ".join(one["fields"][name] for name in shown if name in one["fields"])
        sign = {"in": ">", "out": "<", "event": "*"}[one["direction"]]
        place = f"{(one['at_us'] - since_us) / 1000:9.3f} {one['connection'] or '-'}"
        found.append(f"{place} {sign} {one['message']} {values}".rstrip())
    return found


@pytest.fixture
def session() -> Callable[..., Session]:
    """A factory of sessions from the settings of a scenario (YAML)."""
    return lambda scenario="": Session(scenario)


@pytest.fixture
def show() -> Callable[..., list[str]]:
    """A log as short lines."""
    return lines
