"""The safeguards of a broker client as facts: is each there, where, and in use?"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ...collecting.interface import Problem
from ..shared import python_source as python
from .events import find_error_handling, find_reconnection, find_swallowed
from .model import Clue, Program, Routine, called_name, unknown
from .pacing import find_pacing
from .ports import names_ports
from .values import members

SAFEGUARDS = ("pacing_limiter", "reconnection", "error_handling", "account_check", "port_check")
"""Names of the safeguards."""


def find_safeguards(
    program: Program, operations: Mapping[str, set[str]], most: int
) -> tuple[dict[str, Any], list[Problem]]:
    """The facts about each safeguard, and what cannot be told about them.

    ``operations`` has the names of the implemented methods by operation; ``most`` places are listed of each.
    """
    handling, codes = find_error_handling(program)
    swallowed = sorted(
        {(path, line) for path, module in program.modules.items() for line in find_swallowed(module.tree)}
    )
    on_path = program.reachable(operations["connect"])
    clients = frozenset(
        r.owner.name for r in program.routines if r.owner and r.node.name in operations["connect"]
    )
    checks = [
        clue for routine in program.routines for clue in _paper_checks(program, routine, on_path, clients)
    ]
    tries = dict(find_reconnection(program))
    reconnection = _found(tries, most)
    for clue, place in zip(_chosen(tries), reconnection["evidence"], strict=False):
        place["tries"] = tries[clue]
    remedy = "write the number of tries as a literal: a tuple of delays, range(3) or stop_after_attempt(3)"
    problems = [
        unknown(
            "safeguards.reconnection",
            f"{clue.what}, but how often cannot be told",
            remedy,
            clue.path,
            clue.line,
        )
        for clue in _chosen(tries)[:most]
        if clue.used and tries[clue] is None
    ]
    return {
        "pacing_limiter": _found(find_pacing(program, operations), most),
        "reconnection": reconnection,
        "error_handling": {
            **_found(handling, most),
            "codes_handled": sorted(codes),
            "swallowed": [{"path": path, "line": line} for path, line in swallowed[:most]],
        },
        **{name: _found([clue for kind, clue in checks if kind == name], most) for name in SAFEGUARDS[3:]},
    }, problems


def _chosen(clues: Iterable[Clue]) -> list[Clue]:
    """The clues in use, sorted, or all where none is."""
    distinct = sorted(set(clues))
    return [clue for clue in distinct if clue.used] or distinct


def _found(clues: Iterable[Clue], most: int) -> dict[str, Any]:
    """State, and the places that led to it."""
    chosen = _chosen(clues)
    state = "absent" if not chosen else "present" if chosen[0].used else "unused"
    places = [{"path": clue.path, "line": clue.line, "what": clue.what} for clue in chosen[:most]]
    return {"state": state, "evidence": places}


def _paper_checks(
    program: Program, routine: Routine, on_path: frozenset[str], clients: frozenset[str]
) -> Iterator[tuple[str, Clue]]:
    """Where the function refuses an account that is not for paper trading, or a port that is not.

    The session alone knows its accounts; the port may also be checked when the client is made.
    """
    if not any(_refuses(node) for node in routine.nodes):
        return
    used = routine.handle in on_path
    for check in routine.nodes:
        if isinstance(check, (ast.If, ast.Assert)):
            refused = isinstance(check, ast.If) and any(
                isinstance(node, ast.Raise) for part in check.body for node in python.walk(part)
            )
            if any(
                _is_prefix(program, node, routine) for node in _meant(program, check.test, routine)
            ) and not (refused and _all_paper(program, check.test, routine)):
                what = f"{routine.name} checks that the account is for paper trading"
                yield "account_check", Clue(routine.path, check.lineno, what, used)
            if names_ports(program, check.test, routine, refused):
                what, in_use = f"{routine.name} checks the port", used or routine.handle in clients
                yield "port_check", Clue(routine.path, check.lineno, what, in_use)


def _refuses(node: ast.AST) -> bool:
    if isinstance(node, ast.Return):
        return isinstance(node.value, ast.Constant) and node.value.value in (False, None)
    return isinstance(node, (ast.Raise, ast.Assert))


def _meant(program: Program, test: ast.expr, routine: Routine) -> Iterator[ast.AST]:
    """What a condition consists of, with what its variables were given and the functions it calls contain."""
    for node in python.walk(test):
        yield node
        if isinstance(node, ast.Name):
            for value in routine.variables.get(node.id, ()):
                yield from python.walk(value)
        elif isinstance(node, ast.Call):
            for called in program.by_name.get(called_name(node), ())[:10]:
                yield from called.nodes


def _all_paper(program: Program, test: ast.AST, routine: Routine) -> bool:
    """Whether the condition is true of paper accounts: it asks for their prefix without a ``not``."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return False
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.NotEq, ast.NotIn, ast.Is)):
        return False
    if isinstance(test, (ast.Call, ast.Compare)) and _is_prefix(program, test, routine):
        return True
    below = [
        part
        for part in python.children(test)
        if any(map(partial(_asks, program, routine), python.walk(part)))
    ]
    return bool(below) and all(_all_paper(program, part, routine) for part in below)


def _asks(program: Program, routine: Routine, node: ast.AST) -> bool:
    return _is_prefix(program, node, routine)


def _is_prefix(program: Program, node: ast.AST, routine: Routine) -> bool:
    """Whether the node asks for the ``D`` with which the ids of paper accounts begin."""
    wanted: list[ast.expr] = []
    if isinstance(node, ast.Call) and called_name(node) in ("startswith", "match", "fullmatch"):
        wanted = node.args[:1]
    elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Subscript):
        wanted = node.comparators
    found = [value for each in wanted for _, value in members(program, each, routine.path, routine)[0]]
    texts = [value for value in found if isinstance(value, str)]
    return bool(texts) and all(each.lstrip("^(?:").startswith("D") for each in texts)
