"""Number expressions of the source, worked out exactly as far as they follow from literals and constants."""

from __future__ import annotations

import ast
from fractions import Fraction

from .model import Program, Routine, assignments, called_name
from .values import resolve

LARGEST = Fraction(10**9)
"""Larger numbers, and smaller fractions than one by this, are of no interest here."""

_MOST_EXPONENT = 64
_FOLLOWED = 20


class Arithmetic:
    """Exact values of number expressions over literals, constants and the names of a loop."""

    def __init__(self, program: Program, routine: Routine, written: dict[str, ast.expr]) -> None:
        self.names: dict[str, Fraction] = {}
        self._program = program
        self._routine = routine
        for name, expression in written.items():
            value = self.value(expression)
            if value is not None:
                self.names[name] = value

    def assign(self, statement: ast.AST) -> None:
        """Follow an assignment to a name; what becomes unknown is forgotten."""
        pairs = list(assignments(statement))
        if isinstance(statement, ast.AugAssign):
            pairs = [(statement.target, ast.BinOp(_loaded(statement.target), statement.op, statement.value))]
        for target, expression in pairs:
            if isinstance(target, ast.Name):
                value = self.value(expression)
                if value is None:
                    self.names.pop(target.id, None)
                else:
                    self.names[target.id] = value

    def value(self, node: ast.expr, depth: int = _FOLLOWED) -> Fraction | None:
        """The number; None where it cannot be told, or is out of any reason."""
        value = self._value(node, depth) if depth else None
        reasonable = value is not None and abs(value) <= LARGEST and value.denominator <= LARGEST
        return value if reasonable else None

    def _value(self, node: ast.expr, depth: int) -> Fraction | None:
        if isinstance(node, ast.Constant):
            return _number(node.value)
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.names[node.id]
        if isinstance(node, (ast.Name, ast.Attribute)):
            if isinstance(node, ast.Name) and node.id in self._routine.variables:
                return None
            found = resolve(self._program, node, self._routine.path, self._routine)
            if len(found) == 1 and isinstance(found[0].node, ast.Constant):
                return _number(found[0].node.value)
            return None
        if isinstance(node, ast.BinOp):
            left, right = self.value(node.left, depth - 1), self.value(node.right, depth - 1)
            return None if left is None or right is None else _combine(node.op, left, right)
        if isinstance(node, ast.Call) and called_name(node) in ("min", "max", "float", "int") and node.args:
            values = [self.value(argument, depth - 1) for argument in node.args[:10]]
            known = [value for value in values if value is not None]
            if len(known) != len(values):
                return None
            return max(known) if called_name(node) == "max" else min(known)
        return self._items(node)

    def _items(self, node: ast.expr) -> Fraction | None:
        """An item of a written-out list: ``DELAYS[attempt]``."""
        if not isinstance(node, ast.Subscript):
            return None
        index = self.value(node.slice, 3)
        found = resolve(self._program, node.value, self._routine.path, self._routine)
        if index is None or index.denominator != 1 or len(found) != 1:
            return None
        table = found[0].node
        if not isinstance(table, (ast.Tuple, ast.List)) or not 0 <= index < len(table.elts):
            return None
        return self.value(table.elts[int(index)], 3)


def _loaded(target: ast.expr) -> ast.expr:
    return ast.Name(target.id, ast.Load()) if isinstance(target, ast.Name) else target


def _number(value: object) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return Fraction(value) if abs(value) <= LARGEST else None
    return Fraction(repr(value)) if abs(value) <= LARGEST else None


def _combine(operator: ast.operator, left: Fraction, right: Fraction) -> Fraction | None:
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Mult):
        return left * right
    if isinstance(operator, (ast.Div, ast.FloorDiv)) and right:
        return left / right if isinstance(operator, ast.Div) else Fraction(left // right)
    if isinstance(operator, ast.Pow) and right.denominator == 1 and 0 <= right <= _MOST_EXPONENT:
        return left ** int(right) if abs(left) <= 1000 and left.denominator <= 1000 else None
    if isinstance(operator, ast.LShift) and left.denominator == right.denominator == 1 and 0 <= right <= 30:
        return Fraction(int(left) << int(right))
    return None
