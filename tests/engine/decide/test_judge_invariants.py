"""The verdict rules as invariants over random plans, outputs, facts and waivers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gate.engine.decide.facts import Facts
from gate.engine.decide.judge import StageResult, judge
from gate.engine.decide.model import Rule
from gate.engine.decide.waivers import Waiver
from gate.engine.decision.document import Severity, Verdict, Violation

from .judging import NOW, ORDER, broken, holds, judge_one, plan, rule, stage, waiver

# --- invariants ------------------------------------------------------------------------------------------

RULES = [rule(f"r{n}", severity, facts=(f"c.f{n}",)) for n, severity in enumerate([*Severity, *Severity])]
OUTCOMES = st.sampled_from(["holds", "broken", "terms", "condition", "missing"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Rule], dict[str, str], list[Waiver]]:
    """Some rules, what became of each, and some waivers."""
    rules = draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=6, unique_by=lambda r: r.code))
    outcomes = {r.short_name: draw(OUTCOMES) for r in rules}
    codes = st.sampled_from([r.code for r in rules])
    ids = st.sampled_from(["W-1", "W-2", "W-3"])
    waivers = draw(st.lists(st.builds(waiver, codes, st.sampled_from([None, "s", "t"]), id_=ids), max_size=3))
    return rules, outcomes, waivers


def produce(outcomes: dict[str, str]) -> tuple[dict[str, Any], Facts]:
    """Engine output and facts for the outcomes."""
    output: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, outcome in outcomes.items():
        values[name.replace("r", "f")] = None if outcome == "missing" else 1
        if outcome in ("broken", "terms"):
            output |= broken(name, *(("s", "t") if outcome == "terms" else ()))
        else:
            output |= holds(name)
        if outcome == "condition":
            output[f"condition_{name}"] = [{"msg": "under a condition"}]
    return output, Facts({"c": values}, {}, {"e_one": 1})


def run(rules: Sequence[Rule], outcomes: dict[str, str], waivers: Sequence[Waiver]) -> StageResult:
    """Judge a situation."""
    output, found = produce(outcomes)
    return judge_one(rules, output, found, waivers)


@given(situations())
def test_pass_means_that_nothing_is_wrong(situation: tuple[list[Rule], dict[str, str], list[Waiver]]) -> None:
    """PASS exactly when every rule holds, unconditionally, on evidence that is there."""
    rules, outcomes, waivers = situation
    done = run(rules, outcomes, waivers)
    assert (done.verdict is Verdict.PASS) == (set(outcomes.values()) == {"holds"})
    assert done.verdict in ORDER
    assert len(done.checks) == len(rules)
    if "missing" in outcomes.values():
        assert done.verdict is Verdict.FAIL


@given(situations(), st.data())
def test_making_a_rule_worse_never_improves_the_verdict(
    situation: tuple[list[Rule], dict[str, str], list[Waiver]], data: st.DataObject
) -> None:
    """Replacing a rule that holds by anything else gives the same verdict or a worse one."""
    rules, outcomes, waivers = situation
    before = run(rules, outcomes, waivers).verdict
    name = data.draw(st.sampled_from(sorted(outcomes)))
    better = run(rules, {**outcomes, name: "holds"}, waivers).verdict
    assert ORDER.index(better) >= ORDER.index(before)


@given(situations())
def test_waivers_never_give_a_pass_and_never_make_it_worse(
    situation: tuple[list[Rule], dict[str, str], list[Waiver]],
) -> None:
    """A waiver can turn FAIL into CONDITIONAL at best; every violation stays visible."""
    rules, outcomes, waivers = situation
    without, with_ = run(rules, outcomes, []), run(rules, outcomes, waivers)
    assert ORDER.index(with_.verdict) >= ORDER.index(without.verdict)
    assert (with_.verdict is Verdict.PASS) == (without.verdict is Verdict.PASS)
    visible = [*with_.violations, *(w for w in with_.waived)]
    shown = [
        tuple(getattr(v, one.name) for one in structs.fields(Violation))
        for v in sorted(visible, key=lambda v: v.key)
    ]
    assert shown == [tuple(getattr(v, one.name) for one in structs.fields(v)) for v in without.violations]
    if with_.waived:
        assert with_.verdict is not Verdict.PASS


@given(situations(), st.randoms())
def test_the_order_of_inputs_does_not_matter(
    situation: tuple[list[Rule], dict[str, str], list[Waiver]], random: Any
) -> None:
    """Outputs, facts, results and waivers in another order give an identical result."""
    rules, outcomes, waivers = situation
    output, found = produce(outcomes)
    expected = judge_one(rules, output, found, waivers)

    def shuffled(items: Any) -> list[Any]:
        copied = list(items)
        random.shuffle(copied)
        return copied

    other = {
        name: shuffled(value) if isinstance(value, list) else value
        for name, value in shuffled(output.items())
    }
    mixed = Facts({"c": dict(shuffled(found.values["c"].items()))}, {}, found.files)
    assert judge_one(rules, other, mixed, shuffled(waivers)) == expected


@given(situations())
def test_judging_changes_nothing_it_was_given(
    situation: tuple[list[Rule], dict[str, str], list[Waiver]],
) -> None:
    """The judge is pure: its arguments are as before, and asking again gives the same."""
    rules, outcomes, waivers = situation
    output, found = produce(outcomes)
    before = copy.deepcopy((output, found.values))
    assert judge_one(rules, output, found, waivers) == judge_one(rules, output, found, waivers)
    assert (output, found.values) == before


@given(st.lists(OUTCOMES, min_size=4, max_size=4), st.sets(st.integers(0, 3)), st.permutations(range(4)))
def test_stages_fail_with_what_they_depend_on(outcomes: list[str], empty: set[int], order: list[int]) -> None:
    """In a chain a stage passes only if everything before it passed; the order asked in does not matter."""
    stages = [
        stage(f"s{n}", [rule("r", stage=f"s{n}", facts=(f"c.f{n}",))], (f"s{n - 1}",) if n else ())
        for n in range(4)
    ]
    chain = plan(*stages)
    outputs: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for n, outcome in enumerate(outcomes):
        values[f"f{n}"] = None if outcome == "missing" else 1
        bad = outcome in ("broken", "terms")
        outputs[f"gate.s{n}"] = broken("r", stage=f"s{n}") if bad else holds("r")
        if outcome == "condition":
            outputs[f"gate.s{n}"]["condition_r"] = [{"msg": "m"}]
    found = Facts({"c": values}, {}, {f"e_s{n}": 0 if n in empty else 1 for n in range(4)})
    done = judge(chain, ["s3"], outputs, found, [], NOW)
    assert list(done) == ["s0", "s1", "s2", "s3"]
    for n, current in enumerate(done.values()):
        if current.verdict is Verdict.PASS:
            assert all(done[f"s{m}"].verdict is Verdict.PASS for m in range(n))
        assert current.has_evidence == (n not in empty)
    wanted = [f"s{n}" for n in order]
    assert judge(chain, wanted, outputs, found, [], NOW) == done
