"""Mean-variance weights under box, gross and net limits.

Minimises ½·λ·wᵀΣw − μᵀw + ½·τ·‖w − w₀‖² by projected gradient descent. The projection on the intersection of the
three limits is Dykstra's algorithm (Boyle and Dykstra 1986), which converges to the nearest feasible point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from algo_trade.core.config import RiskLimits
from algo_trade.core.risk.covariance import Matrix, multiply

Vector = list[float]


def clip_box(w: Sequence[float], limit: float) -> Vector:
    """Nearest point with every |wᵢ| ≤ `limit`."""
    return [min(max(x, -limit), limit) for x in w]


def clip_net(w: Sequence[float], limit: float) -> Vector:
    """Nearest point with |Σwᵢ| ≤ `limit`."""
    total = math.fsum(w)
    excess = total - min(max(total, -limit), limit)
    return [x - excess / len(w) for x in w]


def clip_gross(w: Sequence[float], limit: float) -> Vector:
    """Nearest point with Σ|wᵢ| ≤ `limit`, by soft thresholding (Duchi et al. 2008)."""
    magnitudes = sorted((abs(x) for x in w), reverse=True)
    if math.fsum(magnitudes) <= limit:
        return list(w)
    running, threshold = 0.0, 0.0
    for count, magnitude in enumerate(magnitudes, start=1):
        running += magnitude
        if magnitude - (running - limit) / count > 0:
            threshold = (running - limit) / count
    return [max(abs(x) - threshold, 0.0) * (1.0 if x > 0 else -1.0) for x in w]


def project(w: Sequence[float], limits: RiskLimits, rounds: int = 200) -> Vector:
    """Nearest point that respects all `limits`; at most `rounds` rounds of Dykstra's algorithm.

    What remains of a violation after the last round is removed by scaling towards zero, always feasible.
    """
    steps: tuple[Callable[[Vector], Vector], ...] = (
        lambda v: clip_box(v, limits.box),
        lambda v: clip_net(v, limits.net),
        lambda v: clip_gross(v, limits.gross),
    )
    point = list(w)
    memory = [[0.0] * len(point) for _ in steps]
    for _ in range(rounds):
        before = point
        for k, step in enumerate(steps):
            shifted = [x + c for x, c in zip(point, memory[k], strict=True)]
            point = step(shifted)
            memory[k] = [s - x for s, x in zip(shifted, point, strict=True)]
        if max((abs(a - b) for a, b in zip(before, point, strict=True)), default=0.0) < 1e-13:
            break
    return _pull_inside(point, limits)


def _pull_inside(w: Vector, limits: RiskLimits) -> Vector:
    factor = 1.0
    for size, limit in (
        (max((abs(x) for x in w), default=0.0), limits.box),
        (math.fsum(abs(x) for x in w), limits.gross),
        (abs(math.fsum(w)), limits.net),
    ):
        if size > limit:
            factor = min(factor, limit / size)
    return [factor * x for x in w]


def optimise(
    mu: Sequence[float],
    cov: Matrix,
    previous: Sequence[float] | None = None,
    limits: RiskLimits | None = None,
    risk_aversion: float = 5.0,
    turnover_penalty: float = 0.0,
    iterations: int = 400,
) -> Vector:
    """Weights for expected returns `mu` and covariance `cov` (both per year, symbols in the same order).

    `previous` are the weights held now; `turnover_penalty` (τ) draws the result towards them.

    Raises ValueError when the sizes differ, or `risk_aversion` is not positive.
    """
    n = len(mu)
    if len(cov) != n or (previous is not None and len(previous) != n):
        raise ValueError("expected returns, covariance and previous weights differ in size")
    if risk_aversion <= 0 or turnover_penalty < 0:
        raise ValueError("risk aversion must be positive and the turnover penalty not negative")
    limits = limits or RiskLimits()
    held = list(previous) if previous is not None else [0.0] * n
    # The largest absolute row sum bounds the largest eigenvalue, so this step size cannot diverge.
    curvature = (
        risk_aversion * max((math.fsum(abs(x) for x in row) for row in cov), default=0.0) + turnover_penalty
    )
    step = 1.0 / curvature if curvature > 0 else 1.0
    w = project(held, limits)
    for _ in range(iterations):
        risk = multiply(cov, w)
        moved = [
            x - step * (risk_aversion * r - m + turnover_penalty * (x - h))
            for x, r, m, h in zip(w, risk, mu, held, strict=True)
        ]
        following = project(moved, limits)
        change = max((abs(a - b) for a, b in zip(w, following, strict=True)), default=0.0)
        w = following
        if change < 1e-10:
            break
    return w
