"""Session with Interactive Brokers, for paper accounts only: account, positions, orders and market data.

The client library (`ib_async`, or anything with the same calls) is handed in or imported on first use. All waiting goes
through an injected clock and sleep, so tests run in virtual time.

Three checks keep live trading out, each on its own: the port when the settings are made, the port again right before a
socket is opened, and the managed accounts right after the connection stands.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from algo_trade.core.execution.broker_codes import Action, OrderState, action_for, state_of
from order_plane.pacing import Pacer

PAPER_PORTS = frozenset({7497, 4002})  # TWS and Gateway, paper trading
LIVE_PORTS = frozenset({7496, 4001})
RECONNECT_DELAYS_S = (1.0, 2.0, 4.0)
MAX_SUBSCRIPTIONS = 100
_SUMMARY = {
    "NetLiquidation": "nav",
    "TotalCashValue": "cash",
    "BuyingPower": "buying_power",
    "MaintMarginReq": "maintenance_margin",
    "EquityWithLoanValue": "equity_with_loan",
    "Cushion": "margin_cushion",
}


class BrokerError(RuntimeError):
    """The broker session cannot do what was asked."""


class LiveAccountRefusedError(BrokerError):
    """The port or the account belongs to live trading."""


class NotConnectedError(BrokerError):
    """There is no session, or it was lost."""


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """Where to connect and as whom; `timeout_s` is per attempt, `ack_timeout_s` per order, both in seconds."""

    pinned_account: str
    host: str = "127.0.0.1"
    port: int = 7497
    client_id: int = 1
    timeout_s: float = 10.0
    ack_timeout_s: float = 5.0
    read_only: bool = False

    def __post_init__(self) -> None:
        refuse_live_port(self.port)
        if not self.pinned_account.startswith("DU"):
            raise LiveAccountRefusedError("the pinned account is not a paper account (DU…)")


def refuse_live_port(port: int) -> None:
    """Raise LiveAccountRefusedError unless `port` is one of the two paper ports."""
    if port in LIVE_PORTS or port not in PAPER_PORTS:
        raise LiveAccountRefusedError(f"port {port} is not a paper-trading port {sorted(PAPER_PORTS)}")


@dataclass(slots=True)
class OrderRecord:
    """What we know of one order; times are seconds of the injected clock, `ref` is the intent's id."""

    order_id: int
    ref: str
    symbol: str
    quantity: float
    trade: Any
    intended_at: float
    submitted_at: float
    acknowledged_at: float | None = None
    filled_at: float | None = None
    error_code: int | None = None
    error_text: str | None = None
    recovered_fills: float = 0.0
    timed_out: bool = False

    @property
    def filled(self) -> float:
        """Shares filled, as the sum of the executions; also of those seen again after a reconnection."""
        return max(sum(fill.execution.shares for fill in self.trade.fills), self.recovered_fills)

    @property
    def state(self) -> OrderState:
        """State in this system."""
        state = state_of(self.trade.orderStatus.status, self.filled, self.quantity, self.error_code)
        return OrderState.TIMEOUT if self.timed_out and state is OrderState.SUBMITTED else state


class IBKRHandler:
    """Owns one client session and paces every message that goes through it."""

    def __init__(
        self,
        config: ConnectionConfig,
        client: Any = None,
        types: Any = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pacer: Pacer | None = None,
    ) -> None:
        self.config = config
        self._types = types
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._pacer = pacer or Pacer()
        self._lost = False
        self._quiet_until = float("-inf")
        self._queue = asyncio.Lock()
        self._tickers: dict[str, Any] = {}
        self.orders: dict[int, OrderRecord] = {}
        self.messages: list[tuple[int, int, str, Action]] = []

    # -- session -------------------------------------------------------------------------------------------------

    async def connect(self) -> str:
        """Open the session and return the account's id.

        Raises LiveAccountRefusedError when the port or an account is not paper or not the pinned one, and
        NotConnectedError when the gateway does not answer within the timeout.
        """
        self._load_library()
        refuse_live_port(self.config.port)
        try:
            await asyncio.wait_for(
                self._client.connectAsync(
                    self.config.host,
                    self.config.port,
                    clientId=self.config.client_id,
                    timeout=self.config.timeout_s,
                    readonly=self.config.read_only,
                ),
                self.config.timeout_s,
            )
        except (TimeoutError, OSError) as error:
            raise NotConnectedError(f"no session with {self.config.host}:{self.config.port}: {error!r}") from error
        accounts = list(self._client.managedAccounts())
        if not accounts or any(not account.startswith("DU") for account in accounts):
            self._client.disconnect()
            raise LiveAccountRefusedError("the session manages an account that is not a paper account")
        if self.config.pinned_account not in accounts:
            self._client.disconnect()
            raise LiveAccountRefusedError("the session does not manage the pinned account")
        if self._on_error not in self._client.errorEvent:
            self._client.errorEvent += self._on_error
        self._lost = False
        return self.config.pinned_account

    async def disconnect(self) -> None:
        """Close the session; nothing happens when there is none."""
        if self._client is not None and self._client.isConnected():
            self._client.disconnect()
        self._tickers.clear()

    async def reconnect(self) -> int:
        """Reconnect after 1 s, 2 s and 4 s, reconcile the orders, and return which try succeeded (1 to 3).

        Raises NotConnectedError when all three tries fail.
        """
        symbols = sorted(self._tickers)
        await self.disconnect()
        for attempt, delay in enumerate(RECONNECT_DELAYS_S, start=1):
            await self._sleep(delay)
            try:
                await self.connect()
            except NotConnectedError:
                continue
            self._reconcile()
            for symbol in symbols:
                await self.subscribe_market_data(symbol)
            return attempt
        raise NotConnectedError(f"gave up after {len(RECONNECT_DELAYS_S)} tries")

    @property
    def connected(self) -> bool:
        """Whether messages can be sent: the library alone says yes even while the broker's side is gone."""
        return self._client is not None and bool(self._client.isConnected()) and not self._lost

    # -- account -------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> dict[str, float]:
        """Net liquidation value, cash, buying power and margin figures of the pinned account, in its currency.

        Raises BrokerError when a figure is missing: half an account summary is none.
        """
        await self._turn()
        values = await self._client.accountSummaryAsync(self.config.pinned_account)
        found = {
            _SUMMARY[value.tag]: float(value.value)
            for value in values
            if value.tag in _SUMMARY and value.account == self.config.pinned_account
        }
        missing = sorted(set(_SUMMARY.values()) - set(found))
        if missing:
            raise BrokerError(f"the account summary lacks {', '.join(missing)}")
        return found

    async def get_positions(self) -> dict[str, float]:
        """Shares per symbol in the pinned account, without flat ones."""
        await self._turn()
        rows = await self._client.reqPositionsAsync()
        mine = [row for row in rows if row.account == self.config.pinned_account and row.position]
        return {row.contract.symbol: float(row.position) for row in sorted(mine, key=lambda r: r.contract.symbol)}

    # -- orders --------------------------------------------------------------------------------------------------

    async def place_order(
        self, symbol: str, direction: str, quantity: float, limit_price: float | None = None, ref: str = ""
    ) -> OrderRecord:
        """Send a market order, or a limit order when `limit_price` is given, and wait for its acknowledgement.

        The record's state is TIMEOUT when the broker does not answer within `ack_timeout_s`; the order may still be alive
        then and has to be reconciled. Raises ValueError for an impossible order, NotConnectedError without a session and
        LiveAccountRefusedError when the session turns out not to be the paper session that was opened.
        """
        if direction not in ("BUY", "SELL") or quantity <= 0 or (limit_price is not None and limit_price <= 0):
            raise ValueError(f"bad order: {direction} {quantity} {symbol} at {limit_price}")
        if self.config.read_only:
            raise BrokerError("the session is read-only")
        intended_at = self._clock()
        await self._turn()
        refuse_live_port(self.config.port)
        contract = self._stock(symbol)
        order_id = self._client.client.getReqId()
        common = {
            "orderId": order_id,
            "action": direction,
            "totalQuantity": quantity,
            "account": self.config.pinned_account,
            "orderRef": ref,
            "tif": "DAY",
        }
        if limit_price is None:
            order = self._types.Order(orderType="MKT", **common)
        else:
            order = self._types.Order(orderType="LMT", lmtPrice=limit_price, **common)
        trade = self._client.placeOrder(contract, order)
        record = OrderRecord(order_id, ref, symbol, quantity, trade, intended_at, self._clock())
        self.orders[order_id] = record
        await self._await_acknowledgement(record)
        return record

    async def cancel_order(self, order_id: int) -> OrderState:
        """Ask the broker to cancel; returns the state right afterwards. A fill that is faster wins.

        Raises KeyError for an order that this session does not know.
        """
        record = self.orders[order_id]
        if not record.state.final:
            await self._turn()
            self._client.cancelOrder(record.trade.order)
        return record.state

    async def get_order_status(self, order_id: int) -> OrderState:
        """State of an order now, from status, executions and errors together; notes when it was filled.

        Raises KeyError for an order that this session does not know.
        """
        record = self.orders[order_id]
        state = record.state
        if state is OrderState.FILLED and record.filled_at is None:
            record.filled_at = self._clock()
        return state

    # -- market data ---------------------------------------------------------------------------------------------

    async def subscribe_market_data(self, symbol: str) -> Any:
        """Stream quotes of `symbol`; asking twice gives the same ticker.

        Raises BrokerError when the broker's 100 subscriptions are used up, or it does not know the symbol.
        """
        if symbol in self._tickers:
            return self._tickers[symbol]
        if len(self._tickers) >= MAX_SUBSCRIPTIONS:
            raise BrokerError(f"all {MAX_SUBSCRIPTIONS} market data subscriptions are in use")
        await self._turn()
        known = await self._client.qualifyContractsAsync(self._stock(symbol))
        if not known or known[0] is None:
            raise BrokerError(f"the broker knows no instrument {symbol}")
        await self._turn()
        self._tickers[symbol] = self._client.reqMktData(known[0])
        return self._tickers[symbol]

    # -- inside --------------------------------------------------------------------------------------------------

    def _load_library(self) -> None:
        if self._types is None:
            import ib_async

            self._types = ib_async
        if self._client is None:
            self._client = self._types.IB()

    def _stock(self, symbol: str) -> Any:
        return self._types.Contract(symbol=symbol, secType="STK", exchange="SMART", currency="USD")

    async def _turn(self) -> None:
        """Wait until the next message may leave; one after the other, so that a pause holds up all that wait."""
        async with self._queue:
            if not self.connected:
                raise NotConnectedError("there is no session")
            due = self._pacer.reserve(self._clock())
            while (wait := max(due, self._quiet_until) - self._clock()) > 0:
                await self._sleep(wait)

    async def _await_acknowledgement(self, record: OrderRecord) -> None:
        deadline = record.submitted_at + self.config.ack_timeout_s
        while record.state is OrderState.SUBMITTED:
            if self._clock() >= deadline:
                record.timed_out = True
                return
            await self._sleep(0.001)
        record.acknowledged_at = self._clock()

    def _on_error(self, request_id: int, code: int, text: str, contract: Any = None) -> None:
        action = action_for(code)
        self.messages.append((request_id, code, text, action))
        if action is Action.BACK_OFF:
            self._quiet_until = self._clock() + 1.0
        elif action is Action.RECONNECT:
            self._lost = True
        elif action is Action.RESTORED:
            self._lost = False
        record = self.orders.get(request_id)
        if record is not None:
            record.error_code, record.error_text = code, text

    def _reconcile(self) -> None:
        """Find our orders again by their reference: a dropped session forgets them and orphans what we hold."""
        again = {trade.order.orderRef: trade for trade in self._client.openTrades()}
        for record in self.orders.values():
            if record.ref and not record.state.final:
                record.trade = again.get(record.ref, record.trade)
                record.recovered_fills = sum(
                    fill.execution.shares for fill in self._client.fills() if fill.execution.orderRef == record.ref
                )
                record.timed_out = False
