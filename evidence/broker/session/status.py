"""How a session stands: one line for a terminal, and text for Prometheus. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...base.numbers import counted, percentile_nearest_rank
from ..port import OrderState
from .book import Book
from .messages import format_time

FIRST_LINE = "# HELP gate_paper_session_info "
"""How a metrics file of ours begins: only such a file is replaced."""
_BARS = "▁▂▃▄▅▆▇█"
_DRAWN = 20
_QUANTILES = {50: "0.5", 95: "0.95", 99: "0.99"}


def latencies(book: Book) -> list[int]:
    """Microseconds from intent to last fill of the filled orders, in their order."""
    return [
        total
        for order in book.orders.values()
        if order.status == "FILLED" and (total := order.total_us) is not None
    ]


def sparkline(values: Sequence[int], width: int = _DRAWN) -> str:
    """The latest values as bars, from the lowest of them to the highest."""
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = max(high - low, 1)
    return "".join(_BARS[(value - low) * (len(_BARS) - 1) // span] for value in shown)


def status_line(book: Book, planned: int) -> str:
    """Counters, latency and its latest values, in one line."""
    states = _states(book)
    parts = [f"{len(book.numbers)} of {planned} orders, {states['FILLED']} filled"]
    for state, word in (("REJECTED", "rejected"), ("CANCELED", "cancelled"), ("TIMEOUT", "timed out")):
        if states[state]:
            parts.append(f"{states[state]} {word}")
    drops = sum(event["type"] == "disconnect" for event in book.events)
    if drops:
        parts.append(counted(drops, "disconnect"))
    if book.down_since_us is not None:
        parts.append("no connection")
    if totals := latencies(book):
        figures = " ".join(f"p{p} {percentile_nearest_rank(totals, p) / 1000:.1f}" for p in (50, 95))
        parts.append(f"{figures} ms {sparkline(totals)}")
    return ", ".join(parts)


def prometheus(book: Book, planned: int, messages: Mapping[str, int]) -> bytes:
    """The session in Prometheus' text format 0.0.4.

    Args:
        planned: orders of the plan.
        messages: ``sent`` to the gateway so far, and most in any one second (``busiest``).
    """
    lines: list[str] = []

    def add(name: str, kind: str, about: str, values: Mapping[str, float | int]) -> None:
        lines.append(f"# HELP gate_paper_session_{name} {about}")
        lines.append(f"# TYPE gate_paper_session_{name} {kind}")
        lines.extend(f"gate_paper_session_{name}{labels} {value}" for labels, value in values.items())

    session = book.session["session_id"]
    started = format_time(book.started_us)
    add("info", "gauge", "The session.", {f'{{session="{session}",started="{started}"}}': 1})
    states = _states(book)
    add("orders_planned", "gauge", "Orders of the plan.", {"": planned})
    by_state = {f'{{state="{state.value}"}}': states[state.value] for state in OrderState}
    add("orders", "gauge", "Orders by their present state.", by_state)
    fills = sum(len(order.report["fills"]) for order in book.orders.values() if order.report)
    add("fills_total", "counter", "Executions.", {"": fills})
    events = Counter(event["type"] for event in book.events)
    for name, kind, about in (
        ("disconnects_total", "disconnect", "Times that the connection was lost."),
        ("pacing_violations_total", "pacing_violation", "Reports of too many messages."),
        ("errors_total", "error", "Errors that are in the session's log."),
    ):
        add(name, "counter", about, {"": events[kind]})
    connected = book.down_since_us is None and book.ended_us is None
    add("connected", "gauge", "Whether there is a connection.", {"": int(connected)})
    add("messages_total", "counter", "Messages to the gateway.", {"": messages["sent"]})
    add("messages_busiest_second", "gauge", "Most messages in one second.", {"": messages["busiest"]})
    if book.equity:
        add("nav", "gauge", "Net liquidation value.", {"": float(book.equity[-1][1])})
    if totals := latencies(book):
        values: dict[str, float | int] = {
            f'{{quantile="{quantile}"}}': percentile_nearest_rank(totals, percent) / 1_000_000
            for percent, quantile in _QUANTILES.items()
        }
        add("latency_seconds", "summary", "From intent to last fill.", values)
        lines.append(f"gate_paper_session_latency_seconds_sum {sum(totals) / 1_000_000}")
        lines.append(f"gate_paper_session_latency_seconds_count {len(totals)}")
    return ("\n".join(lines) + "\n").encode()


def _states(book: Book) -> Counter[str]:
    return Counter(order.status for order in book.orders.values() if order.sent)
