"""What the broker port speaks of: orders, fills, positions, quotes, connections and events.

Quantities and prices are ``Decimal``; times are whole microseconds since 1970 (UTC).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from msgspec import Struct

from ...base.errors import EnvironmentProblem, UsageError

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_UNSET = Decimal("1e300")
"""The protocol has the largest float for what is not set."""


def number(value: object) -> Decimal | None:
    """A number as the broker gives it; None where it is none, not finite, or stands for unset."""
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() and found.copy_abs() < _UNSET else None


class BrokerProblem(EnvironmentProblem):
    """The gateway cannot be reached, or does not do what it was asked; ``code`` is the broker's, if any.

    ``permanent`` is whether another try cannot help.
    """

    title = "broker problem"

    def __init__(
        self, what: str, *, remedy: str | None = None, code: int | None = None, permanent: bool = False
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.code, self.permanent = code, permanent


class Library(StrEnum):
    """The client libraries that an adapter exists for."""

    IB_ASYNC = "ib_async"
    IB_INSYNC = "ib_insync"


class OrderState(StrEnum):
    """Where an order is. ``final`` ones are not left again."""

    SUBMITTED = "SUBMITTED"
    """Placed by us; the broker may have it (PreSubmitted) or not yet."""
    ACKNOWLEDGED = "ACKNOWLEDGED"
    """Works at the broker, or is being cancelled."""
    PARTIAL_FILL = "PARTIAL_FILL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    """Ended without having been filled entirely; ``filled`` says how much was."""
    REJECTED = "REJECTED"
    """Refused by the broker; ``code`` and ``text`` say why. Never to be sent again unchanged."""
    TIMEOUT = "TIMEOUT"
    """Not acknowledged, or not cancelled, in time, or no longer listed: its fate is unknown. It may still be
    filled, and must not be sent again."""
    ERROR = "ERROR"
    """Not at the broker: its bytes did not leave, or the broker has never heard of it."""

    @property
    def final(self) -> bool:
        """Whether the broker has said that the order ended."""
        return self in (OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED)

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected: it is final, or TIMEOUT or ERROR."""
        return self.final or self in (OrderState.TIMEOUT, OrderState.ERROR)


class OrderType(StrEnum):
    """Order types, as the wire spells them."""

    MKT = "MKT"
    LMT = "LMT"


class Side(StrEnum):
    """Direction of an order or a fill."""

    BUY = "BUY"
    SELL = "SELL"


class ConnectionState(StrEnum):
    """How the connection to the gateway is, and the gateway's to the broker."""

    DISCONNECTED = "DISCONNECTED"
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    IMPAIRED = "IMPAIRED"
    """Connected to the gateway, which has lost the broker (error 1100): nothing is placed."""
    RECONNECTING = "RECONNECTING"
    FAILED = "FAILED"
    """Every try was in vain; ``connect`` may be called again."""


class Settings(Struct, frozen=True):
    """How to connect, and how patiently. Times in seconds."""

    port: int
    client_id: int
    host: str = "127.0.0.1"
    account: str | None = None
    """The only account to work with; None takes the gateway's if it has exactly one."""
    tries: int = 3
    waits_s: tuple[float, ...] = (1.0, 2.0, 4.0)
    """Before the first, second and third try to reconnect; the first try to connect begins at once."""
    try_timeout_s: float = 10.0
    request_timeout_s: float = 10.0
    acknowledge_timeout_s: float = 10.0
    """From an order's bytes until the broker's first word about it, and from a request to cancel until it is
    cancelled; then it is TIMEOUT."""
    commission_timeout_s: float = 5.0
    messages_per_s: float | None = 40.0
    """Evenly spaced; None for no limit. The broker's limit is 50, its clients' own 45."""
    reconnect: bool = True
    """Whether a lost connection is established again without being asked."""

    def __post_init__(self) -> None:
        if self.messages_per_s is not None and not self.messages_per_s > 0:
            remedy = "give a number above zero; the broker's limit is 50"
            raise UsageError(f"{self.messages_per_s} messages per second", remedy=remedy)


class Instrument(Struct, frozen=True):
    """What is traded. ``con_id`` is the broker's number for it, 0 where it is not known."""

    symbol: str
    sec_type: str = "STK"
    exchange: str = "SMART"
    currency: str = "USD"
    con_id: int = 0
    primary_exchange: str = ""


class InstrumentDetails(Struct, frozen=True):
    """What the broker knows of an instrument: its full description and smallest price step."""

    instrument: Instrument
    tick: Decimal


class OrderIntent(Struct, frozen=True):
    """An order as it is wanted. ``intent_id`` is its key here and its order reference at the broker.

    Raises UsageError: an id that is not 1 to 40 letters, digits or ``-_.:``; a quantity or price that is not
    finite and above zero; a limit price missing from a limit order, or given for a market order.
    """

    intent_id: str
    instrument: Instrument
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MKT
    limit_price: Decimal | None = None
    account: str = ""
    """Empty takes the connection's."""
    time_in_force: str = "DAY"

    def __post_init__(self) -> None:
        if _ID.fullmatch(self.intent_id) is None:
            remedy = "use 1 to 40 letters, digits or any of - _ . :"
            raise UsageError(f"{self.intent_id[:60]!r} is no id of an order", remedy=remedy)
        limit, order = self.limit_price, f"order {self.intent_id}"
        for what, value in (("quantity", self.quantity), ("limit price", limit)):
            if value is not None and not (value.is_finite() and value > 0):
                raise UsageError(f"{order}: the {what} is {value}", remedy="give a finite number above zero")
        if (limit is None) == (self.order_type == "LMT"):
            remedy = "a limit order has a limit price, a market order has none"
            raise UsageError(f"{order}: {self.order_type} with limit price {limit}", remedy=remedy)


class OrderTimes(Struct, frozen=True):
    """When an order got where, in microseconds since 1970 by our clock; None: it did not, or unseen.

    ``intent`` is when ``place`` was called, ``submitted`` when its bytes were written, ``acknowledged`` when
    the broker first said that it has it, ``filled`` when the last fill was heard of. What is learnt while
    reconciling has the time of the learning.
    """

    intent: int
    submitted: int | None = None
    acknowledged: int | None = None
    filled: int | None = None


class Fill(Struct, frozen=True):
    """One execution. ``commission`` is None until the broker has reported it."""

    execution_id: str
    intent_id: str
    """The order's reference at the broker, which for an order of ours is its id."""
    order_id: int
    perm_id: int
    side: Side
    quantity: Decimal
    price: Decimal
    time: int
    """The broker's, of whole seconds, in microseconds since 1970."""
    commission: Decimal | None = None


class OrderReport(Struct, frozen=True):
    """How an order stands. ``filled``, ``average_price`` and ``commission`` are the sums of its fills."""

    intent: OrderIntent
    order_id: int
    """The client's number for it; 0 while it has none."""
    perm_id: int
    """The broker's number for it; 0 while it is not known."""
    state: OrderState
    filled: Decimal
    average_price: Decimal | None
    times: OrderTimes
    code: int | None = None
    """The latest error code about it."""
    text: str = ""
    """What the broker said with it, or why it is in TIMEOUT or ERROR."""
    fills: tuple[Fill, ...] = ()
    commission: Decimal | None = None
    """None until every fill's is known."""
    cancel_requested: bool = False

    @property
    def intent_id(self) -> str:
        """The key of the order."""
        return self.intent.intent_id


class OpenOrder(Struct, frozen=True):
    """An order that is open at the broker, of this client or of any other."""

    order_ref: str
    order_id: int
    perm_id: int
    client_id: int
    status: str
    """The broker's word."""


class Position(Struct, frozen=True):
    """What an account holds; negative for a short position."""

    account: str
    instrument: Instrument
    quantity: Decimal
    average_cost: Decimal


class AccountValue(Struct, frozen=True):
    """One row of an account: the broker's tag, its value as text, and the currency (empty: none)."""

    tag: str
    value: str
    currency: str


class AccountValues(Struct, frozen=True):
    """Everything that the broker states of one account."""

    account: str
    rows: tuple[AccountValue, ...]

    def amount(self, tag: str) -> Decimal | None:
        """The value of a tag as a number; None where it is not stated, or is none.

        ``BASE``, which repeats another currency's, is left out.
        """
        found = (number(row.value) for row in self.rows if row.tag == tag and row.currency != "BASE")
        return next(found, None)


class Quote(Struct, frozen=True):
    """Best prices of an instrument; None where there is none."""

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None


class WhatIf(Struct, frozen=True):
    """Whether the broker would take an order: the error code and its text if it would be refused."""

    code: int | None = None
    text: str = ""


class Traffic(Struct, frozen=True):
    """What was written to the connection since the port was made, counted where the bytes leave."""

    messages: int
    busiest_second: int
    """Most messages in any window of one second."""
    by_id: Mapping[int, int] = {}
    """How many of each message id."""
    warnings: int = 0
    """How often the gateway complained of the rate (error 100, or 0 with ``max rate``)."""


# events


class OrderChanged(Struct, frozen=True):
    """An order's state, its error code or its request to cancel changed, or it was acknowledged."""

    report: OrderReport


class Filled(Struct, frozen=True):
    """An order was filled, or the commission of a fill became known (``fill.commission``)."""

    fill: Fill
    report: OrderReport | None
    """None where the order is none of ours."""


class ConnectionChanged(Struct, frozen=True):
    """The connection's state changed."""

    state: ConnectionState
    attempt: int = 0
    """Which try to connect it is about; 0: none."""
    reason: str = ""


class Problem(Struct, frozen=True):
    """A word of the broker that changes nothing by itself: a warning, a notice, an error about no order."""

    code: int
    text: str
    intent_id: str
    """Empty: it is about no order of ours."""


Event = OrderChanged | Filled | ConnectionChanged | Problem
