"""The figures of a paper session, recomputed exactly: no float, the same result on every machine. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

SECOND_US = 1_000_000
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)


def pacing_violations(times_us: Sequence[int], most: int) -> int:
    """How many seconds held more than ``most`` submissions.

    Windows are half-open, [t, t + 1 s), and each begins at a submission. From the earliest submission on, a
    window that holds more than ``most`` is one violation, and the search goes on at the first submission
    after it, so that no submission is counted in two violations; otherwise it goes on at the next
    submission.

    Args:
        times_us: submission times in microseconds, in any order.
        most: submissions that are allowed in any one second.
    """
    ordered = sorted(times_us)
    violations = position = 0
    while position + most < len(ordered):
        limit = ordered[position] + SECOND_US
        if ordered[position + most] < limit:
            violations += 1
            position = bisect_left(ordered, limit, position)
        else:
            position += 1
    return violations


def unrecovered(events: Sequence[str]) -> int:
    """Disconnections that no later reconnection follows; ``events`` are event types in order of time."""
    open_now = 0
    for kind in events:
        if kind == "disconnect":
            open_now += 1
        elif kind == "reconnect":
            open_now = 0
    return open_now


def sharpe_ratio(equity: Sequence[Decimal | int], periods_per_year: int) -> Decimal | None:
    """The ex-post Sharpe ratio of an equity curve against a benchmark of zero, annualised.

    S = mean(r) ÷ s(r) × √N, where r are the simple returns nav[i+1] ÷ nav[i] − 1 between neighbouring
    samples, s is their sample standard deviation (divisor n − 1) and N the number of intervals in a year.
    Source: W. F. Sharpe, "The Sharpe Ratio", The Journal of Portfolio Management 21 (1), 1994, pp. 49-58
    (ex-post ratio, and its growth with the square root of time). Computed with 50 significant digits, half
    to even.

    Args:
        equity: net liquidation values, all positive, in order of time.
        periods_per_year: N; 1 gives the ratio per interval.

    Returns:
        None for fewer than three samples, or when all returns are equal (no deviation to divide by).
    """
    if len(equity) < 3:
        return None
    exact = [Fraction(nav) for nav in equity]
    if all(b * exact[0] == a * exact[1] for a, b in pairwise(exact)):
        return None
    with localcontext(_CONTEXT):
        navs = [Decimal(nav) for nav in equity]
        returns = [b / a - 1 for a, b in pairwise(navs)]
        mean = sum(returns, Decimal(0)) / len(returns)
        variance = sum(((r - mean) ** 2 for r in returns), Decimal(0)) / (len(returns) - 1)
        if not variance:
            return None
        return mean / variance.sqrt() * Decimal(periods_per_year).sqrt()
