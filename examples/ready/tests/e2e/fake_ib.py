"""The calls of `ib_async.IB` that the handler uses, answered in virtual time by scripted behaviour.

`FakeIB(script=[…])` gives one behaviour per order: "fill", "partial", "rest", "reject", "silent" or "warn".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any


class Event(list[Callable[..., None]]):
    """An event as eventkit has them: `+=` adds a listener, calling it tells all."""

    def __iadd__(self, listener: Any) -> Event:  # type: ignore[override,misc]
        self.append(listener)
        return self

    def emit(self, *args: Any) -> None:
        for listener in list(self):
            listener(*args)


class FakeIB:
    """One paper session; `types` makes contracts and orders as the library would."""

    types = SimpleNamespace(
        Contract=lambda **kw: SimpleNamespace(**kw), Order=lambda **kw: SimpleNamespace(**{"lmtPrice": None, **kw})
    )

    def __init__(self, accounts: Iterable[str] = ("DU1234567",), script: Iterable[str] = ()) -> None:
        self.accounts = list(accounts)
        self.script = iter(script)
        self.errorEvent = Event()
        self.refusals = 0
        self.hang = False
        self.up = False
        self.now = 1000.0
        self.sent: list[tuple[float, str]] = []
        self.trades: list[Any] = []
        self.holdings: dict[str, float] = {}
        self.summary = {
            "NetLiquidation": "1000000.00",
            "TotalCashValue": "990000.00",
            "BuyingPower": "3960000.00",
            "MaintMarginReq": "10000.00",
            "EquityWithLoanValue": "1000000.00",
            "Cushion": "0.97",
            "AccountType": "INDIVIDUAL",
        }
        self._ids = itertools.count(1)
        self._due: list[tuple[float, Callable[[], None]]] = []
        self.client = SimpleNamespace(getReqId=lambda: next(self._ids))

    # virtual time
    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        ready = [action for at, action in self._due if at <= self.now]
        self._due = [(at, action) for at, action in self._due if at > self.now]
        for action in ready:
            action()

    # session
    async def connectAsync(self, host: str, port: int, **_: Any) -> None:
        if self.hang:
            raise TimeoutError
        if self.refusals:
            self.refusals -= 1
            raise ConnectionRefusedError(f"{host}:{port}")
        self.up = True

    def isConnected(self) -> bool:
        return self.up

    def disconnect(self) -> None:
        self.up = False

    def managedAccounts(self) -> list[str]:
        return self.accounts

    # account
    async def accountSummaryAsync(self, account: str) -> list[Any]:
        self.sent.append((self.now, "summary"))
        return [SimpleNamespace(account=account, tag=tag, value=value) for tag, value in self.summary.items()]

    async def reqPositionsAsync(self) -> list[Any]:
        self.sent.append((self.now, "positions"))
        return [
            SimpleNamespace(account=self.accounts[0], contract=SimpleNamespace(symbol=symbol), position=quantity)
            for symbol, quantity in self.holdings.items()
        ]

    async def qualifyContractsAsync(self, *contracts: Any) -> list[Any]:
        self.sent.append((self.now, "contract"))
        return [None if contract.symbol == "NOPE" else contract for contract in contracts]

    def reqMktData(self, contract: Any) -> Any:
        self.sent.append((self.now, "market data"))
        return SimpleNamespace(contract=contract, last=None)

    # orders
    def placeOrder(self, contract: Any, order: Any) -> Any:
        self.sent.append((self.now, order.orderType))
        trade = SimpleNamespace(
            contract=contract, order=order, orderStatus=SimpleNamespace(status="PendingSubmit"), fills=[]
        )
        self.trades.append(trade)
        behaviour = next(self.script, "fill")
        total = order.totalQuantity
        if behaviour == "reject":
            self._later(0.03, lambda: self._reject(trade))
        elif behaviour == "warn":
            self._later(0.03, lambda: self._warn(trade))
        elif behaviour != "silent":
            self._later(0.04, lambda: self._status(trade, "Submitted"))
        if behaviour == "partial":
            self._later(0.06, lambda: self._fill(trade, total // 2))
        if behaviour == "fill":
            self._later(0.06, lambda: self._fill(trade, total // 2))
            self._later(0.08, lambda: self._fill(trade, total - total // 2))
        return trade

    def cancelOrder(self, order: Any) -> None:
        self.sent.append((self.now, "cancel"))
        trade = next(t for t in self.trades if t.order is order)
        self._later(0.02, lambda: self._cancelled(trade))

    def openTrades(self) -> list[Any]:
        return [t for t in self.trades if t.orderStatus.status in ("Submitted", "PreSubmitted", "PendingSubmit")]

    def fills(self) -> list[Any]:
        return [fill for trade in self.trades for fill in trade.fills]

    # what happens later
    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._due.append((self.now + seconds, action))

    def _status(self, trade: Any, status: str) -> None:
        trade.orderStatus.status = status

    def _fill(self, trade: Any, shares: float) -> None:
        if shares <= 0 or trade.orderStatus.status == "Cancelled":
            return
        serial = f"e{len(self.fills()) + 1:04d}"
        price = trade.order.lmtPrice or 580.0
        trade.fills.append(
            SimpleNamespace(
                execution=SimpleNamespace(
                    shares=shares, price=price, execId=serial, orderRef=trade.order.orderRef
                ),
                commissionReport=SimpleNamespace(execId=serial, commission=max(0.35, 0.0035 * shares)),
            )
        )
        if sum(fill.execution.shares for fill in trade.fills) >= trade.order.totalQuantity:
            trade.orderStatus.status = "Filled"

    def _reject(self, trade: Any) -> None:
        trade.orderStatus.status = "Cancelled"
        self.errorEvent.emit(trade.order.orderId, 201, "Order rejected - reason: insufficient margin", None)
        trade.orderStatus.status = "Inactive"

    def _warn(self, trade: Any) -> None:
        trade.orderStatus.status = "ValidationError"
        self.errorEvent.emit(trade.order.orderId, 399, "Order will not be placed until the market opens", None)

    def _cancelled(self, trade: Any) -> None:
        if trade.orderStatus.status != "Filled":
            trade.orderStatus.status = "Cancelled"
            self.errorEvent.emit(trade.order.orderId, 202, "Order cancelled", None)
