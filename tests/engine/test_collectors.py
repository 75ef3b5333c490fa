"""A workspace's collectors, made from its settings and run."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.collectors import Places, open_workspace, start
from gate.engine.trust import resolve
from gate.evidence.base.errors import ConfigError, UsageError
from gate.evidence.collecting.cache.store import Store
from gate.evidence.collecting.interface import Evidence, ProblemKind
from gate.evidence.collecting.registry import BUILTIN, load
from gate.evidence.reading.workspace import Workspace

Make = Callable[..., Path]


def collect(*arguments: Any) -> tuple[Workspace, dict[str, Evidence]]:
    """The workspace as it was seen, and the evidence."""
    with start(*arguments) as running:
        return running.workspace, running.result()


def test_a_malformed_file_is_rejected_evidence(make_workspace: Make) -> None:
    """Its collector has no facts and says why, with the file and the place; the others have theirs."""
    root = make_workspace({"ACCOUNT_CONFIG.json": "{", "src/a.py": ""})
    workspace, evidence = collect(root, resolve(root, None, None, None), ["account", "kill_switch"])
    assert list(evidence) == ["account", "kill_switch"]
    [problem] = evidence["account"].problems
    assert evidence["account"].facts == {}
    assert (problem.kind, problem.fact, problem.path) == (ProblemKind.REJECTED, "", "ACCOUNT_CONFIG.json")
    assert str(problem.place).startswith("line 1") and problem.remedy
    assert [file.path for file in evidence["account"].files] == ["ACCOUNT_CONFIG.json"]
    assert evidence["kill_switch"].facts["switches"] == []
    assert workspace.is_file("ACCOUNT_CONFIG.json")


def test_rejected_evidence_is_never_remembered(make_workspace: Make, tmp_path: Path) -> None:
    """A second run looks again."""
    root = make_workspace({"ACCOUNT_CONFIG.json": "{"})
    time.sleep(0.12)  # what was changed a moment ago is not remembered
    places = Places(tmp_path / "cache", tmp_path / "config")
    first, second = (
        collect(root, resolve(root, None, None, None), ["account", "kill_switch"], places)[1] for _ in "12"
    )
    assert first == second
    stored = Store(places.cache_dir, places.config_dir, os.fsencode(root.resolve())).load()
    assert list(stored["results"]) == ["kill_switch"]


def test_the_caller_goes_on_while_collectors_run(make_workspace: Make) -> None:
    """Wrong options are an error of the settings, and known only when the result is asked for."""
    root = make_workspace({"gate.yaml": "evidence: {source: {patterns: ['(']}}\n"})
    with (
        pytest.raises(ConfigError),
        start(root, resolve(root, None, None, None), ["kill_switch", "source"]) as running,
    ):
        assert running.workspace.inventory() == ("gate.yaml",)
        running.result()


def test_an_unknown_collector(make_workspace: Make) -> None:
    """It is refused before anything runs."""
    root = make_workspace({})
    with pytest.raises(UsageError, match="there is no collector 'nothing'"):
        start(root, resolve(root, None, None, None), ["nothing"])


@pytest.mark.parametrize("name", [name for name, entry in BUILTIN.items() if entry.narrowing])
def test_options_that_narrow_exist(name: str) -> None:
    """A renamed option does not silently cease to be reported."""
    assert BUILTIN[name].narrowing <= {field.name for field in dataclasses.fields(load(name).Options)}


@pytest.mark.parametrize("location", ["ledger", "memory:elsewhere"])
def test_the_configured_sources_are_judged_wherever_the_ledger_is(
    make_workspace: Make, memory_plugin: Any, tmp_path_factory: pytest.TempPathFactory, location: str
) -> None:
    """A ledger elsewhere, which only an operator may name, changes nothing about what is judged."""
    settings = "subject: {sources: [src], exclude: [src/left.py]}\n"
    files = {"gate.yaml": settings, "src/a.py": "", "src/left.py": "", "other/b.py": ""}
    root = make_workspace(files)
    operator = tmp_path_factory.mktemp("operator") / "operator.yaml"
    operator.write_text(f"ledger: {{location: '{location}'}}\n")
    judged = open_workspace(root, resolve(root, operator, None, None)).judged()
    assert (judged.patterns, judged.paths) == (("src",), ("src/a.py",))


@pytest.mark.parametrize("name", ["location", "evidence"])
def test_the_judged_change_names_no_server_of_a_plugin(
    make_workspace: Make, memory_plugin: Any, name: str
) -> None:
    """Whatever serves the URL, it would be shown the credentials of whoever judges."""
    root = make_workspace({"gate.yaml": f"ledger: {{{name}: 'memory:elsewhere'}}\n"})
    with pytest.raises(ConfigError, match="may not say which server") as caught:
        resolve(root, None, None, None)
    assert caught.value.place == f"ledger.{name}"
