"""Subscriptions to what happens: each has a queue of its own."""

from __future__ import annotations

import asyncio
from collections import deque

from .model import Event


class Subscription:
    """What happened since it was made, in order; iterating waits for more until it is ended."""

    def __init__(self) -> None:
        self._queue: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._ended = False

    def add(self, event: Event) -> None:
        """Something happened."""
        self._queue.append(event)
        self._arrived.set()

    def end(self) -> None:
        """Nothing more will happen."""
        self._ended = True
        self._arrived.set()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._queue.popleft()


class Events:
    """Everybody who wants to know what happens."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []

    def __bool__(self) -> bool:
        """Whether anybody does."""
        return bool(self._subscriptions)

    def subscribe(self) -> Subscription:
        """Everything from now on."""
        made = Subscription()
        self._subscriptions.append(made)
        return made

    def emit(self, event: Event) -> None:
        """Tell everybody."""
        for one in self._subscriptions:
            one.add(event)

    def end(self) -> None:
        """Nothing more will happen."""
        for one in self._subscriptions:
            one.end()
        self._subscriptions.clear()
