"""Stage 8: what the go-live decision rests on besides the earlier stages is there and holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from algo_trade.core import config
from algo_trade.core.risk.kill_switches import KillSwitches
from order_plane.intents import Market, build_intents
from tests.conftest import read_json

pytestmark = pytest.mark.stage8


@pytest.fixture(scope="module")
def procedure(root: Path) -> str:
    """Text of the rollback procedure."""
    return (root / "ROLLBACK_PROCEDURE.md").read_text(encoding="utf-8")


def test_the_drill_recovered_in_time(root: Path) -> None:
    drill = read_json(root, "ROLLBACK_DRILL.json")
    assert drill["total_recovery_ms"] < 120_000 and drill["cancel_orders_ms"] < 10_000
    assert drill["all_flat"] and drill["open_orders"] == 0 and drill["logs_archived"]
    assert abs(drill["nav_after"] / drill["nav_before"] - 1) < 0.01


def test_the_procedure_states_the_limits_that_the_code_has(procedure: str) -> None:
    assert f"below −{abs(config.KILL_PNL):.0%}".replace("%", " %") in procedure
    assert f"above {config.MAX_DD_KILL_SWITCH:.0%}".replace("%", " %") in procedure
    assert f"below {config.PSR_KILL_SWITCH:.2f}" in procedure


def test_every_kill_switch_was_exercised_and_still_halts(root: Path) -> None:
    record = {s["name"]: s for s in read_json(root, "KILL_SWITCH_VERIFICATION.json")["switches"]}
    assert set(record) == {"KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH"}
    assert all(s["triggered"] and s["halted"] for s in record.values())
    assert record["KILL_PNL"]["threshold"] == config.KILL_PNL
    switches = KillSwitches()
    switches.check(100.0, [90.0])
    market = {"SPY": Market(580.0, 70_000_000)}
    assert build_intents({"SPY": 0.1}, {}, 1e6, market, "2025-12-05T12:00:00Z", "s", halted=switches.halted) == []


def test_capital_grows_in_three_steps(root: Path) -> None:
    text = (root / "SCALE_UP_PLAN.md").read_text(encoding="utf-8")
    assert [int(x) for x in re.findall(r"^\| Weeks? [^|]+\| (\d+) %", text, re.MULTILINE)] == [10, 30, 100]


def test_the_checklist_adds_up(root: Path) -> None:
    text = (root / "PRE_LIVE_CHECKLIST.md").read_text(encoding="utf-8")
    points = [int(x) for x in re.findall(r"^## .*\((\d+) pts\)", text, re.MULTILINE)]
    stated = re.search(r"\*\*Total:\*\* (\d+) points", text)
    assert stated and len(points) == 10 and sum(points) == int(stated[1])
    ticked, open_items = len(re.findall(r"- \[x\]", text)), len(re.findall(r"- \[ \]", text))
    assert ticked / (ticked + open_items) >= 0.95
