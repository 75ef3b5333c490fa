"""The broker port against the simulated gateway, both in this process.

These tests run with the client library of the environment: ib_async in the development environment; ib_insync
in one of its own, which ``test_port_libraries.py`` makes. They use nothing of the other conftest files.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from gate.evidence.broker.port import (
    Broker,
    Event,
    Instrument,
    Library,
    OrderIntent,
    OrderReport,
    OrderType,
    Settings,
    Side,
    open_broker,
    open_reader,
)
from gate.evidence.broker.simulator.scenario import parse_scenario
from gate.evidence.broker.simulator.server import Server

LIBRARY = Library(os.environ.get("GATE_TEST_LIBRARY", "ib_async"))
SPY = Instrument("SPY")
FAST = (
    "format: gate.ibkr.scenario/v1\nname: port\nseed: 3\npacing: {messages_per_s: null}\n"
    "latency: {acknowledge: {median_us: 1000}, work: {median_us: 1000}, fill: {median_us: 1000},"
    " cancel: {median_us: 1000}}\n"
)


def intent(name: str, limit: str | None = None, side: Side = Side.BUY, quantity: int = 10) -> OrderIntent:
    """An order for SPY, which trades at 450."""
    kind = OrderType.MKT if limit is None else OrderType.LMT
    price = None if limit is None else Decimal(limit)
    return OrderIntent(name, SPY, side, Decimal(quantity), kind, price)


def brief(report: OrderReport) -> str:
    """What matters in a report, in short."""
    parts = [report.state.value, f"{report.filled}/{report.intent.quantity}"]
    parts += [] if report.average_price is None else [f"at {report.average_price}"]
    parts += [] if report.commission is None else [f"for {report.commission}"]
    parts += [] if report.code is None else [f"code {report.code}"]
    return " ".join([*parts, *(["cancel"] if report.cancel_requested else [])])


@dataclass
class Stage:
    """A simulated gateway, a port that may be connected to it, and what both saw."""

    broker: Any
    server: Server
    log: list[dict[str, Any]]
    waits: list[float]
    events: list[Event] = field(default_factory=list)

    def fields(self, direction: str, *messages: str) -> list[dict[str, str]]:
        """What the simulator saw of these messages."""
        return [
            one["fields"]
            for one in self.log
            if one["direction"] == direction and (not messages or one["message"] in messages)
        ]

    def seen(self, kind: type) -> list[Any]:
        """The events of a kind."""
        return [one for one in self.events if isinstance(one, kind)]

    async def traded(self, order: OrderIntent) -> OrderReport:
        """Place an order and wait for what becomes of it."""
        broker: Broker = self.broker
        await broker.place(order)
        return await asyncio.wait_for(broker.outcome(order.intent_id), 10)


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def stage(
    scenario: str = "", *, connect: bool = True, read: bool = False, **settings: Any
) -> AsyncIterator[Stage]:
    """A gateway of this scenario (YAML), a port, and its events as they come; waits for tries are short."""
    log: list[dict[str, Any]] = []
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(seconds / 40)

    async def listen(stage: Stage, events: AsyncIterator[Event]) -> None:
        async for event in events:
            stage.events.append(event)

    async with Server(parse_scenario((FAST + scenario).encode(), "scenario.yaml"), log.append) as server:
        chosen = {"port": server.port, "client_id": 7, "messages_per_s": None} | settings
        port = (open_reader if read else open_broker)(LIBRARY, Settings(**chosen), sleep=sleep)
        made = Stage(port, server, log, waits)
        listening = asyncio.ensure_future(listen(made, port.events()))
        try:
            if connect:
                await port.connect()
            yield made
        finally:
            await port.close()
            await listening
            await asyncio.sleep(0.01)


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a test's coroutine, for a minute at most, and fails if anything was left to the event loop."""

    def played(test: Coroutine[Any, Any, Any]) -> Any:
        failures: list[dict[str, Any]] = []

        async def limited() -> Any:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
            return await asyncio.wait_for(test, 60)

        found = asyncio.run(limited())
        assert failures == []
        return found

    return played
