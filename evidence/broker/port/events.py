"""Subscriptions to what happens: each has a queue of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from .model import Event


class Events:
    """Everybody who wants to know what happens."""

    def __init__(self) -> None:
        self._queues: list[asyncio.Queue[Event | None]] = []

    def subscribe(self) -> AsyncIterator[Event]:
        """Everything from now on, in order; iterating waits for more until ``end``."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._queues.append(queue)
        return _until_end(queue)

    def emit(self, make: Callable[[], Event]) -> None:
        """Tell everybody, if there is anybody."""
        if self._queues:
            event = make()
            for one in self._queues:
                one.put_nowait(event)

    def end(self) -> None:
        """Nothing more will happen."""
        for one in self._queues:
            one.put_nowait(None)
        self._queues.clear()


async def _until_end(queue: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
    while (event := await queue.get()) is not None:
        yield event
