"""Parameters that an operator replaced are part of what was recorded: what judges again keeps to them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy.bundle import SHIPPED

Gate = Callable[..., Any]
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
REPLACED = """policy:
  parameters:
    stage1:
      artifact_coverage_min: {value: 300000, rationale: a test}
"""


@pytest.fixture
def root(copy_example: Callable[..., Path], tmp_path: Path, gate: Gate) -> Path:
    """A workspace with a decision by an operator for whom 35.7 % of the artifacts are enough."""
    root = copy_example("algo-trade")
    shutil.copytree(EXAMPLES / "trust", tmp_path / "trust")
    operator = tmp_path / "operator.yaml"
    operator.write_text((EXAMPLES / "operator.yaml").read_text() + REPLACED)
    assert gate("evaluate", "stage1", "-w", root, "--operator", operator).code == 1
    return root


@pytest.mark.soak
def test_what_judges_again_keeps_to_them(root: Path, gate: Gate, tmp_path: Path) -> None:
    """An equal bundle flips nothing, whatever is in force now; a hypothetical value takes their place."""
    bundle = tmp_path / "policies"
    shutil.copytree(SHIPPED, bundle, ignore=shutil.ignore_patterns("*_test.rego", "__pycache__"))
    same = gate("policy", "impact", bundle, "-w", root)
    assert (same.code, same.out.split()[0]) == (0, "UNCHANGED"), same.out
    assert gate("replay", "0", "-w", root).code == 0
    wanted = ("--decision", "0", "--param", "stage1.artifact_coverage_min=900000")
    other = " ".join(gate("policy", "whatif", "stage1", "-w", root, *wanted).out.split())
    assert "stage1.artifact_coverage_min is 900000 here, in place of 300000" in other
    assert "PASS → FAIL stage1.artifact_coverage" in other
    sweep = ("--decision", "0", "--sweep", "stage1.artifact_coverage_min=300000:400000:50000")
    swept = gate("policy", "whatif", "stage1", "-w", root, *sweep).out
    assert re.search(r"stage1\.artifact_coverage\b(?!_)", swept), swept


@pytest.mark.soak
def test_one_that_the_edited_bundle_lacks_is_no_verdict(root: Path, gate: Gate, tmp_path: Path) -> None:
    """The decision cannot be judged again, and the report says why: exit 2."""
    bundle = tmp_path / "policies"
    shutil.copytree(SHIPPED, bundle, ignore=shutil.ignore_patterns("*_test.rego", "__pycache__"))
    for path in [bundle / "gate/params/stage1/data.yaml", *bundle.rglob("*.rego")]:
        path.write_text(path.read_text().replace("artifact_coverage_min", "artifact_coverage_floor"))
    found = gate("policy", "impact", bundle, "-w", root)
    assert found.code == 2
    assert "artifact_coverage_min" in found.out + found.err
