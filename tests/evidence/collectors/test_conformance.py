"""What every collector must do, asked of each one of gate and of the plug-in in ``examples``."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest

from gate.evidence.base.contracts import violations
from gate.evidence.collecting import registry
from gate.evidence.collecting.interface import Evidence
from gate.evidence.collecting.outcomes import errors_of, outcome, unpacked
from gate.evidence.collecting.registry import BUILTIN
from gate.evidence.reading.workspace import Workspace

from .conftest import covers, nulls

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = "changelog"
each = pytest.mark.parametrize("name", [*BUILTIN, PLUGIN])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the plug-in as pip installs it."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "examples/collector-plugin/gate_changelog", site / "gate_changelog")
    info = site / "gate_changelog-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gate-changelog\nVersion: 1.0\n")
    text = f"[gate.collectors]\n{PLUGIN} = gate_changelog:ChangelogCollector\n"
    (info / "entry_points.txt").write_text(text)
    return site


@pytest.fixture(autouse=True)
def find_the_plugin(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installed))


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example in which there is something for every collector, and a changelog."""
    root = tmp_path_factory.mktemp("ready") / "workspace"
    shutil.copytree(ROOT / "examples/ready", root, ignore=shutil.ignore_patterns("ledger"))
    (root / "CHANGELOG.md").write_text("## [Unreleased]\n- a\n## [1.0.0] - 2025-11-01\n")
    return root


def look(root: Path, name: str) -> Evidence:
    """What the collector, with its default options, sees; everything but evidence is an error."""
    kind = registry.load(name)
    found = outcome(Workspace(root), lambda: kind(kind.Options()), registry.find(name), name)
    assert errors_of(found) == []
    evidence = unpacked(found)
    check(root, evidence)
    return evidence


def check(root: Path, evidence: Evidence) -> None:
    """It is data without floats; each gap has a reason and a remedy, each file its digest."""
    assert violations("", "evidence", evidence.to_json()) == []
    assert len(evidence.digest) == 64  # of canonical JSON, which has no floats
    for problem in evidence.problems:
        assert problem.reason and problem.remedy
    for fact in nulls(evidence.facts):
        assert any(covers(problem.fact, fact) for problem in evidence.problems), fact
    for scope in evidence.scopes:
        assert 0 <= scope.understood <= scope.looked_at and scope.unit
    for file in evidence.files:
        assert hashlib.sha256((root / file.path).read_bytes()).hexdigest() == file.sha256


@each
def test_it_says_the_same_again_and_takes_any_bytes(ready: Path, name: str, tmp_path: Path) -> None:
    """And changes nothing in it. Whatever it reads may be anything: then it says so, and never fails."""
    before = {path: path.stat().st_mtime_ns for path in ready.rglob("*")}
    first = look(ready, name)
    assert first == look(ready, name)
    assert before == {path: path.stat().st_mtime_ns for path in ready.rglob("*")}

    for file in first.files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_bytes(b"\xff\x00{[<\n")
    garbage = look(tmp_path, name)
    assert garbage.problems or not garbage.files


@each
def test_an_empty_workspace_is_no_error(tmp_path: Path, name: str) -> None:
    """What is not there is named as missing, or a scope says where it was looked for."""
    evidence = look(tmp_path, name)
    assert evidence.files == ()
    assert evidence.problems or evidence.scopes


@each
def test_its_options_have_defaults_and_cannot_change(name: str) -> None:
    """So a collector works without any settings."""
    options = registry.load(name).Options
    assert dataclasses.is_dataclass(options) and options.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert options() == options()


@pytest.mark.parametrize("name", BUILTIN)
def test_it_has_a_contract_and_a_page(name: str) -> None:
    assert (ROOT / "contracts/facts" / f"{name}.schema.json").is_file()
    assert (ROOT / "docs/collectors" / f"{name}.md").is_file()
