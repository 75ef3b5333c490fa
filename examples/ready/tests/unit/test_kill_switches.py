"""The kill switches trip at their limits, once, and stay tripped."""

from __future__ import annotations

import pytest

from algo_trade.core.risk.kill_switches import KillSwitches, max_drawdown, probabilistic_sharpe

pytestmark = pytest.mark.unit


def test_daily_loss_trips_once_and_stays_tripped() -> None:
    switches = KillSwitches()
    assert switches.check(100.0, [99.0, 96.0]) == []
    assert switches.check(100.0, [99.0, 94.9]) == ["KILL_PNL"]
    assert switches.check(100.0, [99.0, 94.9, 101.0]) == []
    assert switches.halted


def test_drawdown_is_measured_from_the_peak_not_from_the_start() -> None:
    assert max_drawdown([100, 130, 117, 140]) == pytest.approx(0.1)
    assert max_drawdown([]) == 0.0
    assert KillSwitches().check(100.0, [130.0, 109.0]) == ["MAX_DD_KILL_SWITCH"]


def test_psr_trips_on_a_losing_streak_of_enough_returns() -> None:
    equity, value = [], 1000.0
    for day in range(30):
        value *= 0.9985 if day % 3 else 1.0005
        equity.append(value)
    assert KillSwitches().check(1000.0, equity) == ["PSR_KILL_SWITCH"]
    assert KillSwitches(min_returns=31).check(1000.0, equity) == []


def test_psr_is_one_half_without_any_edge_and_rises_with_the_sample() -> None:
    assert probabilistic_sharpe([0.01, -0.01] * 10) == pytest.approx(0.5)
    short = probabilistic_sharpe([0.02, -0.01] * 5)
    assert 0.5 < short < probabilistic_sharpe([0.02, -0.01] * 50) < 1.0


@pytest.mark.parametrize("returns", [[0.1, 0.2], [0.01, 0.01, 0.01]])
def test_psr_refuses_to_guess(returns: list[float]) -> None:
    with pytest.raises(ValueError, match="returns"):
        probabilistic_sharpe(returns)
