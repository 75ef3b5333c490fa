"""How many messages a limiter lets through in one second, as far as numbers in the source say so.

A rate that depends on settings, or on anything else that only running would tell, is not known.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from ..shared import python_source as python
from .model import Program, Routine, assignments, called_name
from .values import Place, named

_DEPTH = 8
_SAME_NAME = 3
_LARGEST = 10**9
_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COUNTS = ("max_rate", "rate_limit", "calls", "max_calls", "limit")
_PERIODS = ("time_period", "period", "interval")
"""What limiters of known packages call the number of calls, and the time for them; also their first two
arguments. All of them let the whole number through at once."""
_RATES = {"Rate": 1000, "RequestRate": 1}
"""Rates of pyrate_limiter, and how many of their units of time a second has."""

Choice = tuple[ast.expr, Place]


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
    calls = None if count is None else number(program, count, place)
    seconds = None if period is None else number(program, period, place)
    if calls is None or seconds is None or seconds <= 0:
        return calls
    return calls / min(Fraction(1), seconds / _RATES.get(called_name(call), 1))


def of_function(program: Program, routine: Routine, depends: Callable[[ast.AST], bool]) -> Fraction | None:
    """Messages in a second that a function lets through which keeps their times, or a number of them.

    That is as many as it counts before it waits (``len(self.sent) >= 45``, ``min(45, tokens + …)``), or the
    inverse of the spacing that it adds to a time. ``depends`` tells what is made from the clock.
    """
    counted = {
        ast.dump(node.target).replace("Store()", "Load()")
        for node in routine.nodes
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add)
    }
    place = Place(routine.path, routine)
    found = list(_operands(routine, depends, counted))
    bursts = [number(program, node, place) for kind, node in found if kind == "burst"]
    spacings = [number(program, node, place) for kind, node in found if kind == "spacing"]
    known = [one for one in bursts or spacings if one is not None]
    if not known or len(known) < len(bursts or spacings):
        return None
    return min(known) if bursts else 1 / max(*known, Fraction(1, _LARGEST))


def _operands(
    routine: Routine, depends: Callable[[ast.AST], bool], counted: set[str]
) -> Iterator[tuple[str, ast.expr]]:
    for node in routine.nodes:
        pairs: Sequence[tuple[ast.expr, ast.expr]] = ()
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = node.left, node.comparators[0]
            for one, other in ((left, right), (right, left)):
                is_count = isinstance(one, ast.Call) and called_name(one) == "len" and depends(one)
                if is_count or ast.dump(one) in counted:
                    yield "burst", other
        elif isinstance(node, ast.Call) and called_name(node) == "min" and len(node.args) == 2:
            pairs = ((node.args[0], node.args[1]), (node.args[1], node.args[0]))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            pairs = ((node.right, node.left), (node.left, node.right))[: 1 + isinstance(node.op, ast.Add)]
        for one, other in pairs:
            if depends(one) and not depends(other):
                yield ("burst" if isinstance(node, ast.Call) else "spacing"), other


def number(program: Program, node: ast.expr, place: Place, depth: int = _DEPTH) -> Fraction | None:
    """The number that an expression stands for; None where it may be several, or that cannot be told."""
    if depth == 0:
        return None
    if isinstance(node, ast.Constant):
        plain = type(node.value) in (int, float) and abs(node.value) < _LARGEST  # type: ignore[arg-type]
        return Fraction(str(node.value)) if plain else None
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        sides = [number(program, each, place, depth - 1) for each in (node.left, node.right)]
        if None in sides or (isinstance(node.op, ast.Div) and not sides[1]):
            return None
        return _OPERATIONS[type(node.op)](*(one for one in sides if one is not None))
    if isinstance(node, ast.Call) and called_name(node) == "float" and len(node.args) == 1:
        return number(program, node.args[0], place, depth - 1)
    if not isinstance(node, (ast.Name, ast.Attribute)):
        return None
    found = {number(program, *one, depth - 1) for one in _choices(program, node, place)[:_SAME_NAME]}
    return found.pop() if len(found) == 1 else None


def _choices(program: Program, node: ast.Name | ast.Attribute, place: Place) -> list[Choice]:
    """What a name, a parameter or an attribute of the object itself may have been given."""
    routine = place.routine
    if routine is None:
        return named(program, node, place)
    if isinstance(node, ast.Name) and node.id in routine.given and node.id not in routine.variables:
        defaults = {name.arg: value for name, value in python.defaults(routine.node.args)}
        return _passed(program, routine.handle, routine.parameters, node.id, defaults.get(node.id), place)
    owner = routine.owner
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    if not own or owner is None or not isinstance(node, ast.Attribute):
        return named(program, node, place)
    set_in = [
        (value, Place(one.path, one))
        for one in program.routines
        if one.owner is owner
        for part in one.nodes
        for target, value in assignments(part)
        if isinstance(target, ast.Attribute) and target.attr == node.attr
    ]
    fields = [
        part.target.id
        for part in owner.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    ]
    found = named(program, node, place)
    default, home = found[0] if found else (None, place)
    return set_in or _passed(program, owner.name, fields, node.attr, default, home)


def _passed(
    program: Program, callee: str, parameters: Sequence[str], name: str, default: ast.expr | None, home: Place
) -> list[Choice]:
    """What calls give for a parameter, or its default where one leaves it out; nothing if not known."""
    found: list[tuple[ast.expr | None, Place]] = []
    for call, path, around in program.calls.get(callee, ()):
        words = {word.arg: word.value for word in call.keywords}
        if None in words or any(isinstance(one, ast.Starred) for one in call.args):
            return []
        words |= dict(zip(parameters, call.args, strict=False))
        found.append((words[name], Place(path, around)) if name in words else (default, home))
    return [(value, at) for value, at in found or [(default, home)] if value is not None]
