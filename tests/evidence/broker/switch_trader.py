"""A trading program with four kill switches on the wire, over ib_async: see docs/kill-switches.md."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import ib_async


class Trader:
    """Places one market order after the other until a switch fires."""

    def __init__(self, fed: dict[str, Any]) -> None:
        self.fed = fed
        self.ib = ib_async.IB()
        self.pacing = self.drops = self.rejected = self.orders = 0
        self.latencies: list[float] = []
        self.ib.errorEvent += self.error
        self.ib.disconnectedEvent += self.dropped

    def error(self, number: int, code: int, text: str, contract: object) -> None:
        """Count refusals."""
        self.pacing += code == 100
        self.rejected += code == 201

    def dropped(self) -> None:
        """Count lost connections."""
        self.drops += 1

    def fired(self) -> str | None:
        """The switch that fires now."""
        if self.pacing > 10:
            return "PACING_KILL_SWITCH"
        if self.drops > 3:
            return "CONNECTION_KILL_SWITCH"
        if self.orders >= 4 and self.rejected / self.orders > 0.2:
            return "REJECTION_KILL_SWITCH"
        done = sorted(self.latencies)
        if len(done) >= 10 and done[int(len(done) * 0.95)] > 2 * self.fed["baseline_ms"]:
            return "LATENCY_KILL_SWITCH"
        return None

    async def connect(self) -> None:
        """Connect, again and again."""
        place = os.environ["GATE_IBKR_HOST"], int(os.environ["GATE_IBKR_PORT"])
        while not self.ib.isConnected():
            try:
                await self.ib.connectAsync(*place, clientId=int(os.environ["GATE_IBKR_CLIENT_ID"]), timeout=5)
            except (OSError, TimeoutError):
                await asyncio.sleep(0.1)

    async def trade(self) -> str:
        """Trade until a switch fires: its name."""
        clock = asyncio.get_running_loop().time
        stock = ib_async.Stock(self.fed["symbol"], "SMART", "USD")
        while (name := self.fired()) is None:
            await self.connect()
            self.orders += 1
            begin, codes = clock(), self.pacing + self.rejected
            trade = self.ib.placeOrder(stock, ib_async.MarketOrder("BUY" if self.orders % 2 else "SELL", 1))
            while clock() < begin + 1 and self.ib.isConnected() and not trade.isDone():
                if self.pacing + self.rejected > codes:
                    break
                await asyncio.sleep(0.002)
            if trade.orderStatus.status == "Filled":
                self.latencies.append((clock() - begin) * 1000)
        return name


def say(what: dict[str, Any]) -> None:
    """A line to gate."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Be ready, trade, halt."""
    say({"ready": True})
    line = await asyncio.to_thread(sys.stdin.readline)
    trader = Trader(json.loads(line))
    name = await trader.trade()
    await trader.connect()
    trader.ib.reqGlobalCancel()
    say({"fired": [name], "halted": True})
    await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main())
