"""How notifications and metrics are printed: for people, as JSON, for Prometheus and for OpenTelemetry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ... import __version__
from ...evidence.base.times import format_utc
from ..report.json_format import render_json
from ..terminal.figures import for_people
from .metrics import HELP, Labels, Metrics
from .notify import Told

_MOMENT, _COUNTER = "_timestamp_seconds", "_total"


def told_text(told: Sequence[Told]) -> bytes:
    """A line for each receiver, with the message below it unless it was sent before."""
    lines: list[str] = []
    for one in told:
        lines.append(f"{one.channel}: {one.status}")
        if one.message is not None:
            lines += (f"    {line}" for line in one.message.text.splitlines())
    return for_people("".join(f"{line}\n" for line in lines)).encode()


def told_json(told: Sequence[Told]) -> bytes:
    """The same for programs, with the body that webhooks get."""
    rows = []
    for one in told:
        sent = {} if one.message is None else {"id": one.message.id, "body": json.loads(one.message.body)}
        rows.append({"channel": one.channel, "status": one.status, **sent})
    return render_json({"notifications": rows})


TOLD = {"table": told_text, "json": told_json}


def table(metrics: Metrics, now: int) -> bytes:
    """A line for each series; moments as times."""
    lines = []
    for name, series in metrics.series.items():
        for labels, value in series.items():
            shown = format_utc(value) if name.endswith(_MOMENT) else str(value)
            lines.append(f"{name}{_labels(labels)} {shown}\n")
    return for_people("".join(lines) or "nothing was recorded\n").encode()


def prometheus(metrics: Metrics, now: int) -> bytes:
    """The series for Prometheus."""
    return exposed(metrics.series, HELP)


def exposed(found: Mapping[str, Mapping[Labels, int]], meanings: Mapping[str, str]) -> bytes:
    """The text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
    lines = []
    for name, series in found.items():
        kind = "counter" if name.endswith(_COUNTER) else "gauge"
        lines.append(f"# HELP {name} {meanings[name]}\n# TYPE {name} {kind}\n")
        lines += (f"{name}{_labels(labels)} {value}\n" for labels, value in series.items())
    return "".join(lines).encode()


def _labels(labels: Labels) -> str:
    """As Prometheus writes them; line breaks are escaped already."""
    escaped = ((name, text.replace("\\", r"\\").replace('"', r"\"")) for name, text in labels)
    return "{" + ",".join(f'{name}="{text}"' for name, text in escaped) + "}"


def otlp(metrics: Metrics, now: int) -> bytes:
    """An ExportMetricsServiceRequest in OTLP's JSON encoding (https://opentelemetry.io/docs/specs/otlp/)."""
    found: list[dict[str, Any]] = []
    for name, series in metrics.series.items():
        points = [
            {
                "attributes": [_attribute(*label) for label in labels],
                "timeUnixNano": str(now * 10**9),
                "asInt": str(value),
            }
            for labels, value in series.items()
        ]
        data: dict[str, Any] = {"gauge": {"dataPoints": points}}
        if name.endswith(_COUNTER):
            data = {"sum": {"dataPoints": points, "aggregationTemporality": 2, "isMonotonic": True}}
        unit = "s" if name.endswith(_MOMENT) else "1"
        found.append({"name": name, "description": HELP[name], "unit": unit, **data})
    scope = {"scope": {"name": "gate", "version": __version__}, "metrics": found}
    resource = {"attributes": [_attribute("service.name", "gate")]}
    return render_json({"resourceMetrics": [{"resource": resource, "scopeMetrics": [scope]}]})


def _attribute(name: str, text: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": text}}


def metrics_json(metrics: Metrics, now: int) -> bytes:
    """The series of each metric."""
    return render_json(
        {
            "metrics": {
                name: [{"labels": dict(labels), "value": value} for labels, value in series.items()]
                for name, series in metrics.series.items()
            }
        }
    )


METRICS = {"table": table, "prometheus": prometheus, "otlp": otlp, "json": metrics_json}
