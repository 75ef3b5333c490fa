"""Exact scaled integers: how figures with decimals become facts without a float; and counts in words."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

PPM = 1_000_000


def ratio_ppm(part: int, whole: int) -> int:
    """``part / whole`` in parts per million, rounded down (for figures that must be at least something).

    ``whole`` is positive; callers report a ratio over nothing as missing.
    """
    return part * PPM // whole


def to_scaled(value: Decimal | int | Fraction, scale: int, *, up: bool = False) -> int:
    """``value × scale`` as an exact integer, rounded down, or up when ``up`` is set."""
    exact = Fraction(value) * scale  # a Decimal's context would round long figures before they are cut
    return -(-exact.numerator // exact.denominator) if up else exact.numerator // exact.denominator


def counted(number: int, what: str, form: str = "") -> str:
    """A number of things, in words: ``1 entry``, ``2 entries of the log``.

    Args:
        what: one of them.
        form: how the number is formatted.
    """
    if number == 1:
        return f"1 {what}"
    noun, of, rest = what.partition(" of ")
    if noun.endswith("y") and noun[-2] not in "aeo":
        noun = f"{noun[:-1]}ie"
    elif noun.endswith(("s", "x", "ch", "sh")):
        noun += "e"
    return f"{number:{form}} {noun}s{of}{rest}"


def percentile_nearest_rank(values: Sequence[int], percent: int) -> int:
    """The ``percent``-th percentile by the nearest-rank method: the smallest value with at least
    ``percent`` % of all values at or below it (ordinal rank ⌈percent/100 × n⌉). ``values`` is not empty.
    """
    ordered = sorted(values)
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]
