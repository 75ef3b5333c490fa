"""The shipped bundle ``release``: its example, its tutorial, and how it is chosen."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.engine.policy.bundle import SHIPPED_BUNDLES, load_bundle

from .conftest import EXAMPLES, ROOT, Finished

EXAMPLE = EXAMPLES / "release"
OPERATOR = EXAMPLES / "operator-release.yaml"
PAGE = ROOT / "docs" / "release.md"
_FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
Run = Callable[..., Finished]
LEFT_OUT = shutil.ignore_patterns("ledger", "__pycache__", ".coverage")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example outside of git; tests that change it put it back."""
    root = tmp_path_factory.mktemp("service") / "release"
    shutil.copytree(EXAMPLE, root, ignore=LEFT_OUT)
    return root


def judged(gate: Run, root: Path, stage: str = "release", *options: str | Path) -> dict[str, Any]:
    """The decision about a workspace; nothing is recorded."""
    done = gate("evaluate", stage, "-w", root, "--no-record", "-o", "json", *options)
    assert done.code in (0, 1), done.err
    decision: dict[str, Any] = json.loads(done.out)
    return decision


def edit(root: Path, changes: list[tuple[str, str, str]]) -> None:
    """Change one text in each of the files."""
    for name, old, new in changes:
        text = (root / name).read_text()
        assert old in text, name
        (root / name).write_text(text.replace(old, new, 1))


def test_the_example_may_be_released(gate: Run, service: Path) -> None:
    """Every rule holds over what real tools wrote, and the release manager signed exactly this."""
    decision = judged(gate, service, "release", "--operator", OPERATOR)
    assert (decision["verdict"], decision["action"]) == ("PASS", "RELEASE")
    assert decision["policy"]["name"] == "gate-release"
    assert {check["status"] for check in decision["checks"]} == {"holds", "cannot be told"}
    unknown = [check["code"] for check in decision["checks"] if check["status"] == "cannot be told"]
    assert len(decision["checks"]) == 17 and unknown == ["release.evidence_current"]
    assert all(name for check in decision["checks"] for name in check["controls"])
    assert all(check["risk"] for check in decision["checks"])  # what reports say may happen
    assert decision["stages"]["build"]["exhibits"]["coverage.packages"]["rows"]


def test_a_change_that_judges_itself_is_not_released(gate: Run, service: Path) -> None:
    """Its own settings choose the same bundle and name the same signers; that is what is wrong with them."""
    violations = judged(gate, service)["violations"]
    assert {one["code"] for one in violations} == {"release.trust_anchored"}
    assert {one.get("term") for one in violations} >= {"policy", "roles", "allowed_signers"}


def test_each_tool_is_listened_to(gate: Run, service: Path, tmp_path: Path) -> None:
    """A bad report of each kind fails its rule, and no other."""
    root = tmp_path / "bad"
    shutil.copytree(service, root)
    changes = [
        ("pip-audit.json", '"0.1.2", "vulns": []', '"0.1.2", "vulns": [{"id": "X-1", "fix_versions": []}]'),
        ("bandit.sarif", '"executionSuccessful": true', '"executionSuccessful": false'),
        ("bom.json", '"id": "MIT"', '"id": "AGPL-3.0-only"'),
        ("junit.xml", '<testsuite name="pytest" errors="0" failures="0"', '<testsuite name="pytest"'),
        ("junit.xml", "/>", "><failure/></testcase>"),
        ("messages/notes.jsonl", '"n-2"', '"N 2"'),
        ("notes/app.py", "_MOST_BYTES = ", 'API_TOKEN = "ghp_' + "a1B2" * 9 + '"\n_MOST_BYTES = '),
        ("pyproject.toml", "1.4.0", "1.5.0rc1"),
    ]
    edit(root, changes)
    found = {one["code"] for one in judged(gate, root, "release", "--operator", OPERATOR)["violations"]}
    assert found == {
        "build.licenses_accepted",
        "build.messages_valid",
        "build.no_hardcoded_secrets",
        "build.no_known_vulnerabilities",
        "build.scans_clean",
        "build.tests_pass",
        "release.dependency",
        "release.governance_signed",
        "release.version_final",
    }


def test_reports_that_are_each_clean_and_speak_of_different_things(
    gate: Run, service: Path, tmp_path: Path
) -> None:
    """Another version audited than listed, a test left out, a list that says that it has gaps."""
    root = tmp_path / "apart"
    shutil.copytree(service, root)
    lacking = '"compositions": [{"aggregate": "incomplete"}], "components": [{'
    edit(
        root,
        [
            ("pip-audit.json", '"version": "4.3.0"', '"version": "4.2.0"'),
            ("junit.xml", 'name="test_a_note_is_rendered"', 'name="test_markdown_becomes_html"'),
            ("bom.json", '"components": [\n    {', lacking),
        ],
    )
    violations = judged(gate, root, "build", "--operator", OPERATOR)["violations"]
    assert {(one["code"], one["operand"], one["actual"]) for one in violations} == {
        ("build.no_known_vulnerabilities", "components_not_audited", "markdown-it-py==4.3.0"),
        ("build.all_tests_run", "tests_not_run", "test_a_note_is_rendered"),
        ("build.components_known", "incomplete_lists", 1),
    }


def test_without_evidence_nothing_holds(gate: Run, tmp_path: Path) -> None:
    """No rule of the build passes over nothing."""
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "gate.yaml").write_text("policy: {shipped: release}\n")
    decision = judged(gate, tmp_path / "w", "all")
    passed = {check["code"] for check in decision["checks"] if check["status"] == "holds"}
    assert passed <= {"build.no_hardcoded_secrets", "release.trust_unaltered"}  # gate.yaml was searched


@pytest.mark.soak
def test_the_tutorial_word_for_word(gate: Run, tmp_path: Path) -> None:
    """Commands run one after the other; each shows what the page says that it shows."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    root = tmp_path / "notes"
    shutil.copytree(EXAMPLE, root, ignore=LEFT_OUT)
    for name in ("gate.yaml", "README.md"):
        (root / name).unlink()
    for name in ("trust", "signoffs"):
        shutil.rmtree(root / name)
    verdicts = []
    for block in _FENCE.findall(PAGE.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            if not command.startswith("gate "):
                subprocess.run(["sh", "-c", command], cwd=root, env=os.environ, check=True)
                continue
            done = gate(*shlex.split(command)[1:], cwd=root)
            output = " ".join((done.out + done.err).split())
            for line in shown:
                assert " ".join(line.split()) in output, f"{command}\n{done.out}{done.err}"
            assert done.code == (1 if shown and shown[0].startswith("FAIL") else 0), done.out + done.err
            if command.startswith("gate evaluate"):
                verdicts.append(done.out.split()[0])
    assert verdicts == ["PASS", "FAIL", "FAIL", "PASS"]


def test_both_bundles_have_the_same_library() -> None:
    """A bundle is complete in itself, so the modules are there twice."""
    usual = SHIPPED_BUNDLES["prelive"] / "gate/lib"
    modules = [p for p in (SHIPPED_BUNDLES["release"] / "gate/lib").glob("*.rego") if "_test" not in p.name]
    assert len(modules) >= 5
    for module in modules:
        assert module.read_bytes() == (usual / module.name).read_bytes(), f"copy {module.name} from prelive"


@pytest.mark.parametrize("folder", ["release", "shipped:release"])
def test_no_directory_takes_the_name_of_a_shipped_bundle(gate: Run, tmp_path: Path, folder: str) -> None:
    """Neither in settings nor on the command line."""
    assert gate("policy", "copy", folder, "--name", "mine").code == 0
    (tmp_path / "gate.yaml").write_text("policy: {shipped: release}\n")
    assert judged(gate, tmp_path, "build")["policy"]["name"] == "gate-release"
    for names in (["shipped:release"], []):
        assert gate("policy", "docs", *names).out.startswith("# Policy reference\n\nGenerated by")
        assert "`gate-release` 1.1.0" in gate("policy", "docs", *names).out


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ("{shipped: relese}", "policy.shipped"),
        ("{shipped: ../release}", "policy.shipped"),
        ("{shipped: release, bundle: own}", "the settings name two policy bundles"),
        ("{shipped: release, digest: " + "ab" * 32 + "}", "the settings demand abab"),
    ],
)
def test_settings_that_are_wrong(gate: Run, tmp_path: Path, settings: str, what: str) -> None:
    """One error that names the place, exit code 2."""
    (tmp_path / "gate.yaml").write_text(f"policy: {settings}\n")
    done = gate("evaluate", "build", "--no-record")
    assert done.code == 2 and what in done.err and "to do:" in done.err


def test_the_operator_decides_which_bundle_judges(gate: Run, tmp_path: Path) -> None:
    """A change cannot choose another one: without a word of the operator's it is the usual one."""
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "gate.yaml").write_text("policy: {shipped: release}\n")
    (tmp_path / "operator.yaml").write_text("roles: {}\n")
    done = gate("evaluate", "build", "-w", "w", "--operator", "operator.yaml", "--no-record")
    assert done.code == 2 and "there is no stage 'build'" in done.err


def test_a_copy_is_the_bundle_with_its_tests(gate: Run, tmp_path: Path) -> None:
    """The same digest; another name is refused with the ones there are."""
    assert gate("policy", "copy", "policies", "--shipped", "release").code == 0
    assert load_bundle(tmp_path / "policies").digest == load_bundle(SHIPPED_BUNDLES["release"]).digest
    assert (tmp_path / "policies/gate/build/build_test.rego").is_file()
    for command in (
        ("copy", "more", "--shipped", "relese"),
        ("list", "shipped:relese"),
        ("list", "shipped:"),
    ):
        done = gate("policy", *command)
        assert done.code == 2 and "known: prelive, release" in done.err


def test_init_says_what_it_cannot_do(gate: Run, tmp_path: Path) -> None:
    """Nothing is written for a profile that there is not, and an operator's file there is kept."""
    for options in (("--profile", "relese"), ("--profile", "release", "--templates")):
        done = gate("init", *options)
        assert done.code == 2 and "to do:" in done.err
    assert not list(tmp_path.glob("*.yaml"))
    (tmp_path / "operator.example.yaml").write_text("mine\n")
    (tmp_path / "contracts").mkdir()
    for name in ("broken", 'no "name', "-x", "A-b"):
        (tmp_path / "contracts" / f"{name}.schema.json").write_text("{")
    assert gate("init", "--profile", "release").code == 0
    assert (tmp_path / "operator.example.yaml").read_text() == "mine\n"
    sets = yaml.safe_load((tmp_path / "gate.yaml").read_text())["evidence"]["messages"]["sets"]
    assert sets == {
        "a_b": {"paths": ["messages/A-b*.jsonl"], "contract": "contracts/A-b.schema.json"},
        "broken": {"paths": ["messages/broken*.jsonl"], "contract": "contracts/broken.schema.json"},
    }
    assert gate("evaluate", "build", "--no-record").code == 1
