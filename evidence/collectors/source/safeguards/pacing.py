"""Is there a limiter of the message rate, and does what is sent go through it?

A limiter of one's own is recognised by what it does: it keeps a state made from the clock (the time of the
next message, the times of the last ones, a number of tokens), and waits or refuses depending on that state.
How many messages it lets through is for the conformance suite to measure. The arguments of a known package's
limiter, and those of the client's own throttle, say by themselves when they are more than the broker takes.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TypeGuard

from msgspec import Struct, field
from msgspec.structs import replace

from ...shared import python_source as python
from ...shared.python_source import name_of
from ..program.before import before
from ..program.model import Clue, Program, Routine, assignments, called_name, matches, set_by_name
from ..program.values import Place
from .rates import of_package

_THROTTLE = frozenset({"MaxRequests", "RequestsInterval"})
"""Settings of the throttle in the client libraries (``ib.client``); zero requests switch it off."""

_TOO_MANY = 50
"""Messages in a second that the broker refuses."""

_LIBRARIES = {
    "aiolimiter": {"AsyncLimiter"},
    "asyncio_throttle": {"Throttler"},
    "pyrate_limiter": {"Limiter"},
    "ratelimit": {"limits", "RateLimitDecorator"},
    "ratelimiter": {"RateLimiter"},
    "throttler": {"Throttler", "throttle"},
}
"""Packages that limit rates → what is used of them. A semaphore limits how many at once, not per second."""

_SENDING = ("place_order", "cancel_order", "market_data", "account_info", "positions")
_ORDERING = frozenset({"placeOrder", "placeOrderAsync", "cancelOrder", "cancelOrderAsync"})
_MOST = 50
"""Of so many calls of one function it is looked for a limiter on the way."""
_TASKS = frozenset({"create_task", "ensure_future", "run_coroutine_threadsafe"})
_FILLING = frozenset({"append", "appendleft", "add", "put", "put_nowait", "popleft", "pop"})


class Pacing(Struct):
    """Limiters of the message rate, those that let too many messages through, and orders that pass none."""

    limiters: list[Clue] = field(default_factory=list)
    too_fast: list[Clue] = field(default_factory=list)
    bypassed: list[Clue] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """Names by which the limiters are used."""
    of_client: bool = False
    """Whether one is the client's own throttle, which nothing gets past."""

    def add(self, clue: Clue, rate: Fraction | None, names: Iterable[str]) -> None:
        """A limiter, how many messages a second it lets through where that is known, and its names."""
        if rate is not None and rate >= _TOO_MANY:
            what = f"{clue.what}, {math.floor(rate)} messages a second"
            self.too_fast.append(replace(clue, what=what))
        else:
            self.limiters.append(clue)
            self.names.update(names)


def find_pacing(program: Program, operations: Mapping[str, set[str]]) -> Pacing:
    """Every limiter of the message rate, and whether what is sent goes through it.

    ``operations`` has the names of the implemented methods by operation.
    """
    found = Pacing()
    sending = {name for operation in _SENDING for name in operations.get(operation, ())}
    sending |= {
        routine.node.name
        for routine in program.routines
        if program.is_live(routine) and any(matches("send", name) for name in routine.called)
    }
    on_path = program.reachable(sending) & program.live
    used = frozenset(routine for routine in program.routines if routine.handle in on_path)
    too_fast = _is_too_fast(program)
    for path, module in program.modules.items():
        for node, around in program.walk(module):
            for target, value in [*assignments(node), *set_by_name(node)]:
                off = too_fast or (isinstance(value, ast.Constant) and not value.value)
                if isinstance(target, ast.Attribute) and target.attr in _THROTTLE and not off:
                    in_use = around is None or program.is_live(around)
                    found.add(
                        Clue(path, target.lineno, f"{target.attr} of the client is set", in_use), None, ()
                    )
                    found.of_client |= in_use
                for call in python.walk(value):
                    if isinstance(call, ast.Call) and (name := _known(program, path, call)):
                        kept = name_of(target)
                        through = any(user is not around and kept in user.references for user in used)
                        rate = of_package(program, call, Place(path, around))
                        found.add(Clue(path, call.lineno, f"{name} limits", through), rate, [kept])
    states = {routine: _state(routine) for routine in program.routines}
    keepers = frozenset(routine.node.name for routine, state in states.items() if state)
    for routine, state in states.items():
        own, in_use = routine.node.name, routine in used
        for decorator in routine.node.decorator_list:
            if name := _known(program, routine.path, decorator):
                at = Place(routine.path)
                rate = of_package(program, decorator, at) if isinstance(decorator, ast.Call) else None
                found.add(Clue(routine.path, decorator.lineno, f"{name} limits", in_use), rate, [own])
        if state or routine.called & keepers:
            lines = list(_limits(routine, _dependence(routine, state, keepers)))
            if lines:
                clue = Clue(routine.path, min(lines), f"{routine.name} limits by the clock", in_use)
                found.add(clue, None, [own])
    if any(clue.used for clue in found.limiters) and not found.of_client:
        found.bypassed += _bypassing(program, found.names)
    return found


def _bypassing(program: Program, limiters: set[str]) -> Iterator[Clue]:
    """Calls that send an order or a cancel where no limiter in use is surely on the way."""
    callers: dict[str, list[Routine]] = {}
    heeded = {routine: program.heeded(routine) for routine in program.routines}
    for routine, names in heeded.items():
        for name in names:
            callers.setdefault(name, []).append(routine)

    def leading_to(names: set[str], but: Collection[str] = ()) -> set[str]:
        """The names, and those of functions that lead to them by way of no others than these functions."""
        found, pending = set(names), list(names)
        while pending:
            for one in callers.get(pending.pop(), ()):
                new = {one.node.name, one.handle} - found
                if one.node.name not in but and new:
                    found |= new
                    pending += new
        return found

    sends = {one.node.name for one in program.routines if any(matches("send", n) for n in one.called)}
    pacing, before_sending = leading_to(limiters), leading_to(limiters, leading_to(sends))

    def is_paced(routine: Routine, send: ast.Call) -> bool:
        """Whether the function, or whatever calls it before it sends anything itself, leads to a limiter."""
        limiting = heeded[routine] & pacing
        surely = _attached(before(routine.node, send))
        if any(isinstance(one, (ast.Name, ast.Attribute)) and name_of(one) in limiting for one in surely):
            return True
        if not limiting and routine.node.name in pacing:
            return True
        pending, seen = [routine], {routine}
        for one in pending:  # grows while it is gone through
            above = [other for other in callers.get(one.handle, ()) if other is not one]
            if not above:
                return False
            new = [other for other in above if not heeded[other] & before_sending and other not in seen]
            seen.update(new)
            pending += new
        return True

    for routine in program.routines:
        private = routine.node.name.startswith("_") and not program.is_live(routine)
        bypassed = 0
        for node in () if private else routine.nodes:
            if not isinstance(node, ast.Call) or (name := called_name(node)) not in _ORDERING:
                continue
            ours = name in program.by_name and name != routine.node.name
            if not ours and bypassed < _MOST and not is_paced(routine, node):
                bypassed += 1
                yield Clue(routine.path, node.lineno, f"{routine.name} calls {name}", True)


def _attached(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes, but what they hand to a task that nobody waits for."""
    detached: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and called_name(node) in _TASKS:
            detached.update(id(part) for part in python.walk(node))
        if id(node) not in detached:
            yield node


def _is_too_fast(program: Program) -> bool:
    """Whether the throttle of the client, all literals, lets through as many as the broker refuses."""
    rate: dict[str, float] = {"MaxRequests": 45, "RequestsInterval": 1}  # what the libraries begin with
    for module in program.modules.values():
        pairs = (pair for node in module.nodes for pair in [*assignments(node), *set_by_name(node)])
        for target, value in pairs:
            if isinstance(target, ast.Attribute) and target.attr in _THROTTLE:
                if not isinstance(value, ast.Constant) or not isinstance(value.value, (int, float)):
                    return False
                rate[target.attr] = value.value
    return rate["MaxRequests"] >= _TOO_MANY * rate["RequestsInterval"]


def _known(program: Program, path: str, node: ast.expr) -> str | None:
    """The full name of a limiter of a known package; None for anything else."""
    name = program.modules[path].full_name(node)
    return name if name.rpartition(".")[2] in _LIBRARIES.get(name.partition(".")[0], ()) else None


def _limits(routine: Routine, depends: Callable[[ast.AST], bool]) -> Iterator[int]:
    """Lines at which the function waits or refuses depending on the state."""
    for node in routine.nodes:
        if _waits(node) and any(map(depends, node.args)):
            yield node.lineno
        elif isinstance(node, (ast.If, ast.While)) and depends(node.test):
            for part in python.walk(node):
                refuses = (isinstance(part, ast.Raise) and part.exc is not None) or (
                    isinstance(part, ast.Return)
                    and isinstance(part.value, ast.Constant)
                    and part.value.value is False
                )
                if refuses or (_waits(part) and not (_once(node) and _is_zero(part.args))):
                    yield part.lineno  # type: ignore[attr-defined]  # a statement or a call


def _once(node: ast.If | ast.While) -> bool:
    """Whether the body is gone through once at most."""
    return isinstance(node, ast.If) or isinstance(node.body[-1], (ast.Break, ast.Return))


def _is_zero(arguments: Sequence[ast.expr]) -> bool:
    return any(isinstance(one, ast.Constant) and not one.value for one in arguments[:1])


def _waits(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and matches("wait", called_name(node))


def _state(routine: Routine) -> set[str]:
    """What the function keeps beyond the call, made from the clock, and looks at again.

    A number that is only counted up or down is such a state beside a time that is kept, not by itself.
    """
    clocks = frozenset(name for name in routine.called if matches("clock", name))
    moments = {name for name in routine.parameters if matches("moment", name)}
    if not clocks and not moments:
        return set()
    by_time = _dependence(routine, moments, clocks)
    outer = {
        name for node in routine.nodes if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names
    }
    local = set(routine.variables) - outer | routine.given
    written = [pair for node in routine.nodes for pair in _written(node)]
    timed = {key for target, value in written if (key := _key(target)) not in local and by_time(value)}
    counted = {_key(node.target) for node in routine.nodes if isinstance(node, ast.AugAssign)} - local
    containers = {id(target) for node in routine.nodes for target, _ in _filled(node)}
    read = {
        _key(node)
        for node in routine.nodes
        if isinstance(getattr(node, "ctx", None), ast.Load) and id(node) not in containers
    }
    beside = any(
        isinstance(node, (ast.Compare, ast.BinOp))
        and by_time(node)
        and any((key := _key(part)) in outer or key.startswith("self.") for part in python.walk(node))
        for node in routine.nodes
    )
    return (timed | counted if beside else timed) & read - {""}


def _dependence(
    routine: Routine, names: Iterable[str], functions: frozenset[str]
) -> Callable[[ast.AST], bool]:
    """Whether an expression depends on the names, or on what the functions return, by way of assignments."""
    known = set(names)

    def depends(node: ast.AST) -> bool:
        return any(
            called_name(part) in functions and not _is_new(part, routine)
            if isinstance(part, ast.Call)
            else _key(part) in known
            for part in python.walk(node)
            if isinstance(part, (ast.Call, ast.Name, ast.Attribute))
        )

    pairs = [pair for node in routine.nodes for pair in _written(node)]
    for _ in range(4):  # a few rounds are enough for what people write
        known |= {_key(target) for target, value in pairs if depends(value)} - {""}
    return depends


def _is_new(call: ast.Call, routine: Routine) -> bool:
    """Whether the method called is one of an object made just for that, which remembers nothing."""
    made = call.func.value if isinstance(call.func, ast.Attribute) else None
    given = routine.variables.get(made.id, []) if isinstance(made, ast.Name) else [made]
    return bool(given) and all(isinstance(one, ast.Call) and called_name(one)[:1].isupper() for one in given)


def _written(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is assigned, changed or filled, and with what."""
    yield from assignments(node)
    yield from _filled(node)
    if isinstance(node, ast.AugAssign):
        yield node.target, node.value


def _filled(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The container that a call puts something into, or takes something from, and its argument."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FILLING:
        yield node.func.value, node.args[0] if node.args else node.func.value


def _key(node: ast.AST) -> str:
    """``name`` or ``self.name``; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript):
        return _key(node.value)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"self.{node.attr}" if node.value.id in ("self", "cls") else ""
    return ""
