"""What a port needs of a client library: messages out by name, and a receiver for those that come in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol

from ..port.model import (
    AccountValue,
    Fill,
    Instrument,
    InstrumentDetails,
    OpenOrder,
    OrderIntent,
    Position,
    WhatIf,
)


class Receiver(Protocol):
    """Receives what the gateway sends; called in the event loop's thread, in order."""

    def on_account_value(self, account: str, value: AccountValue) -> None:
        """A row of an account."""

    def on_position(self, position: Position) -> None:
        """A position; a quantity of zero where it was closed."""

    def on_open_order(self, order: OpenOrder) -> None:
        """An order that is open, or its acknowledgement."""

    def on_what_if(self, order_id: int, answer: WhatIf) -> None:
        """The answer to a question about an order."""

    def on_completed_order(self, reference: str, perm_id: int, status: str, filled: Decimal) -> None:
        """An order that has ended."""

    def on_status(self, order_id: int, perm_id: int, client_id: int, status: str, filled: Decimal) -> None:
        """The status of an order."""

    def on_execution(self, request: int, fill: Fill, client_id: int) -> None:
        """A fill: as it happens, or in the answer to a request. ``intent_id`` is the order's reference."""

    def on_commission(self, execution_id: str, amount: Decimal, currency: str) -> None:
        """What a fill cost."""

    def on_contract(self, request: int, details: InstrumentDetails) -> None:
        """An instrument that fits."""

    def on_price(self, request: int, kind: str, price: Decimal | None) -> None:
        """A price: ``bid``, ``ask`` or ``last``."""

    def on_time(self, seconds: int) -> None:
        """The broker's clock, in seconds since 1970."""

    def on_end(self, request: int | str) -> None:
        """The answer to a request is complete: its id, or the name of its method here."""

    def on_error(self, request: int, code: int, text: str) -> None:
        """An error, warning or notice; ``request`` is -1 if it is about no request."""

    def on_closed(self, reason: str) -> None:
        """The connection has ended, and not because we ended it."""

    def on_unreadable(self, error: BaseException) -> None:
        """A message could not be decoded or processed."""


class Gateway(Protocol):
    """One connection to a gateway through a client library; made anew for each try to connect."""

    @property
    def server_version(self) -> int:
        """The protocol version agreed on."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that it manages."""

    async def connect(self, host: str, port: int, client_id: int) -> None:
        """Connect, and wait until the gateway has welcomed us. Raises BrokerProblem: it did not."""

    def close(self) -> None:
        """End the connection."""

    def next_id(self, above: int) -> int:
        """An id for a request or an order that this connection has not used, above this one."""

    def place(self, order_id: int, intent: OrderIntent, account: str, *, what_if: bool = False) -> None:
        """Place an order, or ask what it would take."""

    def cancel(self, order_id: int) -> None:
        """Ask to cancel an order."""

    def cancel_all(self) -> None:
        """Ask to cancel the orders of every client."""

    def account_updates(self, account: str, *, subscribe: bool) -> None:
        """Ask for an account's rows, or to end them."""

    def positions(self) -> None:
        """Ask for the positions."""

    def open_orders(self, *, of_all: bool) -> None:
        """Ask for the open orders of this client, or of all."""

    def completed_orders(self) -> None:
        """Ask for the orders that have ended."""

    def executions(self, request: int) -> None:
        """Ask for the executions of this client."""

    def time(self) -> None:
        """Ask for the broker's clock."""

    def contract(self, request: int, instrument: Instrument) -> None:
        """Ask for the instruments that fit."""

    def prices(self, request: int, instrument: Instrument, *, subscribe: bool) -> None:
        """Ask for the prices of an instrument, or to end them."""


class ClientLibrary(Protocol):
    """An adapter: a client library that is installed."""

    @property
    def name(self) -> str:
        """Its name, which is that of its package and its distribution."""

    @property
    def version(self) -> str:
        """Its version."""

    def gateway(self, receiver: Receiver, wrap: Callable[[Any], Any]) -> Gateway:
        """A connection, not yet established.

        ``wrap`` is given the function that writes a message's bytes, and gives the one to use in its place.
        """
