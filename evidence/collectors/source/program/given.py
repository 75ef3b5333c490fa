"""Names in source, and what they are given there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...shared import python_source as python
from ...shared.python_source import name_of
from .model import Routine, assignments, called_name, text

_DECLARING = frozenset({"Field", "Option", "Argument", "Query", "Param", "PrivateAttr"})
"""Functions of pydantic, typer and the like whose first argument is the default of what they declare."""
_DEFAULTS = frozenset({"default", "default_value", "default_factory", "factory"})


def given(node: ast.AST, around: Routine | None = None) -> Iterator[tuple[str, ast.expr]]:
    """Names and what the node gives them: variables, attributes, items, arguments, defaults, keys.

    What a function (``around`` the node) returns counts under the function's name, and a default within a
    declaration under what is declared: ``port: int = Field(default=4002)``, ``option("--port", default=1)``.
    """
    found: list[tuple[str, ast.expr]] = []
    if isinstance(node, ast.keyword) and node.arg is not None:
        found = [(node.arg, node.value)]
    elif isinstance(node, ast.Dict):
        found = [(text(key), value) for key, value in zip(node.keys, node.values, strict=True)]
    elif isinstance(node, ast.arguments):
        found = [(argument.arg, default) for argument, default in python.defaults(node)]
    elif isinstance(node, ast.Call):
        if called_name(node) in ("setattr", "__setattr__") and len(node.args) == 3:
            found = [(text(node.args[1]), node.args[2])]
        names = [name for argument in node.args if (name := text(argument).lstrip("-"))]
        found += [(name, value) for value in _declared(node, False) for name in names]
    elif isinstance(node, ast.Return) and around is not None and node.value is not None:
        found = [(around.node.name, node.value)]
    else:
        found = [(name_of(target), value) for target, value in assignments(node)]
    for name, value in found:
        yield name, value
        if isinstance(value, ast.Call):
            yield from ((name, inner) for inner in _declared(value, called_name(value) in _DECLARING))


def _declared(call: ast.Call, first: bool) -> Iterator[ast.expr]:
    """The default of what a call declares: a keyword, or with ``first`` the first argument."""
    yield from call.args[:1] if first else ()
    for word in call.keywords:
        if word.arg in _DEFAULTS:
            yield word.value.body if isinstance(word.value, ast.Lambda) else word.value
