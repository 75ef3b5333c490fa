"""Rules of an auditor's own about generic evidence: values, commands, plug-ins, and the evidence itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Path]
Run = Callable[..., Any]

SETTINGS = """\
subject: {{sources: [src]}}
policy: {{bundle: bundle}}
evidence:
  commands:
    run:
      limit: {{command: [{python}, -c, "import sys; print(open('data.txt').read(), end='')"], format: json}}
  values:
    read:
      ratio: {{file: numbers.json, pointer: /a/0}}
"""


FIRST = "gate/stage1/stage1.rego"


@pytest.fixture
def workspace(
    make_workspace: Make,
    make_bundle: Callable[..., Path],
    bundle_files: dict[str, str],
    manifest: dict[str, Any],
    operator: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Path]:
    """A factory of workspaces whose first stage demands at least 800,000 of one fact; commands may run."""

    def make(fact: str) -> Path:
        root = make_workspace(
            {
                "src/app.py": "x = 1\n",
                "data.txt": "900000",
                "numbers.json": '{"a": [0.9]}',
                "gate.yaml": SETTINGS.format(python=json.dumps(sys.executable)),
            }
        )
        stage = manifest["metadata"]["stages"]["stage1"]
        stage["evidence"] = ["tests" if fact.startswith("provenance") else fact.split(".")[0]]
        stage["headline"] = {}
        rule = bundle_files[FIRST].replace("coverage.line_ppm", fact)
        make_bundle({".manifest": json.dumps(manifest), FIRST: rule}, "workspace/bundle")
        monkeypatch.setenv("GATE_OPERATOR", str(operator(root)))
        return root

    return make


def test_a_command_s_answer_is_judged_and_kept(gate: Run, workspace: Callable[[str], Path]) -> None:
    """What it printed decides, lies in the evidence store under its digest, and is bound by sign-offs."""
    root = workspace("commands.limit.result.value")
    done = gate("evaluate", "stage1", "-w", root, "--output", "json")
    assert done.code == 0, done.err
    decision = json.loads(done.out)
    record = _stored(root, decision["input_digest"])
    [printed] = record["evidence"]["commands"]["attachments"]
    assert printed["name"] == "limit.stdout"
    assert _bytes(root, printed["sha256"]) == b"900000"
    assert gate("ledger", "verify", "-w", root).code == 0
    before = decision["stages"]["stage1"]["evidence_digest"]
    (root / "data.txt").write_text("900001")
    after = json.loads(gate("evaluate", "stage1", "-w", root, "--output", "json").out)
    assert after["stages"]["stage1"]["evidence_digest"] != before
    (root / "data.txt").write_text("700000")
    done = gate("evaluate", "stage1", "-w", root, "--output", "json")
    assert done.code == 1
    assert json.loads(done.out)["violations"][0]["actual"] == 700_000


def _bytes(root: Path, digest: str) -> bytes:
    return (root / "ledger/evidence/sha256" / digest[:2] / digest).read_bytes()


def _stored(root: Path, digest: str) -> dict[str, Any]:
    return dict(json.loads(_bytes(root, digest)))


def test_a_command_that_cannot_answer(gate: Run, workspace: Callable[[str], Path]) -> None:
    """A program that prints no number is rejected evidence with its name; the rule that needs it fails."""
    root = workspace("commands.limit.result.value")
    (root / "data.txt").write_text("many")
    done = gate("evaluate", "stage1", "-o", "json", "-w", root)
    assert done.code == 1 and done.err.count("\n") <= 1
    [found] = [item for item in json.loads(done.out)["violations"] if item["problem"] == "rejected"]
    assert "the output of the command 'limit' is wrong" in found["msg"] and found["solution"]


def test_a_value_is_judged(gate: Run, workspace: Callable[[str], Path]) -> None:
    """A number in somebody's JSON file, as a scaled integer; absent, it is missing evidence."""
    root = workspace("values.ratio.floor_micro")
    done = gate("evaluate", "stage1", "-w", root, "--output", "json")
    assert done.code == 0, done.err
    (root / "numbers.json").write_text('{"a": [0.7999999]}')
    done = gate("evaluate", "stage1", "-w", root, "--output", "json")
    assert done.code == 1
    assert json.loads(done.out)["violations"][0]["actual"] == 799_999
    (root / "numbers.json").write_text('{"a": []}')
    done = gate("evaluate", "stage1", "-w", root, "--output", "json")
    assert done.code == 1
    [violation] = json.loads(done.out)["violations"]
    assert violation["problem"] and "numbers.json" in violation["msg"], violation


def test_a_value_that_nobody_declares(gate: Run, workspace: Callable[[str], Path]) -> None:
    """A rule about a value without a declaration in gate.yaml is missing evidence, never a pass."""
    root = workspace("values.other.floor_micro")
    done = gate("evaluate", "stage1", "-w", root, "--output", "json")
    assert done.code == 1
    assert json.loads(done.out)["violations"][0]["problem"]


@pytest.mark.parametrize(
    "fact",
    ["values.Ratio.floor_micro", "values.ratio.nothing", "provenance.nobody.age_s", "provenance.tests.x"],
)
def test_misspelled_facts_are_found(gate: Run, workspace: Callable[[str], Path], fact: str) -> None:
    """A rule about a fact that no contract has is an error when the bundle is loaded."""
    done = gate("evaluate", "stage1", "-o", "json", "-w", workspace(fact))
    assert done.code == 2 and "policy error" in done.err, done


def test_facts_about_evidence_are_judged(gate: Run, workspace: Callable[[str], Path]) -> None:
    """An auditor's rule can look at the age of the evidence; the reader is shown whose age it is."""
    root = workspace("provenance.tests.age_s")
    (root / "junit.xml").write_text(
        '<testsuites><testsuite name="s" timestamp="2025-11-07T12:00:00Z"/></testsuites>'
    )
    time = ["--effective-time", "2025-11-20T12:00:00Z", "--allow-past-effective-time"]
    done = gate("evaluate", "stage1", "-w", root, "--output", "json", *time)
    assert done.code == 0, (done.out, done.err)
    [fact] = json.loads(done.out)["checks"][0]["facts"]
    assert fact == {"name": "provenance.tests.age_s", "value": 13 * 86_400, "collector": "tests"}
    (root / "junit.xml").unlink()
    done = gate("evaluate", "stage1", "-w", root, "--output", "json", *time)
    assert done.code == 1 and json.loads(done.out)["violations"][0]["problem"]


def test_configured_evidence_that_no_rule_looks_at_is_named(
    gate: Run, workspace: Callable[[str], Path]
) -> None:
    """Nobody relies on evidence that is collected and never judged."""
    root = workspace("values.ratio.floor_micro")
    done = gate("evaluate", "stage1", "-w", root, "--output", "json")
    assert {
        "code": "evidence_unused",
        "msg": "gate.yaml configures commands, which no rule of the policies looks at",
        "level": "warning",
    } in json.loads(done.out)["warnings"]
