"""Risk parameters under change control.

Each constant below is named in the governance rules: changing one needs the risk officer's sign-off. All are
ratios of net asset value unless said otherwise; figures are per year where the comment says so.
"""

from __future__ import annotations

from dataclasses import dataclass

KILL_PNL = -0.05  # stop when the day's profit and loss falls below this share of NAV
MAX_DD_KILL_SWITCH = 0.15  # stop when the fall from the peak exceeds this share
PSR_KILL_SWITCH = 0.20  # stop when the probability that the true Sharpe ratio is positive falls below this
BOX_LIM = 0.25  # largest absolute weight of one symbol
GROSS_LIM = 1.50  # largest sum of absolute weights
NET_LIM = 0.60  # largest absolute sum of weights
VOL_TARGET = 0.10  # volatility of the portfolio, per year
MAX_LEVERAGE = 3.0  # the volatility target may not scale exposure by more than this
TRADING_DAYS = 252  # trading days in a year, used to annualise daily figures


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The limits that weights have to respect, as ratios of net asset value."""

    box: float = BOX_LIM
    gross: float = GROSS_LIM
    net: float = NET_LIM

    def __post_init__(self) -> None:
        if self.box <= 0 or self.gross <= 0 or self.net < 0:
            raise ValueError(f"limits must be positive (net may be 0): {self}")
