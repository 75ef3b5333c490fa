"""Scenarios and sessions of the simulated gateway, as text or JSON."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import asdict

from ...evidence.base.records import to_json
from ...evidence.broker.simulator.scenario import Fault, Scenario
from ...evidence.broker.simulator.session import Summary
from ..report.json_format import render_json
from ..terminal.lines import to_bytes


def _scenario_text(scenario: Scenario) -> bytes:
    """What the gateway is like, a line each; then the instruments, and what goes wrong."""
    pace = "unlimited" if scenario.messages_per_s is None else f"{scenario.messages_per_s} messages/s"
    lines = [
        f"scenario     {scenario.name} (seed {scenario.seed})",
        f"account      {scenario.account}, cash {scenario.cash:f}{', read-only' * scenario.read_only}",
        f"protocol     up to {scenario.highest_version}; {pace}",
    ]
    for name in ("acknowledge", "work", "fill", "cancel"):
        latency = getattr(scenario, name)
        high = "" if latency.p99_us is None else f", p99 {latency.p99_us:,} µs"
        lines.append(f"{name:<12} median {latency.median_us:,} µs{high}")
    for one in scenario.instruments:
        lines.append(f"instrument   {one.symbol} {one.sec_type} at {one.price:f} {one.currency}")
    for held in scenario.holdings:
        lines.append(f"holding      {held.symbol} {held.quantity:f} at {held.average_cost:f}")
    for move in scenario.moves:
        lines.append(f"price        {move.symbol} {move.price:f} after {move.after_ms} ms")
    lines += [f"fault        {_fault(one)}" for one in scenario.faults] or ["fault        none"]
    return to_bytes(lines)


def _fault(fault: Fault) -> str:
    usual = asdict(Fault(fault.fault, fault.at))
    changed = [f"{name} {value}" for name, value in asdict(fault).items() if value != usual[name]]
    return ", ".join([f"{fault.fault} at {fault.at}", *changed])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return f"{value:f}" if isinstance(value, Decimal) else value


SCENARIO: dict[str, Callable[[Scenario], bytes]] = {
    "table": _scenario_text,
    "json": lambda scenario: render_json(_plain(to_json(scenario))),
}


def _summary_text(summary: Summary) -> bytes:
    """What happened, in a few lines."""
    orders = ", ".join(f"{count} {status}" for status, count in summary.orders.items()) or "none"
    errors = ", ".join(f"{code} ({count})" for code, count in sorted(summary.errors.items())) or "none"
    return to_bytes(
        [
            f"session      {summary.scenario}, seed {summary.seed}",
            f"connections  {summary.connections}",
            f"messages     {summary.messages_in} in, {summary.messages_out} out",
            f"malformed    {summary.malformed}",
            f"orders       {orders}; {summary.executions} executions",
            f"errors sent  {errors}",
            f"faults       {summary.faults}",
        ]
    )


SUMMARY: dict[str, Callable[[Summary], bytes]] = {
    "table": _summary_text,
    "json": lambda summary: render_json(asdict(summary)),
}
