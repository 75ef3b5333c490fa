"""Small plans, rule outputs and facts, and a judgement of them: shared by the tests of the verdict rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gate.engine.decide.facts import Facts
from gate.engine.decide.judge import StageResult, judge
from gate.engine.decide.model import Plan, Rule, Stage
from gate.engine.decide.waivers import Waiver
from gate.engine.decision.document import Severity, Verdict
from gate.evidence.base.times import parse_rfc3339
from gate.evidence.collecting.interface import Problem

NOW = parse_rfc3339("2025-11-07T12:00:00Z")
ORDER = [Verdict.FAIL, Verdict.CONDITIONAL, Verdict.PASS]
CRITICAL, HIGH, MEDIUM, LOW = Severity


def rule(name: str, severity: Severity = HIGH, stage: str = "one", facts: tuple[str, ...] = ("c.x",)) -> Rule:
    """A rule with plain texts."""
    return Rule(
        code=f"{stage}.{name}", stage=stage, short_name=name, kind="deny", title=f"Title {name}",
        description="Because.", severity=severity, solution=f"Fix {name}.", owner=f"owner_{name}",
        controls=("gate:x",), facts=facts,
    )  # fmt: skip


def stage(
    name: str,
    rules: Sequence[Rule],
    depends_on: tuple[str, ...] = (),
    headline: tuple[tuple[str, str], ...] = (),
) -> Stage:
    """A stage whose evidence comes from a collector of its own."""
    return Stage(
        name, name.title(), "Well?", depends_on, (f"e_{name}",), tuple(rules), headline, f"gate.{name}"
    )


def plan(*stages: Stage) -> Plan:
    """A plan with the usual common parameters."""
    return Plan(
        {s.id: s for s in stages}, {"CRITICAL": 3, "HIGH": 7, "MEDIUM": 14, "LOW": 30}, ("cto",), 30,
        {"one": {"PASS": "GO", "FAIL": "STOP", "FAIL_CRITICAL": "RUN", "CONDITIONAL": "WAIT"}},
    )  # fmt: skip


def operand(*, holds: bool, name: str = "x", **more: Any) -> dict[str, Any]:
    """One comparison."""
    return {"name": name, "op": "≥", "actual": 1, "expected": 2, "unit": "ppm", "holds": holds, **more}


def result(code: str, term: str | None = None, **more: Any) -> dict[str, Any]:
    """One reported violation."""
    found = {
        "code": code,
        "msg": f"{code} is broken",
        "operand": "x",
        "op": "≥",
        "expected": 2,
        "actual": 1,
        "unit": "ppm",
    }
    return {**found, **({} if term is None else {"term": term}), **more}


def holds(name: str) -> dict[str, Any]:
    """The output of a rule that holds."""
    return {f"check_{name}": {"holds": True, "operands": [operand(holds=True)]}, f"deny_{name}": []}


def broken(name: str, *terms: str, stage: str = "one") -> dict[str, Any]:
    """The output of a rule that does not, with one violation or one for each term."""
    found = [result(f"{stage}.{name}", term) for term in terms] or [result(f"{stage}.{name}")]
    return {f"check_{name}": {"holds": False, "operands": [operand(holds=False)]}, f"deny_{name}": found}


def facts(problems: Sequence[Problem] = (), files: dict[str, int] | None = None, **values: Any) -> Facts:
    """What was measured; ``c.x`` is there unless changed."""
    return Facts({"c": {"x": 1, **values}}, {"c": tuple(problems)}, files or {"e_one": 1, "e_two": 1})


def waiver(
    code: str, term: str | None = None, stages: tuple[str, ...] = ("one",), id_: str = "W-1"
) -> Waiver:
    """A valid waiver."""
    return Waiver(
        id_,
        code,
        term,
        stages,
        "known",
        "RISK-7",
        "dev@example.com",
        "cto@example.com",
        "2025-12-01T00:00:00Z",
    )


def judge_one(
    rules: Sequence[Rule], output: dict[str, Any], found: Facts | None = None, waivers: Sequence[Waiver] = ()
) -> StageResult:
    """Judge a plan of a single stage."""
    return judge(plan(stage("one", rules)), ["one"], {"gate.one": output}, found or facts(), waivers, NOW)[
        "one"
    ]
