"""The simulated gateway on a loopback socket, with the machine's clock."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from typing import Any, cast

from ...base.errors import EnvironmentProblem, InternalError, UsageError
from ..clock import clock_after
from .core import Simulator
from .scenario import Scenario
from .wire import Observation, Output

LOOPBACK = "127.0.0.1"
UNREAD_BYTES = 8 * 1024 * 1024
"""What may wait for a client that does not read; then its connection ends."""
UNREAD_S = 5.0
"""How long a connection that ends waits for the client to read the rest."""


def check_host(host: str) -> str:
    """The address to listen on. Raises UsageError: it is none of the loopback interface."""
    text = LOOPBACK if host == "localhost" else host
    try:
        if ipaddress.ip_address(text).is_loopback:
            return text
    except ValueError:
        pass
    remedy = "give 127.0.0.1, ::1 or localhost: the simulator trusts whoever can connect"
    raise UsageError(f"{host[:80]!r} is no loopback address", remedy=remedy)


class Server:
    """A simulated gateway that listens; make it in a running event loop, and use it with ``async with``.

    Args:
        scenario: what the gateway is like.
        observe: called with each observation, in order, in the event loop's thread.
        host: a loopback address.
        port: 0 takes a free one.

    Entering raises UsageError: the host is not a loopback address; EnvironmentProblem: the port is taken.
    """

    def __init__(
        self,
        scenario: Scenario,
        observe: Callable[[Observation], None],
        *,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        self.host, self.port = check_host(host), port
        self._observe = observe
        self.now = clock_after()
        """The time in microseconds since 1970; it never goes back."""
        self._simulator = Simulator(scenario, self.now())
        self._clients: dict[int, _Client] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets an exception when the simulator cannot go on."""

    async def __aenter__(self) -> Server:
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Client(self), self.host, self.port)
        except OSError as error:
            remedy = "give another --port (0 takes a free one), or another --host, such as 127.0.0.2"
            what = f"cannot listen on {self.host}:{self.port}: {error.strerror}"
            raise EnvironmentProblem(what, remedy=remedy) from error
        self.port = self._server.sockets[0].getsockname()[1]
        try:
            self.deliver(self._simulator.advance(self.now()))
        except BaseException:
            self._server.close()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._server is not None:
            self._server.close()
        self.deliver(self._simulator.stop(self.now()))
        await asyncio.sleep(0)
        if not self.failure.done():
            self.failure.cancel()

    # what clients do

    def connected(self, client: _Client) -> int:
        """A client has connected: its connection's number."""
        number, output = self._simulator.connect(self.now())
        self._clients[number] = client
        self.deliver(output)
        return number

    def received(self, number: int, data: bytes) -> None:
        """Bytes have arrived."""
        self.deliver(self._simulator.receive(number, data, self.now()))

    def lost(self, number: int) -> None:
        """A connection has ended."""
        self._clients.pop(number, None)
        self.deliver(self._simulator.lost(number, self.now()))

    def deliver(self, output: Output) -> None:
        """Log what the simulator saw, write what it gave, and wait for what is due next."""
        # in this order: what a client has been told is in the log
        for observation in output.observations:
            self._observe(observation)
        deaf = set()
        for number, data in output.outgoing:
            client = self._clients.get(number)
            if client is None:
                continue
            if data is None:
                client.end()
            elif client.write(data) > UNREAD_BYTES:
                deaf.add(number)
        for number in deaf:
            self._clients.pop(number).abort()
            self.deliver(self._simulator.lost(number, self.now(), "does not read what it is sent"))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._simulator.next_due()
        if due is not None and self._server is not None and self._server.is_serving():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(due - self.now(), 0) / 1_000_000, self._advance)

    def _advance(self) -> None:
        self._timer = None
        self.guard(lambda: self.deliver(self._simulator.advance(self.now())))

    def guard(self, action: Callable[[], None]) -> None:
        """Do something; an exception ends the session, whoever waits for ``failure`` gets it."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the boundary to the event loop, which would only log it
            if not self.failure.done():
                self.failure.set_exception(_explained(error))


def _explained(error: Exception) -> Exception:
    if isinstance(error, OSError):
        what = f"the observation log cannot be written: {error.strerror}"
        return EnvironmentProblem(what, remedy="free space or choose another path")
    if hasattr(error, "diagnostics"):
        return error
    made = InternalError(f"{type(error).__name__}: {error}", remedy="report it with the observation log")
    made.__cause__ = error
    return made


class _Client(asyncio.Protocol):
    """One accepted connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

        def connect() -> None:
            self._number = self._server.connected(self)

        self._server.guard(connect)

    def data_received(self, data: bytes) -> None:
        self._server.guard(lambda: self._server.received(self._number, data))

    def connection_lost(self, exc: Any) -> None:
        self._server.guard(lambda: self._server.lost(self._number))

    def write(self, data: bytes) -> int:
        """Write; how many bytes wait for the client."""
        if self._transport is None or self._transport.is_closing():
            return 0
        self._transport.write(data)
        return self._transport.get_write_buffer_size()

    def end(self) -> None:
        """Close after what was written, or without it if the client does not read."""
        if self._transport is not None:
            self._transport.close()
            asyncio.get_running_loop().call_later(UNREAD_S, self._transport.abort)

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
