"""Is there a limiter of the message rate, and does what is sent go through it?

A limiter of one's own is recognised by what it does: it keeps a state made from the clock (the time of the
next message, the times of the last ones, a number of tokens), and waits or refuses depending on that state.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..shared import python_source as python
from .model import Program, Routine, assignments, called_name
from .patterns import Patterns

_THROTTLE = frozenset({"MaxRequests", "RequestsInterval"})
"""Settings of the throttle in the client libraries (``ib.client``); zero requests switch it off."""

_LIBRARIES = {
    "aiolimiter": {"AsyncLimiter"},
    "asyncio_throttle": {"Throttler"},
    "pyrate_limiter": {"Limiter"},
    "ratelimit": {"limits", "sleep_and_retry", "RateLimitDecorator"},
    "ratelimiter": {"RateLimiter"},
    "throttler": {"Throttler", "throttle"},
}
"""Packages that limit rates → what is used of them. A semaphore limits how many at once, not per second."""

_FILLING = frozenset({"append", "appendleft", "add", "put", "put_nowait", "popleft", "pop"})
_SENDING = ("place_order", "cancel_order", "market_data", "account_info", "positions")


@dataclass(frozen=True, slots=True)
class Clue:
    """A place in the source that is evidence, and whether it is in use."""

    path: str
    line: int
    what: str
    used: bool

    def to_json(self) -> dict[str, Any]:
        """The place as a fact."""
        return {"path": self.path, "line": self.line, "what": self.what}


def find_pacing(program: Program, patterns: Patterns, operations: Mapping[str, set[str]]) -> list[Clue]:
    """Every limiter of the message rate.

    Args:
        program: the inspected modules.
        patterns: what things are called.
        operations: operation id → names of the implemented methods that stand for it.
    """
    clues = list(_throttles(program))
    sending = {name for operation in _SENDING for name in operations.get(operation, ())}
    sending |= {
        routine.node.name
        for routine in program.routines
        if program.is_live(routine) and any(patterns.match("send", name) for name in routine.called)
    }
    on_path = program.reachable(sending) & program.live if sending else frozenset[str]()
    states = {id(routine.node): _state(routine, patterns) for routine in program.routines}
    keepers = {routine.node.name for routine in program.routines if states[id(routine.node)]}
    for routine in program.routines:
        line = _limits(routine, patterns, states[id(routine.node)], keepers)
        if line is not None:
            used = program.is_live(routine) and _on_path(routine, on_path)
            clues.append(Clue(routine.path, line, f"{routine.name} limits by the clock", used))
    clues += _limiters(program, on_path)
    return clues


def _on_path(routine: Routine, on_path: frozenset[str]) -> bool:
    hook = routine.owner is not None and routine.node.name.startswith("__")
    return (routine.owner.name if hook and routine.owner is not None else routine.node.name) in on_path


def _throttles(program: Program) -> Iterator[Clue]:
    for module in program.modules.values():
        for node, routine in program.walk(module):
            for target, value in assignments(node):
                if not isinstance(target, ast.Attribute) or target.attr not in _THROTTLE:
                    continue
                if isinstance(value, ast.Constant) and not value.value:
                    continue
                used = routine is None or program.is_live(routine)
                yield Clue(module.path, target.lineno, f"{target.attr} of the client is set", used)


def _limiters(program: Program, on_path: frozenset[str]) -> Iterator[Clue]:
    """Limiters of known packages: as a decorator of what sends, or made and then mentioned on the way."""
    for module in program.modules.values():
        local = {
            name: f"{source}.{inner}"
            for name, (source, inner) in module.imports.items()
            if inner in _LIBRARIES.get(source.partition(".")[0], ())
        }
        whole = {
            name: source
            for name, (source, inner) in module.imports.items()
            if not inner and source in _LIBRARIES
        }
        if not local and not whole:
            continue
        decorated = {
            id(part): routine
            for routine in program.routines
            if routine.path == module.path
            for decorator in routine.node.decorator_list
            for part in ast.walk(decorator)
        }
        holders = _holders(module.tree)
        users = _users(program, on_path)
        for node, routine in program.walk(module):
            what = (
                _known(node, local, whole) if isinstance(node, (ast.Call, ast.Name, ast.Attribute)) else None
            )
            if what is None or (isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in decorated):
                continue
            if id(node) in decorated:
                owner = decorated[id(node)]
                used = program.is_live(owner) and _on_path(owner, on_path)
            else:
                kept = holders.get(id(node), set())
                used = any(user is not routine for name in kept for user in users.get(name, ()))
            yield Clue(module.path, getattr(node, "lineno", 1), f"{what} limits", used)


def _known(
    node: ast.Call | ast.Name | ast.Attribute, local: dict[str, str], whole: dict[str, str]
) -> str | None:
    name = python.dotted(node)
    if name in local:
        return local[name]
    package, _, rest = name.rpartition(".")
    return name if package in whole and rest in _LIBRARIES[whole[package]] else None


def _holders(tree: ast.Module) -> dict[int, set[str]]:
    """For every call that is assigned, or entered by ``with``: the names it is kept under."""
    found: dict[int, set[str]] = {}
    for node in ast.walk(tree):
        for target, value in assignments(node):
            name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
            for part in ast.walk(value):
                if isinstance(part, ast.Call):
                    found.setdefault(id(part), set()).add(name)
    return found


def _users(program: Program, on_path: frozenset[str]) -> dict[str, list[Routine]]:
    """By name: functions on the way of a message that enter it with ``with`` or call a method of it."""
    found: dict[str, list[Routine]] = {}
    for routine in program.routines:
        if not _on_path(routine, on_path):
            continue
        used: list[ast.expr] = []
        for node in routine.nodes:
            if isinstance(node, (ast.With, ast.AsyncWith)):
                used += [item.context_expr for item in node.items]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                used.append(node.func.value)
        for name in {python.dotted(expression).rpartition(".")[2] for expression in used}:
            found.setdefault(name, []).append(routine)
    return found


def _limits(routine: Routine, patterns: Patterns, state: frozenset[str], keepers: set[str]) -> int | None:
    """Line at which the function waits or refuses depending on a state made from the clock; or None."""
    if not (state or routine.called & keepers):
        return None
    depends = _Dependence(state, keepers)
    depends.spread(routine.nodes)
    pending: list[tuple[ast.AST, bool]] = [(node, False) for node in routine.node.body]
    lines = []
    while pending:
        node, guarded = pending.pop()
        if isinstance(node, ast.Call) and patterns.match("wait", called_name(node)):
            if guarded or any(depends.on(argument) for argument in node.args):
                lines.append(node.lineno)
        elif guarded and isinstance(node, (ast.Raise, ast.Return)) and _refuses(node):
            lines.append(node.lineno)
        below = guarded or (isinstance(node, (ast.If, ast.While)) and depends.on(node.test))
        pending.extend((child, below) for child in ast.iter_child_nodes(node))
    return min(lines) if lines else None


def _refuses(node: ast.Raise | ast.Return) -> bool:
    if isinstance(node, ast.Raise):
        return node.exc is not None
    return isinstance(node.value, ast.Constant) and node.value.value is False


class _Dependence:
    """Names and attributes whose value depends on certain others, or on what certain functions return."""

    def __init__(self, names: Iterable[str], functions: set[str]) -> None:
        self.names = set(names)
        self._functions = functions

    def on(self, node: ast.AST) -> bool:
        """Whether the expression depends on them."""
        for part in ast.walk(node):
            if isinstance(part, ast.Call) and called_name(part) in self._functions:
                return True
            if isinstance(part, (ast.Name, ast.Attribute)) and _key(part) in self.names:
                return True
        return False

    def spread(self, nodes: Iterable[ast.AST]) -> None:
        """Follow the assignments in the function; a few rounds are enough for what people write."""
        written = [pair for node in nodes for pair in _written(node)]
        for _ in range(4):
            before = len(self.names)
            for target, value in written:
                key = _key(target)
                if key and key not in self.names and self.on(value):
                    self.names.add(key)
            if len(self.names) == before:
                return


def _written(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    yield from assignments(node)
    if isinstance(node, ast.AugAssign):
        yield node.target, node.value
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _FILLING
        and node.args
    ):
        yield node.func.value, node.args[0]


def _key(node: ast.AST) -> str:
    """``name`` or ``self.name``; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript):
        return _key(node.value)
    if (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("self", "cls")
    ):
        return f"self.{node.attr}"
    return ""


def _state(routine: Routine, patterns: Patterns) -> frozenset[str]:
    """What the function keeps beyond the call, made from the clock, and looks at again."""
    outer = {
        name for node in routine.nodes if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names
    }
    clocks = {name for name in routine.called if patterns.match("clock", name)}
    moments = [name for name in routine.parameters if patterns.match("moment", name)]
    if not clocks and not moments:
        return frozenset()
    time = _Dependence(moments, clocks)
    time.spread(routine.nodes)
    kept = set()
    local = set(routine.variables) - outer | routine.given
    for node in routine.nodes:
        for target, value in _written(node):
            key = _key(target)
            lasting = key.startswith("self.") or (key in outer) or (key and key not in local)
            if lasting and (time.on(value) or isinstance(node, ast.AugAssign)):
                kept.add(key)
    read = _read(routine.nodes)
    return frozenset(kept & read)


def _read(nodes: Iterable[ast.AST]) -> set[str]:
    """Names and attributes whose value is looked at, other than to change it."""
    ignored: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FILLING:
            ignored.add(id(node.func.value))
    return {
        _key(node)
        for node in nodes
        if isinstance(node, (ast.Name, ast.Attribute))
        and isinstance(node.ctx, ast.Load)
        and id(node) not in ignored
        and _key(node)
    }
