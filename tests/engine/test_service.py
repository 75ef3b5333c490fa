"""Settings, pins, collectors, and decisions that are the same bytes every time."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine import service
from gate.engine.collectors import open_workspace
from gate.engine.context import open_context
from gate.engine.decide.recorded import GENERATED, PEOPLE, Time
from gate.engine.policy.bundle import SHIPPED, load_bundle
from gate.engine.service import Judged
from gate.evidence.base.canonical import canonical, manifest_bytes, sha256_hex
from gate.evidence.base.errors import ConfigError, PolicyError, UsageError

Make = Callable[..., Path]
OPERATOR = Path(__file__).resolve().parents[2] / "examples" / "operator.yaml"
NOW = Time("2025-11-07T12:00:00Z", "clock")


def test_defaults_of_a_workspace(make_workspace: Make) -> None:
    """Without a gate.yaml: the shipped bundle, the directory's name, a ledger inside."""
    root = make_workspace({})
    setting = open_context(root)
    assert (setting.name, setting.ledger) == ("workspace", root / "ledger")
    assert setting.bundle.name == "gate-prelive"
    assert setting.weakenings == ()


@pytest.mark.parametrize(
    ("pin", "place"), [("version: '9.9.9'", "policy.version"), (f"digest: '{'0' * 64}'", "policy.digest")]
)
def test_pins_are_kept(make_workspace: Make, pin: str, place: str) -> None:
    """A bundle of another version or digest than the pinned one does not judge; a flag overrides, visibly."""
    root = make_workspace({"gate.yaml": f"policy: {{{pin}}}"})
    with pytest.raises(PolicyError) as caught:
        open_context(root)
    assert (caught.value.path, caught.value.place) == ("gate.yaml", place)
    assert "the settings demand" in caught.value.what
    assert caught.value.remedy == "review the bundle's changes, then update the pin"
    assert [w.code for w in open_context(root, SHIPPED).weakenings] == ["policy_override"]


def test_the_right_pin_is_accepted(make_workspace: Make) -> None:
    """Version and digest of the shipped bundle, as a decision prints them."""
    bundle = load_bundle(SHIPPED)
    root = make_workspace(
        {"gate.yaml": f"policy: {{version: '{bundle.version}', digest: '{bundle.digest}'}}"}
    )
    assert open_context(root).bundle.digest == bundle.digest


def test_a_bundle_of_the_workspace(make_workspace: Make, make_bundle: Callable[..., Path]) -> None:
    """``policy.bundle`` names a directory in the workspace."""
    root = make_workspace({"gate.yaml": "policy: {bundle: rules}"})
    shutil.copytree(make_bundle(), root / "rules")
    assert open_context(root).bundle.name == "small"


def test_changed_dependencies_are_a_weakening(make_workspace: Make) -> None:
    """They are in the plan and in every decision."""
    setting = open_context(make_workspace({"gate.yaml": "stages: {stage2: {depends_on: []}}"}))
    assert setting.plan.stages["stage2"].depends_on == ()
    assert [w.code for w in setting.weakenings] == ["stage_override"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("evidence: {coverage: {daat: x}}", "evidence.coverage.daat"),
        ("evidence: {coverage: {sources: src}}", "evidence.coverage.sources"),
    ],
)
def test_collector_options(make_workspace: Make, text: str, place: str) -> None:
    """A wrong option is a configuration error with its full key."""
    with pytest.raises(ConfigError) as caught:
        open_context(make_workspace({"gate.yaml": text}))
    assert (caught.value.path, caught.value.place) == ("gate.yaml", place)


def test_unknown_collectors_and_stages(make_workspace: Make) -> None:
    """A collector that is not there is a usage error that names the known ones."""
    setting = open_context(make_workspace({}))
    with pytest.raises(UsageError) as caught:
        service.collect(setting, ("weather",))
    assert caught.value.remedy is not None
    assert "coverage" in caught.value.remedy


@pytest.mark.parametrize("location", ["ledger", "./ledger/", "file:ledger"])
def test_the_ledger_is_no_part_of_what_is_judged(make_workspace: Make, location: str) -> None:
    """However its directory is written, recording a decision does not change the next one's subject."""
    root = make_workspace({"a": "x", "ledger/checkpoint": "line"})
    (root / "gate.yaml").write_text(f"ledger: {{location: '{location}'}}")
    paths = open_workspace(root, open_context(root).authority).inventory()
    assert "ledger/checkpoint" not in paths


def test_decisions_are_the_same_bytes(judged_examples: Callable[[str, str], Judged], tmp_path: Path) -> None:
    """The same content in another place, judged again at the same time, gives identical bytes."""
    first = judged_examples("algo-trade", "all")
    copy = tmp_path / "algo-trade"
    shutil.copytree(first.context.root, copy)
    time = Time(first.decision.effective_time, "operator")
    again = service.evaluate(open_context(copy, operator=OPERATOR), "all", time)
    assert canonical(again.decision.to_json()) == canonical(first.decision.to_json())
    plan = again.context.plan
    assert canonical(again.recorded.to_json(plan)) == canonical(first.recorded.to_json(plan))


def test_evidence_digests_leave_out_what_people_sign(judged_examples: Callable[[str, str], Judged]) -> None:
    """A stage's evidence digest is over the files its collectors read, not over sign-offs."""
    judged = judged_examples("ready", "stage8")
    plan = judged.context.plan
    stored: dict[str, Any] = judged.recorded.to_json(plan)
    records: dict[str, Any] = stored["evidence"]
    files = {
        file["path"]: file["sha256"]
        for name in plan.stages["stage1"].collectors - PEOPLE
        for file in records[name]["files"]
        if file["path"] not in GENERATED | {"@operator/allowed_signers"}
    }
    files["gate.yaml"] = sha256_hex((judged.context.root / "gate.yaml").read_bytes())
    assert stored["input"]["evidence_digest"]["stage1"] == sha256_hex(manifest_bytes(files))
    assert not any(path.startswith("signoffs/") for path in files)


@pytest.mark.parametrize(
    ("source", "expected"), [("clock", []), ("flag", ["effective_time"]), ("gate.yaml", ["effective_time"])]
)
def test_a_set_time_is_a_weakening(make_workspace: Make, source: str, expected: list[str]) -> None:
    """A decision says when it was not made as of the time of the run."""
    setting = open_context(make_workspace({"tests/test_x.py": "def test_x(): pass\n"}))
    decision = service.evaluate(setting, "stage1", Time(NOW.text, source)).decision.to_json()
    codes = [w["code"] for w in decision["weakenings"]]
    assert [code for code in codes if code != "no_author"] == expected
    assert "no_author" in codes
    assert decision["verdict"] == "FAIL"


def test_broken_evidence_ends_in_a_decision(make_workspace: Make) -> None:
    """Every broken file is reported in one run, and fails the rules that need it."""
    broken = {"junit.xml": "<a>", "ACCOUNT_CONFIG.json": "{", "coverage.json": "["}
    root = make_workspace({"tests/test_x.py": "", **broken})
    decision = service.evaluate(open_context(root), "stage6", NOW).decision
    assert decision.verdict == "FAIL"
    rejected = [violation for violation in decision.violations if violation.problem == "rejected"]
    assert broken.keys() <= {place.path for violation in rejected for place in violation.places}


@pytest.mark.parametrize("location", ["src", "src/inner", "trust", ".", "./src/", "x"])
def test_the_ledger_hides_no_other_files(make_workspace: Make, location: str) -> None:
    """A ledger's directory that is a source path, or holds anything but a ledger, is refused."""
    root = make_workspace(
        {"src/a.py": "x", "src/inner/b.py": "x", "trust/allowed_signers": "", "x/evil.py": ""}
    )
    (root / "gate.yaml").write_text(f"subject: {{sources: [src]}}\nledger: {{location: '{location}'}}\n")
    with pytest.raises(ConfigError) as caught:
        open_workspace(root, open_context(root).authority)
    assert caught.value.place == "ledger.location"


def test_settings_that_narrow_what_is_judged_are_in_the_decision(make_workspace: Make) -> None:
    """Excluded sources, narrowed evidence and a bundle that nobody pinned are named as weakenings."""
    root = make_workspace({"src/a.py": "x = 1\n"})
    shutil.copytree(SHIPPED, root / "bundle")
    (root / "gate.yaml").write_text(
        "subject: {sources: [src], exclude: ['**/*.so']}\npolicy: {bundle: bundle}\n"
        "evidence: {coverage: {exclude_also: [raise], data: .coverage}}\n"
    )
    decision = service.evaluate(open_context(root), "stage1", NOW).decision.to_json()
    found = {item["code"]: item["msg"] for item in decision["weakenings"]}
    assert {"sources_excluded", "bundle_not_pinned", "evidence_narrowed"} <= set(found)
    assert "**/*.so" in found["sources_excluded"]
    assert "coverage.exclude_also" in found["evidence_narrowed"]
    assert decision["settings_digest"] == sha256_hex((root / "gate.yaml").read_bytes())


def test_the_signers_cannot_be_replaced_through_a_collector(make_workspace: Make) -> None:
    """Roles and the file of allowed signers are settings of the workspace, in one place."""
    root = make_workspace({"tests/a.py": "x"})
    (root / "gate.yaml").write_text("evidence: {signoffs: {allowed_signers: other}}\n")
    with pytest.raises(ConfigError) as caught:
        service.evaluate(open_context(root), "stage1", NOW)
    assert caught.value.place == "evidence.signoffs.allowed_signers"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is forked")
def test_collectors_run_in_a_fork(make_workspace: Make) -> None:
    """To judge starts no second interpreter for gate's own collectors: that takes as long as all of them."""
    program = (
        "import sys; from gate.evidence.process import children; children._spawn = None; "
        "sys.argv = ['gate', 'evaluate', 'stage1', '-w', sys.argv[1], '--no-record', '--no-cache']; "
        "from gate.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(make_workspace({}))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
