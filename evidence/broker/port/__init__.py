"""The broker port: connect to a gateway of Interactive Brokers through either client library."""

from __future__ import annotations

from collections.abc import Callable

from .interface import Broker, Library, Reader, Settings


def open_broker(library: Library, settings: Settings, *, clock: Callable[[], int] | None = None) -> Broker:
    """A port that can trade, not yet connected.

    Args:
        library: the client library that speaks to the gateway; never replaced by the other one.
        settings: where to, and how patiently.
        clock: microseconds since 1970; the machine's if None.

    Raises EnvironmentProblem: the library is not installed, or both are.
    """
    raise NotImplementedError


def open_reader(library: Library, settings: Settings, *, clock: Callable[[], int] | None = None) -> Reader:
    """A port that can only look, not yet connected. Arguments and errors are those of ``open_broker``."""
    raise NotImplementedError
