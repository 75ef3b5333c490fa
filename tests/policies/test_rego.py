"""The policies' own unit tests, on the embedded engine and on OPA."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import regorus

from gate.engine.policy.bundle import SHIPPED, load_bundle

TEST_RULE = re.compile(r"^(test_\w+)", re.MULTILINE)
PACKAGE = re.compile(r"^package ([\w.]+)", re.MULTILINE)


def _tests() -> list[tuple[str, str]]:
    found = []
    for path in sorted(SHIPPED.rglob("*_test.rego")):
        source = path.read_text()
        package = PACKAGE.search(source)
        assert package is not None, path
        found += [(package[1], name) for name in dict.fromkeys(TEST_RULE.findall(source))]
    return found


@pytest.fixture(scope="module")
def engine() -> regorus.Engine:
    """The embedded engine with the bundle and its tests."""
    bundle = load_bundle(SHIPPED)
    loaded = regorus.Engine()
    loaded.set_rego_v0(False)
    loaded.set_policy_length_config(max_col=65_536, max_file_bytes=8_388_608, max_lines=1_000_000)
    loaded.add_data_json(json.dumps(bundle.data))
    for path in sorted(SHIPPED.rglob("*.rego")):
        loaded.add_policy(str(path), path.read_text())
    return loaded


def test_every_policy_test_passes_on_the_embedded_engine(engine: regorus.Engine) -> None:
    """No test rule is false or undefined on regorus."""
    tests = _tests()
    assert len(tests) > 100
    failed = []
    for package, name in tests:
        answer = json.loads(engine.eval_query_as_json(f"data.{package}.{name}"))
        results = answer.get("result") or [{}]
        value = (results[0].get("expressions") or [{}])[0].get("value")
        if value is not True:
            failed.append(f"{package}.{name}")
    assert failed == []


def test_every_policy_test_passes_on_opa(opa: str) -> None:
    """Stock OPA loads the bundle directory, runs the same tests, and finds no strict-mode error."""
    subprocess.run([opa, "check", "--strict", str(SHIPPED)], check=True, capture_output=True)
    done = subprocess.run(
        [opa, "test", "--format=json", str(SHIPPED)], check=False, capture_output=True, text=True
    )
    results = json.loads(done.stdout)
    bad = [item["name"] for item in results if item.get("fail") or item.get("error")]
    assert bad == [] and done.returncode == 0
    assert {(item["package"].removeprefix("data."), item["name"]) for item in results} == set(_tests())


@pytest.mark.soak
def test_policy_coverage_is_complete(opa: str) -> None:
    """Every line of every shipped rule is reached by the policies' tests."""
    done = subprocess.run(
        [opa, "test", "--coverage", "--format=json", str(SHIPPED)],
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
