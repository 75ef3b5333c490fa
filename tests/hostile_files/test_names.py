"""Hostile names and paths, and words that some parsers take for others."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from .files import Gate, collect, expect


@pytest.mark.soak
def test_a_name_in_another_encoding_is_refused(gate: Gate, workspace: Path) -> None:
    """Evidence whose name no manifest can hold is rejected, and shown with the name's bytes."""
    name = os.fsdecode(b"caf\xe9.json")
    (workspace / "contracts" / name).write_text("{}")
    expect(collect(gate, workspace, "contracts"), ["contracts/caf\\udce9.json"], "name is not UTF-8")
    (workspace / "algo_trade" / name).write_text("{}")
    (workspace / "tests" / os.fsdecode(b"test_caf\xe9.py")).write_text("def test_a(): assert 1\n")
    run = gate("evaluate", "all", "-w", workspace, "-o", "json")
    assert run.code == 1, run.err
    assert "algo_trade/caf\\\\udce9.json: the file's name is not UTF-8" in run.out
    assert gate("ledger", "verify", "-w", workspace).code == 0


def test_a_name_in_another_encoding_among_discovered_sources(gate: Gate, tmp_path: Path) -> None:
    """With no settings the decision lists the sources that were found, whatever they are called."""
    (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text("x = 1\n")
    run = gate("evaluate", "all", "-w", tmp_path, "-o", "json")
    assert run.code == 1, run.err
    assert "caf\\\\udce9.py" in run.out


def test_a_name_with_a_line_break_is_one_line_of_a_message(gate: Gate, workspace: Path) -> None:
    """A name cannot forge a line of ours."""
    name = "contracts/a\nevidence error: b.json"
    (workspace / name).write_text("{")
    expect(collect(gate, workspace, "contracts"), [name], "malformed JSON")
    for command in (("collect", "contracts"), ("explain", "stage2")):
        run = gate(*command, "-w", workspace)
        assert "error: b.json" in run.out
        assert not re.search("^ *evidence error: b", run.out, re.MULTILINE), run.out


@pytest.mark.soak
@pytest.mark.parametrize(
    "settings",
    [
        "account: {path: ../x.json}",
        "account: {path: /etc/passwd}",
        "checklist: {path: a/../../x.md}",
        "components: {documents: [../bom.json]}",
        "stage_tests: {patterns: {stage6: ../tests/a.py}}",
        "contracts: {approved_copy: ../approved}",
        "contracts: {paths: ['../**/*.json']}",
        "risk_parameters: {paths: ['../*.py']}",
        "fixtures: {signed: ['a/../../*.json']}",
        "coverage: {data: ../.coverage}",
        "coverage: {sources: [../src]}",
        "coverage: {xml: ../coverage.xml, data: absent}",
        "fixtures: {seeds: ../seeds.yaml}",
        "integration_flow: {path: ../x.md}",
        "interface_map: {path: ../x.md}",
        "kill_switch: {path: ../x.json}",
        "messages: {sets: {a: {paths: [../x.jsonl], contract: contracts/a.json}}}",
        "paper: {log: ../x.json}",
        "paper: {backtest: ../x.json}",
        "rollback: {path: ../x.md}",
        "rollback: {drill: ../x.json}",
        "scale_up: {path: ../x.md}",
        "scans: {sarif: [../a.sarif]}",
        "signoffs: {directory: ../signoffs}",
        "source: {paths: [../x.py]}",
        "tests: {junit: [../junit.xml]}",
        "values: {read: {a: {file: ../x.json}}}",
        "waivers: {directory: ../waivers}",
    ],
)
def test_no_setting_leads_out_of_the_workspace(gate: Gate, workspace: Path, settings: str) -> None:
    """Every path in the configuration stays inside; the error names the path and the file it stands in."""
    (workspace / "gate.yaml").write_text(f"evidence:\n  {settings}\n")
    run = gate("collect", settings.partition(":")[0], "-w", workspace, "-o", "json", "--no-cache")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("configuration error: ") and run.err.count("\n") == 3, run.err
    assert "  where: gate.yaml" in run.err and "  to do: " in run.err


def test_words_that_some_take_for_booleans_are_words(gate: Gate, workspace: Path) -> None:
    """Norway is no ``false``: YAML 1.2 knows only true and false."""
    for word in ("no", "yes", "on", "off", "Y", "n"):
        (workspace / "values/b.yaml").write_text(f"a: {word}\n")
        run = gate("collect", "values", "-w", workspace, "-o", "json")
        assert (run.code, run.err) == (0, "")
        facts = json.loads(run.out)["values"]["facts"]
        assert facts["b"]["value"] == {"a": word}
