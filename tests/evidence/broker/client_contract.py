"""What ``ib_async`` and ``ib_insync`` see of the simulated gateway: a program for either, one JSON line out.

Usage: ``python client_contract.py {ib_async|ib_insync} PORT PORT_READ_ONLY``. The gateway at PORT plays
``SCENARIO``. This file imports nothing of gate: it runs in an environment that has only the library.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
from typing import Any

SCENARIO = """\
format: gate.ibkr.scenario/v1
name: contract
seed: 5
fill_parts: 2
pacing: {messages_per_s: null}
latency:
  acknowledge: {median_us: 200}
  work: {median_us: 100}
  fill: {median_us: 300}
  cancel: {median_us: 200}
holdings: [{symbol: AAPL, quantity: 100, average_cost: 150}]
faults:
  - {fault: error, at: received, symbol: MSFT}
  - {fault: drop, at: filling, symbol: QQQ, times: 1}
"""


async def until(condition: Any, what: str) -> None:
    """Wait for something to become true."""
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


async def see(library: Any, port: int, read_only: int) -> dict[str, Any]:
    """Everything once, as a trading program does it."""
    ib, seen, errors = library.IB(), {}, []
    ib.errorEvent += lambda number, code, text, contract: errors.append((number, code))
    await ib.connectAsync("127.0.0.1", port, clientId=7, timeout=20)
    seen["version"] = ib.client.serverVersion()
    seen["accounts"] = ib.managedAccounts()
    seen["positions"] = [(one.contract.symbol, one.position, one.avgCost) for one in ib.positions()]
    seen["portfolio"] = [(one.contract.symbol, one.marketValue) for one in ib.portfolio()]
    summary = {row.tag: row.value for row in await ib.accountSummaryAsync()}
    seen["summary"] = {tag: summary[tag] for tag in ("NetLiquidation", "BuyingPower", "TotalCashValue")}
    values = {row.tag: row.value for row in ib.accountValues()}
    seen["values"] = values["NetLiquidation"]

    spy = library.Stock("SPY", "SMART", "USD")
    (details,) = await ib.reqContractDetailsAsync(spy)
    seen["details"] = (
        details.contract.conId,
        details.minTick,
        details.longName,
        details.contract.primaryExchange,
    )
    seen["nothing"] = await ib.reqContractDetailsAsync(library.Stock("NOPE", "SMART", "USD"))
    await ib.qualifyContractsAsync(spy)
    (ticker,) = await ib.reqTickersAsync(spy)
    seen["ticker"] = (ticker.bid, ticker.ask, ticker.last)

    working = library.LimitOrder("BUY", 10, 400.0, orderRef="working")
    trade = ib.placeOrder(spy, working)
    await until(lambda: trade.orderStatus.status == "Submitted", "the order works")
    working.lmtPrice = 401.0
    ib.placeOrder(spy, working)
    await until(lambda: trade.log[-1].message == "Modified", "the change is acknowledged")
    seen["open"] = [(one.order.orderRef, one.order.lmtPrice) for one in ib.openTrades()]
    ib.cancelOrder(working)
    await until(lambda: trade.orderStatus.status == "Cancelled", "the order is cancelled")

    fills: list[float] = []
    trade = ib.placeOrder(spy, library.MarketOrder("BUY", 10, orderRef="filled"))
    trade.fillEvent += lambda one, fill: fills.append(fill.execution.shares)
    await until(lambda: trade.orderStatus.status == "Filled", "the order is filled")
    await until(lambda: all(one.commissionReport.execId for one in trade.fills), "commissions are known")
    seen["fills"] = fills
    seen["commission"] = [one.commissionReport.commission for one in trade.fills]
    seen["average"] = trade.orderStatus.avgFillPrice
    state = await ib.whatIfOrderAsync(spy, library.MarketOrder("BUY", 10))
    seen["what_if"] = (float(state.initMarginChange), state.commission)

    rejected = ib.placeOrder(library.Stock("MSFT", "SMART", "USD"), library.MarketOrder("BUY", 1))
    await until(lambda: rejected.orderStatus.status == "Inactive", "the order is rejected")
    bad = ib.placeOrder(spy, library.Order(action="BUY", totalQuantity=1, orderType="MARKET"))
    await until(lambda: (bad.order.orderId, 387) in errors, "the type is refused")
    seen["rejected"] = sorted({code for _, code in errors if code < 2000})

    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set
    ib.placeOrder(library.Stock("QQQ", "SMART", "USD"), library.MarketOrder("BUY", 20, orderRef="dropped"))
    await asyncio.wait_for(gone.wait(), 20)
    await asyncio.sleep(0.1)
    await ib.connectAsync("127.0.0.1", port, clientId=7, timeout=20)
    seen["after"] = sorted(
        [one.execution.orderRef, one.execution.shares, one.commissionReport.commission] for one in ib.fills()
    )
    seen["held"] = sorted((one.contract.symbol, one.position) for one in ib.positions())
    other = library.IB()
    try:
        await other.connectAsync("127.0.0.1", port, clientId=7, timeout=1)
        seen["second"] = "connected"
    except (TimeoutError, ConnectionError):
        seen["second"] = "refused"
    await asyncio.sleep(0.05)
    ib.disconnect()

    reader, refused = library.IB(), []
    reader.errorEvent += lambda number, code, text, contract: refused.append(code)
    await reader.connectAsync("127.0.0.1", read_only, clientId=8, timeout=20, readonly=True)
    reader.placeOrder(spy, library.MarketOrder("BUY", 1))
    await until(lambda: 321 in refused, "a read-only gateway refuses")
    reader.disconnect()
    return seen


def main() -> None:
    """Run, and print what was seen."""
    logging.basicConfig(level=logging.ERROR)
    seen = asyncio.run(see(importlib.import_module(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
    sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    main()
