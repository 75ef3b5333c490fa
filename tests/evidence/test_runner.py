"""Running collectors and checking what they give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gate.evidence.canonical import canonical, sha256_hex
from gate.evidence.errors import EvidenceError, InternalError, ManyErrors
from gate.evidence.interface import Missing, Observation, Options
from gate.evidence.runner import collect, lookup, observe
from gate.evidence.workspace import View, Workspace

Make = Callable[..., Path]
Action = Callable[[View], Observation]


def kill_switch_facts(file: str | None = None) -> dict[str, Any]:
    """Facts that keep a small real contract."""
    return {"file": file, "switches": [], "verified_at_s": None}


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
        return Observation(kill_switch_facts("a"), observed_at="2025-11-07T12:00:00Z")

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
    missing = (Missing("verified_at_s", "no file", "write it"), Missing("file", "no file", "write it"))
    workspace = Workspace(make_workspace({}))
    evidence = observe(workspace, Scripted(lambda view: Observation(kill_switch_facts(), missing)))
    assert evidence.missing == missing
    with pytest.raises(InternalError) as caught:
        observe(workspace, Scripted(lambda view: Observation(kill_switch_facts("f"), missing)))
    assert "calls 'file' missing but gives a value" in caught.value.what


def test_lookup() -> None:
    """Dotted names lead into mappings; everything else is None."""
    facts = {"a": {"b": 0, "c": [1]}, "n": None}
    assert lookup(facts, "a.b") == 0
    assert lookup(facts, "a.c") == [1]
    assert [lookup(facts, name) for name in ("n", "n.x", "a.x", "a.b.c", "a.c.0", "")] == [None] * 6
