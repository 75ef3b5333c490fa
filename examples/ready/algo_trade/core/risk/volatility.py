"""Volatility targeting: scale exposure so that the portfolio's volatility meets the target."""

from __future__ import annotations

import math
from collections.abc import Sequence

from algo_trade.core.config import MAX_LEVERAGE, TRADING_DAYS, VOL_TARGET
from algo_trade.core.risk.covariance import Matrix, variance


def annual_volatility(cov: Matrix, weights: Sequence[float], periods: int = TRADING_DAYS) -> float:
    """Volatility per year of `weights`, where `cov` is per period and a year has `periods` of them."""
    return math.sqrt(max(variance(cov, weights), 0.0) * periods)


def scale_to_target(
    cov: Matrix, weights: Sequence[float], target: float = VOL_TARGET, cap: float = MAX_LEVERAGE
) -> list[float]:
    """Multiply `weights` so that their annual volatility equals `target`, by at most `cap`.

    Weights without any risk are returned unchanged, because no factor brings them to the target.
    """
    current = annual_volatility(cov, weights)
    if current == 0.0:
        return list(weights)
    factor = min(target / current, cap)
    return [factor * w for w in weights]
