"""Is there a limiter of the message rate, and does what is sent go through it?

A limiter of one's own is recognised by what it does: it keeps a state made from the clock (the time of the
next message, the times of the last ones, a number of tokens), and waits or refuses depending on that state.
How many messages it lets through is not worked out from the code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from ..shared import python_source as python
from .dependence import Dependence, filled, key_of, written
from .model import Clue, Program, Routine, assignments, called_name, target_name
from .patterns import matches

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

_SENDING = ("place_order", "cancel_order", "market_data", "account_info", "positions")


def find_pacing(program: Program, operations: Mapping[str, set[str]]) -> list[Clue]:
    """Every limiter of the message rate, and whether what is sent goes through it.

    Args:
        program: the inspected modules.
        operations: operation id → names of the implemented methods that stand for it.
    """
    sending = {name for operation in _SENDING for name in operations.get(operation, ())}
    sending |= {
        routine.node.name
        for routine in program.routines
        if program.is_live(routine) and any(matches("send", name) for name in routine.called)
    }
    on_path = program.reachable(sending) & program.live
    used = frozenset(routine for routine in program.routines if routine.handle in on_path)
    clues = [*_throttles(program), *_limiters(program, used)]
    states = {id(routine): _state(routine) for routine in program.routines}
    keepers = frozenset(routine.node.name for routine in program.routines if states[id(routine)])
    for routine in program.routines:
        line = _limits(routine, states[id(routine)], keepers)
        if line is not None:
            clues.append(Clue(routine.path, line, f"{routine.name} limits by the clock", routine in used))
    return clues


def _throttles(program: Program) -> Iterator[Clue]:
    for module in program.modules.values():
        for node, routine in program.walk(module):
            for target, value in assignments(node):
                off = isinstance(value, ast.Constant) and not value.value
                if isinstance(target, ast.Attribute) and target.attr in _THROTTLE and not off:
                    used = routine is None or program.is_live(routine)
                    yield Clue(module.path, target.lineno, f"{target.attr} of the client is set", used)


def _limiters(program: Program, used: frozenset[Routine]) -> Iterator[Clue]:
    """Limiters of known packages: as a decorator of what sends, or assigned and then mentioned on the way."""
    for routine in program.routines:
        for decorator in routine.node.decorator_list:
            if name := _known(program, routine.path, decorator):
                yield Clue(routine.path, decorator.lineno, f"{name} limits", routine in used)
    for path, module in program.modules.items():
        for node, around in program.walk(module):
            for target, value in assignments(node):
                for call in python.walk(value):
                    if isinstance(call, ast.Call) and (name := _known(program, path, call)):
                        kept = target_name(target)
                        through = any(user is not around and kept in user.references for user in used)
                        yield Clue(path, call.lineno, f"{name} limits", through)


def _known(program: Program, path: str, node: ast.expr) -> str | None:
    """The full name of a limiter of a known package; None for anything else."""
    name = program.modules[path].full_name(node)
    return name if name.rpartition(".")[2] in _LIBRARIES.get(name.partition(".")[0], ()) else None


def _limits(routine: Routine, state: set[str], keepers: frozenset[str]) -> int | None:
    """Line at which the function waits or refuses depending on a state made from the clock; or None."""
    if not (state or routine.called & keepers):
        return None
    depends = Dependence(routine, state, keepers)
    pending: list[tuple[ast.AST, bool]] = [(node, False) for node in routine.node.body]
    lines = []
    while pending:
        node, guarded = pending.pop()
        if isinstance(node, ast.Call) and matches("wait", called_name(node)):
            if guarded or any(map(depends.on, node.args)):
                lines.append(node.lineno)
        elif guarded and isinstance(node, (ast.Raise, ast.Return)) and _refuses(node):
            lines.append(node.lineno)
        below = guarded or (isinstance(node, (ast.If, ast.While)) and depends.on(node.test))
        pending.extend((child, below) for child in python.children(node))
    return min(lines, default=None)


def _refuses(node: ast.Raise | ast.Return) -> bool:
    if isinstance(node, ast.Raise):
        return node.exc is not None
    return isinstance(node.value, ast.Constant) and node.value.value is False


def _state(routine: Routine) -> set[str]:
    """What the function keeps beyond the call, made from the clock, and looks at again."""
    clocks = frozenset(name for name in routine.called if matches("clock", name))
    moments = {name for name in routine.parameters if matches("moment", name)}
    if not clocks and not moments:
        return set()
    time = Dependence(routine, moments, clocks)
    outer = {
        name for node in routine.nodes if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names
    }
    local = set(routine.variables) - outer | routine.given
    kept = {
        key
        for node in routine.nodes
        for target, value in written(node)
        if (key := key_of(target)) not in local and (time.on(value) or isinstance(node, ast.AugAssign))
    }
    containers = {id(target) for node in routine.nodes for target in filled(node)}
    read = {
        key_of(node)
        for node in routine.nodes
        if isinstance(getattr(node, "ctx", None), ast.Load) and id(node) not in containers
    }
    return kept & read - {""}
