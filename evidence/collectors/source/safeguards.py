"""The three safeguards of a broker client as facts: is each there, where, and in use?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .errors import find_error_handling, find_swallowed
from .model import Clue, Program
from .pacing import find_pacing
from .patterns import Patterns
from .reconnection import find_reconnection

SAFEGUARDS = ("pacing_limiter", "reconnection", "error_handling")
"""Names of the safeguards."""


def find_safeguards(
    program: Program, patterns: Patterns, operations: Mapping[str, set[str]], most: int
) -> dict[str, Any]:
    """The facts about each safeguard.

    Args:
        program: the inspected modules.
        patterns: what things are called.
        operations: operation id → names of the implemented methods that stand for it.
        most: places and handlers listed.
    """
    handling, codes = find_error_handling(program, patterns)
    swallowed = sorted(
        {(path, line) for path, module in program.modules.items() for line in find_swallowed(module.tree)}
    )
    return {
        "pacing_limiter": _found(find_pacing(program, patterns, operations), most),
        "reconnection": _found(find_reconnection(program, patterns), most),
        "error_handling": {
            **_found(handling, most),
            "codes_handled": sorted(codes),
            "swallowed": [{"path": path, "line": line} for path, line in swallowed[:most]],
            "swallowed_total": len(swallowed),
        },
    }


def _found(clues: Iterable[Clue], most: int) -> dict[str, Any]:
    """State, and the places that led to it: those in use if there are any."""
    distinct = sorted(set(clues))
    chosen = [clue for clue in distinct if clue.used] or distinct
    state = "absent" if not chosen else "present" if chosen[0].used else "unused"
    places = [{"path": clue.path, "line": clue.line, "what": clue.what} for clue in chosen[:most]]
    return {"state": state, "evidence": places, "evidence_total": len(chosen)}
