"""What `gate ibkr conformance` runs: this project's handler and execution client, as far as they go.

    gate ibkr conformance -- python -m tests.e2e.conformance_driver
"""

from __future__ import annotations

import asyncio
import os

from algo_trade.core.execution.IBKR_handler import IBKRHandler
from order_plane.broker.ibkr_exec_client import IBKRExecClient

ORDERS = {
    "account": [],
    "orders": [("SPY", 10, None), ("QQQ", 10, 1.0)],
    "reject": [(symbol, 10, None) for symbol in ("SPY", "QQQ", "AAPL", "MSFT", "IWM")],
    "burst": [("SPY", 1, 1.0)] * 60,
    "disconnect": [(symbol, 10, None) for symbol in ("SPY", "QQQ", "AAPL")],
    "shutdown": [("SPY", 10, 1.0), ("QQQ", 10, 1.0)],
}


async def main() -> None:
    host, port = os.environ["GATE_IBKR_HOST"], int(os.environ["GATE_IBKR_PORT"])
    handler = IBKRHandler(host, port, int(os.environ["GATE_IBKR_CLIENT_ID"]))
    await handler.connect()
    client = IBKRExecClient(None)
    await client.connect()
    for symbol, quantity, limit in ORDERS[os.environ["GATE_IBKR_TASK"]]:
        kind = "MKT" if limit is None else "LMT"
        await client.place(
            {"symbol": symbol, "direction": "BUY", "quantity": quantity, "order_type": kind, "limit_price": limit}
        )
        await client.poll_reports()
    handler.disconnect()


if __name__ == "__main__":
    asyncio.run(main())
