"""What in a function depends on what: assignments are followed by name, nothing is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from ..shared import python_source as python
from .model import Routine, assignments, called_name

_FILLING = frozenset({"append", "appendleft", "add", "put", "put_nowait", "popleft", "pop"})


class Dependence:
    """What in a function depends on certain names, or on what certain functions return."""

    def __init__(
        self, routine: Routine, names: Iterable[str], functions: frozenset[str] = frozenset()
    ) -> None:
        self._names = set(names)
        self._functions = functions
        pairs = [pair for node in routine.nodes for pair in written(node)]
        for _ in range(4):  # a few rounds are enough for what people write
            self._names |= {key_of(target) for target, value in pairs if self.on(value)} - {""}

    def on(self, node: ast.AST) -> bool:
        """Whether the expression depends on them."""
        return any(
            called_name(part) in self._functions
            if isinstance(part, ast.Call)
            else isinstance(part, (ast.Name, ast.Attribute)) and key_of(part) in self._names
            for part in python.walk(node)
        )


def filled(node: ast.AST) -> list[ast.expr]:
    """The container that a call puts something into, or takes something from."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FILLING:
        return [node.func.value]
    return []


def written(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is assigned, changed or filled, and with what."""
    yield from assignments(node)
    if isinstance(node, ast.AugAssign):
        yield node.target, node.value
    elif isinstance(node, ast.Call) and node.args:
        yield from ((target, node.args[0]) for target in filled(node))


def key_of(node: ast.AST) -> str:
    """``name`` or ``self.name``; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript):
        return key_of(node.value)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"self.{node.attr}" if node.value.id in ("self", "cls") else ""
    return ""
