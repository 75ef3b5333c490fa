"""The prepared dashboard: Grafana's published model reads all of it, and Prometheus answers what it asks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[3]
BOARD = json.loads((ROOT / "examples" / "grafana" / "gate.json").read_text())
HOURS = 26
NOW = HOURS * 3600


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not on PATH (Debian: prometheus)")
    return found


def lost(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """What is in the one document and not, or differently, in the other."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            if name not in theirs:
                yield f"{place}/{name}"
            else:
                yield from lost(value, theirs[name], f"{place}/{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(one, other, f"{place}/{number}")
    elif ours != theirs:
        yield place


def test_the_published_model_of_dashboards_knows_every_part() -> None:
    """What it does not know, Grafana would drop."""
    sdk = pytest.importorskip("grafana_foundation_sdk", reason="grafana-foundation-sdk is not installed")
    assert sdk is not None
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    read = json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(BOARD))), cls=JSONEncoder))
    # the model has no name for the copy of a variable's query that Grafana's editor shows
    found = [one for one in lost(BOARD, read) if not re.fullmatch(r"/templating/list/\d/definition", one)]
    assert found == []
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


def test_prometheus_answers_every_panel(desk: Any, promtool: str, tmp_path: Path) -> None:
    """From what `gate metrics` printed for two workspaces, with the variables as Grafana fills them in."""
    desk.record("PASS")
    desk.record(
        "CONDITIONAL",
        "2026-01-03T00:00:00Z",
        waived=desk.waived("W-1", "2026-03-01T00:00:00Z"),
        conditions=(desk.condition("C", "2026-01-31"),),
    )
    text = desk.metrics("-o", "prometheus").out
    linted = subprocess.run(
        [promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")
    figures = {
        (one.name, tuple(sorted(one.labels.items()))): int(one.value)
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    figures |= {  # evidence that says when it was made, as no workspace without any has
        ("gate_evidence_observed_timestamp_seconds", (("collector", "coverage"), ("workspace", "desk"))): 1000
    }
    other = {(name, tuple((k, "team/b.c" if k == "workspace" else v) for k, v in labels)): value
             for (name, labels), value in figures.items()}  # fmt: skip
    every = figures | other

    def shown(name: str, labels: tuple[tuple[str, str], ...]) -> str:
        return name + "{" + ",".join(f"{label}={json.dumps(value)}" for label, value in labels) + "}"

    def ages(metric: str, sign: int) -> dict[str, int]:
        found = {labels: value for (name, labels), value in every.items() if name == metric}
        return {shown("", labels): sign * (value - NOW) for labels, value in found.items()}

    judged = figures["gate_stage_judged_timestamp_seconds", (("stage", "stage1"), ("workspace", "desk"))]
    violations = sum(value for (name, _), value in every.items() if name == "gate_stage_violations")
    expected = {
        "May go live": {"{}": 0},
        "With conditions": {"{}": 2},
        "May not go live": {"{}": 0},
        "Oldest judgement": {"{}": NOW - judged},
        "Verdicts": {shown("", (("stage", "stage1"), ("workspace", one))): 1 for one in ("desk", "team/b.c")},
        "Violations by stage": {'{stage="stage1"}': violations},
        "Decisions a day": {f'{{verdict="{one}"}}': 0 for one in ("CONDITIONAL", "FAIL", "PASS")},
        "Waivers": ages("gate_waiver_expiry_timestamp_seconds", 1),
        "Conditions": ages("gate_condition_due_timestamp_seconds", 1),
        "Evidence": ages("gate_evidence_observed_timestamp_seconds", -1),
        "Ledgers": ages("gate_ledger_sealed_timestamp_seconds", -1),
    }
    assert all(expected.values()) and [panel["title"] for panel in BOARD["panels"]] == list(expected)
    asked = []
    for panel in BOARD["panels"]:
        [target] = panel["targets"]
        query = target["expr"].replace("$workspace", r"(desk|team/b\\.c)").replace("$stage", "stage1")
        answer = [{"labels": labels, "value": value} for labels, value in expected[panel["title"]].items()]
        asked.append({"expr": query, "eval_time": f"{HOURS}h", "exp_samples": answer})
    series = [{"series": shown(*one), "values": f"{value}x{HOURS}"} for one, value in every.items()]
    file = tmp_path / "test.yaml"
    tests = [{"interval": "1h", "input_series": series, "promql_expr_test": asked}]
    file.write_text(yaml.safe_dump({"tests": tests}))
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_documented_alerts_are_rules_of_prometheus(promtool: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    [block] = re.findall(r"^```yaml\n(groups:.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "rules.yaml").write_text(block)
    done = subprocess.run(
        [promtool, "check", "rules", tmp_path / "rules.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{block.count('- alert:')} rules found" in done.stdout
