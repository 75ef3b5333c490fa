"""Cross-sectional momentum: rank symbols by past return, skip the newest days, and centre the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def momentum_scores(closes: Mapping[str, Sequence[float]], lookback: int, skip: int = 0) -> dict[str, float]:
    """Scores in [−0.5, 0.5] that sum to zero, by rank of the return over `lookback` periods.

    `closes` has closing prices per symbol, oldest first; the newest `skip` periods are left out, for they tend
    to reverse. Equal returns share the mean of their ranks. One symbol alone gets 0.

    Raises ValueError when a symbol has fewer than `lookback + skip + 1` prices, or one that is not positive.
    """
    past: dict[str, float] = {}
    for symbol in sorted(closes):
        prices = closes[symbol]
        if len(prices) < lookback + skip + 1:
            raise ValueError(f"{symbol}: {len(prices)} prices, {lookback + skip + 1} needed")
        newest, oldest = prices[len(prices) - 1 - skip], prices[len(prices) - 1 - skip - lookback]
        if newest <= 0 or oldest <= 0:
            raise ValueError(f"{symbol}: prices must be positive")
        past[symbol] = newest / oldest - 1.0
    if len(past) < 2:
        return dict.fromkeys(past, 0.0)
    ordered = sorted(past.values())
    scores: dict[str, float] = {}
    for symbol, value in past.items():
        first = ordered.index(value)
        rank = first + (ordered.count(value) - 1) / 2.0
        scores[symbol] = rank / (len(past) - 1) - 0.5
    return scores
