"""The literals that an expression may stand for: through conditions, constants, look-ups and imports.

Nothing is executed. What cannot be told from the inspected modules stands for nothing. A search takes a
bounded number of steps, whatever the source looks like.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..shared import python_source as python
from .model import Module, Program, Routine, called_name

_DEPTH = 8
_STEPS = 400
_CHARACTERS = 10_000
_CASES: dict[str, Callable[[str], str]] = {"upper": str.upper, "lower": str.lower, "strip": str.strip}
_SAME = frozenset({"str", "frozenset", "tuple", "list", "set", "enumerate", "int", "float"})

Literal = ast.Constant | ast.Dict | ast.Tuple | ast.List | ast.Set


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands: its file, the function around it, and the line it counts for."""

    path: str
    routine: Routine | None = None
    line: int | None = None

    def at(self, line: int) -> Place:
        """The same place, counting for this line unless it counts for another one already."""
        return self if self.line is not None else Place(self.path, self.routine, line)


@dataclass(frozen=True, slots=True)
class Value:
    """A literal: its node, where it stands, and the line of the literal or of the name used for it."""

    node: Literal
    line: int
    place: Place


def resolve(
    program: Program, node: ast.expr | None, path: str, routine: Routine | None = None
) -> list[Value]:
    """The literals that an expression may stand for, in order; none where that cannot be told.

    Args:
        program: the inspected modules.
        node: the expression.
        path: file in which it stands.
        routine: function in which it stands.
    """
    return list(_Search(program).values(node, Place(path, routine), _DEPTH))


def strings(
    program: Program, node: ast.expr | None, path: str, routine: Routine | None = None
) -> Iterator[tuple[int, str]]:
    """The texts among the literals, with their lines."""
    for value in resolve(program, node, path, routine):
        if isinstance(value.node, ast.Constant) and isinstance(value.node.value, str):
            yield value.line, value.node.value


class _Search:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._left = _STEPS

    def values(self, node: ast.expr | None, place: Place, depth: int) -> Iterator[Value]:
        self._left -= 1
        if node is None or depth == 0 or self._left < 0:
            return
        deeper = depth - 1
        if isinstance(node, (ast.Constant, ast.Dict, ast.Tuple, ast.List, ast.Set)):
            yield Value(node, place.line or node.lineno, place)
        elif isinstance(node, (ast.IfExp, ast.BoolOp)):
            for choice in [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values:
                yield from self.values(choice, place, deeper)
        elif isinstance(node, (ast.NamedExpr, ast.Await)):
            yield from self.values(node.value, place, deeper)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            for value, home in self._named(node, place.at(node.lineno)):
                yield from self.values(value, home, deeper)
        elif isinstance(node, ast.Subscript):
            wanted = [key for key, _ in self._constants(node.slice, place, deeper)]
            for table in self.values(node.value, place, deeper):
                yield from self._entries(table, wanted, deeper)
        elif isinstance(node, ast.Call):
            yield from self._call(node, place, deeper)
        elif isinstance(node, (ast.JoinedStr, ast.BinOp)):
            text = self._text(node, place, deeper)
            if text is not None:
                yield Value(ast.Constant(text), place.line or node.lineno, place)

    def _constants(self, node: ast.expr, place: Place, depth: int) -> Iterator[tuple[object, int]]:
        for value in self.values(node, place, depth):
            if isinstance(value.node, ast.Constant):
                yield value.node.value, value.line

    def _named(self, node: ast.Name | ast.Attribute, place: Place) -> Iterator[tuple[ast.expr, Place]]:
        routine = place.routine
        if routine is not None and isinstance(node, ast.Name) and node.id in routine.variables:
            yield from ((value, place) for value in routine.variables[node.id])
            return
        if routine is not None and isinstance(node, ast.Name) and node.id in routine.given:
            return
        name = python.dotted(node).removesuffix(".value")
        first, _, rest = name.partition(".")
        if first in ("self", "cls") and routine is not None and routine.owner is not None:
            name = f"{routine.owner.name}.{rest}"
        path = place.path
        for _ in range(_DEPTH):
            module = self._program.modules.get(path)
            if module is None or not name:
                return
            if name in module.constants:
                yield module.constants[name], Place(path, None, place.line)
                return
            origin = self._imported(module, name)
            if origin is None:
                return
            path, name = origin

    def _imported(self, module: Module, name: str) -> tuple[str, str] | None:
        """Path, and name there, of something that the module has by importing."""
        links = self._program.links.get(module.path, {})
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            head, rest = ".".join(parts[:count]), ".".join(parts[count:])
            if head not in module.imports:
                continue
            source, inner = module.imports[head]
            if inner:
                submodule = links.get(f"{source}{inner}" if source.endswith(".") else f"{source}.{inner}")
                if submodule is not None:
                    return (submodule, rest) if rest else None
                rest = f"{inner}.{rest}" if rest else inner
            target = links.get(source)
            return (target, rest) if target is not None and rest else None
        return None

    def _entries(self, table: Value, wanted: Sequence[object], depth: int) -> Iterator[Value]:
        """The values of a mapping: those under the wanted keys, or all of them where that cannot be told."""
        if not isinstance(table.node, ast.Dict):
            return
        pairs = list(zip(table.node.keys, table.node.values, strict=True))
        exact = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value in wanted]
        for value in exact or [value for _, value in pairs]:
            yield from self.values(value, table.place, depth)

    def _call(self, node: ast.Call, place: Place, depth: int) -> Iterator[Value]:
        name = called_name(node)
        if name in _SAME and node.args:
            yield from self.values(node.args[0], place, depth)
        elif not isinstance(node.func, ast.Attribute):
            return
        elif name == "get" and node.args:
            for table in self.values(node.func.value, place, depth):
                yield from self._entries(table, (), depth)
            for default in node.args[1:2]:
                yield from self.values(default, place, depth)
        elif name in _CASES and not node.args:
            for text, line in self._constants(node.func.value, place, depth):
                if isinstance(text, str):
                    yield Value(ast.Constant(_CASES[name](text)), line, place)

    def _text(self, node: ast.JoinedStr | ast.BinOp, place: Place, depth: int) -> str | None:
        """The text of an f-string or a sum of strings, if every part of it is known."""
        if isinstance(node, ast.BinOp):
            parts: list[ast.expr] = [node.left, node.right] if isinstance(node.op, ast.Add) else []
        else:
            parts = [
                part.value if isinstance(part, ast.FormattedValue) and part.format_spec is None else part
                for part in node.values
            ]
        text = ""
        for part in parts:
            values = [value for value, _ in self._constants(part, place, depth)]
            if len(values) != 1 or not isinstance(values[0], str) or len(text) > _CHARACTERS:
                return None
            text += values[0]
        return text or None
