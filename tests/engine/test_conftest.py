"""Policies written for Conftest judge configuration files unchanged, and report what Conftest reports."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
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
Files = dict[str, str | bytes]

MAIN = """\
package main

import rego.v1

deny contains msg if {
	input.kind == "Deployment"
	not input.spec.template.spec.securityContext.runAsNonRoot
	msg := "Containers must not run as root"
}

deny_labels contains {"msg": msg, "details": {"wanted": ["app"]}} if {
	input.kind == "Deployment"
	not input.metadata.labels.app
	msg := sprintf("Deployment %s has no app label", [input.metadata.name])
}

violation contains {"msg": "no load balancer"} if input.spec.type == "LoadBalancer"

violation_name contains msg if {
	some name in data.settings.forbidden
	input.metadata.name == name
	msg := concat(" ", [name, "is forbidden"])
}

warn contains msg if {
	input.spec.replicas < 2
	msg := "too few replicas"
}

warn_nothing contains "never" if false

exception contains rules if {
	input.metadata.name == "legacy"
	rules := ["labels", ""]
}

helper contains 1
"""
OTHER = """\
package team.naming

deny contains sprintf("%s is too long", [input.metadata.name]) if count(input.metadata.name) > 5
"""
POLICY: Files = {
    "policy/main.rego": MAIN,
    "policy/main_test.rego": "package main\n\ntest_x if http.send({})\n",
    "policy/team/naming.rego": OTHER,
    "policy/settings/lists.yaml": "forbidden: [tmp]\n",
}
CONFIGS: Files = {
    "deploy/a.yaml": "kind: Deployment\nmetadata: {name: legacy}\nspec: {replicas: 1}\n---\n"
    "kind: Service\nspec: {type: LoadBalancer}\n---\n---\nkind: Deployment\n"
    "metadata: {name: tmp, labels: {app: x}}\n",
    "deploy/b.json": '{"kind": "Deployment", "metadata": {"name": "b\\u00e9"}, "spec": {"replicas": 3}}',
    "deploy/c.toml": 'kind = "Deployment"\n[metadata]\nname = "c"\nlabels = {app = "c"}\n',
    "deploy/list.json": '[{"kind": "Deployment", "metadata": {"name": "d"}}, 1, [2], null, '
    '{"spec": {"replicas": 0}}]',
    "deploy/empty.yaml": "",
    "deploy/good.yml": "kind: Deployment\nmetadata: {name: good, labels: {app: x}}\n"
    "spec: {replicas: 2, template: {spec: {securityContext: {runAsNonRoot: true}}}}\n",
}
TWINS: Files = {f"policy/{n}.rego": f'package a{n}b\n\ndeny contains "x"\n' for n in "._"}
SETTINGS = 'subject: {sources: [app.py]}\nevidence:\n  configs: {paths: ["deploy/*"]}\n'


@pytest.fixture
def judge(make_workspace: Callable[..., Path], gate: Gate) -> Callable[..., Any]:
    """A run over configuration files, by policies for Conftest that an operator names."""

    def run(configs: Files, policy: Files, *options: str, stage: str = "main", what: str = "evaluate") -> Any:
        root = make_workspace({"gate.yaml": SETTINGS, "app.py": "x = 1\n", **configs})
        make_workspace(policy, "rules")
        operator = root.parent / "operator.yaml"
        operator.write_text("policy: {bundle: rules/policy}\n")
        return gate(what, stage, "-w", root, "--operator", operator, *options)

    return run


@pytest.fixture
def decide(judge: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """The decision, not recorded."""

    def decided(configs: Files, policy: Files, stage: str = "main") -> dict[str, Any]:
        run = judge(configs, policy, "-o", "json", "--no-record", stage=stage)
        assert run.code in (0, 1, 3), run.err
        found: dict[str, Any] = json.loads(run.out)
        return found

    return decided


def program() -> str | None:
    """The conftest program."""
    return shutil.which("conftest")


def said_by_conftest(root: Path, files: Files, rules: Path) -> dict[str, set[tuple[str, str, int]]]:
    """By kind, what Conftest reports: file, text and how often."""
    command = [str(program()), "test", "-o", "json", "-p", rules, "-d", rules]
    command += ["--namespace", "main", *sorted(files)]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False, env={"HOME": str(root)})
    found: dict[str, list[tuple[str, str]]] = {"failures": [], "warnings": [], "exceptions": []}
    for result in json.loads(done.stdout):
        for kind, rows in found.items():
            for row in result.get(kind, ()):
                rows.append((result["filename"], row["msg"].rpartition('== "')[2].rstrip('"')))
    return {kind: {(*row, rows.count(row)) for row in rows} for kind, rows in found.items()}


def said_by_gate(decision: dict[str, Any]) -> dict[str, set[tuple[str, str, int]]]:
    """The same of a decision."""
    failures = [(one["places"][0]["path"], one["msg"]) for one in decision["violations"]]
    notices = [one for one in decision["warnings"] if one["code"].startswith("main.")]
    said = [(one["code"], *one["msg"].split(": ", 1)) for one in notices]
    rows = {
        "failures": failures,
        "warnings": [(path.partition("#")[0], text) for code, path, text in said if "warn" in code],
        "exceptions": [
            (path.partition("#")[0], text.rpartition(" for ")[2].strip('"'))
            for code, path, text in said
            if code == "main.exception"
        ],
    }
    return {kind: {(*row, found.count(row)) for row in found} for kind, found in rows.items()}


@pytest.mark.skipif(program() is None, reason="the conftest program is not on PATH")
def test_gate_reports_what_conftest_reports(decide: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """The same failures, warnings and exceptions about the same files, each as often."""
    found = decide(CONFIGS, POLICY)
    theirs = said_by_conftest(tmp_path / "workspace", CONFIGS, tmp_path / "rules/policy")
    assert said_by_gate(found) == theirs
    assert all(theirs.values()) and sum(map(len, theirs.values())) > 8


def test_each_namespace_is_a_stage_and_each_rule_a_check(decide: Callable[..., dict[str, Any]]) -> None:
    """With Conftest's names in the codes, messages and metadata as the policies give them."""
    found = decide(CONFIGS, POLICY)
    assert found["verdict"] == "FAIL" and found["policy"]["name"] == "conftest"
    assert {one["code"]: one["status"] for one in found["checks"]} == {
        "main.deny": "violated",
        "main.deny_labels": "violated",
        "main.violation": "violated",
        "main.violation_name": "violated",
        "main.warn": "warns",
        "main.warn_nothing": "holds",
    }
    [labels] = [
        v for v in found["violations"] if v["code"] == "main.deny_labels" and v["term"] == "deploy/b.json"
    ]
    assert labels["msg"] == "Deployment bé has no app label"
    assert (labels["severity"], labels["actual"]) == ("HIGH", {"details": {"wanted": ["app"]}})
    [forbidden] = [one for one in found["violations"] if one["code"] == "main.violation_name"]
    assert (forbidden["term"], forbidden["msg"]) == ("deploy/a.yaml#3", "tmp is forbidden")
    [evidence] = [one for one in found["evidence"] if one["id"] == "configs"]
    assert [file["path"] for file in evidence["files"]] == sorted(CONFIGS)
    naming = decide(CONFIGS, POLICY, stage="team_naming")
    assert [v["msg"] for v in naming["violations"]] == ["legacy is too long"]
    assert set(decide(CONFIGS, POLICY, stage="all")["stages"]) == {"main", "team_naming"}


def test_exceptions_and_warnings_are_on_the_first_screen(judge: Callable[..., Any]) -> None:
    """An exception hides no other finding, and is never silent."""
    configs: Files = {"deploy/a.yaml": "kind: Deployment\nmetadata: {name: legacy}\nspec: {replicas: 1}\n"}
    configs["deploy/b.json"] = '{"spec": {"replicas": 1}}'
    run = judge(configs, POLICY, "--no-record")
    assert run.code == 0, run.err
    text = " ".join(run.out.split())
    assert text.startswith("PASS main") and "2 of 6 rules hold · 3 excepted · 1 with warnings" in text
    assert 'deploy/a.yaml: main.deny is excepted by the policies\' exception for "" (+3)' in text
    assert "warning: warn: deploy/b.json: too few replicas" in text


ODD: dict[str, tuple[str | bytes, str]] = {
    "malformed.json": ('{"kind": ', "malformed JSON"),
    "second.yaml": ("a: 1\n---\nb: [\n", "in document 2: "),
    "separated.yaml": ("a: 1\n--- # next\nb: 2\n", "more than one document"),
    "alias.yaml": ("a: &x 1\nb: *x\n", "alias"),
    "no.yaml": ("privileged: no\n", "no without quotes is no text to every YAML parser"),
    "on.yaml": ("on: push\n", "on without quotes"),
    "octal.yaml": ("mode: 0644\n", "0644 without quotes"),
    "decimal.json": ('{"cpu": 0.5}', "the number 0.5 has a decimal point"),
    "long.json": ('{"n": 18446744073709551616}', "more than 64 bits"),
    "nothing.json": ("[]", "nothing to judge"),
    "Dockerfile": ("FROM x\n", "neither JSON nor YAML nor TOML"),
    "bytes.json": (b"\xff\xfe", "UTF-8"),
}


def test_a_file_that_is_not_read_alike_fails_and_hides_nothing(decide: Callable[..., dict[str, Any]]) -> None:
    """Each is named with the reason, and the other files are judged."""
    configs: Files = {f"deploy/{name}": content for name, (content, _) in ODD.items()}
    configs["deploy/z.toml"] = 'kind = "Deployment"\n[metadata]\nname = "c"\n'
    configs["deploy/fine.yaml"] = 'a: "no"\nb: ["on", "0644"]\nc: |\n  no\n'
    found = decide(configs, {"policy/main.rego": MAIN.replace("data.settings.forbidden", '["x"]')})
    [evidence] = [one for one in found["evidence"] if one["id"] == "configs"]
    reasons = {one["path"]: one["reason"] for one in evidence["problems"]}
    assert reasons.keys() == {f"deploy/{name}" for name in ODD}
    for name, (_, what) in ODD.items():
        assert what in reasons[f"deploy/{name}"]
    messages = [one["msg"] for one in found["violations"] if one["code"] == "main.deny"]
    assert "Containers must not run as root" in messages and len(messages) == 2
    [warn] = [one for one in found["violations"] if one["code"] == "main.warn"]
    assert (warn["severity"], warn["raised_from"]) == ("HIGH", "LOW")


def test_nothing_is_judged_as_passing(judge: Callable[..., Any], make_workspace: Callable[..., Path]) -> None:
    """No file matches, or a link: no rule holds over nothing."""
    run = judge({}, POLICY, "--no-record")
    assert run.code == 1 and "no file matches 'deploy/*'" in " ".join(run.out.split())
    root = make_workspace({"real.json": "{}", "deploy/x.json": "{}"})
    (root / "deploy/link.json").symlink_to(root / "real.json")
    run = judge({}, POLICY, "--no-record")
    assert run.code == 1 and "deploy/link.json" in run.out


@pytest.mark.parametrize(
    ("rule", "what", "line"),
    [
        ('deny contains "x" if not startswith(input.x, "y")', "'not' before a call", 3),
        ('deny contains "x" if http.send({"url": "x"})', "'http.send' is not accepted", 3),
        ("import data.lib\n\ndeny contains lib.x if true", "imports of packages", 3),
        ("deny if input.x == 1", "must be a partial set", 3),
        ('deny[msg] {\n\tmsg := "old syntax"\n}', "must be a partial set", 3),
        ('deny_ contains "x" if true\n\nwarn contains "y" if true', "Conftest does not evaluate", 3),
        ('deny contains "x" if {', "the policy does not load", 4),
    ],
)
def test_what_engines_do_not_agree_on_is_refused(
    judge: Callable[..., Any], rule: str, what: str, line: int
) -> None:
    """With the reason and the place; that is no verdict."""
    run = judge({"deploy/a.json": "{}"}, {"policy/main.rego": f"package main\n\n{rule}\n"})
    assert run.code == 2 and what in run.err, run.err
    assert f"main.rego, line {line}" in run.err


def test_a_document_on_which_a_policy_fails_is_not_passed_over(decide: Callable[..., dict[str, Any]]) -> None:
    """Conftest would pass it silently. The others are judged, and what the document has is not shown."""
    policy = 'package main\n\ndeny contains "bad name" if startswith(input.name, "a")\n'
    policy += "\nwarn contains input.name\n"
    configs: Files = {"deploy/a.json": '{"name": [1234567]}', "deploy/b.json": '[{}, {"name": "ab"}]'}
    found = decide(configs, {"policy/main.rego": policy})
    messages = {one["msg"] for one in found["violations"] if one["code"] == "main.deny"}
    [failed] = messages - {"bad name"}
    assert failed.startswith("Cannot be told: the policies fail on deploy/a.json, where a function gets")
    assert "1234567" not in failed and len(messages) == 2
    assert "deploy/b.json#2: ab" in {one["msg"] for one in found["warnings"]}


@pytest.mark.parametrize("result", ["1", '{"message": "x"}', "true", '{"msg": 1}'])
def test_a_result_without_a_message_is_no_verdict(judge: Callable[..., Any], result: str) -> None:
    """As Conftest refuses it."""
    run = judge({"deploy/a.json": "{}"}, {"policy/main.rego": f"package main\n\ndeny contains {result}\n"})
    assert run.code == 2 and "neither a string nor an object with a 'msg'" in run.err


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        ({"policy/main.rego": "package main\n\nallow := true\n"}, "has no .manifest"),
        ({"policy/x.txt": "package main\n", "policy/a.json": "{"}, "has no .manifest"),
        ({"policy/main.rego": 'package gate.main\n\ndeny contains "x" if true\n'}, "has no .manifest"),
        ({"policy/main.rego": 'package all\n\ndeny contains "x" if true\n'}, "cannot be a stage"),
        (TWINS, "cannot be a stage"),
        ({**POLICY, "policy/settings/x.json": '{"a": 0.5}'}, "decimal point"),
        ({**POLICY, "policy/main/x.json": '{"a": 1}'}, "data is mounted at the path of package"),
    ],
)  # fmt: skip
def test_what_is_no_bundle_for_conftest_is_one_error(
    judge: Callable[..., Any], policy: Files, what: str
) -> None:
    """A bundle of ours that lost its manifest is none either."""
    run = judge({"deploy/a.json": "{}"}, policy)
    assert run.code == 2 and what in run.err, run.err


def test_a_recorded_decision_is_made_again(judge: Callable[..., Any], tmp_path: Path) -> None:
    """From what was stored alone: policies, documents and settings."""
    run = judge(CONFIGS, POLICY, "-o", "json")
    assert run.code == 1, run.err
    printed = json.loads(run.out)
    del printed["ledger"]
    with open_reader(tmp_path / "workspace/ledger") as ledger:
        recorded = Recorded.from_json(json.loads(ledger.evidence.get(printed["input_digest"])))
        [line] = decisions(ledger)
        original = from_document(ledger.evidence.get(line.summary.bundle))
    bundle, plan = as_recorded(original, recorded.setup)
    with open_engine("embedded", bundle, DEFAULT) as engine:
        again = service.replay(bundle, plan, recorded, recorded.setup.time, engine)
    assert canonical(again.to_json()) == canonical(printed)


def test_an_edit_flips_what_was_decided(judge: Callable[..., Any], gate: Gate, tmp_path: Path) -> None:
    """`gate policy impact` asks about each document, as judging does; edited policies demand less here."""
    assert judge({"deploy/a.json": '{"spec": {"type": "LoadBalancer"}}'}, POLICY).code == 1
    where = ("-w", tmp_path / "workspace", "--operator", tmp_path / "operator.yaml")
    same = gate("policy", "impact", "-j", "1", *where)
    assert (same.code, "does not flip" in same.out, "could" in same.out) == (0, True, False), same.out
    edited = tmp_path / "rules/policy/main.rego"
    edited.write_text(MAIN.replace('"LoadBalancer"', '"NodePort"'))
    flipped = gate("policy", "impact", "-j", "1", *where)
    assert (flipped.code, "FAIL → PASS  main.violation" in flipped.out) == (1, True), flipped.out


def test_check_looks_at_what_can_be_wrong_with_them(gate: Gate, make_workspace: Callable[..., Path]) -> None:
    """Nothing is asked for that they do not have; other commands say what they are."""
    root = make_workspace(POLICY, "rules")
    good = gate("policy", "check", "policy", cwd=root, env={"PATH": ""})
    assert (good.code, "conftest verify" in good.out) == (0, True), good.out
    (root / "policy/bad.rego").write_text('package all\n\ndeny contains "x" if http.send({})\n')
    bad = gate("policy", "check", "policy", "-o", "json", cwd=root, env={"PATH": ""})
    found = {(one["check"], one["path"], one["line"]) for one in json.loads(bad.out)["findings"]}
    assert found == {("refused", "policy/bad.rego", 3), ("manifest", "policy/bad.rego", 3)}
    (root / "policy/bad.rego").unlink()
    for form in ("gemara-policy", "gemara-catalog"):
        exported = gate("policy", "export", "policy", "-o", form, cwd=root)
        assert (exported.code, exported.out, "for Conftest" in exported.err) == (2, "", True)
    made = gate("policy", "bundle", "policy", "-o", "new.tar.gz", cwd=root)
    assert (made.code, "for Conftest" in made.err, (root / "new.tar.gz").exists()) == (2, True, False)
