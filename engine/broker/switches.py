"""The kill switches exercised, one after the other, and how that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from ...evidence.broker.switches.record import Exercised
from ...evidence.broker.switches.rehearsals import rehearsals
from ...evidence.broker.switches.rehearse import Outcome, rehearse
from ..report.json_format import render_json
from ..terminal.lines import to_bytes


async def exercise(
    limits: Mapping[str, Decimal],
    command: Sequence[str],
    root: Path,
    seconds: float,
    told: Callable[[str], None],
) -> list[Exercised]:
    """Run the program twice for each switch, just short of its limit and just beyond it.

    ``told`` gets a line about each switch before its program starts.

    Raises UsageError: a limit cannot be rehearsed; EnvironmentProblem: the program cannot be started.
    """
    planned = [rehearsals(name, limit) for name, limit in limits.items()]
    found = []
    for short, beyond in planned:
        told(f"{short.switch}: {short.observed:f}, then {beyond.observed:f}; the limit is {short.limit:f}")
        first = await rehearse(short, command, root, seconds)
        found.append(Exercised(short, first, beyond, await rehearse(beyond, command, root, seconds)))
    return found


def _table(found: list[Exercised]) -> bytes:
    lines = []
    for one in found:
        outcome = one.beyond_outcome
        state = "verified" if one.verified else "NOT VERIFIED"
        fired = f", halted after {outcome.reaction_ms} ms" if outcome.halted else ""
        lines.append(f"{one.name:<24} {state}{fired}")
        lines += [f"  {problem}" for problem in one.problems]
    return to_bytes(lines)


def _json(found: list[Exercised]) -> bytes:
    return render_json({"switches": [_row(one) for one in found]})


def _row(one: Exercised) -> dict[str, object]:
    def told(observed: Decimal, outcome: Outcome) -> dict[str, object]:
        return {
            "observed": f"{observed:f}",
            "triggered": outcome.triggered,
            "halted": outcome.halted,
            "reaction_ms": outcome.reaction_ms,
            "on_wire": outcome.on_wire,
        }

    return {
        "name": one.name,
        "limit": f"{one.beyond.limit:f}",
        "verified": one.verified,
        "short": told(one.short.observed, one.short_outcome),
        "beyond": told(one.beyond.observed, one.beyond_outcome),
        "problems": one.problems,
    }


SWITCHES: dict[str, Callable[[list[Exercised]], bytes]] = {"table": _table, "json": _json}
