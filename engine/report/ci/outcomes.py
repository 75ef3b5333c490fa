"""What became of each rule, with its violations and the places to show them at. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ...decision.document import Check, CheckStatus, Condition, Decision, Place, Severity, Violation, Waived
from ...terminal.figures import printable, requirement
from ..findings import by_code
from ..gemara.documents import DEPENDENCY, SUBJECT

SETTINGS = "gate.yaml"
"""Where a violation is shown that is about no file: CI systems drop what has no place."""

OWN = {"subject": SUBJECT, "dependency": DEPENDENCY}
"""What gate itself asks for, beside the rules: name in the code → title."""

_UNORDERED = (None, "∅", "⊇")


class Outcome(Struct, frozen=True):
    """One rule, or one thing that gate itself asks for, with everything that was found about it.

    Attributes:
        check: None for what gate itself asks for, such as that the stages before it passed.
        violations: those that are open; ``waived`` are those under a waiver.
    """

    code: str
    stage: str
    title: str
    check: Check | None
    violations: tuple[Violation, ...]
    waived: tuple[Waived, ...]
    conditions: tuple[Condition, ...]

    @property
    def name(self) -> str:
        """The code without the stage."""
        return self.code.removeprefix(f"{self.stage}.")

    @property
    def waits(self) -> bool:
        """Whether all that is wrong is that the stages before it did not pass, which is told about them."""
        return self.check is None and self.name == "dependency"

    @property
    def failed(self) -> bool:
        """Whether it does not hold, and nobody permitted that."""
        return bool(self.violations)

    @property
    def told(self) -> bool:
        """Whether all of its evidence could be judged."""
        return all(one.problem is None for one in self.violations)

    @property
    def skipped(self) -> str | None:
        """Why it is neither passed nor failed; None where it is one of these."""
        if self.failed:
            return None
        if self.waived:
            return "; ".join(waiver(one) for one in self.waived)
        status = self.check.status if self.check else CheckStatus.HOLDS
        if status in (CheckStatus.HOLDS, CheckStatus.WARNS):
            return None
        told = "; ".join(f"{one.msg} ({one.owner}, due {one.due[:10]})" for one in self.conditions)
        if self.check is not None and status is CheckStatus.PENDING:
            told = f"binds on {(self.check.effective_on or '')[:10]}"
        return printable(f"{status.value}: {told}".rstrip(": "))


def outcomes(decision: Decision) -> list[Outcome]:
    """Every rule of the decision in its order, then what gate itself asks for and does not hold."""
    violations, waived = by_code(decision.violations), by_code(decision.waived)
    conditions = by_code(decision.conditions)
    checks = {check.code: check for check in decision.checks}
    stages = {one.code: one.stage for one in decision.violations} | {c.code: c.stage for c in decision.checks}
    return [
        Outcome(
            code,
            stages[code],
            checks[code].title if code in checks else OWN.get(code.rpartition(".")[2], code),
            checks.get(code),
            tuple(violations[code]),
            tuple(waived[code]),
            tuple(conditions[code]),
        )
        for code in [*checks, *(code for code in stages if code not in checks)]
    ]


class Places:
    """Where a decision's violations are shown.

    Args:
        folder: what paths begin with, as in :class:`~gate.engine.terminal.lines.Screen`.
    """

    def __init__(self, decision: Decision, folder: str) -> None:
        self._folder = printable(folder)
        self._rules = {check.code for check in decision.checks}
        self._only = {
            one.id: one.files[0].path
            for one in decision.evidence
            if len(one.files) == 1 and not one.files[0].path.startswith("@")
        }

    def of(self, violation: Violation) -> Iterator[tuple[str, int | None]]:
        """Path and line of each offending place; of the evidence, or of the settings, where there is none."""
        places = violation.places
        if not places:
            evidence = violation.evidence if violation.code in self._rules else ()
            places = (Place(next((self._only[one] for one in evidence if one in self._only), SETTINGS)),)
        for place in places:
            path = printable(place.path)
            yield (f"{self._folder}/{path}" if self._folder else path), place.line or None


def message(violation: Violation) -> str:
    """The violation in a line: what is wrong, and the figure with its limit."""
    text = violation.msg
    if violation.operand is not None and violation.op not in _UNORDERED:
        v = violation
        text += f": {requirement(v.operand or '', v.op or '', v.actual, v.expected, v.unit)}"
    return printable(text)


def waiver(one: Waived) -> str:
    """Who permits the violation, until when and why, in a line."""
    until = f"waived until {one.effective_until[:10]} by {one.approver}"
    return printable(f"{until} ({one.waiver}, {one.reference}): {one.reason}: {one.msg}")


def weight(severity: Severity, *, waived: bool = False) -> str:
    """``error`` for what blocks, ``warning`` for what makes the verdict CONDITIONAL, ``note`` if waived."""
    return "note" if waived else "error" if severity.blocks else "warning"


def verdict_line(decision: Decision) -> str:
    """The verdict and how many rules hold, in a line."""
    subject = decision.subject
    commit = f" @ {subject.commit[:7]}" if subject.commit else ""
    holds = sum(check.status is CheckStatus.HOLDS for check in decision.checks)
    action = f", {decision.action}" if decision.action else ""
    counted = f"{holds} of {len(decision.checks)} rules hold"
    return printable(
        f"{decision.verdict.value} {decision.stage}{action}: {decision.workspace}{commit}, {counted}"
    )
