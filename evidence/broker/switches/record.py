"""``KILL_SWITCH_VERIFICATION.json`` out of rehearsals and what came of them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from .rehearsals import Rehearsal
from .rehearse import Outcome

MOST_NOTE = 4000


class Exercised(Struct, frozen=True):
    """One switch: the run just short of its limit, and the one just beyond it."""

    short: Rehearsal
    short_outcome: Outcome
    beyond: Rehearsal
    beyond_outcome: Outcome

    @property
    def name(self) -> str:
        """The switch."""
        return self.beyond.switch

    @property
    def problems(self) -> list[str]:
        """What is not as it should be, a clause each."""
        found = []
        if self.short_outcome.triggered is not False:
            fired = self.short_outcome.triggered
            found.append(f"{'fired' if fired else 'nothing is known'} just short of its limit")
        if self.short_outcome.problem:
            found.append(f"just short of its limit: {self.short_outcome.problem}")
        if self.beyond_outcome.triggered is not True:
            found.append("did not fire just beyond its limit")
        elif not self.beyond_outcome.halted:
            found.append("did not halt")
        if self.beyond_outcome.problem:
            found.append(f"just beyond its limit: {self.beyond_outcome.problem}")
        return found

    @property
    def verified(self) -> bool:
        """Whether it fired and halted just beyond its limit, and did not fire just short of it."""
        beyond = self.beyond_outcome
        return self.short_outcome.triggered is False and beyond.triggered is True and beyond.halted


def document(found: list[Exercised], verified_at: str, verified_by: str, command: str) -> dict[str, Any]:
    """The record (``contracts/files/kill_switch_verification.schema.json``); its note has the problems."""
    return {
        "verified_at": verified_at,
        "verified_by": verified_by,
        "switches": [_switch(one) for one in found],
        "note": _note(found, command),
    }


def _switch(one: Exercised) -> dict[str, Any]:
    short, beyond = one.short_outcome, one.beyond_outcome
    below = {"observed": float(one.short.observed), "triggered": short.triggered}
    return {
        "name": one.name,
        "threshold": float(one.beyond.limit),
        "observed": float(one.beyond.observed),
        "triggered": beyond.triggered is True,
        "halted": beyond.halted,
        "reaction_ms": beyond.reaction_ms,
        **({} if short.triggered is None else {"just_below": below}),
    }


def _note(found: list[Exercised], command: str) -> str:
    wire = [one.name for one in found if one.beyond_outcome.halted and one.beyond_outcome.on_wire]
    says = [one.name for one in found if one.beyond_outcome.halted and not one.beyond_outcome.on_wire]
    lines = [f"Run by gate ibkr kill-switches: {command[:1000]}"]
    lines += [f"The simulated gateway saw the halt of {', '.join(wire)}"] if wire else []
    lines += [f"The program says that it halted for {', '.join(says)}"] if says else []
    lines += [f"{one.name}: {text}" for one in found for text in one.problems]
    return ". ".join(lines)[:MOST_NOTE]
