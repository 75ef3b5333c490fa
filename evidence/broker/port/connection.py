"""The states of a connection: how often and when it is tried, and what becomes of it when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from .codes import CLIENT_ID_TAKEN
from .model import BrokerProblem, ConnectionState, Settings

State = ConnectionState
_UP = (State.CONNECTED, State.IMPAIRED)


class Connection:
    """One connection that is established, watched, and established again.

    Args:
        settings: how many tries, how long each may take, how long to wait before them.
        establish: makes one try, to the end; raises BrokerProblem or is cancelled when it takes too long.
        abandon: ends whatever there is of a connection.
        changed: called with state, number of the try and reason at each change.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        settings: Settings,
        establish: Callable[[], Awaitable[None]],
        abandon: Callable[[], None],
        changed: Callable[[State, int, str], None],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._establish, self._abandon = establish, abandon
        self._changed, self._sleep = changed, sleep
        self._again: asyncio.Task[None] | None = None
        self._lost_while_trying = ""
        self._impaired = ""
        self._turn = asyncio.Lock()
        self.state = State.DISCONNECTED
        self.reason = ""
        """Why it is in this state."""

    def _be(self, state: State, attempt: int = 0, reason: str = "") -> None:
        before, self.state, self.reason = self.state, state, reason
        if state is not before or attempt:
            self._changed(state, attempt, reason)

    async def connect(self) -> None:
        """Establish it, unless it is. Raises BrokerProblem: every try was in vain, or none can succeed."""
        async with self._turn:
            if self.state not in _UP:
                await self._stop()
                waits = (0.0, *self._settings.waits_s)
                await self._try(State.CONNECTING, waits, give_up=lambda e: e.code == CLIENT_ID_TAKEN)

    async def _try(
        self, state: State, waits: tuple[float, ...], *, give_up: Callable[[BrokerProblem], bool]
    ) -> None:
        problem = BrokerProblem("no try to connect is allowed", remedy="allow one or more")
        for attempt in range(1, self._settings.tries + 1):
            if wait := waits[min(attempt, len(waits)) - 1] if waits else 0:
                await self._sleep(wait)
            self._be(state, attempt, "" if attempt == 1 else problem.what)
            self._lost_while_trying = self._impaired = ""
            try:
                async with asyncio.timeout(self._settings.try_timeout_s):
                    await self._establish()
                if not self._lost_while_trying:
                    self._be(State.CONNECTED, attempt)
                    if self._impaired:
                        self._be(State.IMPAIRED, reason=self._impaired)
                    return
                problem = BrokerProblem(self._lost_while_trying, remedy="check the gateway")
            except TimeoutError:
                seconds = self._settings.try_timeout_s
                what = f"{self._settings.host}:{self._settings.port} did not answer within {seconds:g} s"
                problem = BrokerProblem(what, remedy="check that a gateway with its API enabled runs there")
            except BrokerProblem as error:
                problem = error
            except BaseException:
                self._abandon()
                self._be(State.DISCONNECTED, reason="connecting was interrupted")
                raise
            self._abandon()
            if problem.permanent or give_up(problem):
                break
        self._be(State.FAILED, reason=problem.what)
        raise problem

    def lost(self, reason: str) -> None:
        """It broke: try again where that is wanted."""
        if self.state not in _UP:
            self._lost_while_trying = reason
            return
        if not self._settings.reconnect:
            self._be(State.DISCONNECTED, reason=reason)
            return
        self._be(State.RECONNECTING, reason=reason)
        self._again = asyncio.get_running_loop().create_task(self._reconnect())

    async def _reconnect(self) -> None:
        with suppress(BrokerProblem):  # told by the state
            await self._try(State.RECONNECTING, self._settings.waits_s, give_up=lambda _: False)

    def impaired(self, reason: str) -> None:
        """The gateway has lost the broker."""
        self._impaired = reason
        if self.state is State.CONNECTED:
            self._be(State.IMPAIRED, reason=reason)

    def restored(self, reason: str) -> bool:
        """The gateway has the broker again; whether it had lost it."""
        self._impaired = ""
        if self.state is not State.IMPAIRED:
            return False
        self._be(State.CONNECTED, reason=reason)
        return True

    async def _stop(self) -> None:
        task, self._again = self._again, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})

    async def disconnect(self) -> None:
        """End it, and every try to establish it."""
        await self._stop()
        self._be(State.DISCONNECTED, reason="disconnected")
        self._abandon()
