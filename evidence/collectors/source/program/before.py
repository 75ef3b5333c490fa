"""What runs before something else in a function, as far as its statements tell."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...shared import python_source as python

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ExceptHandler)


def before(function: python.Function, wanted: ast.AST) -> Iterator[ast.AST]:
    """Everything that runs whenever a node of the function does, and before it; its decorators, too.

    What stands under a condition does not count, unless the node does as well, or there is an ``else``.
    """
    block: list[ast.AST] = [*function.decorator_list, *function.body]
    while block:
        passed, block = block, []
        for statement in passed:
            if not _holds(statement, wanted):
                yield from _surely(statement)
                continue
            blocks = [getattr(statement, name, []) for name in _BLOCKS]
            block = next((one for one in blocks if any(_holds(inner, wanted) for inner in one)), [])
            tried = statement.body if isinstance(statement, ast.Try) and block is not statement.body else []
            later = {id(inner) for one in blocks for inner in one} - set(map(id, tried))
            for child in python.children(statement):
                yield from () if id(child) in later else _surely(child)
            break


def _surely(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, but what stands under a condition, or only runs later."""
    pending = [node]
    for item in pending:  # grows while it is gone through
        yield item
        if isinstance(item, ast.If) and not item.orelse:
            pending.append(item.test)
        elif not isinstance(item, _LATER):
            pending += python.children(item)


def _holds(node: ast.AST, wanted: ast.AST) -> bool:
    """Whether a node is inside another, by their places; a case has none."""
    if isinstance(node, ast.match_case):
        return any(_holds(one, wanted) for one in node.body)
    start, end = ((one.lineno, one.col_offset) for one in (node, wanted))  # type: ignore[attr-defined]
    return start <= end <= (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
