"""What says that trading must stop, or that an order is within its limits, and that nothing looks at."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from ..shared import python_source as python
from ..shared.python_source import name_of
from .order_checks import find_answering, find_unchecked
from .program.given import given
from .program.model import LOOKUPS, assignments, called_name, text
from .stubs import is_replaced, is_talk, known_answer, stub_reason, written

_LIMIT = re.compile(
    r"KILL_(?:PNL|LOSS|DD|DRAWDOWN|SWITCH)\w*|\w+_KILL_SWITCH\w*|(?:BOX|GROSS|NET)_LIM(?:IT)?"
)
_FLAG = re.compile(r"(?:pnl|loss|drawdown|dd|psr)_kill_switch")
_HALT = re.compile(r"_?(?:is_|trading_)?(?:halted|tripped|killed)|_?kill_switch(?:_(?:on|active|tripped))?")
_UNTIL = re.compile(r"_?(?:\w+_)?(?:quiet|paused?|back_?off|blocked|cool_?down|halt(?:ed)?)_until")
_LOST = re.compile(r"_?(?:is_|connection_|session_)?(?:lost|disconnected)")
_WITHIN = re.compile(r"within_(?:box|gross|net)_limits?")
_NOWHERE = "is never looked at"
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
        (202,): r"(?:retry|back_?off|resend|reconnect|fill(?:ed)?)(?:_\w+)?",
        (399, 2104, 2106): r"(?:reject(?:ed)?|cancel(?:l?ed)?|back_?off|retry|resend|reconnect)(?:_\w+)?",
    }.items()
    for code in codes
}
"""The broker's order states and error codes, and what none of them means."""
_ENTRIES = 4
"""Of so many of them a table is about them."""
_UNITS = frozenset({1, 100, 1000, 10_000, 1_000_000, 0.01, 0.001, 0.0001})
_LOOKING = frozenset({"bool", "len", "any", "all", "list", "tuple", "set", "sorted", "str", "print"})
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
    answering = find_answering(trees)

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

    limits = _limit_fields(trees)
    fields = {name for _, name in limits}
    yield from _given_instead(trees, limits)
    states: dict[str, list[tuple[str, ast.expr]]] = {}
    for path, tree in trees.items():
        nodes = python.nodes(tree)
        bodies = [node for node in nodes if isinstance(node, ast.Module) or _is_plain_class(node)]
        home = {id(statement) for body in bodies for statement in body.body}  # type: ignore[attr-defined]
        for node in nodes:
            if isinstance(node, ast.Call):
                yield from ({"path": path, **found} for found in _defaulted(node))
            elif isinstance(node, ast.BinOp) and (limit := _loosened(node, fields)):
                how = "is made looser by a factor"
                yield {"path": path, "line": node.lineno, "name": limit, "reason": how}
            for name, value in given(node) if isinstance(node, _GIVING) else ():
                if _UNTIL.fullmatch(name) or _LOST.fullmatch(name):
                    states.setdefault(name, []).append((path, value))
                reason = None
                is_true = python.constant_truth(value) is True
                if isinstance(node, (ast.Dict, ast.keyword)):
                    if _WITHIN.fullmatch(name) and (is_true or _never_refuses(name, value)):
                        reason = "is always True" if is_true else "does not hold a value against its limit"
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
        yield from ({"path": path, **found} for found in find_unchecked(tree, answering))
        for node in nodes:
            if isinstance(node, ast.Dict) and len(node.keys) >= _ENTRIES:
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
                idle = [
                    one.test if isinstance(one, ast.If) else value
                    for one in inside
                    for target, value in [*assignments(one), (None, one)]
                    if (isinstance(one, ast.If) and _is_idle(one)) or name_of(target) == "_"
                ]
                unread = {id(part) for one in idle for part in python.walk(one)}
                read = {
                    one.id
                    for one in inside
                    if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load) and id(one) not in unread
                }
                replaced = {one for one in halting if is_replaced(function, one)}
                for one in sorted(set(halting) - (read - replaced)):
                    reason = f"never looks at {one}"
                    yield {"path": path, "line": function.lineno, "name": name, "reason": reason}
    for name, values in states.items():
        path, value = values[0]
        made = isinstance(value, ast.Call) and called_name(value) != "float"  # such as an event
        if not made and len({written(one) for _, one in values}) == 1 and not is_ignored(name):
            yield {"path": path, "line": value.lineno, "name": name, "reason": "never changes"}


def _is_idle(node: ast.If) -> bool:
    """Whether nothing follows from a condition."""
    if python.constant_truth(node.test) is False:
        return True
    return not node.orelse and all(isinstance(one, ast.Pass) or is_talk(one) for one in node.body)


def _defaulted(call: ast.Call) -> Iterator[dict[str, Any]]:
    """A look-up by which a missing check counts as passed, or an order in an unknown state as filled."""
    if called_name(call) != "get" or len(call.args) != 2 or not isinstance(call.func, ast.Attribute):
        return
    asked, default = call.args
    if _WITHIN.fullmatch(text(asked)) and python.constant_truth(default) is True:
        yield {"line": call.lineno, "name": text(asked), "reason": "is taken to hold where it is missing"}
    table = name_of(call.func.value).lower()
    if ("status" in table or "state" in table) and re.fullmatch(_DONE, name_of(default).lower()):
        reason = f"stands for {name_of(default)} where it is unknown"
        yield {"line": call.lineno, "name": name_of(call.func.value), "reason": reason}


def _never_refuses(name: str, value: ast.expr) -> bool:
    """Whether a check of a limit compares with a number, with another limit, or the wrong way round."""
    if not isinstance(value, ast.Compare) or len(value.ops) > 1:
        return False
    left, op, right = value.left, value.ops[0], value.comparators[0]
    if isinstance(op, (ast.Gt, ast.GtE)):
        left, right = right, left
    limits = [_LIMIT.fullmatch(name_of(side)) for side in (left, right)]
    kind = name.split("_")[1].upper()
    return (
        known_answer(value) is True
        or _is_number(right)
        or (limits[0] is not None and limits[1] is None)
        or any(one is not None and "KILL" not in one[0] and not one[0].startswith(kind) for one in limits)
    )


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


def _limit_fields(trees: Mapping[str, ast.Module]) -> dict[tuple[str, str], tuple[str, int]]:
    """Class and field that hold a kill switch's limit → the limit, and the field's place in the class."""
    classes = [
        node for tree in trees.values() for node in python.nodes(tree) if isinstance(node, ast.ClassDef)
    ]
    fields = {
        owner.name: [part for part in owner.body if isinstance(part, ast.AnnAssign)] for owner in classes
    }
    return {
        (owner, name_of(part.target)): (name_of(part.value), at)
        for owner, parts in fields.items()
        for at, part in enumerate(parts)
        if "KILL" in name_of(part.value) and _LIMIT.fullmatch(name_of(part.value))
    }


def _loosened(node: ast.BinOp, fields: set[str]) -> str:
    """The limit that a factor makes looser before anything is compared with it; empty where none does.

    A change of the unit is none, nor is what warns before the limit is reached.
    """
    first, second = node.left, node.right
    if isinstance(first, ast.Constant):
        first, second = second, first
    name, factor = name_of(first), second.value if isinstance(second, ast.Constant) else None
    if not isinstance(factor, (int, float)) or not (_LIMIT.fullmatch(name) or name in fields):
        return ""
    wider = isinstance(node.op, ast.Mult if factor > 1 else ast.Div) is not ("psr" in name.lower())
    scales = isinstance(node.op, (ast.Mult, ast.Div)) and factor > 0 and factor not in _UNITS
    return name if scales and wider else ""


def _given_instead(
    trees: Mapping[str, ast.Module], limits: Mapping[tuple[str, str], tuple[str, int]]
) -> Iterator[dict[str, Any]]:
    """Numbers that are given to a kill switch where its class has the limit."""
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
