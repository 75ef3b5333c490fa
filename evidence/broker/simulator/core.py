"""The simulated gateway without its socket: bytes and time in, bytes and observations out.

Everything that happens follows from the scenario, its seed and the calls: the same calls give the same log.
Time (microseconds since 1970) comes with every call. ``next_due`` says when to call ``advance``; a test may
jump there, the server waits for it. What clients send is hostile until it was read: malformed messages, too
many connections, messages or halves of messages end in an observation, and at last in a closed connection.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from ..protocol.frames import Malformed, fields_of, versions
from ..protocol.requests import Request, read_request
from . import replies
from .account import Account
from .answers import Answers
from .desk import Desk
from .faults import MESSAGES, Faults
from .scenario import TIME, Fault, Scenario
from .wire import Connection, Output, Wire

LOWEST_VERSION = 157
MOST_CONNECTIONS = 32
"""Connections at a time, as the gateway accepts clients."""
PATIENCE_US = 10_000_000
"""How long a client may take for its greeting and id, or for the rest of a message."""
MOST_MALFORMED = 10
"""Malformed messages after which a connection ends."""

_ORDERS = frozenset({"placeOrder", "cancelOrder", "reqGlobalCancel"})
_NOT_READ_ONLY = _ORDERS | {"reqOpenOrders", "reqAllOpenOrders", "reqAutoOpenOrders", "reqCompletedOrders"}


class Simulator:
    """One session of a simulated gateway, from its start."""

    def __init__(self, scenario: Scenario, now_us: int) -> None:
        self._wire = Wire(scenario, now_us)
        self._account = Account(scenario)
        self._faults = Faults(self._wire)
        self._desk = Desk(self._wire, self._account, self._faults)
        self._answers = Answers(self._wire, self._account, self._desk)
        self._scenario = scenario
        self._started = 0
        self._wire.event(
            "session",
            scenario=scenario.name,
            scenarioSha256=scenario.digest,
            seed=scenario.seed,
            account=scenario.account,
            readOnly=scenario.read_only,
        )
        for move in scenario.moves:
            self._wire.after(move.after_ms * 1000, partial(self._move, move.symbol, move.price))
        for fault in scenario.faults:
            if fault.at == TIME:
                self._wire.after(fault.after_ms * 1000, partial(self._timed, fault))

    def next_due(self) -> int | None:
        """When ``advance`` has something to do; None when it has not."""
        return self._wire.next_due()

    def advance(self, now_us: int) -> Output:
        """Do everything that is due."""
        self._wire.run(now_us)
        return self._wire.take()

    def connect(self, now_us: int) -> tuple[int, Output]:
        """A client connects: the connection's number, from 1."""
        wire = self._wire
        wire.run(now_us)
        wire.opened += 1
        connection = Connection(wire.opened)
        wire.connections[connection.number] = connection
        wire.event("connected", connection)
        if len(wire.connections) > MOST_CONNECTIONS:
            wire.close(connection, f"more than {MOST_CONNECTIONS} connections")
        elif wire.now < wire.refused_until:
            wire.close(connection, "refused by the scenario")
        else:
            self._met(connection, "connected", connection.number)
            wire.after(PATIENCE_US, lambda: self._greeted_in_time(connection))
        return connection.number, wire.take()

    def receive(self, number: int, data: bytes, now_us: int) -> Output:
        """Bytes arrive on a connection; those on a closed one are ignored."""
        wire = self._wire
        wire.run(now_us)
        connection = wire.connections.get(number)
        if connection is None:
            return wire.take()
        try:
            for frame in connection.framer.feed(data):
                connection.waiting_since = None
                self._frame(connection, frame)
                wire.run(now_us)
                if connection.closed:
                    break
        except Malformed as problem:
            wire.event("malformed", connection, reason=str(problem))
            wire.close(connection, "malformed bytes")
        if not connection.framer.unfinished:
            connection.waiting_since = None
        elif connection.waiting_since is None and not connection.closed:
            connection.waiting_since = wire.now
            if not connection.watched:
                connection.watched = True
                wire.after(PATIENCE_US, lambda: self._finished_in_time(connection))
        return wire.take()

    def lost(self, number: int, now_us: int, reason: str = "closed by the client") -> Output:
        """A connection is over for a reason outside of the protocol: its client closed it, or it broke."""
        self._wire.run(now_us)
        if (connection := self._wire.connections.get(number)) is not None:
            self._wire.lost(connection, reason)
        return self._wire.take()

    def stop(self, now_us: int) -> Output:
        """End the session: every connection is closed, and the log says how orders ended."""
        self._wire.run(now_us)
        for connection in list(self._wire.connections.values()):
            self._wire.close(connection, "the simulator stops")
        for order in self._desk.orders.values():
            self._wire.event("order", None, **order.about(), **order.figures())
        executions, filled = len(self._desk.executions), self._desk.filled()
        self._wire.event("end", None, executions=executions, filled=filled, **self._desk.totals())
        return self._wire.take()

    # messages

    def _frame(self, connection: Connection, frame: bytes) -> None:
        if not connection.version:
            self._greet(connection, frame)
            return
        try:
            request = read_request(fields_of(frame), connection.version)
            self._wire.received(connection, request)
            if self._paced(connection):
                self._dispatch(connection, request)
        except Malformed as problem:
            connection.malformed += 1
            self._wire.event("malformed", connection, reason=str(problem))
            text = f"Server error when reading an API client request: {problem}"
            self._wire.error(connection, -1, 320, text)
            if connection.malformed >= MOST_MALFORMED:
                self._wire.close(connection, f"{MOST_MALFORMED} malformed messages")

    def _greet(self, connection: Connection, frame: bytes) -> None:
        lowest, highest = versions(frame)
        version = min(highest, self._scenario.highest_version)
        self._wire.event("greeting", connection, lowest=lowest, highest=highest)
        if version < max(lowest, LOWEST_VERSION):
            self._wire.close(connection, "no protocol version in common")
            return
        connection.version = version
        self._wire.send(connection, replies.hello(version, self._wire.time_text()))

    def _paced(self, connection: Connection) -> bool:
        """Whether a message is within the pace; others are ignored, and too many end the connection."""
        most = self._scenario.messages_per_s
        if most is None:
            return True
        arrivals = connection.arrivals
        while arrivals and self._wire.now - arrivals[0] >= 1_000_000:
            arrivals.popleft()
        if len(arrivals) < most:
            arrivals.append(self._wire.now)
            return True
        connection.violations += 1
        text = f"{MESSAGES[100]}: max={most} rec={most + 1} ({connection.violations})"
        self._wire.error(connection, -1, 100, text)
        if connection.violations >= self._scenario.violations:
            self._wire.close(connection, "too many messages per second")
        return False

    def _dispatch(self, connection: Connection, request: Request) -> None:
        client = connection.client
        if client is None:
            if request.name != "startApi":
                raise Malformed(f"{request.name} before startApi")
            self._start(connection, request.number("clientId"))
        elif self._scenario.read_only and request.name in _NOT_READ_ONLY:
            about = request.number("orderId") if "orderId" in request.fields else -1
            self._wire.error(connection, about, 321, MESSAGES[321])
        elif request.name == "placeOrder":
            self._desk.place(connection, client, request)
        elif request.name == "cancelOrder":
            self._desk.cancel(connection, client, request.number("orderId"))
        elif request.name == "reqGlobalCancel":
            self._desk.cancel_all()
        elif request.name == "unknown":
            asked = int(request.text("requestId") or -1)
            self._wire.error(connection, asked, 505, f"Fatal Error: Unknown message id. : {request.id}")
        elif request.name == "startApi":
            raise Malformed("startApi twice")
        else:
            self._answers.answer(connection, client, request)

    def _start(self, connection: Connection, client: int) -> None:
        wire = self._wire
        if client < 0:
            raise Malformed("startApi: clientId is below zero")
        if wire.of_client(client) is not None:
            wire.error(connection, -1, 326, MESSAGES[326])
            wire.close(connection, f"client id {client} is in use")
            return
        wire.named(connection, client)
        self._started += 1
        delay = self._met(connection, "started", self._started)
        wire.after(delay, lambda: self._welcome(connection, client))

    def _welcome(self, connection: Connection, client: int) -> None:
        wire = self._wire
        wire.send(connection, replies.managed_accounts(self._account.id))
        wire.send(connection, replies.next_valid_id(self._desk.next_id(client)))
        wire.error(connection, -1, 2104, "Market data farm connection is OK:simulated")

    # what comes with time

    def _greeted_in_time(self, connection: Connection) -> None:
        if connection.client is None and not connection.closed:
            self._wire.close(connection, "no greeting and client id in time")

    def _finished_in_time(self, connection: Connection) -> None:
        connection.watched = False
        if connection.waiting_since is None or connection.closed:
            return
        rest = connection.waiting_since + PATIENCE_US - self._wire.now
        if rest <= 0:
            self._wire.close(connection, "a message was not finished in time")
        else:  # another one than when the watch began
            connection.watched = True
            self._wire.after(rest, lambda: self._finished_in_time(connection))

    def _move(self, symbol: str, price: Decimal) -> None:
        self._account.prices[symbol] = price
        self._wire.event("price", symbol=symbol, price=price)
        self._answers.quote(self._wire.ready(), symbol)
        self._desk.price_moved(symbol)

    def _timed(self, fault: Fault) -> None:
        self._wire.event("fault", fault=fault.fault, at=TIME, number=0)
        found = self._wire.connections.values() if fault.fault == "drop" else self._wire.ready()
        for connection in [*found] or [None]:
            self._faults.strike(fault, connection)

    def _met(self, connection: Connection, phase: str, number: int) -> int:
        """Let the faults of a phase of a connection happen: how many microseconds they delay its answer."""
        delay = 0
        for fault in self._faults.meeting(phase, number, connection):
            if fault.fault == "delay":
                delay += fault.delay_ms * 1000
            else:
                self._faults.strike(fault, connection)
        return delay
