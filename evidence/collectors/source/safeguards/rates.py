"""How many messages a limiter of a known package lets through in one second, where its arguments say so.

A rate that depends on settings, or on anything else that only running would tell, is not known.
"""

from __future__ import annotations

import ast
from fractions import Fraction

from ..program.model import Program, called_name
from ..program.values import Place, named

_DEPTH = 8
_LARGEST = 10**9
_COUNTS = ("max_rate", "rate_limit", "calls", "max_calls", "limit")
_PERIODS = ("time_period", "period", "interval")
"""What limiters of known packages call the number of calls, and the time for them; also their first two
arguments. All of them let the whole number through at once."""
_RATES = {"Rate": 1000, "RequestRate": 1}
"""Rates of pyrate_limiter, and how many of their units of time a second has."""


def of_package(program: Program, call: ast.Call, place: Place) -> Fraction | None:
    """Calls in a second that a limiter of a known package lets through at least; None if not known."""
    inner = [one for one in ast.walk(call) if isinstance(one, ast.Call) and called_name(one) in _RATES]
    rates = [_stated(program, one, place) for one in inner or [call]]
    return min((rate for rate in rates if rate is not None), default=None) if None not in rates else None


def _stated(program: Program, call: ast.Call, place: Place) -> Fraction | None:
    words = {word.arg: word.value for word in call.keywords}
    count, period = (
        next((words[name] for name in names if name in words), call.args[at] if at < len(call.args) else None)
        for at, names in enumerate((_COUNTS, _PERIODS))
    )
    calls = None if count is None else _number(program, count, place)
    seconds = None if period is None else _number(program, period, place)
    if calls is None or seconds is None or seconds <= 0:
        return calls
    return calls / min(Fraction(1), seconds / _RATES.get(called_name(call), 1))


def _number(program: Program, node: ast.expr, place: Place, depth: int = _DEPTH) -> Fraction | None:
    """The number that an expression stands for; None where it may be several, or that cannot be told."""
    if depth == 0:
        return None
    if isinstance(node, ast.Constant):
        plain = type(node.value) in (int, float) and abs(node.value) < _LARGEST  # type: ignore[arg-type]
        return Fraction(str(node.value)) if plain else None
    if not isinstance(node, (ast.Name, ast.Attribute)):
        return None
    found = {_number(program, *one, depth - 1) for one in named(program, node, place)}
    return found.pop() if len(found) == 1 else None
