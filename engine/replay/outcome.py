"""What a decision comes down to, rule by rule, and what differs between two outcomes of the same input. Pure.

A rule's effect is the verdict that it alone would give, so that a rule which is waived, weighs less, or is no
longer there counts as a difference, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...evidence.base.records import JsonRecord, to_json
from ..decide.judge import StageResult
from ..decision.document import Decision, Operand, Severity, Verdict

PASS, CONDITIONAL, FAIL = Verdict.PASS.value, Verdict.CONDITIONAL.value, Verdict.FAIL.value
ABSENT = "no rule"
"""The effect of a rule that a bundle does not have: it weighs as one that holds."""

_WEIGHT = {ABSENT: 0, PASS: 0, CONDITIONAL: 1, FAIL: 2}

Detail = dict[str, Any]
"""Of one rule: ``title``, ``severity``, ``status`` (None of what is no rule) and ``operands``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, those of its stages, the effect of each rule, and how to learn more about a rule.

    ``effects`` has rules in the order in which they were judged, and dependencies between stages.
    """

    verdict: str
    stages: dict[str, str]
    effects: dict[str, str]
    detail: Callable[[str], Detail] = field(repr=False, compare=False)


class RuleFlip(JsonRecord, frozen=True):
    """A rule whose effect differs: ``before`` and ``after`` are verdicts, or ``ABSENT``.

    Attributes:
        status_before, status_after: what became of the rule; None where it is absent, or no rule.
        operands: what it compares, afterwards; before, where it is no longer there.
        operands_before: what it compared before.
    """

    code: str
    title: str
    severity: str | None
    before: str
    after: str
    status_before: str | None
    status_after: str | None
    operands: tuple[Operand, ...]
    operands_before: tuple[Operand, ...]

    @property
    def loosened(self) -> bool:
        """Whether it demands less now."""
        return is_looser(self.before, self.after)


class Difference(JsonRecord, frozen=True):
    """What differs between two outcomes: verdicts as (before, after) by stage, and rules.

    ``before`` and ``after`` are None where only rules are known, and no verdict.
    """

    before: str | None
    after: str | None
    stages: Mapping[str, tuple[str, ...]]
    rules: tuple[RuleFlip, ...]

    @property
    def loosened(self) -> bool:
        """Whether anything demands less now."""
        pairs = [(self.before, self.after), *((was, now) for was, now in self.stages.values())]
        return any(is_looser(*pair) for pair in pairs) or any(rule.loosened for rule in self.rules)


def weight(effect: str | None) -> int:
    """How much an effect or verdict demands: 0 where it demands nothing, or is none."""
    return _WEIGHT.get(effect or ABSENT, 0)


def is_looser(before: str | None, after: str | None) -> bool:
    """Whether the second effect or verdict demands less than the first."""
    return weight(after) < weight(before)


def of_results(verdict: Verdict, results: Mapping[str, StageResult]) -> Outcome:
    """The outcome of what was judged just now."""
    judged = list(results.values())
    checks = {check.code: check for result in judged for check in result.checks}
    effects = _effects(
        checks,
        ((v.code, v.severity.blocks) for result in judged for v in result.violations),
        (one.code for result in judged for group in (result.waived, result.conditions) for one in group),
    )
    stages = {name: result.verdict.value for name, result in results.items()}

    def detail(code: str) -> Detail:
        return _detail(to_json(checks[code]) if code in checks else None)

    return Outcome(verdict.value, stages, effects, detail)


def of_decision(decision: Decision) -> Outcome:
    """The outcome of a decision."""
    return of_document(decision.to_json())


def of_document(document: Mapping[str, Any]) -> Outcome:
    """The outcome of a stored decision. Raises ValueError: it lacks what a decision has."""
    try:
        checks: dict[str, Any] = {check["code"]: check for check in document["checks"]}
        effects = _effects(
            checks,
            ((v["code"], Severity(v["severity"]).blocks) for v in document["violations"]),
            (one["code"] for name in ("waived", "conditions") for one in document[name]),
        )
        stages = {name: Verdict(stage["verdict"]).value for name, stage in document["stages"].items()}
        verdict = Verdict(document["verdict"]).value
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"the stored decision does not keep to its contract: {error!r}") from error
    return Outcome(verdict, stages, effects, lambda code: _detail(checks.get(code)))


def compare(before: Outcome, after: Outcome) -> Difference | None:
    """What differs; None where nothing does."""
    codes = [
        code
        for code in dict.fromkeys([*after.effects, *before.effects])
        if weight(before.effects.get(code, ABSENT)) != weight(after.effects.get(code, ABSENT))
    ]
    stages = {
        name: (was, after.stages[name])
        for name, was in before.stages.items()
        if after.stages.get(name, was) != was
    }
    if not codes and not stages and before.verdict == after.verdict:
        return None
    rules = tuple(_flip(code, before, after) for code in codes)
    return Difference(before.verdict, after.verdict, stages, rules)


def _effects(
    codes: Iterable[str], violations: Iterable[tuple[str, bool]], conditional: Iterable[str]
) -> dict[str, str]:
    effects = dict.fromkeys(codes, PASS)
    effects.update(dict.fromkeys(conditional, CONDITIONAL))
    for code, blocks in violations:
        effects[code] = FAIL if blocks or effects.get(code) == FAIL else CONDITIONAL
    return effects


def _detail(check: Mapping[str, Any] | None) -> Detail:
    names = ("title", "severity", "status")
    if check is None:
        return {**dict.fromkeys(names), "operands": []}
    return {**{name: check[name] for name in names}, "operands": check["operands"]}


def _flip(code: str, before: Outcome, after: Outcome) -> RuleFlip:
    old, new = before.detail(code), after.detail(code)
    shown = old if new["status"] is None else new
    return RuleFlip(
        code=code,
        title=shown["title"] or ("The stages it depends on passed" if code.endswith(".dependency") else code),
        severity=shown["severity"],
        # a dependency that no longer fails is not one that is gone
        before=before.effects.get(code, ABSENT if new["status"] else PASS),
        after=after.effects.get(code, ABSENT if old["status"] else PASS),
        status_before=old["status"],
        status_after=new["status"],
        operands=_operands(shown["operands"]),
        operands_before=_operands(old["operands"]),
    )


def _operands(items: Sequence[Mapping[str, Any]]) -> tuple[Operand, ...]:
    return tuple(Operand(**{**item, "terms": tuple(item["terms"])}) for item in items)
