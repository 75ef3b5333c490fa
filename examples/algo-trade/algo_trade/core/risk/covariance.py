"""Exponentially weighted covariance and the linear algebra that it needs, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence

Matrix = list[list[float]]


def ewma_covariance(returns: Sequence[Sequence[float]], halflife: float) -> Matrix:
    """Covariance of `returns` (rows are periods, columns are symbols) with exponentially falling weights.

    The newest row has the largest weight; `halflife` is in periods. The mean is taken as zero, the usual choice
    for daily returns, which keeps the matrix positive semi-definite.

    Raises ValueError when there are no rows, rows differ in length or `halflife` is not positive.
    """
    if not returns or halflife <= 0:
        raise ValueError("need at least one row of returns and a positive half-life")
    n = len(returns[0])
    if any(len(row) != n for row in returns):
        raise ValueError("rows of returns differ in length")
    decay = 0.5 ** (1.0 / halflife)
    weights = [decay ** (len(returns) - 1 - t) for t in range(len(returns))]
    total = math.fsum(weights)
    return [
        [math.fsum(w * row[i] * row[j] for w, row in zip(weights, returns, strict=True)) / total for j in range(n)]
        for i in range(n)
    ]


def shrink(cov: Matrix, intensity: float) -> Matrix:
    """Shrink `cov` towards its own diagonal by `intensity` in [0, 1]; 1 removes every correlation.

    Raises ValueError when `intensity` lies outside [0, 1].
    """
    if not 0.0 <= intensity <= 1.0:
        raise ValueError(f"shrinkage intensity {intensity} is outside [0, 1]")
    return [
        [value if i == j else (1.0 - intensity) * value for j, value in enumerate(row)]
        for i, row in enumerate(cov)
    ]


def multiply(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    """Matrix times vector."""
    return [math.fsum(a * x for a, x in zip(row, vector, strict=True)) for row in matrix]


def variance(matrix: Matrix, weights: Sequence[float]) -> float:
    """Variance of the portfolio `weights` under the covariance `matrix`."""
    return math.fsum(w * m for w, m in zip(weights, multiply(matrix, weights), strict=True))


def is_positive_semidefinite(matrix: Matrix, tolerance: float = 1e-12) -> bool:
    """Whether the symmetric `matrix` has no negative eigenvalue, decided by a Cholesky factorisation.

    `tolerance` is added to the diagonal, relative to the largest diagonal element.
    """
    n = len(matrix)
    ridge = tolerance * max((abs(matrix[i][i]) for i in range(n)), default=0.0)
    lower: Matrix = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i][j] - math.fsum(lower[i][k] * lower[j][k] for k in range(j))
            if i == j:
                if rest + ridge < 0:
                    return False
                lower[i][i] = math.sqrt(max(rest + ridge, 0.0))
            elif lower[j][j] > 0:
                lower[i][j] = rest / lower[j][j]
            elif abs(rest) > ridge:
                return False
    return True
