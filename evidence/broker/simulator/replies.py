"""Messages from the gateway to a client: how each is laid out, for protocol versions 157 to 178."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from ..protocol.frames import frame_of
from .scenario import Instrument


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


def _reply(number: int, name: str, fields: dict[str, str], *before: str) -> Reply:
    return Reply(number, name, fields, frame_of([str(number), *before, *fields.values()]))


def hello(version: int, time: str) -> Reply:
    """The answer to the greeting: the chosen protocol version, and the time."""
    fields = {"version": str(version), "time": time}
    return Reply(0, "serverVersion", fields, frame_of(fields.values()))


def next_valid_id(order_id: int) -> Reply:
    """The lowest order id that the client may use."""
    return _reply(9, "nextValidId", {"orderId": str(order_id)}, "1")


def managed_accounts(account: str) -> Reply:
    """The accounts that the client may trade."""
    return _reply(15, "managedAccounts", {"accounts": f"{account},"}, "1")


def error(request: int, code: int, message: str, version: int) -> Reply:
    """An error, warning or notice; ``request`` is the id of an order or request, or -1."""
    fields = {"requestId": str(request), "code": str(code), "message": message}
    if version >= 166:
        fields["advancedOrderReject"] = ""
    return _reply(4, "error", fields, "2")


def plain(number: int, name: str, *before: str, **fields: str) -> Reply:
    """A message whose fields, after those of ``before`` (its version), are as given."""
    return _reply(number, name, fields, *before)


def contract(instrument: Instrument, *, exchange: str | None = None) -> dict[str, str]:
    """The eleven fields that name an instrument in most messages."""
    return {
        "conId": str(instrument.con_id),
        "symbol": instrument.symbol,
        "secType": instrument.sec_type,
        "lastTradeDate": "",
        "strike": "0",
        "right": "",
        "multiplier": str(instrument.multiplier) if instrument.multiplier != 1 else "",
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


def _filled_in(number: int, name: str, layout: str, values: dict[str, str], version: int) -> Reply:
    places, defaults = _template(layout, version)
    fields = defaults.copy()
    for key, value in values.items():
        fields[places[key]] = value
    shown = {key: value.replace("\0", ";") for key, value in values.items()}
    return Reply(number, name, shown, frame_of([str(number), *fields]))


def open_order(values: dict[str, str], version: int) -> Reply:
    """An order as it stands, or the answer to a what-if order; fields not in ``values`` have defaults."""
    return _filled_in(5, "openOrder", _OPEN, values, version)


def completed_order(values: dict[str, str], version: int) -> Reply:
    """An order that came to its end."""
    return _filled_in(101, "completedOrder", _COMPLETED, values, version)


def execution(
    request: int, order_id: int, named: dict[str, str], values: dict[str, str], version: int
) -> Reply:
    """One fill; ``request`` is -1 when it happens, else the id of the request for executions."""
    fields = {"requestId": str(request), "orderId": str(order_id), **named, **values}
    if version >= 178:
        fields["pendingPriceRevision"] = "0"
    return _reply(11, "execDetails", fields)


def contract_details(request: int, instrument: Instrument, version: int) -> Reply:
    """What is known about an instrument."""
    tick = text_of(instrument.tick)
    named = contract(instrument)
    fields = {"requestId": str(request), "symbol": named["symbol"], "secType": named["secType"]}
    fields |= {name: named[name] for name in ("lastTradeDate", "strike", "right", "exchange", "currency")}
    fields |= {"localSymbol": named["localSymbol"], "marketName": instrument.symbol}
    fields |= {"tradingClass": named["tradingClass"], "conId": named["conId"], "minTick": tick}
    if version < 164:
        fields["mdSizeMultiplier"] = "1"
    fields |= {
        "multiplier": named["multiplier"],
        "orderTypes": "LMT,MKT,STP,STPLMT",
        "validExchanges": instrument.exchange,
        "priceMagnifier": "1",
        "underConId": "0",
        "longName": instrument.name or instrument.symbol,
        "primaryExchange": instrument.primary_exchange,
        "contractMonth": "",
        "industry": "",
        "category": "",
        "subcategory": "",
        "timeZoneId": "US/Eastern",
        "tradingHours": "",
        "liquidHours": "",
        "evRule": "",
        "evMultiplier": "",
        "securityIds": "0",
        "aggGroup": "1",
        "underSymbol": "",
        "underSecType": "",
        "marketRuleIds": "26",
        "realExpirationDate": "",
        "stockType": "COMMON" if instrument.sec_type == "STK" else "",
    }
    if version == 163:
        fields["suggestedSizeIncrement"] = "1"
    if version >= 164:
        fields |= {"minSize": "1", "sizeIncrement": "1", "suggestedSizeIncrement": "1"}
    return _reply(10, "contractDetails", fields, *(("8",) if version < 164 else ()))
