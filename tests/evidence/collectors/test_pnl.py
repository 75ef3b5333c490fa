"""Sharpe ratio, its probability and drawdown of a P&L series, held against slow or floating-point ways."""

from __future__ import annotations

import math
import statistics
from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.evidence.collectors.paper.pnl import (
    Moments,
    annual,
    drawdown,
    moments,
    normal,
    probabilistic_sharpe,
)

FILE, CSV = "PNL_SERIES.csv", "PAPER_TRADING_METRICS.csv"
EQUITY = st.lists(st.integers(50_000, 150_000), min_size=1, max_size=40)


def series(*equity: object) -> str:
    rows = [f"2025-11-{day:02d}T21:00:00Z,{value}\n" for day, value in enumerate(equity, 1)]
    return "time,equity\n" + "".join(rows)


def pnl(watch: Any, text: str, **options: Any) -> dict[str, Any]:
    return dict(watch("paper", {FILE: text}, **options).facts["pnl"])


def test_a_series_gives_every_figure(watch: Any) -> None:
    facts = pnl(watch, series("100", "110.00", 99, 105, "111.5", 111), pnl_periods_per_year=252)
    returns = [b / a - 1 for a, b in pairwise([100, 110, 99, 105, 111.5, 111])]
    mean, deviation = statistics.mean(returns), statistics.stdev(returns)
    assert facts["periods"] == 5
    assert facts["sharpe_micro"] == math.floor(mean / deviation * 10**6)
    assert facts["sharpe_annual_micro"] == math.floor(mean / deviation * math.sqrt(252) * 10**6)
    assert (facts["max_drawdown_ppm"], facts["drawdown_recovered"]) == (100_000, True)
    day = 86_400
    assert facts["drawdown_start_s"] - facts["first_s"] == day
    assert facts["drawdown_end_s"] - facts["first_s"] == 2 * day
    assert facts["last_s"] - facts["first_s"] == 5 * day
    assert 500_000 < facts["psr_ppm"] < 1_000_000
    held = pnl(watch, series("100", "110.00", 99, 105, "111.5", 111), psr_benchmark_micro=10**7)
    assert (held["psr_ppm"], held["psr_benchmark_micro"]) == (0, 10**7)


def test_what_a_series_does_not_give_is_missing_and_not_zero(watch: Any) -> None:
    def reasons(text: str) -> dict[str, str]:
        found = watch("paper", {FILE: text}).problems
        return {m.fact[4:]: m.reason for m in found if m.fact.startswith("pnl.")}

    facts = watch("paper").facts["pnl"]
    assert (facts["file"], facts["periods_per_year"], facts["psr_ppm"]) == (None, 252, None)
    assert pnl(watch, series(5, 5, 5, 5))["max_drawdown_ppm"] == 0
    for text in (series(5, 5, 5, 5), series(5, 6), series(1, 2, 4, 8), series(5)):
        assert reasons(text)["sharpe_micro"] == f"{FILE} has no two returns that differ"
        assert reasons(text)["psr_ppm"] == reasons(text)["sharpe_micro"]
    assert reasons(series(5, 6, 7))["drawdown_start_s"] == f"{FILE} never falls below an earlier value"
    assert set(reasons("time,equity\n").values()) == {f"{FILE} has no rows"}


def test_the_metrics_file_is_held_against_the_series(watch: Any) -> None:
    claims = (
        "metric,value,unit,status\nsharpe_paper,9.99,ratio,PASS\npsr,75.0,%,\nmax_drawdown,0.1,ratio,\n"
        "total_trades,3,,\n"
    )
    found = watch("paper", {FILE: series(100, 110, 99, 105), CSV: claims}).facts["disagreements"]
    assert [one["metric"] for one in found] == ["sharpe_paper", "psr"]
    returns = [0.1, -0.1, 105 / 99 - 1]
    sharpe = statistics.mean(returns) / statistics.stdev(returns) * math.sqrt(252)
    assert found[0]["recomputed"] == f"{sharpe:.2f} ratio"


@pytest.mark.parametrize(
    ("rows", "what", "line"),
    [
        ("2025-11-01T00:00:00Z,0\n", "not a decimal number above zero", 2),
        ("2025-11-01T00:00:00Z,-5\n", "not a decimal number above zero", 2),
        ("2025-11-01T00:00:00Z,1e5\n", "not a decimal number above zero", 2),
        ("2025-11-01T00:00:00Z,NaN\n", "not a decimal number above zero", 2),
        ("2025-11-01T00:00:00Z,\n", "not a decimal number above zero", 2),
        ("2025-11-01T00:00:00Z,٣\n", "not a decimal number above zero", 2),
        ("2025-11-01T00:00:00Z,5\n2025-11-01T00:00:00Z,5\n", "not in order", 3),
        ("2025-11-02T00:00:00Z,5\n2025-11-01T00:00:00Z,5\n", "not in order", 3),
        ("2025-11-01,5\n", "RFC 3339", 2),
        ("2025-02-30T00:00:00Z,5\n", "not a real time", 2),
        ("2025-11-01T00:00:00Z,5,6\n", "3 columns", 2),
        ("2025-11-01T00:00:00Z,=1+1\n", "formula", 2),
    ],
)
def test_a_malformed_series_is_rejected_with_its_line(watch: Any, rows: str, what: str, line: int) -> None:
    (found,) = (p for p in watch("paper", {FILE: "time,equity\n" + rows}).problems if p.kind == "rejected")
    assert what in found.reason
    assert (found.fact, found.path, found.place) == ("pnl", FILE, f"line {line}")


def test_the_published_example() -> None:
    """Bailey and López de Prado (2012): 24 monthly returns with a Sharpe ratio of 0.458 a month, under their
    skewness and kurtosis and as if they were normal."""
    fat = Moments(24, Decimal("0.458"), Decimal("-2.448"), Decimal("10.164"))
    thin = Moments(24, Decimal("0.458"), Decimal(0), Decimal(3))
    assert f"{probabilistic_sharpe(fat, Decimal(0)):.3f}" == "0.913"
    assert f"{probabilistic_sharpe(thin, Decimal(0)):.3f}" == "0.982"


def test_an_estimate_without_standard_error_has_no_probability() -> None:
    assert probabilistic_sharpe(Moments(9, Decimal(1), Decimal(2), Decimal(5)), Decimal(0)) is None


@given(st.decimals(-15, 15, allow_nan=False, places=6))
def test_normal_agrees_with_the_standard_library(deviations: Decimal) -> None:
    expected = statistics.NormalDist().cdf(float(deviations))
    assert math.isclose(float(normal(deviations)), expected, rel_tol=1e-9, abs_tol=1e-15)
    assert normal(deviations) + normal(-deviations) == 1
    assert 0 < normal(deviations) < 1


def test_normal_has_the_tabulated_digits() -> None:
    """Abramowitz and Stegun, table 26.1: fifteen decimals."""
    assert f"{normal(Decimal(0)):.15f}" == "0.500000000000000"
    assert f"{normal(Decimal(1)):.15f}" == "0.841344746068543"
    assert f"{normal(Decimal(2)):.15f}" == "0.977249868051821"


@given(EQUITY, st.integers(1, 400))
def test_moments_agree_with_floating_point(equity: list[int], periods: int) -> None:
    found = moments(equity)
    returns = [b / a - 1 for a, b in pairwise(equity)]
    if len(returns) < 2 or found is None:
        assert len(returns) < 2 or max(returns) - min(returns) < 1e-12
        return
    mean, spread = statistics.fmean(returns), statistics.pstdev(returns)
    assume(spread > 1e-6)
    third = statistics.fmean([(value - mean) ** 3 for value in returns]) / spread**3
    fourth = statistics.fmean([(value - mean) ** 4 for value in returns]) / spread**4
    sharpe = mean / statistics.stdev(returns)
    close = {"rel_tol": 1e-6, "abs_tol": 1e-6}
    assert math.isclose(float(found.sharpe), sharpe, **close)
    assert math.isclose(float(found.skewness), third, **close)
    assert math.isclose(float(found.kurtosis), fourth, **close)
    assert math.isclose(float(annual(found.sharpe, periods)), sharpe * math.sqrt(periods), **close)
    variance = 1 - third * sharpe + (fourth - 1) / 4 * sharpe**2
    probability = probabilistic_sharpe(found, Decimal(0))
    if variance > 1e-6:
        deviations = sharpe * math.sqrt(len(returns) - 1) / math.sqrt(variance)
        assert probability is not None
        assert math.isclose(float(probability), statistics.NormalDist().cdf(deviations), abs_tol=1e-4)


@given(EQUITY)
def test_figures_do_not_depend_on_the_ambient_precision(equity: list[int]) -> None:
    before = getcontext().prec
    try:
        getcontext().prec = 4
        coarse = moments([Decimal(value) for value in equity])
        chance = coarse and probabilistic_sharpe(coarse, Decimal(0))
    finally:
        getcontext().prec = before
    fine = moments(equity)
    assert coarse == fine
    assert chance == (fine and probabilistic_sharpe(fine, Decimal(0)))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=30))
def test_drawdown_agrees_with_comparing_every_pair(equity: list[int]) -> None:
    falls = {
        (first, second): Fraction(equity[first] - equity[second], equity[first])
        for first in range(len(equity))
        for second in range(first, len(equity))
    }
    found = drawdown(equity)
    assert found.depth == max(falls.values())
    assert falls[found.peak, found.trough] == found.depth
    assert found.recovered == any(value >= equity[found.peak] for value in equity[found.trough :])
    if found.depth:
        assert found.trough == min(second for (_, second), fall in falls.items() if fall == found.depth)
        assert all(value < equity[found.peak] for value in equity[found.peak + 1 : found.trough + 1])
