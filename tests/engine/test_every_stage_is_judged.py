"""A stage is judged alike whoever asks for it, and `gate status` keeps to what was judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.report import registry
from gate.engine.report.interface import Screen
from gate.engine.service import Judged

Gate = Callable[..., Any]
Copy = Callable[..., Path]
Examples = Callable[[str, str], Judged]

NO_EVIDENCE = ("stage2", "stage3", "stage6")
"""Stages of the audited example for which it has no file at all."""


def status(gate: Gate, root: Path) -> dict[str, str]:
    """Stage → status, as `gate status` shows it."""
    rows = json.loads(gate("status", "-w", root, "-o", "json").out)["stages"]
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
    asked = judged_examples("algo-trade", stage).decision.to_json()
    needed = judged_examples("algo-trade", "stage8").decision.to_json()
    assert needed["stages"][stage] == asked["stages"][stage]
    assert of(stage, needed["checks"]) == of(stage, asked["checks"]) != []
    assert of(stage, needed["violations"]) == of(stage, asked["violations"]) != []


def test_a_stage_without_evidence_fails_and_says_why(judged_examples: Examples) -> None:
    """The table says FAIL and "no evidence"; the explanation lists what the stage is missing."""
    decision = judged_examples("algo-trade", "stage8").decision
    explained = registry.load("explain").render(decision, None, Screen(width=110)).decode()
    assert {name for name, stage in decision.stages.items() if not stage.has_evidence} == set(NO_EVIDENCE)
    assert "PENDING" not in explained
    assert "stage7.trade_count" in explained


def test_a_decision_is_about_the_stages_it_judged(judged_examples: Examples) -> None:
    """Neither the decision nor the verification log mentions a stage that was not judged."""
    decision = judged_examples("algo-trade", "stage3").decision
    assert list(decision.stages) == ["stage1", "stage3"]
    gates = json.loads(registry.load("prelive").render(decision, None, Screen()))["gates"]
    assert {name: gate["status"] for name, gate in gates.items()} == {"stage1": "FAIL", "stage3": "FAIL"}
    assert gates["stage3"] == {"status": "FAIL"}, "what was not measured has no figure"
