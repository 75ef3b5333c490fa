"""`gate metrics` exports what the ledger says, in formats that their own libraries read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.parser import text_string_to_metric_families

JANUARY = 1_767_225_600  # 2026-01-01T00:00:00Z
DAY = 86_400
HOSTILE = 'W "1"\\\n# HELP x\u202e {a="b"} ::error:: U1234567'


def prometheus(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The series as Prometheus' own library reads them, without the label ``workspace``."""
    return {
        (sample.name, frozenset(sample.labels.items() - {("workspace", "desk")})): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def series(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """A key of what `prometheus` gives."""
    return name, frozenset(labels.items())


def test_prometheus_reads_the_figures(desk: Any) -> None:
    """Verdicts and since when, decisions, violations, waivers, conditions, the time of the last entry."""
    waived = desk.waived(HOSTILE, "2026-03-01T00:00:00Z") + desk.waived("W-2", "2026-02-01T00:00:00Z")
    desk.record("PASS")
    desk.record("FAIL", "2026-01-02T00:00:00Z")
    desk.record(
        "FAIL", "2026-01-03T00:00:00Z", waived=waived, conditions=(desk.condition("C", "2026-01-31"),)
    )
    run = desk.metrics("-o", "prometheus")
    assert (run.code, run.err) == (0, "")
    found = prometheus(run.out)
    stage = {"stage": "stage1"}
    expected = {
        series("gate_stage_verdict", **stage, verdict="FAIL"): 1,
        series("gate_stage_verdict", **stage, verdict="PASS"): 0,
        series("gate_stage_judged_timestamp_seconds", **stage): JANUARY + 2 * DAY,
        series("gate_stage_verdict_since_timestamp_seconds", **stage): JANUARY + DAY,
        series("gate_stage_decisions_total", **stage, verdict="FAIL"): 2,
        series("gate_stage_decisions_total", **stage, verdict="PASS"): 1,
        series("gate_stage_waived_violations", **stage): 2,
        series("gate_stage_conditions", **stage): 1,
        series("gate_waiver_expiry_timestamp_seconds", **stage, waiver="W-2"): JANUARY + 31 * DAY,
        series("gate_condition_due_timestamp_seconds", **stage, condition="C"): JANUARY + 31 * DAY,
        series("gate_ledger_sealed_timestamp_seconds"): JANUARY + 31 * DAY,
    }
    assert {name: found.get(name) for name in expected} == expected
    critical = sum(one.severity == "CRITICAL" for one in desk.judged.decision.violations)
    assert found[series("gate_stage_violations", **stage, severity="CRITICAL")] == critical > 0
    shown = 'W "1"\\\\u000a# HELP x\\u202e {a="b"} ::error:: U****67'
    assert series("gate_waiver_expiry_timestamp_seconds", **stage, waiver=shown) in found


def test_opentelemetry_reads_the_same(desk: Any) -> None:
    """The request that a collector accepts at /v1/metrics has the series that Prometheus sees."""
    desk.record("FAIL", waived=desk.waived(HOSTILE, "2026-03-01T00:00:00Z"))
    request = json_format.Parse(desk.metrics("-o", "otlp").out, ExportMetricsServiceRequest())
    [resource] = request.resource_metrics
    [scope] = resource.scope_metrics
    found = {}
    for metric in scope.metrics:
        assert metric.unit == ("s" if metric.name.endswith("_seconds") else "1")
        for point in (metric.sum if metric.name.endswith("_total") else metric.gauge).data_points:
            labels = {one.key: one.value.string_value for one in point.attributes}
            assert labels.pop("workspace") == "desk"
            found[series(metric.name, **labels)] = point.as_int
    assert found == prometheus(desk.metrics("-o", "prometheus").out)


def test_the_number_of_series_is_bounded(desk: Any) -> None:
    """The waivers that expire first are exported and the others counted; equal names are one series."""
    many = [desk.waived(f"W-{number}", f"2026-03-{1 + number % 28:02}T00:00:00Z")[0] for number in range(150)]
    long = [desk.waived("x" * 500 + str(number), "2026-02-01T00:00:00Z")[0] for number in range(2)]
    desk.record("FAIL", waived=(*many, *many, *long))
    found = prometheus(desk.metrics("-o", "prometheus").out)
    expiring = [labels for name, labels in found if name == "gate_waiver_expiry_timestamp_seconds"]
    assert len(expiring) == 99
    left = found[series("gate_metrics_left_out", metric="gate_waiver_expiry_timestamp_seconds")]
    assert left == 52


def test_files_and_an_empty_ledger(desk: Any, tmp_path: Path) -> None:
    """Several formats at once into files for the text file collector; nothing recorded is no error."""
    assert desk.metrics().out == "nothing was recorded\n"
    assert prometheus(desk.metrics("-o", "prometheus").out) == {}
    desk.record("PASS")
    run = desk.metrics("-o", f"prometheus={tmp_path}/gate.prom", "-o", "json")
    written = (tmp_path / "gate.prom").read_text()
    assert prometheus(written)[series("gate_stage_verdict", stage="stage1", verdict="PASS")] == 1
    listed = json.loads(run.out)["metrics"]["gate_stage_verdict"]
    assert {"labels": {"workspace": "desk", "stage": "stage1", "verdict": "PASS"}, "value": 1} in listed
    assert (
        'gate_stage_judged_timestamp_seconds{workspace="desk",stage="stage1"} 2026-01-01T'
        in desk.metrics().out
    )


def test_a_damaged_ledger_gives_no_figures(desk: Any) -> None:
    """Half of the truth would keep an alarm silent."""
    desk.record("PASS")
    desk.record("FAIL", "2026-01-02T00:00:00Z")
    log = desk.root / "ledger" / "log.intoto.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    run = desk.metrics("-o", "prometheus")
    assert (run.code, run.out) == (2, "")
