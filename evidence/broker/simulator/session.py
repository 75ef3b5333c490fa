"""One session of the simulated gateway from its start until it is told to stop, and its observation log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson
from msgspec import Struct, field

from ...base.errors import EnvironmentProblem, UsageError
from ...base.limits import DEFAULT
from ...process.stopping import stop_signals
from .scenario import Scenario
from .server import Server
from .wire import Observation


def line_of(observation: Observation) -> bytes:
    """The record as a line of the log."""
    return orjson.dumps(observation, option=orjson.OPT_APPEND_NEWLINE)


class Summary(Struct):
    """What happened in a session, counted."""

    scenario: str
    seed: int
    host: str
    port: int
    connections: int = 0
    messages_in: int = 0
    messages_out: int = 0
    faults: int = 0
    malformed: int = 0
    executions: int = 0
    orders: dict[str, int] = field(default_factory=dict)
    """How many orders ended in each status."""
    errors: dict[str, int] = field(default_factory=dict)
    """How often each error code was sent."""

    def add(self, observation: Observation) -> None:
        """Count one observation."""
        name, fields = observation["message"], observation["fields"]
        match observation["direction"], name:
            case "in", _:
                self.messages_in += 1
            case "out", _:
                self.messages_out += 1
                if name == "error":
                    self.errors[fields["code"]] = self.errors.get(fields["code"], 0) + 1
            case _, "connected":
                self.connections += 1
            case _, "fault":
                self.faults += 1
            case _, "malformed":
                self.malformed += 1
            case _, "end":
                self.executions = int(fields["executions"])
                self.orders = {key: int(fields[key]) for key in fields if key not in ("executions", "filled")}


class ObservationLog:
    """The log as a file of JSON Lines, a record per line. It never replaces a file.

    Raises UsageError: the name is taken, or there is no such directory.
    """

    def __init__(self, path: Path) -> None:
        self._bytes = 0
        self._path = path
        try:
            self._stream: IO[bytes] = path.open("xb", buffering=0)  # readers see each record at once
        except OSError as error:
            taken = isinstance(error, FileExistsError)
            why = "there is such a file already" if taken else error.strerror
            remedy = "name a new file in an existing directory"
            what = f"the observation log cannot be created: {why}"
            raise UsageError(what, path=str(path), remedy=remedy) from error

    def write(self, observation: Observation) -> None:
        """Add one record. Raises EnvironmentProblem: the log has reached the size that gate reads."""
        line = line_of(observation)
        self._bytes += len(line)
        if self._bytes > DEFAULT.stream_bytes:
            what = f"the observation log has reached {DEFAULT.stream_bytes} bytes"
            raise EnvironmentProblem(what, path=str(self._path), remedy="use several shorter sessions")
        self._stream.write(line)

    def __enter__(self) -> ObservationLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


async def run_session(
    scenario: Scenario,
    *,
    host: str,
    port: int,
    seconds: float | None,
    log: ObservationLog | None,
    listening: Callable[[str, int], None],
) -> Summary:
    """Simulate until SIGINT or SIGTERM, or for so many seconds; what happened.

    ``listening`` is called with address and port as soon as clients can connect.

    Raises UsageError: the address is not a loopback address; EnvironmentProblem: the port is taken, or the
    log cannot be written; InternalError: the simulator broke.
    """
    summary = Summary(scenario.name, scenario.seed, host, port)

    def observe(observation: Observation) -> None:
        summary.add(observation)
        if log is not None:
            log.write(observation)

    stopped = asyncio.Event()
    with stop_signals(lambda _: stopped.set()):
        async with Server(scenario, observe, host=host, port=port) as server:
            summary.host, summary.port = server.host, server.port
            listening(server.host, server.port)
            waiting: asyncio.Future[Any] = asyncio.ensure_future(stopped.wait())
            failure: asyncio.Future[Any] = server.failure
            done, _ = await asyncio.wait(
                {waiting, failure}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            waiting.cancel()
            for one in done:
                one.result()
    return summary
