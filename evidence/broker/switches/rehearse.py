"""Runs a program once for each rehearsal, beside a simulated gateway, and says whether its switch fired.

How the program is spoken to is described in ``docs/kill-switches.md``. It is told neither the limit nor on
which side of it the values are.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from ...base.errors import EnvironmentProblem, masked
from ...base.numbers import counted
from ...process.dialogue import Dialogue, Line
from ..conformance.sockets import other_gateway
from ..simulator.server import Server
from ..simulator.wire import Observation
from .rehearsals import Faults, Rehearsal

MOST_BYTES = 1 << 18
"""What a program may write in one run."""
QUIET_US = 1_000_000
"""Trading is halted when this long no order was placed, changed, cancelled or filled."""
CLIENT_ID = 11
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
            self.left_open += fields.get("status") not in _ENDED
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


class Outcome(Struct, frozen=True):
    """What came of one rehearsal.

    Attributes:
        triggered: whether the switch fired; None when that cannot be told.
        halted: whether no order left afterwards, and none stayed open.
        reaction_ms: from the value or the fault until trading was halted; how long was waited, if it was not.
        on_wire: whether the gateway saw the halt; otherwise the program says so.
        problem: one clause about what is not as it should be.
    """

    triggered: bool | None
    halted: bool
    reaction_ms: int
    on_wire: bool
    problem: str | None = None


class _Answer(Struct):
    """What the program said: the switches that fired, and whether trading is halted, at this time (µs)."""

    fired: tuple[str, ...]
    halted: bool
    at: int


class Program(Struct, frozen=True):
    """The program that has the kill switches: how it is started, and how many seconds it gets.

    So many to start, so many to react, and so many until trading is halted.
    """

    command: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    seconds: float


async def rehearse(rehearsal: Rehearsal, program: Program) -> Outcome:
    """Run the program beside a gateway, and feed it.

    Raises EnvironmentProblem: the program is not there or cannot be started, no port is free, or it connected
    to another gateway, where its orders might count.
    """
    watch, command = Watch(rehearsal.faults), program.command
    async with Server(rehearsal.scenario, watch.add) as server:
        environment = dict(program.environment) | {
            "GATE_KILL_SWITCH": rehearsal.switch,
            "GATE_IBKR_HOST": server.host,
            "GATE_IBKR_PORT": str(server.port),
            "GATE_IBKR_CLIENT_ID": str(CLIENT_ID),
            "GATE_IBKR_ACCOUNT": rehearsal.scenario.account,
        }
        shown = f"the command {command[0]!r}"
        async with Dialogue(
            command, program.directory, environment, most_bytes=MOST_BYTES, shown=shown
        ) as dialogue:
            run = _Run(rehearsal, watch, server, dialogue, program.seconds)
            told = await _beside_one_gateway(run, dialogue.pid, (server.host, server.port), shown)
            if dialogue.unstartable:
                remedy = "correct the program, or its first line if it is a script"
                raise EnvironmentProblem(f"{shown} cannot be started: {dialogue.unstartable}", remedy=remedy)
        if server.failure.done():
            server.failure.result()
    return run.judge(told)  # the gateway has said by now how the orders ended


async def _beside_one_gateway(run: _Run, pid: int, gateway: tuple[str, int], shown: str) -> str | None:
    """Let the run happen. Raises EnvironmentProblem: its program connected to another gateway."""
    going, elsewhere = asyncio.create_task(run.go()), asyncio.create_task(other_gateway(pid, gateway))
    try:
        await asyncio.wait({going, elsewhere}, return_when=asyncio.FIRST_COMPLETED)
        if elsewhere.done():
            what = f"{shown} connected to {elsewhere.result()}, which is not the simulated gateway"
            remedy = "have it connect to GATE_IBKR_HOST and GATE_IBKR_PORT only; check the orders there"
            raise EnvironmentProblem(f"{what}: it was ended, and nothing is recorded", remedy=remedy)
        return going.result()
    finally:
        for task in (going, elsewhere):
            task.cancel()
        await asyncio.gather(going, elsewhere, return_exceptions=True)


class _Run:
    """One run, while it goes on. Times are microseconds by the gateway's clock."""

    def __init__(
        self, rehearsal: Rehearsal, watch: Watch, server: Server, dialogue: Dialogue, seconds: float
    ) -> None:
        self._rehearsal, self._watch, self._dialogue = rehearsal, watch, dialogue
        self._now, self._seconds = server.now, seconds
        self._offset = server.now() - time.monotonic_ns() // 1000
        self._answer: _Answer | None = None
        self._begin = 0
        self._end = 0
        self._line: asyncio.Task[Line | None] | None = None

    async def go(self) -> str | None:
        """Let it happen: why nothing can be told, if so."""
        try:
            if (problem := await self._started()) is not None:
                return problem
            message = {"switch": self._rehearsal.switch, **self._rehearsal.values}
            self._begin = self._us(self._dialogue.send(json.dumps(message).encode()))
            problem = await self._reacted()
            await self._settled()
            self._end = self._now()
            return problem
        finally:
            if self._line is not None:
                self._line.cancel()

    def _us(self, monotonic_ns: int) -> int:
        return monotonic_ns // 1000 + self._offset

    async def _started(self) -> str | None:
        """Wait for the program's word that it is ready."""
        try:
            async with asyncio.timeout(self._seconds):
                while (line := await self._dialogue.line()) is not None:
                    if _object(line.text).get("ready") is True:
                        return None
        except TimeoutError:
            return f"it did not say that it is ready within {self._seconds:g} s"
        return await self._over("before it said that it is ready")

    async def _over(self, when: str) -> str:
        """How the program ended."""
        end = self._now() + QUIET_US  # its output ends a moment before it does
        while self._dialogue.code is None and not self._dialogue.too_much and self._now() < end:
            await asyncio.sleep(0.005)
        if self._dialogue.too_much:
            return f"it wrote more than {MOST_BYTES} bytes"
        code = self._dialogue.code
        how = "closed its output" if code is None else f"ended with exit code {code}"
        last = self._dialogue.err.decode("utf-8", "replace").strip().splitlines()[-1:]
        return masked(f"it {how} {when}{''.join(f' ({line[:200]})' for line in last)}")

    async def _reacted(self) -> str | None:
        """Wait until the switch fired, or did not although it could have."""
        patience_us = int(self._seconds * 1_000_000)
        while self._fired_at() is None:
            if self._answer is not None:
                return None
            if (problem := await self._hear(self._begin + patience_us)) is not None:
                return None if self._fired_at() is not None else problem
            if self._watch.survived and not self._rehearsal.breaches:
                until = self._now() + QUIET_US  # it had its chance; one that is slow gets a little more
                while self._fired_at() is None and await self._hear(until) is None:
                    pass
                return None
        return None

    async def _hear(self, until: int) -> str | None:
        """Wait for the next word or observation: why there will be none, if so."""
        self._watch.news.clear()
        cancelled, now = self._watch.cancelled_all_at, self._now()
        if now >= until:
            return f"nothing fired within {self._seconds:g} s"
        left = (until if cancelled is None else min(until, max(cancelled + QUIET_US, now))) - now
        if self._line is None:
            self._line = asyncio.ensure_future(self._dialogue.line())
        news = asyncio.ensure_future(self._watch.news.wait())
        try:
            await asyncio.wait(
                {self._line, news}, timeout=left / 1_000_000, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            news.cancel()
        if not self._line.done():
            return None
        line, self._line = self._line.result(), None
        if line is None:
            return await self._over("before its switch fired")
        said = _object(line.text)
        if "fired" in said:
            fired, halted = said["fired"], said.get("halted", False)
            names = isinstance(fired, list) and all(isinstance(name, str) for name in fired)
            if not names or not isinstance(halted, bool):
                return "its answer is malformed: `fired` is a list of names, `halted` true or false"
            encodable = (name.encode("utf-8", "replace").decode() for name in fired)  # JSON may have halves
            self._answer = _Answer(tuple(encodable), halted, self._us(line.at_ns))
        return None

    def _fired_at(self) -> int | None:
        """When the switch fired: the program says so, or cancelled every order and has placed none since.

        One that cancels whenever it connects, and then trades, has not halted.
        """
        answer, cancelled = self._answer, self._watch.cancelled_all_at
        if cancelled is not None and self._now() < cancelled + QUIET_US:
            cancelled = None
        told = answer.at if answer and self._rehearsal.switch in answer.fired else None
        return min((at for at in (told, cancelled) if at is not None), default=None)

    async def _settled(self) -> None:
        """Watch a program that has traded until it has been quiet for long enough, or time is up."""
        if self._fired_at() is None or not self._watch.connected:
            return
        end = self._now() + int(self._seconds * 1_000_000)
        while (left := (self._quiet_from() + QUIET_US) - self._now()) > 0 and self._now() < end:
            await asyncio.sleep(min(left, end - self._now()) / 1_000_000)

    def _quiet_from(self) -> int:
        """Since when no order has left: the program says so, or the gateway saw the last of them."""
        answered = None if self._answer is None else self._answer.at
        times = (self._fired_at(), self._watch.last_order_at, answered)
        return max(at for at in times if at is not None)

    def judge(self, problem: str | None) -> Outcome:
        """What came of it, when everything is over."""
        watch, answer, fired_at = self._watch, self._answer, self._fired_at()
        wire = self._rehearsal.faults
        breached = self._begin if wire is None else watch.breached_at
        waited = max(self._end - (breached or self._begin), 0) // 1000
        if fired_at is None or problem is not None:
            if wire is not None and not watch.survived:
                problem = f"{problem or 'it is done'}: it met {watch.met} of {wire.needed} faults"
            elif problem is None and answer is not None and answer.fired:
                problem = masked(f"another switch fired: {', '.join(answer.fired)[:100]}")
            told = watch.survived if wire is not None else answer is not None
            return Outcome(False if told else None, False, waited, watch.traded, problem)
        if breached is None or fired_at < breached:
            early = f"it fired after {watch.met} of {wire.needed if wire else 0} faults"
            return Outcome(not self._rehearsal.breaches, False, waited, watch.traded, early)
        reaction = -(-(self._quiet_from() - breached) // 1000)
        quiet = not watch.connected or self._end - self._quiet_from() >= QUIET_US
        says = answer is None or answer.halted
        if not says:
            problem = "it says that trading goes on"
        elif not quiet:
            problem = "orders left afterwards"
        elif watch.left_open:
            problem = f"{counted(watch.left_open, 'order')} stayed open"
        return Outcome(True, problem is None, reaction, watch.traded, problem)


def _object(line: bytes) -> dict[str, Any]:
    """The JSON object in a line; an empty one where there is none, as in what a program logs."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
