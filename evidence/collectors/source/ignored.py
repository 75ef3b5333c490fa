"""What says that trading must stop, or that an order is within its limits, and that nothing looks at."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from ..shared import python_source as python
from ..shared.python_source import name_of
from .program.given import given
from .program.model import LOOKUPS, called_name, text
from .stubs import is_harmless, is_talk, stub_reason

_LIMIT = re.compile(
    r"KILL_(?:PNL|LOSS|DD|DRAWDOWN|SWITCH)\w*|\w+_KILL_SWITCH\w*|(?:BOX|GROSS|NET)_LIM(?:IT)?"
)
_FLAG = re.compile(r"(?:pnl|loss|drawdown|dd|psr)_kill_switch")
_HALT = re.compile(r"_?(?:is_|trading_)?(?:halted|tripped|killed)|_?kill_switch(?:_(?:on|active|tripped))?")
_UNTIL = re.compile(r"_?(?:\w+_)?(?:quiet|paused?|back_?off|blocked|cool_?down|halt(?:ed)?)_until")
_WITHIN = re.compile(r"within_(?:box|gross|net)_limits?")
_NOWHERE = "is never looked at"
_CHECKING = re.compile(
    r"_(?:check|validate|verify|enforce)|_?pre_?trade_\w+"
    r"|_?(?:is_)?(?:check|validate|verify|enforce|within)_\w*(?:intent|order|risk|limit|trade)\w*"
)
"""Checks of the order path, whose refusal must not be dropped."""
_WORKS, _DONE = r"submitted|acknowledged|acked|accepted|open|working|active", r"filled|executed|completed?"
_OVER = r"cancell?ed|rejected"
_STATES: dict[Any, re.Pattern[str]] = {
    name: re.compile(wrong)
    for names, wrong in {
        ("PreSubmitted", "Submitted", "PendingSubmit", "PendingCancel"): f"{_DONE}|{_OVER}",
        ("Cancelled", "ApiCancelled"): f"{_DONE}|{_WORKS}|rejected",
        ("Filled",): f"{_WORKS}|{_OVER}|partial(?:ly)?(?:_fill(?:ed)?)?",
        ("Inactive",): f"{_DONE}|{_WORKS}",
    }.items()
    for name in names
}
_CODES: dict[Any, re.Pattern[str]] = {
    code: re.compile(wrong)
    for codes, wrong in {
        (103, 200, 201, 321, 434): r"(?:retry|back_?off|resend|reconnect)(?:_\w+)?",
        (504, 1100): r"(?:info|ignored?|log|debug|reject)(?:_\w+)?",
        (100,): r"(?:info|ignored?|log|debug|reject|retry_now)(?:_only)?",
    }.items()
    for code in codes
}
"""The broker's order states and error codes, and what none of them means."""
_ENTRIES = 4
"""Of so many of them a table is about them."""
_LOOKING = frozenset({"bool", "len", "any", "all", "list", "tuple", "set", "sorted", "str", "print"})
_BLOCKS = frozenset(
    {ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.If, ast.For, ast.AsyncFor, ast.While, ast.With}
    | {ast.AsyncWith, ast.Try, ast.ExceptHandler}
)
_GIVING = (ast.Assign, ast.AnnAssign, ast.Dict, ast.keyword)


class _Uses(Struct):
    """Names that are looked at, what others are given to as they are, and strings that are no keys."""

    looked_at: set[str] = field(default_factory=set)
    passed_on: dict[str, set[str]] = field(default_factory=dict)
    strings: set[str] = field(default_factory=set)


def find_ignored(trees: Mapping[str, ast.Module]) -> Iterator[dict[str, Any]]:
    """Path, line, name and reason: limits, flags and parameters that nothing in any of the modules looks at.

    A limit counts as looked at where what it is given to is. Names are those of any module.
    """
    mentioned: dict[str, list[str]] = {}
    uses: dict[str, _Uses] = {}
    answering = _answering(trees)

    def is_ignored(name: str, *, strings: bool = False) -> bool:
        if not mentioned:
            for path, tree in trees.items():
                for word in {name_of(node) for node in python.nodes(tree)}:
                    mentioned.setdefault(word, []).append(path)
        pending, seen = [name], {name}
        for one in pending:  # grows while it is gone through
            for path in mentioned.get(one, ()):
                if path not in uses:
                    uses[path] = _uses(trees[path])
                if one in uses[path].looked_at or (strings and one in uses[path].strings):
                    return False
                new = uses[path].passed_on.get(one, set()) - seen
                seen |= new
                pending += new
        return True

    yield from _given_instead(trees)
    for path, tree in trees.items():
        nodes = python.nodes(tree)
        bodies = [node for node in nodes if isinstance(node, ast.Module) or _is_plain_class(node)]
        home = {id(statement) for body in bodies for statement in body.body}  # type: ignore[attr-defined]
        for node in nodes:
            for name, value in given(node) if isinstance(node, _GIVING) else ():
                reason = None
                is_true = python.constant_truth(value) is True
                if isinstance(node, (ast.Dict, ast.keyword)):
                    if is_true and _WITHIN.fullmatch(name):
                        reason = "is always True"
                    elif (_FLAG.fullmatch(name) or _WITHIN.fullmatch(name)) and is_ignored(
                        name, strings=True
                    ):
                        reason = _NOWHERE
                elif (
                    (id(node) in home and _is_number(value) and _LIMIT.fullmatch(name))
                    or (is_true and _HALT.fullmatch(name))
                    or _UNTIL.fullmatch(name)
                ) and is_ignored(name):
                    reason = _NOWHERE
                if reason is not None:
                    yield {"path": path, "line": value.lineno, "name": name, "reason": reason}
        for node in nodes:
            if type(node) in _BLOCKS:
                yield from ({"path": path, **found} for found in _dropped(node, answering))
            elif isinstance(node, ast.Dict) and len(node.keys) >= _ENTRIES:
                yield from ({"path": path, **found} for found in _mistaken(node))
        for name, owner, function in python.all_functions(tree):
            halting = [
                argument.arg
                for argument in (*function.args.args, *function.args.kwonlyargs)
                if _HALT.fullmatch(argument.arg)
            ]
            if owner is not None and not owner.bases and _HALT.fullmatch(function.name):
                line, flag = function.lineno, _never_set(function, owner.name, trees)
                if flag:
                    yield {"path": path, "line": line, "name": name, "reason": f"nothing ever sets {flag}"}
            if not halting or (owner and owner.bases) or python.is_declaration(owner, function):
                continue
            if stub_reason(function) is None:
                inside = list(python.running(function))
                idle = {
                    id(one.test)
                    for one in inside
                    if isinstance(one, ast.If) and not one.orelse and all(map(is_talk, one.body))
                }
                read = {one.id for one in inside if isinstance(one, ast.Name) and id(one) not in idle}
                for one in sorted(set(halting) - read):
                    reason = f"never looks at {one}"
                    yield {"path": path, "line": function.lineno, "name": name, "reason": reason}


def _never_set(function: python.Function, owner: str, trees: Mapping[str, ast.Module]) -> str:
    """The only attribute that the answer depends on, where no module changes it; empty for anything else."""
    found = {
        node.attr
        for node in python.walk(function)
        if isinstance(node, ast.Attribute) and name_of(node.value) == "self"
    }
    name = found.pop() if len(found) == 1 else ""
    declared = False
    for tree in trees.values() if name else ():
        for node in python.nodes(tree):
            if isinstance(node, ast.AnnAssign) and name_of(node.target) == name and node.value is not None:
                declared |= isinstance(node.value, ast.Constant) or "default_factory" in ast.dump(node.value)
            elif isinstance(node, ast.Call):
                given = [] if called_name(node) in _LOOKING else node.args
                if name in map(name_of, (getattr(node.func, "value", None), *given)):
                    return ""
                if called_name(node) == owner and (given or any(word.arg is None for word in node.keywords)):
                    return ""
            elif (isinstance(node, ast.keyword) and node.arg == name) or (
                isinstance(node, (ast.Attribute, ast.Subscript))
                and not isinstance(node.ctx, ast.Load)
                and name in (name_of(node), name_of(node.value))
            ):
                return ""
    return name if declared else ""


def _mistaken(node: ast.Dict) -> Iterator[dict[str, Any]]:
    """Entries of a table of order states or error codes that contradict what the broker means."""
    pairs = list(zip(node.keys, node.values, strict=True))
    keys = [key.value if isinstance(key, ast.Constant) else None for key, _ in pairs]
    for meanings in (_STATES, _CODES):
        if len(meanings.keys() & {key for key in keys if type(key) in (int, str)}) < _ENTRIES:
            continue
        for key, (_, value) in zip(keys, pairs, strict=True):
            if (
                type(key) in (int, str)
                and key in meanings
                and meanings[key].fullmatch(name_of(value).lower())
            ):
                yield {"line": value.lineno, "name": str(key), "reason": f"stands for {name_of(value)}"}


def _given_instead(trees: Mapping[str, ast.Module]) -> Iterator[dict[str, Any]]:
    """Numbers that are given to a kill switch where its class has the limit."""
    classes = [
        node for tree in trees.values() for node in python.nodes(tree) if isinstance(node, ast.ClassDef)
    ]
    fields = {
        owner.name: [part for part in owner.body if isinstance(part, ast.AnnAssign)] for owner in classes
    }
    limits = {
        (owner, name_of(part.target)): (name_of(part.value), at)
        for owner, parts in fields.items()
        for at, part in enumerate(parts)
        if "KILL" in name_of(part.value) and _LIMIT.fullmatch(name_of(part.value))
    }
    for path, tree in trees.items() if limits else ():
        for node in python.nodes(tree):
            for (owner, name), (limit, at) in (
                limits.items() if isinstance(node, (ast.Call, ast.Assign)) else ()
            ):
                given: list[ast.expr] = []
                if isinstance(node, ast.Call) and called_name(node) == owner:
                    given = [
                        *node.args[at : at + 1],
                        *(one.value for one in node.keywords if one.arg == name),
                    ]
                elif isinstance(node, ast.Assign) and any(
                    isinstance(one, ast.Attribute) and one.attr == name for one in node.targets
                ):
                    given = [node.value]
                for value in given:
                    if _is_number(value):
                        yield {"path": path, "line": value.lineno, "name": name, "reason": f"is not {limit}"}


def _answering(trees: Mapping[str, ast.Module]) -> set[str]:
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
            inner, what = statement, "answer"
            if isinstance(statement, (ast.Try, ast.With)) and at < len(block) - 1 and _catches(statement):
                inner, what = statement.body[-1], "refusal"
            call = inner.value if isinstance(inner, ast.Expr) else None
            call = call.value if isinstance(call, ast.Await) else call
            name = called_name(call) if isinstance(call, ast.Call) and call.args else ""
            if _CHECKING.fullmatch(name) and (what == "refusal" or name in answering):
                yield {"line": inner.lineno, "name": name, "reason": f"its {what} is dropped"}


def _catches(node: ast.Try | ast.With) -> bool:
    """Whether what is raised inside is at most reported, and then the code goes on."""
    if isinstance(node, ast.With):
        return any("suppress" in python.dotted(one.context_expr) for one in node.items)
    quiet = (all(isinstance(part, ast.Pass) or is_talk(part) for part in one.body) for one in node.handlers)
    return not node.orelse and any(quiet)


def _is_plain_class(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and not any("Enum" in python.dotted(one) for one in node.bases)


def _is_number(node: ast.expr) -> bool:
    """Whether the node is a number or a truth that is written there."""
    value = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(value, ast.Constant) and isinstance(value.value, (int, float))


def _uses(tree: ast.Module) -> _Uses:
    found = _Uses()
    handed: set[int] = set()
    for node in python.running(tree):  # from the outside in
        for name, value in given(node) if isinstance(node, (*_GIVING, ast.arguments)) else ():
            if isinstance(value, (ast.Name, ast.Attribute)) and name:
                found.passed_on.setdefault(name_of(value), set()).add(name)
                handed.add(id(value))
        if isinstance(node, ast.Dict):
            handed.update(id(key) for key in node.keys)
        elif isinstance(node, ast.Call) and called_name(node) in LOOKUPS | {"getattr", "attrgetter"}:
            found.looked_at.update(map(text, node.args))
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            found.looked_at.add(name_of(node))
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            found.looked_at.update([name_of(node)] if id(node) not in handed else ())
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in handed:
            found.strings.add(node.value)
    return found
