"""Ctrl-C and SIGTERM for work that has something to put in order before it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ..base.errors import EnvironmentProblem

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(EnvironmentProblem):
    """The command was told to stop before its end; what it had begun was put in order."""

    title = "interrupted"


@contextmanager
def stop_signals(stop: Callable[[int], object]) -> Iterator[None]:
    """Call ``stop`` with the signal's number while the running event loop does its work."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread
            loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in _SIGNALS:
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)
