"""Answers to everything but orders: the account, positions, executions, contract details, market data."""

from __future__ import annotations

from collections.abc import Iterable

from ..protocol.requests import Request
from . import replies
from .account import Account
from .desk import Desk
from .faults import MESSAGES
from .replies import Value, plain
from .scenario import Instrument
from .wire import Connection, Wire

_MOST_SUBSCRIPTIONS = 100
"""Market data lines of one client, as IBKR gives them."""


class Answers:
    """Answers the requests of clients from the account and the orders."""

    def __init__(self, wire: Wire, account: Account, desk: Desk) -> None:
        self._wire = wire
        self._account = account
        self._desk = desk

    def answer(self, connection: Connection, client: int, request: Request) -> None:
        """Answer one request. Raises Malformed: a number in it is none."""
        send, version = self._wire.send, connection.version
        match request.name:
            case "reqOpenOrders" | "reqAllOpenOrders":
                for order in list(self._desk.orders.values()):
                    if not order.done and (order.client == client or request.name == "reqAllOpenOrders"):
                        send(connection, order.open_order(version))
                        send(connection, order.order_status())
                send(connection, plain(53, "openOrderEnd", "1"))
            case "reqCompletedOrders":
                for order in list(self._desk.orders.values()):
                    if order.done:
                        send(connection, order.completed(version))
                send(connection, plain(102, "completedOrdersEnd"))
            case "reqExecutions":
                self._executions(connection, client, request)
            case "reqAccountUpdates":
                self._account_updates(connection, request)
            case "reqAccountUpdatesMulti":
                asked = request.text("reqId")
                for tag, value, currency in self._account.rows():
                    fields = {"requestId": asked, "account": self._account.id, "modelCode": ""}
                    fields |= {"key": tag, "value": value, "currency": currency}
                    send(connection, plain(73, "accountUpdateMulti", "1", **fields))
                send(connection, plain(74, "accountUpdateMultiEnd", "1", requestId=asked))
            case "reqAccountSummary":
                self._summary(connection, request)
            case "reqPositions":
                connection.positions = True
                for held in self._account.positions.values():
                    if held.quantity:
                        send(connection, self._account.position(held))
                send(connection, plain(62, "positionEnd", "1"))
            case "cancelPositions":
                connection.positions = False
            case "reqContractDetails":
                self._contract_details(connection, request, version)
            case "reqMktData":
                self._market_data(connection, request)
            case "cancelMktData":
                connection.data.pop(request.number("reqId"), None)
            case "reqIds":
                send(connection, replies.next_valid_id(self._desk.next_id(client)))
            case "reqManagedAccts":
                send(connection, replies.managed_accounts(self._account.id))
            case "reqCurrentTime":
                send(connection, plain(49, "currentTime", "1", time=self._wire.now // 1_000_000))
            case "reqHistoricalData":
                text = "Historical Market Data Service error message:the simulator has no historical data"
                self._wire.error(connection, request.number("reqId"), 162, text)
            case _:  # subscriptions that need no answer
                return

    def quote(self, connections: Iterable[Connection], symbol: str) -> None:
        """Send an instrument's price to those who subscribed to it."""
        for connection in connections:
            for request, subscribed in list(connection.data.items()):
                if subscribed == symbol:
                    self._ticks(connection, request, self._account.instruments[symbol])

    def _executions(self, connection: Connection, client: int, request: Request) -> None:
        asked, only = request.number("reqId"), request.text("clientId")
        symbol, side = request.text("symbol"), request.text("side")[:1]
        for execution in list(self._desk.executions):
            order = execution.order
            if (
                client in (0, order.client)
                and only in ("", "0", str(order.client))
                and symbol in ("", order.instrument.symbol)
                and side in ("", "B" if order.buys else "S")
            ):
                self._wire.send(connection, execution.details(asked, connection.version))
                self._wire.send(connection, execution.report())
        self._wire.send(connection, plain(55, "execDetailsEnd", "1", requestId=asked))

    def _account_updates(self, connection: Connection, request: Request) -> None:
        connection.account_updates = request.flag("subscribe")
        if not connection.account_updates:
            return
        send, account = self._wire.send, self._account.id
        for tag, value, currency in self._account.rows():
            fields = {"key": tag, "value": value, "currency": currency, "account": account}
            send(connection, plain(6, "updateAccountValue", "2", **fields))
        for held in self._account.positions.values():
            if held.quantity:
                send(connection, self._account.portfolio(held))
        send(connection, plain(8, "updateAccountTime", "1", time=self._wire.time_text()[9:14]))
        send(connection, plain(54, "accountDownloadEnd", "1", account=account))

    def _summary(self, connection: Connection, request: Request) -> None:
        asked = request.text("reqId")
        tags = {tag.strip() for tag in request.text("tags").split(",")}
        for tag, value, currency in self._account.rows():
            if tag in tags or any(one.startswith("$LEDGER") for one in tags):
                fields = {"requestId": asked, "account": self._account.id, "tag": tag}
                fields |= {"value": value, "currency": currency}
                self._wire.send(connection, plain(63, "accountSummary", "1", **fields))
        self._wire.send(connection, plain(64, "accountSummaryEnd", "1", requestId=asked))

    def _found(self, request: Request) -> Instrument | None:
        by_id = request.text("conId")
        for one in self._account.instruments.values():
            if by_id not in ("", "0"):
                if by_id == str(one.con_id):
                    return one
            elif (request.text("symbol"), request.text("secType")) == (
                one.symbol,
                one.sec_type,
            ) and request.text("currency") in ("", one.currency):
                return one
        return None

    def _contract_details(self, connection: Connection, request: Request, version: int) -> None:
        asked, found = request.number("reqId"), self._found(request)
        if found is None:
            self._wire.error(connection, asked, 200, MESSAGES[200])
            return
        self._wire.send(connection, replies.contract_details(asked, found, version))
        self._wire.send(connection, plain(52, "contractDetailsEnd", "1", requestId=asked))

    def _market_data(self, connection: Connection, request: Request) -> None:
        asked, found = request.number("reqId"), self._found(request)
        if found is None:
            self._wire.error(connection, asked, 200, MESSAGES[200])
            return
        if len(connection.data) >= _MOST_SUBSCRIPTIONS:
            self._wire.error(connection, asked, 101, "Max number of tickers has been reached")
            return
        send, tick = self._wire.send, found.tick
        fixed = {"bboExchange": "", "snapshotPermissions": "3"}
        send(connection, plain(81, "tickReqParams", requestId=asked, minTick=tick, **fixed))
        send(connection, plain(58, "marketDataType", "1", requestId=asked, marketDataType=1))
        self._ticks(connection, asked, found)
        if request.flag("snapshot"):
            send(connection, plain(57, "tickSnapshotEnd", "1", requestId=asked))
        else:
            connection.data[asked] = found.symbol

    def _ticks(self, connection: Connection, request: int, instrument: Instrument) -> None:
        bid, ask = self._account.quote(instrument)
        last = self._account.prices[instrument.symbol]
        for kind, price in ((1, bid), (2, ask), (4, last)):
            quoted: dict[str, Value] = {"tickType": kind, "price": price, "size": 100, "attributes": 0}
            self._wire.send(connection, plain(1, "tickPrice", "6", requestId=request, **quoted))
