"""Invariants of the optimiser over many random problems."""

from __future__ import annotations

import random

import pytest

from algo_trade.core.config import RiskLimits
from algo_trade.core.optimization.weights import optimise, project
from algo_trade.core.risk.covariance import (
    Matrix,
    ewma_covariance,
    is_positive_semidefinite,
    shrink,
    variance,
)
from algo_trade.core.risk.volatility import annual_volatility, scale_to_target

pytestmark = pytest.mark.property
CASES = range(25)
EPSILON = 1e-9


def problem(seed: int) -> tuple[list[float], Matrix]:
    rng = random.Random(seed)
    n = rng.randint(2, 7)
    rows = [[rng.gauss(0, 0.01) for _ in range(n)] for _ in range(40)]
    cov = [[252 * x for x in row] for row in shrink(ewma_covariance(rows, 20), 0.2)]
    return [rng.gauss(0, 0.1) for _ in range(n)], cov


@pytest.mark.parametrize("case", CASES)
def test_every_limit_holds(case: int, seeds: dict[str, int]) -> None:
    mu, cov = problem(seeds["property"] + case)
    limits = RiskLimits(box=0.25, gross=0.8, net=0.1)
    w = optimise(mu, cov, limits=limits)
    assert max(abs(x) for x in w) <= limits.box + EPSILON
    assert sum(abs(x) for x in w) <= limits.gross + EPSILON
    assert abs(sum(w)) <= limits.net + EPSILON


@pytest.mark.parametrize("case", CASES)
def test_projection_is_idempotent_and_no_feasible_point_is_nearer(case: int, seeds: dict[str, int]) -> None:
    rng = random.Random(seeds["property"] + case)
    limits = RiskLimits(box=0.4, gross=1.0, net=0.3)
    point = [rng.uniform(-1, 1) for _ in range(5)]
    nearest = project(point, limits)
    assert project(nearest, limits) == pytest.approx(nearest, abs=1e-7)
    distance = sum((a - b) ** 2 for a, b in zip(point, nearest, strict=True))
    for _ in range(50):
        other = project([rng.uniform(-1, 1) for _ in range(5)], limits)
        assert sum((a - b) ** 2 for a, b in zip(point, other, strict=True)) >= distance - 1e-6


@pytest.mark.parametrize("case", CASES)
def test_covariance_is_positive_semidefinite(case: int, seeds: dict[str, int]) -> None:
    _, cov = problem(seeds["property"] + case)
    assert is_positive_semidefinite(cov)
    assert all(cov[i][j] == pytest.approx(cov[j][i]) for i in range(len(cov)) for j in range(len(cov)))


@pytest.mark.parametrize("case", CASES)
def test_the_result_beats_standing_still(case: int, seeds: dict[str, int]) -> None:
    mu, cov = problem(seeds["property"] + case)
    w = optimise(mu, cov, risk_aversion=5.0)
    utility = sum(m * x for m, x in zip(mu, w, strict=True)) - 2.5 * variance(cov, w)
    assert utility >= -1e-12


@pytest.mark.parametrize("case", CASES)
def test_turnover_falls_with_its_penalty(case: int, seeds: dict[str, int]) -> None:
    mu, cov = problem(seeds["property"] + case)
    held = [0.05] * len(mu)

    def turnover(penalty: float) -> float:
        w = optimise(mu, cov, previous=held, turnover_penalty=penalty)
        return sum((a - b) ** 2 for a, b in zip(w, held, strict=True))

    assert turnover(10.0) <= turnover(0.0) + EPSILON


@pytest.mark.parametrize("case", CASES)
def test_volatility_meets_the_target_unless_leverage_is_capped(case: int, seeds: dict[str, int]) -> None:
    mu, cov = problem(seeds["property"] + case)
    daily = [[x / 252 for x in row] for row in cov]
    scaled = scale_to_target(daily, optimise(mu, cov), target=0.10, cap=1e9)
    assert annual_volatility(daily, scaled) == pytest.approx(0.10)
    assert scale_to_target(daily, [0.0] * len(mu)) == [0.0] * len(mu)
