"""The three safeguards of a broker client as facts: is each there, in use, and with which figures?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ...interface import Missing
from .errors import find_error_handling, find_swallowed
from .model import Program
from .pacing import Clue, find_pacing
from .patterns import Patterns
from .reconnection import Reconnection, Tries, find_reconnection

SAFEGUARDS = ("pacing_limiter", "reconnection", "error_handling")
"""Names of the safeguards."""

_MOST_DELAYS = 50
_NO_TRIES = "no loop around connecting has a number of tries that can be told"
_NO_DELAYS = "no loop around connecting has delays that can be told"
_WRITE = "try a number of times that is a literal or a constant, with delays that follow from such"


def find_safeguards(
    program: Program, patterns: Patterns, operations: Mapping[str, set[str]], most: int
) -> tuple[dict[str, Any], list[Missing]]:
    """The facts about each safeguard, and what of them could not be told.

    Args:
        program: the inspected modules.
        patterns: what things are called.
        operations: operation id → names of the implemented methods that stand for it.
        most: places and handlers listed.
    """
    missing: list[Missing] = []
    reconnection = find_reconnection(program, patterns)
    handling = find_error_handling(program, patterns)
    swallowed = sorted(
        {(path, line) for path, module in program.modules.items() for line in find_swallowed(module.tree)}
    )
    facts = {
        "pacing_limiter": _found(find_pacing(program, patterns, operations), most),
        "reconnection": {
            **_found(reconnection.clues, most),
            **_figures(_tries(reconnection), missing),
        },
        "error_handling": {
            **_found(handling.clues, most),
            "codes_handled": sorted(handling.used or handling.unused),
            "swallowed": [{"path": path, "line": line} for path, line in swallowed[:most]],
            "swallowed_total": len(swallowed),
        },
    }
    return facts, missing


def _found(clues: Iterable[Clue], most: int) -> dict[str, Any]:
    """State, and the places that led to it: those in use if there are any."""
    distinct = sorted(set(clues), key=lambda clue: (clue.path, clue.line, clue.what))
    used = [clue for clue in distinct if clue.used]
    state = "present" if used else "unused" if distinct else "absent"
    chosen = used or distinct
    return {
        "state": state,
        "evidence": [clue.to_json() for clue in chosen[:most]],
        "evidence_total": len(chosen),
    }


def _tries(reconnection: Reconnection) -> Tries:
    """The figures of the loop with the most tries among those in use; unknown where one of them is."""
    used = [tries for in_use, tries in reconnection.tries if in_use]
    loops = used or [tries for _, tries in reconnection.tries]
    if not loops or any(tries.most is None for tries in loops):
        return Tries()
    return max(loops, key=lambda tries: (tries.most or 0, tries.delays_ms is None))


def _figures(tries: Tries, missing: list[Missing]) -> dict[str, Any]:
    delays = tries.delays_ms
    if tries.most is None:
        missing.append(Missing("safeguards.reconnection.max_tries", _NO_TRIES, _WRITE))
    if delays is None:
        for name in ("delays_ms", "delays_grow"):
            missing.append(Missing(f"safeguards.reconnection.{name}", _NO_DELAYS, _WRITE))
    return {
        "max_tries": tries.most,
        "delays_ms": None if delays is None else delays[:_MOST_DELAYS],
        "delays_grow": None if delays is None else _grow(delays),
    }


def _grow(delays: Sequence[int]) -> bool:
    """Whether each delay is longer than the one before; one alone does not grow."""
    return len(delays) > 1 and all(before < after for before, after in pairwise(delays))
