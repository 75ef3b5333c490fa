"""Who judges is not who is judged: an operator's word, or a trust ref's, stands against any change."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.context import open_context

Gate = Callable[..., Any]
Copy = Callable[..., Path]
Make = Callable[..., Path]

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
OPERATOR = EXAMPLES / "operator.yaml"
ROLES = ("risk_officer", "cto", "lead_trader", "qa_lead")

needs_keys = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def decide(gate: Gate, root: Path, *options: str | Path, stage: str = "stage8") -> dict[str, Any]:
    """The decision, not recorded."""
    run = gate("evaluate", stage, "-w", root, *options, "-o", "json", "--no-record")
    assert run.code in (0, 1, 3), run.err
    found: dict[str, Any] = json.loads(run.out)
    return found


def codes(decision: dict[str, Any]) -> set[str]:
    """The rules that do not hold."""
    return {violation["code"] for violation in decision["violations"]}


def first_line(gate: Gate, root: Path, *options: str | Path) -> str:
    """The first line of the table."""
    line: str = gate("evaluate", "stage8", "-w", root, *options, "--no-record").out.splitlines()[0]
    return line


def git(root: Path, *arguments: str) -> str:
    """Run git in the workspace, and return what it prints."""
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", "-C", root, *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit_all(root: Path) -> None:
    """Commit whatever is there."""
    git(root, "add", "-A", "-f")
    git(root, "commit", "-q", "-m", "work")


def new_key(folder: Path, name: str) -> str:
    """A new key pair; returns the public line."""
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True
    )
    return " ".join((folder / f"{name}.pub").read_text().split()[:2])


def test_without_an_operator_the_first_line_says_self_judged(gate: Gate, copy_example: Copy) -> None:
    """Everything else works as ever, but going live needs somebody beyond the change's reach."""
    root = copy_example("ready")
    assert "self-judged" in first_line(gate, root)
    alone = decide(gate, root)
    assert codes(alone) == {"stage8.trust_anchored"}
    assert alone["trust"]["settings"]["roles"] == alone["trust"]["settings"]["allowed_signers"] == "judged"
    judged = decide(gate, root, "--operator", OPERATOR)
    assert judged["verdict"] == "PASS"
    assert judged["trust"]["settings"]["roles"] == "operator"
    assert "self-judged" not in first_line(gate, root, "--operator", OPERATOR)


@pytest.mark.soak
def test_the_operator_comes_from_the_environment_and_from_a_directory(
    gate: Gate, copy_example: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GATE_OPERATOR is the flag for every command, and a directory stands for its operator.yaml."""
    root = copy_example("ready")
    monkeypatch.setenv("GATE_OPERATOR", str(EXAMPLES))
    assert decide(gate, root)["verdict"] == "PASS"


@pytest.mark.soak
@needs_keys
def test_fresh_keys_in_the_change_sign_nothing(gate: Gate, copy_example: Copy, tmp_path: Path) -> None:
    """The attack: own keys for all four roles, and sign-offs with them."""
    root, keys = copy_example("ready"), tmp_path / "keys"
    principals = dict(re.findall(r"  (\w+): \[(\S+)\]", (root / "gate.yaml").read_text()))
    assert set(principals) == set(ROLES)
    lines = [f'{principals[role]} namespaces="signoff@gate" {new_key(keys, role)}\n' for role in ROLES]
    with (root / "trust/allowed_signers").open("a") as file:
        file.writelines(lines)
    for path in root.glob("signoffs/*.json"):
        stage, role = path.stem.split("-")
        done = gate("signoff", "request", stage, "--role", role, "--name", "Mallory", "-w", root)
        assert done.code == 0, done.err
        path.write_text(done.out)
        Path(f"{path}.sig").unlink()
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "signoff@gate", "-f", keys / role, path]
        subprocess.run(command, check=True)
    assert codes(decide(gate, root)) == {"stage8.trust_anchored"}  # by its own signers, all is signed
    found = decide(gate, root, "--operator", OPERATOR)
    assert found["verdict"] == "FAIL"
    assert {"stage1.governance_signed", "stage8.governance_signed"} <= codes(found)


def small_bundle(folder: Path) -> None:
    """A bundle of one rule that always holds, and that calls itself the shipped one."""
    shutil.copytree(EXAMPLES.parent / "policies/prelive", folder, ignore=shutil.ignore_patterns("stage*"))
    manifest = json.loads((folder / ".manifest").read_text())
    stage = manifest["metadata"]["stages"]["stage1"]
    stage.update(rules=["stage8.always"], depends_on=[], headline={}, evidence=[])
    manifest["metadata"]["stages"] = {"stage8": stage}
    (folder / ".manifest").write_text(json.dumps(manifest))
    (folder / "gate/stage8").mkdir(parents=True)
    (folder / "gate/stage8/stage8.rego").write_text(
        "package gate.stage8\n\n"
        'operand := {"name": "a", "op": "=", "actual": 1, "expected": 1, "unit": "x", "holds": true}\n\n'
        'check_always := {"holds": true, "operands": [operand]}\n\n'
        "# METADATA\n# title: Always\n# description: Always holds.\n# custom:\n#   short_name: always\n"
        "#   severity: HIGH\n#   solution: None.\n#   owner: cto\n#   controls: [x]\n#   facts: []\n"
        "deny_always contains result if {\n\toperand.holds == false\n"
        '\tresult := {"code": "stage8.always", "msg": "x"}\n}\n'
    )
    data = folder / "gate/params/common/data.yaml"
    text = data.read_text()
    data.write_text(re.sub(r"(?ms)^(never_waived|on_unknown):.*?(?=^\w|\Z)", "", text))


def test_policies_of_the_change_do_not_judge_it(gate: Gate, copy_example: Copy) -> None:
    """The attack: a one-rule bundle that takes the shipped one's name and version, and pins itself."""
    root = copy_example("algo-trade")
    small_bundle(root / "policies")
    settings = root / "gate.yaml"
    settings.write_text(settings.read_text() + "\npolicy: {bundle: policies, version: 1.1.0}\n")
    refused = gate("evaluate", "stage8", "-w", root)
    assert refused.code == 2 and "calls itself gate-prelive 1.1.0" in refused.err and not refused.out
    manifest = root / "policies/.manifest"
    manifest.write_text(manifest.read_text().replace("gate-prelive", "house"))
    alone = decide(gate, root)
    assert (alone["verdict"], alone["policy"]["name"]) == ("PASS", "house")
    assert "self-judged" in first_line(gate, root)
    found = decide(gate, root, "--operator", OPERATOR)
    assert found["verdict"] == "FAIL" and found["policy"]["digest"] != alone["policy"]["digest"]
    assert found["trust"]["settings"]["policy"] == "default"
    [ignored] = [notice["msg"] for notice in found["warnings"] if notice["code"] == "settings_ignored"]
    assert "policy" in ignored and "roles" not in ignored


@pytest.mark.parametrize(
    ("settings", "permission", "marker"),
    [
        ("commands: {run: {lint: {command: [./run.sh], format: text}}}", "commands", True),
        ("stage_tests: {python: ./run.sh}", "stage_tests", True),
    ],
)
def test_nothing_of_the_change_runs_unless_an_operator_permits_it(
    gate: Gate, make_workspace: Make, tmp_path: Path, settings: str, permission: str, marker: bool
) -> None:
    """Whatever gate.yaml says; with the permission it does run, so that the test would notice."""
    ran = tmp_path / "ran"
    root = make_workspace(
        {
            "gate.yaml": f"version: 1\nevidence:\n  {settings}\n",
            "run.sh": f"#!/bin/sh\ntouch {ran}\n",
            "tests/stage6_test.py": "def test_a(): pass\n",
        }
    )
    (root / "run.sh").chmod(0o755)
    operator = tmp_path / "operator.yaml"
    operator.write_text("version: 1\n")
    for options in ((), ("--operator", operator)):
        gate("collect", permission, "-w", root, *options)
        decide(gate, root, *options)
        assert not ran.exists()
    operator.write_text(f"version: 1\nexecute: [{permission}]\n")
    gate("collect", permission, "-w", root, "--operator", operator)
    assert ran.exists() == marker


def test_what_was_not_run_is_a_problem_with_its_remedy(gate: Gate, make_workspace: Make) -> None:
    """The facts are absent, and the remedy names the operator's setting."""
    root = make_workspace(
        {"gate.yaml": "evidence: {commands: {run: {lint: {command: [ls], format: text}}}}\n"}
    )
    out = gate("collect", "commands", "-w", root, "-o", "json").out
    [problem] = json.loads(out)["commands"]["problems"]
    assert "no operator permits" in problem["reason"]
    assert "`execute`" in problem["remedy"] and "--operator" in problem["remedy"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("version: 1\nallowed_signers: workspace/trust/allowed_signers\n", "lies in the workspace"),
        ("version: 1\npolicy: {bundle: workspace/policies}\n", "lies in the workspace"),
        ("version: 1\nallowed_signers: gone\n", "there is no such file"),
        ("version: 1\nexecute: [everything]\n", "must be 'commands', 'plugins' or 'stage_tests'"),
        ("version: 1\nexecutes: [commands]\n", "did you mean 'execute'?"),
        ("version: 1\nlog_key: nonsense\n", "log_key"),
        ("version: [\n", "operator.yaml"),
        ("subject: {sources: [gone]}\n", "where: the operator's file, subject.sources"),
        ("evidence: {nothing: {}}\n", "there is no collector 'nothing'"),
    ],
)
def test_a_wrong_operators_file_is_one_error(
    gate: Gate, make_workspace: Make, tmp_path: Path, text: str, what: str
) -> None:
    """Exit code 2, and what to do."""
    root = make_workspace({"policies/x": "", "trust/allowed_signers": ""})
    operator = tmp_path / "operator.yaml"
    operator.write_text(text)
    run = gate("evaluate", "stage1", "-w", root, "--operator", operator)
    assert run.code == 2 and what in run.err, run.err
    assert run.err.count("to do:") == 1


def test_an_operators_file_in_the_workspace_is_refused(
    gate: Gate, make_workspace: Make, tmp_path: Path
) -> None:
    """Also when a link leads there; absent files are refused, too."""
    root = make_workspace({"operator.yaml": "version: 1\n"})
    link = tmp_path / "link.yaml"
    link.symlink_to(root / "operator.yaml")
    outside, chain = tmp_path / "outside.yaml", tmp_path / "chain.yaml"
    outside.write_text("version: 1\n")
    (root / "inner.yaml").symlink_to(outside)  # the change could point it elsewhere
    chain.symlink_to(root / "inner.yaml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "operator.yaml").write_text("version: 1\n")
    (root / "away").symlink_to(elsewhere)  # the change decides where it leads
    for file in (root / "operator.yaml", root, link, chain, root / "away", root / "away" / "operator.yaml"):
        run = gate("evaluate", "stage1", "-w", root, "--operator", file)
        assert run.code == 2 and "in the workspace" in run.err
    assert gate("evaluate", "stage1", "-w", root, "--operator", tmp_path / "gone.yaml").code == 2


@pytest.mark.soak
def test_an_operator_decides_limits_stages_and_the_log(
    gate: Gate, make_workspace: Make, tmp_path: Path
) -> None:
    """Settings of gate.yaml that weaken a decision are not in force, and the log key is the named one."""
    root = make_workspace(
        {
            "gate.yaml": "stages: {stage8: {depends_on: []}}\nlimits: {file_bytes: 999999999}\n"
            "ledger: {location: l}\n"
        }
    )
    operator = tmp_path / "operator.yaml"
    operator.write_text(f"version: 1\nledger: {{location: {tmp_path}/elsewhere}}\n")
    alone, found = decide(gate, root), decide(gate, root, "--operator", operator)
    assert set(alone["stages"]) == {"stage8"} and len(found["stages"]) == 8
    assert "limit_widened" in {one["code"] for one in alone["weakenings"]}
    assert "limit_widened" not in {one["code"] for one in found["weakenings"]}
    assert gate("evaluate", "stage1", "-w", root, "--operator", operator).code == 1
    assert (tmp_path / "elsewhere/log.intoto.jsonl").is_file() and not (root / "l").exists()
    assert gate("status", "-w", root, "--operator", operator).out.count("FAIL") == 1
    other = "gate.local/x+" + "0" * 8
    operator.write_text(f"version: 1\nlog_key: {other}\n")
    assert gate("evaluate", "stage1", "-w", root, "--operator", operator).code == 2
    key = (tmp_path / "elsewhere/trust/log.vkey").read_text().strip()
    operator.write_text(f"version: 1\nlog_key: {key}\n")
    assert gate("evaluate", "stage1", "-w", root, "--operator", operator).code == 1


def test_options_of_the_change_are_weakenings(gate: Gate, make_workspace: Make) -> None:
    """Wherever a collector is pointed elsewhere, the decision says so."""
    root = make_workspace(
        {
            "gate.yaml": "evidence: {coverage: {xml: other.xml}, rollback: {path: R.md}, "
            "source: {paths: [a]}}\n"
        }
    )
    found = decide(gate, root, stage="stage1")
    said = {(one["code"], one["msg"].split()[2].rstrip(",")) for one in found["weakenings"]}
    assert said >= {
        ("evidence_redirected", "evidence.coverage.xml"),
        ("evidence_redirected", "evidence.rollback.path"),
        ("evidence_narrowed", "evidence.source.paths"),
    }


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git keeps of :func:`repository`."""
    return tmp_path_factory.mktemp("committed") / ".git"


@pytest.fixture
def repository(copy_example: Copy, committed: Path) -> Path:
    """The ready example as a repository: `main` has it, and `change` is checked out."""
    root = copy_example("ready")
    if not committed.exists():
        git(root, "init", "-q")
        commit_all(root)
        git(root, "switch", "-q", "-c", "change")
        shutil.copytree(root / ".git", committed)
    else:
        shutil.copytree(committed, root / ".git")
    return root


@pytest.mark.soak
@needs_git
def test_a_trust_ref_is_enough_to_go_live(gate: Gate, repository: Path) -> None:
    """An unchanged branch is judged by what main says, and anchored there."""
    found = decide(gate, repository, "--trust-ref", "main")
    assert found["trust"]["ref"] == {"name": "main", "commit": git(repository, "rev-parse", "main")}
    assert found["trust"]["alterations"] == []
    assert codes(found) == set(), found["violations"]
    assert "self-judged" not in first_line(gate, repository, "--trust-ref", "main")


@needs_git
@needs_keys
def test_alterations_are_named_and_not_in_force(gate: Gate, repository: Path, tmp_path: Path) -> None:
    """A new signer, a new holder of a role and a widened limit: listed by name, blocking, without effect."""
    public = new_key(tmp_path / "keys", "mallory")
    with (repository / "trust/allowed_signers").open("a") as file:
        limited = f'namespaces="signoff@gate",valid-after="20250101Z" {public}'
        file.write(f"mallory@example.com {limited}\n")
    settings = repository / "gate.yaml"
    text = settings.read_text().replace("cto: [amir.cohen@example.com]", "cto: [mallory@example.com]")
    settings.write_text(text + "\nlimits: {file_bytes: 999999999}\n")
    commit_all(repository)
    found = decide(gate, repository, "--trust-ref", "main")
    texts = [one["text"] for one in found["trust"]["alterations"]]
    signer = r"added signer SHA256:\S+ \(mallory@example.com\).* valid 2025-01-01T00:00:00Z – for cto"
    assert any(re.match(signer, text) for text in texts), texts
    assert "changed setting roles.cto from amir.cohen@example.com to mallory@example.com" in texts
    assert "added setting limits: file_bytes" in texts or any("limits" in text for text in texts)
    assert {"stage1.trust_unaltered"} <= codes(found)
    assert "limit_widened" not in {one["code"] for one in found["weakenings"]}
    shown = gate("evaluate", "stage8", "-w", repository, "--trust-ref", "main", "--no-record").out
    assert "mallory@example.com" in shown


@needs_git
@needs_keys
def test_signed_alterations_are_accepted_and_stay_visible(
    gate: Gate, make_workspace: Make, tmp_path: Path
) -> None:
    """Exactly those that an entitled person signed; one more alteration voids the signature."""
    public = new_key(tmp_path / "keys", "dana")
    root = make_workspace(
        {
            "gate.yaml": "roles: {risk_officer: [dana@example.com]}\n",
            "trust/allowed_signers": f'dana@example.com namespaces="signoff@gate" {public}\n',
            "a.py": "x = 1\n",
        }
    )
    git(root, "init", "-q")
    commit_all(root)
    git(root, "switch", "-q", "-c", "change")
    (root / "gate.yaml").write_text("roles: {risk_officer: [dana@example.com, eve@example.com]}\n")
    commit_all(root)
    trust = ("--trust-ref", "main", "-w", root)
    done = gate("signoff", "request", "trust", "--role", "risk_officer", "--name", "Dana", *trust)
    assert done.code == 0, done.err
    (root / "signoffs").mkdir()
    path = root / "signoffs/trust-risk_officer.json"
    path.write_text(done.out)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "signoff@gate", "-f", tmp_path / "keys/dana", path]
    subprocess.run(command, check=True)
    found = decide(gate, root, "--trust-ref", "main", stage="stage1")
    assert "stage1.trust_unaltered" not in codes(found)
    assert any(one["msg"].startswith("Accepted by sign-off: changed setting") for one in found["warnings"])
    (root / "gate.yaml").write_text("name: x\nroles: {risk_officer: [dana@example.com, eve@example.com]}\n")
    assert "stage1.trust_unaltered" in codes(decide(gate, root, "--trust-ref", "main", stage="stage1"))


@pytest.mark.soak
@needs_git
def test_policies_are_those_of_the_trust_ref(gate: Gate, repository: Path) -> None:
    """A threshold that the change lowers does not judge it, and its file is named."""
    git(repository, "switch", "-q", "main")
    shutil.copytree(EXAMPLES.parent / "policies/prelive", repository / "policies")
    with (repository / "gate.yaml").open("a") as file:
        file.write("\npolicy: {bundle: policies}\n")
    commit_all(repository)
    git(repository, "switch", "-q", "-c", "lower")
    before = decide(gate, repository, "--trust-ref", "main")
    data = repository / "policies/gate/params/stage1/data.yaml"
    data.write_text(data.read_text().replace("800000", "100000"))
    found = decide(gate, repository, "--trust-ref", "main")
    assert found["policy"] == before["policy"]
    assert found["trust"]["settings"]["policy"] == "trust_ref"
    texts = [one["text"] for one in found["trust"]["alterations"]]
    assert texts == ["changed policies/gate/params/stage1/data.yaml"]
    data.write_text("{{{")
    assert decide(gate, repository, "--trust-ref", "main")["policy"] == before["policy"]


@pytest.mark.soak
@needs_git
def test_signers_of_the_trust_ref_cannot_be_planted(gate: Gate, repository: Path) -> None:
    """Neither where the base has none, nor under the name that gate uses for those of the base."""
    git(repository, "switch", "-q", "main")
    shutil.move(repository / "trust", repository / "gone")
    commit_all(repository)
    git(repository, "switch", "-q", "-c", "plant")
    for folder in ("trust", "@trust_ref/trust"):
        (repository / folder).mkdir(parents=True)
        shutil.copy(repository / "gone/allowed_signers", repository / folder)
    commit_all(repository)
    found = decide(gate, repository, "--trust-ref", "main")
    assert "stage1.governance_signed" in codes(found)


@needs_git
def test_a_branch_that_was_only_fetched_is_proposed(gate: Gate, repository: Path) -> None:
    """A fresh clone has origin/main and no main."""
    git(repository, "update-ref", "refs/remotes/origin/protected", "HEAD")
    run = gate("evaluate", "stage1", "-w", repository, "--trust-ref", "protected")
    assert (run.code, "to do: did you mean 'origin/protected'?" in run.err) == (2, True), run.err
    run = gate("evaluate", "stage1", "-w", repository, "--trust-ref", "other")
    assert (run.code, "to do: fetch it, or name" in run.err) == (2, True), run.err


@needs_git
def test_a_ref_that_moves_with_the_change_is_refused(gate: Gate, repository: Path) -> None:
    """What is checked out cannot be the judge of itself; what does not exist judges nothing."""
    for ref in ("HEAD", "@", "change", "refs/heads/change", "nothing", "-x", "main..change"):
        run = gate("evaluate", "stage1", "-w", repository, f"--trust-ref={ref}")
        assert run.code == 2 and run.err.count("to do:") == 1, ref


@pytest.mark.soak
@needs_git
@pytest.mark.parametrize("planted", ["refs/tags/main", "refs/remotes/main"])
def test_a_name_that_several_refs_have_is_refused(gate: Gate, repository: Path, planted: str) -> None:
    """Whoever may push a tag of the branch's name would decide otherwise: git prefers it."""
    git(repository, "update-ref", planted, "change")
    run = gate("evaluate", "stage1", "-w", repository, "--trust-ref", "main")
    assert run.code == 2 and "names several refs" in run.err
    assert gate("evaluate", "stage1", "-w", repository, "--trust-ref", "refs/heads/main").code != 2


@needs_git
def test_a_trust_ref_that_is_the_judged_commit_is_a_weakening(gate: Gate, make_workspace: Make) -> None:
    """On a protected branch after the merge, nothing that the commit itself altered was compared."""
    root = make_workspace({"gate.yaml": "version: 1\n", "a.py": "x = 1\n"})
    git(root, "init", "-q")
    commit_all(root)
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    trust = ("-w", root, "--trust-ref", "origin/main", "--no-record", "-o")
    run = gate("evaluate", "stage1", *trust, "json", "-o", f"table={root}/table.txt")
    [said] = [one for one in json.loads(run.out)["weakenings"] if one["code"] == "trust_ref_judged"]
    assert said["msg"].startswith("the trust ref origin/main is the judged commit: ")
    assert f"weakened: {said['msg']}" in " ".join((root / "table.txt").read_text().split())
    (root / "a.py").write_text("x = 2\n")
    commit_all(root)
    assert open_context(root, trust_ref="origin/main").weakenings == ()


@needs_git
def test_broken_settings_of_the_change_are_an_alteration(gate: Gate, repository: Path) -> None:
    """They judge nothing, so they end nothing; they are named."""
    (repository / "gate.yaml").write_text("roles: [\n")
    found = decide(gate, repository, "--trust-ref", "main")
    assert any("gate.yaml cannot be read" in one["text"] for one in found["trust"]["alterations"])
    assert "stage1.trust_unaltered" in codes(found)


def test_a_trust_ref_without_a_repository_is_an_error(gate: Gate, make_workspace: Make) -> None:
    """There is nothing to take settings from."""
    run = gate("evaluate", "stage1", "-w", make_workspace({}), "--trust-ref", "main")
    assert run.code == 2 and "there is no commit 'main' here" in run.err


@needs_git
def test_the_decision_says_whose_word_was_taken(gate: Gate, repository: Path) -> None:
    """With both, the operator's word comes first."""
    found = decide(gate, repository, "--trust-ref", "main", "--operator", OPERATOR)["trust"]
    assert found["settings"]["roles"] == "operator" and found["settings"]["subject"] == "trust_ref"
    shown = gate("explain", "stage1", "-w", repository, "--trust-ref", "main").out
    assert "main @ " in shown


@needs_keys
def test_without_a_trust_ref_there_is_no_alteration_to_sign(gate: Gate, copy_example: Copy) -> None:
    """A signature would be of nothing."""
    run = gate("signoff", "request", "trust", "--role", "cto", "--name", "x", "-w", copy_example("ready"))
    assert run.code == 2 and "add --trust-ref" in run.err


def test_the_proposed_command_judges_the_same_by_the_same(gate: Gate, copy_example: Copy) -> None:
    """Whoever types what the last line says sees the decision explained, and no other."""
    root = copy_example("algo-trade")
    shown = gate("evaluate", "stage8", "-w", root, "--operator", OPERATOR, "--no-record").out
    [command] = re.findall(r"why: gate (explain [^·]+)", " ".join(shown.split()))
    assert command.split() == ["explain", "stage8", "--workspace", str(root), "--operator", str(OPERATOR)]
    assert gate(*command.split()).out.startswith("FAIL  stage8 → ROLLBACK")


@pytest.mark.soak
@needs_git
def test_an_operator_hides_no_alteration_of_policies(gate: Gate, repository: Path, tmp_path: Path) -> None:
    """The operator's bundle judges, and what the change alters in that of the base is named all the same."""
    git(repository, "switch", "-q", "main")
    shutil.copytree(EXAMPLES.parent / "policies/prelive", repository / "policies")
    with (repository / "gate.yaml").open("a") as file:
        file.write("\npolicy: {bundle: policies}\n")
    commit_all(repository)
    git(repository, "switch", "-q", "-c", "lower")
    data = repository / "policies/gate/params/stage1/data.yaml"
    data.write_text(data.read_text().replace("800000", "100000"))
    shutil.copytree(EXAMPLES.parent / "policies/prelive", tmp_path / "own")
    operator = tmp_path / "operator.yaml"
    operator.write_text("policy: {bundle: own}\n")
    found = decide(gate, repository, "--trust-ref", "main", "--operator", operator, stage="stage1")["trust"]
    assert found["settings"]["policy"] == "operator"
    assert [one["text"] for one in found["alterations"]] == ["changed policies/gate/params/stage1/data.yaml"]


def test_a_relative_ledger_that_leads_out_is_named_in_the_operators_file(gate: Gate, tmp_path: Path) -> None:
    """The message is about the operator's file, which is where to correct it."""
    (tmp_path / "ws").mkdir()
    file = tmp_path / "own.yaml"
    file.write_text("version: 1\nledger: {location: ../copy}\n")
    done = gate("ledger", "verify", "-w", tmp_path / "ws", "--operator", file)
    assert done.code == 2
    assert f"{file}, ledger.location" in done.err and "or give its absolute path" in done.err
