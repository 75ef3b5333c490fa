"""``gate policy copy``, ``new``, ``fmt``, ``list``, ``docs`` and ``schema``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy.bundle import SHIPPED, load_bundle

from .small import edit

Gate = Callable[..., Any]
DEMO = "gate/demo/demo.rego"


def test_a_copy_is_the_shipped_bundle_with_its_tests(gate: Gate, tmp_path: Path) -> None:
    """The same digest, every test, and nothing of a program; a name makes it another bundle."""
    assert gate("policy", "copy", "policies").code == 0
    assert load_bundle(tmp_path / "policies").digest == load_bundle(SHIPPED).digest
    copied = {
        path.relative_to(tmp_path / "policies") for path in (tmp_path / "policies").rglob("*_test.rego")
    }
    assert copied == {path.relative_to(SHIPPED) for path in SHIPPED.rglob("*_test.rego")}
    assert not list((tmp_path / "policies").rglob("*.py"))
    assert gate("policy", "copy", "other", "--name", "acme").code == 0
    other = load_bundle(tmp_path / "other")
    assert (other.name, other.version) == ("acme", "0.1.0")


def test_nothing_is_overwritten(gate: Gate, bundle: Path, tmp_path: Path) -> None:
    """Neither a directory with something in it, nor a file, nor what a link leads to."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in (bundle, tmp_path / "file", tmp_path / "link", tmp_path / "no" / "parent"):
        done = gate("policy", "copy", name)
        assert done.code == 2 and "to do:" in done.err, name
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize(("kind", "helper"), [("integer", "at_least"), ("boolean", "is_true")])
def test_a_new_rule_is_valid_at_once(gate: Gate, bundle: Path, opa: str, kind: str, helper: str) -> None:
    """It loads, its tests pass, opa accepts and would not format it; only what says TODO is left to do."""
    schema = json.loads(gate("policy", "schema", bundle).out)
    fact = next(
        f"{collector}.{name}"
        for collector, facts in schema["properties"]["facts"]["properties"].items()
        for name, one in facts.get("properties", {}).items()
        if one.get("type") == [kind, "null"]
    )
    done = gate("policy", "new", "demo.extra", bundle, "--fact", fact)
    assert done.code == 0, done.err
    assert f"data.gate.lib.{helper}(" in (bundle / "gate/demo/demo_extra.rego").read_text()
    assert gate("policy", "test", bundle, "--run", "extra").out == "3 passed, 0 failed (embedded)\n"
    found = json.loads(gate("policy", "check", bundle, "-o", "json").out)
    assert {one["check"] for one in found["findings"]} == {"unfinished"}
    assert (found["rules"], found["not_checked"]) == (3, {})
    assert gate("policy", "fmt", bundle, "--check").code == 0
    again = gate("policy", "new", "demo.extra", bundle, "--fact", fact)
    assert again.code == 2 and "there is a rule demo.extra already" in again.err


def test_a_rule_that_cannot_be_written_leaves_everything_as_it_was(gate: Gate, bundle: Path) -> None:
    """Mistyped stages, facts, severities and codes; a fact of a kind without a scaffold."""
    before = {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    for code, fact, more in (
        ("dmo.extra", "tests.total", ()),
        ("demo.../../x", "tests.total", ()),
        ("demo", "tests.total", ()),
        ("demo.Extra", "tests.total", ()),
        ("demo.extra", "tests.totl", ()),
        ("demo.extra", "contracts.files", ()),
        ("demo.extra", "tests.total", ("--severity", "HIHG")),
    ):
        done = gate("policy", "new", code, bundle, "--fact", fact, *more)
        assert done.code == 2 and "to do:" in done.err, (code, fact)
    assert gate("policy", "new", "demo.x", "--fact", "tests.total").code == 2  # gate.yaml names no bundle
    assert {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()} == before


def test_formatting_is_that_of_opa(gate: Gate, bundle: Path, opa: str) -> None:
    """--check names the file and changes nothing; without opa the error says what to install."""
    good = (bundle / DEMO).read_text()
    edit(bundle, DEMO, "\tsome kind in", "    some    kind in")
    bad = (bundle / DEMO).read_text()
    done = gate("policy", "fmt", bundle, "--check")
    assert (done.code, done.out) == (1, f"{DEMO}\n")
    assert (bundle / DEMO).read_text() == bad
    assert gate("policy", "fmt", bundle).code == 0
    assert (bundle / DEMO).read_text() == good
    (bundle / DEMO).write_text(good + "\nx := [1, }\n")
    done = gate("policy", "fmt", bundle)
    assert done.code == 2 and DEMO in done.err and " | " in done.err
    fake = bundle.parent / "bin" / "opa"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho ran >> ran\n")
    fake.chmod(0o755)
    for folders in ("", str(fake.parent)):
        done = gate("policy", "fmt", bundle, env={"PATH": folders}, cwd=bundle.parent)
        assert done.code == 2 and "install OPA" in done.err, "one of the workspace is not asked"


def test_what_is_not_to_be_changed(gate: Gate) -> None:
    """The shipped bundle, by name or as the default, is not formatted, and no rule is added to it."""
    for name in ((), ("shipped",)):
        for command in (("fmt",), ("new", "stage1.x", "--fact", "tests.total")):
            done = gate("policy", *command, *name)
            assert (done.code, done.out) == (2, "")
            assert "a shipped one is not changed" in done.err and "gate policy copy" in done.err


def test_the_list_has_code_severity_and_thresholds(gate: Gate, bundle: Path) -> None:
    """As a table for people and in JSON for programs; the default is the bundle that gate.yaml names."""
    (bundle.parent / "gate.yaml").write_text("policy: {bundle: policies}\n")
    shown = gate("policy", "list").out
    assert shown == gate("policy", "list", env={"GATE_POLICY": str(bundle)}).out
    assert "  HIGH     demo.covered  It is covered\n             demo.line_min: 80 %\n" in shown
    rules = json.loads(gate("policy", "list", "-o", "json").out)["rules"]
    assert rules[1] == {
        "code": "demo.tested",
        "title": "It is tested",
        "severity": "HIGH",
        "stage": "demo",
        "facts": ["tests.failed"],
        "effective_on": None,
        "collections": [],
        "thresholds": [{"name": "demo.failed_max", "value": 0, "unit": "tests"}],
    }


def test_the_reference_is_markdown(gate: Gate, bundle: Path) -> None:
    """Of any bundle; texts of the bundle do not act on a terminal and stay in their cells."""
    edit(bundle, "gate/params/demo/data.yaml", '"Four fifths."', '"Four | fifths\\x1b[31m"')
    done = gate("policy", "docs", bundle)
    assert done.code == 0
    assert "### `demo.covered` (HIGH)" in done.out
    assert "| `line_min` | 80 % | ppm | Four \\| fifths" in done.out
    assert "\x1b" not in done.out


def test_opa_checks_fact_names_with_the_schema(gate: Gate, bundle: Path, opa: str) -> None:
    """The good bundle passes with its schema; a misspelled part of a fact is found."""

    def check(root: Path) -> subprocess.CompletedProcess[str]:
        command = [opa, "check", "--strict", "--schema", "input.json", str(root)]
        return subprocess.run(command, cwd=bundle.parent, check=False, capture_output=True, text=True)

    assert gate("policy", "schema", bundle, "-o", "json=input.json").code == 0
    assert check(bundle).returncode == 0
    edit(
        bundle,
        DEMO,
        "\nwarn_kinds",
        "\nx if some file in input.facts.contracts.files; file.vald\n\nwarn_kinds",
    )
    done = check(bundle)
    assert done.returncode != 0 and "file.vald" in done.stderr
    one = json.loads(gate("policy", "schema", bundle, "--stage", "demo").out)
    assert set(one["properties"]["facts"]["properties"]) == {"coverage", "tests", "provenance"}
    assert gate("policy", "schema", bundle, "--stage", "dmo").code == 2
