"""Momentum scores rank symbols and sum to zero."""

from __future__ import annotations

import pytest

from algo_trade.core.signals.momentum import momentum_scores

pytestmark = pytest.mark.unit


def test_the_best_symbol_gets_the_highest_score() -> None:
    scores = momentum_scores({"A": [10, 11, 12], "B": [10, 10, 10], "C": [10, 9, 8]}, lookback=2)
    assert scores == {"A": 0.5, "B": 0.0, "C": -0.5}


def test_the_newest_days_are_skipped_and_ties_share_a_rank() -> None:
    scores = momentum_scores({"A": [10, 12, 1], "B": [10, 12, 99], "C": [10, 9, 9]}, lookback=1, skip=1)
    assert scores == {"A": 0.25, "B": 0.25, "C": -0.5}
    assert momentum_scores({"A": [1, 2]}, lookback=1) == {"A": 0.0}


@pytest.mark.parametrize("prices", [[10.0], [0.0, 10.0]])
def test_too_few_or_impossible_prices_are_refused(prices: list[float]) -> None:
    with pytest.raises(ValueError, match="A: "):
        momentum_scores({"A": prices}, lookback=1)


def test_scores_of_real_looking_data_are_centred(closes: dict[str, list[float]]) -> None:
    assert sum(momentum_scores(closes, lookback=60, skip=5).values()) == pytest.approx(0.0)
