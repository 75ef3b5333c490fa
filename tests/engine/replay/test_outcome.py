"""Outcomes of whatever facts: the same by every way, and comparable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.plan import make_plan
from gate.engine.decide.recorded import Recorded, Time
from gate.engine.policy import EngineOptions, open_engine
from gate.engine.policy.bundle import load_bundle
from gate.engine.replay.outcome import compare, of_decision
from gate.engine.replay.replacing import FACT, PARAMETER, Replacement, replace_facts
from gate.engine.replay.stored import EngineChoice, Judge
from gate.engine.replay.whatif import Case, Span, sweep, whatif
from gate.evidence.base.limits import DEFAULT

from ..conftest import COMMON, FIRST, LEAST, RULE

FACTS = ("coverage.line_ppm", "artifacts.found_ppm")
SHARES = st.integers(0, 1_000_000)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Case, Judge]]:
    """An empty workspace under the small bundle, and a judge with an engine that stays open."""
    import json

    from ..conftest import MANIFEST

    root = tmp_path_factory.mktemp("replay")
    files = {
        ".manifest": json.dumps(MANIFEST),
        FIRST: RULE.format(stage="stage1", fact=FACTS[0]),
        "gate/stage2/stage2.rego": RULE.format(stage="stage2", fact=FACTS[1]),
        "gate/params/stage1/data.yaml": LEAST,
        "gate/params/stage2/data.yaml": LEAST,
        "gate/params/common/data.yaml": COMMON,
    }
    for path, text in files.items():
        (root / "bundle" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "bundle" / path).write_text(text)
    (root / "workspace").mkdir()
    context = open_context(root / "workspace", root / "bundle")
    ids = service.collectors(context.plan, "stage2")
    recorded = service.observe(context, ids, "stage2", Time("2025-11-07T12:00:00Z", "clock"))
    choice = EngineChoice("embedded", DEFAULT, EngineOptions())
    with choice.over(context.bundle) as engine:
        yield Case(recorded, context.bundle, choice), Judge.over(context.bundle, engine)


def with_facts(recorded: Recorded, values: tuple[int | None, ...]) -> Recorded:
    """What was recorded, with the rules' facts as given; None leaves one unmeasured."""
    wanted = [Replacement(FACT, name, value) for name, value in zip(FACTS, values, strict=True)]
    return replace_facts(recorded, [one for one in wanted if one.value is not None])[0]


@given(st.tuples(st.none() | SHARES, st.none() | SHARES))
def test_a_bundle_against_itself_flips_nothing(
    case: tuple[Case, Judge], values: tuple[int | None, ...]
) -> None:
    """Whatever the facts: what a decision says is what judging again says, and has no difference."""
    known, judge = case
    recorded = with_facts(known.recorded, values)
    plan = make_plan(judge.bundle)
    decision = service.replay(judge.bundle, plan, recorded, recorded.setup.time, judge.engine(None))
    assert compare(of_decision(decision), judge.outcome(recorded)) is None
    assert of_decision(decision).verdict == decision.verdict


@settings(max_examples=max(settings.default.max_examples // 4, 1))  # each starts an engine
@given(SHARES, SHARES, st.integers(1, 200_000))
def test_a_sweep_turns_once_where_more_is_better(
    case: tuple[Case, Judge], other: int, first: int, step: int
) -> None:
    """More of what a rule wants at least of never turns a PASS into a FAIL."""
    known, _ = case
    span = Span(FACTS[0], range(first, first + 4 * step + 1, step))
    swept = sweep(known, span, [Replacement(FACT, FACTS[1], other)], 1)
    effects = [point.effects["stage1.amount"] for point in swept.points]
    assert effects == sorted(effects)
    assert [point.value >= 800_000 for point in swept.points] == [effect == "PASS" for effect in effects]
    assert all(point.verdict == "FAIL" for point in swept.points if point.effects["stage1.amount"] == "FAIL")


def test_a_stricter_threshold_never_passes_more(case: tuple[Case, Judge]) -> None:
    """The other way round for the threshold itself."""
    known, _ = case
    span = Span("stage1.least", range(400_000, 600_001, 100_000))
    swept = sweep(known, span, [Replacement(FACT, FACTS[0], 500_000), Replacement(FACT, FACTS[1], 1)], 1)
    assert [point.effects["stage1.amount"] for point in swept.points] == ["PASS", "PASS", "FAIL"]
    assert (swept.option, swept.unit, swept.actual) == (PARAMETER, "ppm", 800_000)


def test_weight_and_presence_of_rules_count(
    case: tuple[Case, Judge], make_bundle: Callable[..., Path], bundle_files: dict[str, str]
) -> None:
    """A rule that weighs less, and a stage that no longer depends on another, are loosened."""
    known, judge = case
    recorded = with_facts(known.recorded, (1, 900_000))
    lighter: Any = {FIRST: bundle_files[FIRST].replace("severity: HIGH", "severity: LOW")}
    free = bundle_files[".manifest"].replace('"depends_on": ["stage1"]', '"depends_on": []')
    for changes, code, after in (
        (lighter, "stage1.amount", "CONDITIONAL"),
        ({".manifest": free}, "stage1.amount", "no rule"),
    ):
        bundle = load_bundle(make_bundle(changes, name=after))
        with open_engine("embedded", bundle, DEFAULT) as engine:
            found = compare(judge.outcome(recorded), Judge.over(bundle, engine).outcome(recorded))
        assert found is not None and found.loosened
        flip = next(flip for flip in found.rules if flip.code == code)
        assert (flip.before, flip.after) == ("FAIL", after)


def test_only_the_given_fact_is_taken_for_measured(case: tuple[Case, Judge]) -> None:
    """The others of its collector stay missing, and their problems stay."""
    known, _ = case
    changed, [done] = replace_facts(known.recorded, [Replacement(FACT, FACTS[0], 5)])
    problems = {problem.fact for problem in changed.evidence["coverage"].problems}
    assert done.before is None
    assert "line_ppm" not in problems and "" not in problems
    assert "branch_ppm" in problems
    assert known.recorded.evidence["coverage"].facts["line_ppm"] is None


def test_a_replaced_fact_is_in_the_decision(case: tuple[Case, Judge]) -> None:
    """As a weakening, so that no output of it can look like what was seen."""
    known, _ = case
    found = whatif(known, [Replacement(FACT, FACTS[0], 5)])
    assert "hypothetical" in {one.code for one in found.decision.weakenings}
    assert "hypothetical" not in {one.code for one in found.actual.weakenings}
