"""Stages of the integration flow are found however the document lays them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import Limits

PATH = "INTEGRATION_FLOW.md"
READY = Path(__file__).parents[3] / "examples" / "ready" / PATH


def flags(evidence: Any) -> dict[str, str]:
    return {
        row["stage"]: "".join(
            letter
            for letter, name in zip("iog", ("has_input", "has_output", "has_gate"), strict=True)
            if row[name]
        )
        for row in evidence.facts["stages"]
    }


def test_the_ready_example_defines_all_eight_stages(watch: Any) -> None:
    evidence = watch("integration_flow", {PATH: READY.read_bytes()})
    assert flags(evidence) == {f"stage{number}": "iog" for number in range(1, 9)}
    assert evidence.facts["stages_defined"] == 8
    assert evidence.facts["stages"][1]["line"] == 12


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("**Input:** a\n\n**Output:** b\n\n**Gate:** c", "iog"),
        ("- Inputs - a\n- Outputs = b\n- Exit criteria: c", "iog"),
        ("קלט: א\n\nפלט: ב\n\nתנאי שער: ג", "iog"),
        ("- Input:\n  - a\n- Output\n  - b\n- Gate condition:\n  - c", "iog"),
        ("### Input\na\n### Output\nb\n### Stage gate\nc", "iog"),
        ("| Input | a |\n|---|---|\n| Output | b |\n| Gate | c |", "iog"),
        ("Input (files): a\n\nGate: TBD", "i"),
        ("- Input:\n- Output: b\n- Gate: ____", "o"),
        ("### Input\n### Output\n", ""),
        ("Inputs are many. The gate is closed.", ""),
        ("```\nInput: a\n```", ""),
        ("Gate:", ""),
        ("", ""),
    ],
)
def test_a_part_counts_when_something_is_stated_for_it(watch: Any, body: str, expected: str) -> None:
    assert flags(
        watch("integration_flow", {PATH: f"# Flow\n## Stage 1: name\n{body}\n\n## Other\nGate: x\n"})
    ) == {"stage1": expected}


def test_a_table_of_stages_and_headings_are_joined(watch: Any) -> None:
    text = """# Flow
| Stage | Input | Output | Gate condition |
|---|---|---|---|
| Stage 2 | a | b | TBD |
| 3. Mapping | a |  | c |
| total | a | b | c |

## 🔹 2) שלב 2 - פירוק
Gate: closed
## Stage 10
Input: a
## Stages in general
Input: a
"""
    evidence = watch("integration_flow", {PATH: text})
    assert flags(evidence) == {"stage2": "io", "stage3": "ig", "stage10": "i"}
    assert evidence.facts["stages"][0]["line"] == 4


def test_an_absent_or_unreadable_document(watch: Any, tmp_path: Path) -> None:
    evidence = watch("integration_flow")
    assert evidence.facts == {"file": None, "stages": [], "stages_defined": None}
    assert "heading `Stage N`" in evidence.problems[0].remedy
    for content, what in ((b"\x80", "not UTF-8"), (b"a\x00", "NUL")):
        with pytest.raises(EvidenceError, match=what):
            watch("integration_flow", {PATH: content})
    with pytest.raises(EvidenceError, match="larger than"):
        watch("integration_flow", {PATH: "# Flow"}, limits=Limits(text_bytes=1))
    (tmp_path / "link.md").symlink_to(PATH)
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("integration_flow", path="link.md")
