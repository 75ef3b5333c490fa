"""Waiting for what has no time limit of its own, or limits on silence only."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, run: Callable[[], T]) -> T:
    """What a function gives. Raises TimeoutError: it takes longer; it is left to itself then."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(run())
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits for it
            future.set_exception(error)

    # time limits of sockets are limits on silence: who sends a byte now and then is never late
    Thread(target=work, daemon=True).start()
    return future.result(seconds)
