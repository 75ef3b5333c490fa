"""A bundle's parameters are what their units say, or the bundle is refused before anything is judged."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.engine.decide.plan import make_plan
from gate.engine.policy.bundle import SHIPPED, load_bundle
from gate.engine.policy.interface import Bundle
from gate.evidence.base.errors import PolicyError

Load = Callable[..., Bundle]
COMMON = "gate/params/common/data.yaml"
LEAST = "least: {value: 800000, unit: ppm, rationale: as agreed}\n"


def refused(bundle: Bundle) -> PolicyError:
    """The error about a bundle's parameters; every one has a file and a remedy."""
    with pytest.raises(PolicyError) as caught:
        make_plan(bundle)
    assert caught.value.path
    assert caught.value.remedy
    return caught.value


def entry(name: str, value: str, unit: str) -> str:
    """One parameter as YAML, in one line."""
    return f"{name}: {{value: {value}, unit: {unit}, rationale: as agreed}}\n"


DAYS = entry("condition_due_days", "{LOW: 1}", "map of days")
WARNING = entry("waiver_expiry_warning_days", "1", "days")
ROLES = entry("waiver_approver_roles", "[cto]", "list") + WARNING
MAP_OF_DAYS = "'condition_due_days' has the unit 'map of days'"
ACTIONS = "PASS: GO, FAIL: STOP, FAIL_CRITICAL: RUN, CONDITIONAL: WAIT"


def test_the_common_parameters_can_be_written_short(load: Load) -> None:
    """What the tests below spoil is accepted as it is."""
    plan = make_plan(load({COMMON: DAYS + ROLES + entry("stage2_actions", f"{{{ACTIONS}}}", "map")}))
    assert (plan.due_days, plan.waiver_roles, plan.waiver_warning_days) == ({"LOW": 1}, ("cto",), 1)
    actions = {"PASS": "GO", "FAIL": "STOP", "FAIL_CRITICAL": "RUN", "CONDITIONAL": "WAIT"}
    assert plan.actions == {"stage2": actions}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (ROLES, "the parameter 'condition_due_days' is missing"),
        (DAYS + WARNING, "'waiver_approver_roles' is missing"),
        (DAYS + entry("waiver_approver_roles", "[cto]", "list"), "'waiver_expiry_warning_days' is missing"),
        (ROLES + entry("condition_due_days", "7", "days"), "must have the unit 'map of days'"),
        (ROLES + entry("condition_due_days", "{LOW: -1}", "map of days"), "cannot have -1 days for LOW"),
        (ROLES + entry("condition_due_days", "{LOW: soon}", "map of days"), MAP_OF_DAYS),
        (ROLES + entry("condition_due_days", "{LOW: true}", "map of days"), MAP_OF_DAYS),
        (DAYS + WARNING + entry("waiver_approver_roles", "cto", "text"), "must have the unit 'list'"),
        (DAYS + WARNING + entry("waiver_approver_roles", "[cto, 3]", "list"), "must list roles as strings"),
        (DAYS + ROLES.replace("unit: days", "unit: s"), "must have the unit 'days'"),
        (DAYS + ROLES + entry("stage2_actions", "GO", "text"), "'stage2_actions' must have the unit 'map'"),
    ],
)
def test_bad_common_parameters(load: Load, text: str, what: str) -> None:
    """Each missing or mistyped common parameter is named with the file it belongs into."""
    error = refused(load({COMMON: text}))
    assert what in error.what
    assert error.path == COMMON
    assert error.exit_code == 2


@pytest.mark.parametrize(
    "actions",
    [
        ACTIONS.replace("GO", "3"),
        ACTIONS.replace("GO", "[GO]"),
        ACTIONS.replace("GO", "' '"),
        ACTIONS.replace("GO", "true"),
        ACTIONS.replace("PASS", "pass"),
        ACTIONS.replace(", FAIL_CRITICAL: RUN", ""),
        ACTIONS + ", PENDING: WAIT",
        "PASS: GO",
    ],
)
def test_bad_actions(load: Load, actions: str) -> None:
    """A decision says what people are to do: a string for each of the four outcomes, and nothing else."""
    error = refused(load({COMMON: DAYS + ROLES + entry("stage2_actions", f"{{{actions}}}", "map")}))
    assert error.what == (
        "the parameter 'stage2_actions' needs a string for exactly PASS, FAIL, FAIL_CRITICAL, CONDITIONAL"
    )
    assert (error.path, error.place) == (COMMON, "stage2_actions.value")


@pytest.mark.parametrize("group", ["stage1", "common", "stage9"])
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x: 5", "the parameter 'x' needs 'value', 'unit' and 'rationale'"),
        ("x: [1]", "the parameter 'x' needs 'value', 'unit' and 'rationale'"),
        ("x: null", "the parameter 'x' needs 'value', 'unit' and 'rationale'"),
        ("x: {}", "the parameter 'x' needs 'value', 'unit' and 'rationale'"),
        ("x: {unit: ppm, rationale: r}", "the parameter 'x' needs 'value', 'unit' and 'rationale'"),
        ("x: {value: 1, rationale: r}", "the parameter 'x' needs 'value', 'unit' and 'rationale'"),
        ("x: {value: 1, unit: ppm}", "the parameter 'x' needs 'value', 'unit' and 'rationale'"),
        ("x: {value: 1, unit: 7, rationale: r}", "the parameter 'x' needs its 'unit' as a string"),
        ("x: {value: 1, unit: '', rationale: r}", "the parameter 'x' needs its 'unit' as a string"),
        ("x: {value: 1, unit: ppm, rationale: [r]}", "the parameter 'x' needs its 'rationale' as a string"),
        ("x: {value: 1, unit: ppm, rationale: ' '}", "the parameter 'x' needs its 'rationale' as a string"),
    ],
)
def test_a_parameter_needs_value_unit_and_rationale(load: Load, group: str, text: str, what: str) -> None:
    """In every group, whether or not a stage has its name."""
    path = f"gate/params/{group}/data.yaml"
    given = {"stage1": LEAST, "common": DAYS + ROLES, "stage9": ""}[group]
    error = refused(load({path: given + text}))
    assert error.what == what
    assert (error.path, error.place) == (path, "x")


@pytest.mark.parametrize(
    ("unit", "good", "bad", "wanted"),
    [
        ("ppm", "1 | 0 | -5", f"null | '800000' | x | true | [1] | {{a: 1}} | {2**53}", "a whole number"),
        ("s", "60", "null | false | {a: 60}", "a whole number"),
        ("whatever", "1", "text", "a whole number"),
        ("list", "[a] | [1, 2] | [{a: null}]", "null | [] | x | {a: 1} | 3 | [null]", "a list"),
        ("map", "{a: 1} | {a: [x]}", "null | {} | [a] | x | 3 | {a: null}", "a mapping that is not empty"),
        (
            "map of us",
            "{a: 1}",
            "null | {} | {a: x} | {a: true} | {a: null} | 5",
            "a mapping to whole numbers",
        ),
        ("boolean", "true | false", "null | 1 | 'true' | no", "true or false"),
        ("text", "x", "null | 1 | '' | [x]", "a string"),
        ("string", "x", "true", "a string"),
        ("name", "x", "5", "a string"),
        ("state", "x", "5", "a string"),
        ("type", "x", "5", "a string"),
    ],
)
def test_a_value_fits_its_unit(load: Load, unit: str, good: str, bad: str, wanted: str) -> None:
    """A parameter of the wrong type is an error of the bundle, never what evidence is held against."""
    path = "gate/params/stage1/data.yaml"
    for value in good.split(" | "):
        assert make_plan(load({path: LEAST + entry("x", value, unit)}))
    for value in bad.split(" | "):
        error = refused(load({path: LEAST + entry("x", value, unit)}))
        assert error.what.startswith(
            f"the parameter 'x' has the unit {unit!r}, so its value must be {wanted}"
        )
        assert (error.path, error.place, error.exit_code) == (path, "x.value", 2)


@pytest.mark.parametrize(
    ("changes", "what", "path"),
    [
        (
            {"gate/params/data.yaml": "extra: 5"},
            "the data of gate/params/extra holds no parameters",
            "gate/params/extra/data.yaml",
        ),
        (
            {"gate/params/stage1/deep/data.yaml": entry("x", "1", "s")},
            "the parameter 'deep' needs 'value', 'unit' and 'rationale'",
            "gate/params/stage1/data.yaml",
        ),
    ],
)
def test_parameters_are_mappings_of_names(
    load: Load, changes: dict[str, str | None], what: str, path: str
) -> None:
    """A group that is a plain value, and a parameter that is a group of its own."""
    error = refused(load(changes))
    assert (error.what, error.path) == (what, path)


@pytest.mark.soak
@pytest.mark.parametrize("value", ["null", '"x"', "true", "[800000]"])
@pytest.mark.parametrize("name", ["stage1/test_coverage_min", "stage7/trades_min", "stage8/recovery_max"])
def test_a_spoiled_threshold_of_the_shipped_bundle(tmp_path: Path, name: str, value: str) -> None:
    """The shipped bundle with one threshold that is no number is refused before anything is judged."""
    bundle = tmp_path / "bundle"
    shutil.copytree(SHIPPED, bundle)
    group, _, parameter = name.partition("/")
    path = bundle / "gate" / "params" / group / "data.yaml"
    path.write_text(re.sub(rf"(?m)^({parameter}:\n  value: ).*$", rf"\g<1>{value}", path.read_text()))
    error = refused(load_bundle(bundle))
    assert f"the parameter {parameter!r} has the unit" in error.what
    assert (error.path, error.place) == (f"gate/params/{group}/data.yaml", f"{parameter}.value")


@pytest.mark.parametrize("changes", [{COMMON: None}, {COMMON: None, "gate/params/data.yaml": "common: 5"}])
def test_no_common_parameters(load: Load, changes: dict[str, str | None]) -> None:
    """A bundle without its common parameters is refused."""
    assert refused(load(changes)).what == "the data of gate/params/common is missing"


def test_rules_that_cannot_be_told(load: Load) -> None:
    """A bundle may say by rule what follows; without the parameter, and for other rules, they fail."""
    assert make_plan(load()).on_unknown == {}
    for value, expected in [
        ("{}", {}),
        ("{stage1.amount: warn, stage2.amount: fail}", {"stage1.amount": "warn", "stage2.amount": "fail"}),
        ("{stage1.amount: condition}", {"stage1.amount": "condition"}),
    ]:
        text = DAYS + ROLES + entry("on_unknown", value, "outcomes")
        assert make_plan(load({COMMON: text})).on_unknown == expected


@pytest.mark.parametrize(
    ("value", "unit", "what", "place", "remedy"),
    [
        ("{stage1.amuont: warn}", "outcomes", "names the rule 'stage1.amuont', which", ".value.stage1.amuont",
         "did you mean 'stage1.amount'?"),
        ("{xyz: warn}", "outcomes", "names the rule 'xyz', which", ".value.xyz", "take it out"),
        ("{stage1.amount: pass}", "outcomes", "has 'pass' for stage1.amount", ".value.stage1.amount",
         "write one of fail, condition, warn"),
        ("{stage1.amount: FAIL}", "outcomes", "has 'FAIL'", ".value.stage1.amount", "write one of fail"),
        ("{stage1.amount: true}", "outcomes", "its value must be a mapping", ".value", "correct the value"),
        ("[stage1.amount]", "outcomes", "so its value must be a mapping", ".value", "correct the value"),
        ("null", "outcomes", "so its value must be a mapping", ".value", "correct the value"),
        ("{stage1.amount: warn}", "map", "must have the unit 'outcomes'", ".unit", "in this unit"),
    ],
)  # fmt: skip
def test_bad_outcomes_of_rules_that_cannot_be_told(
    load: Load, value: str, unit: str, what: str, place: str, remedy: str
) -> None:
    """A code or outcome that does not exist would silently change nothing: it is refused, with its place."""
    error = refused(load({COMMON: DAYS + ROLES + entry("on_unknown", value, unit)}))
    assert what in error.what
    assert (error.path, error.place) == (COMMON, f"on_unknown{place}")
    assert remedy in str(error.remedy)
