"""Small inputs as they were met in the field: seeds, contracts, messages, signers, the interface map."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.settings import validate
from gate.evidence.collecting.interface import Evidence
from gate.evidence.collecting.runner import observe
from gate.evidence.collectors import load
from gate.evidence.reading.workspace import Workspace

CASES = Path(__file__).parent
Look = Callable[..., Evidence]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """``look(case, collector, **options)``: what the collector sees in a copy of the case."""

    def run(case: str, collector: str, **options: Any) -> Evidence:
        root = tmp_path / case
        if not root.exists():
            shutil.copytree(CASES / case, root)
        kind = load(collector)
        return observe(Workspace(root), kind(validate(kind.Options, options)))

    return run


def test_seeds_that_stand_in_groups_are_missing_and_the_run_decides(look: Look, gate: Any) -> None:
    """The seeds looked for are absent: the rule fails as missing evidence and names the setting; exit 1."""
    evidence = look("seeds-grouped", "fixtures")
    assert set(evidence.facts["seeds"].values()) == {None}
    assert {problem.kind for problem in evidence.problems} == {"missing"}
    done = gate(
        "evaluate", "stage1", "-w", CASES / "seeds-grouped", "--no-cache", "--no-record", "-o", "json"
    )
    assert done.code == 1, done.err
    assert "evidence.fixtures.seed_keys.global" in done.out


def test_grouped_seeds_are_read_where_the_settings_say(look: Look) -> None:
    seeds = look("seeds-grouped", "fixtures", seed_keys={"global": "global_seed", "chaos": "seeds.chaos"})
    assert (seeds.facts["seeds"]["global"], seeds.facts["seeds"]["chaos"]) == (7, 4000)
