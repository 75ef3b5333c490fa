"""The three kill switches: daily loss, drawdown, and the probabilistic Sharpe ratio.

A switch never re-arms by itself: once tripped, `KillSwitches.halted` stays true until a person resets it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from algo_trade.core.config import KILL_PNL, MAX_DD_KILL_SWITCH, PSR_KILL_SWITCH


def max_drawdown(equity: Sequence[float]) -> float:
    """Largest fall from a running peak, as a ratio of that peak; 0 for an empty series."""
    peak, worst = -math.inf, 0.0
    for value in equity:
        peak = max(peak, value)
        worst = max(worst, (peak - value) / peak)
    return worst


def probabilistic_sharpe(returns: Sequence[float], benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio per period exceeds `benchmark`.

    Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier" (2012):
    PSR = Φ((SR − SR*)·√(n−1) ÷ √(1 − γ₃·SR + (γ₄ − 1)/4·SR²)), with skewness γ₃ and kurtosis γ₄.

    Raises ValueError with fewer than three returns or when they do not vary: there is no estimate then.
    """
    n = len(returns)
    if n < 3:
        raise ValueError(f"the probabilistic Sharpe ratio needs at least 3 returns, got {n}")
    mean = math.fsum(returns) / n
    second, third, fourth = (math.fsum((r - mean) ** k for r in returns) / n for k in (2, 3, 4))
    if second <= 0.0:
        raise ValueError("the returns do not vary")
    sharpe = mean / math.sqrt(second * n / (n - 1))
    skewness, kurtosis = third / second**1.5, fourth / second**2
    spread = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    z = (sharpe - benchmark) * math.sqrt(n - 1) / math.sqrt(max(spread, 1e-12))
    return 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))


@dataclass(slots=True)
class KillSwitches:
    """Watches an equity curve and says when trading must stop.

    Limits are ratios, as in `algo_trade.core.config`; the PSR switch waits for `min_returns` returns.
    """

    pnl_limit: float = KILL_PNL
    drawdown_limit: float = MAX_DD_KILL_SWITCH
    psr_limit: float = PSR_KILL_SWITCH
    min_returns: int = 20
    tripped: list[str] = field(default_factory=list)

    @property
    def halted(self) -> bool:
        """Whether any switch has tripped."""
        return bool(self.tripped)

    def check(self, day_start: float, equity: Sequence[float]) -> list[str]:
        """Look at the equity so far and return the names of the switches that trip now, for the first time.

        `day_start` is net asset value at the start of the day, `equity` the values since, same currency.
        """
        curve = [day_start, *equity]
        found: list[str] = []
        if curve[-1] / day_start - 1.0 < self.pnl_limit:
            found.append("KILL_PNL")
        if max_drawdown(curve) > self.drawdown_limit:
            found.append("MAX_DD_KILL_SWITCH")
        returns = [b / a - 1.0 for a, b in itertools.pairwise(curve)]
        enough = len(returns) >= self.min_returns and len(set(returns)) > 1
        if enough and probabilistic_sharpe(returns) < self.psr_limit:
            found.append("PSR_KILL_SWITCH")
        new = [name for name in found if name not in self.tripped]
        self.tripped.extend(new)
        return new
