"""Lets a client program meet the cases of the suite, one run for each, and keeps what the gateway saw.

The program is the operator's own and runs with the operator's rights and environment; nothing here is a
sandbox. What is guaranteed: it gets a limited time, and when a case is over nothing of it is left, also when
gate itself is killed. Where the system says so, connections to anywhere else are reported, and one to a port
of a gateway ends the program.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from ...base.errors import EnvironmentProblem, masked
from ...process.children import scratch
from ...process.programs import Background, find, not_found
from ..simulator.server import Server
from ..simulator.wire import Observation
from .sockets import GATEWAY_PORTS, LOOK_S, WATCHED, remote_addresses, shown
from .suite import CLIENT_ID, MOST_MESSAGES, MOST_TRIES, Case

MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes that a program may print in one case."""
_LOOK_S = 0.02
_SETTLE_S = 0.3
"""How long the gateway goes on after the program has ended, for what was under way."""
_TAIL = 2000


class Run(Struct):
    """One case as it went.

    ``ended`` is how the program's run ended: ``itself``, ``told to stop``, or what ended it: ``time``,
    ``tries``, ``messages``, ``output``, ``elsewhere`` (a connection to another gateway). ``elsewhere`` lists
    where else it was connected to, ``tail`` is the end of what it printed.
    """

    case: Case
    records: list[Observation] = field(default_factory=list)
    ended: str = "itself"
    exit_code: int | None = None
    duration_us: int = 0
    elsewhere: list[str] = field(default_factory=list)
    tail: str = ""


class _Watch:
    """What happens at the gateway while a program runs."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._messages = self._unheard = 0
        self._working: set[str] = set()
        self.problem: str | None = None
        self.foreign: str | None = None
        """A client id that is not the one which the program was given."""
        self.stop_at: float | None = None

    def observe(self, one: Observation) -> None:
        """Keep the record, and notice when the program has to be ended or told to stop."""
        self._run.records.append(one)
        match one["direction"], one["message"]:
            case "in", _:
                self._messages += 1
                if self._messages > MOST_MESSAGES:
                    self.problem = "messages"
                if one["message"] == "startApi" and one["fields"].get("clientId") != str(CLIENT_ID):
                    self.foreign = self.problem = one["fields"].get("clientId", "")[:20]
            case "event", "connected":
                self._unheard += 1
                if self._unheard > MOST_TRIES:
                    self.problem = "tries"
            case "out", "nextValidId":
                self._unheard = 0
            case "out", "orderStatus" if one["fields"].get("status") == "Submitted":
                self._working.add(one["fields"]["orderId"])
                if self._run.case.told_to_stop and len(self._working) == 2 and self.stop_at is None:
                    self.stop_at = time.monotonic() + 0.2


def check_command(command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> list[str]:
    """The command with the program's path. Raises EnvironmentProblem: there is no such program."""
    program = None if "\0" in command[0] else find(command[0], cwd, environment)
    if program is None:
        what = not_found(masked(command[0][:80]), cwd)
        raise EnvironmentProblem(what, remedy="give the command after --, such as -- python client.py")
    return [str(program.absolute()), *command[1:]]


async def run_case(
    case: Case,
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    host: str,
    port: int,
    seconds: float,
    warn: Callable[[str], None],
) -> Run:
    """Run the program once against the case's gateway, and end everything that it leaves.

    Raises UsageError: the host is not a loopback address; EnvironmentProblem: the port is taken, the program
    cannot be started, or a client with another id than the program's connected; InternalError: the simulator
    broke.
    """
    run = Run(case)
    watch = _Watch(run)
    begin = time.monotonic_ns()
    with scratch("conformance") as folder:
        output = folder / "output"
        async with Server(case.scenario, watch.observe, host=host, port=port) as server:
            variables = {**environment, **case.variables(server.host, server.port)}
            program = Background(command, cwd, variables, output)
            try:
                await _follow(run, watch, program, output, server, seconds, warn)
                run.exit_code = program.code()
            finally:
                run.duration_us = (time.monotonic_ns() - begin) // 1000
                await asyncio.shield(asyncio.to_thread(program.end))
            await asyncio.sleep(_SETTLE_S)
        if watch.foreign is not None:  # what the log has is not of the program alone
            what = f"a client with the id {watch.foreign} connected; the program was given {CLIENT_ID}"
            remedy = "use GATE_IBKR_CLIENT_ID in the driver, or a --port that no other program connects to"
            raise EnvironmentProblem(f"{case.name}: {what}; nothing is written", remedy=remedy)
        with output.open("rb") as stream:
            stream.seek(max(output.stat().st_size - _TAIL, 0))
            run.tail = stream.read(_TAIL).decode(errors="replace")
    return run


async def _follow(
    run: Run,
    watch: _Watch,
    program: Background,
    output: Path,
    server: Server,
    seconds: float,
    warn: Callable[[str], None],
) -> None:
    """Wait for the program's end, or for a reason to end it."""
    deadline = time.monotonic() + seconds
    look = time.monotonic()
    while not program.ended():
        now = time.monotonic()
        if server.failure.done():
            server.failure.result()
        if now >= look and WATCHED:
            look = now + LOOK_S
            _look(run, watch, program.pid, (server.host, server.port), warn)
        if watch.stop_at is not None and now >= watch.stop_at and run.ended == "itself":
            run.ended = "told to stop"
            program.stop()
        if now >= deadline:
            watch.problem = watch.problem or "time"
        elif output.stat().st_size > MOST_OUTPUT:
            watch.problem = watch.problem or "output"
        if watch.problem is not None:
            run.ended = watch.problem
            return
        await asyncio.sleep(_LOOK_S)


def _look(run: Run, watch: _Watch, pid: int, gateway: tuple[str, int], warn: Callable[[str], None]) -> None:
    for address, port in sorted(remote_addresses(pid) - {gateway}):
        name = shown(address, port)
        if name in run.elsewhere or len(run.elsewhere) >= 20:
            continue
        run.elsewhere.append(name)
        warn(f"{run.case.name}: the program is connected to {name}, which is not the simulated gateway")
        if port in GATEWAY_PORTS:
            watch.problem = "elsewhere"
