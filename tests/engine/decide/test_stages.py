"""From a bundle to the plan: no rule forgotten, no fact misspelled."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.decide.plan import contract_has, make_plan
from gate.engine.decision.document import Severity
from gate.engine.policy.bundle import SHIPPED, load_bundle
from gate.engine.policy.interface import Bundle
from gate.evidence.base.errors import PolicyError

Load = Callable[..., Bundle]
STAGE1 = "gate/stage1/stage1.rego"


def refused(bundle: Bundle, depends_on: dict[str, tuple[str, ...]] | None = None) -> PolicyError:
    """The error about a bundle's plan; every one has a file and a remedy."""
    with pytest.raises(PolicyError) as caught:
        make_plan(bundle, depends_on)
    assert caught.value.path
    assert caught.value.remedy
    return caught.value


def test_the_plan_of_a_small_bundle(load: Load) -> None:
    """Stages, rules with their METADATA, and the common parameters."""
    plan = make_plan(load())
    assert list(plan.stages) == ["stage1", "stage2"]
    first = plan.stages["stage1"]
    assert (first.title, first.question, first.depends_on) == ("First", "Is there enough?", ())
    assert (first.evidence, first.headline) == (("coverage",), (("amount", "coverage.line_ppm"),))
    assert (first.package, first.collectors) == ("gate.stage1", {"coverage"})
    (rule,) = first.rules
    assert (rule.code, rule.short_name, rule.kind, rule.severity) == (
        "stage1.amount",
        "amount",
        "deny",
        Severity.HIGH,
    )
    assert (rule.title, rule.solution, rule.owner) == ("There is enough of it", "Make more of it.", "qa_lead")
    assert (rule.controls, rule.facts) == (("gate:stage1",), ("coverage.line_ppm",))
    assert plan.due_days == {"CRITICAL": 3, "HIGH": 7, "MEDIUM": 14, "LOW": 30}
    assert (plan.waiver_roles, plan.waiver_warning_days) == (("cto",), 30)
    assert plan.actions["stage2"]["FAIL_CRITICAL"] == "STOP_NOW"


def test_the_shipped_plan() -> None:
    """Eight stages in order, each rule with owner, solution and controls."""
    plan = make_plan(load_bundle(SHIPPED))
    assert list(plan.stages) == [f"stage{n}" for n in range(1, 9)]
    assert plan.closure(("stage8",)) == tuple(plan.stages)
    rules = [rule for stage in plan.stages.values() for rule in stage.rules]
    assert len({rule.code for rule in rules}) == len(rules) > 50
    assert set(plan.actions["stage8"]) == {"PASS", "FAIL", "FAIL_CRITICAL", "CONDITIONAL"}


# --- METADATA --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("# METADATA\n", "# METADTA\n", "the rule 'deny_amount' has no METADATA"),
        ("# title: There is enough of it\n", "", "the METADATA needs 'title' as a string"),
        ("# title: There is enough of it\n", "# title: ' '\n", "the METADATA needs 'title' as a string"),
        ("# title: There is enough of it\n", "# title: 7\n", "the METADATA needs 'title' as a string"),
        ("# description: The amount reaches the least amount.\n", "", "needs 'description' as a string"),
        ("#   short_name: amount\n", "#   short_name: amuont\n", "custom.short_name must be 'amount'"),
        ("#   short_name: amount\n", "", "the METADATA needs 'short_name' as a string"),
        ("#   severity: HIGH\n", "#   severity: SEVERE\n", "must be one of CRITICAL, HIGH, MEDIUM, LOW"),
        ("#   severity: HIGH\n", "#   severity: high\n", "custom.severity must be one of"),
        ("#   severity: HIGH\n", "", "custom.severity must be one of"),
        ("#   severity: HIGH\n", "#   severity: [HIGH]\n", "custom.severity must be one of"),
        ("#   solution: Make more of it.\n", "", "the METADATA needs 'solution' as a string"),
        ("#   owner: qa_lead\n", "", "the METADATA needs 'owner' as a string"),
        ("#   controls: [gate:stage1]\n", "", "the METADATA needs 'controls' as a list of strings"),
        ("#   controls: [gate:stage1]\n", "#   controls: []\n", "needs at least one of 'controls'"),
        ("#   facts: [coverage.line_ppm]\n", "#   facts: coverage.line_ppm\n", "needs 'facts' as a list"),
        ("#   facts: [coverage.line_ppm]\n", "#   facts: [1]\n", "needs 'facts' as a list of strings"),
        (
            "#   facts: [coverage.line_ppm]\n",
            "#   facts: [coverage.lines]\n",
            "the fact 'coverage.lines' is in no",
        ),
        ("#   facts: [coverage.line_ppm]\n", "#   facts: [coverage]\n", "the fact 'coverage' is in no"),
        (
            "#   facts: [coverage.line_ppm]\n",
            "#   facts: [weather.rain]\n",
            "the fact 'weather.rain' is in no",
        ),
        ("# custom:\n", "# costum:\n", "the METADATA has no 'custom' mapping"),
    ],
)
def test_incomplete_metadata(load: Load, bundle_files: dict[str, str], old: str, new: str, what: str) -> None:
    """Each gap or mistake in a rule's METADATA is named with file and line."""
    source = bundle_files[STAGE1]
    assert old in source
    error = refused(load({STAGE1: source.replace(old, new)}))
    assert what in error.what
    assert error.path == STAGE1
    assert error.place is not None
    assert error.place.startswith("line ")


def test_one_code_for_two_rules(load: Load, bundle_files: dict[str, str]) -> None:
    """``deny_amount`` and ``violation_amount`` would share a code."""
    source = bundle_files[STAGE1]
    second = source[source.index("# METADATA") :].replace("deny_amount", "violation_amount")
    error = refused(load({STAGE1: source + "\n" + second}))
    assert error.what == "the code 'stage1.amount' is used by two rules"
    assert error.path == STAGE1


def test_a_rule_in_two_bodies(load: Load, bundle_files: dict[str, str]) -> None:
    """A second body of the same rule under the same METADATA is the same rule."""
    source = bundle_files[STAGE1]
    body = source[source.index("# METADATA") :]
    assert len(make_plan(load({STAGE1: source + "\n" + body})).stages["stage1"].rules) == 1


def test_violation_rules_count(load: Load, bundle_files: dict[str, str]) -> None:
    """``violation_…`` reports like ``deny_…``."""
    plan = make_plan(load({STAGE1: bundle_files[STAGE1].replace("deny_amount", "violation_amount")}))
    assert plan.stages["stage1"].rules[0].kind == "violation"


def test_facts_used_in_rules_exist(load: Load, bundle_files: dict[str, str]) -> None:
    """A misspelled fact in the source is found, with its line, also in a helper; comments do not count."""
    source = (
        bundle_files[STAGE1] + "\n# input.facts.coverage.nonsense\nhelper := input.facts.coverage.line_pmm\n"
    )
    error = refused(load({STAGE1: source}))
    assert error.what == "the fact 'coverage.line_pmm' is in no collector's contract"
    assert (error.path, error.place) == (STAGE1, f"line {source.count(chr(10))}")


@pytest.mark.parametrize(
    ("reference", "what", "remedy"),
    [
        ("stage1.leest.value", "there is no parameter 'stage1.leest'", "did you mean 'least'?"),
        ("stage1.leest", "there is no parameter 'stage1.leest'", "did you mean 'least'?"),
        ("stage1.most.value", "there is no parameter 'stage1.most'", "add it"),
        ("stag1.least.value", "there is no parameter group 'stag1'", "did you mean 'stage1'?"),
        ("stag1", "there is no parameter group 'stag1'", "did you mean 'stage1'?"),
    ],
)
def test_parameters_used_in_rules_exist(
    load: Load, bundle_files: dict[str, str], reference: str, what: str, remedy: str
) -> None:
    """A misspelled parameter is found, with its line, also in a helper; comments do not count."""
    unused = "\n# data.gate.params.stage1.nonsense\nall_of_them := data.gate.params.stage1\n"
    source = bundle_files[STAGE1] + unused + f"helper := data.gate.params.{reference}\n"
    error = refused(load({STAGE1: source}))
    assert error.what == what
    assert (error.path, error.place) == (STAGE1, f"line {source.count(chr(10))}")
    assert str(error.remedy).startswith(remedy)


def test_a_misspelled_parameter_of_the_shipped_bundle(tmp_path: Path) -> None:
    """A copy of the shipped bundle with one letter less is refused where the letter is missing."""
    shutil.copytree(SHIPPED, tmp_path / "bundle")
    [module] = [
        path
        for path in (tmp_path / "bundle/gate/stage7").glob("*.rego")
        if "stage7.fill_rate_min" in path.read_text() and "_test" not in path.name
    ]
    module.write_text(module.read_text().replace("stage7.fill_rate_min", "stage7.fil_rate_min"))
    error = refused(load_bundle(tmp_path / "bundle"))
    assert error.what == "there is no parameter 'stage7.fil_rate_min'"
    assert error.path == f"gate/stage7/{module.name}"
    assert "did you mean 'fill_rate_min'?" in str(error.remedy)


@pytest.mark.parametrize("place", ["metadata", "reference", "headline", "evidence"])
def test_a_fact_of_a_plugin_that_is_not_installed(
    load: Load, bundle_files: dict[str, str], manifest: dict[str, Any], place: str
) -> None:
    """The remedy says that the plug-in may have to be installed."""
    stage = manifest["metadata"]["stages"]["stage1"]
    source = bundle_files[STAGE1]
    if place == "metadata":
        source = source.replace("facts: [coverage.line_ppm]", "facts: [changelog.unreleased]")
    elif place == "reference":
        source += "\nhelper := input.facts.changelog.unreleased\n"
    elif place == "headline":
        stage["headline"] = {"x": "changelog.unreleased"}
    else:
        stage["evidence"] = ["changelog"]
    remedy = str(refused(load({STAGE1: source, ".manifest": json.dumps(manifest)})).remedy)
    assert "or install the plug-in that brings the collector 'changelog'" in remedy


def test_a_misspelled_fact_of_our_own_needs_no_plugin(load: Load, bundle_files: dict[str, str]) -> None:
    """Its collector is there; the nearest name is offered."""
    remedy = str(
        refused(load({STAGE1: bundle_files[STAGE1] + "\nx := input.facts.coverage.line_pm\n"})).remedy
    )
    assert "plug-in" not in remedy
    assert "gate docs collectors" in remedy


@pytest.mark.parametrize(
    ("fact", "known"),
    [
        ("coverage.line_ppm", True), ("paper.latency.p50_us", True), ("rollback.drill.logs_archived", True),
        ("stage_tests.stages.stage6.tests", True), ("coverage", False), ("coverage.", False), ("", False),
        ("coverage.line_ppm.deeper", False), ("nothing.at_all", False), ("../files/signoff.stage", False),
    ],
)  # fmt: skip
def test_contract_has(fact: str, known: bool) -> None:
    """Facts are looked up in their collector's contract, through references and alternatives."""
    assert contract_has(fact) is known


# --- manifest --------------------------------------------------------------------------------------------


def change(manifest: dict[str, Any], stage: str | None, **fields: Any) -> dict[str, str]:
    """The manifest with fields of a stage changed; ``...`` removes one."""
    target = manifest["metadata"]["stages"][stage] if stage else manifest["metadata"]
    for name, value in fields.items():
        if value is ...:
            del target[name]
        else:
            target[name] = value
    return {".manifest": json.dumps(manifest)}


@pytest.mark.parametrize(
    ("stage", "fields", "what"),
    [
        (None, {"stages": ...}, "the manifest lists no stages"),
        (None, {"stages": {}}, "the manifest lists no stages"),
        (None, {"stages": ["stage1"]}, "the manifest lists no stages"),
        (None, {"stages": {"stage1": []}}, "must be a lower-case name with a mapping"),
        ("stage1", {"rules": []}, "has no rules, so it would pass without judging anything"),
        ("stage1", {"rules": ...}, "the stage 'stage1' needs 'rules' as a list of strings"),
        ("stage1", {"rules": "stage1.amount"}, "needs 'rules' as a list of strings"),
        ("stage1", {"rules": ["stage1.amount", "stage1.amount"]}, "the stage 'stage1' lists a rule twice"),
        ("stage1", {"rules": ["stage1.amuont"]}, "the rule 'stage1.amuont' of the manifest is in no module"),
        ("stage1", {"rules": ["stage2.amount"]}, "the rule 'stage2.amount' belongs to another stage"),
        ("stage1", {"depends_on": ["stage9"]}, "depends on 'stage9', which does not exist"),
        ("stage1", {"depends_on": ["stage2"]}, "in a circle: stage1 → stage2 → stage1"),
        ("stage1", {"depends_on": ["stage1"]}, "in a circle: stage1 → stage1"),
        ("stage1", {"depends_on": "stage2"}, "needs 'depends_on' as a list of strings"),
        ("stage1", {"evidence": [1]}, "needs 'evidence' as a list of strings"),
        ("stage1", {"title": ...}, "the stage 'stage1' needs a title and a question"),
        ("stage1", {"question": 7}, "the stage 'stage1' needs a title and a question"),
        ("stage1", {"headline": []}, "needs 'headline' as a mapping"),
        ("stage1", {"headline": {"x": "coverage.lines"}}, "names the unknown fact 'coverage.lines'"),
        ("stage1", {"headline": {"x": 7}}, "names the unknown fact 7"),
        ("stage1", {"exhibits": ["coverage.packages"]}, "needs 'exhibits' as a mapping"),
        ("stage1", {"exhibits": {"coverage.packages": []}}, "needs 'exhibits' as a mapping"),
        ("stage1", {"exhibits": {"coverage.packages": ["nmae"]}}, "has no column 'nmae' in its contract"),
        ("stage1", {"exhibits": {"coverage.packages": [7]}}, "has no column 7 in its contract"),
        ("stage1", {"exhibits": {"coverage.pakages": ["name"]}}, "the exhibit 'coverage.pakages' of"),
        ("stage1", {"evidence": ["covrage"]}, "names the unknown collector 'covrage'"),
    ],
)  # fmt: skip
def test_bad_manifests(
    load: Load, manifest: dict[str, Any], stage: str | None, fields: dict[str, Any], what: str
) -> None:
    """Each mistake in the manifest's stages is named."""
    error = refused(load(change(manifest, stage, **fields)))
    assert what in error.what
    assert error.path == ".manifest"


def test_a_stage_name_that_is_no_name(load: Load, manifest: dict[str, Any]) -> None:
    """Stage names become package names and JSON keys."""
    manifest["metadata"]["stages"]["Stage 1"] = manifest["metadata"]["stages"].pop("stage1")
    assert "'Stage 1' must be a lower-case name" in refused(load({".manifest": json.dumps(manifest)})).what


def test_a_rule_that_no_stage_lists(load: Load, bundle_files: dict[str, str]) -> None:
    """A rule nobody expects would never be missed."""
    source = bundle_files[STAGE1]
    extra = source[source.index("# METADATA") :].replace("amount", "other")
    error = refused(load({STAGE1: source + "\n" + extra}))
    assert error.what == "the rule 'stage1.other' is in no stage of the manifest"


def test_stages_are_ordered_by_dependency(load: Load, manifest: dict[str, Any]) -> None:
    """Dependencies come first, wherever the manifest lists them."""
    stages = manifest["metadata"]["stages"]
    manifest["metadata"]["stages"] = {"stage2": stages["stage2"], "stage1": stages["stage1"]}
    assert list(make_plan(load({".manifest": json.dumps(manifest)})).stages) == ["stage1", "stage2"]


def test_a_workspace_may_change_dependencies(load: Load) -> None:
    """gate.yaml's dependencies replace the manifest's; a stage that is not there, or a circle, is refused."""
    bundle = load()
    assert make_plan(bundle, {"stage2": ()}).stages["stage2"].depends_on == ()
    assert make_plan(bundle, {"stage2": ("stage1",)}).stages["stage2"].depends_on == ("stage1",)
    assert "gate.yaml describes the stage 'stage7'" in refused(bundle, {"stage7": ()}).what
    assert "in a circle" in refused(bundle, {"stage1": ("stage2",)}).what


def test_a_fact_that_a_check_uses_is_declared_by_its_rule(load: Load, bundle_files: dict[str, str]) -> None:
    """An undeclared fact could be unmeasured unnoticed: it is refused, unless it is declared optional."""
    text = bundle_files[STAGE1].replace(
        'check_amount := {"holds": enough,', 'check_amount := {"holds": input.facts.coverage.covered > 1,'
    )
    found = refused(load({STAGE1: text}))
    assert "'coverage.covered', which its rule does not declare" in found.what
    assert found.path == STAGE1
    assert found.place is not None and found.place.startswith("line ")
    optional = text.replace("#   facts: [", "#   optional_facts: [coverage.covered]\n#   facts: [")
    assert make_plan(load({STAGE1: optional})).stages["stage1"].rules[0].facts == ("coverage.line_ppm",)
