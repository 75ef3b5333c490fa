"""The broker port: a gateway of Interactive Brokers through either client library.

``interface`` says what a port does, ``model`` what it speaks of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .interface import Broker, BrokerProblem, Reader
from .model import (
    AccountValue,
    AccountValues,
    ConnectionChanged,
    ConnectionState,
    Event,
    Fill,
    Filled,
    Instrument,
    InstrumentDetails,
    Library,
    OpenOrder,
    OrderChanged,
    OrderIntent,
    OrderReport,
    OrderState,
    OrderTimes,
    OrderType,
    Position,
    Problem,
    Quote,
    Settings,
    Side,
    Traffic,
    WhatIf,
)

__all__ = [
    "AccountValue",
    "AccountValues",
    "Broker",
    "BrokerProblem",
    "ConnectionChanged",
    "ConnectionState",
    "Event",
    "Fill",
    "Filled",
    "Instrument",
    "InstrumentDetails",
    "Library",
    "OpenOrder",
    "OrderChanged",
    "OrderIntent",
    "OrderReport",
    "OrderState",
    "OrderTimes",
    "OrderType",
    "Position",
    "Problem",
    "Quote",
    "Reader",
    "Settings",
    "Side",
    "Traffic",
    "WhatIf",
    "open_broker",
    "open_reader",
]


def open_broker(
    library: Library,
    settings: Settings,
    *,
    clock: Callable[[], int] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Broker:
    """A port that can trade, not yet connected.

    Args:
        library: the client library that speaks to the gateway; never replaced by the other one.
        settings: where to, and how patiently.
        clock: microseconds since 1970; the machine's if None.
        sleep: waits so many seconds before the connection is tried again.

    Raises EnvironmentProblem: the library is not installed, or both are.
    """
    from ..adapters import load
    from .reader import machine_clock
    from .trader import TradingPort

    return TradingPort(load(library), settings, clock=clock or machine_clock(), sleep=sleep)


def open_reader(
    library: Library,
    settings: Settings,
    *,
    clock: Callable[[], int] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Reader:
    """A port that can only look, not yet connected. Arguments and errors are those of ``open_broker``."""
    from ..adapters import load
    from .reader import ReadingPort, machine_clock

    return ReadingPort(load(library), settings, clock=clock or machine_clock(), sleep=sleep)
