"""What the broker port costs: round trips of orders through it beside those of the bare client library.

The simulator is a program of its own, without delays and limits. The library's own client and the port take
turns in this process, block by block, each order from its placing to the report of its commission, one at a
time; so both have the same machine at the same time. What there is before a block is frozen for the garbage
collector, as before a session. The limits hold for the port: 1.3 times the library's round trip, and twice
its p99.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from gate.evidence.broker.port import Instrument, Library, OrderIntent, Settings, Side, open_broker

Trade = Callable[[int], Awaitable[None]]
BLOCKS, ORDERS = 10, 250
MOST_OVERHEAD = 1.3
MOST_TAIL = 2.0
SCENARIO = """\
format: gate.ibkr.scenario/v1
name: benchmark
pacing: {messages_per_s: null}
latency: {acknowledge: {median_us: 0}, work: {median_us: 0}, fill: {median_us: 0}}
"""


@asynccontextmanager
async def bare(library: Any, port: int, client_id: int) -> AsyncIterator[Trade]:
    """How the library's client trades, while it is connected."""
    client = library.IB()
    client.client.MaxRequests = 0
    await client.connectAsync("127.0.0.1", port, clientId=client_id, timeout=30)
    contract = library.Stock("SPY", "SMART", "USD")

    async def trade(number: int) -> None:
        done = asyncio.get_running_loop().create_future()
        order = library.MarketOrder("BUY" if number % 2 else "SELL", 10, orderRef=f"b{number}")
        made = client.placeOrder(contract, order)
        made.commissionReportEvent += lambda *_: done.set_result(None)
        await done
        assert made.orderStatus.status == "Filled"

    yield trade
    client.disconnect()


@asynccontextmanager
async def ported(library: Library, port: int, client_id: int) -> AsyncIterator[Trade]:
    """How the port trades, while it is connected and somebody listens to its events, as a session does."""
    instrument = Instrument("SPY")
    broker = open_broker(library, Settings(port, client_id, messages_per_s=None))
    events = broker.events()

    async def listen() -> None:
        async for _ in events:
            pass

    async def trade(number: int) -> None:
        side = Side.BUY if number % 2 else Side.SELL
        intent = OrderIntent(f"p{number}", instrument, side, Decimal(10))
        await broker.place(intent)
        assert (await broker.outcome(intent.intent_id)).commission

    listening = asyncio.ensure_future(listen())
    async with broker:
        yield trade
    await listening


async def block(trade: Trade, first: int) -> tuple[list[float], float]:
    """Seconds for each order of a block, and seconds of work of this process for one."""
    times, worked = [], time.process_time()
    for number in range(first, first + ORDERS):
        begun = time.perf_counter()
        await trade(number)
        times.append(time.perf_counter() - begun)
    return times, (time.process_time() - worked) / ORDERS


async def measure(port: int, library: Library) -> bool:
    """Measure and print; whether it is good enough."""
    module = __import__(library)
    ways: dict[str, Callable[[int], AbstractAsyncContextManager[Trade]]] = {
        "library": lambda number: bare(module, port, 2 * number + 1),
        "port": lambda number: ported(library, port, 2 * number + 2),
    }
    times: dict[str, list[list[float]]] = {name: [] for name in ways}
    work: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(BLOCKS + 1):
        for name in list(ways) if number % 2 else list(reversed(ways)):
            async with ways[name](number) as trade:
                gc.collect()
                gc.freeze()
                found, worked = await block(trade, number * ORDERS)
                gc.unfreeze()
            if number:  # the first block warms up
                times[name].append(found)
                work[name].append(worked)
    pooled = {name: sorted(one for found in blocks for one in found) for name, blocks in times.items()}
    tails = {name: found[len(found) * 99 // 100] for name, found in pooled.items()}
    for name, found in pooled.items():
        middle = statistics.median(found)
        print(f"{name}: {1 / statistics.mean(found):,.0f} orders/s, p50 {middle * 1000:.2f} ms,", end=" ")
        print(f"p99 {tails[name] * 1000:.2f} ms, work {statistics.median(work[name]) * 1e6:.0f} µs per order")
    pairs = zip(times["port"], times["library"], strict=True)
    ratio = statistics.median(statistics.median(one) / statistics.median(other) for one, other in pairs)
    tail = tails["port"] / tails["library"]
    print(f"the port takes {ratio:.2f} × the library's round trip (at most {MOST_OVERHEAD}),", end=" ")
    print(f"its p99 is {tail:.2f} × the library's (at most {MOST_TAIL:g})")
    return ratio <= MOST_OVERHEAD and tail <= MOST_TAIL


def main() -> None:
    """Start a simulator, measure, and fail above the limits."""
    logging.disable(logging.CRITICAL)
    library = Library(sys.argv[1]) if len(sys.argv) > 1 else Library.IB_ASYNC
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder, "scenario.yaml")
        scenario.write_text(SCENARIO)
        command = [sys.executable, "-m", "gate", "ibkr", "simulate", "-s", str(scenario), "--port", "0"]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ
        ) as process:
            assert process.stderr is not None
            try:
                line = process.stderr.readline()
                port = int(line.partition(" as ")[0].rpartition(":")[2])
                good = asyncio.run(measure(port, library))
            finally:
                process.send_signal(signal.SIGINT)
                process.communicate()
    assert good


if __name__ == "__main__":
    main()
