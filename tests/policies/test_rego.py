"""The policies' own unit tests, on the embedded engine and on OPA."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy.bundle import SHIPPED_BUNDLES
from gate.engine.workbench.bundles import open_bundle
from gate.engine.workbench.testing import cases

BUNDLES = pytest.mark.parametrize("name", SHIPPED_BUNDLES)


@pytest.mark.parametrize(("name", "lines", "tests"), [("prelive", 1000, 600), ("release", 500, 90)])
def test_every_policy_test_passes_and_covers_everything_on_the_embedded_engine(
    gate: Callable[..., Any], name: str, lines: int, tests: int
) -> None:
    """No test of the shipped policies fails on regorus, and together they reach every line."""
    done = gate("policy", "coverage", f"shipped:{name}", "--fail-under", "100", "-o", "json")
    assert done.code == 0, done.out
    found = json.loads(done.out)
    assert (found["not_covered_lines"], found["failed"]) == (0, [])
    assert found["covered_lines"] > lines
    assert found["tests"] == len(cases(open_bundle(SHIPPED_BUNDLES[name]))) > tests


@pytest.mark.soak
@BUNDLES
def test_nothing_is_wrong_with_the_shipped_policies(gate: Callable[..., Any], opa: str, name: str) -> None:
    """Every check of `gate policy check`, opa's strict mode included."""
    done = gate("policy", "check", f"shipped:{name}", "-o", "json")
    assert done.code == 0, done.out
    assert json.loads(done.out)["not_checked"] == {}


@pytest.mark.soak
@BUNDLES
def test_every_policy_test_passes_on_opa(opa: str, name: str) -> None:
    """Stock OPA loads the bundle directory, runs the same tests, and finds no strict-mode error."""
    bundle = SHIPPED_BUNDLES[name]
    subprocess.run([opa, "check", "--strict", str(bundle)], check=True, capture_output=True)
    done = subprocess.run(
        [opa, "test", "--format=json", str(bundle)], check=False, capture_output=True, text=True
    )
    results = json.loads(done.stdout)
    bad = [item["name"] for item in results if item.get("fail") or item.get("error")]
    assert bad == [] and done.returncode == 0
    known = {(case.package, case.name) for case in cases(open_bundle(bundle))}
    assert {(item["package"].removeprefix("data."), item["name"]) for item in results} == known


@pytest.mark.soak
@BUNDLES
def test_opa_accepts_every_fact_that_the_shipped_policies_name(
    gate: Callable[..., Any], opa: str, tmp_path: Path, name: str
) -> None:
    """The schema of the input describes what rules and their tests look at."""
    assert gate("policy", "schema", f"shipped:{name}", "-o", "json=input.json").code == 0
    command = [opa, "check", "--strict", "--schema", "input.json", str(SHIPPED_BUNDLES[name])]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.soak
@BUNDLES
def test_policy_coverage_is_complete(opa: str, name: str) -> None:
    """Every line of every shipped rule is reached by the policies' tests."""
    done = subprocess.run(
        [opa, "test", "--coverage", "--format=json", str(SHIPPED_BUNDLES[name])],
        check=True,
        capture_output=True,
        text=True,
    )
    files = json.loads(done.stdout)["files"]
    uncovered = {
        Path(path).name: entry["not_covered"]
        for path, entry in files.items()
        if not path.endswith("_test.rego") and entry.get("not_covered")
    }
    assert uncovered == {}
