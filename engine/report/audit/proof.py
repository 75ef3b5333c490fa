"""The formal logic of each stage, and for each rule what it rests on, down to file, digest and line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from ...decision.document import (
    Check,
    CheckStatus,
    Decision,
    EvidenceSummary,
    Operand,
    Verdict,
    Violation,
    Waived,
)
from ...terminal.figures import coverage, figure, label, scale
from ..findings import Findings, exactly, first
from .model import Comparison, Gate, Mark, Rule, StageLogic
from .words import Text, say

MARKS = {
    CheckStatus.HOLDS: Mark("good", say("holds")),
    CheckStatus.VIOLATED: Mark("bad", say("does not hold")),
    CheckStatus.MISSING: Mark("bad", say("evidence is missing")),
    CheckStatus.UNKNOWN: Mark("warn", say("cannot be told")),
    CheckStatus.WAIVED: Mark("warn", say("waived")),
    CheckStatus.CONDITIONAL: Mark("warn", say("holds under conditions")),
    CheckStatus.PENDING: Mark("warn", say("not yet binding")),
    CheckStatus.LEFT_OUT: Mark("none", say("not in the profile")),
    CheckStatus.EXCEPTED: Mark("warn", say("excepted by the policies")),
    CheckStatus.WARNS: Mark("warn", say("holds with warnings")),
}
MOST = 20
"""Places and reasons shown of one rule; the rest is counted."""


def shown(value: Any, unit: str | None, other: Any = None) -> Text:
    """A value with its unit; words where it is no number."""
    if value is None:
        return say("not measured")
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, (list, tuple, dict)) and not value:
        return say("none")
    return figure(value, unit, other)


def compared(operand: Operand, *, evaluated: bool = True) -> Comparison:
    """An operand as the report shows it."""
    unit, actual, expected = scale(operand.name, operand.unit), operand.actual, operand.expected
    limit: Text = "" if operand.op == "∅" else shown(expected, unit, actual)
    op = "= ∅" if operand.op == "∅" else operand.op
    holds = operand.holds if evaluated else None
    return Comparison(label(operand.name), shown(actual, unit, expected), op, limit, holds)


def logic(decision: Decision, gates: Sequence[Gate]) -> tuple[StageLogic, ...]:
    """Every stage with its rules."""
    findings = Findings(decision)
    broken: dict[str, list[Violation]] = defaultdict(list)
    for violation in (*decision.violations, *decision.waived):
        broken[violation.code].append(violation)
    checks: dict[str, list[Rule]] = defaultdict(list)
    for check in decision.checks:
        checks[check.stage].append(_rule(decision, findings, check, broken[check.code]))
    return tuple(StageLogic(gate, tuple(checks[gate.id])) for gate in gates)


def _rule(decision: Decision, findings: Findings, check: Check, broken: Sequence[Violation]) -> Rule:
    sources = {fact.collector for fact in check.facts}
    places = [exactly(place) for violation in broken for place in violation.places]
    solutions = [violation.solution for violation in broken] or [check.solution]
    return Rule(
        code=check.code,
        title=check.title,
        severity=check.severity,
        mark=MARKS[check.status],
        operands=tuple(
            compared(one, evaluated=check.status is not CheckStatus.MISSING) for one in check.operands
        ),
        facts=tuple((fact.name, shown(fact.value, None)) for fact in check.facts),
        looked_at=tuple(filter(None, map(coverage, findings.scopes(check)))),
        evidence=tuple(_sorted(item, broken) for item in decision.evidence if item.id in sources),
        places=tuple(first(list(dict.fromkeys(places)), MOST)),
        reasons=tuple(first(list(dict.fromkeys(_reasons(decision, check, broken))), MOST)),
        solutions=() if check.status is CheckStatus.HOLDS else tuple(dict.fromkeys(solutions)),
        owner=check.owner,
        controls=check.controls,
        binds=check.effective_on or "",
    )


def _sorted(item: EvidenceSummary, broken: Sequence[Violation]) -> EvidenceSummary:
    """The evidence with the files first in which something is wrong, and the operator's own last."""
    named = {place.path for violation in broken for place in violation.places}
    return replace(
        item, files=tuple(sorted(item.files, key=lambda f: (f.path not in named, f.path.startswith("@"))))
    )


def _reasons(decision: Decision, check: Check, broken: Sequence[Violation]) -> Iterator[str]:
    for one in broken:
        text = f"{one.msg} [{one.term}]" if one.term and one.term not in one.msg else one.msg
        if isinstance(one, Waived):
            text = f"{text} ({one.waiver}, {one.approver}, {one.effective_until[:10]}: {one.reason})"
        yield text
    yield from (notice.msg for notice in decision.warnings if notice.code == check.code)
    for condition in decision.conditions:
        if condition.code == check.code and check.status is CheckStatus.CONDITIONAL:
            yield f"{condition.msg} ({condition.owner}, {condition.due[:10]})"


def gates(decision: Decision) -> tuple[Gate, ...]:
    """The stages with their places in the drawing: one column after those of all that they depend on."""
    stages, waiting = decision.stages, Findings(decision).waiting()
    columns: dict[str, int] = {}
    for name, stage in stages.items():  # dependencies come first
        columns[name] = 1 + max(
            (columns[other] for other in stage.depends_on if other in columns), default=-1
        )
    taken: dict[int, int] = defaultdict(int)
    found = []
    for name, stage in stages.items():
        checks = [check.status is CheckStatus.HOLDS for check in decision.checks if check.stage == name]
        row = taken[columns[name]]
        taken[columns[name]] += 1
        found.append(
            Gate(
                name, stage.title, stage.question, stage.verdict, stage.depends_on,
                tuple(waiting.get(name, ())), sum(checks), len(checks), columns[name], row,
            )
        )  # fmt: skip
    return tuple(found)


VERDICTS = {
    Verdict.PASS: Mark("good", say("passed")),
    Verdict.CONDITIONAL: Mark("warn", say("passed under conditions")),
    Verdict.FAIL: Mark("bad", say("failed")),
}
