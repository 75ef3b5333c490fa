"""The two interfaces of the broker port: a ``Reader`` can only look, a ``Broker`` can trade as well.

Both are made by ``open_reader`` and ``open_broker`` of this package, which name the client library
explicitly; both are asynchronous and belong to one event loop.

What a broker says later always outranks what was concluded before: an order in ``TIMEOUT`` or ``ERROR`` that
turns out to live or to have been filled is reported as that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Protocol, Self

from ...base.errors import EnvironmentProblem
from .model import (
    AccountValues,
    ConnectionState,
    Event,
    Fill,
    Instrument,
    InstrumentDetails,
    OpenOrder,
    OrderIntent,
    OrderReport,
    Position,
    Quote,
    Traffic,
    WhatIf,
)


class BrokerProblem(EnvironmentProblem):
    """The gateway cannot be reached, or does not do what it was asked; ``code`` is the broker's, if any."""

    title = "broker problem"

    def __init__(
        self, what: str, *, remedy: str | None = None, code: int | None = None, permanent: bool = False
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.code = code
        self.permanent = permanent
        """Whether another try cannot help."""


class Reader(Protocol):
    """A connection that can only look.

    Nothing but the messages of ``READING`` ever leaves it: every other one is refused where bytes
    are written. Every method that asks raises BrokerProblem: not connected, no answer in time, an error.
    """

    @property
    def library(self) -> str:
        """The client library and its version, such as ``ib_async 2.1.0``."""

    @property
    def state(self) -> ConnectionState:
        """How the connection is."""

    @property
    def traffic(self) -> Traffic:
        """What was written so far."""

    @property
    def server_version(self) -> int:
        """The protocol version agreed on; 0 before the first connection."""

    def events(self) -> AsyncIterator[Event]:
        """Everything that happens from this call on, in order; it ends when the port is closed."""

    async def __aenter__(self) -> Self:
        """Connect, as ``connect`` does."""

    async def __aexit__(self, *error: object) -> None:
        """Close, as ``close`` does."""

    async def connect(self) -> None:
        """Connect; returns when the gateway answers and what it knows of our orders is known.

        Raises BrokerProblem: every try was in vain, the account is not there, or the client id is taken.
        """

    async def disconnect(self) -> None:
        """End the connection; open orders stay open. ``connect`` may be called again."""

    async def close(self) -> None:
        """Disconnect, and end the events."""

    async def accounts(self) -> tuple[str, ...]:
        """The accounts that the gateway manages."""

    async def account_values(self, account: str = "") -> AccountValues:
        """What the broker states of an account; empty takes the connection's."""

    async def positions(self) -> tuple[Position, ...]:
        """What all accounts hold."""

    async def executions(self) -> tuple[Fill, ...]:
        """The executions of this client since midnight, oldest first."""

    async def server_time(self) -> int:
        """The broker's clock, of whole seconds, in microseconds since 1970."""

    async def contract(self, instrument: Instrument) -> InstrumentDetails:
        """The one instrument that fits. Raises BrokerProblem: none (code 200) or several do."""


class Broker(Reader, Protocol):
    """A connection that can trade."""

    async def quote(self, instrument: Instrument) -> Quote:
        """The best prices now."""

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        """The open orders of every client."""

    async def what_if(self, intent: OrderIntent) -> WhatIf:
        """What an order would take, without placing it."""

    async def place(self, intent: OrderIntent) -> OrderReport:
        """Place an order; returns when its bytes have left (SUBMITTED), or will not (ERROR).

        Raises UsageError: an order with this id was placed before, or it names another account;
        BrokerProblem: not connected to the broker. Then nothing was sent.
        """

    async def cancel(self, intent_id: str) -> None:
        """Ask to cancel an order; returns when the request has left. Nothing happens if the order is final.

        An order in TIMEOUT that the broker does not know becomes ERROR by it. Raises UsageError: there is no
        such order; BrokerProblem: not connected, or the connection was lost before the request left.
        """

    async def cancel_all(self) -> None:
        """Ask to cancel every open order of the account, of every client; as ``cancel``."""

    def order(self, intent_id: str) -> OrderReport:
        """How an order stands. Raises UsageError: there is none."""

    def orders(self) -> tuple[OrderReport, ...]:
        """How every order of ours stands, in the order of their placing."""

    def fills(self) -> tuple[Fill, ...]:
        """Every fill that was heard of, each once, in the order of hearing."""

    async def outcome(self, intent_id: str) -> OrderReport:
        """The report when the order is settled and its commissions are known, or late.

        An order that works for ever is waited for for ever. Raises UsageError: there is none.
        """

    async def reconcile(self, intents: Iterable[OrderIntent] = ()) -> tuple[OrderReport, ...]:
        """Ask the broker for open and completed orders and executions, and correct every report by them.

        ``intents`` adds orders that an earlier process placed: they are found by their references, and those
        that the broker does not know become ERROR. Done by itself after each connection.
        """
