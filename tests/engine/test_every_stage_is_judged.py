"""A stage is judged alike whoever asks for it, and `gate status` keeps to what was judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine import book, run
from gate.engine.decision.document import statement as lines
from gate.engine.ledger import open_ledger
from gate.engine.report.explain import render_explanation
from gate.engine.report.interface import Screen
from gate.engine.report.prelive import render_prelive
from gate.engine.report.table import render_table
from gate.engine.run import Judged
from gate.evidence.signing.keys import load_or_create_log_key

Gate = Callable[..., Any]
Copy = Callable[..., Path]
Examples = Callable[[str, str], Judged]

NO_EVIDENCE = ("stage2", "stage3", "stage6", "stage7")
"""Stages of the audited example for which it has no file at all."""


def status(gate: Gate, root: Path) -> dict[str, str]:
    """Stage → status, as `gate status` shows it."""
    rows = json.loads(gate("status", "-w", root, "--format", "json").out)["stages"]
    return {row["stage"]: row["status"] for row in rows}


def of(stage: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is about one stage."""
    return [item for item in found if item["stage"] == stage]


def test_a_later_decision_never_turns_a_verdict_into_pending(gate: Gate, copy_example: Copy) -> None:
    """Stage 2 failed; judging stage 8, which needs it, shows FAIL again, and FAIL for all it needs."""
    root = copy_example("algo-trade")
    gate("evaluate", "stage2", "-w", root)
    before = status(gate, root)
    assert {stage for stage, verdict in before.items() if verdict == "FAIL"} == {"stage1", "stage2"}
    assert {stage for stage, verdict in before.items() if verdict == "PENDING"} == {
        f"stage{n}" for n in range(3, 9)
    }
    gate("evaluate", "stage8", "-w", root)
    assert set(status(gate, root).values()) == {"FAIL"}


@pytest.mark.parametrize("stage", NO_EVIDENCE)
def test_a_stage_is_judged_alike_whoever_asks(judged_examples: Examples, stage: str) -> None:
    """Asked for itself or needed by stage 8: the same verdict, checks and violations."""
    asked = judged_examples("algo-trade", stage).decision
    needed = judged_examples("algo-trade", "stage8").decision
    assert needed["stages"][stage] == asked["stages"][stage]
    assert of(stage, needed["checks"]) == of(stage, asked["checks"]) != []
    assert of(stage, needed["violations"]) == of(stage, asked["violations"]) != []


def test_a_stage_without_evidence_fails_and_says_why(judged_examples: Examples) -> None:
    """The table says FAIL and "no evidence"; the explanation lists what the stage is missing."""
    decision = {**judged_examples("algo-trade", "stage8").decision, "ledger": None}
    shown = [line.split() for line in render_table(decision, Screen(width=110)).splitlines()]
    rows = {words[0]: " ".join(words[1:]) for words in shown if words[1:2] == ["FAIL"]}
    for stage in NO_EVIDENCE:
        assert rows[stage].endswith("no evidence")
    assert "no evidence" not in rows["stage1"]
    explained = render_explanation(decision)
    assert "PENDING" not in explained
    assert "✘ stage7.trade_count" in explained


def test_a_decision_is_about_the_stages_it_judged(judged_examples: Examples) -> None:
    """Neither the decision nor the verification log mentions a stage that was not judged."""
    decision = {**judged_examples("algo-trade", "stage3").decision, "ledger": None}
    assert list(decision["stages"]) == ["stage1", "stage3"]
    gates = json.loads(render_prelive(decision))["gates"]
    assert {name: gate["status"] for name, gate in gates.items()} == {"stage1": "FAIL", "stage3": "FAIL"}
    assert gates["stage3"] == {"status": "FAIL"}, "what was not measured has no figure"


def test_a_line_of_an_earlier_version_does_not_hide_a_verdict(copy_example: Copy, tmp_path: Path) -> None:
    """A ledger line that calls a stage PENDING judged it not: the verdict recorded before stays."""
    setting = run.prepare(copy_example("algo-trade"))
    config = tmp_path / "config"
    judged = run.evaluate(setting, "stage2", run.Time("2025-11-07T12:00:00Z", "gate.yaml"))
    book.record(judged, config, "2025-11-07T12:00:00Z")
    old = json.loads(json.dumps(judged.decision))
    old["stages"]["stage1"]["verdict"] = "PENDING"
    key, _ = load_or_create_log_key(config)
    with open_ledger(setting.ledger, key, config_dir=config, origin=None, label="x") as ledger:
        ledger.append([lines.statement(old, "0" * 64)])
        ledger.seal("2025-11-07T12:00:01Z")
    rows = {row["stage"]: row for row in book.status(setting)}
    assert (rows["stage1"]["status"], rows["stage1"]["entry"]) == ("FAIL", 0)
    assert (rows["stage2"]["status"], rows["stage2"]["entry"]) == ("FAIL", 1)
