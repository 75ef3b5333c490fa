"""An order, its executions, and how both look in messages."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

from ...base.errors import masked
from ..protocol.requests import Request
from . import replies
from .replies import Reply, text_of
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
        values = {
            "execId": self.id,
            "time": self.time,
            "account": order.account,
            "executionExchange": order.instrument.primary_exchange,
            "side": "BOT" if order.buys else "SLD",
            "shares": text_of(self.quantity),
            "price": text_of(self.price),
            "permId": str(order.perm_id),
            "clientId": str(order.client),
            "liquidation": "0",
            "cumQty": text_of(self.cumulative),
            "avgPrice": text_of(self.average),
            "orderRef": order.request.text("orderRef"),
            "evRule": "",
            "evMultiplier": "",
            "modelCode": "",
            "lastLiquidity": "2",
        }
        named = replies.contract(order.instrument, exchange="")
        return replies.execution(request, order.id, named, values, version)

    def report(self) -> Reply:
        """What the execution cost."""
        unknown = "1.7976931348623157E308"
        return replies.plain(
            59,
            "commissionReport",
            "1",
            execId=self.id,
            commission=text_of(self.commission),
            currency=self.order.instrument.currency,
            realizedPNL=unknown if self.realized is None else text_of(self.realized),
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

    def about(self) -> dict[str, str]:
        """Whose order it is, as fields of an event."""
        client, reference = str(self.client), masked(self.request.text("orderRef"))
        return {
            "clientId": client,
            "orderId": str(self.id),
            "permId": str(self.perm_id),
            "orderRef": reference,
        }

    def figures(self) -> dict[str, str]:
        """How it stands, as fields of an event."""
        quantity, filled = text_of(self.quantity), text_of(self.filled)
        return {"status": self.status, "totalQuantity": quantity, "filled": filled}

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

    def _named(self) -> dict[str, str]:
        request = self.request
        fields = replies.contract(self.instrument)
        fields |= {
            "action": request.text("action"),
            "totalQuantity": text_of(self.quantity),
            "orderType": self.type,
            "lmtPrice": text_of(request.decimal("lmtPrice")),
            "auxPrice": text_of(request.decimal("auxPrice")),
            "tif": request.text("tif") or "DAY",
            "account": self.account,
            "orderRef": request.text("orderRef"),
            "permId": str(self.perm_id),
            "outsideRth": "1" if request.flag("outsideRth") else "0",
        }
        if algo := request.text("algoStrategy"):
            pairs = [part for part in request.text("algoParams").split(";") if part]
            split = [text for pair in pairs for text in pair.partition("=")[::2]]
            fields["algoStrategy"] = "\0".join([algo, str(len(pairs)), *split])
        return fields

    def open_order(self, version: int, *, what_if: dict[str, str] | None = None) -> Reply:
        """The order as it stands; with ``what_if``, the answer to such a request."""
        values = {
            "orderId": str(self.id),
            **self._named(),
            "clientId": str(self.client),
            "parentId": self.request.text("parentId") or "0",
            "status": self.status,
        }
        if what_if is not None:
            values |= {"whatIf": "1", "status": PRE_SUBMITTED, **what_if}
        return replies.open_order(values, version)

    def completed(self, version: int) -> Reply:
        """The order after its end."""
        values = {
            **self._named(),
            "status": self.status,
            "filledQuantity": text_of(self.filled),
            "completedTime": self.ended_at,
            "completedStatus": f"{self.status}: {text_of(self.filled)} of {text_of(self.quantity)}",
        }
        return replies.completed_order(values, version)

    def order_status(self) -> Reply:
        """The order's status message."""
        return replies.plain(
            3,
            "orderStatus",
            orderId=str(self.id),
            status=self.status,
            filled=text_of(self.filled),
            remaining=text_of(self.remaining),
            avgFillPrice=text_of(self.average),
            permId=str(self.perm_id),
            parentId="0",
            lastFillPrice=text_of(self.last_price),
            clientId=str(self.client),
            whyHeld="",
            mktCapPrice="0",
        )
