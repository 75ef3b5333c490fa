"""What the client does about lost connections and about the broker's errors.

A handler of lost connections counts when connecting is among what it does, directly or through other
functions; a loop, decorator or watchdog that connects counts with the number of tries that is written there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice

from ...shared import python_source as python
from ...shared.python_source import name_of
from ..program.model import Clue, Program, Routine, called_name, matches, mentioned
from ..program.values import members, resolve
from ..stubs import stub_reason

_SHORTEST_S = 0.5
"""Seconds between tries that are a delay at all."""
_MOST_LOOPS = 20
_RETRIES = {"tenacity": {"retry"}, "backoff": {"on_exception", "on_predicate"}}
"""Packages → their decorators that call a function again."""
_RETRYING = {"tenacity": {"Retrying", "AsyncRetrying"}}
"""The same to loop over, or to call with a function."""
_TRIES = {
    "stop_after_attempt": "max_attempt_number",
    "on_exception": "max_tries",
    "on_predicate": "max_tries",
}
"""Functions of theirs → the argument that says how often at most."""

_CODE_POSITION = 1
"""Where both client libraries give the code to a handler: ``(reqId, errorCode, errorString, …)``."""
_FOLLOWED = 200
_SAME_NAME = 10
_HIGHEST = 99_999
_BROAD = frozenset({"Exception", "BaseException"})


def _handlers_of(program: Program, kind: str) -> Iterator[tuple[str, int, ast.expr, bool]]:
    """Handlers attached to an event: file, line, the handler's expression, and whether that is in use."""
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
                yield module.path, node.lineno, handler, routine is None or program.is_live(routine)


def find_reconnection(program: Program) -> Iterator[tuple[Clue, int | None]]:
    """Every way in which the client connects again, and how often; None where that cannot be told."""
    connecting = _connecting(program)
    for path, line, handler, used in _handlers_of(program, "disconnected_event"):
        if connecting & mentioned(python.walk(handler)) or _connects(handler):
            yield Clue(path, line, "a handler of lost connections connects again", used), 1
    for routine in program.routines:
        name, path, used = routine.name, routine.path, program.is_live(routine)
        if (
            matches("disconnected_handler", routine.node.name)
            and _is_callback(program, routine)
            and (connecting & routine.references or _connects(routine.node))
        ):
            yield Clue(path, routine.node.lineno, f"{name} connects again", True), 1
        for loop in _loops(routine, connecting):
            tries = _rounds(program, routine, loop)
            if tries != 0 and not _hurries(program, routine, loop):
                yield Clue(path, loop.lineno, f"{name} tries to connect repeatedly", used), tries
        for node in routine.nodes if connecting & routine.references else ():
            if isinstance(node, ast.Call) and _is_from(program, path, node, _RETRYING):
                tries = _attempts(program, routine, node)
                yield Clue(path, node.lineno, f"{name} tries to connect repeatedly", used), tries
        if any(matches("connect", called) for called in routine.called):
            for decorator in routine.node.decorator_list:
                if _is_from(program, path, decorator, _RETRIES):
                    tries = _attempts(program, routine, decorator)
                    yield Clue(path, decorator.lineno, f"{name} is tried repeatedly", used), tries
    for path, module in program.modules.items():
        for node, around in program.walk(module):
            if isinstance(node, ast.Call) and _is_from(program, path, node, _WATCHDOG):
                used = around is None or program.is_live(around)
                yield Clue(path, node.lineno, "a Watchdog of the client library", used), None


_WATCHDOG = {"ib_async": {"Watchdog"}, "ib_insync": {"Watchdog"}}
"""The client libraries' own, which starts and connects the gateway again, however often."""


def _is_from(program: Program, path: str, node: ast.expr, packages: dict[str, set[str]]) -> bool:
    package, _, name = program.modules[path].full_name(node).partition(".")
    return name.rpartition(".")[2] in packages.get(package, ())


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


def _loops(routine: Routine, connecting: frozenset[str]) -> Iterator[ast.For | ast.AsyncFor | ast.While]:
    """Loops that connect inside ``try``, go on after a failure, and wait in between."""
    loops = (node for node in routine.nodes if isinstance(node, (ast.For, ast.AsyncFor, ast.While)))
    for loop in islice(loops, _MOST_LOOPS):
        inside = [node for statement in loop.body for node in python.walk(statement)]
        waits = any(
            isinstance(node, ast.Call)
            and matches("wait", called_name(node))
            and node.args
            and not (isinstance(node.args[0], ast.Constant) and not node.args[0].value)
            and not any(_connects(argument) for argument in node.args)
            for node in inside
        )
        if waits and any(
            (isinstance(node, (ast.Try, ast.With)) and _goes_on(node))
            and any(_connects(statement, connecting) for statement in node.body)
            for node in inside
        ):
            yield loop


def _goes_on(node: ast.Try | ast.With) -> bool:
    """Whether something is tried after a failure inside."""
    if isinstance(node, ast.With):
        calls = [one.context_expr for one in node.items if isinstance(one.context_expr, ast.Call)]
        return any(called_name(call) == "suppress" for call in calls)
    return not all(
        handler.body and isinstance(handler.body[-1], (ast.Raise, ast.Break, ast.Return))
        for handler in node.handlers
    )


def _hurries(program: Program, routine: Routine, loop: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Whether the delays that a loop goes through are known, and none is long enough to be one."""
    if isinstance(loop, ast.While):
        return False
    delays, is_open = members(program, loop.iter, routine.path, routine)
    numbers = [value for _, value in delays if isinstance(value, (int, float))]
    return bool(numbers) and len(numbers) == len(delays) and not is_open and max(numbers) < _SHORTEST_S


def _rounds(program: Program, routine: Routine, loop: ast.For | ast.AsyncFor | ast.While) -> int | None:
    """How often a loop over a literal, a ``range`` of one or up to a count goes round; else None."""
    if isinstance(loop, ast.While):
        return _counted(program, routine, loop)
    return _length(program, routine, loop.iter)


def _counted(program: Program, routine: Routine, loop: ast.While) -> int | None:
    """The rounds of ``while attempt < 3``, which begins at a literal and goes up by one in each."""
    test = loop.test
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name)):
        return None
    name = test.left.id
    bumps = [
        node for node in routine.nodes if isinstance(node, ast.AugAssign) and name_of(node.target) == name
    ]
    plain = [each for each in loop.body if each in bumps]
    by_one = (
        isinstance(each.op, ast.Add) and isinstance(each.value, ast.Constant) and each.value.value == 1
        for each in bumps
    )
    skips = any(
        isinstance(node, ast.Continue) for node in python.walk(loop) if plain and plain[0] is not loop.body[0]
    )
    starts = routine.variables.get(name, [])
    if len(plain) != 1 or len(bumps) != 1 or len(starts) != 1 or skips or not all(by_one):
        return None
    first, last = _integer(program, starts[0], routine), _integer(program, test.comparators[0], routine)
    if first is None or last is None or not isinstance(test.ops[0], (ast.Lt, ast.LtE)):
        return None
    return max(0, last - first + isinstance(test.ops[0], ast.LtE))


def _length(program: Program, routine: Routine, over: ast.expr) -> int | None:
    if isinstance(over, ast.Call) and called_name(over) == "zip" and over.args:
        lengths = [_length(program, routine, each) for each in over.args]
        return min((one for one in lengths if one is not None), default=None)
    if isinstance(over, ast.Call) and called_name(over) == "range" and len(over.args) in (1, 2):
        ends = [_integer(program, each, routine) for each in over.args]
        first, last = ends if len(ends) == 2 else [0, *ends]
        return None if first is None or last is None else max(0, last - first)
    found = [value.node for value in resolve(program, over, routine.path, routine)]
    sizes = {len(node.elts) for node in found if isinstance(node, (ast.Tuple, ast.List, ast.Set))}
    return sizes.pop() if len(found) == len(sizes) == 1 else None


def _attempts(program: Program, routine: Routine, decorator: ast.expr) -> int | None:
    for call in python.walk(decorator):
        word = _TRIES.get(called_name(call)) if isinstance(call, ast.Call) else None
        if isinstance(call, ast.Call) and word is not None:
            given = [each.value for each in call.keywords if each.arg == word]
            given += call.args[:1] if word == "max_attempt_number" else []
            return _integer(program, given[0], routine) if given else None
    return None


def _integer(program: Program, node: ast.expr, routine: Routine) -> int | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_integer(program, each, routine) for each in (node.left, node.right)]
        return None if None in parts else sum(one for one in parts if one is not None)
    found = [value.node for value in resolve(program, node, routine.path, routine)]
    number = found[0].value if len(found) == 1 and isinstance(found[0], ast.Constant) else None
    return number if type(number) is int and 0 <= number <= _HIGHEST else None


def find_error_handling(program: Program) -> tuple[list[Clue], set[int]]:
    """Handlers of the broker's errors that branch on the code, and the codes that they tell apart.

    The codes are those of handlers in use if there are any.
    """
    handlers: list[tuple[Routine, Clue]] = []
    for path, line, handler, used in _handlers_of(program, "error_event"):
        for name in mentioned(python.walk(handler)):
            for routine in program.by_name.get(name, ())[:_SAME_NAME]:
                handlers.append((routine, _branches(path, line, routine, used)))
    for routine in program.routines:
        if (
            routine.owner is not None
            and routine.node.name == "error"
            and len(routine.parameters) >= 3
            and routine.owner.bases
        ):
            handlers.append((routine, _branches(routine.path, routine.node.lineno, routine, True)))
    told = {routine: _codes(program, routine) for routine in {routine for routine, _ in handlers}}
    branching = [(clue, known) for routine, clue in handlers if (known := told[routine]) is not None]
    codes = {code for clue, known in branching for code in known if clue.used}
    codes = codes or {code for _, known in branching for code in known}
    return [clue for clue, _ in branching], codes


def _branches(path: str, line: int, routine: Routine, used: bool) -> Clue:
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
        given = {
            name
            for name, values in current.variables.items()
            if any(codes & mentioned(python.walk(value)) for value in values)
        }
        for node in current.nodes:
            if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Match)):
                test = node.subject if isinstance(node, ast.Match) else node.test
                branches |= bool((codes | given) & mentioned(python.walk(test)))
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
    parts: list[ast.expr] = []
    if isinstance(node, ast.Compare):
        if all(isinstance(one, (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is)) for one in node.ops):
            parts = [node.left, *node.comparators]
    elif isinstance(node, ast.Subscript):
        parts = [node.slice, node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        parts = [*node.args[:1], node.func.value] if node.func.attr in ("get", "pop") else []
    elif isinstance(node, ast.Match):
        cases = [part for case in node.cases for part in python.walk(case.pattern)]
        parts = [node.subject, *(part.value for part in cases if isinstance(part, ast.MatchValue))]
    others = [part for part in parts if not _is_code(part, codes)]
    if len(others) < len(parts):
        for part in others:
            for _, number in members(program, part, routine.path, routine, keys=True)[0]:
                if type(number) is int and 0 < number <= _HIGHEST:
                    yield number


def _handed_on(
    program: Program, node: ast.Call, codes: frozenset[str]
) -> Iterator[tuple[Routine, frozenset[str]]]:
    """Functions that are called with the code, and what it is called there."""
    positions = [index for index, argument in enumerate(node.args) if _is_code(argument, codes)]
    keywords = {k.arg for k in node.keywords if k.arg is not None and _is_code(k.value, codes)}
    if positions or keywords:
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
                silent = is_broad(node.type) and all(map(is_silent, node.body))
            if silent:
                yield node.lineno
        elif isinstance(node, ast.Call) and called_name(node) == "suppress" and any(map(is_broad, node.args)):
            yield node.lineno


def is_broad(node: ast.expr) -> bool:
    """Whether an ``except`` or ``suppress`` of this catches everything."""
    kinds = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(python.dotted(kind).rpartition(".")[2] in _BROAD for kind in kinds)


def is_silent(node: ast.stmt) -> bool:
    """Whether a statement does nothing about an error."""
    if isinstance(node, (ast.Return, ast.Expr)):
        return isinstance(node.value, (ast.Constant, type(None)))
    return isinstance(node, (ast.Pass, ast.Continue))
