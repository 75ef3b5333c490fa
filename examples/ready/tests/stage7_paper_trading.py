"""Stage 7: the paper session went well enough, and the metrics file says what the log says."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from order_plane.pacing import BROKER_LIMIT_PER_SECOND

pytestmark = pytest.mark.stage7


def when(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def nearest_rank(values: list[float], percent: int) -> float:
    return sorted(values)[math.ceil(percent * len(values) / 100) - 1]


def sharpe(log: dict[str, Any]) -> float:
    values = [sample["nav"] for sample in log["equity"]]
    returns = [b / a - 1 for a, b in pairwise(values)]
    mean = sum(returns) / len(returns)
    deviation = math.sqrt(sum((r - mean) ** 2 for r in returns) / (len(returns) - 1))
    return mean / deviation * math.sqrt(log["equity_periods_per_year"])


@pytest.fixture(scope="module")
def totals(paper_log: dict[str, Any]) -> list[float]:
    """Total latency of the filled orders, in milliseconds."""
    return [t["latency_ms"]["total"] for t in paper_log["trades"] if t["latency_ms"]["total"] is not None]


def test_the_session_is_long_and_busy_enough(paper_log: dict[str, Any]) -> None:
    assert when(paper_log["end_time"]) - when(paper_log["start_time"]) >= 6 * 3600
    assert 50 <= len(paper_log["trades"]) <= 200
    assert 5 <= len({trade["symbol"] for trade in paper_log["trades"]}) <= 10
    assert {trade["order_type"] for trade in paper_log["trades"]} == {"MKT", "LMT"}


def test_orders_fill_fast_and_within_the_pacing_limit(paper_log: dict[str, Any], totals: list[float]) -> None:
    filled = sum(trade["status"] == "FILLED" for trade in paper_log["trades"])
    assert filled / len(paper_log["trades"]) > 0.98
    assert nearest_rank(totals, 95) < 200
    times = [when(trade["submitted_at"]) for trade in paper_log["trades"]]
    assert times == sorted(times)
    assert max(sum(start <= t < start + 1 for t in times) for start in times) < BROKER_LIMIT_PER_SECOND


def test_every_disconnect_is_followed_by_a_reconnect(paper_log: dict[str, Any]) -> None:
    line = [e["type"] for e in paper_log["events"] if e["type"] in ("disconnect", "reconnect")]
    assert line and line == ["disconnect", "reconnect"] * (len(line) // 2)


def test_latency_and_sharpe_stay_near_the_baselines(
    paper_log: dict[str, Any], totals: list[float], baselines: dict[str, float]
) -> None:
    assert nearest_rank(totals, 50) / baselines["mock_p50"] - 1 < 0.5
    assert sharpe(paper_log) >= 0.5 * baselines["sharpe"]


def test_the_metrics_file_agrees_with_the_log(
    paper_log: dict[str, Any],
    totals: list[float],
    baselines: dict[str, float],
    claims: dict[str, tuple[str, str]],
) -> None:
    trades = paper_log["trades"]
    expected = {
        "duration": (when(paper_log["end_time"]) - when(paper_log["start_time"])) / 3600,
        "total_trades": len(trades),
        "fill_rate": sum(t["status"] == "FILLED" for t in trades) / len(trades),
        "p50_latency": nearest_rank(totals, 50),
        "p95_latency": nearest_rank(totals, 95),
        "p99_latency": nearest_rank(totals, 99),
        "pacing_violations": sum(e["type"] == "pacing_violation" for e in paper_log["events"]),
        "disconnects": sum(e["type"] == "disconnect" for e in paper_log["events"]),
        "sharpe_paper": sharpe(paper_log),
        "sharpe_backtest": baselines["sharpe"],
        "sharpe_delta": sharpe(paper_log) - baselines["sharpe"],
        "latency_delta_vs_mock": nearest_rank(totals, 50) / baselines["mock_p50"] - 1,
    }
    assert set(claims) == set(expected)
    for metric, (value, _) in claims.items():
        decimals = len(value.partition(".")[2])
        assert float(value) == pytest.approx(expected[metric], abs=0.51 * 10**-decimals), metric
