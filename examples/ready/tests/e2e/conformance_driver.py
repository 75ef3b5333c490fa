"""What `gate ibkr conformance` runs: this project's execution client, doing the task that the environment names.

    gate ibkr conformance -- python -m tests.e2e.conformance_driver
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from algo_trade.core.execution.broker_codes import OrderState
from algo_trade.core.execution.IBKR_handler import ConnectionConfig, IBKRHandler
from order_plane.broker.ibkr_exec_client import IBKRExecClient

TASK = os.environ["GATE_IBKR_TASK"]
RISK_CHECKS = {
    "within_box_limit": True,
    "within_gross_limit": True,
    "pnl_kill_switch": False,
    "drawdown_kill_switch": False,
}


class Driver:
    """One run of the client; each task of the suite is a method."""

    def __init__(self) -> None:
        config = ConnectionConfig(
            pinned_account=os.environ["GATE_IBKR_ACCOUNT"],
            host=os.environ["GATE_IBKR_HOST"],
            port=int(os.environ["GATE_IBKR_PORT"]),
            client_id=int(os.environ["GATE_IBKR_CLIENT_ID"]),
        )
        self.handler = IBKRHandler(config)
        self.client = IBKRExecClient(self.handler)
        self.states: dict[int, OrderState] = {}
        self.stopped = asyncio.Event()
        self.placed = 0

    async def place(self, symbol: str, direction: str = "BUY", quantity: int = 10, limit: float | None = None) -> int:
        self.placed += 1
        intent = {
            "intent_id": f"conformance-{self.placed}",
            "symbol": symbol,
            "direction": direction,
            "quantity": quantity,
            "order_type": "MKT" if limit is None else "LMT",
            "limit_price": limit,
            "strategy_id": "conformance",
            "risk_checks": RISK_CHECKS,
        }
        return await self.client.place(intent)

    async def reach(self, order_id: int, *states: OrderState) -> OrderState:
        """Follow the reports until the order is in one of the states, or has ended."""
        while True:
            for report in await self.client.poll_reports():
                self.states[report["order_id"]] = OrderState(report["status"])
            state = self.states[order_id]
            if state in states or state.final:
                return state
            await asyncio.sleep(0.02)

    async def cancel(self, *order_ids: int) -> None:
        for order_id in order_ids:
            await self.client.cancel(order_id)
        for order_id in order_ids:
            await self.reach(order_id)

    async def account(self) -> None:
        await self.handler.get_account_info()
        await self.handler.get_positions()
        await self.handler.subscribe_market_data("SPY")
        await asyncio.sleep(0.2)

    async def orders(self) -> None:
        await self.reach(await self.place("SPY"))
        resting = await self.place("QQQ", limit=1.0)
        await self.reach(resting, OrderState.ACKNOWLEDGED)
        await self.cancel(resting)

    async def reject(self) -> None:
        for symbol in ("SPY", "QQQ", "AAPL", "MSFT", "IWM"):
            if await self.reach(await self.place(symbol)) is OrderState.FILLED:
                await self.reach(await self.place(symbol, "SELL"))

    async def burst(self) -> None:
        tasks = [self.place("SPY", quantity=1, limit=1.0) for _ in range(60)]
        await self.cancel(*await asyncio.gather(*tasks))

    async def disconnect(self) -> None:
        for symbol in ("SPY", "QQQ", "AAPL"):
            await self.reach(await self.place(symbol))

    async def shutdown(self) -> None:
        resting = [await self.place(symbol, limit=1.0) for symbol in ("SPY", "QQQ")]
        await self.stopped.wait()
        await self.cancel(*resting)

    async def run(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.stopped.set)
        await self.client.connect()
        try:
            task: Any = getattr(self, TASK)
            await task()
        finally:
            await self.client.disconnect()


if __name__ == "__main__":
    asyncio.run(Driver().run())
