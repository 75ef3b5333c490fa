"""The mock baseline as a file, and what was measured beside the broker's figures, as text or JSON."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from msgspec import Struct

from ... import __version__
from ...evidence.base.numbers import PPM, to_scaled
from ...evidence.base.records import to_json
from ...evidence.broker.benchmark.measure import PERCENTS, Figures, Measured
from ...evidence.collectors.paper import recompute
from ..collectors import open_workspace
from ..context import Context
from ..report.json_format import render_json
from ..terminal.figures import figure
from ..terminal.lines import to_bytes
from .session import options

CONTRACT = "mock_baseline"


class Comparison(Struct, frozen=True):
    """What was measured, and what the paper session's log says.

    Attributes:
        paper_us: percentiles of the session by name (``p50`` …), rounded up; empty where there is no log.
        trades: orders in that log.
        delta_ppm: (p50 on paper − p50 of the mock) ÷ p50 of the mock, in parts per million, rounded up.
    """

    measured: Measured
    paper_us: dict[str, int]
    trades: int
    delta_ppm: int | None


def baseline(measured: Measured, timestamp: str) -> dict[str, Any]:
    """The document of MOCK_BASELINE.json, contract ``mock_baseline``."""
    floor = ", ".join(f"p{p} {_us(measured.floor, p) / 1000} ms" for p in PERCENTS)
    return {
        "timestamp": timestamp,
        "client": f"{measured.library} against the simulated gateway of gate {__version__}, "
        f"scenario {measured.scenario!r}, seed {measured.seed}",
        "orders": measured.mock.orders,
        "percentile_method": "nearest-rank",
        "latency_ms": {f"p{p}": _us(measured.mock, p) / 1000 for p in PERCENTS},
        "note": f"The floor on this machine, without the scenario's delays: {floor}.",
    }


def compare(context: Context, measured: Measured) -> Comparison:
    """Beside the log that the workspace has; as the collector ``paper`` reads both files."""
    figures = recompute(open_workspace(context.root, context.authority).view(), options(context))
    paper = {
        f"p{p}": to_scaled(figures[f"p{p}_latency"], 1000, up=True)
        for p in PERCENTS
        if f"p{p}_latency" in figures
    }
    delta = figures.get("latency_delta_vs_mock")
    return Comparison(
        measured,
        paper,
        int(figures.get("total_trades", Fraction(0))),
        None if delta is None else to_scaled(delta, PPM, up=True),
    )


def _us(figures: Figures, percent: int) -> int:
    value: int = getattr(figures, f"p{percent}_us")
    return value


def _text(found: Comparison) -> bytes:
    measured, paper = found.measured, found.paper_us
    about = f"scenario {measured.scenario}, seed {measured.seed}"
    rows = [
        ("", *(f"p{p}" for p in PERCENTS), "orders", ""),
        _row("floor", measured.floor, "the simulator without delays"),
        _row("mock", measured.mock, about),
    ]
    if paper:
        shown = (f"{paper[f'p{p}'] / 1000:.3f}" for p in PERCENTS)
        rows.append(("paper", *shown, str(found.trades), "the session's log"))
    lines = [
        f"{name:<8}{p50:>10}{p95:>10}{p99:>10}{orders:>8}  {what}".rstrip()
        for name, p50, p95, p99, orders, what in rows
    ]
    lines[0] += "  (ms, intent to last fill)"
    if paper:
        beyond = (paper["p50"] - measured.floor.p50_us) / 1000
        lines.append(f"broker  {beyond:>10.3f}  median on paper less that of the floor")
    if found.delta_ppm is None:
        lines.append("no latency delta: there is no paper session's log with latencies")
    else:
        lines.append(f"latency delta to the mock: {figure(found.delta_ppm, 'ppm')}")
    return to_bytes(lines)


def _row(name: str, figures: Figures, what: str) -> tuple[str, ...]:
    return (name, *(f"{_us(figures, p) / 1000:.3f}" for p in PERCENTS), str(figures.orders), what)


def _json(found: Comparison) -> bytes:
    document: dict[str, Any] = to_json(found.measured)
    document["paper"] = {f"{name}_us": value for name, value in found.paper_us.items()} or None
    document["latency_delta_ppm"] = found.delta_ppm
    return render_json(document)


BENCHMARK: dict[str, Callable[[Comparison], bytes]] = {"table": _text, "json": _json}
