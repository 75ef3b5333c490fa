"""Account numbers are in nothing that is printed or recorded, and masking makes nothing else unclear."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time
from gate.evidence.base.errors import masked

NOW = Time("2025-11-07T12:00:00Z", "clock")
ONE, TWO = "U1234567", "U7654367"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("U1234567", "U****67"), ("DU1234567", "DU****67"), ("F1234567", "F****67"),
        ("DF123456789", "DF****89"),
        ("DU74649", "DU****49"), ("DUSIM00042", "DUSIM****42"), ("a/U1234567_2025.csv", "a/U****67_2025.csv"),
        ("F0001", "F0001"), ("F1101", "F1101"), ("U1000", "U1000"), ("DUO138", "DUO138"),
        ("CFU1234567x", "CFU1234567x"),
    ],
)  # fmt: skip
def test_what_an_account_number_looks_like(text: str, shown: str) -> None:
    """Five digits or more; a linter's rule has at most four."""
    assert masked(text) == shown


@pytest.mark.parametrize("rules", [("F0001", "F1101"), ("F10001", "F11101")])
def test_rule_ids_stay_apart(make_workspace: Callable[..., Path], rules: tuple[str, str]) -> None:
    """Also where they look like account numbers; the message beside them is free text."""
    results = [{"ruleId": rule, "level": "error", "message": {"text": f"for {ONE}"}} for rule in rules]
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "pylint"}}, "results": results}]}
    root = make_workspace(
        {"a.sarif": json.dumps(log), "gate.yaml": "evidence: {scans: {sarif: [a.sarif]}}", "tests/a.py": ""}
    )
    findings = service.collect(open_context(root), ("scans",))["scans"].facts["findings"]
    assert sorted(finding["rule"] for finding in findings) == sorted(rules)
    assert {finding["message"] for finding in findings} == {"for U****67"}


@pytest.fixture
def workspace(make_workspace: Callable[..., Path]) -> Path:
    """A repository with account numbers in every name that there is."""
    root = make_workspace(
        {
            f"tests/{ONE}.py": "",
            f"reports/{ONE}.xml": "<testsuites/>",
            f"reports/{TWO}.xml": "<testsuites/>",
            "gate.yaml": f"name: book-{ONE}\n"
            f"subject: {{sources: [tests, 'tests/{ONE}.py'], exclude: ['{TWO}*']}}\n"
            f"evidence: {{tests: {{junit: ['reports/{ONE}.xml', 'reports/{TWO}.xml']}}}}\n",
        }
    )
    author = ["-c", "user.name=a", "-c", f"user.email={ONE}@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "a"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    return root


def test_no_name_is_printed_or_recorded_in_full(
    workspace: Path, gate: Callable[..., Any], tmp_path: Path
) -> None:
    """File names, the commit's author, the system's name and patterns of gate.yaml, in every format."""
    report = tmp_path / "decision.json"
    judged = gate("evaluate", "all", "-w", workspace, "-o", "table", "-o", f"json={report}")
    assert judged.code == 1, judged
    said = [judged.out, judged.err, report.read_text()]
    for command in (
        ["status"],
        ["ledger", "show"],
        ["ledger", "show", "0"],
        ["explain", "0"],
        ["collect", "tests"],
    ):
        done = gate(*command, "-w", workspace)
        said += [done.out, done.err]
    said.append(gate("collect", "-o", "json", "-w", workspace).out)
    said += [
        path.read_bytes().decode("latin-1") for path in (workspace / "ledger").rglob("*") if path.is_file()
    ]
    for text in said:
        assert ONE not in text and TWO not in text and ONE.lower() not in text
    assert json.loads(report.read_text())["subject"]["author"] == "U****67@example.com"
    assert json.loads(report.read_text())["workspace"] == "book-U****67"


def test_two_names_that_look_alike_are_two_pieces_of_evidence(workspace: Path) -> None:
    """Both are listed, and one in place of the other gives another digest."""
    before = service.evaluate(open_context(workspace), "stage4", NOW)
    files = next(item for item in before.decision.evidence if item.id == "tests").files
    assert [file.path for file in files] == ["reports/U****67.xml"] * 2
    (workspace / f"reports/{TWO}.xml").write_text("<testsuites></testsuites>")
    changed = service.evaluate(open_context(workspace), "stage4", NOW)
    one, two = (workspace / f"reports/{name}.xml" for name in (ONE, TWO))
    content = one.read_bytes(), two.read_bytes()
    one.write_bytes(content[1])
    two.write_bytes(content[0])
    exchanged = service.evaluate(open_context(workspace), "stage4", NOW)
    digests = [one.decision.stages["stage4"].evidence_digest for one in (before, changed, exchanged)]
    assert len(set(digests)) == 3
