"""What evidence was made from and how old it is, as facts; and `gate provenance`, which states it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.decide.facts import provenance
from gate.engine.decision.document import Subject
from gate.evidence.base.contracts import violations
from gate.evidence.collecting.interface import Evidence, Origin
from gate.evidence.collecting.provenance import modified
from gate.evidence.reading.workspace import FileRead, Workspace

Make = Callable[..., Path]
Run = Callable[..., Any]

COMMIT, OTHER = "c" * 40, "d" * 40
DIGEST = "a" * 64
JUNIT = (
    '<testsuites><testsuite name="s" tests="1" failures="0" errors="0" skipped="0" {}>'
    '<testcase classname="a" name="b" time="0.1"/></testsuite></testsuites>'
)
FILES = {"src/app.py": "x = 1\n", "gate.yaml": "subject: {sources: [src]}\n", "junit.xml": JUNIT.format("")}


def facts(
    *origins: Origin,
    observed_at: str | None = None,
    now_s: int = 1_000_000,
    dirty: bool | None = False,
    max_age_s: int | None = None,
) -> dict[str, Any]:
    """Facts about evidence with these origins."""
    evidence = Evidence("tests", "1", {}, (), (), observed_at, origins=origins)
    subject = Subject(COMMIT, dirty, DIGEST, None, ("src",), 1)
    found = provenance({"tests": evidence}, subject, now_s, {} if max_age_s is None else {"tests": max_age_s})
    assert violations("facts", "provenance", found) == []
    return found["tests"]


@pytest.mark.parametrize(
    ("origin", "dirty", "sources"),
    [
        (Origin(digest=DIGEST), False, "same"),
        (Origin(digest=DIGEST, commit=OTHER, dirty=True), True, "same"),
        (Origin(digest="b" * 64, commit=COMMIT, dirty=False), False, "other"),
        (Origin(commit=COMMIT, dirty=False), False, "same"),
        (Origin(commit=COMMIT, dirty=False), True, "dirty"),
        (Origin(commit=COMMIT, dirty=True), False, "dirty"),
        (Origin(dirty=True), False, "dirty"),
        (Origin(dirty=False), False, "unstated"),
        (Origin(commit=COMMIT), False, "same_commit"),
        (Origin(commit=COMMIT), True, "dirty"),
        (Origin(commit=OTHER, dirty=False), False, "other"),
        (Origin(), False, "unstated"),
    ],
)
def test_how_evidence_relates_to_what_is_judged(origin: Origin, dirty: bool, sources: str) -> None:
    """The content decides where it is stated, else the commit and whether anything was changed."""
    assert facts(origin, dirty=dirty)["sources"] == sources


def test_the_worst_statement_counts() -> None:
    """One report of other sources among good ones is what is reported; no statement says nothing."""
    good, bad = Origin(digest=DIGEST), Origin(commit=OTHER)
    assert facts(good, bad, good)["sources"] == "other"
    assert facts(good, Origin())["sources"] == "unstated"
    assert facts()["sources"] == "unstated"
    assert facts(good, bad)["commits"] == [OTHER]


@pytest.mark.parametrize(
    ("observed_at", "max_age_s", "age_s", "fresh"),
    [
        ("1970-01-12T13:46:30Z", None, 10, None),
        ("1970-01-12T13:46:30Z", 10, 10, True),
        ("1970-01-12T13:46:30Z", 9, 10, False),
        ("1970-01-12T13:46:41Z", 9, -1, False),
        (None, 9, None, False),
        (None, None, None, None),
    ],
)
def test_age_and_freshness(
    observed_at: str | None, max_age_s: int | None, age_s: int | None, fresh: bool | None
) -> None:
    """Evidence from the future or without a time keeps to no limit; without a limit nothing is said."""
    found = facts(observed_at=observed_at, max_age_s=max_age_s)
    assert (found["age_s"], found["fresh"], found["max_age_s"]) == (age_s, fresh, max_age_s)


@pytest.fixture
def repository(make_workspace: Make) -> Path:
    """A workspace in git with everything committed."""
    root = make_workspace(FILES)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "src", "gate.yaml"], [*who, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def test_gate_provenance_states_it(gate: Run, repository: Path) -> None:
    """The statement is found again by the collector, with commit, sources and time."""
    done = gate("provenance", "-w", repository, "junit.xml", "--at", "2025-11-07T12:00:00+02:00")
    assert (done.code, done.out, done.err) == (0, "wrote junit.xml.provenance.json\n", "")
    collected = json.loads(gate("collect", "tests", "-o", "json", "-w", repository).out)["tests"]
    [origin] = collected["origins"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True)
    assert (origin["commit"], origin["dirty"]) == (head.stdout.strip(), False)
    assert collected["observed_at"] == "2025-11-07T10:00:00Z"
    assert [file["path"] for file in collected["files"]] == ["junit.xml", "junit.xml.provenance.json"]


def test_an_explanation_says_what_evidence_was_made_from(gate: Run, repository: Path) -> None:
    """Beside each piece of evidence: sources, time and tool, as far as it states them."""
    gate("provenance", "-w", repository, "junit.xml", "--at", "2025-11-07T12:00:00Z")
    shown = gate("explain", "stage4", "-w", repository).out
    assert "from what is judged, at 2025-11-07T12:00:00Z" in shown
    (repository / "src/app.py").write_text("x = 2\n")
    shown = gate("explain", "stage4", "-w", repository).out
    assert "from other sources than those judged" in shown


def test_the_same_file_about_changed_sources(gate: Run, repository: Path) -> None:
    """As soon as a source changes, the policies see evidence of other sources."""
    gate("provenance", "-w", repository, "junit.xml")
    assert judged(gate, repository)["sources"] == "same"
    (repository / "src/app.py").write_text("x = 2\n")
    assert judged(gate, repository)["sources"] == "other"


def judged(gate: Run, root: Path) -> dict[str, Any]:
    """The facts about the tests' evidence as the policies saw them, out of the ledger."""
    done = gate("evaluate", "stage4", "-w", root, "--output", "json")
    assert done.code == 1, done.err
    digest = json.loads(done.out)["input_digest"]
    stored = root / "ledger" / "evidence" / "sha256" / digest[:2] / digest
    record = json.loads(stored.read_text())
    return dict(record["input"]["facts"]["provenance"]["tests"])


def test_freshness_is_the_operator_s(gate: Run, make_workspace: Make) -> None:
    """A limit in gate.yaml reaches the policies; a malformed one or one for nobody is refused."""
    root = make_workspace(
        {**FILES, "junit.xml": JUNIT.format('timestamp="2020-01-01T00:00:00+00:00"'), "gate.yaml": ""}
    )
    settings = "subject: {sources: [src]}\nfreshness: {%s}\n"
    (root / "gate.yaml").write_text(settings % "tests: 7d")
    found = judged(gate, root)
    assert (found["max_age_s"], found["fresh"]) == (7 * 86_400, False)
    for wrong in ("tests: 7", "tests: 0d", "tests: 7 days", "nobody: 7d", "fixtures: 7d"):
        (root / "gate.yaml").write_text(settings % wrong)
        done = gate("evaluate", "stage4", "-o", "json", "-w", root)
        assert done.code == 2 and "freshness." in done.err and "Traceback" not in done.err, wrong


def test_the_oldest_statement_gives_the_time(gate: Run, repository: Path) -> None:
    """Fresh evidence does not make old evidence beside it look fresh."""
    (repository / "gate.yaml").write_text(
        "subject: {sources: [src]}\nevidence: {tests: {junit: [junit.xml, another.xml]}}\n"
    )
    (repository / "another.xml").write_text(JUNIT.format("").replace('"b"', '"c"'))
    for name, time in (("another.xml", "2025-11-07T12:00:00Z"), ("junit.xml", "2025-10-07T12:00:00Z")):
        assert gate("provenance", "-w", repository, name, "--at", time).code == 0
    collected = json.loads(gate("collect", "tests", "-o", "json", "-w", repository).out)["tests"]
    assert collected["observed_at"] == "2025-10-07T12:00:00Z"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": []}, "does not keep to the contract 'provenance'"),
        ({"predicateType": "https://slsa.dev/provenance/v0.2"}, "does not keep to the contract"),
        ({"subject": [{"digest": {"sha256": "0" * 64}}]}, "that file has other content"),
    ],
)
def test_a_wrong_statement_is_rejected(
    gate: Run, repository: Path, change: dict[str, Any], said: str
) -> None:
    """Malformed, of another kind, or about other bytes: rejected evidence that names the statement."""
    gate("provenance", "-w", repository, "junit.xml")
    path = repository / "junit.xml.provenance.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    done = gate("collect", "tests", "-w", repository)
    assert done.code == 1
    assert said in done.out and "junit.xml.provenance.json" in done.out


def test_a_statement_that_names_two_kinds_of_sources(gate: Run, repository: Path) -> None:
    """Which of the two would count is not left to chance."""
    gate("provenance", "-w", repository, "junit.xml")
    path = repository / "junit.xml.provenance.json"
    statement = json.loads(path.read_text())
    dependencies = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    dependencies[1] = {"name": "sources", "digest": {"sha256": "0" * 64}}
    path.write_text(json.dumps(statement))
    done = gate("collect", "tests", "-w", repository)
    assert done.code == 1 and "twice" in done.out and "junit.xml.provenance.json" in done.out


def test_a_statement_with_an_impossible_time(gate: Run, repository: Path) -> None:
    """The time is named with its place."""
    gate("provenance", "-w", repository, "junit.xml")
    path = repository / "junit.xml.provenance.json"
    statement = json.loads(path.read_text())
    statement["predicate"]["runDetails"]["metadata"]["finishedOn"] = "2025-02-30T00:00:00Z"
    path.write_text(json.dumps(statement))
    done = gate("collect", "tests", "-w", repository)
    assert done.code == 1 and "finishedOn" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.xml"], "there is no file 'nowhere.xml'"),
        (["../outside"], "is not in the workspace"),
        (["/etc/passwd"], "is not in the workspace"),
        (["src/app.py"], "is one of the judged sources"),
        (["junit.xml", "junit.xml.provenance.json"], "is a statement itself"),
        (["junit.xml", "--at", "soon"], "soon"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_stated(gate: Run, repository: Path, arguments: list[str], said: str) -> None:
    """Nothing is written then, for none of the files."""
    done = gate("provenance", "-w", repository, *arguments)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err
    assert not (repository / "junit.xml.provenance.json").exists()


def test_files_are_named_from_anywhere(gate: Run, repository: Path) -> None:
    """From inside the workspace, from elsewhere, or by absolute path; an older statement is replaced."""
    (repository / "reports").mkdir()
    (repository / "reports/a.xml").write_text("<x/>")
    for arguments, cwd in (
        (["reports/a.xml"], None),
        (["a.xml"], repository / "reports"),
        ([repository / "reports/a.xml"], None),
    ):
        done = gate("provenance", "-w", repository, *arguments, cwd=cwd)
        assert (done.code, done.out) == (0, "wrote reports/a.xml.provenance.json\n"), done.err
    assert sorted(path.name for path in (repository / "reports").iterdir()) == [
        "a.xml",
        "a.xml.provenance.json",
    ]


def test_a_link_is_not_followed(gate: Run, repository: Path) -> None:
    """Neither as evidence nor as statement."""
    (repository / "linked.xml").symlink_to("junit.xml")
    done = gate("provenance", "-w", repository, "linked.xml")
    assert done.code == 2 and "symbolic link" in done.err
    (repository / "junit.xml.provenance.json").symlink_to("/etc/passwd")
    done = gate("collect", "tests", "-w", repository)
    assert done.code == 1 and "symbolic link" in done.out


def test_widened_limits_are_in_the_decision(gate: Run, make_workspace: Make) -> None:
    """A wider limit is recorded, a tighter one is not; both are kept to."""
    root = make_workspace(FILES)
    settings = "subject: {sources: [src]}\nlimits: {collector_seconds: 300, file_bytes: 100000}\n"
    (root / "gate.yaml").write_text(settings)
    done = gate("evaluate", "stage4", "-w", root, "--output", "json")
    assert done.code == 1, done.err
    assert {
        "code": "limit_widened",
        "msg": "gate.yaml widens limits.collector_seconds from 120 to 300",
    } in json.loads(done.out)["weakenings"]
    assert done.out.count("limit_widened") == 1
    (root / "gate.yaml").write_text(settings.replace("100000", "100"))
    done = gate("evaluate", "stage4", "-o", "json", "-w", root)
    assert done.code == 1 and "is larger than 100 bytes" in done.out


@pytest.mark.parametrize(
    "setting",
    [
        "file_bytes: 0",
        "file_bytes: -1",
        "file_bytes: x",
        "integer_digits: 41",
        "bytes: 1",
        "git_seconds: .inf",
    ],
)
def test_impossible_limits(gate: Run, make_workspace: Make, setting: str) -> None:
    """Refused with the setting's name."""
    root = make_workspace({**FILES, "gate.yaml": f"limits: {{{setting}}}\n"})
    done = gate("collect", "tests", "-w", root)
    assert done.code == 2 and "configuration error" in done.err and "Traceback" not in done.err
    assert "limits" in done.err or "gate.yaml" in done.err


@pytest.fixture
def repo_workspace(tmp_path: Path) -> Path:
    """A repository with one commit of a drill's record and a plan."""
    (tmp_path / "drill.json").write_text("1")
    (tmp_path / "plan.md").write_text("p")
    identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)
    return tmp_path


def test_edited_evidence_is_known_and_a_new_report_is_not_edited(repo_workspace: Path) -> None:
    """A committed record that was edited is found; what no commit has was never edited."""
    root = repo_workspace
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True
    ).stdout.strip()
    (root / "drill.json").write_text("2")
    (root / "junit.xml").write_text("new")
    paths = ["drill.json", "junit.xml", "plan.md"]
    assert modified(Workspace(root), commit, paths) == {"drill.json"}
    assert modified(Workspace(root), None, paths) == frozenset()
    evidence = Evidence("rollback", "1", {}, (), (FileRead("drill.json", "0" * 64, 1),), None)
    subject = Subject(DIGEST, commit, False, None, ("src",), 1)
    found = provenance({"rollback": evidence}, subject, 0, {}, {"drill.json"})
    assert found["rollback"]["uncommitted"] == ["drill.json"]
    assert violations("facts", "provenance", found) == []
