"""`gate status` says PENDING only where nothing was recorded, and says when a verdict is out of date."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from gate.engine.policy.bundle import SHIPPED
from gate.engine.recording import PENDING, StageStatus
from gate.engine.report.interface import Screen
from gate.engine.report.status import status_json, status_markdown, status_text

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


@pytest.mark.soak
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
    shown = " ".join(gate("status", "-w", root).out.split())
    words = "outdated: the policies changed since" if changed else "still current"
    assert f"since 2025-12-05T12:00:00Z, no git commit, {words}, ledger entry 0" in shown


ROWS = [
    StageStatus("stage1", "First", "PASS", 12, "2025-11-07T12:00:00Z", "c1f3b0f" + "0" * 33, True, True),
    StageStatus("stage2", "שלב שני\x1b[2J\u202e", "FAIL", 3, "2025-11-07T12:00:00Z", None, False, False),
    StageStatus("stage10", "Tenth", PENDING, None, None, None, None, None),
]


def test_status_in_words() -> None:
    """The verdict, since when, for which commit, and whether it is still current, at every width."""
    lines = status_text(ROWS, Screen(width=200)).decode().splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["stage1", "PASS"],
        ["stage2", "FAIL"],
        ["stage10", PENDING],
    ]
    words = "since 2025-11-07T12:00:00Z, commit c1f3b0f, still current, ledger entry 12"
    assert lines[0].endswith(words)
    assert lines[1].endswith(
        "no git commit, outdated: the sources and the policies changed since, ledger entry 3"
    )
    assert lines[2].endswith("no recorded decision has judged it")
    assert "\\u001b[2J\\u202e" in lines[1]
    for width in (60, 80, 200):
        text = status_text(ROWS, Screen(width)).decode()
        assert max(map(cell_len, text.splitlines())) <= width
        assert "\x1b[" in status_text(ROWS, Screen(width, color=True)).decode()


def test_status_as_json() -> None:
    """The rows as they are."""
    rows = json.loads(status_json(ROWS, Screen()))["stages"]
    assert [(row["stage"], row["entry"], row["policy_current"]) for row in rows] == [
        ("stage1", 12, True), ("stage2", 3, False), ("stage10", None, None),
    ]  # fmt: skip


def test_status_as_markdown() -> None:
    """A table of three rows, in which nothing acts."""
    head, rule, *rows = status_markdown(ROWS, Screen()).decode().splitlines()
    assert (head, rule, len(rows)) == ("| Stage | Verdict | Since |", "| --- | --- | --- |", 3)
    assert rows[1].startswith("| stage2 שלב שני\\\\u001b\\[2J\\\\u202e | FAIL | since 2025-11-07T12:00:00Z, ")


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("PRE_LIVE_CHECKLIST.md", "the evidence changed"),
        ("gate.yaml", "the settings changed"),
        ("algo_trade/core/execution/IBKR_handler.py", "the sources and the evidence changed"),
        (None, "still current"),
    ],
)
def test_a_verdict_is_current_while_nothing_that_it_rests_on_changed(
    gate: Gate, copy_example: Copy, path: str | None, what: str
) -> None:
    """Sources, the files that were read for the stage, settings and policies."""
    root = copy_example("ready")
    gate("evaluate", "stage1", "-w", root)
    if path is not None:
        with (root / path).open("a") as file:
            file.write("\n# more\n")
    first = gate("status", "-w", root).out.partition("stage2")[0]
    assert what in " ".join(first.split())
