"""Gemara documents: what they say, that nothing is lost or acts, and that Gemara's schemas accept them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.engine.decide.plan import make_plan
from gate.engine.decision.document import CheckStatus, Decision, Severity, Verdict
from gate.engine.ledger.interface import Entry
from gate.engine.policy.bundle import SHIPPED, load_bundle
from gate.engine.policy.interface import Bundle
from gate.engine.report import registry
from gate.engine.report.gemara.catalog import catalog, policy
from gate.engine.report.gemara.documents import render_yaml
from gate.engine.report.gemara.evaluation import evaluation_log
from gate.engine.report.interface import Screen
from gate.evidence.base.errors import masked
from gate.evidence.base.limits import DEFAULT
from gate.evidence.reading.yaml_reader import parse_yaml

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "gemara.md"
MODULE, SUM = "github.com/ossf/gemara@v1.5.0", "h1:Rzeny3txVDKUI6danoNfdzRkFby3PfPXkGvxJ94aG2A="
"""Gemara's schemas as a Go module, and the digest of its content as ``go.sum`` has it."""
ZERO, TIME = "0" * 64, "2025-12-05T12:00:00Z"

SMALL: dict[str, Any] = {
    "type": "gate.decision/v2", "workspace": "desk", "stage": "two", "verdict": "FAIL", "action": "STOP",
    "effective_time": TIME, "effective_time_source": "clock", "gate_version": "1.0",
    "subject": {"commit": None, "dirty": None, "digest": ZERO, "author": None, "sources": [], "files": 3},
    "policy": {"name": "house", "version": "2.0", "digest": ZERO},
    "engine": {"name": "regorus", "version": "0"},
    "trust": {"operator": None, "ref": None, "settings": {}, "alterations": []},
    "stages": {
        name: {
            "title": name, "question": "?", "verdict": verdict, "has_evidence": True, "depends_on": needs,
            "figures": {}, "evidence_digest": ZERO,
        }
        for name, verdict, needs in (("one", "FAIL", []), ("two", "FAIL", ["one"]))
    },
    "checks": [
        {
            "code": "one.covered", "stage": "one", "title": "The code is tested", "severity": "HIGH",
            "status": "violated", "solution": "Write tests.", "owner": "qa", "controls": ["SOX:404"],
            "operands": [
                {
                    "name": "line_coverage", "op": "≥", "actual": 357_142, "expected": 800_000, "unit": "ppm",
                    "holds": False, "terms": [],
                }
            ],
            "facts": [{"name": "coverage.line_ppm", "value": 357_142, "collector": "coverage"}],
        }
    ],
    "violations": [
        {
            "code": "one.covered", "msg": "Too little is tested", "severity": "HIGH", "raised_from": None,
            "stage": "one", "term": None, "operand": "line_coverage", "op": "≥", "expected": 800_000,
            "actual": 357_142, "unit": "ppm", "problem": None, "evidence": ["coverage"],
            "places": [{"path": "src/a.py", "line": 7, "pointer": None}], "solution": "Write tests.",
        },
        {
            "code": "two.dependency", "msg": "one failed", "severity": "HIGH", "raised_from": None,
            "stage": "two", "term": "one", "operand": "one", "op": "=", "expected": "PASS", "actual": "FAIL",
            "unit": None, "problem": None, "evidence": [], "places": [], "solution": "Make one pass first.",
        },
    ],
    "conditions": [], "waived": [], "warnings": [], "signatures": [],
    "weakenings": [{"code": "no_author", "msg": "nobody is refused as an author"}],
    "evidence": [
        {
            "id": "coverage", "collector": "coverage/3", "digest": ZERO, "provider": None,
            "observed_at": None, "tool": None, "sources": "unstated", "problems": [], "scopes": [],
            "files": [{"path": "coverage.xml", "sha256": ZERO, "size": 9}],
        }
    ],
    "settings_digest": None, "input_digest": ZERO,
}  # fmt: skip


@pytest.fixture
def small() -> Decision:
    """A decision about two stages with one rule."""
    return Decision.from_json(SMALL)


def loaded(data: bytes) -> Any:
    """What YAML 1.1 reads."""
    return yaml.load(data, Loader=yaml.CSafeLoader)


def rendered(decision: Decision, entry: Entry | None = None) -> bytes:
    """The decision as it is written."""
    return registry.load("gemara").render(decision, entry, Screen())


def test_a_small_decision(small: Decision) -> None:
    """Word for word what gemara_small.yaml beside this test has."""
    expected = Path(__file__).with_name("gemara_small.yaml").read_text()
    assert rendered(small, Entry(4, "ab" * 32)).decode() == expected


@pytest.mark.parametrize(
    ("status", "severity", "assessment", "control"),
    [
        (CheckStatus.HOLDS, None, "Passed", "Passed"),
        (CheckStatus.CONDITIONAL, None, "Needs Review", "Needs Review"),
        (CheckStatus.VIOLATED, Severity.CRITICAL, "Failed", "Failed"),
        (CheckStatus.VIOLATED, Severity.LOW, "Failed", "Needs Review"),
        (CheckStatus.MISSING, Severity.HIGH, "Unknown", "Failed"),
        (CheckStatus.UNKNOWN, Severity.HIGH, "Unknown", "Failed"),
        (CheckStatus.UNKNOWN, None, "Unknown", "Unknown"),
        (CheckStatus.PENDING, None, "Needs Review", "Needs Review"),
        (CheckStatus.EXCEPTED, None, "Needs Review", "Needs Review"),
        (CheckStatus.WARNS, None, "Needs Review", "Needs Review"),
        (CheckStatus.LEFT_OUT, None, "Not Applicable", "Not Applicable"),
    ],
)
def test_what_became_of_a_rule(
    small: Decision, status: CheckStatus, severity: Severity | None, assessment: str, control: str
) -> None:
    """The assessment says what was found, the control what follows from it."""
    [check] = small.checks
    found = [replace(small.violations[0], severity=severity)] if severity else []
    log = evaluation_log(
        replace(small, checks=(replace(check, status=status),), violations=(*found, small.violations[1]))
    )
    [rule] = [one for one in log["evaluations"] if one["control"]["entry-id"] == check.code]
    assert (rule["assessment-logs"][0]["result"], rule["result"]) == (assessment, control)
    assert ("recommendation" in rule["assessment-logs"][0]) == (status is not CheckStatus.HOLDS)


@pytest.mark.soak
def test_results_agree_with_the_verdict(kinds: dict[str, Decision]) -> None:
    """A control failed where the verdict is FAIL and nowhere else; what is waived says so."""
    for kind, decision in kinds.items():
        log = evaluation_log(decision)
        results = {evaluation["result"] for evaluation in log["evaluations"]}
        assert ("Failed" in results) == (log["result"] == "Failed"), kind
        assert (log["result"] == "Failed") == (decision.verdict is Verdict.FAIL), kind
        assert ("Needs Review" in results) >= (log["result"] == "Needs Review"), kind
    log = evaluation_log(kinds["CONDITIONAL, waived"])
    [waived] = [one for one in log["evaluations"] if one["message"] == "waived"]
    [found] = waived["assessment-logs"]
    assert (waived["result"], found["result"]) == ("Needs Review", "Failed")
    assert found["message"].startswith("Waived by cto until 2025-12-31T00:00:00Z (W-1): Too little")


def test_nothing_is_judged_where_there_are_no_sources(small: Decision) -> None:
    """The control over the sources is unknown, not passed."""
    log = evaluation_log(replace(small, subject=replace(small.subject, files=0)))
    first = log["evaluations"][0]
    assert (first["control"]["entry-id"], first["result"]) == ("gate.one.subject", "Unknown")
    assert first["message"] == "There is no source file."


def test_the_ids_of_a_log_are_those_of_the_catalog(passed: Decision) -> None:
    """Controls and requirements, one for one, for the shipped bundle and all its stages."""
    bundle = load_bundle(SHIPPED)
    plan = make_plan(bundle)
    log, known, rules = evaluation_log(passed), catalog(bundle, plan), policy(bundle, plan)
    stated = {c["id"]: [r["id"] for r in c["assessment-requirements"]] for c in known["controls"]}
    assert stated == {
        one["control"]["entry-id"]: [item["requirement"]["entry-id"] for item in one["assessment-logs"]]
        for one in log["evaluations"]
    }
    assert known["metadata"]["id"] == log["metadata"]["mapping-references"][0]["id"]
    plans = {one["requirement-id"]: one for one in rules["adherence"]["assessment-plans"]}
    assert plans.keys() <= {requirement for requirements in stated.values() for requirement in requirements}
    assert plans["stage1.test_coverage.1"]["parameters"][0] == {
        "id": "stage1.test_coverage_min",
        "label": "test coverage min (ppm)",
        "description": "Below 80 % of lines, untested order paths are the rule and not the exception.",
        "accepted-values": ["800000"],
    }
    [imported] = rules["imports"]["catalogs"]
    weights = {one["target-id"]: one["text"].partition(":")[0] for one in imported["constraints"]}
    assert weights == {rule.code: rule.severity for stage in plan.stages.values() for rule in stage.rules}


def strings(value: Any) -> Iterator[str]:
    """Every string in a document, keys not counted."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(item)


SPECIAL = st.sampled_from(
    [
        "no", "~", "null", "0o17", "1e3", "2025-12-05", "- a", "a: b", "#", "'", '"', "\\", "*x", "&x", "!t",
        "::error::", "\x1b[2J", "\x85", "\u2028", "\u202e", "\ufeff", "\x00", "%", "---", "DU1234567", "\r\n",
        "|", "{", "\t",
    ]
)  # fmt: skip


@given(st.lists(st.one_of(SPECIAL, st.text(max_size=6)), min_size=1, max_size=6).map("".join))
def test_strings_come_back_as_they_were(text: str) -> None:
    """YAML 1.1 and 1.2 give back every string, masked; nothing acts, and both emitters agree."""

    def put(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: put(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [put(item, name) for item in value]
        free = ("msg", "title", "path", "solution", "owner", "workspace", "controls", "gate_version")
        return text if name in free else value

    decision = Decision.from_json(put(SMALL))
    data = rendered(decision)
    read = loaded(data)
    assert list(strings(read)) == [masked(one) for one in strings(evaluation_log(decision))]
    assert parse_yaml(data, "log.yaml", DEFAULT) == read
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]", data.decode())
    assert not any(line.lstrip(" -").startswith("::") for line in data.decode().split("\n"))
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeDumper", raising=False)
        assert rendered(decision) == data


def hostile(load: Callable[..., Bundle], bundle_files: dict[str, str]) -> Bundle:
    """A bundle whose texts are taken for YAML, commands and escapes where they are not quoted."""
    first = bundle_files["gate/stage1/stage1.rego"]
    texts = {
        "There is enough of it": r'"no: *x\n::error::\u202e DU1234567 \e[2J"',
        "Make more of it.": "'&a !!int ~ %{'",
        "qa_lead": "'null'",
        "[gate:stage1]": "['SOX:404', 'SOX:302', ':', alone, '']",
    }
    for old, new in texts.items():
        first = first.replace(old, new)
    return load({"gate/stage1/stage1.rego": first})


def test_a_bundles_texts_stay_data(load: Callable[..., Bundle], bundle_files: dict[str, str]) -> None:
    """What METADATA says is quoted and masked; controls of several frameworks and odd ones are kept apart."""
    bundle = hostile(load, bundle_files)
    plan = make_plan(bundle)
    data = render_yaml(catalog(bundle, plan))
    read = loaded(data)
    [rule] = [control for control in read["controls"] if control["id"] == "stage1.amount"]
    assert rule["title"] == "no: *x\n::error::\u202e DU****67 \x1b[2J"
    assert data.isascii() and b"\n::" not in data
    assert rule["guidelines"][0] == {
        "reference-id": "SOX",
        "entries": [{"reference-id": "404"}, {"reference-id": "302"}],
    }
    assert read["groups"] == [
        {"id": "stage1", "title": "First", "description": "Is there enough?"},
        {"id": "stage2", "title": "Second", "description": "And here?"},
    ]
    rules = loaded(render_yaml(policy(bundle, plan)))
    assert {contact["name"] for contact in rules["contacts"]["responsible"]} == {"null", "qa_lead"}
    assert rules["adherence"]["non-compliance"].endswith(
        "After stage2: PASS: GO, FAIL: STOP, FAIL_CRITICAL: STOP_NOW, CONDITIONAL: WAIT."
    )


def test_wrong_usage_of_the_command(gate: Callable[..., Any], tmp_path: Path) -> None:
    """A format that there is not, and a directory that is no bundle: one error with the remedy, no output."""
    wrong = gate("policy", "export", "-o", "gemara-catalogue")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean 'gemara-catalog'?" in wrong.err
    nothing = gate("policy", "export", tmp_path)
    assert (nothing.code, nothing.out) == (2, "")
    assert "the policy bundle has no .manifest" in nothing.err


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the audited example in which every ``gate`` command of docs/gemara.md was run."""
    root = tmp_path_factory.mktemp("gemara") / "algo-trade"
    shutil.copytree(ROOT / "examples" / "algo-trade", root, ignore=shutil.ignore_patterns("ledger"))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GATE_", "GIT_"))}
    env |= {"GATE_CONFIG_DIR": str(root.parent / "config"), "GATE_CACHE_DIR": str(root.parent / "cache")}
    env |= {"GATE_OPERATOR": str(ROOT / "examples" / "operator.yaml")}
    for command in commands("gate"):
        done = subprocess.run([sys.executable, "-m", *command], cwd=root, env=env, capture_output=True)
        assert done.returncode == (1 if command[1] == "evaluate" else 0), done.stderr.decode()
    return root


def commands(program: str) -> list[list[str]]:
    """The page's commands of that program, as lists of arguments."""
    lines = re.findall(rf"^\$ ({program} .*)$", PAGE.read_text(), re.MULTILINE)
    return [shlex.split(line) for line in lines]


@pytest.mark.soak
def test_the_page_of_the_documentation(written: Path) -> None:
    """Its commands write what it says; a recorded decision gives the same log as when it was made."""
    read = {path.stem: loaded(path.read_bytes()) for path in written.glob("*.yaml")}
    read.pop("gate")
    assert {name: document["metadata"]["type"] for name, document in read.items()} == {
        "evaluation": "EvaluationLog",
        "recorded": "EvaluationLog",
        "catalog": "ControlCatalog",
        "policy": "Policy",
    }
    assert read["evaluation"] == read["recorded"]
    assert "Recorded as ledger entry 0, leaf " in read["recorded"]["metadata"]["description"]
    assert read["recorded"]["result"] == "Failed"


@pytest.fixture(scope="session")
def vet() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``cue vet`` over files with the pinned schemas, which Go downloads."""
    program = shutil.which("cue", path=os.pathsep.join([str(ROOT / "build" / "tools"), os.environ["PATH"]]))
    if program is None:
        pytest.skip("needs cue: go install cuelang.org/go/cmd/cue@v0.17.1")
    if shutil.which("go") is None:
        pytest.skip("needs Go, to download Gemara's schemas")
    command = ["go", "mod", "download", "-json", MODULE]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout or "{}")
    if "Dir" not in found:
        pytest.skip(f"Gemara's schemas cannot be had here: {found.get('Error')}")
    assert found["Sum"] == SUM

    def run(kind: str, *paths: Path) -> subprocess.CompletedProcess[str]:
        checked = [program, "vet", "-c", "-d", kind, ".", *map(str, paths)]
        return subprocess.run(checked, cwd=found["Dir"], capture_output=True, text=True, check=False)

    return run


@pytest.mark.soak
def test_gemaras_schemas_accept_the_documents(
    vet: Callable[..., Any],
    written: Path,
    kinds: dict[str, Decision],
    make: Any,
    small: Decision,
    tmp_path: Path,
) -> None:
    """Those of the page and of decisions of every kind about both examples, also with hostile text."""
    for _, _, _, _, kind, _, *names in commands("cue"):
        done = vet(kind, *(written / name for name in names))
        assert (done.returncode, done.stderr) == (0, "")
    decisions = [*kinds.values(), make.poisoned(kinds["FAIL"]), make.poisoned(small), small]
    paths = [tmp_path / f"{number}.yaml" for number in range(len(decisions))]
    for path, decision in zip(paths, decisions, strict=True):
        path.write_bytes(rendered(decision))
    done = vet("#EvaluationLog", *paths)
    assert (done.returncode, done.stderr) == (0, "")


def test_gemaras_schemas_accept_hostile_bundles(
    vet: Callable[..., Any], load: Callable[..., Bundle], bundle_files: dict[str, str], tmp_path: Path
) -> None:
    """A bundle of one's own, with odd texts, owners and controls."""
    bundle = hostile(load, bundle_files)
    for kind, document in (("#ControlCatalog", catalog), ("#Policy", policy)):
        path = tmp_path / "document.yaml"
        path.write_bytes(render_yaml(document(bundle, make_plan(bundle))))
        done = vet(kind, path)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [('result: "Failed"', 'result: "Bad"'), ("start:", "begin:"), ('0Z"', '0"'), ("sha256:", "sha256 ")],
)
def test_gemaras_schemas_refuse_other_documents(
    vet: Callable[..., Any], small: Decision, tmp_path: Path, old: str, new: str
) -> None:
    """A wrong result, name, time or digest is found, also among good files: so acceptance says something."""
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_bytes(rendered(small))
    bad.write_text(good.read_text().replace(old, new))
    assert vet("#EvaluationLog", good, bad).returncode == 1
