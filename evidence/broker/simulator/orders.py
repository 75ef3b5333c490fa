"""An order, its executions, and how both look in messages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, field

from ...base.errors import masked
from ..protocol.requests import Request
from . import replies
from .replies import Reply, Value, text_of
from .scenario import Instrument

PENDING_SUBMIT, PRE_SUBMITTED, SUBMITTED = "PendingSubmit", "PreSubmitted", "Submitted"
PENDING_CANCEL, API_CANCELLED, CANCELLED = "PendingCancel", "ApiCancelled", "Cancelled"
FILLED, INACTIVE = "Filled", "Inactive"
DONE = frozenset({API_CANCELLED, CANCELLED, FILLED, INACTIVE})

TYPES = frozenset({"MKT", "LMT", "STP", "STP LMT"})
STOPS = frozenset({"STP", "STP LMT"})
LIMITS = frozenset({"LMT", "STP LMT"})


class Execution(Struct, frozen=True):
    """One fill: what ``execDetails`` and ``commissionReport`` say about it."""

    order: Order
    id: str
    time: str
    quantity: Decimal
    price: Decimal
    cumulative: Decimal
    average: Decimal
    commission: Decimal
    realized: Decimal | None
    """Profit realized by it; None where it opened a position."""

    def details(self, request: int, version: int) -> Reply:
        """The execution as an answer to this request; -1 when it happens."""
        order = self.order
        fields = {
            "requestId": request,
            "orderId": order.id,
            **replies.contract(order.instrument, exchange=""),
        }
        fields |= {
            "execId": self.id,
            "time": self.time,
            "account": order.account,
            "executionExchange": order.instrument.primary_exchange,
            "side": "BOT" if order.buys else "SLD",
            "shares": self.quantity,
            "price": self.price,
            "permId": order.perm_id,
            "clientId": order.client,
            "liquidation": 0,
            "cumQty": self.cumulative,
            "avgPrice": self.average,
            "orderRef": order.request.text("orderRef"),
            **dict.fromkeys(("evRule", "evMultiplier", "modelCode"), ""),
            "lastLiquidity": 2,
            **({"pendingPriceRevision": 0} if version >= 178 else {}),
        }
        return replies.plain(11, "execDetails", **fields)

    def report(self) -> Reply:
        """What the execution cost."""
        unknown = "1.7976931348623157E308"
        return replies.plain(
            59,
            "commissionReport",
            "1",
            execId=self.id,
            commission=self.commission,
            currency=self.order.instrument.currency,
            realizedPNL=unknown if self.realized is None else self.realized,
            yieldRate=unknown,
            yieldRedemptionDate="",
        )


class Order(Struct, eq=False):
    """An order from its arrival to its end."""

    request: Request
    """The latest ``placeOrder`` for it."""
    client: int
    id: int
    perm_id: int
    number: int
    """Which order of the session it is, from 1."""
    instrument: Instrument
    account: str
    quantity: Decimal
    status: str = PENDING_SUBMIT
    triggered: bool = False
    filled: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    last_price: Decimal = Decimal(0)
    cancel_from: str = SUBMITTED
    """The status before a request to cancel."""
    ended_at: str = ""
    held: bool = False
    """Whether a fault keeps it where it is."""
    not_before: int = 0
    """Until when a fault delays its next step."""
    fills: int = 0
    parts: list[Decimal] = field(default_factory=list)

    @property
    def buys(self) -> bool:
        """Whether it buys."""
        return self.request.text("action") == "BUY"

    @property
    def type(self) -> str:
        """The order type, such as ``LMT``."""
        return self.request.text("orderType")

    @property
    def remaining(self) -> Decimal:
        """What is not filled."""
        return self.quantity - self.filled

    @property
    def average(self) -> Decimal:
        """Average price of the fills."""
        return (self.value / self.filled).quantize(Decimal("0.00000001")) if self.filled else Decimal(0)

    @property
    def done(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.status in DONE

    def about(self) -> dict[str, Value]:
        """Whose order it is, as fields of an event."""
        reference = masked(self.request.text("orderRef"))
        return {"clientId": self.client, "orderId": self.id, "permId": self.perm_id, "orderRef": reference}

    def figures(self) -> dict[str, Value]:
        """How it stands, as fields of an event."""
        return {"status": self.status, "totalQuantity": self.quantity, "filled": self.filled}

    def _market(self, bid: Decimal, ask: Decimal) -> Decimal:
        return ask if self.buys else bid

    def waits_for_stop(self, bid: Decimal, ask: Decimal) -> bool:
        """Whether it is a stop that the market has not reached; once reached, it stays so."""
        if self.type in STOPS and not self.triggered:
            market, stop = self._market(bid, ask), self.request.decimal("auxPrice")
            self.triggered = market >= stop if self.buys else market <= stop
            return not self.triggered
        return False

    def marketable(self, bid: Decimal, ask: Decimal) -> bool:
        """Whether it trades at these prices."""
        market, limit = self._market(bid, ask), self.request.decimal("lmtPrice")
        return self.type not in LIMITS or (limit >= market if self.buys else limit <= market)

    def _named(self) -> dict[str, Value]:
        request = self.request
        fields = replies.contract(self.instrument) | {
            "action": request.text("action"),
            "totalQuantity": self.quantity,
            "orderType": self.type,
            "lmtPrice": request.decimal("lmtPrice"),
            "auxPrice": request.decimal("auxPrice"),
            "tif": request.text("tif") or "DAY",
            "account": self.account,
            "orderRef": request.text("orderRef"),
            "permId": self.perm_id,
            "outsideRth": request.flag("outsideRth"),
        }
        if algo := request.text("algoStrategy"):
            pairs = [part for part in request.text("algoParams").split(";") if part]
            split = [text for pair in pairs for text in pair.partition("=")[::2]]
            fields["algoStrategy"] = "\0".join([algo, str(len(pairs)), *split])
        return fields

    def open_order(self, version: int, *, what_if: Mapping[str, Value] | None = None) -> Reply:
        """The order as it stands; with ``what_if``, the answer to such a request."""
        parent = self.request.text("parentId") or "0"
        values = {"orderId": self.id, **self._named(), "clientId": self.client, "parentId": parent}
        values["status"] = self.status
        if what_if is not None:
            values |= {"whatIf": 1, "status": PRE_SUBMITTED, **what_if}
        return replies.open_order(values, version)

    def completed(self, version: int) -> Reply:
        """The order after its end."""
        values = {
            **self._named(),
            "status": self.status,
            "filledQuantity": self.filled,
            "completedTime": self.ended_at,
            "completedStatus": f"{self.status}: {text_of(self.filled)} of {text_of(self.quantity)}",
        }
        return replies.completed_order(values, version)

    def order_status(self) -> Reply:
        """The order's status message."""
        return replies.plain(
            3,
            "orderStatus",
            orderId=self.id,
            status=self.status,
            filled=self.filled,
            remaining=self.remaining,
            avgFillPrice=self.average,
            permId=self.perm_id,
            parentId=0,
            lastFillPrice=self.last_price,
            clientId=self.client,
            whyHeld="",
            mktCapPrice=0,
        )
