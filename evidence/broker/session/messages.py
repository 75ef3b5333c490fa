"""Order intents and execution reports as JSON documents, each held against its contract before it is used.

The contracts are ``contracts/order_intent.schema.json`` and ``contracts/execution_report.schema.json``.
Times in them have microseconds, latencies are milliseconds with three decimals, so nothing is lost.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from ...base.contracts import violations
from ...base.errors import InternalError, masked
from ...base.times import format_utc
from ..port import Fill, OrderIntent, OrderReport, OrderState, OrderTimes

INTENT, REPORT = "order_intent", "execution_report"
_VERSION = "1.0"
_MOST_TEXT = 1000
_DIGITS = Decimal("1e-10")
_BPS = 10_000


class RiskChecks(Struct, frozen=True):
    """What was checked before an intent may leave; the last two say whether a kill switch has tripped."""

    within_box_limit: bool = True
    within_gross_limit: bool = True
    pnl_kill_switch: bool = False
    drawdown_kill_switch: bool = False

    @property
    def refusal(self) -> str | None:
        """Why the intent must not leave, one clause; None where it may."""
        reasons = {
            "its value is above limits.order_value": not self.within_box_limit,
            "the positions would be above limits.gross_value": not self.within_gross_limit,
        }
        return next((reason for reason, holds in reasons.items() if holds), self.halt)

    @property
    def halt(self) -> str | None:
        """Why nothing may be placed any more; None where trading may go on."""
        if self.pnl_kill_switch:
            return "the account has lost more than limits.loss_percent"
        return "the drawdown is above limits.drawdown_percent" if self.drawdown_kill_switch else None


def format_time(us: int) -> str:
    """RFC 3339 in UTC, with microseconds."""
    return f"{format_utc(us // 1_000_000)[:-1]}.{us % 1_000_000:06d}Z"


def plain(value: Decimal | int) -> int | float:
    """A number as JSON has it, at most ten decimals; whole ones without a decimal point."""
    if value == (whole := int(value)):
        return whole
    return float(round(Decimal(value) / _DIGITS) * _DIGITS)


def plain_or_none(value: Any) -> int | float | None:
    """As ``plain``; None for None."""
    return None if value is None else plain(value)


def intent_message(
    order: OrderIntent,
    *,
    at: int,
    strategy_id: str,
    session_id: str,
    reference: Decimal,
    closes: str | None,
    checks: RiskChecks,
) -> dict[str, Any]:
    """The intent as a document.

    Args:
        at: when it was made, microseconds since 1970.
        reference: the price that its limit and the checks were computed with.
        closes: the intent whose position it closes.

    Raises InternalError: the document does not keep to its contract.
    """
    return _held(
        INTENT,
        {
            **_order(INTENT, order, at, strategy_id),
            "stop_price": None,
            "security_type": order.instrument.sec_type,
            "reference_price": plain(reference),
            "parent_intent_id": closes,
            "correlation_id": session_id,
            "risk_checks": asdict(checks),
        },
    )


def _order(event: str, order: OrderIntent, at: int, strategy_id: str) -> dict[str, Any]:
    """What intents and reports say of an order."""
    return {
        "event_type": event,
        "intent_id": order.intent_id,
        "symbol": order.instrument.symbol,
        "direction": order.side.value,
        "quantity": plain(order.quantity),
        "order_type": order.order_type.value,
        "limit_price": plain_or_none(order.limit_price),
        "time_in_force": order.time_in_force,
        "timestamp": format_time(at),
        "strategy_id": strategy_id,
        "account_id": order.account,
        "currency": order.instrument.currency,
        "exchange": order.instrument.exchange,
        "schema_version": _VERSION,
    }


def report_message(
    report: OrderReport, *, number: int, at: int, client_id: int, strategy_id: str, reference: Decimal
) -> dict[str, Any]:
    """How an order stands, as a document.

    Args:
        number: which report of this order it is, from 1.
        at: when it was made, microseconds since 1970.
        reference: the intent's reference price, which slippage is measured against.

    Raises InternalError: the document does not keep to its contract.
    """
    intent, status = report.intent, _status(report)
    refused = status in (OrderState.REJECTED, OrderState.ERROR, OrderState.TIMEOUT)
    text = masked(" ".join(report.text.split()))[:_MOST_TEXT]
    if status is OrderState.REJECTED:
        text = text or "the broker gave no reason"
    price = report.average_price
    return _held(
        REPORT,
        {
            **_order(REPORT, intent, at, strategy_id),
            "report_id": f"{intent.intent_id}-{number}",
            "order_id": report.order_id or None,
            "perm_id": report.perm_id or None,
            "client_id": client_id,
            "filled_quantity": plain(report.filled),
            "remaining_quantity": plain(max(intent.quantity - report.filled, Decimal(0))),
            "status": status.value,
            "average_fill_price": None if price is None or not report.filled else plain(price),
            "last_fill_price": plain(report.fills[-1].price) if report.fills else None,
            "reject_code": report.code if refused else None,
            "reject_reason": text or None if refused else None,
            "latency": latency_ms(report.times),
            "costs": _costs(report, reference),
            "fills": [_fill(fill) for fill in report.fills],
        },
    )


def _status(report: OrderReport) -> OrderState:
    """An order that was filled in part before the broker refused the rest was cancelled, not rejected."""
    return OrderState.CANCELED if report.state is OrderState.REJECTED and report.filled else report.state


def in_order(times: OrderTimes) -> OrderTimes:
    """The times such that none is before the step that it follows.

    A fill can be heard of before the acknowledgement, and then it is one.
    """
    filled = None if times.filled is None else max(times.filled, times.intent)
    known = times.acknowledged
    acknowledged = known if known is None or filled is None else min(known, filled)
    later = acknowledged if acknowledged is not None else filled
    submitted = times.submitted
    if submitted is not None and later is not None:
        submitted = min(submitted, later)
    return replace(times, filled=filled, acknowledged=acknowledged, submitted=submitted)


def latency_ms(times: OrderTimes) -> dict[str, int | float | None]:
    """The latencies of an order in milliseconds; None where one end of a step is not known."""
    steps = {
        "intent_to_submit_ms": (times.intent, times.submitted),
        "submit_to_ack_ms": (times.submitted, times.acknowledged),
        "ack_to_fill_ms": (times.acknowledged, times.filled),
        "total_latency_ms": (times.intent, times.filled),
    }
    return {
        name: None if begin is None or end is None else plain(Decimal(end - begin) / 1000)
        for name, (begin, end) in steps.items()
    }


def _costs(report: OrderReport, reference: Decimal) -> dict[str, int | float | None]:
    commission, price, filled = report.commission, report.average_price, report.filled
    slippage = total = None
    if price is not None and filled:
        worse = price - reference if report.intent.side == "BUY" else reference - price
        slippage = worse * filled
        if commission is not None and reference > 0:
            total = (commission + slippage) / (reference * filled) * _BPS
    return {
        "commission": plain_or_none(commission),
        "slippage": plain_or_none(slippage),
        "market_impact": None,
        "total_cost_bps": plain_or_none(total),
    }


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "exec_id": fill.execution_id,
        "quantity": plain(fill.quantity),
        "price": plain(fill.price),
        "time": format_utc(fill.time // 1_000_000),
    }


def _held(contract: str, message: dict[str, Any]) -> dict[str, Any]:
    for place, what in violations("", contract, message, quote=False):
        what = f"a message does not keep to the contract {contract}: {what}"
        raise InternalError(what, place=place, remedy="report it with the session's journal")
    return message
