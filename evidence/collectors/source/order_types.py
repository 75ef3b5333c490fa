"""Order types that the source writes out: every literal that reaches something called an order type."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...base.errors import masked
from ..shared.python_source import name_of
from .literals.secrets import shapes
from .program.given import given
from .program.model import Module, Program, Routine, assignments, called_name, text
from .program.values import strings

NAMES = frozenset({"order_type", "orderType", "ordertype", "ORDER_TYPE", "ord_type", "ordType"})
"""What an order type is called, as a variable, attribute, parameter or key."""

_ENUM = re.compile(r"\w*(?:Order|Ord)Types?")
_ORDER, _POSITION = "Order", 5
"""The client libraries' class, and where its order type stands: ib_async and ib_insync declare ``orderId,
clientId, permId, action, totalQuantity, orderType`` in this order."""

_LONGEST = 100
_HIDDEN = "(a secret)"
_MANY = 4000
_SENT = "orderType"
"""What the broker's interface calls it: what is given under this name is sent."""


def find_order_types(program: Program, module: Module) -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
    """Order types in a module: lines and values of literals, and lines and texts of what cannot be told."""
    found: set[tuple[int, str]] = set()
    unknown: set[tuple[int, str]] = set()
    for node, routine in program.walk(module):
        for value, sent in _given(node):
            literals, closed = strings(program, value, module.path, routine)
            found.update(literals)
            if sent and not closed:
                unknown.add((value.lineno, ast.unparse(value)))
        if isinstance(node, ast.Call) and _sets_anything(program, node, module.path, routine):
            unknown.add((node.lineno, ast.unparse(node)))
        if isinstance(node, ast.Call) and called_name(node) == _ORDER and _spread(node, routine):
            unknown.add((node.lineno, ast.unparse(node)))
        if len(found) >= _MANY:
            break
    return found, unknown


def _sets_anything(program: Program, call: ast.Call, path: str, routine: Routine | None) -> bool:
    """Whether ``setattr(order, name, …)`` may set the order type, or what it sets cannot be told."""
    if called_name(call) != "setattr" or len(call.args) != 3 or text(call.args[1]):
        return False
    names, closed = strings(program, call.args[1], path, routine)
    return "order" in name_of(call.args[0]).lower() and (
        not closed or bool(NAMES & {name for _, name in names})
    )


def _spread(call: ast.Call, routine: Routine | None) -> bool:
    """Whether the order type is among arguments that come from a mapping or a sequence of unknown content."""
    if any(word.arg == _SENT for word in call.keywords):
        return False
    for word in call.keywords:
        values = [word.value]
        if isinstance(word.value, ast.Name) and routine is not None:
            values = list(routine.variables.get(word.value.id, values))
        if word.arg is None and not all(
            isinstance(value, ast.Dict) and all(text(key) for key in value.keys) for value in values
        ):
            return True
    return any(isinstance(argument, ast.Starred) for argument in call.args)


def shortened(value: str) -> str:
    """The value, or its beginning if it is longer than any order type could be; no token or account id."""
    if any(True for _ in shapes(value[:_MANY])):
        return _HIDDEN
    return masked(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")


def _given(node: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """Expressions that the node gives as an order type, and whether they go to the broker."""
    for name, value in given(node):
        if name in NAMES:
            yield value, name == _SENT and not _is_kept(node, value)
    if isinstance(node, ast.ClassDef) and _ENUM.fullmatch(node.name):
        for member in node.body:
            for _, value in assignments(member):
                yield (value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value), False
    elif isinstance(node, ast.Call) and called_name(node) == _ORDER and not _spread(node, None):
        yield from ((value, True) for value in node.args[_POSITION : _POSITION + 1])


def _is_kept(node: ast.AST, value: ast.expr) -> bool:
    """Whether what is given stays here: a variable, a default, a report of what the broker's order says."""
    if isinstance(node, ast.Dict):
        return isinstance(value, ast.Attribute) and value.attr == _SENT
    targets = [target for target, _ in assignments(node)]
    return isinstance(node, ast.arguments) or (
        bool(targets) and all(isinstance(t, ast.Name) for t in targets)
    )
