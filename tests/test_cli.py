"""The program through its real entry point: verdicts, exit codes, outputs, recording."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base import contracts
from gate.evidence.signing.keys import load_or_create_log_key

Gate = Callable[..., Any]
Copy = Callable[..., Path]
Recorded = Callable[..., Path]

OPERATOR = ("--operator", Path(__file__).resolve().parents[1] / "examples" / "operator.yaml")


def decision(run: Any) -> dict[str, Any]:
    """The decision printed as JSON."""
    loaded: dict[str, Any] = json.loads(run.out)
    return loaded


def test_the_audited_example_fails_for_the_reasons_of_the_audit(evaluated: Gate) -> None:
    """5 of 14 artifacts, unmeasured coverage, no sign-offs, a wrong checklist total: FAIL, exit 1."""
    run = evaluated("algo-trade", "stage1")
    assert run.code == 1, run.err
    found = decision(run)
    assert found["verdict"] == "FAIL"
    assert found["stages"]["stage1"]["figures"]["artifact_coverage"]["value"] == 357142
    assert found["stages"]["stage1"]["figures"]["test_coverage"]["value"] is None
    by_code = {item["code"]: item for item in found["violations"]}
    assert by_code["stage1.artifact_coverage"]["actual"] == 357142
    assert by_code["stage1.artifact_coverage"]["expected"] == 800000
    assert by_code["stage1.test_coverage"]["problem"] == "missing"
    assert by_code["stage1.governance_signed"]["severity"] == "CRITICAL"
    total = by_code["stage1.checklist_total"]
    assert {total["actual"], total["expected"]} == {660, 760}
    assert "stage1.fixtures_valid" not in by_code
    assert "stage1.contracts_valid" not in by_code


def test_the_audited_example_must_not_go_live(evaluated: Gate) -> None:
    """Stage 8 and all it needs fail, those without any evidence too; the action is to investigate."""
    run = evaluated("algo-trade", "stage8")
    assert run.code == 1, run.err
    found = decision(run)
    assert {stage["verdict"] for stage in found["stages"].values()} == {"FAIL"}
    assert {name for name, stage in found["stages"].items() if not stage["has_evidence"]} == {
        "stage2",
        "stage3",
        "stage6",
    }
    assert found["action"] == "ROLLBACK_AND_INVESTIGATE"
    assert found["effective_time"] == "2025-12-05T12:00:00Z"
    assert found["effective_time_source"] == "operator"
    assert [item["code"] for item in found["weakenings"]] == ["no_author", "effective_time"]


def test_the_ready_example_may_go_live(evaluated: Gate) -> None:
    """All eight stages pass, exit 0, also in a copy outside of any repository."""
    run = evaluated("ready", "stage8")
    found = decision(run)
    assert run.code == 0, (found["violations"], run.err)
    assert {stage["verdict"] for stage in found["stages"].values()} == {"PASS"}
    assert (found["verdict"], found["action"]) == ("PASS", "GO_LIVE_APPROVED")
    assert found["violations"] == found["conditions"] == found["waived"] == []
    assert found["subject"]["commit"] is None
    assert {item["role"] for item in found["signatures"] if item["key"]} >= {
        "risk_officer",
        "cto",
        "lead_trader",
    }


@pytest.mark.parametrize("example", ["algo-trade", "ready"])
def test_a_decision_keeps_to_its_contract(evaluated: Gate, example: str) -> None:
    """The JSON printed conforms to contracts/decision.schema.json, for FAIL and for PASS."""
    found = decision(evaluated(example, "stage8"))
    assert contracts.violations("", "decision", found) == []


def test_all_judges_every_stage(gate: Gate, copy_example: Copy) -> None:
    """`all` has one verdict for eight stages, each with a verdict of its own."""
    run = gate("evaluate", "all", "-w", copy_example("algo-trade"), "-o", "json", "--no-record")
    found = decision(run)
    assert run.code == 1
    assert found["stage"] == "all"
    assert {stage["verdict"] for stage in found["stages"].values()} == {"FAIL"}


def test_two_runs_give_the_same_bytes(gate: Gate, evaluated: Gate, copy_example: Copy) -> None:
    """Same inputs and time: byte-identical JSON but for the index, wherever the workspace lies."""
    first, root = evaluated("ready", "stage8").out, copy_example("ready", "second")
    again = gate("evaluate", "stage8", "-w", root, *OPERATOR, "-o", "json").out
    # what follows is the ledger entry, signed by a key that only one of them has
    assert again.partition('"ledger": {')[0] == first.partition('"ledger": {')[0] != first
    repeated = gate("evaluate", "stage8", "-w", root.name, *OPERATOR, "-o", "json", cwd=root.parent).out
    assert repeated.replace('"index": 1', '"index": 0') == again


def test_only_the_stages_that_are_needed_are_judged(gate: Gate, copy_example: Copy) -> None:
    """Stage 3 needs stage 1 and not stage 2, and reads nothing that only other stages need."""
    found = decision(gate("evaluate", "stage3", "-w", copy_example("ready"), "-o", "json", "--no-record"))
    assert list(found["stages"]) == ["stage1", "stage3"]
    assert "account" not in {item["id"] for item in found["evidence"]}


def test_no_record_leaves_no_trace(gate: Gate, copy_example: Copy) -> None:
    """--no-record makes no ledger, and the decision says so."""
    root = copy_example("algo-trade")
    run = gate("evaluate", "stage1", "-w", root, "-o", "json", "--no-record")
    assert run.code == 1
    assert decision(run)["ledger"] is None
    assert not (root / "ledger").exists()


def test_a_new_log_key_is_announced_once(gate: Gate, copy_example: Copy, tmp_path: Path) -> None:
    """The first recording run names the fingerprint of the key it made; the second is silent."""
    root = copy_example("algo-trade")
    env = {"GATE_CONFIG_DIR": str(tmp_path / "keys")}
    first = gate("evaluate", "stage1", "-w", root, "-o", "json", env=env)
    assert "created the log key SHA256:" in first.err
    assert gate("evaluate", "stage1", "-w", root, "-o", "json", env=env).err == ""
    assert not any(b"PRIVATE" in path.read_bytes() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("another key", "this ledger was begun with key"),
        ("no key", "there is no log key in"),
        ("pinned", "there is no log key here, the operator names"),
        ("no place for a ledger", "so no decision can be recorded"),
        ("no place for a key", "the log key in it cannot be used"),
        ("damaged", "ledger error: "),
    ],
)
def test_what_cannot_be_recorded_is_not_judged(
    program: Gate, copy_example: Copy, tmp_path: Path, how: str, said: str
) -> None:
    """What the configuration already tells is one error before any evidence is read, and makes nothing."""
    root, other, file = copy_example("algo-trade"), tmp_path / "other", tmp_path / "file"
    file.write_text("")
    operator = tmp_path / "operator.yaml"
    settings: dict[str, Any] = {"version": 1}
    config = tmp_path / "own"
    if how in ("another key", "no key", "damaged"):
        begun = program("evaluate", "stage1", "-w", root, env={"GATE_CONFIG_DIR": str(config)})
        assert begun.code == 1, begun.err
    if how == "another key":
        load_or_create_log_key(other)
        config = other
    elif how == "no key":
        config = other
    elif how == "damaged":
        (root / "ledger" / "checkpoint").write_text("x")
    elif how == "pinned":
        key = load_or_create_log_key(tmp_path / "pinned")[0]
        settings["log_key"] = str(key.verifier("gate.local/x"))
    elif how == "no place for a ledger":
        settings["ledger"] = {"location": str(file / "ledger")}
    else:
        config = file / "config"
    operator.write_text(json.dumps(settings))
    before = sorted(root.rglob("*"))
    arguments = ("evaluate", "stage1", "-w", root, "--operator", operator, "-v", "--no-cache")
    done = program(*arguments, env={"GATE_CONFIG_DIR": str(config)})
    assert done.code == 2 and done.out == "" and said in done.err, done.err
    assert "PRE_LIVE_CHECKLIST.md" not in done.err and "asked gate.stage1" not in done.err
    assert sorted(root.rglob("*")) == before
    assert config == other or not config.exists() or how == "damaged"


def test_the_log_key_is_refused_inside_the_workspace(gate: Gate, copy_example: Copy) -> None:
    """A configuration directory below the workspace ends the run before a key is made."""
    root = copy_example("algo-trade")
    run = gate("evaluate", "stage1", "-w", root, env={"GATE_CONFIG_DIR": str(root / "keys")})
    assert run.code == 2
    assert "inside the workspace" in run.err
    assert not (root / "keys").exists()


def test_table_shows_verdict_reason_proof_and_remedy(gate: Gate, copy_example: Copy) -> None:
    """The screen names the verdict, the comparison, the evidence file and what to do."""
    run = gate("evaluate", "stage8", "-w", copy_example("algo-trade"), *OPERATOR, "-o", "table")
    assert run.code == 1
    assert run.out.startswith("FAIL  stage8 → ROLLBACK_AND_INVESTIGATE · algo-trade")
    shown = " ".join(run.out.split())
    assert "stage1.artifact_coverage 5 of 14 artifacts of the matrix, needs ≥ 80 %" in shown
    assert "ACCOUNT_CONFIG.json does not exist" in shown
    assert "fix       " in run.out
    assert "recorded: entry 0" in run.out
    assert "\x1b" not in run.out


def test_a_stage_that_only_waits_for_another_is_shown_as_blocked(gate: Gate, copy_example: Copy) -> None:
    """A stage whose own rules hold does not look as if it had failed by itself."""
    root = copy_example("ready")
    (root / "PRE_LIVE_CHECKLIST.md").unlink()
    run = gate("evaluate", "stage3", "-w", root, "-o", "table", "--no-record")
    assert run.code == 1
    assert "stage3  FAIL (blocked)" in run.out
    assert "blocked: stage3 needs stage1" in run.out


def test_reports_go_to_files_and_to_the_screen_in_one_run(
    gate: Gate, copy_example: Copy, tmp_path: Path
) -> None:
    """--output is repeatable; a file is replaced as a whole; PRELIVE keeps to its contract."""
    root = copy_example("ready")
    (tmp_path / "d.json").write_text("old")
    run = gate(
        *("evaluate", "stage8", "-w", root, "-o", "table", "-o", "json=d.json", "--output", "prelive=p.json"),
        *OPERATOR,
    )
    assert run.code == 0
    assert run.out.startswith("PASS")
    assert json.loads((tmp_path / "d.json").read_text())["verdict"] == "PASS"
    log = json.loads((tmp_path / "p.json").read_text())
    assert contracts.violations("files", "prelive_verification_log", log) == []
    assert log["decision"] == "PASS"
    assert set(log["gates"]) == {f"stage{n}" for n in range(1, 9)}
    assert isinstance(log["gates"]["stage1"]["artifact_coverage"], (int, float))
    assert log["signatures"]["cto"].startswith("SHA256:")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["d.json", "p.json"]


def test_a_report_is_never_written_into_the_ledger(gate: Gate, recorded: Recorded) -> None:
    """An output path in a ledger is refused by every command, before anything is done; the log stays."""
    root = recorded("algo-trade", "stage1")
    log = root / "ledger" / "log.intoto.jsonl"
    before = log.read_bytes()
    here = ("-w", root, "-o", f"json={log}")
    for command in (
        *(("evaluate", "stage1", *here), ("explain", "0", *here), ("collect", "tests", *here)),
        *(("status", *here), ("ledger", "show", *here), ("ledger", "prove", "0", *here)),
        *(("ledger", "verify", *here), ("ledger", "export", log.with_name("copy"), "-w", root)),
        *(("replay", "0", *here), ("policy", "whatif", "stage1", "--set", "coverage.line_ppm=1", *here)),
        *(("policy", "list", *here[2:]), ("policy", "export", "-w", root, "-o", f"gemara-policy={log}")),
        *(("signoff", "list", *here), ("record", "export", "0", "-w", root, "-o", f"{log.parent}/record")),
    ):
        run = gate(*command)
        assert run.code == 2, command
        assert "into the ledger" in run.err, command
        assert log.read_bytes() == before, command


def test_quiet_prints_nothing(gate: Gate, copy_example: Copy) -> None:
    """The exit code is all there is."""
    root = copy_example("ready")
    quiet = gate("evaluate", "stage1", "-w", root, "--quiet", "--no-record")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "stage9"], "there is no stage 'stage9'"),
        (["evaluate"], "Missing argument"),
        (["evaluat", "stage1"], "No such command"),
        (["evaluate", "stage1", "--nope"], "No such option"),
        (["evaluate", "stage1", "-o", "yaml"], "there is no output format 'yaml'"),
        (["evaluate", "stage1", "-o", "json="], "names no path"),
        (["evaluate", "stage1", "-o", "json", "-o", "table"], "mixed on standard output"),
        (["evaluate", "stage1", "-o", "json=nowhere/x"], "cannot be written there"),
        (["evaluate", "stage1", "--effective-time", "yesterday"], "not an RFC 3339 time"),
        (["evaluate", "stage1", "--effective-time", "2020-01-01T00:00:00Z"], "is in the past"),
        (["evaluate", "stage1", "-p", "nowhere"], "no policy bundle 'nowhere'"),
        (["collect", "nothing"], "there is no collector 'nothing'"),
        (["explain", "stage99"], "neither a stage nor a recorded decision"),
        (["explain", "7"], "no ledger"),
        (["ledger", "show"], "no ledger"),
        (["ledger", "verify"], "no ledger"),
        (["signoff", "request", "stage1", "--role", "king", "--name", "x"], "no role 'king'"),
        (["signoff", "request", "stage0", "--role", "cto", "--name", "x"], "there is no stage 'stage0'"),
    ],
)
def test_a_mistake_on_the_command_line_is_exit_2(
    gate: Gate, copy_example: Copy, arguments: list[str], message: str
) -> None:
    """Every usage error is explained, exits 2, prints no traceback and records nothing."""
    root = copy_example("algo-trade")
    run = gate(*arguments, env={"GATE_WORKSPACE": str(root)})
    assert run.code == 2
    assert message in run.err
    assert "Traceback" not in run.err
    assert run.out == ""
    assert not (root / "ledger").exists()


def test_a_workspace_that_does_not_exist_is_named(gate: Gate, tmp_path: Path) -> None:
    """The error names the directory and what to do."""
    run = gate("evaluate", "stage1", "-w", tmp_path / "gone")
    assert run.code == 2
    assert "gone" in run.err
    assert "to do:" in run.err


def test_a_past_effective_time_is_recorded(gate: Gate, copy_example: Copy) -> None:
    """The flag allows it, and the decision says that the time was set."""
    run = gate(
        *("evaluate", "stage1", "-w", copy_example("ready"), "-o", "json", "--no-record"),
        *("--effective-time", "2025-12-05T12:30:00+01:00", "--allow-past-effective-time"),
    )
    found = decision(run)
    assert found["effective_time"] == "2025-12-05T11:30:00Z"
    assert "effective_time" in {item["code"] for item in found["weakenings"]}


def test_another_bundle_is_recorded_as_a_weakening(gate: Gate, copy_example: Copy, tmp_path: Path) -> None:
    """--policy judges with an edited copy, whose digest differs, and the decision says so."""
    from gate.engine.policy.bundle import SHIPPED

    edited = tmp_path / "edited"
    shutil.copytree(SHIPPED, edited)
    data = edited / "gate" / "params" / "stage1" / "data.yaml"
    data.write_text(data.read_text().replace("value: 800000", "value: 100000"))
    root = copy_example("algo-trade")
    plain = decision(gate("evaluate", "stage1", "-o", "json", "-w", root, "--no-record"))
    other = decision(gate("evaluate", "stage1", "-o", "json", "-w", root, "--no-record", "-p", edited))
    assert "stage1.artifact_coverage" in {item["code"] for item in plain["violations"]}
    assert "stage1.artifact_coverage" not in {item["code"] for item in other["violations"]}
    assert plain["policy"]["digest"] != other["policy"]["digest"]
    assert "policy_override" in {item["code"] for item in other["weakenings"]}


def test_collect_prints_facts_and_judges_nothing(gate: Gate, copy_example: Copy) -> None:
    """Facts come as text or JSON, exit 0 however bad they are."""
    root = copy_example("algo-trade")
    text = gate("collect", "artifacts", "coverage", "-w", root)
    assert text.code == 0
    assert "artifacts.found_ppm = 357142" in text.out
    assert "no coverage report found" in text.out
    everything = gate("collect", "-w", root, "-o", "json")
    assert everything.code == 0
    assert {"artifacts", "paper", "signoffs"} <= set(json.loads(everything.out))


def test_explain_shows_the_tree_of_a_stage(gate: Gate, copy_example: Copy) -> None:
    """Formal logic with operand values, fact, evidence file with digest, what would make the rule hold."""
    root = copy_example("algo-trade")
    run = gate("explain", "stage1", "-w", root)
    assert run.code == 0
    assert "artifact_coverage (35.7 %) ≥ 80 % → false" in run.out
    assert "artifacts.found_ppm = 357142" in run.out
    assert "file      PRE_LIVE_CHECKLIST.md" in run.out
    assert "not evaluated, evidence is missing" in " ".join(run.out.split())
    assert not (root / "ledger").exists()
    one = gate("explain", "checklist_total", "-w", root)  # as the first screen of one stage calls it
    assert one.out == gate("explain", "stage1", "--rule", "stage1.checklist_total", "-w", root).out
    assert "stage1.checklist_total" in one.out and "stage1.artifact_coverage" not in one.out
    assert gate("explain", "stage1.nonsense", "-w", root).code == 2
    several = gate("explain", "governance_signed", "-w", root)
    assert several.code == 2 and "name one: stage1.governance_signed, stage8.governance_signed" in several.err
    assert "fix       set evidence.contracts.approved" in run.out


def test_explain_finds_a_recorded_decision(gate: Gate, copy_example: Copy) -> None:
    """By index and by the beginning of its digest, the recorded document is explained, not a new one."""
    root = copy_example("algo-trade")
    recorded = decision(gate("evaluate", "stage1", "-o", "json", "-w", root))
    (root / "PRE_LIVE_CHECKLIST.md").unlink()
    by_index = gate("explain", "0", "-w", root)
    by_digest = gate("explain", recorded["ledger"]["digest"][:12], "-w", root)
    assert by_index.code == by_digest.code == 0
    assert by_index.out == by_digest.out
    assert "artifact_coverage (35.7 %) ≥ 80 % → false" in by_index.out
    assert gate("explain", "1", "-w", root).code == 2


def test_status_is_pending_until_something_is_recorded(gate: Gate, copy_example: Copy) -> None:
    """Eight rows; a recorded stage shows its verdict and whether the sources changed since."""
    root = copy_example("ready")
    before = gate("status", "-w", root)
    assert before.out.count("PENDING") == 8
    gate("evaluate", "stage3", "-w", root)
    rows = json.loads(gate("status", "-w", root, "-o", "json").out)["stages"]
    assert {row["stage"]: row["status"] for row in rows if row["status"] != "PENDING"} == {
        "stage1": "PASS",
        "stage3": "PASS",
    }
    assert rows[0]["current"] is True
    (root / "algo_trade" / "added.py").write_text("x = 1\n")
    assert "changed since" in gate("status", "-w", root).out


def test_init_writes_a_file_that_works(gate: Gate, make_workspace: Copy) -> None:
    """The scaffold loads, is not overwritten, and names the source paths that exist."""
    root = make_workspace({"algo_trade/a.py": "x = 1\n"})
    assert gate("init", root).code == 0
    assert "    - algo_trade\n" in (root / "gate.yaml").read_text()
    run = gate("evaluate", "stage1", "-w", root, "-o", "json", "--no-record")
    assert run.code == 1, run.err
    again = gate("init", root)
    assert again.code == 2
    assert "there is a gate.yaml already" in again.err


def test_ledger_shows_and_verifies_what_was_recorded(gate: Gate, recorded: Recorded) -> None:
    """Three runs, three entries, a sound ledger; a flipped byte is found and exits 1."""
    root = recorded("algo-trade", "stage1", "stage2", "stage3")
    listed = gate("ledger", "show", "-w", root)
    assert [line.split()[2] for line in listed.out.splitlines()[:3]] == ["stage1", "stage2", "stage3"]
    statement = json.loads(gate("ledger", "show", "2", "-w", root).out)
    assert statement["predicate"]["verificationResult"] == "FAILED"
    sound = gate("ledger", "verify", "-w", root)
    assert (sound.code, "3 sealed" in sound.out) == (0, True), sound.out
    key = (root / "ledger" / "trust" / "log.vkey").read_text().strip()
    assert "taken from the ledger itself" not in gate("ledger", "verify", "-w", root, "--key", key).out
    log = root / "ledger" / "log.intoto.jsonl"
    data = bytearray(log.read_bytes())
    data[60] ^= 1
    log.chmod(0o644)
    log.write_bytes(data)
    broken = gate("ledger", "verify", "-w", root)
    assert broken.code == 1
    assert "log.intoto.jsonl, line 1" in broken.out


def test_a_reordered_ledger_is_not_shown(gate: Gate, recorded: Recorded) -> None:
    """Lines in another order than sealed, each with a good signature, are an error for every reader."""
    root = recorded("algo-trade", "stage1", "stage2", "stage3")
    log = root / "ledger" / "log.intoto.jsonl"
    first, second, third = log.read_bytes().splitlines(keepends=True)
    log.chmod(0o644)
    log.write_bytes(second + first + third)
    for command in (["ledger", "show"], ["status"], ["explain", "0"]):
        run = gate(*command, "-w", root)
        assert run.code == 2, command
        assert "ledger error" in run.err
    assert gate("ledger", "verify", "-w", root).code == 1


def test_a_ledger_without_its_checkpoint_is_not_sound(gate: Gate, recorded: Recorded) -> None:
    """Deleting the checkpoint does not turn sealed entries into an empty, sound ledger."""
    root = recorded("algo-trade", "stage1")
    (root / "ledger" / "checkpoint").unlink()
    run = gate("ledger", "verify", "-w", root)
    assert run.code == 1
    assert "the checkpoint is gone" in run.out


def test_a_swapped_decision_document_is_found(gate: Gate, recorded: Recorded) -> None:
    """Changing the stored document breaks verification and explanation alike."""
    root = recorded("algo-trade", "stage1")
    for path in (root / "ledger" / "evidence").rglob("*"):
        if path.is_file() and b'"gate.decision/v2"' in path.read_bytes():
            path.chmod(0o644)
            path.write_bytes(path.read_bytes().replace(b'"FAIL"', b'"PASS"'))
    assert gate("ledger", "verify", "-w", root).code == 1
    run = gate("explain", "0", "-w", root)
    assert run.code == 2
    assert "ledger error" in run.err


def test_help_imports_nothing_heavy() -> None:
    """`gate --help` and completion load no engine, schema library, signing library or broker."""
    code = (
        "import sys; sys.argv = ['gate', '--help']\n"
        "from gate.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in "
        "('regorus', 'jsonschema_rs', 'jsonschema', 'cryptography', 'pydantic', 'markdown_it', 'yaml')"
        " or m.startswith('gate.engine')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("group", "line"),
    [
        ("ledger", "Prove that an entry is in the ledger, to somebody who has nothing but its key."),
        ("report", "Show what a decision changes against another: rules newly failing and fixed, figures,"),
        ("signoff", "short for this."),
    ],
)
def test_a_group_says_all_about_its_commands(gate: Gate, group: str, line: str) -> None:
    """A narrow terminal breaks the line; nothing of it is left out."""
    shown = " ".join(gate(group, "--help").out.partition("Commands:")[2].split())
    assert (line in shown, "..." in shown) == (True, False)


def test_script_and_module_are_the_same_program(copy_example: Copy) -> None:
    """The installed `gate` script and `python -m gate` print the same decision."""
    root = copy_example("algo-trade")
    arguments = ["evaluate", "stage1", "-w", str(root), "-o", "json", "--no-record"]
    script = Path(sys.executable).with_name("gate")
    one = subprocess.run([str(script), *arguments], capture_output=True, check=False)
    two = subprocess.run([sys.executable, "-m", "gate", *arguments], capture_output=True, check=False)
    assert (one.returncode, one.stdout) == (two.returncode, two.stdout)
    assert one.returncode == 1


def test_debug_shows_the_traceback_and_nothing_else_does(gate: Gate, tmp_path: Path) -> None:
    """A traceback is for those who ask for it."""
    assert "Traceback" in gate("evaluate", "stage1", "-w", tmp_path / "gone", "--debug").err
    assert "Traceback" not in gate("evaluate", "stage1", "-w", tmp_path / "gone").err


def test_a_reader_that_goes_away_is_no_crash(copy_example: Copy) -> None:
    """`gate … | head` ends without a traceback."""
    root = copy_example("algo-trade")
    command = f'"{sys.executable}" -m gate collect -w "{root}" | head -c 10'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_offending_places_are_in_the_decision_and_on_the_screen(gate: Gate, copy_example: Copy) -> None:
    """What breaks a rule in a file is named by path and line, once."""
    root = copy_example("ready")
    source = root / "order_plane/broker/ibkr_exec_client.py"
    source.write_text(source.read_text() + 'api_key = "q8Zr2Lw9Xv4Tn7Bd1Kp6Ys3H"\n')
    line = len(source.read_text().splitlines())
    run = gate("evaluate", "stage4", "-w", root, "-o", "json", "--no-record")
    [found] = [v for v in decision(run)["violations"] if v["code"] == "stage4.no_hardcoded_secrets"]
    path = "order_plane/broker/ibkr_exec_client.py"
    assert found["places"] == [{"path": path, "line": line, "pointer": None}]
    shown = " ".join(gate("evaluate", "stage4", "-w", root, "--no-record").out.split())
    assert shown.count(f"{path}:{line} api_key (by its name)") == 1
