"""The kill switches exercised, one after the other, and how that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from msgspec.structs import asdict

from ...evidence.broker.switches.record import Exercised
from ...evidence.broker.switches.rehearsals import rehearsals
from ...evidence.broker.switches.rehearse import Outcome, Program, rehearse
from ..report.json_format import render_json
from ..terminal.lines import to_bytes


async def exercise(
    limits: Mapping[str, Decimal], program: Program, told: Callable[[str], None]
) -> list[Exercised]:
    """Run the program twice for each switch, just short of its limit and just beyond it.

    ``told`` gets a line about each switch before its program starts.

    Raises UsageError: a limit cannot be rehearsed; EnvironmentProblem: the program cannot be started.
    """
    planned = [rehearsals(name, limit) for name, limit in limits.items()]
    found = []
    for short, beyond in planned:
        values = [_decimal(one.observed) for one in (short, beyond)]
        told(f"{short.switch}: {values[0]}, then {values[1]}; the limit is {_decimal(short.limit)}")
        first = await rehearse(short, program)
        found.append(Exercised(short, first, beyond, await rehearse(beyond, program)))
    return found


def _decimal(value: Decimal) -> str:
    """Without trailing zeros."""
    return f"{value.normalize():f}"


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
    rows = [
        {
            "name": one.name,
            "limit": _decimal(one.beyond.limit),
            "verified": one.verified,
            "short": _told(one.short.observed, one.short_outcome),
            "beyond": _told(one.beyond.observed, one.beyond_outcome),
            "problems": one.problems,
        }
        for one in found
    ]
    return render_json({"switches": rows})


def _told(observed: Decimal, outcome: Outcome) -> dict[str, object]:
    told = asdict(outcome)
    del told["problem"]  # which is among the switch's
    return {"observed": _decimal(observed), **told}


SWITCHES: dict[str, Callable[[list[Exercised]], bytes]] = {"table": _table, "json": _json}
