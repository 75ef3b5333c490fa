"""The P&L series: Sharpe ratio, probabilistic Sharpe ratio and drawdown. No float, the same on every machine.

Sums are exact or of sixty significant digits (half to even), square roots and exponentials are those of the
General Decimal Arithmetic specification, which prescribes their every digit. Formulas: at each function.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from msgspec import Struct

from ...base.errors import EvidenceError
from ...base.numbers import PPM
from ...reading.workspace import View
from ..shared.documents import scaled, seconds

HEADER = ("time", "equity")
PNL_FACTS = (
    "file", "periods", "first_s", "last_s", "sharpe_micro", "sharpe_annual_micro", "psr_ppm",
    "skewness_micro", "kurtosis_micro", "max_drawdown_ppm", "drawdown_start_s", "drawdown_end_s",
    "drawdown_recovered",
)  # fmt: skip
"""Facts of a series, below ``pnl``; all are null without one."""
_MICRO = 1_000_000
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_EXACT = Decimal(1).scaleb(-40)
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
_FAR = Decimal(12)
"""Standard deviations beyond which a normal distribution has less than 10^-32."""
_EQUITY = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_NEGLIGIBLE = Decimal("1e-40")


class Moments(Struct, frozen=True):
    """What the returns of a series come to.

    Attributes:
        returns: how many there are.
        sharpe: mean ÷ standard deviation (divisor n − 1), per period.
        skewness: third standardised moment, with the population's moments (divisor n).
        kurtosis: fourth, likewise; 3 for a normal distribution.
    """

    returns: int
    sharpe: Decimal
    skewness: Decimal
    kurtosis: Decimal


class Drawdown(NamedTuple):
    """The deepest fall below an earlier value: (peak − trough) ÷ peak, 0 when nothing ever fell.

    ``peak`` is the index of the last sample at the peak before it, ``trough`` of its first deepest sample;
    ``recovered`` says whether a later sample reaches the peak again.
    """

    depth: Fraction
    peak: int
    trough: int
    recovered: bool


class Measured(Struct, frozen=True):
    """What a series comes to.

    Attributes:
        facts: values of ``PNL_FACTS``.
        lacking: those that are null, and why.
        exact: figures that the metrics file may claim, by the claim's name.
    """

    facts: dict[str, Any]
    lacking: dict[str, str]
    exact: dict[str, Fraction]


def read_series(view: View, path: str) -> list[tuple[int, Decimal]]:
    """Epoch seconds and equity, in order of time.

    Raises:
        EvidenceError: malformed CSV, a time that is none or not after the one before, an equity that is no
            plain decimal number above zero; with the line.
    """
    series: list[tuple[int, Decimal]] = []
    for row in view.read_csv(path, HEADER):
        place = f"line {row.line}"
        time, stated = seconds(row.cells["time"], path, place), row.cells["equity"]
        if series and time <= series[-1][0]:
            remedy = "write one row a period, oldest first"
            raise EvidenceError("the times are not in order", path=path, place=place, remedy=remedy)
        if not _EQUITY.fullmatch(stated) or not Decimal(stated):
            what = f"the equity {stated[:40]!r} is not a decimal number above zero"
            remedy = "write the account's value like 100250.75"
            raise EvidenceError(what, path=path, place=place, remedy=remedy)
        series.append((time, Decimal(stated)))
    return series


def moments(equity: Sequence[Decimal | int]) -> Moments | None:
    """Sharpe ratio, skewness and kurtosis of the simple returns e[i+1] ÷ e[i] − 1.

    The Sharpe ratio against a benchmark of zero: W. F. Sharpe, "The Sharpe Ratio", The Journal of Portfolio
    Management 21 (1), 1994, https://doi.org/10.3905/jpm.1994.409501. Skewness m₃ ÷ m₂^1.5 and kurtosis
    m₄ ÷ m₂²: https://www.itl.nist.gov/div898/handbook/eda/section3/eda35b.htm.

    Returns:
        None for fewer than two returns, or when all are equal (no deviation to divide by).
    """
    exact = [Fraction(value) for value in equity]
    if len(exact) < 3 or all(b * exact[0] == a * exact[1] for a, b in pairwise(exact)):
        return None
    with localcontext(_CONTEXT):
        returns = [Decimal(b) / Decimal(a) - 1 for a, b in pairwise(equity)]
        count = len(returns)
        mean = sum(returns, Decimal(0)) / count
        deviations = [value - mean for value in returns]
        # by multiplication: what the power function gives in the last digit is not prescribed
        squares = [value * value for value in deviations]
        second = sum(squares, Decimal(0)) / count
        third = sum((a * b for a, b in zip(squares, deviations, strict=True)), Decimal(0)) / count
        fourth = sum((square * square for square in squares), Decimal(0)) / count
        if not second:
            return None
        return Moments(
            count,
            mean / (second * count / (count - 1)).sqrt(),
            third / (second * second.sqrt()),
            fourth / (second * second),
        )


def annual(sharpe: Decimal, periods_per_year: int) -> Decimal:
    """A Sharpe ratio per period × √(periods in a year), for returns that do not depend on one another.

    Rounded to forty decimals, so that a ratio that has no more of them comes out exact.
    """
    with localcontext(_CONTEXT):
        yearly = sharpe * Decimal(periods_per_year).sqrt()
    return yearly.quantize(_EXACT, context=Context(prec=200, rounding=ROUND_HALF_EVEN))


def probabilistic_sharpe(found: Moments, benchmark: Decimal) -> Decimal | None:
    """The probability that the true Sharpe ratio exceeds the benchmark (both per period).

    PSR(SR*) = Φ((SR − SR*) √(n − 1) ÷ √(1 − γ₃ SR + (γ₄ − 1)/4 × SR²)). D. H. Bailey and M. López de Prado,
    "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2), 2012,
    https://papers.ssrn.com/sol3/papers.cfm?abstract_id=1821643.

    Returns:
        None when the estimate has no deviation (the radicand is zero).
    """
    with localcontext(_CONTEXT):
        sharpe = found.sharpe
        variance = 1 - found.skewness * sharpe + (found.kurtosis - 1) / 4 * sharpe * sharpe
        if variance <= _NEGLIGIBLE:
            return None
        return normal((sharpe - benchmark) * Decimal(found.returns - 1).sqrt() / variance.sqrt())


def normal(deviations: Decimal) -> Decimal:
    """Φ, the standard normal distribution function, to at least thirty decimals.

    Φ(z) = 1/2 + φ(z) (z + z³/3 + z⁵/(3·5) + z⁷/(3·5·7) + …) for z ≥ 0 and Φ(−z) = 1 − Φ(z); M. Abramowitz and
    I. A. Stegun, Handbook of Mathematical Functions, 1964, 26.2.11 (https://personal.math.ubc.ca/~cbm/aands/page_932.htm).
    All terms are positive, so none cancels another. Beyond twelve deviations the value at twelve stands.
    """
    with localcontext(_CONTEXT):
        z = min(abs(deviations), _FAR)
        term, total, odd = z, z, 1
        while term > _NEGLIGIBLE:
            odd += 2
            term = term * z * z / odd
            total += term
        upper = Decimal("0.5") + total * (-z * z / 2).exp() / (2 * _PI).sqrt()
        return upper if deviations >= 0 else 1 - upper


def drawdown(equity: Sequence[Decimal | int]) -> Drawdown:
    """The deepest drawdown, exactly; the first of equals. ``equity`` is positive and not empty.

    M. Magdon-Ismail and A. Atiya, "Maximum Drawdown", Risk 17 (10), 2004.
    """
    values = [Fraction(value) for value in equity]
    peak, deepest = 0, Drawdown(Fraction(0), 0, 0, recovered=True)
    for index, value in enumerate(values):
        if value >= values[peak]:
            peak = index
        elif (depth := 1 - value / values[peak]) > deepest.depth:
            deepest = Drawdown(depth, peak, index, recovered=False)
    later = values[deepest.trough :]
    return deepest._replace(recovered=any(value >= values[deepest.peak] for value in later))


def measure(
    series: Sequence[tuple[int, Decimal]], path: str, periods_per_year: int, benchmark_micro: int
) -> Measured:
    """The facts of a series; ratios and moments rounded down, the drawdown rounded up.

    Args:
        series: as :func:`read_series` gives it.
        path: the file, for messages.
        periods_per_year: of the series.
        benchmark_micro: SR* of the probabilistic Sharpe ratio, per period, in millionths.

    Raises:
        EvidenceError: a figure is beyond what every engine holds exactly.
    """
    facts: dict[str, Any] = {**dict.fromkeys(PNL_FACTS), "file": path, "periods": max(len(series) - 1, 0)}
    if not series:
        return Measured(facts, {name: "has no rows" for name in PNL_FACTS if facts[name] is None}, {})
    lacking: dict[str, str] = {}
    exact: dict[str, Fraction] = {}
    equity = [value for _, value in series]
    facts.update(first_s=series[0][0], last_s=series[-1][0])
    deepest = drawdown(equity)
    exact["max_drawdown"] = deepest.depth
    facts["max_drawdown_ppm"] = scaled(deepest.depth, PPM, path, "equity", up=True)
    if deepest.depth:
        facts.update(
            drawdown_start_s=series[deepest.peak][0],
            drawdown_end_s=series[deepest.trough][0],
            drawdown_recovered=deepest.recovered,
        )
    else:
        reason = "never falls below an earlier value"
        lacking |= dict.fromkeys(("drawdown_start_s", "drawdown_end_s", "drawdown_recovered"), reason)
    found = moments(equity)
    if found is None:
        names = ("sharpe_micro", "sharpe_annual_micro", "skewness_micro", "kurtosis_micro", "psr_ppm")
        return Measured(facts, lacking | dict.fromkeys(names, "has no two returns that differ"), exact)
    yearly = annual(found.sharpe, periods_per_year)
    exact["sharpe_paper"] = Fraction(yearly)
    for name, figure in (
        ("sharpe_micro", found.sharpe),
        ("sharpe_annual_micro", yearly),
        ("skewness_micro", found.skewness),
        ("kurtosis_micro", found.kurtosis),
    ):
        facts[name] = scaled(figure, _MICRO, path, "equity")
    probability = probabilistic_sharpe(found, Decimal(benchmark_micro).scaleb(-6, _CONTEXT))
    if probability is None:
        lacking["psr_ppm"] = "has a Sharpe ratio without standard error"
    else:
        exact["psr"] = Fraction(probability)
        facts["psr_ppm"] = scaled(probability, PPM, path, "equity")
    return Measured(facts, lacking, exact)
