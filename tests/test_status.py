"""`gate status` says PENDING only where nothing was recorded, and says when a verdict is out of date."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy.bundle import SHIPPED

Gate = Callable[..., Any]
Copy = Callable[..., Path]


def locate(root: Path, location: str) -> None:
    """Have the workspace keep its ledger there."""
    settings = root / "gate.yaml"
    text = settings.read_text()
    assert text.count("  location: ledger\n") == 1
    settings.write_text(text.replace("  location: ledger\n", f"  location: {json.dumps(location)}\n"))


def test_a_ledger_that_cannot_be_read_is_no_empty_one(gate: Gate, copy_example: Copy) -> None:
    """A location that this version cannot use is a configuration error, as it is for `gate evaluate`."""
    root = copy_example("ready")
    locate(root, "postgres://host/db")
    run = gate("status", "-w", root)
    assert (run.code, run.out) == (2, "")
    assert "ledger.location" in run.err


def test_a_link_that_leads_nowhere_is_no_empty_ledger(gate: Gate, copy_example: Copy) -> None:
    """A ledger that was moved away behind a link is an error, not eight stages that nobody judged."""
    root = copy_example("ready")
    (root / "ledger").symlink_to(root / "gone")
    run = gate("status", "-w", root)
    assert (run.code, run.out) == (2, "")
    assert "where: gate.yaml, ledger.location" in run.err


def test_the_latest_verdict_counts_wherever_it_was_judged(gate: Gate, copy_example: Copy) -> None:
    """A stage that failed and then passed as a dependency shows PASS, and the entry of that decision."""
    root = copy_example("ready")
    checklist = (root / "PRE_LIVE_CHECKLIST.md").read_text()
    (root / "PRE_LIVE_CHECKLIST.md").unlink()
    gate("evaluate", "stage1", "-w", root)
    (root / "PRE_LIVE_CHECKLIST.md").write_text(checklist)
    gate("evaluate", "stage3", "-w", root)
    rows = json.loads(gate("status", "-w", root, "-o", "json").out)["stages"]
    found = {row["stage"]: (row["status"], row["entry"]) for row in rows if row["entry"] is not None}
    assert found == {"stage1": ("PASS", 1), "stage3": ("PASS", 1)}


@pytest.mark.parametrize("changed", [False, True])
def test_a_verdict_of_other_policies_is_marked(gate: Gate, copy_example: Copy, changed: bool) -> None:
    """After a threshold is changed, what was judged before says so; before that it does not."""
    root = copy_example("ready")
    bundle = root / "policies"
    shutil.copytree(SHIPPED, bundle)
    with (root / "gate.yaml").open("a") as settings:
        settings.write("\npolicy: {bundle: policies}\n")
    recorded = gate("evaluate", "stage1", "-w", root, "-o", "table")
    assert "recorded: entry 0" in recorded.out, recorded.err
    if changed:
        parameters = bundle / "gate" / "params" / "stage1" / "data.yaml"
        text = parameters.read_text()
        assert text.count("value: 800000") >= 1
        parameters.write_text(text.replace("value: 800000", "value: 900000", 1))
    [row] = [
        row
        for row in json.loads(gate("status", "-w", root, "-o", "json").out)["stages"]
        if row["entry"] is not None
    ]
    assert (row["stage"], row["current"], row["policy_current"]) == ("stage1", True, not changed)
    assert ("judged by other policies" in gate("status", "-w", root).out) is changed
