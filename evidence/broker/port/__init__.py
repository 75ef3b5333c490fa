"""The broker port: a gateway of Interactive Brokers through either client library.

A ``Reader`` can only look, a ``Broker`` can trade as well; ``model`` has what they speak of. Both are
asynchronous and belong to one event loop. What a broker says later always outranks what was concluded before:
an order in ``TIMEOUT`` or ``ERROR`` that turns out to live or to have been filled is reported as that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .model import *  # noqa: F403 - what the port speaks of is all of that module
from .model import Library, Settings
from .reader import Reader as Reader
from .reader import Sleep
from .trader import Broker as Broker


def open_broker(
    library: Library,
    settings: Settings,
    *,
    clock: Callable[[], int] | None = None,
    sleep: Sleep = asyncio.sleep,
) -> Broker:
    """A port that can trade, not yet connected.

    Args:
        library: the client library that speaks to the gateway; never replaced by the other one.
        settings: where to, and how patiently.
        clock: microseconds since 1970; the machine's if None.
        sleep: waits so many seconds before the connection is tried again.

    Raises UsageError: the library is not installed, or both are.
    """
    from ..adapters.library import LibraryAdapter

    return Broker(LibraryAdapter(library), settings, clock, sleep)


def open_reader(library: Library, settings: Settings, *, sleep: Sleep = asyncio.sleep) -> Reader:
    """A port that can only look, not yet connected. Arguments and errors are those of ``open_broker``."""
    from ..adapters.library import LibraryAdapter

    return Reader(LibraryAdapter(library), settings, None, sleep)
