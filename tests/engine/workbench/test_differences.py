"""``gate policy diff`` says what changed, and whether that loosens the policies where it can be known."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .small import edit

Gate = Callable[..., Any]
DEMO, DATA = "gate/demo/demo.rego", "gate/params/demo/data.yaml"


@pytest.fixture
def edited(bundle: Path) -> Path:
    """A copy of the bundle with a revision of its own."""
    copy = bundle.with_name("edited")
    shutil.copytree(bundle, copy)
    edit(copy, ".manifest", "1.0.0", "1.0.1")
    return copy


def changed(gate: Gate, old: Path, new: Path) -> list[tuple[str, str, str]]:
    """Effect, name and text of each difference but that of the revision."""
    done = gate("policy", "diff", old, new, "-o", "json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["differences"]
    return [(one["effect"], one["name"], one["text"]) for one in found if one["kind"] != "bundle"]


SAME = "its rationale is the same"
LOWER, HIGHER = ("800000", "750000"), ("800000", "850000")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (*LOWER, ("loosened", "demo.line_min", "80 % → 75 % (800000 → 750000 ppm); " + SAME)),
        (*HIGHER, ("tightened", "demo.line_min", "80 % → 85 % (800000 → 850000 ppm); " + SAME)),
        ("value: 0,", "value: 2,", ("loosened", "demo.failed_max", "0 → 2; its rationale is the same")),
        ('["a", "b"]', '["a"]', ("changed", "demo.kinds", "without b; its rationale is the same")),
        ('"Four fifths."', '"Other."', ("changed", "demo.line_min", "rationale changed")),
    ],
)  # fmt: skip
def test_thresholds(
    gate: Gate, bundle: Path, edited: Path, old: str, new: str, expected: tuple[str, str, str]
) -> None:
    """A direction is stated where the helper that compares tells it."""
    edit(edited, DATA, old, new)
    assert changed(gate, bundle, edited) == [expected]


def test_dates_and_collections(gate: Gate, bundle: Path, edited: Path) -> None:
    """A later date, or collections where there were none, ask for less; both are listed."""
    old, later = "short_name: covered", "short_name: covered\n#   effective_on: 2026-03-01"
    edit(edited, DEMO, old, f"{later}\n#   collections: [research]")
    name, date = "demo.covered", "binds always → from 2026-03-01T00:00:00Z"
    assert changed(gate, bundle, edited) == [
        ("loosened", name, date),
        ("loosened", name, "collections: none → research"),
    ]
    assert {effect for effect, _, _ in changed(gate, edited, bundle)} == {"tightened"}
    listed = gate("policy", "list", edited).out
    assert "binds from 2026-03-01T00:00:00Z" in listed
    assert "collections: research" in listed


def test_a_bundle_for_conftest_has_nothing_to_show(gate: Gate, bundle: Path, tmp_path: Path) -> None:
    """One clear error says what it is, and what works with it."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.rego").write_text('package main\n\ndeny contains "x" if input.kind == "Pod"\n')
    for arguments in (["list", other], ["docs", other], ["schema", other], ["diff", bundle, other]):
        done = gate("policy", *arguments)
        assert (done.code, "written for Conftest" in done.err) == (2, True), done.err


def test_no_direction_is_claimed_where_the_rego_may_mean_anything(
    gate: Gate, bundle: Path, edited: Path
) -> None:
    """A use elsewhere, or a helper that is not the shipped one, makes it just a change."""
    edit(edited, DATA, *LOWER)
    edit(edited, DEMO, "\nwarn_kinds", "\nx := data.gate.params.demo.line_min.value\n\nwarn_kinds")
    assert ("changed", "demo.line_min") in {one[:2] for one in changed(gate, bundle, edited)}
    edit(edited, DEMO, "\nx := data.gate.params.demo.line_min.value\n", "")
    assert ("loosened", "demo.line_min") in {one[:2] for one in changed(gate, bundle, edited)}
    for root in (bundle, edited):
        edit(root, "gate/lib/lib.rego", "\ta >= b\n", "\tb >= a\n")
    assert ("changed", "demo.line_min") in {one[:2] for one in changed(gate, bundle, edited)}


def test_rules_stages_and_helpers(gate: Gate, bundle: Path, edited: Path) -> None:
    """A removed rule, a lower severity and a lost dependency loosen; edited Rego is a change."""
    text = (edited / DEMO).read_text()
    head, tail = text[: text.rindex("# METADATA")], text[text.rindex("# METADATA") :]
    (edited / DEMO).write_text(
        head + tail.replace("severity: HIGH", "severity: LOW").replace("Do it.", "Do.")
    )
    edit(edited, DEMO, '"It is not covered"', '"It is not quite covered"')
    edit(edited, "gate/lib/lib.rego", "# --- inside", "new(x) := x\n\n# --- inside")
    found = changed(gate, bundle, edited)
    assert found == [
        ("loosened", "demo.tested", "severity HIGH → LOW"),
        ("changed", "demo.covered", "Rego of deny_covered changed"),
        ("changed", "demo.tested", "solution changed"),
        ("changed", "gate.lib.new", "Rego added"),
    ]
    shutil.rmtree(edited)
    shutil.copytree(bundle, edited)
    text = (edited / DEMO).read_text()
    begin, end = text.index("check_tested"), text.index("warn_kinds")
    (edited / DEMO).write_text(text[:begin] + text[end:])
    edit(edited, ".manifest", ',\n          "demo.tested"', "")
    assert changed(gate, bundle, edited)[0] == ("loosened", "demo.tested", "HIGH rule removed: It is tested")
    assert changed(gate, edited, bundle)[0] == ("tightened", "demo.tested", "HIGH rule added: It is tested")
    done = gate("policy", "diff", bundle, edited)
    assert "both call themselves small 1.0.0" in done.out


def test_commits_and_the_shipped_bundle(gate: Gate, bundle: Path) -> None:
    """REF:DIR is read from git's objects, and nothing is checked out; shipped is the bundle of this gate."""
    root = bundle.parent

    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
        subprocess.run(command, cwd=root, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", "policies")
    git("commit", "-q", "-m", "x")
    edit(bundle, DATA, *LOWER)
    done = gate("policy", "diff", "main:policies", "policies", cwd=root)
    assert done.code == 0
    assert done.out.startswith("loosened   demo.line_min  80 % → 75 %"), done.out
    assert gate("policy", "list", "main:policies", cwd=root).code == 0
    assert gate("policy", "diff", "shipped", "shipped", cwd=root).out == "no difference\n"
    for name in ("other:policies", "main:nowhere", "main", "--output=x:y", ":", "main:../policies"):
        done = gate("policy", "diff", "--", name, "policies", cwd=root)
        assert done.code == 2 and "Traceback" not in done.err, name


def test_markdown_is_safe_to_post(gate: Gate, bundle: Path, edited: Path) -> None:
    """What a bundle says stays in its cell."""
    edit(edited, ".manifest", '"small"', '"small | <img src=x>`\\n# x"')
    edit(edited, DATA, *LOWER)
    done = gate("policy", "diff", bundle, edited, "-o", "markdown")
    assert done.code == 0
    rows = [line for line in done.out.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 4 for line in rows)
    assert "<img" not in done.out and "\n# x" not in done.out
