"""The engine's values: order of severities, what a stage needs."""

from __future__ import annotations

import itertools

from gate.engine.decide.model import Plan, Rule, Stage
from gate.engine.decision.document import Severity


def stage(name: str, depends_on: tuple[str, ...] = (), facts: tuple[str, ...] = ()) -> Stage:
    """A stage, with one rule when facts are given."""
    rule = Rule(
        f"{name}.r", name, "r", "deny", "Title", "Text", Severity.HIGH, "Mend it.", "owner", ("c",), facts
    )
    rules = (rule,) if facts else ()
    return Stage(name, "Title", "Well?", depends_on, (f"e_{name}",), rules, (("f", "h.z"),), f"gate.{name}")


def test_closure_puts_dependencies_first() -> None:
    """A plan knows what a stage needs, in an order in which dependencies come first."""
    stages = [stage("a"), stage("b", ("a",)), stage("c", ("a",)), stage("d", ("b", "c"))]
    plan = Plan({one.id: one for one in stages}, {}, (), 30, {})
    assert plan.closure(("d",)) == ("a", "b", "c", "d")
    assert plan.closure(("c",)) == ("a", "c")
    for wanted in itertools.permutations(("b", "c")):
        assert plan.closure(wanted) == ("a", "b", "c")


def test_a_stage_needs_the_collectors_of_rules_headline_and_evidence() -> None:
    """Whatever a stage names has to be collected for it."""
    assert stage("one", facts=("c.x", "d.y")).collectors == {"c", "d", "h", "e_one"}


def test_severities_have_an_order() -> None:
    """Heaviest first; the two heaviest block."""
    assert sorted(Severity, key=lambda severity: severity.rank) == ["CRITICAL", "HIGH", "MEDIUM", "LOW"]
    assert [severity for severity in Severity if severity.blocks] == [Severity.CRITICAL, Severity.HIGH]
