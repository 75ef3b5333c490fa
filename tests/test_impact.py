"""``gate policy impact``: what an edit of the policies flips among what is recorded."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy.bundle import SHIPPED
from gate.engine.replay.asked import read_fact_sets
from gate.evidence.base.errors import UsageError

Gate = Callable[..., Any]
RULE = "stage1.artifact_coverage"


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped bundle with a lower threshold of artifact coverage."""
    bundle = tmp_path_factory.mktemp("edited") / "policies"
    shutil.copytree(SHIPPED, bundle, ignore=shutil.ignore_patterns("*_test.rego", "__pycache__"))
    data = bundle / "gate" / "params" / "stage1" / "data.yaml"
    data.write_text(data.read_text().replace("value: 800000", "value: 300000", 1))
    return bundle


@pytest.fixture
def root(evaluated: Callable[..., Any], workspaces: Path, tmp_path: Path) -> Path:
    """A workspace with one recorded decision about stage 1."""
    evaluated("algo-trade", "stage1")
    shutil.copytree(workspaces / "algo-trade for stage1", tmp_path / "algo-trade")
    return tmp_path / "algo-trade"


@pytest.fixture
def log(root: Path) -> Path:
    """What OPA would have logged of that decision: its input, and what the shipped rules report."""
    stored = next(
        json.loads(blob.read_bytes())
        for blob in (root / "ledger" / "evidence").rglob("*")
        if blob.is_file() and b"gate.recorded/v1" in blob.read_bytes()
    )
    line = {
        "decision_id": "4ca6",
        "path": "gate/stage1/deny_artifact_coverage",
        "input": stored["input"],
        "result": [{"code": RULE, "msg": "Too few of the expected artifacts exist"}],
        "timestamp": "2025-11-07T12:00:00Z",
    }
    path = root.parent / "decisions.jsonl"
    path.write_text(json.dumps(line) + "\n")
    return path


def test_a_lower_threshold_is_loud(root: Path, edited: Path, gate: Gate) -> None:
    """What demands less comes first, with the values and both limits; exit 1 unless that is unwanted."""
    found = gate("policy", "impact", "-w", root, edited)
    assert found.code == 1
    first = " ".join(found.out.split("\nJudged again: ")[0].split())
    assert first.startswith("LOOSENED 1 of 1 recorded decision flips under gate-prelive ")
    assert first.endswith(", looser; next: approve what demands less, or take it back")
    assert f"FAIL → PASS  {RULE}" in found.out
    assert "artifact coverage 35.7 %, needs ≥ 30 % (before: ≥ 80 %)" in " ".join(found.out.split())
    assert gate("policy", "impact", "-w", root, edited, "--fail-on", "never").code == 0


def test_the_other_way_round_is_no_loosening(root: Path, edited: Path, gate: Gate) -> None:
    """Compared with the lower threshold, the shipped one demands more: exit 1 only for any change."""
    options = (SHIPPED, "-w", root, "--base", edited)
    found = gate("policy", "impact", *options)
    assert (found.code, found.out.split()[0]) == (0, "CHANGED")
    assert ", stricter; next: tell those whose decisions stand below" in " ".join(found.out.split())
    assert f"PASS → FAIL  {RULE}" in found.out
    assert gate("policy", "impact", *options, "--fail-on", "changed").code == 1


def test_the_bytes_do_not_depend_on_the_processes(root: Path, edited: Path, log: Path, gate: Gate) -> None:
    """One process or two; SARIF has the rule's place, and Markdown nothing that acts."""
    printed = []
    for jobs in (1, 2):
        files = {form: root.parent / f"{form}-{jobs}" for form in ("json", "sarif", "markdown")}
        outputs = [part for form, path in files.items() for part in ("-o", f"{form}={path}")]
        against = ("--against", root / "ledger", "--against", log)
        found = gate("policy", "impact", "-w", root, edited, *against, *outputs, "-j", jobs)
        assert found.code == 1, found.err
        printed.append({form: path.read_text() for form, path in files.items()})
    assert printed[0] == printed[1]
    document = json.loads(printed[0]["json"])
    assert (document["recorded"], document["logged"], document["loosened"]) == (1, 1, True)
    [run] = json.loads(printed[0]["sarif"])["runs"]
    assert {one["ruleId"] for one in run["results"]} == {RULE, "gate.stage1.deny_artifact_coverage"}
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("stage1.rego")
    assert place["region"]["startLine"] > 1
    assert "stage1.artifact\\_coverage" in printed[0]["markdown"]


def test_equal_documents_are_judged_once(root: Path, gate: Gate) -> None:
    """The same decision recorded twice is two lines and one question; against itself, nothing flips."""
    against = [part for _ in range(3) for part in ("--against", root / "ledger")]
    found = gate("policy", "impact", "-w", root, *against, "-o", "json")
    document = json.loads(found.out)
    assert found.code == 0
    assert (document["recorded"], document["distinct"], document["changed"]) == (3, 1, [])
    told = " ".join(gate("policy", "impact", "-w", root, *against).out.split())
    assert told.startswith("UNCHANGED none of 3 recorded decisions flips under gate-prelive ")
    assert "Judged again: 3 recorded decisions (1 distinct), compared with what was decided then" in told


def test_a_damaged_document_is_never_passed_over(root: Path, edited: Path, gate: Gate) -> None:
    """It is named, and the exit code is 2, unless something else flips."""
    for blob in (root / "ledger" / "evidence").rglob("*"):
        if blob.is_file() and b"gate.recorded/v1" in blob.read_bytes():
            blob.write_text("{}")
    found = gate("policy", "impact", "-w", root, edited)
    assert (found.code, found.out.split("  ")[0]) == (2, "NOT KNOWN")
    assert "was changed" in found.out


def test_nothing_to_judge_is_an_error(root: Path, edited: Path, gate: Gate) -> None:
    """No decision, no log line, no such place, no such base: never that nothing flips."""
    empty = root.parent / "empty.jsonl"
    empty.write_text('{"msg": "Initializing server."}\n')
    for options in (
        ("--since", "2030-01-01"),
        ("--against", empty),
        ("--against", root / "no.jsonl"),
        ("--base", "no-such-branch"),
        ("--facts", root / "gate.yaml"),
    ):
        found = gate("policy", "impact", "-w", root, edited, *options)
        assert found.code == 2 and "to do" in found.err, options


def test_hostile_decision_logs(root: Path, edited: Path, log: Path, gate: Gate) -> None:
    """Each line that cannot be compared is named with its number, and all others are compared."""
    good = log.read_text()
    line = json.loads(good)
    odd = [
        "{",
        "[" * 100_000,
        json.dumps({**line, "path": 3}),
        json.dumps({**line, "erased": ["/input/facts"]}),
        json.dumps({**line, "path": "other/package"}),
        json.dumps({**line, "input": []}),
        json.dumps({**line, "input": {"a": 1}}).replace('{"a": 1}', '{"a": 1, "a": 2}'),
        '{"msg": "\\u001b[31mno decision"}',
    ]
    log.write_text(good + "\n".join(odd) + "\n" + good + '"' + "x" * 2_000_000 + '"\n' + good)
    found = gate("policy", "impact", "-w", root, edited, "--against", log, "-j", 1)
    assert found.code == 1
    places = re.findall(rf"{re.escape(log.name)}:(\d+)", "".join(found.out.split()))
    assert places == ["1", "10", "2", "3", "4", "5", "6", "7", "8", "11"]
    assert "it and what follows was not read" in " ".join(found.out.split())
    assert "no verdicts" in " ".join(found.out.split())
    link = log.with_name("link.jsonl")
    link.symlink_to(log)
    assert gate("policy", "impact", "-w", root, edited, "--against", link).code == 2


@pytest.mark.soak
def test_named_fact_sets_are_judged_by_both(root: Path, edited: Path, gate: Gate) -> None:
    """A case that nobody recorded: with a quarter of the artifacts, neither threshold is reached."""
    sets = root.parent / "sets.yaml"
    sets.write_text(
        "half of them: {decision: 0, set: {artifacts.found_ppm: 500000}}\n"
        "a quarter: {decision: 0, set: {artifacts.found_ppm: 250000}}\n"
    )
    found = gate("policy", "impact", "-w", root, edited, "--facts", sets, "-o", "json")
    names = [one["name"] for one in json.loads(found.out)["changed"]]
    assert names == ["stage1", "half of them"]
    shown = gate("policy", "impact", "-w", root, edited, "--facts", sets).out
    assert shown.startswith("LOOSENED  2 of 3 cases flip under "), shown
    with pytest.raises(UsageError, match="no such file"):
        read_fact_sets(root / "none.yaml", [])
    for wrong in ("x: 3", "x: {decision: 0, set: {a: 1}, more: 1}", "[1]", "a: ["):
        sets.write_text(wrong)
        with pytest.raises(UsageError):
            read_fact_sets(sets, [])


def test_a_commit_of_the_workspace_is_a_base(root: Path, edited: Path, gate: Gate, tmp_path: Path) -> None:
    """The bundle lies in the workspace: what the main branch has is compared with what is there now. A
    directory of the branch's name that has no bundle does not matter.
    """
    (tmp_path / "main").mkdir()
    shutil.copytree(SHIPPED, root / "rules", ignore=shutil.ignore_patterns("__pycache__"))
    for command in (
        ("init", "-q", "-b", "main"),
        ("add", "rules"),
        ("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "rules"),
    ):
        subprocess.run(["git", "-C", str(root), *command], check=True, capture_output=True)
    shutil.copytree(edited, root / "rules", dirs_exist_ok=True)
    found = gate("policy", "impact", "-w", root, root / "rules", "--base", "main", "-o", "sarif")
    assert found.code == 1, found.err
    [result] = json.loads(found.out)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == "rules/gate/stage1/stage1.rego"
    assert gate("policy", "impact", "-w", root, "--base", "main").code == 2


@pytest.mark.soak
def test_a_base_and_the_edited_bundle_have_every_name_of_a_bundle(
    root: Path, edited: Path, gate: Gate, tmp_path: Path
) -> None:
    """A directory, that of a commit and the shipped one: what is relative is so to where one is."""
    bundles = tmp_path / "bundles"
    shutil.copytree(edited, bundles / "rules")
    for command in (
        ("init", "-q"),
        ("add", "rules"),
        ("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "rules"),
    ):
        subprocess.run(["git", "-C", str(bundles), *command], check=True, capture_output=True)
    found = gate("policy", "impact", "HEAD:rules", "-w", root, "--base", "shipped", cwd=bundles)
    assert (found.code, f"FAIL → PASS  {RULE}" in found.out) == (1, True), found.err
    options = ("HEAD:.", "-w", root, "--base", "HEAD:./")
    assert gate("policy", "impact", *options, cwd=bundles / "rules").out.startswith("UNCHANGED")
    for wrong in ("HEAD:nowhere", "nowhere:rules", "nowhere"):
        refused = gate("policy", "impact", "-w", root, "--base", wrong)
        assert (refused.code, refused.out) == (2, "")
        assert "to do: name" in refused.err
