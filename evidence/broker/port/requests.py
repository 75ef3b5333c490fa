"""Questions to the gateway that wait for their answers."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from .model import BrokerProblem

Key = int | str
"""A request's id; a word for requests whose answers have none, of which only one is under way at a time."""


class Requests:
    """What is asked, and the parts of the answers so far."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._open: dict[Key, tuple[asyncio.Future[list[Any]], list[Any]]] = {}
        self._turns: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    def __contains__(self, key: Key) -> bool:
        return key in self._open

    async def ask(self, key: Key, what: str, send: Callable[[], None]) -> list[Any]:
        """The parts of the answer to what ``send`` asks.

        Raises BrokerProblem: an error, no answer in time, or the connection was lost; ``what`` names it.
        """
        async with self._turns[key] if isinstance(key, str) else nullcontext():
            return await self._ask(key, what, send)

    async def _ask(self, key: Key, what: str, send: Callable[[], None]) -> list[Any]:
        future = asyncio.get_running_loop().create_future()
        self._open[key] = (future, [])
        try:
            send()
            async with asyncio.timeout(self._timeout_s):
                found: list[Any] = await future
                return found
        except TimeoutError as error:
            text = f"no answer to the request for {what} within {self._timeout_s:g} s"
            raise BrokerProblem(text, remedy="check that the gateway is connected to the broker") from error
        finally:
            self._open.pop(key, None)

    def part(self, key: Key, item: Any) -> None:
        """A part of an answer."""
        if (found := self._open.get(key)) is not None:
            found[1].append(item)

    def parts(self, key: Key) -> list[Any]:
        """What there is of an answer; nothing where it is not waited for."""
        found = self._open.get(key)
        return [] if found is None else found[1]

    def end(self, key: Key) -> None:
        """An answer is complete."""
        if (found := self._open.get(key)) is not None and not found[0].done():
            found[0].set_result(found[1])

    def fail(self, key: Key, problem: BrokerProblem) -> None:
        """A question will not be answered."""
        if (found := self._open.get(key)) is not None and not found[0].done():
            found[0].set_exception(problem)

    def fail_all(self, reason: str) -> None:
        """None will be answered."""
        for key in list(self._open):
            self.fail(key, BrokerProblem(reason, remedy="wait until it is connected again"))
