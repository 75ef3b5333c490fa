"""``gate policy check`` finds everything that is wrong with a bundle, with its place."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.workbench.check import check
from gate.evidence.base.limits import Limits

from .small import MODULE, edit

Gate = Callable[..., Any]
COMMON = "gate/params/common/data.yaml"
DEMO, DATA, TEST = "gate/demo/demo.rego", "gate/params/demo/data.yaml", "gate/demo/demo_test.rego"


def checked(gate: Gate, root: Path, programs: str = "") -> list[dict[str, Any]]:
    """What is found, through the program; without opa, which takes longer than all else."""
    done = gate("policy", "check", root.name, "-o", "json", cwd=root.parent, env={"PATH": programs})
    assert done.code in (0, 1), done.err
    document = json.loads(done.out)
    assert done.code == bool(document["findings"])
    found: list[dict[str, Any]] = document["findings"]
    return found


def test_nothing_is_wrong_with_a_good_bundle(gate: Gate, bundle: Path, opa: str) -> None:
    """Exit 0, and a line that says how much was looked at."""
    done = gate("policy", "check", bundle)
    assert (done.code, done.out) == (0, "nothing found in small 1.0.0 (2 rules, 3 modules)\n")


CASES = [
    ("parse", DEMO, ".demo\n", ".demo\n\nx := [1, }\n", "x := [1, }", "does not parse"),
    ("refused", DEMO, "\nwarn_kinds", '\nx := "é" + time.now_ns()\n\nwarn_kinds', "x := ", "'time.now_ns'"),
    ("metadata", DEMO, "#   solution: Do it.\n", "", "# METADATA", "'solution'"),
    ("fact", DEMO, "input.facts.tests.failed", "input.facts.tests.faild", "faild", "'tests.faild'"),
    ("parameter", DEMO, "demo.line_min", "demo.line_mn", "line_mn", "'demo.line_mn'"),
    ("threshold", DATA, ', rationale: "Four fifths."', "", "line_min:", "'rationale'"),
    ("threshold", DATA, "value: 800000", 'value: "80"', "line_min:", "must be a whole number"),
    ("unused", DATA, "kinds:", "odd: {value: 1, unit: s, rationale: r}\nkinds:", "odd:", "params.demo.odd"),
    ("untested", TEST, "deny_tested", "deny_covered", "deny_tested contains", "demo.tested"),
    ("unfinished", DATA, "Four fifths.", "TODO", "TODO", "TODO"),
    ("manifest", ".manifest", '"demo.tested"', '"demo.tsted"', None, "in no module"),
    ("manifest", ".manifest", '"small"', '""', None, "1 to 100 printable"),
    ("manifest", ".manifest", '"demo": {', f'"{"D" * 999}": {{', None, f"'{'D' * 80}' must be"),
    ("manifest", ".manifest", '"gate"', '"other"', None, "roots do not cover gate.demo"),
    ("file", DATA, "value: 0,", "value: 0.5,", None, "decimal point"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "path", "old", "new", "line", "says"), CASES)
def test_each_check_finds_its_fault(
    gate: Gate, bundle: Path, check: str, path: str, old: str, new: str, line: str | None, says: str
) -> None:
    """At its file and line, with what to do."""
    edit(bundle, path, old, new)
    found = [one for one in checked(gate, bundle) if one["check"] == check]
    assert found
    where = DEMO if check == "untested" else path
    assert found[0]["path"] == f"policies/{where}"
    assert says in found[0]["message"] and found[0]["fix"]
    if line is not None:
        assert line in (bundle / where).read_text().split("\n")[found[0]["line"] - 1]


def test_all_faults_are_listed_at_once(gate: Gate, bundle: Path) -> None:
    """Where loading stops at the first, the check goes on."""
    edit(bundle, DEMO, "input.facts.coverage.line_ppm", "input.facts.coverage.line")
    edit(bundle, DEMO, "demo.failed_max", "demo.failed")
    edit(bundle, DEMO, "\nwarn_kinds", "\nx := rand.intn(1, 2)\n\ny := trace(1)\n\nwarn_kinds")
    edit(bundle, DATA, '"Both."', '""')
    counts = Counter(one["check"] for one in checked(gate, bundle))
    assert (counts["refused"], counts["parameter"], counts["threshold"]) == (2, 1, 1) and counts["fact"]


def test_strict_mode_is_that_of_opa(gate: Gate, bundle: Path, opa: str) -> None:
    """An unused variable is found by opa's strict mode; without opa, the page says what was not checked."""
    edit(bundle, DEMO, "\nwarn_kinds", "\nf(x) := y if {\n\ty := x\n\tz := 1\n}\n\nwarn_kinds")
    [found] = checked(gate, bundle, str(Path(opa).parent))
    assert found["check"] == "strict" and "z unused" in found["message"]
    assert (bundle / DEMO).read_text().split("\n")[found["line"] - 1] == "\tz := 1"
    done = gate("policy", "check", bundle, env={"PATH": ""})
    assert done.code == 0
    assert "not checked: strict: there is no program opa on PATH" in done.out


def test_the_table_shows_the_line_with_a_caret(gate: Gate, bundle: Path) -> None:
    """Also where a parse error stops everything else, which the page says."""
    edit(bundle, DEMO, "package gate.demo\n", "package gate.demo\n\nx := [1, }\n")
    done = gate("policy", "check", "policies", cwd=bundle.parent)
    assert done.code == 1
    lines = done.out.splitlines()
    at = lines.index("  policies/gate/demo/demo.rego:3:10")
    assert lines[at + 1 : at + 3] == ["      3 | x := [1, }", "        |          ^"]
    assert "not checked: fact, parameter" in done.out


def test_for_github_and_code_scanning(gate: Gate, bundle: Path) -> None:
    """Annotations that nothing in a file can break out of, and SARIF whose rule ids are the checks."""
    edit(bundle, DATA, "line_min:", '"a\\n::error::b,c": {value: 1, unit: s, rationale: r}\nline_min:')
    done = gate("policy", "check", "policies", "-o", "github", "-o", "sarif=x.sarif", cwd=bundle.parent)
    assert done.code == 1
    assert all(line.startswith("::error file=policies/gate/params/demo/") for line in done.out.splitlines())
    [run] = json.loads((bundle.parent / "x.sarif").read_text())["runs"]
    ids = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} <= ids
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith(
        "policies/"
    )


def test_what_is_no_bundle_is_an_error(gate: Gate, bundle: Path, tmp_path: Path) -> None:
    """Exit 2 with the remedy: no directory, no manifest, a link, a file instead of a directory."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for name in ("absent", "empty", "file", "HEAD:policies"):
        done = gate("policy", "check", name)
        assert done.code == 2, name
        assert "to do:" in done.err and "Traceback" not in done.err
    (bundle / "gate/demo/link.rego").symlink_to(tmp_path / "file")
    done = gate("policy", "check", bundle)
    assert done.code == 2 and "symbolic link" in done.err


def test_hostile_modules_are_findings(gate: Gate, bundle: Path) -> None:
    """Bytes that are no text, control characters, deep nesting, an endless line and an empty module."""
    hostile = {
        "bytes.rego": b'package gate.x\nx := "\xff"\n',
        "escape.rego": b"package gate.x\nx := \x1b[31m\n",
        "long.rego": b'package gate.x\nx := "' + b"a" * 200_000,
        "empty.rego": b"",
    }
    for name, data in hostile.items():
        (bundle / "gate/demo" / name).write_bytes(data)
    done = gate("policy", "check", "policies", cwd=bundle.parent)
    assert done.code in (1, 2), done.err
    assert "Traceback" not in done.err and "\x1b" not in done.out + done.err
    if done.code == 1:
        assert {name for name in hostile if name in done.out} == set(hostile)


@pytest.mark.parametrize("stages", ["5", "[]", '{"demo": 1}', '{"demo": {"rules": [1]}}', "null"])
def test_odd_manifests_and_data_are_findings(gate: Gate, bundle: Path, stages: str) -> None:
    """Whatever stands in the manifest or in the data, the check ends with findings."""
    manifest = {"revision": "1", "metadata": {"name": "odd", "stages": json.loads(stages)}}
    (bundle / ".manifest").write_text(json.dumps(manifest))
    (bundle / "gate/data.json").write_text('{"odd": [1], "params": {"x": 1, "y": {"z": null}}}')
    assert {one["check"] for one in checked(gate, bundle)} >= {"manifest"}
    (bundle / "gate/demo/more_test.rego").write_bytes(b"\xff")
    assert "file" in {one["check"] for one in checked(gate, bundle)}


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (
            COMMON,
            '{value: {HIGH: 7}, unit: "map of days", rationale: "A week."}',
            "7",
        ),
        (COMMON, 'unit: "days", ', ""),
        (COMMON, "{HIGH: 7}", "{HIGH: x}"),
        (COMMON, "condition_due_days", "on_unknown"),
        (DEMO, "#   facts: [tests.failed]", "#   facts: 5"),
        (DEMO, "# custom:\n#   short_name: tested", "# custom: [tested]\n# x:\n#   short_name: tested"),
        (DEMO, "demo.failed_max", "odd.failed_max"),
    ],
)
def test_odd_values_are_findings(gate: Gate, bundle: Path, path: str, old: str, new: str) -> None:
    """Also values of types that nothing expects, which later checks meet again."""
    edit(bundle, path, old, new)
    (bundle / "gate/params/data.yaml").write_text("odd: 1\n")
    assert {one["check"] for one in checked(gate, bundle)} & {"threshold", "metadata", "parameter"}


def test_pipes_and_other_files_of_the_directory_are_left_alone(gate: Gate, bundle: Path, opa: str) -> None:
    """Nothing waits for a pipe, and opa sees what was read, not whatever else lies there."""
    os.mkfifo(bundle / "gate/demo/pipe.rego")
    (bundle / "notes.json").write_text("{")
    done = gate("policy", "check", bundle)
    assert (done.code, done.out) == (0, "nothing found in small 1.0.0 (2 rules, 3 modules)\n")
    assert gate("policy", "test", bundle, "--engine", "opa").code == 0
    assert gate("policy", "fmt", bundle, "--check").code == 0


def test_a_name_with_control_characters_is_a_finding(gate: Gate, bundle: Path) -> None:
    """Engines cannot say where they are in such a file, and a line of it could be a CI's command."""
    (bundle / "gate/demo/a\n::error::b.rego").write_text("package gate.demo\n\nx := \n")
    done = gate("policy", "check", bundle, "-o", "github")
    assert done.code == 1
    assert "gate/demo/a\\n::error::b.rego" in done.out.replace("%3A", ":") and "rename" in done.out
    assert not any(line.startswith("::error::b") for line in done.out.splitlines())


def test_a_module_that_cannot_be_parsed_in_time_is_a_finding(bundle: Path) -> None:
    """Nesting for which the engine needs too long; it is ended, and the other modules are parsed."""
    (bundle / "gate/demo/deep.rego").write_bytes(b"package gate.x\nx := " + b"[" * 4000 + b"]" * 4000)
    found = check(bundle, Limits(policy_seconds=2)).findings
    assert [(one.check, one.error.path) for one in found] == [("parse", "gate/demo/deep.rego")]


def test_errors_of_every_command_show_the_line(gate: Gate, bundle: Path) -> None:
    """A bundle that does not load: the line and a caret, also where a workspace is judged by it."""
    (bundle / DEMO).write_text(MODULE + '\nx := http.send({"url": "é"})\n')
    for command in (("policy", "test", bundle), ("evaluate", "demo", "-p", bundle)):
        done = gate(*command)
        assert done.code == 2
        number = MODULE.count("\n") + 2
        assert f'  {number:>5} | x := http.send({{"url": "é"}})\n        |      ^\n' in done.err
    (bundle / DEMO).write_text(MODULE + "\nx := 1 +\n")
    done = gate("policy", "test", bundle)
    assert done.code == 2
    assert done.err.startswith("policy error: the policy does not load:") and " | " in done.err
