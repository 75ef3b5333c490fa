"""Messages from a client to the gateway: their numbers, names and fields.

Positions are those of protocol versions 157 to 178, as ``ib_async`` and ``ib_insync`` send them.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from .frames import Malformed

_CONTRACT = (
    "conId symbol secType lastTradeDate strike right multiplier exchange primaryExchange currency"
    " localSymbol tradingClass"
)
_LAYOUTS = {
    1: ("reqMktData", f"version reqId {_CONTRACT} deltaNeutral genericTicks snapshot"),
    2: ("cancelMktData", "version reqId"),
    3: ("placeOrder", ""),
    4: ("cancelOrder", "version orderId"),
    5: ("reqOpenOrders", "version"),
    6: ("reqAccountUpdates", "version subscribe account"),
    7: ("reqExecutions", "version reqId clientId account time symbol secType exchange side"),
    8: ("reqIds", "version count"),
    9: ("reqContractDetails", f"version reqId {_CONTRACT} includeExpired secIdType secId"),
    15: ("reqAutoOpenOrders", "version autoBind"),
    16: ("reqAllOpenOrders", "version"),
    17: ("reqManagedAccts", "version"),
    20: ("reqHistoricalData", f"reqId {_CONTRACT}"),
    49: ("reqCurrentTime", "version"),
    58: ("reqGlobalCancel", "version"),
    59: ("reqMarketDataType", "version marketDataType"),
    61: ("reqPositions", "version"),
    62: ("reqAccountSummary", "version reqId group tags"),
    63: ("cancelAccountSummary", "version reqId"),
    64: ("cancelPositions", "version"),
    71: ("startApi", "version clientId capabilities"),
    76: ("reqAccountUpdatesMulti", "version reqId account modelCode ledgerAndNLV"),
    77: ("cancelAccountUpdatesMulti", "version reqId"),
    99: ("reqCompletedOrders", "apiOnly"),
}


def _names(layout: str) -> tuple[str, ...]:
    return tuple(layout.split())


_NAMES = {number: (name, _names(layout)) for number, (name, layout) in _LAYOUTS.items()}

_ORDER = _names(
    f"orderId {_CONTRACT} secIdType secId action totalQuantity orderType lmtPrice auxPrice tif ocaGroup"
    " account openClose origin orderRef transmit parentId blockOrder sweepToFill displaySize triggerMethod"
    " outsideRth hidden"
)
_SHARES = _names("sharesAllocation discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage")
_MODEL = _names(
    "modelCode shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty"
    " percentOffset eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta"
    " stockRangeLower stockRangeUpper overridePercentageConstraints volatility volatilityType"
    " deltaNeutralOrderType deltaNeutralAuxPrice"
)
_DELTA_NEUTRAL = _names(
    "deltaNeutralConId deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent"
    " deltaNeutralOpenClose deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation"
)
_SCALE = _names(
    "continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize"
    " scaleSubsLevelSize scalePriceIncrement"
)
_SCALE_MORE = _names(
    "scalePriceAdjustValue scalePriceAdjustInterval scaleProfitOffset scaleAutoReset scaleInitPosition"
    " scaleInitFillQty scaleRandomPercent"
)
_HEDGE = ("scaleTable", "activeStartTime", "activeStopTime", "hedgeType")
_CLEARING = ("optOutSmartRouting", "clearingAccount", "clearingIntent", "notHeld", "deltaNeutralContract")
_WHAT_IF = ("algoId", "whatIf", "orderMiscOptions", "solicited", "randomizeSize", "randomizePrice")

_WITHOUT_VERSION = 78
"""From this message on, the request's id follows the message's number; before, a version is between."""
_LONGEST_NUMBER = 32
_HIGHEST = 2**31 - 1
_LONGEST_FIELD = 4096
_MOST_PARAMETERS = 100


class Request(Struct, frozen=True):
    """One message of a client: its number, its name, and its fields that are not empty, by name.

    ``name`` is ``unknown`` where the simulator does not offer the message; it has the field ``requestId``
    then, where one can be guessed, for the error that answers it.
    """

    id: int
    name: str
    fields: dict[str, str]

    def text(self, name: str) -> str:
        """The field, or an empty string."""
        return self.fields.get(name, "")

    def flag(self, name: str) -> bool:
        """Whether the field is 1."""
        return self.fields.get(name, "") in ("1", "true", "True")

    def number(self, name: str) -> int:
        """The field as an integer from -1 to 2³¹ - 1. Raises Malformed: it is none, or out of range."""
        text = self.fields.get(name, "")
        if len(text) > _LONGEST_NUMBER or not text.removeprefix("-").isascii():
            raise Malformed(f"{self.name}: {name} is no integer")
        if not text.removeprefix("-").isdigit() or not -1 <= int(text) <= _HIGHEST:
            raise Malformed(f"{self.name}: {name} is no integer from -1 to {_HIGHEST}")
        return int(text)

    def decimal(self, name: str) -> Decimal:
        """The field as a number, zero where it is empty. Raises Malformed: it is none, or not finite."""
        text = self.fields.get(name, "")
        try:
            value = Decimal(text or "0")
        except InvalidOperation as error:
            raise Malformed(f"{self.name}: {name} is no number") from error
        if len(text) > _LONGEST_NUMBER or not value.is_finite() or abs(value.adjusted()) > 15:
            raise Malformed(f"{self.name}: {name} is outside the range that is offered")
        return value


def read_request(fields: list[str], version: int) -> Request:
    """The message in these fields, of a client with this protocol version.

    Raises Malformed: the first field is no number, or the message ends before its last field.
    """
    if not (fields[0].isascii() and fields[0].isdigit() and len(fields[0]) <= 5):
        raise Malformed("a message that does not begin with its number")
    if max(map(len, fields)) > _LONGEST_FIELD:
        raise Malformed(f"a field of more than {_LONGEST_FIELD} characters")
    number = int(fields[0])
    if number not in _NAMES:
        place = 1 if number >= _WITHOUT_VERSION else 2
        asked = fields[place] if len(fields) > place and _is_request_id(fields[place]) else ""
        return Request(number, "unknown", {"requestId": asked} if asked else {})
    name, layout = _NAMES[number]
    if number == 3:
        return Request(number, name, _read_order(iter(fields[1:]), version))
    if len(fields) - 1 < len(layout):
        raise Malformed(f"{name} ends before its field {layout[len(fields) - 1]}")
    found = {key: text for key, text in zip(layout, fields[1:], strict=False) if text}
    return Request(number, name, found)


def _is_request_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _read_order(rest: Iterator[str], version: int) -> dict[str, str]:
    found: dict[str, str] = {}

    def take(*names: str) -> str:
        text = ""
        for name in names:
            try:
                text = next(rest)
            except StopIteration:
                raise Malformed(f"placeOrder ends before its field {name}") from None
            if text:
                found[name] = text
        return text

    take(*_ORDER)
    if found.get("secType") == "BAG":  # the legs follow; such orders are rejected
        return found
    take(*_SHARES)
    if version < 177:
        take("faProfile")
    take(*_MODEL)
    if found.get("deltaNeutralOrderType"):
        take(*_DELTA_NEUTRAL)
    increment = take(*_SCALE)
    if increment not in ("", "0", "0.0"):
        take(*_SCALE_MORE)
    if take(*_HEDGE):
        take("hedgeParam")
    if take(*_CLEARING) in ("1", "true"):
        take("deltaNeutralContractConId", "deltaNeutralContractDelta", "deltaNeutralContractPrice")
    if take("algoStrategy"):
        count = take("algoParamsCount")
        if not (count.isascii() and count.isdigit() and len(count) < 4 and int(count) <= _MOST_PARAMETERS):
            raise Malformed("placeOrder: the number of algo parameters is out of range")
        found["algoParams"] = ";".join(f"{take('algoTag')}={take('algoValue')}" for _ in range(int(count)))
        for name in ("algoTag", "algoValue"):
            found.pop(name, None)
    take(*_WHAT_IF)
    return found
