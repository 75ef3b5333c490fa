"""What the program does just now: log lines for ``--verbose``, and the step that a progress line shows.

Importing :mod:`logging` takes about as long as judging, so nothing here does; whoever wants logs imports it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

Listener = Callable[[str], None]

_listeners: list[Listener] = []


class Log:
    """The logger of a module. Silent, and free, while nobody has imported :mod:`logging`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def info(self, message: str, *values: object) -> None:
        """Log at INFO; the values fill the message's ``%`` places."""
        logging = sys.modules.get("logging")
        if logging is not None:
            logging.getLogger(self._name).info(message, *values)


def listen(listener: Listener | None) -> None:
    """Have this function called with every step from now on; None for no one."""
    _listeners[:] = [] if listener is None else [listener]


def step(text: str) -> None:
    """Tell whoever listens what begins now: ``collecting … 3 of 18: coverage``."""
    for listener in _listeners:
        listener(text)
