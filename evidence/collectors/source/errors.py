"""Does the client handle the broker's errors: handlers that branch on their codes, and what is swallowed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from ..shared import python_source as python
from .dependence import Dependence
from .model import Clue, Program, Routine, called_name, mentioned
from .patterns import matches
from .reconnection import handlers_of
from .values import resolve

_CODE_POSITION = 1
"""Where both client libraries give the code to a handler: ``(reqId, errorCode, errorString, …)``."""

_FOLLOWED = 200
_SAME_NAME = 10
_HIGHEST = 99_999
_BROAD = frozenset({"Exception", "BaseException"})


def find_error_handling(program: Program) -> tuple[list[Clue], set[int]]:
    """Handlers of the broker's errors that branch on the code, and the codes that they tell apart.

    The codes are those of handlers in use if there are any.
    """
    handlers: list[tuple[Routine, Clue]] = []
    for path, line, handler, attaching in handlers_of(program, "error_event"):
        used = attaching is None or program.is_live(attaching)
        for name in mentioned(python.walk(handler)):
            for routine in program.by_name.get(name, ())[:_SAME_NAME]:
                handlers.append((routine, _clue(path, line, routine, used)))
    for routine in program.routines:
        if (
            routine.owner is not None
            and matches("error_handler", routine.node.name)
            and len(routine.parameters) >= 3
            and routine.owner.bases
        ):
            handlers.append((routine, _clue(routine.path, routine.node.lineno, routine, True)))
    told = {routine: _codes(program, routine) for routine in {routine for routine, _ in handlers}}
    branching = [(clue, known) for routine, clue in handlers if (known := told[routine]) is not None]
    in_use = [pair for pair in branching if pair[0].used]
    codes = {code for _, known in in_use for code in known}
    codes = codes or {code for _, known in branching for code in known}
    return [clue for clue, _ in branching], codes


def _clue(path: str, line: int, routine: Routine, used: bool) -> Clue:
    return Clue(path, line, f"{routine.name} branches on the code of an error", used)


def _codes(program: Program, routine: Routine) -> set[int] | None:
    """Codes that the handler, or one it hands the code to, compares with; None if none branches on it."""
    names = {name for name in routine.parameters if matches("code", name)}
    known: set[int] = set()
    branches = False
    pending = [(routine, frozenset(names or routine.parameters[_CODE_POSITION : _CODE_POSITION + 1]))]
    seen: set[tuple[str, int, frozenset[str]]] = set()
    while pending and len(seen) < _FOLLOWED:
        current, codes = pending.pop()
        key = (current.path, current.node.lineno, codes)
        if key in seen or not codes:
            continue
        seen.add(key)
        depends = Dependence(current, codes)
        for node in current.nodes:
            if isinstance(node, (ast.If, ast.While, ast.IfExp)):
                branches |= depends.on(node.test)
            elif isinstance(node, ast.Match):
                branches |= depends.on(node.subject)
            known.update(_compared(program, current, node, codes))
            if isinstance(node, ast.Call):
                pending += _handed_on(program, node, codes)
    return known if known or branches else None


def _is_code(node: ast.expr, codes: frozenset[str]) -> bool:
    if isinstance(node, ast.Call) and called_name(node) == "int" and len(node.args) == 1:
        node = node.args[0]
    return isinstance(node, ast.Name) and node.id in codes


def _compared(program: Program, routine: Routine, node: ast.AST, codes: frozenset[str]) -> Iterator[int]:
    """Codes in a comparison, a membership, a ``match`` or a look-up. Ranges name no single code."""
    others: list[ast.expr] = []
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if isinstance(operator, (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is)):
                others += [right] if _is_code(left, codes) else [left] if _is_code(right, codes) else []
    elif isinstance(node, ast.Subscript):
        others = [node.value] if _is_code(node.slice, codes) else []
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("get", "pop")
    ):
        others = [node.func.value] if node.args and _is_code(node.args[0], codes) else []
    elif isinstance(node, ast.Match) and _is_code(node.subject, codes):
        for case in node.cases:
            others += [part.value for part in python.walk(case.pattern) if isinstance(part, ast.MatchValue)]
    for other in others:
        for value in resolve(program, other, routine.path, routine):
            items: Iterable[ast.expr | None] = [value.node]
            if isinstance(value.node, ast.Dict):
                items = value.node.keys
            elif isinstance(value.node, (ast.Tuple, ast.List, ast.Set)):
                items = value.node.elts
            for item in items:
                yield from _integers(program, item, value.place.path)


def _integers(program: Program, item: ast.expr | None, path: str) -> Iterator[int]:
    for value in resolve(program, item, path):
        number = value.node.value if isinstance(value.node, ast.Constant) else None
        if type(number) is int and 0 < number <= _HIGHEST:
            yield number


def _handed_on(
    program: Program, node: ast.Call, codes: frozenset[str]
) -> Iterator[tuple[Routine, frozenset[str]]]:
    """Functions that are called with the code, and what it is called there."""
    positions = [index for index, argument in enumerate(node.args) if _is_code(argument, codes)]
    keywords = {k.arg for k in node.keywords if k.arg is not None and _is_code(k.value, codes)}
    if not positions and not keywords:
        return
    for routine in program.by_name.get(called_name(node), ())[:_SAME_NAME]:
        names = {routine.parameters[index] for index in positions if index < len(routine.parameters)}
        yield routine, frozenset(names | keywords & set(routine.given))


def find_swallowed(tree: ast.Module) -> Iterator[int]:
    """Lines of handlers that catch everything and say nothing.

    That is: every bare ``except:`` that does not raise again; ``except Exception`` and ``BaseException`` with
    nothing but ``pass``, ``...``, ``continue`` or a constant ``return``; and ``suppress`` of either.
    """
    for node in python.nodes(tree):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                silent = not any(isinstance(part, ast.Raise) for part in python.walk(node))
            else:
                silent = _is_broad(node.type) and all(map(_says_nothing, node.body))
            if silent:
                yield node.lineno
        elif (
            isinstance(node, ast.Call) and called_name(node) == "suppress" and any(map(_is_broad, node.args))
        ):
            yield node.lineno


def _is_broad(node: ast.expr) -> bool:
    kinds = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(python.dotted(kind).rpartition(".")[2] in _BROAD for kind in kinds)


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, (ast.Return, ast.Expr)):
        return isinstance(node.value, (ast.Constant, type(None)))
    return isinstance(node, (ast.Pass, ast.Continue))
