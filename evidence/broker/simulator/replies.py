"""Messages from the gateway to a client: how each is laid out, for protocol versions 157 to 178."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from ..protocol.frames import frame_of
from .scenario import Instrument

Value = str | int | Decimal
"""A field before it is written."""


class Reply(Struct, frozen=True):
    """One message to a client: its number, its name, what matters in it by name, and its bytes."""

    id: int
    name: str
    fields: Mapping[str, str]
    frame: bytes


def text_of(value: Decimal) -> str:
    """A number as the gateway writes it: without exponent and without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def texts(fields: Mapping[str, Value]) -> dict[str, str]:
    """The fields of a message as the gateway writes them."""
    return {name: value if isinstance(value, str) else _text(value) for name, value in fields.items()}


def _text(value: Decimal | int) -> str:
    return text_of(value) if isinstance(value, Decimal) else str(int(value))


def hello(version: int, time: str) -> Reply:
    """The answer to the greeting: the chosen protocol version, and the time."""
    fields = {"version": str(version), "time": time}
    return Reply(0, "serverVersion", fields, frame_of(fields.values()))


def next_valid_id(order_id: int) -> Reply:
    """The lowest order id that the client may use."""
    return plain(9, "nextValidId", "1", orderId=order_id)


def managed_accounts(account: str) -> Reply:
    """The accounts that the client may trade."""
    return plain(15, "managedAccounts", "1", accounts=f"{account},")


def error(request: int, code: int, message: str, version: int) -> Reply:
    """An error, warning or notice; ``request`` is the id of an order or request, or -1."""
    more = {"advancedOrderReject": ""} if version >= 166 else {}
    return plain(4, "error", "2", requestId=request, code=code, message=message, **more)


def plain(number: int, name: str, *before: str, **fields: Value) -> Reply:
    """A message whose fields, after those of ``before`` (its version), are as given."""
    written = texts(fields)
    return Reply(number, name, written, frame_of([str(number), *before, *written.values()]))


def contract(instrument: Instrument, *, exchange: str | None = None) -> dict[str, Value]:
    """The eleven fields that name an instrument in most messages."""
    return {
        "conId": instrument.con_id,
        "symbol": instrument.symbol,
        "secType": instrument.sec_type,
        "lastTradeDate": "",
        "strike": "0",
        "right": "",
        "multiplier": instrument.multiplier if instrument.multiplier != 1 else "",
        "exchange": instrument.exchange if exchange is None else exchange,
        "currency": instrument.currency,
        "localSymbol": instrument.symbol,
        "tradingClass": instrument.symbol,
    }


_CONTRACT = (
    "conId symbol secType lastTradeDate strike right multiplier exchange currency localSymbol tradingClass"
)
_UNTIL_LEGS = (
    "continuousUpdate referencePriceType trailStopPrice trailingPercent basisPoints basisPointsType"
    " comboLegsDescrip comboLegs=0 orderComboLegs=0 smartComboRoutingParams=0 scaleInitLevelSize"
    " scaleSubsLevelSize scalePriceIncrement hedgeType"
)
_OPEN = (
    f"orderId {_CONTRACT} action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose"
    " origin=0 orderRef clientId permId outsideRth=0 hidden=0 discretionaryAmt=0 goodAfterTime"
    " sharesAllocation faGroup faMethod faPercentage <177:faProfile modelCode goodTillDate rule80A"
    " percentOffset settlingFirm shortSaleSlot=0 designatedLocation exemptCode=-1 auctionStrategy=0"
    " startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize=0 blockOrder=0"
    " sweepToFill=0 allOrNone=0 minQty ocaType=0 eTradeOnly=0 firmQuoteOnly=0 nbboPriceCap parentId=0"
    f" triggerMethod=0 volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice {_UNTIL_LEGS}"
    " optOutSmartRouting=0 clearingAccount clearingIntent=IB notHeld=0 deltaNeutralContract=0 algoStrategy"
    " solicited=0 whatIf=0 status initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange"
    " maintMarginChange equityWithLoanChange initMarginAfter maintMarginAfter equityWithLoanAfter commission"
    " minCommission maxCommission commissionCurrency warningText randomizeSize=0 randomizePrice=0"
    " conditions=0 adjustedOrderType triggerPrice adjustableTrailStopPrice lmtPriceOffset"
    " adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit=0"
    " softDollarTierName softDollarTierValue softDollarTierDisplayName cashQty=0 dontUseAutoPriceForHedge=0"
    " isOmsContainer=0 discretionaryUpToLimitPrice=0 usePriceMgmtAlgo=0 159:duration 160:postToAts"
    " 162:autoCancelParent=0 170:minTradeQty 170:minCompeteSize 170:competeAgainstBestOffset"
    " 170:midOffsetAtWhole 170:midOffsetAtHalf"
)
_COMPLETED = (
    f"{_CONTRACT} action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin=0"
    " orderRef permId outsideRth=0 hidden=0 discretionaryAmt=0 goodAfterTime faGroup faMethod faPercentage"
    " <177:faProfile modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot=0"
    " designatedLocation exemptCode=-1 startingPrice stockRefPrice delta stockRangeLower stockRangeUpper"
    " displaySize=0 sweepToFill=0 allOrNone=0 minQty ocaType=0 triggerMethod=0 volatility volatilityType"
    " deltaNeutralOrderType deltaNeutralAuxPrice"
    f" {_UNTIL_LEGS.replace(' basisPoints basisPointsType', '')}"
    " clearingAccount clearingIntent=IB notHeld=0 deltaNeutralContract=0 algoStrategy solicited=0 status"
    " randomizeSize=0 randomizePrice=0 conditions=0 adjustableTrailStopPrice lmtPriceOffset cashQty=0"
    " dontUseAutoPriceForHedge=0 isOmsContainer=0 autoCancelDate filledQuantity refFuturesConId=0"
    " autoCancelParent=0 shareholder imbalanceOnly=0 routeMarketableToBbo=0 parentPermId=0 completedTime"
    " completedStatus 170:minTradeQty 170:minCompeteSize 170:competeAgainstBestOffset"
    " 170:midOffsetAtWhole 170:midOffsetAtHalf"
)
"""Names of the fields in their order, with defaults; ``170:`` from that version on, ``<177:`` before it."""


@functools.cache
def _template(layout: str, version: int) -> tuple[dict[str, int], list[str]]:
    """Each field's position, and the defaults."""
    places: dict[str, int] = {}
    defaults: list[str] = []
    for part in layout.split():
        bound, _, rest = part.rpartition(":")
        if (bound.startswith("<") and version >= int(bound[1:])) or (
            bound.isdigit() and version < int(bound)
        ):
            continue
        name, _, default = rest.partition("=")
        places[name] = len(defaults)
        defaults.append(default)
    return places, defaults


def _filled_in(number: int, name: str, layout: str, values: Mapping[str, Value], version: int) -> Reply:
    places, defaults = _template(layout, version)
    fields, written = defaults.copy(), texts(values)
    for key, value in written.items():
        fields[places[key]] = value
    shown = {key: value.replace("\0", ";") for key, value in written.items()}
    return Reply(number, name, shown, frame_of([str(number), *fields]))


def open_order(values: Mapping[str, Value], version: int) -> Reply:
    """An order as it stands, or the answer to a what-if order; fields not in ``values`` have defaults."""
    return _filled_in(5, "openOrder", _OPEN, values, version)


def completed_order(values: Mapping[str, Value], version: int) -> Reply:
    """An order that came to its end."""
    return _filled_in(101, "completedOrder", _COMPLETED, values, version)


_DETAILS = (
    "requestId symbol secType lastTradeDate strike right exchange currency localSymbol marketName"
    " tradingClass conId minTick <164:mdSizeMultiplier=1 multiplier orderTypes=LMT,MKT,STP,STPLMT"
    " validExchanges priceMagnifier=1 underConId=0 longName primaryExchange contractMonth industry category"
    " subcategory timeZoneId=US/Eastern tradingHours liquidHours evRule evMultiplier securityIds=0 aggGroup=1"
    " underSymbol underSecType marketRuleIds=26 realExpirationDate stockType 164:minSize=1"
    " 164:sizeIncrement=1 163:suggestedSizeIncrement=1"
)


def contract_details(request: int, instrument: Instrument, version: int) -> Reply:
    """What is known about an instrument."""
    places, defaults = _template(_DETAILS, version)
    fields: dict[str, Value] = dict(zip(places, defaults, strict=True))
    fields |= contract(instrument) | {
        "requestId": request,
        "marketName": instrument.symbol,
        "minTick": instrument.tick,
        "validExchanges": instrument.exchange,
        "longName": instrument.name or instrument.symbol,
        "primaryExchange": instrument.primary_exchange,
        "stockType": "COMMON" if instrument.sec_type == "STK" else "",
    }
    return plain(10, "contractDetails", *(("8",) if version < 164 else ()), **fields)
