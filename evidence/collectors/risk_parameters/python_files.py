"""Where Python source gives one of some names a value, and which; nothing is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fractions import Fraction

from ...errors import EvidenceError
from ..shared.python_source import Parsed
from .model import Definition, Form, exact, one_line, plain

_MOST_DEPTH = 20


def definitions(parsed: Parsed, text: str, path: str, names: frozenset[str], label: str) -> list[Definition]:
    """Every definition of one of the names, by line.

    Counted are assignments (also annotated, augmented, unpacked, to an attribute or a key, by ``setattr``, at
    any level), keys of dictionaries, keyword arguments, defaults of arguments, and functions, classes and
    imports of that name. A mere passing on (``KILL_PNL=config.KILL_PNL``) defines nothing.

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
    found = []
    for name, line, value, extra in _bindings(parsed.tree):
        if name not in names or (extra is None and value is not None and _last(value) == name):
            continue
        number = None if value is None or extra is not None else _number(value, lines, 0)
        decimal = None if number is None else plain(number)
        written = extra if extra is not None else _source(value, lines) if value is not None else ""
        literal = value is not None and _is_literal(value)
        form: Form = "unknown" if decimal is None else "literal" if literal else "computed"
        found.append(Definition(name, path, line, decimal, form, one_line(written)))
    return sorted(found, key=lambda one: (one.line or 0, one.name, one.text))


Binding = tuple[str, int, ast.expr | None, str | None]
"""Name, line, value, and a description instead of the value where that is not simply what is assigned."""


def _bindings(tree: ast.Module) -> Iterator[Binding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _target(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
            if node.value is not None:
                yield from _target(node.target, node.value)
        elif isinstance(node, ast.AugAssign):
            name = _name(node.target)
            if name:
                yield name, node.lineno, None, ast.unparse(node)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            for name, line, _, _ in _target(node.target, node.iter):
                yield name, line, None, f"each of {ast.unparse(node.iter)}"
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            kind = "class" if isinstance(node, ast.ClassDef) else "def"
            yield node.name, node.lineno, None, f"{kind} {node.name}"
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, key.lineno, value, None
        elif isinstance(node, ast.Call):
            if _name(node.func) == "setattr" and len(node.args) == 3:
                key = node.args[1]
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, node.lineno, node.args[2], None
            for keyword in node.keywords:
                if keyword.arg is not None:
                    yield keyword.arg, keyword.lineno, keyword.value, None
        elif isinstance(node, ast.arguments):
            yield from _defaults(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                if alias.asname is not None and alias.asname != alias.name.rpartition(".")[2]:
                    yield alias.asname, node.lineno, None, ast.unparse(node)


def _defaults(arguments: ast.arguments) -> Iterator[Binding]:
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    for argument, value in [*pairs, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]:
        if value is not None:
            yield argument.arg, argument.lineno, value, None


def _target(target: ast.expr, value: ast.expr) -> Iterator[Binding]:
    pending: list[tuple[ast.expr, ast.expr | None]] = [(target, value)]
    while pending:
        item, given = pending.pop()
        if isinstance(item, (ast.Tuple, ast.List)):
            apart = (
                given.elts
                if isinstance(given, (ast.Tuple, ast.List))
                and len(given.elts) == len(item.elts)
                and not any(isinstance(one, ast.Starred) for one in (*given.elts, *item.elts))
                else None
            )
            for index, inner in enumerate(item.elts):
                inner = inner.value if isinstance(inner, ast.Starred) else inner
                pending.append((inner, None if apart is None else apart[index]))
            continue
        name = _name(item)
        if name:
            yield name, item.lineno, given, None if given is not None else f"part of {ast.unparse(value)}"


def _name(target: ast.expr) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return target.slice.value if isinstance(target.slice.value, str) else ""
    return ""


def _last(value: ast.expr) -> str:
    """The name that a value merely passes on."""
    return _name(value) if isinstance(value, (ast.Name, ast.Attribute, ast.Subscript)) else ""


def _source(node: ast.expr, lines: list[str]) -> str:
    """What is written at the node; columns of the syntax tree count bytes."""
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    rows = [line.encode("utf-8", "replace") for line in lines[first : last + 1]]
    if not rows:
        return ast.unparse(node)
    rows[-1] = rows[-1][: node.end_col_offset]
    rows[0] = rows[0][node.col_offset :]
    return b" ".join(rows).decode("utf-8", "replace")


def _is_literal(node: ast.expr) -> bool:
    while True:
        if isinstance(node, ast.UnaryOp):
            node = node.operand
        elif isinstance(node, ast.Call) and len(node.args) == 1:
            node = node.args[0]
        else:
            return isinstance(node, ast.Constant)


def _number(node: ast.expr, lines: list[str], depth: int) -> Fraction | None:
    """The exact number an expression of literals stands for; None when it is not such a one.

    What is written counts: ``0.1`` is one tenth, not the double next to it.
    """
    if depth > _MOST_DEPTH:
        return None
    if isinstance(node, ast.Constant):
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return exact(_source(node, lines))
        return None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = _number(node.operand, lines, depth + 1)
        return inner if inner is None or isinstance(node.op, ast.UAdd) else -inner
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        if _name(node.func) not in ("Decimal", "Fraction", "float", "int"):
            return None
        given = node.args[0]
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            value = exact(given.value.strip())
        else:
            value = _number(given, lines, depth + 1)
        whole = _name(node.func) != "int" or (value is not None and value.denominator == 1)
        return value if whole else None
    if not isinstance(node, ast.BinOp):
        return None
    left, right = _number(node.left, lines, depth + 1), _number(node.right, lines, depth + 1)
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
