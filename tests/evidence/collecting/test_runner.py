"""Running collectors and checking what they give."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gate.evidence.base.canonical import canonical, sha256_hex
from gate.evidence.base.errors import InternalError
from gate.evidence.base.records import lookup
from gate.evidence.collecting.interface import Observation, Options, Origin, Problem, ProblemKind
from gate.evidence.collecting.provenance import statement
from gate.evidence.collecting.runner import collect, observe
from gate.evidence.reading.workspace import View, Workspace

Make = Callable[..., Path]
Action = Callable[[View], Observation]


def kill_switch_facts(file: str | None = None) -> dict[str, Any]:
    """Facts that keep a small real contract."""
    return {"file": file, "switches": [], "contradictions": [], "verified_at_s": None}


MISSING = (Problem("verified_at_s", "no file", "write it"), Problem("file", "no file", "write it"))


class Scripted:
    """A collector that does what a test says; it implements the production interface."""

    id: ClassVar[str] = "kill_switch"
    version: ClassVar[str] = "7"
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any) -> None:
        self.action: Action = options

    def collect(self, view: View) -> Observation:
        """Do it."""
        return self.action(view)


def test_evidence_binds_facts_files_and_version(make_workspace: Make) -> None:
    """Evidence has the facts, what was read for them, and a digest over all of it."""

    def action(view: View) -> Observation:
        view.read("b")
        view.read("a")
        return Observation(kill_switch_facts("a"), MISSING[:1], observed_at="2025-11-07T12:00:00Z")

    evidence = observe(Workspace(make_workspace({"a": "1", "b": "2", "c": "3"})), Scripted(action))
    assert (evidence.collector, evidence.version) == ("kill_switch", "7")
    assert [file.path for file in evidence.files] == ["a", "b"]
    assert evidence.observed_at == "2025-11-07T12:00:00Z"
    assert evidence.digest == sha256_hex(canonical(evidence.to_json()))


def test_no_collectors(make_workspace: Make) -> None:
    """Nothing to run gives nothing."""
    assert collect(Workspace(make_workspace({})), []) == {}


@pytest.mark.parametrize(
    ("facts", "place"),
    [
        ({"file": None, "switches": []}, "/"),
        ({**kill_switch_facts(), "extra": 1}, "/"),
        ({**kill_switch_facts(), "verified_at_s": "soon"}, "/verified_at_s"),
    ],
)
def test_facts_that_break_their_contract_are_our_mistake(
    make_workspace: Make, facts: dict[str, Any], place: str
) -> None:
    """A collector cannot smuggle in facts that policies do not expect."""
    with pytest.raises(InternalError) as caught:
        observe(Workspace(make_workspace({})), Scripted(lambda view: Observation(facts)))
    assert "'kill_switch' gave facts that break its contract" in caught.value.what
    assert caught.value.place == place
    assert caught.value.remedy


def test_a_missing_fact_must_be_null(make_workspace: Make) -> None:
    """A fact cannot be measured and missing at once."""
    missing = MISSING
    workspace = Workspace(make_workspace({}))
    evidence = observe(workspace, Scripted(lambda view: Observation(kill_switch_facts(), missing)))
    assert evidence.problems == missing
    with pytest.raises(InternalError) as caught:
        observe(workspace, Scripted(lambda view: Observation(kill_switch_facts("f"), missing)))
    assert "calls 'file' missing but gives a value" in caught.value.what


@pytest.mark.parametrize("fact", ["", "file"])
def test_one_problem_explains_all_the_facts_inside(make_workspace: Make, fact: str) -> None:
    """A file that gives many facts is one problem, not one for each of them."""
    problems = (Problem(fact, "no file", "write it"), *MISSING[: 0 if fact == "" else 1])
    workspace = Workspace(make_workspace({}))
    assert observe(workspace, Scripted(lambda view: Observation(kill_switch_facts(), problems)))


def test_a_null_fact_needs_a_reason(make_workspace: Make) -> None:
    """What was not measured is never left without an explanation."""
    workspace = Workspace(make_workspace({}))
    with pytest.raises(InternalError) as caught:
        observe(workspace, Scripted(lambda view: Observation(kill_switch_facts(), MISSING[:1])))
    assert "does not say why 'file' is missing" in caught.value.what


def test_no_fact_has_an_account_in_full(make_workspace: Make) -> None:
    """Facts are kept in clear, in the ledger and in the cache, wherever a collector found them."""
    facts = kill_switch_facts("a U7654321 b")
    evidence = observe(Workspace(make_workspace({})), Scripted(lambda view: Observation(facts, MISSING[:1])))
    assert evidence.facts["file"] == "a U****21 b"


def test_lookup() -> None:
    """Dotted names lead into mappings; everything else is None."""
    facts = {"a": {"b": 0, "c": [1]}, "n": None}
    assert lookup(facts, "a.b") == 0
    assert lookup(facts, "a.c") == [1]
    assert [lookup(facts, name) for name in ("n", "n.x", "a.x", "a.b.c", "a.c.0", "")] == [None] * 6


FOREIGN = json.loads(
    statement("a.json", "0" * 64, Origin(digest="1" * 64), "2025-11-07T12:00:00Z", "urn:x:y")
)
PROVENANCE = "a.json.provenance.json"


@pytest.mark.parametrize(
    ("statement", "place"), [("{", "line 1"), (json.dumps(FOREIGN), "/subject"), ("{}", "/")]
)
def test_a_statement_that_cannot_be_used_is_a_problem(
    make_workspace: Make, statement: str, place: str
) -> None:
    """It rejects what the collector found, which is shown all the same, and nothing else."""
    workspace = Workspace(make_workspace({"a.json": "{}", PROVENANCE: statement}))

    def action(view: View) -> Observation:
        view.read_json("a.json")
        return Observation({**kill_switch_facts("a"), "verified_at_s": 1})

    evidence = observe(workspace, Scripted(action))
    [problem] = evidence.problems
    assert (problem.kind, problem.fact, problem.path) == (ProblemKind.REJECTED, "", PROVENANCE)
    assert str(problem.place).startswith(place)
    assert evidence.origins == () and evidence.facts["file"] == "a"


FORKED = """
import os, sys, time
from functools import partial
from pathlib import Path
from gate.evidence.process.children import can_fork
from gate.evidence.base.errors import ConfigError, EvidenceError, GateError, raise_all
from gate.evidence.collecting.interface import Observation
from gate.evidence.base.limits import Limits
from gate.evidence.collecting.provenance import statement
from gate.evidence.collecting.runner import Running, collect, observe
from gate.evidence.reading.workspace import Workspace
assert can_fork()
FACTS = {
    "kill_switch": {"file": "a", "switches": [], "contradictions": [], "verified_at_s": 1},
    "integration_flow": {"file": "a", "stages": [], "stages_defined": 1},
}
class Scripted:
    version = "1"
    def __init__(self, name, action):
        self.id, self.action = name, action
    def collect(self, view):
        self.action(view)
        return Observation(FACTS[self.id])
def run(first, second, **limits):
    collectors = [Scripted("kill_switch", first), Scripted("integration_flow", second)]
    return list(collect(Workspace(Path("."), Limits(**limits)), collectors).values())
def problem(evidence):
    assert evidence.facts == {} and evidence.version == "1" and not evidence.repeatable
    [one] = evidence.problems
    assert (one.kind, one.fact) == ("rejected", ""), one
    return one
def failure(*arguments, **limits):
    try:
        run(*arguments, **limits)
    except GateError as error:
        return error.diagnostics()
    raise AssertionError("no error")
def nothing(view): pass
def slow(view): time.sleep(36_000)
def broken(view): view.read("a"); view.read("nowhere")
"""


def forked(code: str, cwd: Path) -> None:
    """Run the code in a process of its own, which has one thread and so may fork."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKED + code],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_a_file_that_cannot_be_used_rejects_one_collector_s_evidence(tmp_path: Path) -> None:
    """Its problems name the files; the files that it read before are there; the next one has its facts."""
    (tmp_path / "a").write_text("U7654321")
    code = """
def many(view):
    raise_all([EvidenceError("is odd U7654321", path="x"), EvidenceError("is even", remedy="make it odd")])
rejected, found = run(broken, nothing)
assert problem(rejected).path == "nowhere" and [file.path for file in rejected.files] == ["a"]
assert found.facts == FACTS["integration_flow"] and found.problems == ()
rejected, other = run(many, broken)
assert [one.reason for one in rejected.problems] == ["is odd U****21", "is even"]
assert [one.remedy for one in rejected.problems] == ["correct the file", "make it odd"]
assert problem(other).path == "nowhere"
"""
    forked(code, tmp_path)


def test_a_collector_that_takes_too_long_is_rejected(tmp_path: Path) -> None:
    """The problem names it and the limit; what comes after it is collected all the same."""
    code = """
rejected, found = run(slow, nothing, collector_seconds=0.5)
one = problem(rejected)
assert one.reason == "the collector 'kill_switch' took longer than 0.5 s and was ended", one
assert "limits.collector_seconds" in one.remedy
assert found.facts == FACTS["integration_flow"]
found, rejected = run(nothing, slow, collector_seconds=0.5)
assert "took longer" in problem(rejected).reason and found.problems == ()
"""
    forked(code, tmp_path)


def test_a_collector_that_needs_too_much_memory_is_rejected(tmp_path: Path) -> None:
    """The problem names it and the limit; the others are collected all the same."""
    code = """
def greedy(view):
    bytearray(300 * 2**20)
rejected, found = run(greedy, nothing, collector_memory_bytes=200 * 2**20)
one = problem(rejected)
assert one.reason.startswith("the collector 'kill_switch' needed more memory than it gets"), one
assert "limits.collector_memory_bytes" in one.remedy
assert found.problems == ()
assert run(lambda view: bytearray(100 * 2**20), nothing)[0].problems == ()
"""
    forked(code, tmp_path)


def test_a_collector_that_crashes_takes_no_other_one_along(tmp_path: Path) -> None:
    """A library that gives up over a file rejects that evidence; being killed by somebody is an error."""
    code = """
rejected, found = run(lambda view: os.kill(os.getpid(), 6), nothing)
assert "was ended by SIGABRT" in problem(rejected).reason and found.problems == ()
said = failure(lambda view: os.kill(os.getpid(), 9), nothing)
assert said.startswith("internal error: the collector 'kill_switch' failed: its process was ended"), said
"""
    forked(code, tmp_path)


def test_errors_that_are_no_evidence_are_reported_together(tmp_path: Path) -> None:
    """One run names every wrong option and every mistake of ours, with its own class."""
    code = """
def options(view):
    raise ConfigError("wrong option", path="gate.yaml", place="evidence.x", remedy="correct it")
said = failure(options, lambda view: 1 / 0)
assert "configuration error: wrong option\\n  where: gate.yaml, evidence.x\\n" in said, said
assert "the collector 'integration_flow' failed: its process ended early (ZeroDivisionError: " in said, said
try:
    run(nothing, lambda view: 1 / 0)
except GateError as error:
    assert "in <lambda>" in error.__notes__[0]
"""
    forked(code, tmp_path)


def test_a_file_that_changed_since_it_was_measured_is_rejected(tmp_path: Path) -> None:
    """The subject's digest and the facts are about the same bytes, or there are no facts."""
    (tmp_path / "a").write_text("before")
    code = """
reader, writer = os.pipe()
def second(view):
    os.read(reader, 1); view.read("a")
workspace = Workspace(Path("."))
with Running(workspace, {"kill_switch": partial(Scripted, "kill_switch", second)}) as running:
    workspace.file_digest("a")
    Path("a").write_text("after")
    os.write(writer, b"x")
    one = problem(running.result()["kill_switch"])
assert (one.reason, one.path) == ("changed while it was read", "a"), one
"""
    forked(code, tmp_path)


def test_the_evidence_is_that_of_this_process(tmp_path: Path) -> None:
    """Nothing is lost on the way, files and digests included."""
    (tmp_path / "a").write_text("1")
    code = """
def read(view):
    view.read("a")
for evidence in run(read, nothing):
    action = read if evidence.files else nothing
    assert evidence == observe(Workspace(Path(".")), Scripted(evidence.collector, action))
"""
    forked(code, tmp_path)
