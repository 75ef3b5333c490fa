"""Collected facts as text and JSON."""

from __future__ import annotations

import json

from gate.engine.report.facts import facts_json, facts_text
from gate.evidence.collecting.interface import Evidence, Problem
from gate.evidence.reading.workspace import FileRead


def evidence() -> dict[str, Evidence]:
    """Evidence with values of every shape."""
    nested = {"x": [1, {"y": "ת"}], "empty": {}, "none": []}
    facts = {"a": None, "b": True, "n": nested, "bad": "\x1b[2J\nPASS\u202e"}
    missing = (Problem("a", "no file", "make it"),)
    return {"paper": Evidence("paper", "1", facts, missing, (FileRead("log.json", "f" * 64, 3),), None)}


def test_facts_as_text() -> None:
    """One line per fact with its full name, what is missing, and the files; nothing hostile gets out."""
    lines = facts_text(evidence()).decode().splitlines()
    assert lines == [
        f"paper  (sha256:{evidence()['paper'].digest})",
        "  paper.a = null",
        "  paper.b = true",
        "  paper.n.x[0] = 1",
        "  paper.n.x[1].y = ת",
        "  paper.n.empty = {}",
        "  paper.n.none = []",
        "  paper.bad = \\u001b[2J\\u000aPASS\\u202e",
        "  missing a: no file",
        "    to do: make it",
        f"  file log.json  sha256:{'f' * 64}",
    ]


def test_facts_as_json() -> None:
    """The evidence records with their digests."""
    record = json.loads(facts_json(evidence()))["paper"]
    assert record["digest"] == evidence()["paper"].digest
    assert record["facts"]["n"]["x"][1]["y"] == "ת"
    assert record["problems"][0]["reason"] == "no file"
