"""GitHub's action, GitLab's template, the examples of docs/ci.md and the hooks, each run by its own shell."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
OPERATOR = ROOT / "examples" / "operator.yaml"
GITHUB_SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


def steps() -> list[dict[str, Any]]:
    """The action's steps."""
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    return found


def shell(command: tuple[str, ...], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as a CI system does."""
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder whose ``gate/bin/python`` has gate, as the action's step leaves it, and ``bin/gate``."""
    for path, command in (
        ("gate/bin/python", f'exec "{sys.executable}" "$@"'),
        ("bin/gate", f'exec "{sys.executable}" -m gate "$@"'),
    ):
        program = tmp_path / path
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{command}\n")
        program.chmod(0o755)
    return tmp_path


@pytest.fixture
def runner(installed: Path) -> dict[str, str]:
    """The variables that GitHub's runner sets for the judging step."""
    return {
        "RUNNER_TEMP": str(installed),
        "GITHUB_OUTPUT": str(installed / "outputs"),
        "GITHUB_STEP_SUMMARY": str(installed / "summary"),
        "STAGE": "stage1", "ACCEPT": "", "RECORD": "--no-record", "TRUST_REF": "", "OPERATOR": str(OPERATOR),
        "ANNOTATIONS": "true", "BASE_DECISION": "",
    }  # fmt: skip


def judge(cwd: Path, env: dict[str, str]) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """Run the judging step: how it ended, and its outputs."""
    [script] = [step["run"] for step in steps() if step.get("id") == "judge"]
    done = shell((*GITHUB_SHELL, script), cwd, env)
    path = Path(env["GITHUB_OUTPUT"])
    lines = path.read_text().splitlines() if path.exists() else []
    return done, dict(line.split("=", 1) for line in lines)


def test_every_input_and_output_is_used_and_declared() -> None:
    """What the steps read and write is what there is; other actions are pinned to a commit."""
    text = (ROOT / "action.yml").read_text()
    action = yaml.safe_load(text)
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(action["inputs"])
    [script] = [step["run"] for step in steps() if step.get("id") == "judge"]
    written = set(re.findall(r'"([a-z]+)=\$', script.partition("printf")[2]))
    assert written == set(action["outputs"])
    assert {one["value"] for one in action["outputs"].values()} == {
        f"${{{{ steps.judge.outputs.{name} }}}}" for name in action["outputs"]
    }
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]) for step in steps() if "uses" in step)


def test_the_judging_step_annotates_and_fails_the_job(
    copy_example: Callable[[str], Path], evaluated: Any, runner: dict[str, str]
) -> None:
    """The table and annotations in the log, the summary, every output, exit code 1; nothing is recorded."""
    root = copy_example("algo-trade")
    (root.parent / "base.json").write_text(evaluated("algo-trade", "stage1").out)
    done, outputs = judge(root.parent, runner | {"GATE_WORKSPACE": root.name, "BASE_DECISION": "base.json"})
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("FAIL  stage1")
    assert f"\n::error file={root.name}/gate.yaml,title=stage1.artifact_coverage::" in done.stdout
    assert outputs["verdict"] == "FAIL"
    assert json.loads(Path(outputs["decision"]).read_text())["verdict"] == "FAIL"
    assert json.loads(Path(outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert Path(outputs["junit"]).read_text().startswith("<?xml")
    assert Path(outputs["html"]).read_text().startswith("<!doctype html>")
    comment, report = Path(outputs["comment"]).read_text(), Path(outputs["report"]).read_text()
    assert "0 rules newly failing, 0 rules newly fixed" in comment
    assert Path(runner["GITHUB_STEP_SUMMARY"]).read_text() == report + comment
    assert not (root / "ledger").exists()


@pytest.mark.soak
def test_a_bad_base_does_not_change_the_verdict(
    copy_example: Callable[[str], Path], runner: dict[str, str]
) -> None:
    """There is no comment then. Asked to, the step records, and annotates nothing."""
    root = copy_example("algo-trade")
    (root / "base.json").write_text(json.dumps({"type": "nonsense"}))
    env = {"GATE_WORKSPACE": ".", "BASE_DECISION": "base.json", "RECORD": "", "ANNOTATIONS": "false"}
    done, outputs = judge(root, runner | env)
    assert (done.returncode, "::" in done.stdout, "it is no decision" in done.stderr) == (1, False, True)
    assert (outputs["verdict"], outputs["comment"]) == ("FAIL", "")
    assert not Path(runner["GITHUB_STEP_SUMMARY"]).exists() and (root / "ledger").is_dir()


def test_no_decision_has_no_outputs(make_workspace: Any, runner: dict[str, str]) -> None:
    """Broken settings: exit code 2, and nothing that a later step could take for a verdict."""
    root = make_workspace({"gate.yaml": "no: setting"})
    done, outputs = judge(root, runner | {"GATE_WORKSPACE": ".", "OPERATOR": ""})
    assert (done.returncode, done.stdout, outputs) == (2, "", {})


def test_the_key_of_the_cache_is_that_of_the_locks(tmp_path: Path) -> None:
    """Other locks, another cache."""
    [script] = [step["run"] for step in steps() if step.get("id") == "prepare"]
    keys = []
    for lock in ("a==1", "a==2"):
        folder = tmp_path / "action" / ".ci" / "requirements"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "installer.txt").write_text("pip==1\n")
        (folder / "run.txt").write_text(f"{lock}\n")
        output = tmp_path / lock
        env = {
            "RUNNER_TEMP": str(tmp_path), "GITHUB_ACTION_PATH": str(tmp_path / "action"),
            "GITHUB_OUTPUT": str(output), "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64",
        }  # fmt: skip
        assert shell((*GITHUB_SHELL, script), tmp_path, env).returncode == 0
        keys.append(output.read_text())
    assert keys[0] != keys[1] and all(
        re.fullmatch(r"key=gate-Linux-X64-3\.\d+-[0-9a-f]{16}\n", k) for k in keys
    )


def test_nothing_is_recorded_unless_asked() -> None:
    """A job that judges a change makes no key, and judges by the base branch of its pull request."""
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    assert inputs["record"]["default"] == "false"
    assert "github.base_ref" in (ROOT / "action.yml").read_text()
    for path in (".ci/templates/gitlab.yml", ".pre-commit-hooks.yaml"):
        assert "--no-record" in (ROOT / path).read_text()


# --- other systems -----------------------------------------------------------------------------------------


@pytest.fixture
def change(copy_example: Callable[[str], Path], tmp_path: Path) -> Path:
    """A clone of the example's repository with a branch, whose main branch is `origin/main`."""
    origin, clone = copy_example("algo-trade"), tmp_path / "clone"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *arguments], cwd=origin, check=True)
    subprocess.run([*git, "clone", "-q", str(origin), str(clone)], check=True)
    return clone


@pytest.mark.soak
def test_gitlabs_template(change: Path, installed: Path) -> None:
    """Its second step judges by the target branch, which it fetches, and leaves the reports."""
    text = (ROOT / ".ci" / "templates" / "gitlab.yml").read_text()
    spec, jobs = yaml.safe_load_all(text)
    inputs = spec["spec"]["inputs"]
    assert set(re.findall(r"\$\[\[ inputs\.([a-z-]+) \]\]", text)) == set(inputs)
    install, script = jobs["gate"]["script"]
    subprocess.run(["git", "update-ref", "-d", "refs/remotes/origin/main"], cwd=change, check=True)
    # the first step, which needs the network, makes a virtual environment in $work
    (installed / "venv").symlink_to(installed / "gate")
    before = f'set -euo pipefail; work="{installed}"\n'
    env = {"JUDGED_STAGE": "stage2", "TRUSTED": "", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    done = shell(("bash", "-c", before + script), change, env)
    assert done.returncode == 1, done.stderr
    assert "origin/main @ " in done.stdout
    reports = jobs["gate"]["artifacts"]["reports"]
    issues = json.loads((change / reports["codequality"]).read_text())
    assert "stage2.flow_stages_defined" in {one["check_name"] for one in issues}
    assert (change / reports["junit"]).read_text().startswith("<?xml")
    assert json.loads((change / jobs["gate"]["artifacts"]["paths"][0]).read_text())["verdict"] == "FAIL"
    assert subprocess.run(["bash", "-n", "-c", install], check=False).returncode == 0


def blocks(language: str) -> list[str]:
    """The code of docs/ci.md in that language."""
    found: list[str] = re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / "docs" / "ci.md").read_text(), re.DOTALL | re.MULTILINE
    )
    return found


@pytest.mark.soak
def test_the_shell_examples(change: Path, installed: Path) -> None:
    """Those of the page, one after another, with sh; Jenkins' step is one of them."""
    [jenkins] = re.findall(r"sh '''\n(.*?)'''", blocks("groovy")[0], re.DOTALL)
    judged, lenient, compare = blocks("sh")
    env = {"PATH": f"{installed / 'bin'}:{os.environ['PATH']}"}
    for script in (jenkins, judged, lenient):
        cheaper = script.replace("stage4", "stage2")
        done = shell(("sh", "-ex", "-c", cheaper), change, env | {"CHANGE_TARGET": "main"})
        assert done.returncode == 1, done.stderr
    assert (change / "gate.tap").read_text().startswith("TAP version 14\n")
    assert (change / "gate-junit.xml").exists() and (change / "gate.sarif").exists()
    shutil.copyfile(change / "gate-decision.json", change / "base-decision.json")
    assert shell(("sh", "-ex", "-c", compare), change, env).returncode == 0
    assert "still failing" in (change / "comment.md").read_text()


def test_the_workflow_examples_are_yaml_and_name_inputs_that_are_there() -> None:
    """Of the action, of GitLab's template and of the hooks."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    spec, _ = yaml.safe_load_all((ROOT / ".ci" / "templates" / "gitlab.yml").read_text())
    hooks = {one["id"] for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    seen = set()

    def walk(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            yield value
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from walk(item)

    for block in blocks("yaml"):
        for node in walk(yaml.safe_load(block)):
            if str(node.get("uses", "")).endswith("/gate@v1"):
                assert node["with"].keys() <= action["inputs"].keys()
                seen.add("action")
            if "inputs" in node:
                assert node["inputs"].keys() <= spec["spec"]["inputs"].keys()
                seen.add("gitlab")
            if "hooks" in node:
                assert {one["id"] for one in node["hooks"]} == hooks
                seen.add("hooks")
        assert set(re.findall(r"steps\.gate\.outputs\.(\w+)", block)) <= action["outputs"].keys()
    assert seen == {"action", "gitlab", "hooks"}


PIPELINE = ROOT / "examples" / "pipelines" / "github.yml"


def step_of(job: str) -> str:
    """The shell step of a job in the example pipeline."""
    steps = yaml.safe_load(PIPELINE.read_text())["jobs"][job]["steps"]
    [script] = [one["run"] for one in steps if "run" in one]
    return str(script)


def run_step(job: str, tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run it as a runner does, without what else the environment has."""
    usual = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(tmp_path / "output")}
    command = ["bash", "-e", "-c", step_of(job)]
    return subprocess.run(
        command, cwd=tmp_path, env={**usual, **env}, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not on PATH")
def test_the_example_pipelines_steps(tmp_path: Path) -> None:
    """A guard passes only a rule that was judged and is not violated; the night tells what is to be done; the
    hook is run with the reason.
    """
    decision = tmp_path / "decision.json"
    found: dict[str, Any] = {
        "action": "ROLLBACK_AND_INVESTIGATE",
        "checks": [{"code": "a.holds", "status": "holds"}, {"code": "a.broken", "status": "violated"}],
        "violations": [{"code": "a.broken", "msg": "it is $(touch pwned) broken"}],
    }
    decision.write_text(json.dumps(found))
    for rule, code in (("a.holds", 0), ("a.broken", 1), ("a.never_judged", 1)):
        done = run_step("guards", tmp_path, DECISION=str(decision), RULE=rule)
        assert done.returncode == code, done.stderr
        assert ("a.broken: it is $(touch pwned) broken" in done.stdout) == (rule == "a.broken")
    assert run_step("guards", tmp_path, DECISION="", RULE="a.holds").returncode != 0
    for action, code in (("ROLLBACK_AND_INVESTIGATE", 1), ("GO_LIVE_APPROVED", 0), (None, 1)):
        decision.write_text(json.dumps({**found, "action": action}))
        (tmp_path / "output").write_text("")
        given = str(decision) if action else ""
        assert run_step("nightly", tmp_path, DECISION=given).returncode == code
        assert (tmp_path / "output").read_text() == f"action={action or 'UNDECIDED'}\n"
    hook = tmp_path / "hook"
    hook.write_text('#!/bin/sh\necho "$1" >told\n')
    hook.chmod(0o755)
    assert run_step("rollback", tmp_path, HOOK=str(hook), GITHUB_RUN_ID="7").returncode == 0
    assert "asks for a rollback" in (tmp_path / "told").read_text()
    assert run_step("rollback", tmp_path, HOOK="").returncode == 1
    assert not (tmp_path / "pwned").exists()


def test_the_example_pipeline_names_what_there_is() -> None:
    """Inputs of the action, and rules and actions of the shipped policies."""
    text = PIPELINE.read_text()
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    for job in yaml.safe_load(text)["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").endswith("/gate@v1"):
                assert step["with"].keys() <= action["inputs"].keys()
                assert step["with"].get("trust-ref") != "HEAD"  # refused: the judged change itself
    policies = (ROOT / "docs" / "policies.md").read_text()
    for rule in re.findall(r"rule: ([a-z0-9_.]+)}", text):
        assert f"`{rule}`" in policies
    rules = "".join(one.read_text() for one in (ROOT / "policies" / "prelive").rglob("*.yaml"))
    for name in ("GO_LIVE_APPROVED", "ROLLBACK_AND_INVESTIGATE"):
        assert name in rules


@pytest.mark.parametrize(
    ("hook", "arguments", "code", "said"),
    [
        pytest.param("gate-evaluate", ["stage1"], 1, "FAIL  stage1", marks=pytest.mark.soak),
        ("gate-policy-check", ["shipped:release"], 0, "nothing found"),
        ("gate-policy-test", ["shipped:release", "--run", "secret"], 0, "passed"),
    ],
)
def test_a_hook_runs_as_pre_commit_runs_it(
    make_workspace: Any, installed: Path, hook: str, arguments: list[str], code: int, said: str
) -> None:
    """Its entry with its arguments, in the repository's root, without a ledger."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    [found] = [one for one in hooks if one["id"] == hook]
    root = make_workspace({"a.txt": ""})
    env = {"PATH": f"{installed / 'bin'}:{os.environ['PATH']}"}
    done = shell(("sh", "-c", f'{found["entry"]} "$@"', "sh", *arguments), root, env)
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr
    assert not (root / "ledger").exists()
    assert not found["pass_filenames"] and found["language"] == "python"
    assert re.search(found.get("files", "$"), "policies/gate/stage1/stage1.rego")
