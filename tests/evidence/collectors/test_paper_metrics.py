"""Pacing, connections and the Sharpe ratio agree with slow but obvious ways of computing them."""

from __future__ import annotations

import math
import statistics
from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.numbers import percentile_nearest_rank
from gate.evidence.collectors.paper.claims import UNITS, Claim
from gate.evidence.collectors.paper.log import busiest, unrecovered
from gate.evidence.collectors.paper.pnl import annual, moments


def sharpe_ratio(navs: list[int] | list[Decimal], periods: int) -> Decimal | None:
    found = moments(navs)
    return None if found is None else annual(found.sharpe, periods)


NAVS = st.lists(st.integers(90_000, 110_000), min_size=3, max_size=40)


@given(st.lists(st.integers(0, 5_000_000), max_size=60))
def test_the_busiest_second_agrees_with_counting_every_window(times: list[int]) -> None:
    counts = [sum(start <= time < start + 1_000_000 for time in times) for start in times]
    assert busiest(times) == max(counts, default=0)


def test_a_second_is_half_open() -> None:
    assert busiest([0] * 49 + [1_000_000]) == 49
    assert busiest([0] * 49 + [999_999]) == 50


@given(st.lists(st.sampled_from(["disconnect", "reconnect", "info"]), max_size=20))
def test_a_disconnection_is_recovered_by_any_later_reconnection(events: list[str]) -> None:
    expected = sum(
        kind == "disconnect" and "reconnect" not in events[index:] for index, kind in enumerate(events)
    )
    assert unrecovered(events) == expected


@given(NAVS, st.integers(1, 100_000))
def test_sharpe_agrees_with_floating_point_statistics(navs: list[int], periods: int) -> None:
    returns = [b / a - 1 for a, b in pairwise(navs)]
    result = sharpe_ratio(navs, periods)
    deviation = statistics.stdev(returns)
    if result is None:
        assert deviation < 1e-12
    else:
        expected = statistics.mean(returns) / deviation * math.sqrt(periods)
        assert math.isclose(float(result), expected, rel_tol=1e-6, abs_tol=1e-6)


@given(NAVS)
def test_sharpe_does_not_depend_on_the_ambient_precision_or_the_currency(navs: list[int]) -> None:
    before = getcontext().prec
    try:
        getcontext().prec = 5
        coarse = sharpe_ratio([Decimal(nav) for nav in navs], 252)
    finally:
        getcontext().prec = before
    assert coarse == sharpe_ratio(navs, 252)
    scaled = sharpe_ratio([nav * 1024 for nav in navs], 252)
    assert scaled == coarse


@pytest.mark.parametrize(
    "navs", [[], [1], [1, 2], [5, 5, 5, 5], [1, 2, 4, 8], [Decimal("1.1"), Decimal("1.21"), Decimal("1.331")]]
)
def test_sharpe_needs_returns_that_differ(navs: list[int | Decimal]) -> None:
    assert sharpe_ratio(navs, 252) is None


def test_returns_that_differ_only_beyond_fifty_digits_have_no_deviation() -> None:
    tiny = Decimal("1." + "0" * 59 + "1")
    assert sharpe_ratio([Decimal(1), Decimal(1), tiny, tiny], 1) is None


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(values: list[int], percent: int) -> None:
    result = percentile_nearest_rank(values, percent)
    assert result == min(v for v in values if sum(w <= v for w in values) * 100 >= percent * len(values))


@given(
    st.fractions(-1000, 1000),
    st.integers(4, 6),  # with fewer a claim may say too little
    st.sampled_from([(metric, unit) for metric, units in UNITS.items() for unit in units]),
)
def test_a_claim_made_from_the_figure_always_agrees_and_any_other_does_not(
    figure: Fraction, decimals: int, named: tuple[str, str]
) -> None:
    metric, unit = named
    scaled = round(figure / UNITS[metric][unit] * 10**decimals)

    def claim(value: int) -> Claim:
        return Claim(
            metric,
            str(Decimal(value).scaleb(-decimals).quantize(Decimal(1).scaleb(-decimals))),
            decimals,
            unit,
        )

    assert claim(scaled).disagreement(figure) is None
    other = claim(scaled + 2).disagreement(figure)
    assert other is not None
    assert Fraction(other["recomputed"].split()[0]) == Fraction(scaled, 10**decimals)
