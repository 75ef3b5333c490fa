"""What a paper session came to, as text or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from ....evidence.base.errors import masked
from ....evidence.base.numbers import percentile_nearest_rank
from ....evidence.broker.session.book import Book
from ....evidence.broker.session.status import latencies, sparkline
from ...report.json_format import render_json
from ...terminal.figures import figure
from ...terminal.lines import to_bytes

_SECOND_US = 1_000_000


def _summary(book: Book) -> dict[str, Any]:
    sent = [order for order in book.orders.values() if order.sent]
    kinds = Counter(event["type"] for event in book.events)
    totals = latencies(book)
    end = book.last_us if book.ended_us is None else book.ended_us
    return {
        "session_id": book.session["session_id"],
        "plan": book.session["name"],
        "account": masked(book.session["account_id"]),
        "library": book.session["library"],
        "duration_s": (end - book.started_us) // _SECOND_US,
        "orders": len(sent),
        "states": dict(sorted(Counter(order.status for order in sent).items())),
        "fills": sum(len(order.report["fills"]) for order in sent if order.report),
        "latency_us": {
            f"p{percent}": percentile_nearest_rank(totals, percent) if totals else None
            for percent in (50, 95, 99)
        },
        "disconnects": kinds["disconnect"],
        "pacing_violations": kinds["pacing_violation"],
        "errors": kinds["error"],
        "equity_samples": len(book.equity),
    }


def _text(book: Book) -> bytes:
    found = _summary(book)
    states = ", ".join(f"{count} {state}" for state, count in found["states"].items()) or "none"
    latency = ", ".join(f"{name} {figure(value, 'us')}" for name, value in found["latency_us"].items())
    return to_bytes(
        [
            f"session      {found['session_id']}, {figure(found['duration_s'], 's')}",
            f"plan         {found['plan']}",
            f"account      {found['account']}, {found['library']}",
            f"orders       {found['orders']}: {states}; {found['fills']} fills",
            f"latency      {latency} {sparkline(latencies(book))}".rstrip(),
            f"connection   {found['disconnects']} disconnects",
            f"errors       {found['errors']}, pacing violations {found['pacing_violations']}",
            f"equity       {found['equity_samples']} samples",
        ]
    )


SESSION: dict[str, Callable[[Book], bytes]] = {
    "table": _text,
    "json": lambda book: render_json(_summary(book)),
}
