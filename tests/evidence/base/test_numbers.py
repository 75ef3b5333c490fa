"""Exact figures: ratios, scaling, percentiles."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.numbers import counted, percentile_nearest_rank, ratio_ppm, to_scaled
from gate.evidence.collectors.shared.documents import scaled


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12))
def test_ratios_round_to_their_side(part: int, whole: int) -> None:
    """A figure that must be at least something is rounded down, one that must be at most something up."""
    assert ratio_ppm(part, whole) == floor(Fraction(part, whole) * 10**6)
    assert to_scaled(Fraction(part, whole), 10**6, up=True) == ceil(Fraction(part, whole) * 10**6)


@pytest.mark.parametrize(
    ("number", "what", "text"),
    [
        (0, "file", "0 files"), (1, "entry", "1 entry"), (2, "entry", "2 entries"), (7, "day", "7 days"),
        (2, "hash", "2 hashes"), (3, "witness", "3 witnesses"),
        (1, "signature of people", "1 signature of people"),
        (2, "signature of people", "2 signatures of people"), (12_345, "fact set", "12345 fact sets"),
    ],
)  # fmt: skip
def test_counts_in_words(number: int, what: str, text: str) -> None:
    """One is one, and the rest is in plural; grouped only where that is asked for."""
    assert counted(number, what) == text
    assert counted(12_345, "fact set", ",") == "12,345 fact sets"


def test_the_audit_figure() -> None:
    """Five of fourteen artifacts are 357142 ppm, never rounded up."""
    assert ratio_ppm(5, 14) == 357_142
    assert to_scaled(Fraction(5, 14), 10**6, up=True) == 357_143


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9),
    st.sampled_from([1, 100, 1000, 10**6]),
)
def test_scaling_is_exact(value: Decimal, scale: int) -> None:
    """The scaled integer is the floor (or ceiling) of the exact product."""
    assert to_scaled(value, scale) == floor(Fraction(value) * scale)
    assert to_scaled(value, scale, up=True) == ceil(Fraction(value) * scale)


def test_a_long_decimal_is_not_rounded_up_over_a_threshold() -> None:
    """0.999… with forty digits is below one, although a default decimal context would round it to one."""
    value = Decimal("0." + "9" * 40)
    assert to_scaled(value, 10**6) == 999_999
    assert to_scaled(value, 10**6, up=True) == 10**6
    assert to_scaled(-value, 10**6) == -(10**6)
    assert to_scaled(7, 100) == 700


@pytest.mark.parametrize("value", [2**53, -(2**53), Decimal("1e64")])
def test_scaling_refuses_what_json_cannot_carry(value: Decimal | int) -> None:
    """A figure beyond the exact integers of JSON is an evidence error with a remedy."""
    with pytest.raises(EvidenceError) as caught:
        scaled(value, 1, "a.json", "/nav")
    assert "too large to be exact" in caught.value.what
    assert (caught.value.path, caught.value.place) == ("a.json", "/nav")
    assert caught.value.remedy == "check the figure and its unit"


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=60), st.integers(0, 100))
def test_percentiles_follow_their_definition(values: list[int], percent: int) -> None:
    """The percentile is the smallest value with at least that share of all values at or below it."""
    naive = min(v for v in values if sum(w <= v for w in values) * 100 >= percent * len(values))
    assert percentile_nearest_rank(values, percent) == naive


def test_percentiles_of_the_textbook() -> None:
    """The nearest-rank example of its usual description."""
    values = [15, 20, 35, 40, 50]
    assert [percentile_nearest_rank(values, p) for p in (0, 5, 30, 40, 50, 100)] == [15, 15, 20, 20, 35, 50]
