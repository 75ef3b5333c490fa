"""Connections, logical time and the observation log: what the parts of the simulated gateway share.

Nothing here reads a clock, a socket or a source of chance. Time is a number of microseconds since 1970 that
comes with every call; steps that lie in the future wait in a queue, in the order of their time and, at equal
times, of their making.
"""

from __future__ import annotations

import functools
import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from statistics import NormalDist
from typing import Any, NamedTuple

from msgspec import Struct, field

from ...base.errors import masked
from ..protocol.frames import Framer
from ..protocol.requests import Request
from . import replies
from .replies import Reply, Value
from .scenario import Fault, Latency, Scenario

Observation = dict[str, Any]
"""One record of the observation log, ``contracts/files/ibkr_observation.schema.json``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NORMAL = NormalDist()
_HIGHEST = _NORMAL.inv_cdf(0.99)
_SHOWN = 500
_SHORTEST = 6
"""Characters of the shortest account number: masking every shorter field would take most of the time."""
_ECHOES = frozenset({5, 11, 101})
"""Messages that repeat what a client said about an order."""


@functools.lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y%m%d %H:%M:%S UTC")


class Outgoing(NamedTuple):
    """Bytes for one connection; None closes it."""

    connection: int
    data: bytes | None


class Output(NamedTuple):
    """What a step of the simulator gave: bytes to write, in their order, and observations."""

    outgoing: list[Outgoing]
    observations: list[Observation]


class Connection(Struct, eq=False):
    """One client's connection, from its first byte to its last."""

    number: int
    framer: Framer = field(default_factory=Framer)
    version: int = 0
    """The protocol version agreed on; 0 before the greeting."""
    client: int | None = None
    closed: bool = False
    arrivals: deque[int] = field(default_factory=deque)
    violations: int = 0
    malformed: int = 0
    waiting_since: int | None = None
    """When the first byte of an unfinished message came."""
    watched: bool = False
    positions: bool = False
    account_updates: bool = False
    data: dict[int, str] = field(default_factory=dict)
    """Subscriptions to market data: request id → symbol."""


class Wire:
    """The connections of one session, its queue of steps and its log."""

    def __init__(self, scenario: Scenario, now_us: int) -> None:
        self.scenario = scenario
        self.now = now_us
        self.connections: dict[int, Connection] = {}
        self._clients: dict[int, Connection] = {}
        self.opened = 0
        self.refused_until = 0
        self.outage = False
        self._held: list[Callable[[], None]] = []
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._steps = 0
        self._records = 0
        self._output = Output([], [])

    # time

    def after(self, delay_us: int, step: Callable[[], None]) -> None:
        """Take a step this much later."""
        self._steps += 1
        heapq.heappush(self._queue, (self.now + delay_us, self._steps, step))

    def after_at_broker(self, delay_us: int, step: Callable[[], None]) -> None:
        """As ``after``, for what the broker does: it waits while the gateway has no connection to it."""
        self.after(delay_us, lambda: self._held.append(step) if self.outage else step())

    def next_due(self) -> int | None:
        """When the next step is due; None when none waits."""
        return self._queue[0][0] if self._queue else None

    def run(self, now_us: int) -> None:
        """Take every step that is due, and let it be this time. Time never goes back."""
        self.now = max(self.now, now_us)
        while self._queue and self._queue[0][0] <= self.now:
            heapq.heappop(self._queue)[2]()

    def time_text(self) -> str:
        """The time as the gateway writes it."""
        return _second(self.now // 1_000_000)

    def draw(self, *what: object) -> float:
        """A number from 0 to 1 for this seed and these words; the same ones give the same number."""
        text = "/".join(map(str, (self.scenario.seed, *what))).encode()
        return (int.from_bytes(blake2b(text, digest_size=7).digest()) + 0.5) / 2**56

    def latency(self, latency: Latency, *what: object) -> int:
        """How long a step takes this time, in microseconds."""
        if latency.p99_us is None or latency.p99_us == latency.median_us:
            return latency.median_us
        spread: float = (latency.p99_us / latency.median_us) ** (_NORMAL.inv_cdf(self.draw(*what)) / _HIGHEST)
        return min(round(latency.median_us * spread), 10 * latency.p99_us)

    # connections

    def ready(self) -> Iterator[Connection]:
        """The connections whose clients have given their ids."""
        return iter(list(self._clients.values()))

    def of_client(self, client: int) -> Connection | None:
        """The connection of a client; None when it has none."""
        return self._clients.get(client)

    def named(self, connection: Connection, client: int) -> None:
        """A client has given its id, which no other connection has."""
        connection.client = client
        self._clients[client] = connection

    def send(self, connection: Connection | None, reply: Reply) -> None:
        """Send a message, unless the client has gone."""
        if connection is None or connection.closed:
            return
        self._output.outgoing.append(Outgoing(connection.number, reply.frame))
        if reply.id in _ECHOES:
            fields = self._hidden(reply.fields)
        else:
            fields = {name: text for name, text in reply.fields.items() if text}
        self._record(connection, "out", reply.name, reply.id, fields)

    def error(self, connection: Connection | None, request: int, code: int, message: str) -> None:
        """Send an error, warning or notice."""
        if connection is not None:
            self.send(connection, replies.error(request, code, message, connection.version))

    def close(self, connection: Connection, reason: str) -> None:
        """End a connection."""
        if not connection.closed:
            self._output.outgoing.append(Outgoing(connection.number, None))
            self.lost(connection, reason)

    def lost(self, connection: Connection, reason: str) -> None:
        """A connection has ended."""
        if not connection.closed:
            connection.closed = True
            self.connections.pop(connection.number, None)
            if connection.client is not None:
                self._clients.pop(connection.client, None)
            self.event("disconnected", connection, reason=reason)

    def begin_outage(self, fault: Fault) -> None:
        """Lose the connection to the broker for a while; error 1100, then 1102 or, with data lost, 1101."""
        if self.outage:
            return
        self.outage = True
        self.event("outage", None, outage_ms=fault.outage_ms, data=fault.data)
        text = "Connectivity between IBKR and Trader Workstation has been lost."
        for connection in self.ready():
            self.error(connection, -1, 1100, text)
        self.after(fault.outage_ms * 1000, lambda: self._end_outage(fault.data == "kept"))

    def _end_outage(self, data_kept: bool) -> None:
        self.outage = False
        code, state = (1102, "maintained") if data_kept else (1101, "lost")
        text = f"Connectivity between IBKR and Trader Workstation has been restored - data {state}."
        for connection in self.ready():
            if not data_kept:
                connection.data.clear()
            self.error(connection, -1, code, text)
        held, self._held = self._held, []
        for step in held:
            step()

    # the log

    def received(self, connection: Connection, request: Request) -> None:
        """Log a message of a client."""
        self._record(connection, "in", request.name, request.id, self._hidden(request.fields))

    def _hidden(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Fields with words of a client: shortened, and no account number but the simulator's own in full."""
        own = self.scenario.account
        return {
            name: text if len(text) < _SHORTEST or text == own else masked(text[:_SHOWN])
            for name, text in fields.items()
            if text
        }

    def event(self, name: str, connection: Connection | None = None, **fields: Value) -> None:
        """Log something that is no message."""
        self._record(connection, "event", name, None, replies.texts(fields))

    def _record(
        self,
        connection: Connection | None,
        direction: str,
        name: str,
        number: int | None,
        fields: dict[str, str],
    ) -> None:
        self._records += 1
        self._output.observations.append(
            {
                "n": self._records,
                "at_us": self.now,
                "connection": None if connection is None else connection.number,
                "client": None if connection is None else connection.client,
                "direction": direction,
                "message": name,
                "id": number,
                "fields": fields,
            }
        )

    def take(self) -> Output:
        """What has come together since the last call."""
        taken, self._output = self._output, Output([], [])
        return taken
