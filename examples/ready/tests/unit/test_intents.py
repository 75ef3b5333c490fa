"""Intents follow the contract, respect the caps, and stop when trading is halted."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from order_plane.intents import ExecutionLimits, Market, build_intents, size_order

pytestmark = pytest.mark.unit
MARKETS = {"SPY": Market(580.0, 70_000_000), "IWM": Market(220.0, 20_000)}
NOW = "2025-11-06T14:31:00Z"


def test_intents_follow_the_contract(root: Path) -> None:
    contract = json.loads((root / "contracts" / "order_intent.schema.json").read_text(encoding="utf-8"))
    intents = build_intents({"SPY": 0.04, "IWM": -0.03}, {"IWM": 10}, 1e6, MARKETS, NOW, "mean-variance-v1")
    assert [(i["symbol"], i["direction"], i["quantity"]) for i in intents] == [
        ("IWM", "SELL", 146),
        ("SPY", "BUY", 68),
    ]
    for intent in intents:
        jsonschema.validate(intent, contract)
    assert intents[1]["limit_price"] == 580.87


def test_the_same_question_gives_the_same_ids() -> None:
    first, again = (build_intents({"SPY": 0.04}, {}, 1e6, MARKETS, NOW, "s") for _ in range(2))
    assert first == again
    assert first[0]["intent_id"] != build_intents({"SPY": 0.05}, {}, 1e6, MARKETS, NOW, "s")[0]["intent_id"]


def test_size_is_capped_by_order_size_and_daily_volume() -> None:
    limits = ExecutionLimits(max_order_size=500, adv_cap=0.01)
    assert size_order(0.25, 0, 1e7, MARKETS["SPY"], limits) == 500
    assert size_order(-0.25, 0, 1e7, MARKETS["IWM"], limits) == -200
    assert size_order(0.0, 0, 1e7, MARKETS["IWM"], limits) == 0


def test_risk_checks_tell_the_truth() -> None:
    intent = build_intents({"SPY": 0.30}, {}, 1e5, MARKETS, NOW, "s", limit_orders=False)[0]
    assert intent["risk_checks"]["within_box_limit"] is False
    assert intent["risk_checks"]["within_gross_limit"] is True
    assert intent["order_type"] == "MKT" and intent["limit_price"] is None


def test_nothing_leaves_while_halted_or_without_data() -> None:
    assert build_intents({"SPY": 0.04}, {}, 1e6, MARKETS, NOW, "s", halted=True) == []
    assert build_intents({"SPY": 0.0}, {}, 1e6, MARKETS, NOW, "s") == []
    with pytest.raises(ValueError, match="no market data for GLD"):
        build_intents({"GLD": 0.1}, {}, 1e6, MARKETS, NOW, "s")
    with pytest.raises(ValueError, match="net asset value"):
        build_intents({"SPY": 0.1}, {}, 0.0, MARKETS, NOW, "s")
