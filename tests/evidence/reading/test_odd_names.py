"""Names that a file system permits and people rarely use: they are judged like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.evidence.base.settings import validate
from gate.evidence.collecting.registry import BUILTIN, load
from gate.evidence.collecting.runner import observe
from gate.evidence.collecting.subject import measure_sources
from gate.evidence.reading.workspace import Workspace

NAMES = [
    "we\\ird/a.py",
    "st*r/b.py",
    "qu?st/c.py",
    "br[x]/e.py",
    "line\nbreak/f.py",
    "top\\.py",
    "contracts/a\\b.json",
    "tests/stage6\\x.py",
    "config/a\\b.yaml",
    "bad\udcff/g.py",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    return tmp_path


def test_discovered_sources_include_every_name(root: Path) -> None:
    assert set(measure_sources(Workspace(root)).files) == set(NAMES) - {"config/a\\b.yaml"}


@pytest.mark.parametrize("collector", BUILTIN)
def test_every_collector_observes_a_workspace_with_such_names(root: Path, collector: str) -> None:
    kind = load(collector)
    assert observe(Workspace(root), kind(validate(kind.Options, {}))).collector == collector
