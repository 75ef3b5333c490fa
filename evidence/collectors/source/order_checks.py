"""Checks of the order path whose answer is dropped, or that are not made before every order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..shared import python_source as python
from ..shared.python_source import name_of
from .program.before import before
from .program.model import assignments, called_name
from .safeguards.events import is_broad, is_silent
from .stubs import is_harmless, is_talk

_CHECKING = re.compile(
    r"_(?:check|validate|verify|enforce)|_?pre_?trade_\w+"
    r"|_?(?:is_)?(?:check|validate|verify|enforce|within)_\w*(?:intent|order|risk|limit|trade)\w*"
)
"""Checks of the order path, whose refusal must not be dropped."""
_PLACING = re.compile(r"placeOrder(?:Async)?|_?(?:place|submit|send)_(?:order|intent|trade)s?")
_MOST = 50
"""Of so many orders of one function it is looked for what checks them before."""
_ERROR = re.compile(r"[A-Z]\w*(?:Error|Exception)")
_REDUCING = re.compile(r"_?(?:flatten|liquidat|clos|unwind|exit|cancel|kill|halt|cover|reduc|hedg)\w*")
"""What sends an order; and functions whose orders only take risk away."""
_BLOCKS = frozenset(
    {ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.If, ast.For, ast.AsyncFor, ast.While, ast.With}
    | {ast.AsyncWith, ast.Try, ast.ExceptHandler}
)


def find_unchecked(tree: ast.Module, answering: set[str]) -> Iterator[dict[str, Any]]:
    """Line, name and reason of the checks in a module that refuse nothing, or not every order."""
    places = False
    for node in python.nodes(tree):
        if type(node) in _BLOCKS:
            yield from _dropped(node, answering)
        elif isinstance(node, ast.Call):
            places = places or _PLACING.fullmatch(called_name(node)) is not None
    checked: dict[tuple[ast.ClassDef | None, str], str] = {}
    without: list[tuple[ast.ClassDef | None, ast.Call, str]] = []
    for name, owner, function in python.all_functions(tree) if places else ():
        sends, checks = _sends_and_checks(function)
        made = {id(one) for one in checks}
        for send in sends[:_MOST] if checks else ():
            what = called_name(checks[0])
            if not any(id(one) in made for one in before(function, send)):
                reason = f"may send an order that {what} did not check"
                yield {"line": send.lineno, "name": name, "reason": reason}
            checked[owner, called_name(send)] = what
        if not checks and not function.name.startswith("_") and not _REDUCING.fullmatch(function.name):
            without += [(owner, send, name) for send in sends]
    for owner, send, name in without:
        if (check := checked.get((owner, called_name(send)))) is not None:
            yield {"line": send.lineno, "name": name, "reason": f"sends an order without {check}"}


def _sends_and_checks(function: python.Function) -> tuple[list[ast.Call], list[ast.Call]]:
    """The calls in a function that send an order, and those that check one, not what came of it."""
    nodes = list(python.running(function))
    calls = [one for one in nodes if isinstance(one, ast.Call)]
    sends = [one for one in calls if _PLACING.fullmatch(called_name(one))]
    sending = {id(one) for one in sends}
    answers = {
        name_of(target)
        for node in nodes
        for target, value in (assignments(node) if sends else ())
        if any(id(part) in sending for part in python.walk(value))
    }
    return sends, [
        one
        for one in calls
        if one.args
        and _CHECKING.fullmatch(called_name(one))
        and not any(name_of(part) in answers for each in one.args for part in python.walk(each))
    ]


def find_answering(trees: Mapping[str, ast.Module]) -> set[str]:
    """Names of checks that do nothing but answer, wherever they are defined."""
    found: dict[str, bool] = {}
    for tree in trees.values():
        for node in python.nodes(tree):
            if isinstance(node, python.Function) and _CHECKING.fullmatch(node.name):
                inner = list(python.running(node))
                acts = (
                    isinstance(one, (ast.Raise, ast.Assert, ast.Yield))
                    or (isinstance(one, ast.Attribute) and not isinstance(one.ctx, ast.Load))
                    or (isinstance(one, ast.Call) and not is_harmless(one))
                    for one in inner
                )
                answers = any(isinstance(one, ast.Return) and one.value is not None for one in inner)
                found[node.name] = found.get(node.name, True) and answers and not any(acts)
    return {name for name, answers in found.items() if answers}


def _dropped(node: ast.AST, answering: set[str]) -> Iterator[dict[str, Any]]:
    """Checks in the node's blocks whose answer, or refusal, is dropped, so that the code goes on."""
    for block in (getattr(node, name, None) or [] for name in ("body", "orelse", "finalbody")):
        for at, statement in enumerate(block):
            made = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(made, ast.Call) and _ERROR.fullmatch(called_name(made)):
                yield {"line": made.lineno, "name": called_name(made), "reason": "is made and not raised"}
            if isinstance(statement, (ast.Try, ast.With)) and (send := _lost(statement)) is not None:
                yield {"line": send.lineno, "name": called_name(send), "reason": "its error is dropped"}
            inner, what = statement, "answer"
            if isinstance(statement, (ast.Try, ast.With)) and at < len(block) - 1 and _catches(statement):
                inner, what = statement.body[-1], "refusal"
            call = inner.value if isinstance(inner, ast.Expr) else None
            call = call.value if isinstance(call, ast.Await) else call
            name = called_name(call) if isinstance(call, ast.Call) and call.args else ""
            if _CHECKING.fullmatch(name) and (what == "refusal" or name in answering):
                yield {"line": inner.lineno, "name": name, "reason": f"its {what} is dropped"}


def _lost(node: ast.Try | ast.With) -> ast.Call | None:
    """The call inside that sends an order, where every error of it is caught and nothing comes of that."""
    kinds: list[ast.expr | None] = []
    if isinstance(node, ast.Try):
        kinds += [one.type for one in node.handlers if all(map(_is_nothing, one.body))]
    else:
        calls = (one.context_expr for one in node.items if isinstance(one.context_expr, ast.Call))
        kinds += [kind for one in calls if called_name(one) == "suppress" for kind in one.args]
    quiet = any(kind is None or is_broad(kind) for kind in kinds)
    inside = (part for one in node.body for part in python.walk(one)) if quiet else ()
    sends = (one for one in inside if isinstance(one, ast.Call) and _PLACING.fullmatch(called_name(one)))
    return next(sends, None)


def _is_nothing(node: ast.stmt) -> bool:
    return is_silent(node) or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant))


def _catches(node: ast.Try | ast.With) -> bool:
    """Whether what is raised inside is at most reported, and then the code goes on."""
    if isinstance(node, ast.With):
        return any("suppress" in python.dotted(one.context_expr) for one in node.items)
    quiet = (all(isinstance(part, ast.Pass) or is_talk(part) for part in one.body) for one in node.handlers)
    return not node.orelse and any(quiet)
