"""A paper session's files in the workspace, and what it came to, as text or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from ... import __version__
from ...evidence.base.atomic import put_file
from ...evidence.base.errors import UsageError, masked
from ...evidence.base.numbers import counted, percentile_nearest_rank
from ...evidence.broker.session import files
from ...evidence.broker.session.book import Book
from ...evidence.broker.session.status import latencies, sparkline
from ...evidence.collectors.paper import PaperOptions, recompute
from ...evidence.collectors.paper.log import read_session
from ..collectors import open_workspace
from ..context import Context
from ..report.json_format import render_json
from ..terminal.figures import figure
from ..terminal.lines import to_bytes

COLLECTOR = "paper"
_JOURNAL, _INTENTS, _REPORTS = (
    "PAPER_TRADING_JOURNAL.jsonl",
    "PAPER_ORDER_INTENTS.jsonl",
    "PAPER_EXECUTION_REPORTS.jsonl",
)


class Places(Struct, frozen=True):
    """Paths relative to the workspace: the two that the collector ``paper`` reads, and three beside them."""

    log: str
    metrics: str
    journal: str
    intents: str
    reports: str


def options(context: Context) -> PaperOptions:
    """The settings of the collector that will read the files."""
    stated = context.config.evidence.get(COLLECTOR, {})
    return PaperOptions(**stated)


def places(context: Context) -> Places:
    """Where the files lie: as the settings say, and the others in the log's directory."""
    read = options(context)
    folder = PurePosixPath(read.log).parent
    return Places(read.log, read.metrics, *(str(folder / name) for name in (_JOURNAL, _INTENTS, _REPORTS)))


def write_files(context: Context, at: Places, book: Book) -> list[str]:
    """Write what a session leaves: which files.

    The metrics file claims what the collector recomputes from the log, and nothing that cannot be told.

    Raises EnvironmentProblem: one cannot be written; UsageError: the log lies where gate cannot read it.
    """
    session = book.session
    note = f"gate {__version__}, plan {session['name']!r} ({session['plan'][:12]}), {session['library']}"
    orders = book.orders.values()
    put_file(context.root, at.log, files.log_file(files.log_document(book, note)))
    put_file(context.root, at.intents, files.messages_file([order.intent for order in orders if order.sent]))
    put_file(context.root, at.reports, files.messages_file(book.messages))
    view = open_workspace(context.root, context.authority).view()
    if not view.exists(at.log):
        remedy = "keep it outside of the ledger's directory"
        raise UsageError("the log is not in the workspace as gate reads it", path=at.log, remedy=remedy)
    put_file(context.root, at.metrics, files.metrics_file(recompute(view, options(context))))
    return [path for path in astuple(at) if path != at.journal]


def without_sharpe(context: Context, at: Places) -> str | None:
    """Why the log that was written gives no Sharpe ratio; None when it gives one."""
    problem = read_session(open_workspace(context.root, context.authority).view(), at.log).sampling_problem()
    return None if problem is None else f"{at.log}: {problem[0]}: {problem[1]}"


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
            f"orders       {found['orders']}: {states}; {counted(found['fills'], 'fill')}",
            f"latency      {latency} {sparkline(latencies(book))}".rstrip(),
            f"connection   {counted(found['disconnects'], 'disconnect')}",
            f"errors       {found['errors']}, pacing violations {found['pacing_violations']}",
            f"equity       {counted(found['equity_samples'], 'sample')}",
        ]
    )


SESSION: dict[str, Callable[[Book], bytes]] = {
    "table": _text,
    "json": lambda book: render_json(_summary(book)),
}
