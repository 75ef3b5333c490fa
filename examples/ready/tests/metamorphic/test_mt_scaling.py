"""Scaling the inputs in known ways changes the outputs in known ways."""

from __future__ import annotations

import random

import pytest

from algo_trade.core.optimization.weights import optimise
from algo_trade.core.risk.covariance import ewma_covariance
from algo_trade.core.signals.momentum import momentum_scores

pytestmark = pytest.mark.metamorphic


@pytest.mark.parametrize("factor", [0.1, 3.0, 250.0])
def test_mr1_prices_in_another_currency_give_the_same_scores(
    closes: dict[str, list[float]], factor: float
) -> None:
    scaled = {symbol: [factor * price for price in prices] for symbol, prices in closes.items()}
    assert momentum_scores(scaled, 40) == pytest.approx(momentum_scores(closes, 40))


@pytest.mark.parametrize("factor", [0.5, 2.0, 8.0])
def test_mr2_scaling_returns_and_risk_aversion_together_changes_nothing(
    returns: list[list[float]], factor: float
) -> None:
    cov = ewma_covariance(returns, 30)
    mu = [0.0004, -0.0002, 0.0003, 0.0001, -0.0003]
    plain = optimise(mu, cov, risk_aversion=5.0)
    scaled = optimise([factor * m for m in mu], cov, risk_aversion=5.0 * factor)
    assert scaled == pytest.approx(plain, abs=1e-4)


def test_mr4_renaming_symbols_permutes_the_weights(returns: list[list[float]], seeds: dict[str, int]) -> None:
    cov = ewma_covariance(returns, 30)
    mu = [0.0004, -0.0002, 0.0003, 0.0001, -0.0003]
    order = list(range(len(mu)))
    random.Random(seeds["metamorphic"]).shuffle(order)
    permuted = optimise([mu[i] for i in order], [[cov[i][j] for j in order] for i in order])
    plain = optimise(mu, cov)
    assert permuted == pytest.approx([plain[i] for i in order], abs=1e-6)
