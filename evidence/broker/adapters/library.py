"""What the two client libraries have in common, which is nearly everything.

Only their protocol client is used: connection, encoder and decoder, with callbacks as the broker's own API
has them (EWrapper). Their own picture of orders, which a lost connection wipes and warnings falsify, is not.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ...base.errors import EnvironmentProblem
from ..port.codes import CLIENT_ID_TAKEN
from ..port.model import (
    AccountValue,
    BrokerProblem,
    Fill,
    Instrument,
    InstrumentDetails,
    Library,
    OpenOrder,
    OrderIntent,
    Position,
    Side,
    WhatIf,
    number,
)
from ..safety import check_library

if TYPE_CHECKING:
    from ..port.reader import Reader

_PRICES = {1: "bid", 2: "ask", 4: "last", 66: "bid", 67: "ask", 68: "last"}
"""Ticks that are read, by number; those from 66 on are delayed."""
_ENDS = {
    "openOrderEnd": "open_orders",
    "completedOrdersEnd": "completed_orders",
    "positionEnd": "positions",
    "accountDownloadEnd": "account_updates",
}
"""Callbacks that say that an answer without a request's id is complete, and what was asked."""
_UNREAD_BYTES = 4 * 1024 * 1024
"""The library keeps what it receives until a message is complete, however long that claims to be."""


def _exact(value: object) -> Decimal:
    found = number(value) or Decimal(0)
    return Decimal(int(found)) if found == found.to_integral_value() else found


class LibraryAdapter:
    """A client library that is installed: ``name`` is that of its package and of its distribution.

    Raises Refused, UsageError: as ``check_library``; EnvironmentProblem: it does not work with this Python.
    """

    def __init__(self, library: Library) -> None:
        self.name, self.version = library.value, check_library(library.value)
        if library is Library.IB_INSYNC and sys.version_info >= (3, 14):
            raise EnvironmentProblem("ib_insync does not work with Python 3.14", remedy="use ib_async")
        self._module = importlib.import_module(self.name)
        # what matters comes as events; the libraries would print everything else to stderr, accounts included
        for logger in (self.name, "eventkit"):
            logging.getLogger(logger).addHandler(logging.NullHandler())
            logging.getLogger(logger).propagate = False

    def gateway(self, receiver: Reader, wrap: Callable[[Any], Any]) -> LibraryGateway:
        """A connection, not yet established.

        ``receiver`` is told what the gateway sends, in order and in the event loop's thread. ``wrap`` is
        given the function that writes a message's bytes, and gives the one to use in its place.
        """
        return LibraryGateway(self._module, receiver, wrap)


class _Callbacks:
    """What the library's decoder calls; every callback that is not here is ignored."""

    # the library looks for these two
    tcpDataArrived = tcpDataProcessed = None  # noqa: N815
    defaultTimezone = UTC  # noqa: N815
    ib = SimpleNamespace(TimezoneTWS=None)

    def __init__(self, receiver: Reader, refused: Callable[[BrokerProblem], None]) -> None:
        self._to = receiver
        self._refused = refused

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name in _ENDS:
            return lambda *_: self._to.on_end(_ENDS[name])
        return lambda *_: None

    def error(self, request: int, code: int, text: str, advanced: str = "") -> None:
        if code == CLIENT_ID_TAKEN:
            remedy = "stop the other program, or use another client id"
            self._refused(BrokerProblem(f"error {code}: {text}", remedy=remedy, code=code))
        self._to.on_error(request, code, text)

    def orderStatus(self, order_id: int, status: str, filled: float, *rest: Any) -> None:  # noqa: N802
        _remaining, _average, perm_id, _parent, _last, client_id, *_ = rest
        self._to.on_status(order_id, perm_id, client_id, status, _exact(filled))

    def openOrder(self, order_id: int, contract: Any, order: Any, state: Any) -> None:  # noqa: N802
        if order.whatIf:
            if number(state.initMarginChange) is not None:  # without it, the order as it was asked about
                self._to.on_what_if(order_id, WhatIf(text=state.warningText or ""))
            return
        found = OpenOrder(order.orderRef, order_id, order.permId, order.clientId, state.status)
        self._to.on_open_order(found)

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:  # noqa: N802
        filled = _exact(order.filledQuantity)
        self._to.on_completed_order(order.orderRef, order.permId, state.status, filled)

    def execDetails(self, request: int, contract: Any, execution: Any) -> None:  # noqa: N802
        fill = Fill(
            execution.execId,
            execution.orderRef,
            execution.orderId if 0 < execution.orderId < 2**31 - 1 else 0,
            execution.permId,
            Side.BUY if execution.side in ("BOT", "BUY") else Side.SELL,
            _exact(execution.shares),
            _exact(execution.price),
            int(execution.time.timestamp()) * 1_000_000,
        )
        self._to.on_execution(request, fill, execution.clientId)

    def commissionReport(self, report: Any) -> None:  # noqa: N802
        if (amount := number(report.commission)) is not None:
            self._to.on_commission(report.execId, amount)

    def position(self, account: str, contract: Any, quantity: float, cost: float) -> None:
        self._to.on_position(Position(account, _instrument(contract), _exact(quantity), _exact(cost)))

    def updateAccountValue(self, tag: str, value: str, currency: str, account: str) -> None:  # noqa: N802
        self._to.on_account_value(account, AccountValue(tag, value, currency))

    def contractDetails(self, request: int, details: Any) -> None:  # noqa: N802
        found = InstrumentDetails(_instrument(details.contract), _exact(details.minTick))
        self._to.on_contract(request, found)

    def priceSizeTick(self, request: int, tick: int, price: float, size: float) -> None:  # noqa: N802
        if tick in _PRICES:
            self._to.on_price(request, _PRICES[tick], _exact(price) if price > 0 else None)

    def execDetailsEnd(self, request: int) -> None:  # noqa: N802
        self._to.on_end(request)

    contractDetailsEnd = tickSnapshotEnd = execDetailsEnd  # noqa: N815


class _DecoderLog:
    """In place of the decoder's logger: what could not be read or dealt with must not go unnoticed."""

    def __init__(self, receiver: Reader) -> None:
        self._to = receiver

    def exception(self, message: str, *details: object) -> None:
        error = sys.exc_info()[1]
        while error is not None and error.__context__ is not None:
            error = error.__context__  # what the library then says of it may fail in turn
        if error is not None:
            self._to.on_unreadable(error)


class LibraryGateway:
    """One connection through the library's protocol client."""

    def __init__(self, module: Any, receiver: Reader, wrap: Callable[[Any], Any]) -> None:
        self._module = module
        self._to = receiver
        self._open = True
        self._refusal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._client = module.client.Client(_Callbacks(receiver, self._refuse))
        self._client.MaxRequests = 0  # its own throttle sends in bursts; the port has another one
        self._client.decoder.logger = _DecoderLog(receiver)
        self._client.conn.sendMsg = wrap(self._client.conn.sendMsg)
        self._client.conn.disconnected += self._closed
        self._received = self._client.conn.data_received
        self._client.conn.data_received = self._data

    @property
    def server_version(self) -> int:
        """The protocol version agreed on."""
        return int(self._client.serverVersion())

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that the gateway manages."""
        return tuple(self._client.getAccounts())

    async def connect(self, host: str, port: int, client_id: int) -> None:
        """Connect, and wait for the welcome; the library alone would wait in vain for a refused one."""
        welcome = asyncio.ensure_future(self._client.connectAsync(host, port, client_id, 0))
        try:
            await asyncio.wait({welcome, self._refusal}, return_when=asyncio.FIRST_COMPLETED)
            if self._refusal.done():
                self._refusal.result()
            await welcome
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            what = f"cannot connect to {host}:{port}: {reason}"
            remedy = "start the gateway, enable its API, and check host and port"
            raise BrokerProblem(what, remedy=remedy) from error
        finally:
            if not self._refusal.cancel():
                self._refusal.exception()  # it is seen to, whichever came first
            welcome.cancel()
            with suppress(BaseException):
                await welcome

    def _refuse(self, problem: BrokerProblem) -> None:
        if not self._refusal.done():
            self._refusal.set_exception(problem)

    def _closed(self, reason: str) -> None:
        if not self._open:
            return
        self._open = False
        text = reason or "the gateway closed the connection"
        self._refuse(
            BrokerProblem(text, remedy="check the gateway's log, its API settings and its client ids")
        )
        self._to.on_closed(text)

    def _data(self, data: bytes) -> None:
        if len(self._client._data) + len(data) > _UNREAD_BYTES:
            self._client.conn.transport.abort()
            self._closed(f"the gateway sent a message of more than {_UNREAD_BYTES} bytes")
        else:
            self._received(data)

    def close(self) -> None:
        """End the connection."""
        self._open = False
        self._client.disconnect()

    def next_id(self, above: int) -> int:
        """An id that was not used."""
        self._client.updateReqId(above + 1)
        return int(self._client.getReqId())

    def _contract(self, instrument: Instrument) -> Any:
        return self._module.Contract(
            secType=instrument.sec_type,
            conId=instrument.con_id,
            symbol=instrument.symbol,
            exchange=instrument.exchange,
            primaryExchange=instrument.primary_exchange,
            currency=instrument.currency,
        )

    def place(self, order_id: int, intent: OrderIntent, account: str, *, what_if: bool = False) -> None:
        """Place an order, or ask what it would take. Numbers are sent as they are, not as floats."""
        order = self._module.Order(
            orderId=order_id,
            clientId=self._client.clientId,
            action=str(intent.side),
            totalQuantity=f"{intent.quantity:f}",
            orderType=str(intent.order_type),
            tif=intent.time_in_force,
            account=account,
            orderRef=intent.intent_id,
            whatIf=what_if,
        )
        if intent.limit_price is not None:
            order.lmtPrice = f"{intent.limit_price:f}"
        self._send(self._client.placeOrder, order_id, self._contract(intent.instrument), order)

    def _send(self, message: Callable[..., None], *fields: Any) -> None:
        try:
            message(*fields)
        except ConnectionError as error:
            remedy = "wait until it is connected again"
            raise BrokerProblem("the connection to the gateway was lost", remedy=remedy) from error

    def cancel(self, order_id: int) -> None:
        """Ask to cancel an order."""
        self._send(self._client.cancelOrder, order_id, "")

    def cancel_all(self) -> None:
        """Ask to cancel the orders of every client."""
        self._send(self._client.reqGlobalCancel)

    def account_updates(self, account: str, *, subscribe: bool) -> None:
        """Ask for an account's rows, or to end them."""
        self._send(self._client.reqAccountUpdates, subscribe, account)

    def positions(self) -> None:
        """Ask for the positions."""
        self._send(self._client.reqPositions)

    def open_orders(self, *, of_all: bool) -> None:
        """Ask for the open orders of this client, or of all."""
        self._send(self._client.reqAllOpenOrders if of_all else self._client.reqOpenOrders)

    def completed_orders(self) -> None:
        """Ask for the orders that have ended."""
        self._send(self._client.reqCompletedOrders, True)

    def executions(self, request: int) -> None:
        """Ask for the executions of this client."""
        self._send(self._client.reqExecutions, request, self._module.ExecutionFilter())

    def contract(self, request: int, instrument: Instrument) -> None:
        """Ask for the instruments that fit."""
        self._send(self._client.reqContractDetails, request, self._contract(instrument))

    def prices(self, request: int, instrument: Instrument, *, subscribe: bool) -> None:
        """Ask for the prices of an instrument, or to end them."""
        if subscribe:
            self._send(self._client.reqMktData, request, self._contract(instrument), "", False, False, [])
        else:
            self._send(self._client.cancelMktData, request)


def _instrument(contract: Any) -> Instrument:
    return Instrument(
        contract.symbol,
        contract.secType,
        contract.exchange or "SMART",
        contract.currency,
        contract.conId,
        contract.primaryExchange,
    )
