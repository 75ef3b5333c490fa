"""The safeguards of a broker client as facts: is each there, where, and in use?"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..shared import python_source as python
from .errors import find_error_handling, find_swallowed
from .model import Clue, Program, Routine, called_name
from .pacing import find_pacing
from .ports import names_ports
from .reconnection import find_reconnection
from .values import resolve

SAFEGUARDS = ("pacing_limiter", "reconnection", "error_handling", "account_check", "port_check")
"""Names of the safeguards."""


def find_safeguards(program: Program, operations: Mapping[str, set[str]], most: int) -> dict[str, Any]:
    """The facts about each safeguard.

    Args:
        program: the inspected modules.
        operations: operation id → names of the implemented methods that stand for it.
        most: places and handlers listed.
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
    return {
        "pacing_limiter": _found(find_pacing(program, operations), most),
        "reconnection": _found(find_reconnection(program), most),
        "error_handling": {
            **_found(handling, most),
            "codes_handled": sorted(codes),
            "swallowed": [{"path": path, "line": line} for path, line in swallowed[:most]],
        },
        **{name: _found([clue for kind, clue in checks if kind == name], most) for name in SAFEGUARDS[3:]},
    }


def _found(clues: Iterable[Clue], most: int) -> dict[str, Any]:
    """State, and the places that led to it: those in use if there are any."""
    distinct = sorted(set(clues))
    chosen = [clue for clue in distinct if clue.used] or distinct
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
            if any(_is_prefix(program, node, routine) for node in _meant(program, check.test, routine)):
                what = f"{routine.name} checks that the account is for paper trading"
                yield "account_check", Clue(routine.path, check.lineno, what, used)
            if names_ports(program, check.test, routine):
                in_use = used or routine.handle in clients
                yield (
                    "port_check",
                    Clue(routine.path, check.lineno, f"{routine.name} checks the port", in_use),
                )


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


def _is_prefix(program: Program, node: ast.AST, routine: Routine) -> bool:
    """Whether the node asks for the ``D`` with which the ids of paper accounts begin."""
    wanted: list[ast.expr] = []
    if isinstance(node, ast.Call) and called_name(node) in ("startswith", "match", "fullmatch"):
        wanted = node.args[:1]
    elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Subscript):
        wanted = node.comparators
    texts = [
        item.value
        for each in wanted
        for value in resolve(program, each, routine.path, routine)
        for item in (
            [value.node] if isinstance(value.node, ast.Constant) else getattr(value.node, "elts", [])
        )
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]
    return bool(texts) and all(each.lstrip("^(?:").startswith("D") for each in texts)
