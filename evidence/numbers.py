"""Exact scaled integers: how figures with decimals become facts without a float."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from .errors import EvidenceError

PPM = 1_000_000


def ratio_ppm(part: int, whole: int) -> int:
    """``part / whole`` in parts per million, rounded down (for figures that must be at least something).

    ``whole`` is positive; callers report a ratio over nothing as missing.
    """
    return part * PPM // whole


def ceil_ratio_ppm(part: int, whole: int) -> int:
    """``part / whole`` in parts per million, rounded up (for figures that must be at most something)."""
    return -(-part * PPM // whole)


def to_scaled(value: Decimal | int, scale: int, *, up: bool = False) -> int:
    """``value × scale`` as an integer, rounded down, or up when ``up`` is set.

    Raises:
        EvidenceError: the result is 2^53 or more, which canonical JSON cannot carry.
    """
    exact = Fraction(value) * scale  # a Decimal's context would round long figures before they are cut
    result = -(-exact.numerator // exact.denominator) if up else exact.numerator // exact.denominator
    if abs(result) >= 2**53:
        raise EvidenceError(f"the number {value} is too large to be exact", remedy="check the figure's unit")
    return result


def percentile_nearest_rank(values: Sequence[int], percent: int) -> int:
    """The ``percent``-th percentile by the nearest-rank method: the smallest value with at least
    ``percent`` % of all values at or below it (ordinal rank ⌈percent/100 × n⌉). ``values`` is not empty.
    """
    ordered = sorted(values)
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]
