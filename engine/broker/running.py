"""Runs the work of a command so that Ctrl-C and SIGTERM end it in order; the environment of its programs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from ...evidence.process.stopping import Interrupted, stop_signals

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of the work; its cleaning up is done when a signal ends it.

    Raises Interrupted: a signal did.
    """
    ended: list[int] = []

    async def watched() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task

        def end(number: int) -> None:
            if not ended:  # a second one must not end the cleaning up
                ended.append(number)
                task.cancel()

        with stop_signals(end):
            return await work

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        name = signal.Signals(ended[0]).name if ended else "a signal"
        remedy = "run it again when it may run to its end"
        raise Interrupted(f"ended by {name}; nothing was recorded", remedy=remedy) from None


def inherited() -> dict[str, str]:
    """The environment for a program that the operator names: theirs, without what is meant for gate."""
    return {name: text for name, text in os.environ.items() if not name.startswith("GATE_")}
