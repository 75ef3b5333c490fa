"""Running collectors and checking what they give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gate.evidence.base.canonical import canonical, sha256_hex
from gate.evidence.base.errors import EvidenceError, InternalError, ManyErrors
from gate.evidence.collecting.interface import Observation, Options, Problem
from gate.evidence.collecting.runner import collect, lookup, observe
from gate.evidence.reading.workspace import View, Workspace

Make = Callable[..., Path]
Action = Callable[[View], Observation]


def kill_switch_facts(file: str | None = None) -> dict[str, Any]:
    """Facts that keep a small real contract."""
    return {"file": file, "switches": [], "verified_at_s": None}


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


class Other(Scripted):
    """A second collector with another contract."""

    id: ClassVar[str] = "coverage"


def coverage_facts() -> dict[str, Any]:
    """An unmeasured coverage."""
    names = ("line_ppm", "branch_ppm", "statements", "covered", "files", "never_imported", "format", "tool")
    return {**dict.fromkeys(names), "sources": []}


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


def test_every_collector_runs_although_one_fails(make_workspace: Make) -> None:
    """One run reports every broken file, in the order of the collectors."""

    def broken(name: str) -> Action:
        def action(view: View) -> Observation:
            return view.read_json(name)  # type: ignore[no-any-return]

        return action

    workspace = Workspace(make_workspace({"a.json": "{", "b.json": "["}))
    with pytest.raises(ManyErrors) as caught:
        collect(workspace, [Scripted(broken("b.json")), Other(broken("a.json"))])
    assert [error.path for error in caught.value.errors] == ["b.json", "a.json"]
    with pytest.raises(EvidenceError) as single:
        collect(workspace, [Scripted(broken("a.json")), Other(broken("a.json"))])
    assert single.value.path == "a.json"


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


SIDE_BY_SIDE = """
import os, sys, time
from functools import partial
from pathlib import Path
from gate.evidence.process import children
from gate.evidence.collecting import runner
from gate.evidence.base.errors import GateError
from gate.evidence.collecting.interface import Problem, Observation
from gate.evidence.base.limits import Limits
from gate.evidence.collecting.runner import Collecting
from gate.evidence.reading.workspace import Workspace
assert children.possible()
FACTS = {
    "kill_switch": {"file": "a", "switches": [], "verified_at_s": 1},
    "integration_flow": {"file": "a", "stages": [], "stages_defined": 1},
}
class Scripted:
    version = "1"
    def __init__(self, name, action):
        self.id, self.action = name, action
    def collect(self, view):
        self.action(view)
        return Observation(FACTS[self.id])
def run(first, second, groups, **limits):
    makers = {"kill_switch": partial(Scripted, "kill_switch", first),
              "integration_flow": partial(Scripted, "integration_flow", second), "idle": None}
    with Collecting(Workspace(Path("."), Limits(**limits)), makers, groups) as running:
        running.want(FACTS)
        return list(running.result())
def failure(*arguments, **limits):
    try:
        run(*arguments, **limits)
    except GateError as error:
        return error.diagnostics()
    raise AssertionError("no error")
def nothing(view): pass
def slow(view): time.sleep(36_000)
def broken(view): view.read("nowhere")
ONE = [["kill_switch", "integration_flow"], ["idle"]]
TWO = [["kill_switch"], ["integration_flow"]]
"""


def side_by_side(code: str, cwd: Path) -> None:
    """Run the code in a process of its own, which has one thread and so may fork."""
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SIDE_BY_SIDE + code],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_a_slow_collector_does_not_hold_up_the_report_of_an_error(tmp_path: Path) -> None:
    """Neither in another group nor behind it in its own; it is said who was not waited for."""
    code = """
for groups in (ONE, TWO):
    said = failure(slow, broken, groups, patience_seconds=0.2)
    assert "where: nowhere" in said, said
    assert "not waited for, as others failed: kill_switch" in said, said
"""
    side_by_side(code, tmp_path)


def test_a_collector_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """The error names it and the limit; what comes after it is collected all the same."""
    code = """
for groups in (ONE, TWO):
    said = failure(slow, nothing, groups, collector_seconds=0.5)
    assert said.startswith("evidence error: the collector 'kill_switch' took longer than 0.5 s"), said
    assert said.count("error") == 1 and "limits.collector_seconds" in said, said
"""
    side_by_side(code, tmp_path)


def test_a_collector_that_crashes_takes_no_other_one_along(tmp_path: Path) -> None:
    """Both are reported: the process that was killed, and the broken file behind it in its group."""
    code = """
def crash(view):
    os.kill(os.getpid(), 9)
for groups in (ONE, TWO):
    said = failure(crash, broken, groups)
    assert "was ended by SIGKILL" in said and "where: nowhere" in said, said
"""
    side_by_side(code, tmp_path)


def test_a_slow_collector_that_succeeds_is_waited_for(tmp_path: Path) -> None:
    """Being slow is no error; what was taken over by another process counts once."""
    code = """
runner.SLOW_SECONDS = 0.05
assert run(lambda view: time.sleep(0.4), nothing, ONE) == ["kill_switch", "integration_flow"]
assert run(nothing, lambda view: time.sleep(0.4), ONE) == ["kill_switch", "integration_flow"]
"""
    side_by_side(code, tmp_path)


def test_without_processes_there_is_a_time_limit_too(tmp_path: Path) -> None:
    """Where nothing can be forked, a timer ends what takes too long."""
    code = """
children.possible = lambda: False
said = failure(slow, broken, TWO, collector_seconds=0.3)
assert "the collector 'kill_switch' took longer than 0.3 s" in said and "where: nowhere" in said, said
assert run(nothing, nothing, TWO) == ["kill_switch", "integration_flow"]
"""
    side_by_side(code, tmp_path)


def test_a_collector_that_needs_too_much_memory_is_an_error(tmp_path: Path) -> None:
    """The error names it and the limit; the others are collected all the same."""
    code = """
def greedy(view):
    bytearray(300 * 2**20)
for groups in (ONE, TWO):
    said = failure(greedy, nothing, groups, collector_memory_bytes=200 * 2**20)
    assert said.startswith("evidence error: the collector 'kill_switch' needed more memory"), said
    assert said.count("error") == 1 and "limits.collector_memory_bytes" in said, said
assert run(lambda view: bytearray(100 * 2**20), nothing, TWO)
"""
    side_by_side(code, tmp_path)
