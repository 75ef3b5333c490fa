"""``gate ibkr benchmark``: the mock baseline, and the broker's figures beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.broker.baseline import BENCHMARK, baseline, compare
from gate.engine.context import open_context
from gate.evidence.base.contracts import violations
from gate.evidence.base.errors import ConfigError
from gate.evidence.broker.benchmark.measure import Figures, Measured
from gate.evidence.broker.benchmark.simulated import calm

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
MEASURED = Measured(
    "ib_async 2.1.0", "calm", 7, Figures(500, 900, 1300, 1900), Figures(500, 73_144, 121_962, 143_563)
)


def test_the_baseline_keeps_its_contract() -> None:
    """Percentiles in milliseconds, what was measured, and the floor for the reader."""
    document = baseline(MEASURED, "2025-12-03T16:00:00Z")
    assert violations("files", "mock_baseline", document) == []
    assert document["latency_ms"] == {"p50": 73.144, "p95": 121.962, "p99": 143.563}
    assert "'calm', seed 7" in document["client"] and "p50 0.9 ms" in document["note"]


def test_the_delta_is_that_of_stage_7() -> None:
    """The example's log beside its baseline: the figures that its own metrics file claims."""
    context = open_context(EXAMPLES / "ready", None, None, EXAMPLES / "operator.yaml", None, None, False)
    found = compare(context, MEASURED)
    assert found.delta_ppm is not None and round(found.delta_ppm, -2) == 129_300
    assert (found.trades, found.paper_us["p50"], found.paper_us["p99"]) == (120, 82_598, 126_421)
    shown = BENCHMARK["table"](found).decode().splitlines()
    assert shown == [
        "               p50       p95       p99  orders  (ms, intent to last fill)",
        "floor        0.900     1.300     1.900     500  the simulator without delays",
        "mock        73.144   121.962   143.563     500  scenario calm, seed 7",
        "paper       82.598   105.886   126.421     120  the session's log",
        "broker      81.698  median on paper less that of the floor",
        "latency delta to the mock: 12.9 %",
    ]
    assert json.loads(BENCHMARK["json"](found))["paper"]["p95_us"] == 105_886


def test_scenarios_become_calm(tmp_path: Path) -> None:
    """Delays, parts of fills and instruments stay, faults and limits do not; the floor has no delays."""
    file = tmp_path / "scenario.yaml"
    file.write_text(
        "format: gate.ibkr.scenario/v1\nname: x\nseed: 3\nfill_parts: 2\nread_only: true\n"
        "latency: {fill: {median_us: 9}}\ninstruments: [{symbol: IBM, price: 100.5}]\n"
        "faults: [{fault: error, at: received}]\nmoves: [{symbol: IBM, after_ms: 1, price: 2}]\n"
    )
    for delays, median in ((True, 9), (False, 0)):
        scenario = calm(file, 8, delays=delays)
        assert (scenario.seed, scenario.fill_parts, scenario.fill.median_us) == (8, 2, median)
        assert (scenario.faults, scenario.moves, scenario.read_only) == ((), (), False)
        assert scenario.messages_per_s is None and scenario.instruments[0].symbol == "IBM"
    file.write_text("name: x\n")
    with pytest.raises(ConfigError):
        calm(file, None, delays=True)


@pytest.mark.parametrize(
    "options",
    [("--orders", "19"), ("--seed", "-1"), ("--library", "ibapi"), ("-o", "junit"), ("-s", "no.yaml")],
)
def test_wrong_options(gate: Callable[..., Any], tmp_path: Path, options: tuple[str, ...]) -> None:
    """Are refused, and nothing is written."""
    done = gate("ibkr", "benchmark", *options)
    assert done.code == 2 and "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_baseline_is_not_replaced_unasked(gate: Callable[..., Any], tmp_path: Path) -> None:
    """Nor is a link followed, or a directory that lies elsewhere written to."""
    file = tmp_path / "MOCK_BASELINE.json"
    file.write_text("mine")
    done = gate("ibkr", "benchmark")
    assert done.code == 2 and "--force" in done.err and file.read_text() == "mine"
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    assert gate("ibkr", "benchmark", "--force").code == 2
    (tmp_path / "gate.yaml").write_text("evidence: {paper: {mock: out/m.json}}\n")
    (tmp_path / "out").symlink_to("/")
    done = gate("ibkr", "benchmark")
    assert done.code == 2 and "outside of the workspace" in done.err


@pytest.mark.soak
def test_it_measures(gate: Callable[..., Any], workspace_for: Callable[..., Path], tmp_path: Path) -> None:
    """The floor lies below the mock, the file is evidence, and its time is that of the end."""
    workspace_for(tmp_path, 4002)
    done = gate("ibkr", "benchmark", "--orders", "40", "--seed", "5", "-o", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert 0 < told["floor"]["p50_us"] < told["mock"]["p50_us"]
    document = json.loads((tmp_path / "MOCK_BASELINE.json").read_text())
    assert document["latency_ms"]["p50"] * 1000 == pytest.approx(told["mock"]["p50_us"])
    statement = json.loads((tmp_path / "MOCK_BASELINE.json.provenance.json").read_text())
    parameters = statement["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["command"] == "gate ibkr benchmark --seed 5 --orders 40"
