"""The verdict rules: from what the policies said to PASS, FAIL or CONDITIONAL. Pure.

No I/O, no clock, no policy engine: the same arguments always give the same result. The rules, common to all
stages:

* a required fact that was not measured (a violation that is at least HIGH, whatever its rule's severity), an
  unwaived CRITICAL or HIGH violation, or a dependency that did not pass → FAIL;
* otherwise any MEDIUM or LOW violation, waived violation, condition or conditional dependency → CONDITIONAL;
* otherwise PASS.

A rule that was expected and not evaluated, or that contradicts itself, is an error, never a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from ...evidence.base.canonical import canonical
from ...evidence.base.contracts import source_of
from ...evidence.base.errors import EngineError, InternalError
from ...evidence.base.times import format_utc
from .model import (
    Check,
    CheckStatus,
    Condition,
    Plan,
    Rule,
    Severity,
    Stage,
    StageResult,
    Verdict,
    Violation,
    Waived,
)

DAY = 86_400
_OPERAND = {"name", "op", "actual", "expected", "unit", "holds"}
_OPERATORS = {"≥", ">", "≤", "<", "=", "⊇", "∅"}
_FIGURE_UNITS = ("ppm", "us", "ms", "s", "cents", "micro")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the judge may look at.

    Attributes:
        values: collector → facts, as the policies saw them.
        missing: dotted fact → (reason, remedy), for facts that are null.
        files: collector → number of files, and of outputs of commands, that its evidence came from.
    """

    values: Mapping[str, Mapping[str, Any]]
    missing: Mapping[str, tuple[str, str]]
    files: Mapping[str, int]

    def value(self, fact: str) -> Any:
        """The fact's value, None where it was not measured."""
        value: Any = self.values
        for part in fact.split("."):
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return value

    def has(self, fact: str) -> bool:
        """Whether there is such a fact, measured or not. A name within a map of facts may be absent."""
        value: Any = self.values
        for part in fact.split("."):
            if value is None:
                return True  # a part of something that was not measured
            if not isinstance(value, Mapping) or part not in value:
                return False
            value = value[part]
        return True

    def reason(self, fact: str) -> tuple[str, str]:
        """Why a fact was not measured and what to do: said of it, or of what it is a part of."""
        while fact and fact not in self.missing:
            fact = fact.rpartition(".")[0]
        return self.missing.get(fact, ("it was not measured", ""))


@dataclass(frozen=True, slots=True)
class Waiver:
    """A permission found valid at the effective time, for ``stages`` and one rule code (and term)."""

    id: str
    code: str
    term: str | None
    stages: tuple[str, ...]
    reason: str
    reference: str
    author: str
    approver: str
    effective_until: str


def judge(
    plan: Plan,
    wanted: Sequence[str],
    outputs: Mapping[str, Mapping[str, Any]],
    facts: Facts,
    waivers: Sequence[Waiver],
    now_s: int,
) -> dict[str, StageResult]:
    """Judge the wanted stages and everything they depend on, dependencies first.

    Args:
        plan: stages and rules.
        wanted: stages asked for. A stage is judged in the same way whether it was asked for or only needed.
        outputs: package → rule name → value, from the policy engine.
        facts: the facts the policies saw.
        waivers: waivers that are valid at ``now_s``.
        now_s: the effective time, epoch seconds.

    Raises:
        EngineError: an expected rule was not evaluated, reported without being expected, or contradicts
            itself.
    """
    results: dict[str, StageResult] = {}
    for name in plan.closure(tuple(wanted)):
        stage = plan.stages[name]
        output = outputs[stage.package]
        results[name] = _Judging(plan, stage, output, facts, waivers, now_s).result(results)
    return results


def overall(results: Mapping[str, StageResult]) -> Verdict:
    """One answer for several stages: FAIL before CONDITIONAL before PASS; FAIL where nothing was judged."""
    verdicts = {result.verdict for result in results.values()}
    if Verdict.FAIL in verdicts or not verdicts:
        return Verdict.FAIL
    return Verdict.CONDITIONAL if Verdict.CONDITIONAL in verdicts else Verdict.PASS


def action(plan: Plan, stage: str, verdict: Verdict, results: Mapping[str, StageResult]) -> str | None:
    """What the stage's parameters ask people to do after this verdict; None where they ask nothing."""
    table = plan.actions.get(stage)
    if table is None:
        return None
    critical = any(
        violation.severity is Severity.CRITICAL for r in results.values() for violation in r.violations
    )
    key = "FAIL_CRITICAL" if verdict is Verdict.FAIL and critical else verdict.value
    if key not in table:
        raise EngineError(
            f"the parameter {stage}_actions has no entry {key!r}",
            path="gate/params/common/data.yaml",
            remedy="add it",
        )
    return table[key]


class _Judging:
    """One stage being judged; collects its parts in a stable order."""

    def __init__(
        self,
        plan: Plan,
        stage: Stage,
        output: Mapping[str, Any],
        facts: Facts,
        waivers: Sequence[Waiver],
        now_s: int,
    ) -> None:
        self.plan = plan
        self.stage = stage
        self.output = output
        self.facts = facts
        self.waivers = sorted(
            (w for w in waivers if stage.id in w.stages), key=lambda w: (w.id, w.effective_until, w.approver)
        )
        self.now_s = now_s
        self.violations: list[Violation] = []
        self.waived: list[Waived] = []
        self.conditions: list[Condition] = []
        self.warnings: list[dict[str, str]] = []

    def result(self, earlier: Mapping[str, StageResult]) -> StageResult:
        """Judge every rule and dependency of the stage."""
        self._refuse_unexpected()
        checks = tuple(self._rule(rule) for rule in self.stage.rules)
        for name in self.stage.depends_on:
            self._dependency(name, earlier[name].verdict)
        self.violations.sort(key=lambda violation: violation.key)
        self.conditions.sort(key=lambda c: (c.due, c.code, c.msg, c.owner))
        self.warnings.sort(key=lambda warning: (warning["code"], warning["msg"]))
        self.waived.sort(key=lambda waived: waived.violation.key)
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
            violations=tuple(self.violations),
            waived=tuple(self.waived),
            conditions=tuple(self.conditions),
            warnings=tuple(self.warnings),
            figures=_figures(self.stage, self.facts),
            has_evidence=any(self.facts.files.get(source, 0) for source in self.stage.rests_on),
        )

    def _refuse_unexpected(self) -> None:
        expected = {rule.short_name for rule in self.stage.rules}
        for name in sorted(self.output):
            prefix, _, short = name.partition("_")
            if prefix in ("deny", "violation", "condition", "warn", "check") and short not in expected:
                raise self._error(f"the rule {name!r} reported, but the manifest does not expect it")

    def _error(self, what: str) -> EngineError:
        return EngineError(
            what, path=f"package {self.stage.package}", remedy="correct the policy bundle; this is no verdict"
        )

    def _rule(self, rule: Rule) -> Check:
        check = self.output.get(f"check_{rule.short_name}")
        undeclared = [fact for fact in rule.facts if not self.facts.has(fact)]
        if check is None and undeclared:
            # nobody said where a value by this name comes from, so no policy can compare it
            self.violations.append(self._missing(rule, undeclared))
            return Check(rule, CheckStatus.MISSING, ())
        if not isinstance(check, Mapping) or not isinstance(check.get("holds"), bool):
            raise self._error(
                f"the rule {rule.code!r} was not evaluated: check_{rule.short_name} is undefined"
            )
        operands = check.get("operands")
        if not isinstance(operands, list) or not operands:
            raise self._error(f"the rule {rule.code!r} compared nothing")
        for operand in operands:
            self._check_operand(rule, operand)
        self._check_answer(rule, check["holds"], operands)
        self.warnings += [self._message(rule, item) for item in self._results(rule, "warn")]
        absent = [fact for fact in rule.facts if self.facts.value(fact) is None]
        if absent:
            self.violations.append(self._missing(rule, absent))
            return Check(rule, CheckStatus.MISSING, tuple(operands))
        reported = self._results(rule, rule.kind)
        conditions = self._results(rule, "condition")
        if check["holds"] and reported:
            raise self._error(f"the rule {rule.code!r} holds and reports a violation at once")
        if not check["holds"] and not reported:
            raise self._error(f"the rule {rule.code!r} does not hold but reports nothing")
        self.conditions += [self._condition(rule, item) for item in conditions]
        status = CheckStatus.CONDITIONAL if conditions else CheckStatus.HOLDS
        for item in reported:
            waived = self._report(self._violation(rule, item))
            if status is not CheckStatus.VIOLATED:
                status = CheckStatus.WAIVED if waived else CheckStatus.VIOLATED
        return Check(rule, status, tuple(operands))

    def _results(self, rule: Rule, prefix: str) -> list[Any]:
        name = f"{prefix}_{rule.short_name}"
        results = self.output.get(name, [])
        if not isinstance(results, list):
            raise self._error(f"the rule {name!r} is not a set of results")
        for item in results:
            self._check_value(rule, item)
        return results

    def _check_value(self, rule: Rule, value: Any) -> None:
        try:
            canonical(value)
        except InternalError as error:
            raise self._error(f"the rule {rule.code!r} gives what no decision can carry: {error}") from error

    def _check_operand(self, rule: Rule, operand: Any) -> None:
        self._check_value(rule, operand)
        if not isinstance(operand, Mapping) or not _OPERAND <= operand.keys() <= _OPERAND | {"terms"}:
            raise self._error(
                f"an operand of {rule.code!r} does not have exactly {', '.join(sorted(_OPERAND))}"
            )
        terms = operand.get("terms", [])
        texts = [
            operand["name"],
            operand["op"],
            operand["unit"],
            *(terms if isinstance(terms, list) else [None]),
        ]
        if not all(isinstance(text, str) for text in texts) or not isinstance(operand["holds"], bool):
            raise self._error(f"an operand of {rule.code!r} has a field of the wrong type")
        if operand["op"] not in _OPERATORS:
            raise self._error(f"an operand of {rule.code!r} compares by {operand['op']!r}")

    def _check_answer(self, rule: Rule, holds: bool, operands: Sequence[Mapping[str, Any]]) -> None:
        """A rule holds when all of its operands do, and only then."""
        broken = [repr(operand["name"]) for operand in operands if not operand["holds"]]
        if holds and broken:
            raise self._error(f"the rule {rule.code!r} holds although its operand {broken[0]} does not")
        if not holds and not broken:
            names = ", ".join(repr(operand["name"]) for operand in operands)
            raise self._error(f"the rule {rule.code!r} does not hold although every operand does: {names}")

    def _message(self, rule: Rule, item: Any) -> dict[str, str]:
        if not isinstance(item, Mapping) or not isinstance(item.get("msg"), str):
            raise self._error(f"a result of {rule.code!r} has no message")
        return {"code": rule.code, "msg": item["msg"]}

    def _violation(self, rule: Rule, item: Any) -> Violation:
        message = self._message(rule, item)["msg"]
        if item.get("code") != rule.code:
            raise self._error(f"a result of {rule.code!r} carries the code {item.get('code')!r}")
        if not all(isinstance(item.get(name), (str, NoneType)) for name in ("operand", "op", "unit", "term")):
            raise self._error(f"a result of {rule.code!r} has a field of the wrong type")
        return Violation(
            code=rule.code,
            msg=message,
            severity=rule.severity,
            stage=rule.stage,
            operand=item.get("operand"),
            op=item.get("op"),
            expected=item.get("expected"),
            actual=item.get("actual"),
            unit=item.get("unit"),
            term=item.get("term"),
            solution=rule.solution,
            evidence=_collectors(rule),
        )

    def _missing(self, rule: Rule, absent: list[str]) -> Violation:
        reasons = [self.facts.reason(fact) for fact in absent]
        distinct = list(dict.fromkeys(reason for reason, _ in reasons))
        remedies = list(dict.fromkeys(remedy for _, remedy in reasons if remedy))
        return Violation(
            code=rule.code,
            msg=f"No evidence: {'; '.join(distinct)}",
            severity=rule.severity if rule.severity.blocks else Severity.HIGH,
            raised_from=None if rule.severity.blocks else rule.severity,
            stage=rule.stage,
            operand=None,
            op=None,
            expected=f"measured: {', '.join(absent)}",
            actual=None,
            unit=None,
            term=None,
            solution="; ".join(remedies) or rule.solution,
            evidence=_collectors(rule),
            missing=True,
        )

    def _condition(self, rule: Rule, item: Any) -> Condition:
        message = self._message(rule, item)
        owner, due = item.get("owner"), item.get("due")
        return Condition(
            code=rule.code,
            msg=message["msg"],
            stage=rule.stage,
            owner=owner if isinstance(owner, str) and owner else rule.owner,
            due=due if isinstance(due, str) and due else self._due(rule.severity),
        )

    def _due(self, severity: Severity) -> str:
        days = self.plan.due_days.get(severity.value)
        if days is None:
            raise self._error(f"condition_due_days has no entry for {severity.value}")
        try:
            return format_utc(self.now_s + days * DAY)
        except OverflowError as error:
            raise self._error(
                f"condition_due_days for {severity.value} leads beyond the year 9999"
            ) from error

    def _report(self, violation: Violation) -> bool:
        """File a violation as waived or open; whether it was waived."""
        for waiver in self.waivers:
            if waiver.code == violation.code and waiver.term in (None, violation.term):
                self.waived.append(
                    Waived(
                        violation,
                        waiver.id,
                        waiver.reason,
                        waiver.reference,
                        waiver.approver,
                        waiver.effective_until,
                    )
                )
                what = f"Waived until {waiver.effective_until} ({waiver.id}): {violation.msg}"
                self.conditions.append(
                    Condition(violation.code, what, violation.stage, waiver.author, waiver.effective_until)
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
                Condition(violation.code, subject, violation.stage, owner, self._due(violation.severity))
            )

    def _dependency(self, name: str, verdict: Verdict) -> None:
        if verdict is Verdict.PASS:
            return
        conditional = verdict is Verdict.CONDITIONAL
        reason = f"{name} passed only under conditions" if conditional else f"{name} failed"
        self._open(
            Violation(
                code=f"{self.stage.id}.dependency",
                msg=reason,
                severity=Severity.MEDIUM if conditional else Severity.HIGH,
                stage=self.stage.id,
                operand=name,
                op="=",
                expected=Verdict.PASS.value,
                actual=verdict.value,
                unit=None,
                term=name,
                solution=f"Fulfil the conditions of {name}." if conditional else f"Make {name} pass first.",
                evidence=tuple(self.plan.stages[name].evidence),
            )
        )


def _collectors(rule: Rule) -> tuple[str, ...]:
    return tuple(dict.fromkeys(source_of(fact) for fact in rule.facts))


def _figures(stage: Stage, facts: Facts) -> dict[str, dict[str, Any]]:
    figures = {}
    for name, fact in stage.headline:
        value = facts.value(fact)
        suffix = fact.rpartition("_")[2]
        unit = suffix if suffix in _FIGURE_UNITS else "count"
        scalar = value is None or isinstance(value, (int, str))
        figures[name] = {"value": value if scalar else len(value), "unit": unit}
    return figures
