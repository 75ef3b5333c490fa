"""A little noise in the inputs moves the outputs only a little."""

from __future__ import annotations

import random

import pytest

from algo_trade.core.optimization.weights import optimise
from algo_trade.core.risk.covariance import ewma_covariance

pytestmark = pytest.mark.metamorphic


@pytest.mark.parametrize("case", range(4))
def test_mr3_small_noise_in_returns_moves_weights_little(
    returns: list[list[float]], seeds: dict[str, int], case: int
) -> None:
    rng = random.Random(seeds["metamorphic"] + case)
    noisy = [[r + rng.gauss(0, 1e-6) for r in row] for row in returns]
    mu = [0.08, -0.02, 0.05, 0.03, -0.04]

    def annual(rows: list[list[float]]) -> list[list[float]]:
        return [[252 * x for x in row] for row in ewma_covariance(rows, 30)]

    before, after = optimise(mu, annual(returns)), optimise(mu, annual(noisy))
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 1e-2
