"""Rules that do not bind yet, profiles of a bundle, and parameters that an operator replaces."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gate.engine import service
from gate.engine.decide.recorded import Recorded
from gate.engine.entries.reading import decisions
from gate.engine.ledger import open_reader
from gate.engine.plans import as_recorded
from gate.engine.policy import open_engine
from gate.engine.policy.bundle import from_document
from gate.evidence.base.canonical import canonical
from gate.evidence.base.limits import DEFAULT

Gate = Callable[..., Any]

RULE = """\
default {name}_enough := false

{name}_enough if input.facts.values.{name}.floor_micro >= data.gate.params.house.{name}_min.value

{name}_operand := {{
	"name": "{name}", "op": "≥", "actual": input.facts.values.{name}.floor_micro,
	"expected": data.gate.params.house.{name}_min.value, "unit": "micro", "holds": {name}_enough,
}}

check_{name} := {{"holds": {name}_enough, "operands": [{name}_operand]}}

# METADATA
# title: There is enough {name}
# description: The value reaches the least one.
# custom:
#   short_name: {name}
#   severity: HIGH
#   solution: Get more {name}.
#   owner: cto
#   controls: [house]
#   facts: [values.{name}.floor_micro]
{more}deny_{name} contains result if {{
	{name}_enough == false
	result := {{
		"code": "house.{name}", "msg": "There is too little {name}", "operand": "{name}", "op": "≥",
		"expected": {name}_operand.expected, "actual": {name}_operand.actual, "unit": "micro",
	}}
}}
"""
NAMES = ("water", "bread", "salt")
MORE = {
    "water": "#   collections: [core]\n",
    "bread": '#   collections: [comfort]\n#   effective_on: "2026-01-01"\n',
    "salt": "#   collections: [comfort, table]\n",
}
COMMON = """\
condition_due_days: {value: {CRITICAL: 3, HIGH: 7, MEDIUM: 14, LOW: 30}, unit: map of days, rationale: x}
waiver_approver_roles: {value: [cto], unit: list, rationale: x}
waiver_expiry_warning_days: {value: 30, unit: days, rationale: x}
"""
PROFILES = {"lean": {"title": "What everybody needs", "collections": ["core"]}}


@dataclass
class House:
    """A workspace, a bundle beside it, and an operator who names the bundle."""

    root: Path
    bundle: Path
    operator: Path
    gate: Gate

    def manifest(self, profiles: Any = None) -> None:
        """Write the bundle's manifest."""
        stage = {
            "title": "House", "question": "Is there enough?", "depends_on": [], "evidence": ["values"],
            "rules": [f"house.{name}" for name in NAMES],
        }  # fmt: skip
        metadata = {"name": "house", "stages": {"house": stage}, "profiles": profiles or PROFILES}
        document = {"revision": "1.0.0", "roots": ["gate"], "metadata": metadata}
        (self.bundle / ".manifest").write_text(json.dumps(document))

    def rules(self, more: dict[str, str] = MORE) -> None:
        """Write the bundle's rules."""
        rules = "\n".join(RULE.format(name=name, more=more[name]) for name in NAMES)
        (self.bundle / "gate/house/house.rego").write_text(f"package gate.house\n\n{rules}")

    def policy(self, settings: str) -> None:
        """Write the operator's settings of the policy."""
        self.operator.write_text(f"policy:\n  bundle: bundle\n{settings}")

    def run(self, *options: str | Path, now: str = "2025-12-31T23:59:59Z", what: str = "evaluate") -> Any:
        """A run at a time."""
        time = ("--effective-time", now, "--allow-past-effective-time")
        return self.gate(what, "house", "-w", self.root, "--operator", self.operator, *time, *options)

    def decision(self, **options: Any) -> dict[str, Any]:
        """The decision, not recorded."""
        run = self.run("-o", "json", "--no-record", **options)
        assert run.code in (0, 1, 3), run.err
        found: dict[str, Any] = json.loads(run.out)
        return found


@pytest.fixture
def house(make_workspace: Callable[..., Path], gate: Gate) -> House:
    """Water is there, bread and salt are short."""
    read = "".join(f"      {name}: {{file: stock.json, pointer: /{name}}}\n" for name in NAMES)
    root = make_workspace(
        {
            "gate.yaml": f"subject: {{sources: [app.py]}}\nevidence:\n  values:\n    read:\n{read}",
            "app.py": "x = 1\n",
            "stock.json": '{"water": 1, "bread": 0.4, "salt": 0.4}',
        }
    )
    least = "".join(f'{name}_min: {{value: 500000, unit: micro, rationale: "half"}}\n' for name in NAMES)
    files: dict[str, str | bytes] = {
        "gate/params/common/data.yaml": COMMON,
        "gate/params/house/data.yaml": least,
        "gate/house/house.rego": "",
    }
    made = House(root, make_workspace(files, "bundle"), root.parent / "operator.yaml", gate)
    made.manifest()
    made.rules()
    made.policy("")
    return made


def statuses(decision: dict[str, Any]) -> dict[str, str]:
    """Rule → status."""
    return {check["code"].removeprefix("house."): check["status"] for check in decision["checks"]}


def test_a_rule_warns_before_its_date_and_binds_from_then_on(house: House) -> None:
    """To the second; the warning says when, and the check has a status of its own."""
    before, after = house.decision(), house.decision(now="2026-01-01T00:00:00Z")
    assert statuses(before) == {"water": "holds", "bread": "not yet binding", "salt": "violated"}
    assert [v["code"] for v in before["violations"]] == ["house.salt"]
    warning = {"code": "house.bread", "level": "warning"}
    assert {**warning, "msg": "binds from 2026-01-01: There is too little bread"} in before["warnings"]
    [bread] = [check for check in before["checks"] if check["code"] == "house.bread"]
    assert bread["effective_on"] == "2026-01-01T00:00:00Z" and not bread["operands"][0]["holds"]
    assert statuses(after)["bread"] == "violated"
    assert {v["code"] for v in after["violations"]} == {"house.bread", "house.salt"}
    table = house.run("--no-record").out
    assert "1 not yet binding" in table
    assert "warning: bread: binds from 2026-01-01: There is too little" in table
    told = house.run(what="explain").out
    assert "[not yet binding]" in told and "from 2026-01-01T00:00:00Z" in told


def test_missing_evidence_only_warns_before_the_date(house: House) -> None:
    """A rule that does not bind yet fails for nothing; one that holds, holds."""
    (house.root / "stock.json").write_text('{"water": 1, "salt": 1}')
    found = house.decision()
    assert (found["verdict"], statuses(found)["bread"]) == ("PASS", "not yet binding")
    [warning] = [one["msg"] for one in found["warnings"] if one["code"] == "house.bread"]
    assert warning.startswith("binds from 2026-01-01: ")
    (house.root / "stock.json").write_text('{"water": 1, "bread": 1, "salt": 1}')
    assert statuses(house.decision())["bread"] == "holds"


@pytest.mark.parametrize("date", ["soon", "2026-13-01", "2026-01-01T00:00:00", "20260101", "[a]", "12"])
def test_a_date_that_is_none_is_refused(house: House, date: str) -> None:
    """With the place of the METADATA."""
    house.rules({**MORE, "bread": f"#   effective_on: {date}\n"})
    run = house.run()
    assert run.code == 2 and "custom.effective_on is no RFC 3339 time or day" in run.err
    assert "house.rego, line" in run.err


def test_a_profile_selects_rules_and_lists_the_others(house: House) -> None:
    """They are in the decision, on the screen and in the tree, and the choice is a weakening."""
    house.policy("  profile: lean\n")
    found = house.decision()
    assert found["verdict"] == "PASS"
    assert statuses(found) == {"water": "holds", "bread": "not in profile", "salt": "not in profile"}
    assert found["profile"] == {"name": "lean", **PROFILES["lean"]}
    [weakening] = [one["msg"] for one in found["weakenings"] if one["code"] == "profile"]
    assert weakening == "the operator chooses the profile lean: 2 of 3 rules are not judged"
    table = house.run("--no-record").out
    assert "1 of 3 rules hold" in table and "2 not in profile" in table
    assert "not in profile lean: bread, salt" in table
    told = house.run(what="explain").out
    assert told.count("[not in profile]") == 2 and "lean: What everybody needs (core)" in told
    # a rule without collections, and one that cannot be waived, are in every profile
    house.rules({**MORE, "salt": ""})
    never = "never_waived: {value: [house.bread], unit: list, rationale: x}\n"
    (house.bundle / "gate/params/common/data.yaml").write_text(COMMON + never)
    assert statuses(house.decision()) == {"water": "holds", "bread": "not yet binding", "salt": "violated"}


def test_a_stage_without_a_rule_in_the_profile_is_not_judged(house: House) -> None:
    """It would pass without judging anything."""
    manifest = json.loads((house.bundle / ".manifest").read_text())
    yard = {**manifest["metadata"]["stages"]["house"], "rules": ["yard.salt"]}
    manifest["metadata"]["stages"]["yard"] = yard
    (house.bundle / ".manifest").write_text(json.dumps(manifest))
    rule = RULE.format(name="salt", more=MORE["salt"]).replace("house.salt", "yard.salt")
    (house.bundle / "gate/yard").mkdir()
    (house.bundle / "gate/yard/yard.rego").write_text(
        f"package gate.yard\n\n{rule}".replace(".yard.salt_min", ".house.salt_min")
    )
    house.policy("  profile: lean\n")
    assert house.run("--no-record").code == 0
    run = house.gate("evaluate", "all", "-w", house.root, "--operator", house.operator)
    assert run.code == 2 and "the profile 'lean' has no rule of yard" in run.err


@pytest.mark.parametrize(
    ("profiles", "setting", "what"),
    [
        (PROFILES, "laen", "did you mean 'lean'?"),
        ({"lean": {"title": "x", "collections": ["cor"]}}, "lean", "did you mean 'core'?"),
        ({"lean": {"title": "x", "collections": []}}, "lean", "needs a title, and collections"),
        ({"lean": {"title": "x", "collections": [["core"]]}}, "lean", "needs a title, and collections"),
        ({"lean": ["core"]}, "lean", "needs a title, and collections"),
        (["lean"], "lean", "'profiles' must be a mapping"),
    ],
)
def test_a_wrong_profile_is_one_error(house: House, profiles: Any, setting: str, what: str) -> None:
    """Of the bundle or of the settings; nothing is judged."""
    house.manifest(profiles)
    house.policy(f"  profile: {setting}\n")
    run = house.run()
    assert run.code == 2 and what in run.err and run.err.count("to do:") == 1


def test_the_judged_change_may_weaken_itself_only_visibly(house: House) -> None:
    """Its own profile counts without an operator, as a weakening; its own parameters never do."""
    own = "policy:\n  bundle: bundle\n  profile: lean\n  parameters:\n    house:\n      salt_min: "
    settings = house.root / "gate.yaml"
    settings.write_text(settings.read_text() + own + "{value: 1, rationale: cheap}\n")
    house.bundle.rename(house.root / "bundle")
    time = ("--effective-time", "2026-02-01T00:00:00Z", "--allow-past-effective-time")
    run = house.gate("evaluate", "house", "-w", house.root, "--no-record", "-o", "json", *time)
    found = json.loads(run.out)
    assert statuses(found)["salt"] == "not in profile" and found["overrides"] == []
    assert "gate.yaml chooses the profile lean" in str(found["weakenings"])
    [ignored] = [one["msg"] for one in found["warnings"] if one["code"] == "settings_ignored"]
    assert ignored.startswith("gate.yaml sets policy.parameters: ignored")
    (house.root / "bundle").rename(house.bundle)
    house.policy("")
    anchored = house.decision()
    assert anchored["profile"] is None and statuses(anchored)["salt"] == "violated"


OVERRIDE = """\
  parameters:
    house:
      salt_min: {value: 300000, rationale: "We like it bland."}
"""


def test_an_operator_replaces_a_parameter_and_everybody_sees_it(house: House) -> None:
    """Old and new value and the reason: in the decision, on the screen and in the tree."""
    house.policy(OVERRIDE)
    found = house.decision()
    assert found["overrides"] == [
        {
            "name": "house.salt_min", "unit": "micro", "bundle": 500_000, "value": 300_000,
            "rationale": "We like it bland.",
        }
    ]  # fmt: skip
    [salt] = [check for check in found["checks"] if check["code"] == "house.salt"]
    assert (salt["status"], salt["operands"][0]["expected"]) == ("holds", 300_000)
    house.policy("")
    assert house.decision()["policy"]["digest"] == found["policy"]["digest"]
    house.policy(OVERRIDE)
    line = "house.salt_min is 0.30 instead of 0.50: We like it bland."
    assert f"override: {line}" in " ".join(house.run("--no-record").out.split())
    assert line in " ".join(house.run(what="explain").out.split())


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_parameters_of_the_trust_ref_apply_and_those_of_the_change_are_alterations(house: House) -> None:
    """The protected branch's settings are not the judged change's."""
    settings = house.root / "gate.yaml"
    settings.write_text(settings.read_text() + "policy:\n  bundle: bundle\n" + OVERRIDE)
    house.bundle.rename(house.root / "bundle")
    git = ["git", "-C", house.root, "-c", "user.name=Ana", "-c", "user.email=ana@example.com"]
    for command in ("init -q -b main", "add -A", "commit -q -m first", "checkout -q -b change"):
        subprocess.run([*git, *command.split()], check=True)
    settings.write_text(settings.read_text().replace("300000", "1"))
    time = ("--effective-time", "2025-12-31T00:00:00Z", "--allow-past-effective-time")
    run = house.gate(
        "evaluate", "house", "-w", house.root, "--trust-ref", "main", "--no-record", "-o", "json", *time
    )
    found = json.loads(run.out)
    assert [one["value"] for one in found["overrides"]] == [300_000]
    assert found["trust"]["settings"]["policy"] == "trust_ref"
    assert "policy.parameters.house.salt_min.value from 300000 to 1" in str(found["trust"]["alterations"])


@pytest.mark.parametrize(
    ("group", "name", "entry", "what"),
    [
        ("house", "salt_mn", "{value: 1, rationale: x}", "did you mean 'house.salt_min'?"),
        ("hose", "salt_min", "{value: 1, rationale: x}", "did you mean 'house.salt_min'?"),
        ("house", "salt_min", "{value: 0.3, rationale: x}", "must be a whole number"),
        ("house", "salt_min", "{value: '1', rationale: x}", "must be a whole number"),
        ("house", "salt_min", "{value: null, rationale: x}", "must be a whole number"),
        ("house", "salt_min", "{value: 1, unit: ppm, rationale: x}", "has the unit 'micro', not 'ppm'"),
        ("house", "salt_min", "{value: 1}", "rationale"),
        ("house", "salt_min", "{value: 1, rationale: ' '}", "the rationale is empty"),
        ("house", "salt_min", "1", "write {value: …, rationale: …}"),
        ("house", "salt_min", "{vale: 1, rationale: x}", "did you mean 'value'?"),
        ("common", "waiver_approver_roles", "{value: [1.5], rationale: x}", "a list"),
        ("common", "waiver_approver_roles", "{value: [99999999999999999999], rationale: x}", "a list"),
        ("common", "waiver_approver_roles", "{value: [7], rationale: x}", "roles as strings"),
        ("common", "condition_due_days", "{value: {HIGH: -1}, rationale: x}", "cannot have -1 days"),
    ],
)
def test_a_wrong_parameter_is_one_error(house: House, group: str, name: str, entry: str, what: str) -> None:
    """It names the operator's file and the setting, and never the bundle, which is good."""
    house.policy(f"  parameters: {{{group}: {{{name}: {entry}}}}}\n")
    run = house.run()
    assert run.code == 2 and what in run.err, run.err
    assert run.err.count("to do:") == 1 and "configuration error" in run.err
    assert "policy.parameters" in run.err and "operator" in run.err


def test_a_recorded_decision_is_made_again_with_its_profile_and_parameters(house: House) -> None:
    """From the unmodified bundle and what was recorded of the settings: the same bytes."""
    house.policy("  profile: lean\n" + OVERRIDE.replace("salt", "water"))
    run = house.run("-o", "json")
    assert run.code == 0, run.err
    printed = json.loads(run.out)
    del printed["ledger"]
    with open_reader(house.root / "ledger") as ledger:
        stored = json.loads(ledger.evidence.get(printed["input_digest"]))
        [line] = decisions(ledger)
        original = from_document(ledger.evidence.get(line.summary.bundle))
    assert original.digest == printed["policy"]["digest"]
    assert original.data["gate"]["params"]["house"]["water_min"]["value"] == 500_000
    recorded = Recorded.from_json(stored)
    bundle, plan = as_recorded(original, recorded.setup)
    with open_engine("embedded", bundle, DEFAULT) as engine:
        again = service.replay(bundle, plan, recorded, recorded.setup.time, engine)
    assert canonical(again.to_json()) == canonical(printed)
