"""The evidence that a finished session leaves, written from its book alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ...base.contracts import violations
from ...base.errors import InternalError
from .book import Book, Order
from .messages import format_time, plain, plain_or_none

LOG_CONTRACT = "paper_trading_log"
_TRADING_YEAR_S = 252 * 23_400
"""252 trading days of 6.5 hours, as ``equity_year: trading`` means it."""
_PARTS = {
    **{name: f"{name}_ms" for name in ("intent_to_submit", "submit_to_ack", "ack_to_fill")},
    "total": "total_latency_ms",
}
"""Latencies of a trade, and what execution reports call them."""
_SHOWN = {
    "duration": ("s", 6),
    **dict.fromkeys(("p50_latency", "p95_latency", "p99_latency"), ("ms", 3)),
    **dict.fromkeys(("total_trades", "pacing_violations", "disconnects"), ("count", 0)),
}
"""Unit and decimals of each figure; ratios have six."""


def log_document(book: Book, note: str) -> dict[str, Any]:
    """The session's log, contract ``paper_trading_log``.

    Raises InternalError: it does not keep to the contract.
    """
    every = int(book.session["equity_every_s"])
    orders = sorted((order for order in book.orders.values() if order.sent), key=_submitted)
    document = {
        "session_id": book.session["session_id"],
        "account_id": book.session["account_id"],
        "note": note,
        "start_time": format_time(book.started_us),
        "end_time": format_time(book.last_us if book.ended_us is None else book.ended_us),
        "events": sorted(book.events, key=lambda event: str(event["time"])),
        "trades": [_trade(order) for order in orders],
        "equity_periods_per_year": round(_TRADING_YEAR_S / every),
        "equity_year": "trading",
        "equity": [{"time": format_time(at), "nav": plain(nav)} for at, nav in book.equity],
    }
    for place, what in violations("files", LOG_CONTRACT, document, quote=False):
        raise InternalError(f"the session's log does not keep to its contract: {what}", place=place)
    return document


def log_file(document: Mapping[str, Any]) -> bytes:
    """The log as a file: a line for each event, trade and sample."""
    lines = []
    for name, value in document.items():
        if isinstance(value, list) and value:
            inner = ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in value)
            lines.append(f"  {json.dumps(name)}: [\n{inner}\n  ]")
        else:
            lines.append(f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _submitted(order: Order) -> int:
    return order.times["submitted"] or order.at_us


def _trade(order: Order) -> dict[str, Any]:
    intent, report = order.intent, order.report or {}
    latency = report.get("latency", {})
    rejected = order.status == "REJECTED"
    return {
        **{name: intent[name] for name in ("intent_id", "symbol", "direction")},
        "quantity": plain(intent["quantity"]),
        "filled_quantity": plain(order.filled),
        "order_type": intent["order_type"],
        "limit_price": plain_or_none(intent["limit_price"]),
        "status": order.status,
        "submitted_at": format_time(_submitted(order)),
        "latency_ms": {name: plain_or_none(latency.get(part)) for name, part in _PARTS.items()},
        "fill_price": plain_or_none(report.get("average_fill_price")),
        "commission": plain_or_none(report.get("costs", {}).get("commission")),
        "reject_code": report.get("reject_code") if rejected else None,
        "reject_reason": report.get("reject_reason") if rejected else None,
    }


def messages_file(messages: list[dict[str, Any]]) -> bytes:
    """Intents or reports as JSON Lines."""
    return b"".join(
        json.dumps(message, ensure_ascii=False, default=plain).encode() + b"\n" for message in messages
    )


def metrics_file(figures: Mapping[str, Fraction]) -> bytes:
    """The metrics file (``metric,value,unit,status``): every figure that can be told, judged by nobody.

    Args:
        figures: as ``recompute`` of the collector ``paper`` gives them.
    """
    rows = ["metric,value,unit,status"]
    for metric, value in figures.items():
        unit, decimals = _SHOWN.get(metric, ("ratio", 6))
        rows.append(f"{metric},{_decimal(value, decimals)},{unit},INFO")
    return ("\n".join(rows) + "\n").encode()


def _decimal(value: Fraction, decimals: int) -> str:
    """The figure, rounded half to even."""
    return f"{Decimal(round(value * 10**decimals)).scaleb(-decimals):f}"
