"""Order types that the source writes out: every literal that reaches something called an order type."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from ...base.errors import masked
from ..shared import python_source as python
from .model import Module, Program, assignments, called_name, given, target_name
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
    yield from (value for name, value in given(node) if name in NAMES)
    if isinstance(node, ast.ClassDef) and _ENUM.fullmatch(node.name):
        for member in node.body:
            for _, value in assignments(member):
                yield from value.elts[:1] if isinstance(value, ast.Tuple) else [value]
    elif isinstance(node, ast.Call) and (position := positions.get(called_name(node))) is not None:
        before = node.args[: position + 1]
        if len(before) > position and not any(isinstance(argument, ast.Starred) for argument in before):
            yield before[position]


def _positions(program: Program) -> dict[str, int]:
    """Name of a function or class → position of the order type among its arguments, where all agree on it."""
    found: dict[str, set[int | None]] = {}

    def note(name: str, parameters: list[str]) -> None:
        places = (index for index, parameter in enumerate(parameters) if parameter in NAMES)
        found.setdefault(name, set()).add(next(places, None))

    for routine in program.routines:
        init = routine.owner is not None and routine.node.name == "__init__"
        note(routine.handle if init else routine.node.name, routine.parameters)
    for module in program.modules.values():
        for node in module.nodes:
            if isinstance(node, ast.ClassDef) and any(
                "dataclass" in python.dotted(decorator) for decorator in node.decorator_list
            ):
                note(node.name, [target_name(f.target) for f in node.body if isinstance(f, ast.AnnAssign)])
    agreed = {name: positions.pop() for name, positions in found.items() if len(positions) == 1}
    known = {name: position for name, position in agreed.items() if position is not None}
    return {**{name: at for name, at in _CLIENT_LIBRARY.items() if name not in found}, **known}
