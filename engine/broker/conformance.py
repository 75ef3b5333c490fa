"""What a client program did in the conformance suite, as text or JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...evidence.base.numbers import counted
from ...evidence.broker.conformance.runner import Run
from ..report.json_format import render_json
from ..terminal.lines import to_bytes

_ENDED = {
    "time": "took longer than --seconds and was ended",
    "tries": "connected again and again and was ended",
    "messages": "sent too many messages and was ended",
    "output": "printed too much and was ended",
    "elsewhere": "connected to another gateway and was ended",
}


def unusual(run: Run) -> str | None:
    """A warning about a run that did not end well, with the last lines that it printed; None if it did."""
    if run.ended in _ENDED:
        what = _ENDED[run.ended]
    elif run.exit_code not in (0, None) and run.case.name not in ("gone", "live"):
        what = f"ended with exit code {run.exit_code}"
    else:
        return None
    lines = run.tail.strip().splitlines()[-10:]
    return "\n".join([f"{run.case.name}: the program {what}", *(f"  {line}" for line in lines)])


def never_started(run: Run) -> bool:
    """Whether the program crashed before it connected to anything."""
    connected = any(one["message"] == "connected" for one in run.records)
    return run.ended == "itself" and run.exit_code not in (0, None) and not connected


def _text(document: dict[str, Any]) -> bytes:
    figures = document["figures"]
    lines = []
    for case in document["cases"]:
        took = f"{case['duration_us'] / 1e6:.1f} s"
        lines.append(f"case         {case['name']}: {case['ended']}, exit code {case['exit_code']}, {took}")
    for name, seen in figures["operations"].items():
        if seen is not None:
            lines.append(f"operation    {name}: {seen['count']} {' '.join(seen['messages'])}".rstrip())
    types = ", ".join(one or "(none)" for one in figures["order_types"]) or "none"
    lines.append(f"order types  {types}")
    for row in figures["orders"]:
        if not row["as_asked"]:
            what = f"{row['action']} {row['quantity']} {row['symbol']} {row['order_type']}"
            lines.append(f"not asked    {row['task']}: {what}, account {row['account']}")
    for row in figures["reactions"]:
        lines.append(f"code {row['code']:<8}{row['reaction']} ({row['case']})")
    pacing = figures["pacing"]
    lines.append(f"pacing       {counted(pacing['busiest_second'] or 0, 'message')} in the busiest second")
    if pacing["told_100"] is not None:
        pause = "no message afterwards" if pacing["pause_us"] is None else f"{pacing['pause_us'] / 1e6:.2f} s"
        lines.append(f"code 100     pause: {pause if pacing['told_100'] else 'not told'}")
    for row in figures["reconnection"]:
        delays = ", ".join(f"{delay / 1e6:.2f} s" for delay in row["delays_us"])
        end = "recovered" if row["recovered"] else "not recovered" if row["dropped"] else "never dropped"
        lines.append(f"reconnection {row['case']}: {counted(row['tries'], 'try')} ({delays}), {end}")
    if (outage := figures["outage"]) is not None:
        lines.append(
            f"outage       {outage['reaction']}, {counted(outage['orders_during'], 'order')} meanwhile"
        )
    for row in figures["over_a_disconnect"]:
        what = "duplicated" if row["duplicated"] else "lost" if row["lost"] else "once"
        lines.append(f"disconnect   {row['symbol']}: sent {row['sent']}, filled {row['filled']}: {what}")
    if (shutdown := figures["shutdown"]) is not None:
        left = sum(row["orders"] for row in shutdown["left_open"])
        lines.append(
            f"shutdown     {shutdown['cancelled']} of {shutdown['placed']} cancelled, {left} left open"
        )
    if (live := figures["live"]) is not None:
        sent = f"{counted(live['orders_sent'], 'order message')} to an account that looks live"
        lines.append(f"live         {sent if live['connected'] else 'never connected'}")
    for row in figures["latencies"]:
        lines.append(f"latency      {row['operation']}: p50 {row['p50_us']:,} µs, p95 {row['p95_us']:,} µs")
    return to_bytes(lines)


FORMATS: dict[str, Callable[[dict[str, Any]], bytes]] = {"table": _text, "json": render_json}
