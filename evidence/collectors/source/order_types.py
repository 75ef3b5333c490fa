"""Order types that the source writes out: every literal that reaches something called an order type."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from ...errors import masked
from ..shared import python_source as python
from .model import Module, Program, assignments, called_name
from .secrets import shapes
from .values import strings

NAMES = frozenset({"order_type", "orderType", "ordertype", "ORDER_TYPE", "ord_type", "ordType"})
"""What an order type is called, as a variable, attribute, parameter or key."""

_ENUM = re.compile(r"\w*(?:Order|Ord)Types?")
_CLIENT_LIBRARY = {"Order": 5}
"""Classes of the client libraries whose order type may be given by position: ib_async and ib_insync declare
``orderId, clientId, permId, action, totalQuantity, orderType`` in this order."""

_LONGEST = 100
_HIDDEN = "(a secret)"
_MANY = 4000


def find_order_types(program: Program, module: Module) -> list[dict[str, Any]]:
    """Line and value of each literal given as an order type in the module, without repetition.

    Args:
        program: the inspected modules, for constants and the positions of parameters.
        module: where to look.
    """
    positions = _positions(program)
    found: set[tuple[int, str]] = set()
    for node, routine in program.walk(module):
        for value in _given(node, positions):
            found.update(strings(program, value, module.path, routine))
        if len(found) >= _MANY:
            break
    return [{"line": line, "value": value} for line, value in sorted(found)]


def shortened(value: str) -> str:
    """The value, or its beginning if it is longer than any order type could be; no token or account id."""
    if any(True for _ in shapes(value[:_MANY])):
        return _HIDDEN
    return masked(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")


def _given(node: ast.AST, positions: dict[str, int]) -> Iterator[ast.expr]:
    """Expressions that the node gives as an order type."""
    if isinstance(node, ast.keyword):
        if node.arg in NAMES:
            yield node.value
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        for target, value in assignments(node):
            if _is_order_type(target):
                yield value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in NAMES:
                yield value
    elif isinstance(node, ast.arguments):
        for argument, default in _defaults(node):
            if argument.arg in NAMES:
                yield default
    elif isinstance(node, ast.ClassDef) and _ENUM.fullmatch(node.name):
        for member in node.body:
            for _, value in assignments(member):
                yield from value.elts[:1] if isinstance(value, ast.Tuple) else [value]
    elif isinstance(node, ast.Call):
        yield from _positional(node, positions)


def _positional(node: ast.Call, positions: dict[str, int]) -> Iterator[ast.expr]:
    name = called_name(node)
    if name == "setattr" and len(node.args) == 3:
        key = node.args[1]
        if isinstance(key, ast.Constant) and key.value in NAMES:
            yield node.args[2]
        return
    position = positions.get(name)
    before = node.args[: position + 1] if position is not None else []
    if (
        position is not None
        and len(before) > position
        and not any(isinstance(a, ast.Starred) for a in before)
    ):
        yield before[position]


def _positions(program: Program) -> dict[str, int]:
    """Name of a function or class → position of the order type among its arguments, where all agree on it."""
    found: dict[str, set[int | None]] = {}
    for routine in program.routines:
        names = [name for name in routine.parameters if name in NAMES]
        position = routine.parameters.index(names[0]) if names else None
        name = routine.node.name
        if name == "__init__" and routine.owner is not None:
            name = routine.owner.name
        found.setdefault(name, set()).add(position)
    for module in program.modules.values():
        for node in module.nodes:
            if isinstance(node, ast.ClassDef) and any(
                "dataclass" in python.dotted(d) for d in node.decorator_list
            ):
                fields = [
                    item.target.id
                    for item in node.body
                    if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
                ]
                order_types = [index for index, name in enumerate(fields) if name in NAMES]
                found.setdefault(node.name, set()).add(order_types[0] if order_types else None)
    agreed = dict(_CLIENT_LIBRARY)
    for name, positions in found.items():
        agreed.pop(name, None)
        (position, *others) = positions
        if not others and position is not None:
            agreed[name] = position
    return agreed


def _defaults(node: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr]]:
    positional = [*node.posonlyargs, *node.args]
    yield from zip(positional[len(positional) - len(node.defaults) :], node.defaults, strict=True)
    for argument, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        if default is not None:
            yield argument, default


def _is_order_type(target: ast.expr) -> bool:
    if isinstance(target, ast.Attribute):
        return target.attr in NAMES
    if isinstance(target, ast.Subscript):
        return isinstance(target.slice, ast.Constant) and target.slice.value in NAMES
    return isinstance(target, ast.Name) and target.id in NAMES
