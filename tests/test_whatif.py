"""``gate policy whatif``: other facts and thresholds, loudly hypothetical and never recorded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gate.engine.commands.options import config_dir
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time
from gate.engine.replay.asked import case_of
from gate.engine.replay.replacing import parse
from gate.engine.replay.reports.svg import sweep_svg
from gate.engine.replay.whatif import Point, Sweep, parse_span, replaced, sweep
from gate.engine.terminal.lines import Screen
from gate.evidence.base.errors import UsageError

Gate = Callable[..., Any]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def root(evaluated: Callable[..., Any], workspaces: Path, tmp_path: Path) -> Path:
    """A workspace of which nothing is left but its settings and a ledger with one decision."""
    evaluated("algo-trade", "stage1")
    root = tmp_path / "algo-trade"
    root.mkdir()
    for name in ("gate.yaml", "ledger"):
        found = workspaces / "algo-trade for stage1" / name
        (shutil.copytree if found.is_dir() else shutil.copy)(found, root / name)
    return root


def test_a_fact_and_a_parameter_are_replaced(root: Path, gate: Gate) -> None:
    """The first word says what it is; the flip has both limits; the ledger is as it was; exit 0."""
    log = root / "ledger" / "log.intoto.jsonl"
    before = log.read_bytes()
    options = ("--set", "artifacts.found_ppm=500000", "--param", "stage1.artifact_coverage_min=450000")
    found = gate("policy", "whatif", "stage1", "-w", root, "--decision", "0", *options)
    assert (found.code, found.out.split()[0]) == (0, "HYPOTHETICAL"), found.err
    assert "artifacts.found_ppm is 500000 here, in place of 357142" in found.out
    assert "FAIL → PASS  stage1.artifact_coverage" in found.out
    assert "weakened: stage1.artifact_coverage_min is 450000 here" in found.out
    assert "gate explain" not in found.out, "that would show what there is, not what would be"
    printed = gate("policy", "whatif", "stage1", "-w", root, "--decision", "0", *options, "-o", "json")
    document = json.loads(printed.out)
    assert document["hypothetical"] is True
    assert [one["code"] for one in document["difference"]["rules"]] == ["stage1.artifact_coverage"]
    assert log.read_bytes() == before


def test_the_workspace_itself_is_judged(copy_example: Callable[..., Path], gate: Gate) -> None:
    """Without a decision, what is there now is collected; nothing is recorded."""
    root = copy_example("algo-trade")
    found = gate("policy", "whatif", "stage1", "-w", root, "--param", "stage1.artifact_coverage_min=1")
    assert (found.code, found.out.split()[0]) == (0, "HYPOTHETICAL"), found.err
    assert not (root / "ledger").exists()


WRONG = {
    "--set": {
        "artifacts.found_pm=1": "did you mean 'artifacts.found_ppm'?",
        "artifacts.found_ppm=abc": "break their contract",
        "artifacts.found_ppm=1.5": "no whole number",
        "artifacts.found_ppm=99999999999999999999": "no whole number",
        "artifacts.found_ppm": "is not NAME=VALUE",
        'artifacts.found_ppm={"a": [1': "malformed JSON",
        "provenance.artifacts.age_s=1": "follow from the evidence",
        "paper.days=3": "no",
        "artifacts=1": "there is no fact",
    },
    "--param": {
        "stage1.artifact_coverage_mni=1": "did you mean 'stage1.artifact_coverage_min'?",
        "stage1.artifact_coverage_min=x": "has the unit 'ppm'",
        "stage1.required_roles=[]": "a list that is not empty",
    },
    "--sweep": {
        "stage1.artifact_coverage_min=0:1000000:1": "1000001 values are more than 500",
        "stage1.artifact_coverage_min=0:5": "in whole numbers",
        "stage1.artifact_coverage_min=0:5:0": "has no values",
        "stage1.artifact_coverage_min=5:0:1": "has no values",
        "stage1.artifact_coverage_min=0:9007199254740993:5": "no whole number",
        "stage1.required_roles=1:2:1": "a list",
        "stage9.nothing=1:2:1": "there is no fact",
    },
}


def test_what_does_not_fit_is_refused(root: Path, gate: Gate) -> None:
    """A usage error that names the option's value and what to do."""
    case = case_of(
        open_context(root), "stage1", "0", Time("2025-11-07T12:00:00Z", "clock"), config_dir(), given=False
    )
    for option, values in WRONG.items():
        for value, message in values.items():
            with pytest.raises(UsageError) as caught:
                if option == "--sweep":
                    sweep(case, parse_span(value), (), 1)
                else:
                    replaced(case, [parse(option, value)])
            assert message in caught.value.what + str(caught.value.remedy), value
            assert caught.value.remedy, value
    found = gate(
        "policy", "whatif", "stage1", "-w", root, "--sweep", "stage1.artifact_coverage_min=0:1000000:1"
    )
    assert (found.code, found.out) == (2, "")
    assert "a STEP of at least 2005" in found.err


def test_other_mistakes(root: Path, gate: Gate) -> None:
    """Nothing replaced, or twice the same; a stage or decision that is not there, a drawing of no sweep."""
    one = ("--set", "artifacts.found_ppm=1")
    for options in (
        ("stage1", "--decision", "0"),
        ("stage2", "--decision", "0", *one),
        ("stage1", "--decision", "0", "-o", "svg", *one),
        ("stge1", *one),
        ("stage1", "--decision", "0", *one, *one),
        ("stage1", "--decision", "0", *one, "--sweep", "artifacts.found_ppm=1:3:1"),
    ):
        found = gate("policy", "whatif", *options, "-w", root)
        assert found.code == 2 and "to do" in found.err, options


def test_a_sweep_shows_where_the_rule_turns(root: Path, gate: Gate, tmp_path: Path) -> None:
    """As rows of equal values, and as a drawing that says the same in words; of a threshold and of a fact."""
    drawing = tmp_path / "sweep.svg"
    swept = ("--sweep", "stage1.artifact_coverage_min=300000:400000:50000")
    outputs = ("-o", "table", "-o", f"svg={drawing}", "-o", f"json={tmp_path / 'sweep.json'}")
    found = gate("policy", "whatif", "stage1", "-w", root, "--decision", "0", *swept, *outputs, "-j", 2)
    assert found.code == 0, found.err
    assert found.out.startswith("HYPOTHETICAL")
    rows = [line.split() for line in found.out.splitlines() if "FAIL" in line]
    assert rows == [
        ["30", "%", "…", "35", "%", "FAIL"],
        ["40", "%", "FAIL", "stage1.artifact_coverage", "FAIL"],
    ]
    svg = ElementTree.fromstring(drawing.read_bytes())  # noqa: S314 - our own output
    assert (svg.tag, svg.get("role")) == (f"{SVG}svg", "img")
    titles = [one.text or "" for one in svg.iter(f"{SVG}title")]
    assert "Hypothetical" in titles[0]
    assert "stage1.artifact_coverage: PASS at 30 % to 35 %" in titles
    assert not [one for one in svg.iter() if one.tag in (f"{SVG}script", f"{SVG}style", f"{SVG}image")]
    values = json.loads((tmp_path / "sweep.json").read_text())["values"]
    assert [one["rules"]["stage1.artifact_coverage"] for one in values] == ["PASS", "PASS", "FAIL"]
    fact = ("--sweep", "artifacts.found_ppm=700000:900000:100000", "-j", 1)
    turned = gate("policy", "whatif", "stage1", "-w", root, "--decision", "0", *fact)
    assert "80 % … 90 %  FAIL" in turned.out and "70 %" in turned.out


def test_no_name_acts_in_a_drawing() -> None:
    """A bundle may name parameters as it likes; the drawing stays one document that says the same."""
    name = "stage1.<script>&\"'\ufffe\x1b[31m\u202e"
    points = tuple(
        Point(value, verdict, {}, {name: verdict}) for value, verdict in ((1, "PASS"), (2, "FAIL"))
    )
    swept = Sweep("stage1", "--param", name, None, 1, (), points, (name,))
    drawing = sweep_svg(swept, Screen())
    svg = ElementTree.fromstring(drawing)  # noqa: S314 - our own output
    assert {one.tag.removeprefix(SVG) for one in svg.iter()} == {
        "svg",
        "title",
        "desc",
        "rect",
        "text",
        "line",
    }
    assert b"\x1b" not in drawing and "\u202e" not in drawing.decode()
