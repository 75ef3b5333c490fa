"""A waiver that can waive nothing is an error on the first screen, and the decision is made without it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.contracts import violations

Gate = Callable[..., Any]

WAIVER = {
    "type": "gate.waiver/v1",
    "id": "W-1",
    "code": "stage1.artifact_coverage",
    "stages": ["stage1"],
    "reason": "The rest follows.",
    "reference": "TICKET-1",
    "author": "lena@example.com",
    "approver_role": "risk_officer",
    "effective_on": "2025-01-01T00:00:00Z",
    "effective_until": "2027-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("example", "code"),
    [("ready", 0), ("algo-trade", 1)],
)
def test_an_unknown_rule_is_named_with_the_one_that_was_meant(
    gate: Gate, copy_example: Callable[[str], Path], tmp_path: Path, example: str, code: int
) -> None:
    """The decision is made all the same; table, explanation and JSON carry the mistake."""
    root = copy_example(example)
    (root / "waivers").mkdir()
    (root / "waivers" / "w1.json").write_text(json.dumps({**WAIVER, "code": "stage1.artifact_coverag"}))
    run = gate("evaluate", "stage1", "-w", root, "-o", "table", "-o", "json=decision.json", "--no-record")
    assert run.code == code, run.err
    said = (
        "waiver W-1 (waivers/w1.json) does not count: there is no rule 'stage1.artifact_coverag'; "
        "did you mean 'stage1.artifact_coverage'?"
    )
    assert f"error: {said}" in " ".join(run.out.split())
    decision = json.loads((tmp_path / "decision.json").read_text())
    assert violations("", "decision", decision) == []
    assert {"level": "error", "code": "stage1.artifact_coverag", "msg": said} in decision["warnings"]
    assert decision["waived"] == []
    assert "error: waiver W-1" in gate("explain", "stage1", "-w", root).out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"code": "stage8.zzzzzzzzzzzzzzzzzzzz"},
            "there is no rule 'stage8.zzzzzzzzzzzzzzzzzzzz'; `gate policy list` lists the rules",
        ),
        (
            {"code": "stage8.dependency", "stages": ["stage8"]},
            "a dependency between stages cannot be waived; waive a rule of the stage that failed",
        ),
        (
            {"stages": ["stage7", "stage8"]},
            "its stages (stage7, stage8) do not include stage1, the rule's own stage",
        ),
    ],
)
def test_a_waiver_that_cannot_apply(
    gate: Gate, copy_example: Callable[[str], Path], changes: dict[str, Any], said: str
) -> None:
    """No similar rule, a dependency, or stages without the rule's own: each is said."""
    root = copy_example("algo-trade")
    (root / "waivers").mkdir()
    (root / "waivers" / "w1.json").write_text(json.dumps({**WAIVER, **changes}))
    run = gate("evaluate", "stage1", "-w", root, "-o", "table", "--no-record")
    assert run.code == 1, run.err
    assert f"error: waiver W-1 (waivers/w1.json) does not count: {said}" in " ".join(run.out.split())


def test_many_mistakes_are_all_on_the_screen(gate: Gate, copy_example: Callable[[str], Path]) -> None:
    """Errors are not counted among the remarks that are cut off."""
    root = copy_example("algo-trade")
    (root / "waivers").mkdir()
    for number in range(9):
        text = json.dumps({**WAIVER, "id": f"W-{number}", "code": "stage1.test_coverag"})
        (root / "waivers" / f"w{number}.json").write_text(text)
    run = gate("evaluate", "stage1", "-w", root, "-o", "table", "--no-record")
    assert run.out.count("error: ") == 9
