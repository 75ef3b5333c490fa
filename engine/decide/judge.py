"""The verdict rules: from what the policies answered to PASS, FAIL or CONDITIONAL. Pure.

No I/O, no clock, no policy engine: the same arguments always give the same result. Common to all stages:

* an unwaived CRITICAL or HIGH violation, a required fact that is missing or was rejected, a rule that cannot
  be told (unless the policy data are lenient about it), or a dependency that did not pass → FAIL;
* otherwise any MEDIUM or LOW violation, waived violation, condition or conditional dependency → CONDITIONAL;
* otherwise PASS.

A violation about absent or unknown evidence is at least HIGH, whatever its rule's severity, and cannot be
waived. A rule that was expected and not evaluated, or that contradicts itself, is an error, never a verdict.
Before its effective date a rule only warns; one that the profile in force leaves out is listed, not judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields, replace

from ...evidence.base.contracts import source_of
from ...evidence.base.errors import EngineError
from ...evidence.base.numbers import counted
from ...evidence.base.times import format_utc
from ...evidence.collecting.interface import Problem, ProblemKind
from ..decision.document import (
    Check,
    CheckStatus,
    Condition,
    FactValue,
    Figure,
    Notice,
    Operand,
    Severity,
    Verdict,
    Violation,
    Waived,
)
from ..decision.exhibit import Exhibit
from .answer import Answer, conftest_answer, evidence_violation, policy_error, refuse_unexpected, unjudgeable
from .conditions import DAY, of_rule, of_violation, overdue, settle, settled
from .facts import UNWAIVABLE, Facts, Problems, worst_of
from .model import Plan, Rule, Stage
from .tailoring import refuse_empty
from .waivers import Waiver

_FIGURE_UNITS = ("ppm", "us", "ms", "s", "cents", "micro")
_VIOLATION = tuple(one.name for one in fields(Violation))


class StageResult(Struct, frozen=True):
    """Everything judged about one stage."""

    stage: Stage
    verdict: Verdict
    checks: tuple[Check, ...] = ()
    violations: tuple[Violation, ...] = ()
    waived: tuple[Waived, ...] = ()
    conditions: tuple[Condition, ...] = ()
    warnings: tuple[Notice, ...] = ()
    figures: dict[str, Figure] = field(default_factory=dict)
    exhibits: dict[str, Exhibit] = field(default_factory=dict)
    has_evidence: bool = True


def judge(
    plan: Plan,
    wanted: Sequence[str],
    outputs: Mapping[str, Mapping[str, Any]],
    facts: Facts,
    waivers: Sequence[Waiver],
    now_s: int,
    odd_sources: Sequence[Problem] = (),
) -> dict[str, StageResult]:
    """Judge the wanted stages and everything they depend on, dependencies first.

    Args:
        wanted: stages asked for. A stage is judged in the same way whether it was asked for or only needed.
        outputs: package → rule name → value, from the policy engine.
        waivers: those that are valid at ``now_s``, the effective time (epoch seconds).
        odd_sources: why some of the judged sources cannot be judged; no stage holds then.

    Raises EngineError: an expected rule was not evaluated, or an answer is unexpected or contradicts itself;
    PolicyError: the profile in force leaves a stage without a rule.
    """
    results: dict[str, StageResult] = {}
    needed = plan.closure(tuple(wanted))
    ordered = sorted(waivers, key=lambda one: (one.id, one.effective_until, one.approver))
    refuse_empty(plan, needed)
    for name in needed:
        stage = plan.stages[name]
        judging = _Judging(plan, stage, outputs[stage.package], facts, ordered, now_s)
        if odd_sources:
            judging.violations.append(unjudgeable(stage, odd_sources))
        results[name] = judging.result(results)
    return results


def overall(results: Mapping[str, StageResult]) -> Verdict:
    """The worst verdict of several stages; FAIL where nothing was judged."""
    verdicts = {result.verdict for result in results.values()}
    if Verdict.FAIL in verdicts or not verdicts:
        return Verdict.FAIL
    return Verdict.CONDITIONAL if Verdict.CONDITIONAL in verdicts else Verdict.PASS


def action(plan: Plan, stage: str, verdict: Verdict, results: Mapping[str, StageResult]) -> str | None:
    """What the stage's parameters ask people to do after this verdict; None where they ask nothing.

    Raises EngineError: the parameter has no entry for this outcome.
    """
    table = plan.actions.get(stage)
    if table is None:
        return None
    found = (violation for result in results.values() for violation in result.violations)
    critical = any(violation.severity is Severity.CRITICAL for violation in found)
    key = "FAIL_CRITICAL" if verdict is Verdict.FAIL and critical else verdict.value
    if key not in table:
        what = f"the parameter {stage}_actions has no entry {key!r}"
        raise EngineError(what, path="gate/params/common/data.yaml", remedy="add it")
    return table[key]


class _Answered(Struct, frozen=True):
    """What became of one rule: its status, what it compared, and why its evidence decided instead of it."""

    status: CheckStatus
    operands: tuple[Operand, ...] = ()
    problems: Problems = field(default_factory=dict)


class _Judging(Struct):
    """Judges one stage; its parts come out in a stable order."""

    plan: Plan
    stage: Stage
    output: Mapping[str, Any]
    facts: Facts
    waivers: Sequence[Waiver]
    now_s: int
    violations: list[Violation] = field(default_factory=list)
    waived: list[Waived] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)

    def result(self, earlier: Mapping[str, StageResult]) -> StageResult:
        """Judge every rule and dependency of the stage."""
        refuse_unexpected(self.stage, self.output)
        checks = self._settled(tuple(self._check(rule) for rule in self.stage.rules), earlier)
        for name in self.stage.depends_on:
            self._dependency(name, earlier[name].verdict)
        if any(v.severity.blocks for v in self.violations):
            verdict = Verdict.FAIL
        elif self.violations or self.waived or self.conditions:
            verdict = Verdict.CONDITIONAL
        else:
            verdict = Verdict.PASS
        return StageResult(
            stage=self.stage,
            verdict=verdict,
            checks=checks,
            violations=tuple(sorted(self.violations, key=lambda v: v.key)),
            waived=tuple(sorted(self.waived, key=lambda w: w.key)),
            conditions=tuple(sorted(self.conditions, key=lambda c: (c.due, c.code, c.msg, c.owner))),
            warnings=tuple(sorted(self.warnings, key=lambda w: (w.code, w.msg))),
            figures=_figures(self.stage, self.facts),
            exhibits={
                fact: table
                for fact, columns in self.stage.exhibits
                if (table := Exhibit.of(self.facts.value(fact), columns)) is not None
            },
            has_evidence=any(self.facts.files.get(source, 0) for source in self.stage.rests_on),
        )

    def _check(self, rule: Rule) -> Check:
        start = rule.effective_on_s
        if not rule.selected:
            answered = _Answered(CheckStatus.LEFT_OUT)
        elif start is not None and self.now_s < start:
            answered = self._pending(rule, format_utc(start).removesuffix("T00:00:00Z"))
        else:
            answered = self._rule(rule)
        return Check(
            code=rule.code,
            stage=rule.stage,
            title=rule.title,
            severity=rule.severity,
            status=answered.status,
            operands=answered.operands,
            facts=tuple(FactValue(f, _scalar(self.facts.value(f)), source_of(f)) for f in rule.facts),
            solution=rule.solution,
            owner=rule.owner,
            controls=rule.controls,
            effective_on=None if start is None else format_utc(start),
            risk=rule.risk,
            problems=tuple(dict.fromkeys(one for found in answered.problems.values() for one in found)),
        )

    def _pending(self, rule: Rule, start: str) -> _Answered:
        """Judge a rule that does not bind yet: whatever it would report is a warning."""
        trial = _Judging(self.plan, self.stage, self.output, self.facts, (), self.now_s)
        answered = trial._rule(rule)
        found = [one.msg for one in trial.violations or trial.conditions]
        self.warnings += [
            *trial.warnings,
            *(Notice(rule.code, f"binds from {start}: {msg}") for msg in found),
        ]
        return replace(answered, status=CheckStatus.PENDING) if found else answered

    def _rule(self, rule: Rule) -> _Answered:
        problems = self.facts.problems_for(rule)
        if self.stage.conftest:
            return self._conftest(rule, problems)
        decisive = self.facts.decisive(rule, problems)
        if decisive:
            # of what else cannot be told, what a collector said and the policy data do not let pass
            strict = self.plan.on_unknown.get(rule.code, "fail") == "fail"
            more = {f: found for f, found in problems.items() if strict and self.facts.about(f)}
            problems = {**more, **decisive}
        # a policy cannot compare what is not there, so its check may then be undefined
        if decisive and self.output.get(f"check_{rule.short_name}") is None:
            return _Answered(self._unusable(rule, decisive), problems=problems)
        answer = Answer(self.stage, rule, self.output)
        reported = answer.violations()
        self.warnings += answer.warnings()
        if decisive:
            return _Answered(self._unusable(rule, decisive), answer.operands, problems)
        if answer.holds and problems:
            return _Answered(self._unknown(rule, problems), answer.operands, problems)
        conditions = answer.conditions()
        for stated in conditions:
            self._condition(rule, stated)
        status = CheckStatus.CONDITIONAL if conditions else CheckStatus.HOLDS
        for violation in reported:
            waived = self._report(violation)
            if status is not CheckStatus.VIOLATED:
                status = CheckStatus.WAIVED if waived else CheckStatus.VIOLATED
        return _Answered(status, answer.operands)

    def _conftest(self, rule: Rule, problems: Problems) -> _Answered:
        """Report what a rule for Conftest says of the files, and the files that it was not asked about."""
        found = conftest_answer(self.stage, rule, self.output, self.facts.value(rule.facts[0]) or ())
        self.warnings += found.notices
        waived = [self._report(violation) for violation in found.violations]
        if problems or found.problems:
            fact = rule.facts[0]
            problems = {fact: (*problems.get(fact, ()), *found.problems)}
            return _Answered(self._unusable(rule, problems), problems=problems)
        if waived:
            return _Answered(CheckStatus.WAIVED if all(waived) else CheckStatus.VIOLATED)
        if any(notice.code == rule.code for notice in found.notices):
            return _Answered(CheckStatus.WARNS)
        return _Answered(CheckStatus.EXCEPTED if found.notices else CheckStatus.HOLDS)

    def _unusable(self, rule: Rule, problems: Problems) -> CheckStatus:
        """Report facts that are missing, were rejected, or are null because they are unknown."""
        kind = worst_of(problems)
        if kind is ProblemKind.UNKNOWN:
            return self._unknown(rule, problems)
        self._unwaivable(evidence_violation(rule, kind, problems), kind)
        return CheckStatus.MISSING

    def _unknown(self, rule: Rule, problems: Problems) -> CheckStatus:
        """Report a rule that cannot be told, as the policy data ask for it."""
        violation = evidence_violation(rule, ProblemKind.UNKNOWN, problems)
        match self.plan.on_unknown.get(rule.code, "fail"):
            case "warn":
                self.warnings.append(Notice(rule.code, violation.msg))
            case "condition":
                self._condition(rule, {"msg": violation.msg})
            case _:
                self._unwaivable(violation, ProblemKind.UNKNOWN)
        return CheckStatus.UNKNOWN

    def _unwaivable(self, violation: Violation, kind: ProblemKind) -> None:
        """Count a violation about evidence as open, and say that waivers for its rule do not help."""
        self.violations.append(violation)
        for waiver in self._waivers(violation.code):
            what = f"waiver {waiver.id} has no effect: {UNWAIVABLE[kind]} cannot be waived"
            self.warnings.append(Notice(violation.code, what))

    def _waivers(self, code: str) -> list[Waiver]:
        return [one for one in self.waivers if one.code == code and self.stage.id in one.stages]

    def _condition(self, rule: Rule, stated: Mapping[str, str | None]) -> None:
        due = stated.get("due") or self._due(rule.severity)
        self.conditions.append(of_rule(rule, stated, due))

    def _settled(self, checks: tuple[Check, ...], earlier: Mapping[str, StageResult]) -> tuple[Check, ...]:
        """The checks, once closed conditions are gone and overdue ones have become violations."""
        known = (*checks, *(check for result in earlier.values() for check in result.checks))
        holding = {check.code for check in known if check.status is CheckStatus.HOLDS}
        self.conditions, due = settle(self.conditions, holding, self.now_s)
        rules = {rule.code: rule for rule in self.stage.rules}
        for condition in due:
            self._report(overdue(condition, rules[condition.code]))
        return settled(checks, self.violations, self.waived, self.conditions)

    def _due(self, severity: Severity) -> str:
        days = self.plan.due_days.get(severity.value)
        if days is None:
            raise policy_error(self.stage, f"condition_due_days has no entry for {severity.value}")
        try:
            return format_utc(self.now_s + days * DAY)
        except OverflowError as error:
            what = f"condition_due_days for {severity.value} leads beyond the year 9999"
            raise policy_error(self.stage, what) from error

    def _report(self, violation: Violation) -> bool:
        """Count a violation as waived or open. Returns whether it was waived."""
        for waiver in self._waivers(violation.code):
            if waiver.term in (None, violation.term):
                self.waived.append(
                    Waived(
                        **{name: getattr(violation, name) for name in _VIOLATION},
                        waiver=waiver.id,
                        reason=waiver.reason,
                        reference=waiver.reference,
                        approver=waiver.approver,
                        effective_until=waiver.effective_until,
                    )
                )
                what = f"Waived until {waiver.effective_until} ({waiver.id}): {violation.msg}"
                self.conditions.append(
                    of_violation(violation, what, waiver.author, waiver.effective_until, waiver.id)
                )
                return True
        self._open(violation)
        return False

    def _open(self, violation: Violation) -> None:
        self.violations.append(violation)
        if not violation.severity.blocks:
            owner = next((r.owner for r in self.stage.rules if r.code == violation.code), self.stage.id)
            subject = f"{violation.solution}" + (f" ({violation.term})" if violation.term else "")
            self.conditions.append(
                of_violation(violation, subject, owner, self._due(violation.severity), None)
            )

    def _dependency(self, name: str, verdict: Verdict) -> None:
        if verdict is Verdict.PASS:
            return
        conditional = verdict is Verdict.CONDITIONAL
        rule = self.stage.rule(
            "dependency",
            "The stages it depends on passed",
            Severity.MEDIUM if conditional else Severity.HIGH,
            f"Fulfil the conditions of {name}." if conditional else f"Make {name} pass first.",
        )
        what = f"{name} passed only under conditions" if conditional else f"{name} failed"
        compared = {"term": name, "operand": name, "op": "=", "expected": "PASS", "actual": verdict.value}
        self._open(rule.violation(what, **compared, evidence=tuple(self.plan.stages[name].evidence)))


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return counted(len(value), "entry")
    if isinstance(value, (list, tuple)):
        return counted(len(value), "item")
    return value


def _figures(stage: Stage, facts: Facts) -> dict[str, Figure]:
    figures = {}
    for name, fact in stage.headline:
        value = facts.value(fact)
        suffix = fact.rpartition("_")[2]
        unit = suffix if suffix in _FIGURE_UNITS else "count"
        scalar = value is None or isinstance(value, (int, str))
        figures[name] = Figure(value if scalar else len(value), unit, facts.scope(fact))
    return figures
