"""Where Python source gives one of some names a value, and which; nothing is executed."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from fractions import Fraction

from ...errors import EvidenceError
from ..shared.python_source import Parsed
from .bindings import Binding, bindings, bound, rebound
from .model import Definition, Form, digest, exact, one_line, plain

_MOST_DEPTH = 20
_EXACT_WHOLE = 2**53
_NUMBERS = {"Decimal": "decimal", "Fraction": "fractions", "float": "builtins", "int": "builtins"}
"""Types whose call with a literal is the literal's number, and the modules they are from."""


def definitions(parsed: Parsed, text: str, path: str, names: frozenset[str], label: str) -> list[Definition]:
    """Every definition of one of the names, by line.

    What counts is in ``docs/collectors/risk_parameters.md``. A mere passing on
    (``KILL_PNL=config.KILL_PNL``) defines nothing; imports of the name are there with their module, for
    :func:`without_passing_on`.

    Args:
        parsed: the syntax tree.
        text: the source it was made from.
        path: the file.
        names: the parameters.
        label: how messages name the file.

    Raises:
        EvidenceError: the source is no valid Python.
    """
    if parsed.tree is None:
        raise EvidenceError(
            f"{parsed.problem}, so its risk parameters cannot be read",
            path=label,
            place=None if parsed.line is None else f"line {parsed.line}",
            remedy="correct the file",
        )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    own = rebound(parsed.tree, _NUMBERS)
    found = []
    for one in bindings(parsed.tree):
        if one.name not in names or (one.value is not None and _passed_on(one.value) == one.name):
            continue
        number = None if one.value is None else _number(one.value, lines, own, 0)
        decimal = None if number is None else plain(number)
        written = one.note + " ".join(_source(node, lines) for node in one.sources)
        literal = one.value is not None and _is_literal(one.value)
        form: Form = "unknown" if decimal is None else "literal" if literal else "computed"
        found.append(
            Definition(
                one.name,
                path,
                one.line,
                decimal,
                form,
                one_line(written),
                digest(written) if decimal is None else None,
                _module(one, path),
            )
        )
    return sorted(found, key=lambda one: (one.line or 0, one.name, one.text, one.sha256 or ""))


def without_passing_on(found: Sequence[Definition]) -> list[Definition]:
    """All definitions but imports of a name from a file that is looked at and has a place for the name.

    An import stays where its own file gives the name a value as well: which of the two holds, only running
    would tell.
    """
    places: dict[str, set[str]] = {}
    rebound = {(one.name, one.path) for one in found if one.module is None}
    for one in found:
        places.setdefault(one.name, set()).add(one.path)
    return [
        one
        for one in found
        if one.module is None
        or (one.name, one.path) in rebound
        or not any(path != one.path and _is_module(path, one.module) for path in places[one.name])
    ]


def _module(one: Binding, path: str) -> str | None:
    if one.module is None:
        return None
    name = one.module.lstrip(".")
    level = len(one.module) - len(name)
    parts = [part for part in name.split(".") if part]
    if level == 0:
        return "/".join(parts)
    folders = path.split("/")[:-1]
    if level - 1 > len(folders):
        return "/"
    return "/" + "/".join([*folders[: len(folders) - level + 1], *parts])


def _is_module(path: str, module: str) -> bool:
    for ending in (".py", "/__init__.py"):
        if f"/{path}" == module + ending or (
            not module.startswith("/") and f"/{path}".endswith(f"/{module}{ending}")
        ):
            return True
    return module in ("", "/") and path == "__init__.py"


def _passed_on(value: ast.expr) -> str:
    """The name that a value merely passes on."""
    return bound(value) if isinstance(value, (ast.Name, ast.Attribute, ast.Subscript)) else ""


def _source(node: ast.AST, lines: list[str]) -> str:
    """What is written at the node; columns of the syntax tree count bytes."""
    first, last = getattr(node, "lineno", 0) - 1, (getattr(node, "end_lineno", 0) or 0) - 1
    rows = [line.encode("utf-8", "replace") for line in lines[max(first, 0) : last + 1]]
    if first < 0 or not rows:
        return ast.unparse(node)
    rows[-1] = rows[-1][: getattr(node, "end_col_offset", None)]
    rows[0] = rows[0][getattr(node, "col_offset", 0) :]
    return b"\n".join(rows).decode("utf-8", "replace")


def _is_literal(node: ast.expr) -> bool:
    while True:
        if isinstance(node, ast.UnaryOp):
            node = node.operand
        elif isinstance(node, ast.Call) and len(node.args) == 1:
            node = node.args[0]
        else:
            return isinstance(node, ast.Constant)


def _number(node: ast.expr, lines: list[str], own: frozenset[str], depth: int) -> Fraction | None:
    """The exact number an expression of literals stands for; None when it is not such a one.

    What is written counts: ``0.1`` is one tenth, not the double next to it.

    Args:
        node: the expression.
        lines: the source.
        own: names of number types that the source binds to something of its own.
        depth: how deep in the expression this is.
    """
    if depth > _MOST_DEPTH:
        return None
    if isinstance(node, ast.Constant):
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return exact(_source(node, lines))
        return None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = _number(node.operand, lines, own, depth + 1)
        return inner if inner is None or isinstance(node.op, ast.UAdd) else -inner
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        called = _number_type(node.func, own)
        if called is None:
            return None
        given = node.args[0]
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            value = exact(given.value.strip())
        else:
            value = _number(given, lines, own, depth + 1)
        if called != "int" or value is None:
            return value
        # the program may compute with doubles: int(0.29 * 100) is 28
        certain = value.denominator == 1 and abs(value) < _EXACT_WHOLE and _is_literal(given)
        return value if certain else None
    if not isinstance(node, ast.BinOp):
        return None
    left = _number(node.left, lines, own, depth + 1)
    right = _number(node.right, lines, own, depth + 1)
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    if isinstance(node.op, ast.Mult):
        return left * right
    if isinstance(node.op, ast.Div) and right:
        return left / right
    return None


def _number_type(function: ast.expr, own: frozenset[str]) -> str | None:
    """Which of the number types is called; None for anything else."""
    if isinstance(function, ast.Name):
        return function.id if function.id in _NUMBERS and function.id not in own else None
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.attr if _NUMBERS.get(function.attr) == function.value.id else None
    return None
