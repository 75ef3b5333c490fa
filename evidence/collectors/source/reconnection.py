"""Does the client reconnect: attached to the loss of the connection, or in a loop around connecting?

A handler counts when connecting is among what it does, directly or through other functions. How often it
tries, and how long it waits, is not worked out from the code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice

from ..shared import python_source as python
from .model import Clue, Program, Routine, called_name, mentioned
from .patterns import matches
from .stubs import stub_reason

_MOST_LOOPS = 20
_RETRIES = {"tenacity": {"retry"}, "backoff": {"on_exception", "on_predicate"}}
"""Packages → their decorators that call a function again."""


def handlers_of(program: Program, kind: str) -> Iterator[tuple[str, int, ast.expr, Routine | None]]:
    """Handlers attached to an event: file, line, the handler's expression, and the function that does it."""
    for module in program.modules.values():
        for node, routine in program.walk(module):
            event: ast.expr
            if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
                event, handler = node.target, node.value
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("connect", "add", "append", "subscribe")
                and node.args
            ):
                event, handler = node.func.value, node.args[0]
            else:
                continue
            if isinstance(event, ast.Attribute) and matches(kind, event.attr):
                yield module.path, node.lineno, handler, routine


def find_reconnection(program: Program) -> list[Clue]:
    """Every way in which the client connects again, and whether it is in use."""
    clues: list[Clue] = []
    connecting = _connecting(program)
    for path, line, handler, routine in handlers_of(program, "disconnected_event"):
        if connecting & mentioned(python.walk(handler)) or _connects(handler):
            used = routine is None or program.is_live(routine)
            clues.append(Clue(path, line, "a handler of lost connections connects again", used))
    for routine in program.routines:
        name, path, used = routine.name, routine.path, program.is_live(routine)
        if (
            matches("disconnected_handler", routine.node.name)
            and _is_callback(program, routine)
            and (connecting & routine.references or _connects(routine.node))
        ):
            clues.append(Clue(path, routine.node.lineno, f"{name} connects again", True))
        for line in _loops(routine, connecting):
            clues.append(Clue(path, line, f"{name} tries to connect repeatedly", used))
        for line in _decorated(program, routine):
            clues.append(Clue(path, line, f"{name} is tried repeatedly", used))
    clues += _watchdogs(program)
    return clues


def _connecting(program: Program) -> frozenset[str]:
    """Names of functions that connect, directly or through others. A stub connects to nothing."""
    found = {
        routine.node.name
        for routine in program.routines
        if stub_reason(routine.node) is None and any(matches("connect", n) for n in routine.called)
    }
    callers: dict[str, set[str]] = {}
    for routine in program.routines:
        for name in routine.references:
            callers.setdefault(name, set()).add(routine.node.name)
    pending = list(found)
    while pending:
        for name in callers.get(pending.pop(), set()) - found:
            if not name.startswith("__"):
                found.add(name)
                pending.append(name)
    return frozenset(found)


def _is_callback(program: Program, routine: Routine) -> bool:
    """Whether the class inherits from a class of a library, which may call the method."""
    bases = routine.owner.bases if routine.owner is not None else []
    names = {python.dotted(base).rpartition(".")[2] for base in bases}
    return bool(names - program.classes - {"object", "ABC", "Protocol", "Generic", ""})


def _connects(node: ast.AST, others: frozenset[str] = frozenset()) -> bool:
    return any(
        isinstance(part, ast.Call) and (matches("connect", called_name(part)) or called_name(part) in others)
        for part in python.walk(node)
    )


def _loops(routine: Routine, connecting: frozenset[str]) -> Iterator[int]:
    """Lines of loops that connect inside ``try``, go on after a failure, and wait in between."""
    loops = (node for node in routine.nodes if isinstance(node, (ast.For, ast.AsyncFor, ast.While)))
    for loop in islice(loops, _MOST_LOOPS):
        inside = [node for statement in loop.body for node in python.walk(statement)]
        waits = any(
            isinstance(node, ast.Call)
            and matches("wait", called_name(node))
            and node.args
            and not any(_connects(argument) for argument in node.args)
            for node in inside
        )
        if waits and any(
            isinstance(node, ast.Try)
            and not all(map(_gives_up, node.handlers))
            and any(_connects(statement, connecting) for statement in node.body)
            for node in inside
        ):
            yield loop.lineno


def _gives_up(handler: ast.ExceptHandler) -> bool:
    """Whether nothing is tried after this failure: the handler ends by raising, leaving or returning."""
    return bool(handler.body) and isinstance(handler.body[-1], (ast.Raise, ast.Break, ast.Return))


def _decorated(program: Program, routine: Routine) -> Iterator[int]:
    """Lines of decorators of tenacity or backoff on a function that connects."""
    if any(matches("connect", name) for name in routine.called):
        for decorator in routine.node.decorator_list:
            package, _, name = program.modules[routine.path].full_name(decorator).partition(".")
            if name.rpartition(".")[2] in _RETRIES.get(package, ()):
                yield decorator.lineno


def _watchdogs(program: Program) -> Iterator[Clue]:
    """The client libraries' own watchdog, which starts and connects the gateway again."""
    for module in program.modules.values():
        for node, routine in program.walk(module):
            if isinstance(node, ast.Call) and called_name(node):
                package, _, name = module.full_name(node).partition(".")
                if package in ("ib_async", "ib_insync") and name.rpartition(".")[2] == "Watchdog":
                    used = routine is None or program.is_live(routine)
                    yield Clue(module.path, node.lineno, f"Watchdog of {package}", used)
