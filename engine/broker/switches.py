"""The kill switches exercised: their limits as the workspace states them, each run, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec.structs import asdict

from ...evidence.base.errors import UsageError, suggestion
from ...evidence.broker.switches.record import Exercised
from ...evidence.broker.switches.rehearsals import SWITCHES, rehearsals
from ...evidence.broker.switches.rehearse import Outcome, Program, rehearse
from ..context import Context
from ..report.json_format import render_json
from ..service import collect
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


RENDERERS: dict[str, Callable[[list[Exercised]], bytes]] = {"table": _table, "json": _json}


_MICRO = 1_000_000
_DIGITS = 20
"""Places after the point at which a limit begins at the latest."""


def limits_of(
    context: Context, wanted: Iterable[str], given: Iterable[str]
) -> tuple[dict[str, Decimal], list[str]]:
    """The limit of each wanted switch, and the switches among all of them that have none.

    A limit is that of ``given`` (``NAME=NUMBER``); else of the risk parameter of the switch's name; else of
    the rollback procedure's trigger. Without ``wanted``, all switches are.

    Raises UsageError: there is no such switch, a limit is no number, or a wanted switch has none;
    EvidenceError: the workspace cannot be read.
    """
    names = list(dict.fromkeys(wanted))
    stated = dict(_parsed(text) for text in given)
    for name in [*names, *stated]:
        if name not in SWITCHES:
            raise UsageError(f"there is no kill switch {name!r}", remedy=suggestion(name, SWITCHES))
    for name in stated if names else ():
        if name not in names:
            what = f"--limit names {name}, which --switch leaves out"
            raise UsageError(what, remedy=f"add --switch {name}, or leave out its --limit")
    known = stated if names and set(names) <= set(stated) else _known(context, stated) | stated
    absent = [name for name in names or SWITCHES if name not in known]
    if absent and (names or len(absent) == len(SWITCHES)):
        where = "define it among the risk parameters, state it in the rollback procedure"
        remedy = f"{where}, or add --limit {absent[0]}=NUMBER"
        raise UsageError(f"there is no limit of {absent[0]}", remedy=remedy)
    return {name: known[name] for name in names or SWITCHES if name in known}, absent


def _parsed(text: str) -> tuple[str, Decimal]:
    name, separator, number = text.partition("=")
    try:
        value = Decimal(number)
    except InvalidOperation:
        value = Decimal("nan")
    if not separator or not _is_usable(value):
        raise UsageError(f"--limit {text[:80]!r} is no limit", remedy="write --limit NAME=NUMBER")
    return name, value


def _is_usable(value: Decimal) -> bool:
    """Whether a limit can be calculated with, and written out: ``1e-999999999`` cannot."""
    return value.is_finite() and value.copy_abs() <= _MICRO and (not value or value.adjusted() >= -_DIGITS)


def _known(context: Context, stated: Mapping[str, Decimal]) -> dict[str, Decimal]:
    evidence = collect(context, ("risk_parameters", "rollback"))
    limits: dict[str, Decimal] = {}
    for row in evidence["rollback"].facts.get("limits", ()):
        for name, switch in SWITCHES.items():
            if switch.trigger == row["trigger"] and row["micro"] is not None:
                limits[name] = Decimal(row["micro"]) / _MICRO * (-1 if name == "KILL_PNL" else 1)
    rows = evidence["risk_parameters"].facts.get("parameters", ())
    return limits | _parameters(row for row in rows if row["name"] in SWITCHES.keys() - stated.keys())


def _parameters(rows: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Risk parameters that are switches. Raises UsageError: one has several values, or none that is known."""
    found: dict[str, Decimal] = {}
    for row in rows:
        name, value = row["name"], row["value"]
        unknown = value is None or not _is_usable(Decimal(value))
        if unknown or found.get(name, Decimal(value)) != Decimal(value):
            raise UsageError(
                f"the value of {name} cannot be told" if unknown else f"{name} has several values",
                path=row["path"],
                place=f"line {row['line']}",
                remedy=f"define it once, as a number; or add --limit {name}=NUMBER",
            )
        found[name] = Decimal(value)
    return found
