"""The safeguards of a broker client as facts: is each there, where, and in use?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ....collecting.interface import Problem
from ..program.model import Clue, Program, Routine, unknown
from .conditions import looks_at
from .events import find_error_handling, find_reconnection, find_swallowed
from .pacing import Pacing, find_pacing
from .refusals import LIVE_ACCOUNTS, PAPER_ACCOUNT, Trial, is_connecting

_ACCOUNTS = re.compile(
    r"(?:req_?)?(?:managed_?acc|account_?(?:summary|values|updates|list))\w*|get_?accounts|wrapper",
    re.IGNORECASE,
)
"""What gives the accounts of a session."""
_TOLD = frozenset({"managedAccounts"})
"""Methods by which a library tells them."""

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
    connects = frozenset(operations["connect"])
    clients = frozenset(r.owner.name for r in program.routines if r.owner and r.node.name in connects)
    checks, conditional = _paper_checks(program, connects, clients)
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
    remedy = "compare the code with numbers, or look it up in a table of numbers"
    problems += [
        unknown(
            "safeguards.error_handling",
            f"{clue.what}, but which codes cannot be told",
            remedy,
            clue.path,
            clue.line,
        )
        for clue in _chosen(handling)[:most]
        if clue.used and not codes
    ]
    pacing = find_pacing(program, operations)
    what = "without a limiter that surely runs before, as far as it can be followed"
    remedy = "let every order and every cancel wait for the limiter"
    problems += [
        unknown("safeguards.pacing_limiter", f"{clue.what} {what}", remedy, clue.path, clue.line)
        for clue in sorted(set(pacing.bypassed))[:most]
    ]
    sure = {kind for kind, clue in checks if clue.used}
    remedy = "refuse what is not for paper trading whatever the settings are"
    problems += [
        unknown(f"safeguards.{kind}", clue.what, remedy, clue.path, clue.line)
        for kind, clue in conditional[:most]
        if clue.used and kind not in sure
    ]
    return {
        "pacing_limiter": _paced(pacing, most),
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


def _paced(pacing: Pacing, most: int) -> dict[str, Any]:
    """State of the limiter; ``too fast`` where none is in use but one that lets too many messages through."""
    found = _found(pacing.limiters, most)
    if found["state"] != "present" and any(clue.used for clue in pacing.too_fast):
        return {**_found(pacing.too_fast, most), "state": "too fast"}
    return found


def _asks_itself(program: Program, check: Routine) -> bool:
    """Whether whatever calls a check gives it an account or a port that is written there."""
    given = [call.args for call, _, _ in program.calls.get(check.handle, ())]
    return bool(given) and all(
        arguments and all(isinstance(one, ast.Constant) for one in arguments) for arguments in given
    )


def _paper_checks(
    program: Program, connects: frozenset[str], clients: frozenset[str]
) -> tuple[list[tuple[str, Clue]], list[tuple[str, Clue]]]:
    """Where an account or a port that is not for paper trading is refused, and where that cannot be told.

    The session alone knows its accounts; the port may also be checked when the client is made.
    """
    on_path = program.reachable(connects)
    asks = any(_ACCOUNTS.fullmatch(name[:100]) for name in on_path | (_TOLD & program.by_name.keys()))
    found: list[tuple[str, Clue]] = []
    unsure: list[tuple[str, Clue]] = []
    for kind, live, paper, what in (
        ("account_check", LIVE_ACCOUNTS, (PAPER_ACCOUNT,), "that the account is for paper trading"),
        ("port_check", (7496, 4001), (7497, 4002), "the port"),
    ):
        looking = {one for one in program.routines if any(looks_at(program, one, kind == "port_check"))}
        names = {one.node.name for one in looking} | {one.handle for one in looking}
        held: set[Routine] = set()
        lost: set[Routine] = set()
        refusing: list[tuple[Routine, int]] = []
        for one in program.routines:
            if one not in looking and not one.references & names:
                continue
            returns = one.node.name in connects or is_connecting(one)
            tried = [Trial(program, one, sample, returns) for sample in live]
            if kind == "account_check":
                tried.append(Trial(program, one, live[0], returns, beside=PAPER_ACCOUNT))
            let = [Trial(program, one, sample, returns) for sample in paper]
            raising = set[Routine]().union(*(trial.raising for trial in tried)) - {one}
            line = None if any(trial.refused is None for trial in tried) else tried[0].refused
            if line is None:
                lost |= raising
                for each in set.intersection(*(trial.unsure for trial in tried)) - let[0].unsure:
                    text = f"{one.name} checks {what}, but only under a condition"
                    unsure.append((kind, Clue(one.path, each, text, one.handle in on_path)))
            elif any(trial.refused is None for trial in let):
                if one.handle in on_path or one.handle in clients:
                    held |= raising | ({one} if returns else set())
                if not raising & looking:
                    refusing.append((one, line))
        for one, line in refusing:
            used = one.handle in on_path or (kind == "port_check" and one.handle in clients)
            used = used and not (one in lost and one not in held) and not _asks_itself(program, one)
            if kind == "account_check" and not asks:
                what, used = "that an account of the settings is for paper trading, not the session's", False
            found.append((kind, Clue(one.path, line, f"{one.name} checks {what}", used)))
    return found, unsure
