"""Does the client reconnect: attached to the loss of the connection, or in a loop around connecting?

A handler counts when connecting is among what it does, directly or through other functions. Tries and delays
are worked out where they are literals, or constants of the inspected modules.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice

from ..shared import python_source as python
from .arithmetic import LARGEST, Arithmetic
from .model import Program, Routine, assignments, called_name
from .pacing import Clue
from .patterns import Patterns
from .values import resolve

MOST_TRIES = 1000
_MOST_LOOPS = 20
_MOST_STEPS = 20_000


@dataclass(slots=True)
class Tries:
    """What the loops around connecting state.

    Attributes:
        most: how often one connects at most; None where it cannot be told.
        delays_ms: the waits in order, in milliseconds rounded down; None where they cannot be told.
    """

    most: int | None = None
    delays_ms: list[int] | None = None


@dataclass(slots=True)
class Reconnection:
    """Places that are evidence, and the figures of the loop with the most tries."""

    clues: list[Clue] = field(default_factory=list)
    tries: list[tuple[bool, Tries]] = field(default_factory=list)


def handlers_of(
    program: Program, patterns: Patterns, kind: str
) -> Iterator[tuple[str, int, ast.expr, Routine | None]]:
    """Handlers attached to an event: file, line, the handler's expression, and the function that does it."""
    for module in program.modules.values():
        for node, routine in program.walk(module):
            if (
                isinstance(node, ast.AugAssign)
                and isinstance(node.op, ast.Add)
                and isinstance(node.target, ast.Attribute)
                and patterns.match(kind, node.target.attr)
            ):
                yield module.path, node.lineno, node.value, routine
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("connect", "add", "append", "subscribe")
                and isinstance(node.func.value, ast.Attribute)
                and patterns.match(kind, node.func.value.attr)
                and node.args
            ):
                yield module.path, node.lineno, node.args[0], routine


def find_reconnection(program: Program, patterns: Patterns) -> Reconnection:
    """Every way in which the client connects again, whether it is in use, and its tries and delays."""
    found = Reconnection()
    connecting = _connecting(program, patterns)
    for path, line, handler, routine in handlers_of(program, patterns, "disconnected_event"):
        if connecting & _names(handler) or _connects(handler, patterns):
            used = routine is None or program.is_live(routine)
            found.clues.append(Clue(path, line, "a handler of lost connections connects again", used))
    for routine in program.routines:
        if (
            routine.owner is not None
            and patterns.match("disconnected_handler", routine.node.name)
            and _is_callback(program, routine)
            and (connecting & routine.references or _connects(routine.node, patterns))
        ):
            what = f"{routine.name} connects again"
            found.clues.append(Clue(routine.path, routine.node.lineno, what, True))
        used = program.is_live(routine)
        for line, tries in _loops(program, routine, patterns, connecting):
            found.clues.append(Clue(routine.path, line, f"{routine.name} tries to connect repeatedly", used))
            found.tries.append((used, tries))
        for line, tries in _decorated(program, routine, patterns):
            found.clues.append(Clue(routine.path, line, f"{routine.name} is tried repeatedly", used))
            found.tries.append((used, tries))
    found.clues += _watchdogs(program)
    return found


def _connecting(program: Program, patterns: Patterns) -> frozenset[str]:
    """Names of functions that connect, directly or through others. A stub connects to nothing."""
    found = {
        routine.node.name
        for routine in program.routines
        if python.stub_reason(routine.node) is None
        and any(patterns.match("connect", n) for n in routine.called)
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
    if routine.owner is None:
        return False
    bases = {python.dotted(base).rpartition(".")[2] for base in routine.owner.bases}
    return bool(bases - program.classes - {"object", "ABC", "Protocol", "Generic", ""})


def _names(node: ast.AST) -> set[str]:
    return {
        part.attr if isinstance(part, ast.Attribute) else part.id
        for part in ast.walk(node)
        if isinstance(part, (ast.Attribute, ast.Name))
    }


def _connects(node: ast.AST, patterns: Patterns) -> bool:
    return any(
        isinstance(part, ast.Call) and patterns.match("connect", called_name(part)) for part in ast.walk(node)
    )


def _loops(
    program: Program, routine: Routine, patterns: Patterns, connecting: frozenset[str]
) -> Iterator[tuple[int, Tries]]:
    """Loops that connect inside ``try``, go on after a failure, and wait in between."""
    loops = (node for node in routine.nodes if isinstance(node, (ast.For, ast.AsyncFor, ast.While)))
    for loop in islice(loops, _MOST_LOOPS):
        inside = [node for statement in loop.body for node in ast.walk(statement)]
        waits = [n for n in inside if isinstance(n, ast.Call) and patterns.match("wait", called_name(n))]
        waits = [n for n in waits if n.args and not any(_connects(a, patterns) for a in n.args)]
        retried = [
            node
            for node in inside
            if isinstance(node, ast.Try)
            and any(not _gives_up(handler) for handler in node.handlers)
            and any(
                isinstance(part, ast.Call)
                and (patterns.match("connect", called_name(part)) or called_name(part) in connecting)
                for statement in node.body
                for part in ast.walk(statement)
            )
        ]
        if waits and retried:
            yield loop.lineno, _figures(program, routine, loop, patterns)


def _gives_up(handler: ast.ExceptHandler) -> bool:
    """Whether nothing is tried after this failure: the handler ends by raising, leaving or returning."""
    return bool(handler.body) and isinstance(handler.body[-1], (ast.Raise, ast.Break, ast.Return))


def _figures(
    program: Program, routine: Routine, loop: ast.For | ast.AsyncFor | ast.While, patterns: Patterns
) -> Tries:
    """How often, and how long in between: the loop is followed for its counters and waits only."""
    reader = Arithmetic(program, routine, _before(routine, loop))
    if isinstance(loop, ast.While):
        most = _bound(loop, reader)
        turns: list[dict[str, Fraction]] | None = [{} for _ in range(most)] if most is not None else None
    else:
        turns = _turns(loop, program, routine, reader)
    if turns is None:
        return Tries()
    delays: list[int] = []
    steps = list(_in_order(loop.body))
    if len(steps) * len(turns) > _MOST_STEPS:
        return Tries(len(turns))
    for turn in turns:
        reader.names.update(turn)
        for statement in steps:
            if isinstance(statement, ast.Call):
                if patterns.match("wait", called_name(statement)) and statement.args:
                    delay = reader.value(statement.args[0])
                    if delay is None:
                        return Tries(len(turns))
                    delays.append(int(delay * 1000))
            else:
                reader.assign(statement)
    return Tries(len(turns), delays)


def _before(routine: Routine, loop: ast.stmt) -> dict[str, ast.expr]:
    """What local names are assigned before the loop, the last time."""
    return {
        target.id: value
        for node in routine.nodes
        if getattr(node, "lineno", loop.lineno) < loop.lineno
        for target, value in assignments(node)
        if isinstance(target, ast.Name)
    }


def _turns(
    loop: ast.For | ast.AsyncFor, program: Program, routine: Routine, reader: Arithmetic
) -> list[dict[str, Fraction]] | None:
    """The values of the loop's variables for each turn; None where they cannot be told."""
    source, target = loop.iter, loop.target
    start = Fraction(0)
    counter: ast.expr | None = None
    if isinstance(source, ast.Call) and called_name(source) == "enumerate" and source.args:
        offset = source.args[1] if len(source.args) > 1 else next((k.value for k in source.keywords), None)
        start = (reader.value(offset) if offset is not None else Fraction(0)) or Fraction(0)
        if isinstance(target, ast.Tuple) and len(target.elts) == 2:
            counter, target = target.elts
        source = source.args[0]
    values: list[Fraction | None]
    if isinstance(source, ast.Call) and called_name(source) == "range" and 1 <= len(source.args) <= 3:
        numbers = [reader.value(argument) for argument in source.args]
        if any(n is None or n.denominator != 1 or abs(n) > LARGEST for n in numbers):
            return None
        whole = [int(n) for n in numbers if n is not None]
        if len(whole) == 3 and whole[2] == 0:
            return None
        values = [Fraction(n) for n in range(*whole)[: MOST_TRIES + 1]]
    else:
        found = resolve(program, source, routine.path, routine)
        if len(found) != 1 or not isinstance(found[0].node, (ast.Tuple, ast.List)):
            return None
        items = found[0].node.elts
        if any(isinstance(item, ast.Starred) for item in items):
            return None
        values = [reader.value(item) for item in items[: MOST_TRIES + 1]]
    if len(values) > MOST_TRIES:
        return None
    turns = []
    for index, value in enumerate(values):
        turn: dict[str, Fraction] = {}
        if isinstance(target, ast.Name) and value is not None:
            turn[target.id] = value
        if isinstance(counter, ast.Name):
            turn[counter.id] = start + index
        turns.append(turn)
    return turns


def _bound(loop: ast.While, reader: Arithmetic) -> int | None:
    """Turns of ``while counter < limit`` with ``counter += 1`` inside; None for anything else."""
    for test in loop.test.values if isinstance(loop.test, ast.BoolOp) else [loop.test]:
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.left, ast.Name):
            continue
        counted = any(
            isinstance(node, ast.AugAssign)
            and isinstance(node.op, ast.Add)
            and isinstance(node.target, ast.Name)
            and node.target.id == test.left.id
            and reader.value(node.value) == 1
            for statement in loop.body
            for node in ast.walk(statement)
        )
        first, limit = reader.value(test.left), reader.value(test.comparators[0])
        if not counted or first is None or limit is None or not isinstance(test.ops[0], (ast.Lt, ast.LtE)):
            continue
        turns = limit - first + (1 if isinstance(test.ops[0], ast.LtE) else 0)
        if turns.denominator == 1 and 0 <= turns <= MOST_TRIES:
            return int(turns)
    return None


def _in_order(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Calls and assignments of a loop's body as they are written, without those of loops within."""
    pending: list[ast.AST] = list(reversed(body))
    while pending:
        node = pending.pop()
        if isinstance(
            node, (ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        ):
            continue
        pending.extend(reversed(list(ast.iter_child_nodes(node))))
        if isinstance(node, (ast.Call, ast.Assign, ast.AnnAssign, ast.AugAssign)):
            yield node


def _decorated(program: Program, routine: Routine, patterns: Patterns) -> Iterator[tuple[int, Tries]]:
    """Functions that connect, tried again by a decorator of tenacity or backoff."""
    module = program.modules[routine.path]
    sources = {source.partition(".")[0] for source, _ in module.imports.values()}
    if not sources & {"tenacity", "backoff"} or not any(patterns.match("connect", n) for n in routine.called):
        return
    for decorator in routine.node.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        name = called_name(decorator)
        if name not in ("retry", "on_exception", "on_predicate"):
            continue
        most: int | None = None
        for keyword in decorator.keywords:
            limit: ast.expr | None = keyword.value if keyword.arg == "max_tries" else None
            if keyword.arg == "stop" and isinstance(keyword.value, ast.Call) and keyword.value.args:
                limit = keyword.value.args[0] if called_name(keyword.value) == "stop_after_attempt" else None
            number = Arithmetic(program, routine, {}).value(limit) if limit is not None else None
            if number is not None and number.denominator == 1 and 0 <= number <= MOST_TRIES:
                most = int(number)
        yield decorator.lineno, Tries(most)


def _watchdogs(program: Program) -> Iterator[Clue]:
    """The client libraries' own watchdog, which starts and connects the gateway again."""
    for module in program.modules.values():
        if not any(inner == "Watchdog" or not inner for _, inner in module.imports.values()):
            continue
        for node, routine in program.walk(module):
            if not isinstance(node, ast.Call) or called_name(node) != "Watchdog":
                continue
            source = module.imports.get(python.dotted(node).partition(".")[0], ("", ""))[0].partition(".")[0]
            if source in ("ib_async", "ib_insync"):
                used = routine is None or program.is_live(routine)
                yield Clue(module.path, node.lineno, f"Watchdog of {source}", used)
