"""Every kind of hostile content in every kind of evidence file: refused by name, and alone.

One run reports every broken file, so many files are broken at a time: in a round, one of each collector's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .files import FILES, ROUNDS, Gate, applicable, collect, collectors, expect, kind, spoil

TEXTS = {"json", "md", "yaml", "toml", "csv", "py", "text", "jsonl", "lcov"}
DATA = {"json", "jsonl", "yaml", "toml"}
DEPTH = 100_000
MEANT: dict[str, tuple[str, dict[str, bytes]]] = {
    "empty": (
        "malformed|is not a coverage|is empty|is no |no SQLite|has no header",
        {"json": b"", "xml": b"", "csv": b"", "sqlite": b""},
    ),
    "garbage": (
        "not UTF-8|UTF-16|malformed|is not a coverage|is no ",
        dict.fromkeys([*TEXTS, "xml", "sqlite"], b"KILL_PNL \x00\xff\xfe garbage \x80\x81" * 20),
    ),
    "deep": (
        "nests deeper|deeper than|too deep",
        {
            "json": b'{"KILL_PNL": ' + b"[" * DEPTH + b"]" * DEPTH + b"}",
            "jsonl": b'{"KILL_PNL": ' + b"[" * DEPTH + b"]" * DEPTH + b"}",
            "yaml": b"KILL_PNL: " + b"[" * DEPTH + b"]" * DEPTH,
            "toml": b"KILL_PNL = " + b"[" * DEPTH + b"]" * DEPTH,
            "xml": b"<coverage>" * DEPTH + b"</coverage>" * DEPTH,
            "md": b"> " * 500 + b"x",
        },
    ),
    "twice": (
        "twice|Cannot overwrite",
        {
            "json": b'{"KILL_PNL": 1,\n"KILL_PNL": 2}',
            "jsonl": b'{"a": 1, "a": 2}',
            "yaml": b"KILL_PNL: 1\nKILL_PNL: 2",
            "toml": b"KILL_PNL = 1\nKILL_PNL = 2",
        },
    ),
    "not a number": (
        "is not a (JSON )?number",
        {
            "json": b'{"KILL_PNL": NaN}',
            "jsonl": b'{"KILL_PNL": -Infinity}',
            "yaml": b"KILL_PNL: .nan",
            "toml": b"KILL_PNL = nan",
        },
    ),
    "huge number": (
        "outside the supported range|more than 40 digits",
        {
            "json": b'{"KILL_PNL": 1e400}',
            "jsonl": b'{"KILL_PNL": ' + b"9" * 400 + b"}",
            "yaml": b"KILL_PNL: 1e400",
            "toml": b"KILL_PNL = 1e400",
        },
    ),
    "lone surrogate": (
        "surrogate|invalid Unicode|not a Unicode scalar",
        {
            "json": b'{"KILL_PNL": "\\ud800"}',
            "jsonl": b'{"KILL_PNL": "\\udc00"}',
            "yaml": b'KILL_PNL: "\\ud800"',
            "toml": b'KILL_PNL = "\\ud800"',
        },
    ),
    "anchors": (
        "anchors and aliases",
        {"yaml": b"KILL_PNL: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"},
    ),
    "expansion": (
        "declares a document type",
        {
            "xml": b"<!DOCTYPE a [<!ENTITY a 'ha'>"
            + b"".join(b"<!ENTITY a%d '&a%d;&a%d;'>" % (n + 1, n, n) for n in range(30))
            + b"]><a>&a30;</a>"
        },
    ),
    "external entity": (
        "declares a document type",
        {"xml": b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"},
    ),
    "formula": ("spreadsheet formula", {"csv": b"metric,value,unit,status\na,=1+1,ms,PASS\n"}),
    "columns": ("columns", {"csv": b"metric,value,unit,status\na,1,ms,PASS,more\n"}),
}
APPENDED = {
    "nul": ("NUL|is blank|is no LCOV|unknown entry", b"\n\0"),
    "latin-1": ("not UTF-8|is blank", b"\n# caf\xe9\n"),
}
WITHOUT = {"latin-1": {"lcov"}}
"""Where another test has it, since a line that is added says something else there."""


SEARCHED = ("risk/c.toml", "risk/d.json")
"""Only searched for names, never parsed."""


def contents() -> Iterator[Any]:
    """What to put in which files; what only repeats a format and is not a collector's first file is soak."""
    for name, (_, by_kind) in MEANT.items():
        seen: set[str] = set()
        for number, whole in enumerate(ROUNDS):
            paths = [path for path in applicable(whole, by_kind) if path not in SEARCHED]
            formats = {kind(path) for path in paths}
            if paths:
                marks = [pytest.mark.soak] if formats <= seen else []
                yield pytest.param(name, paths, id=f"{name}-{number}", marks=marks)
            seen |= formats


@pytest.mark.parametrize(("name", "paths"), list(contents()))
def test_hostile_content_is_refused(gate: Gate, workspace: Path, name: str, paths: list[str]) -> None:
    """Bombs, ambiguous documents and figures that are none are refused by name in every file."""
    said, by_kind = MEANT[name]
    spoil(workspace, paths, lambda path: _fill(path, by_kind[kind(path.name)]))
    expect(collect(gate, workspace, *collectors(paths)), paths, said)


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(name, number, marks=[pytest.mark.soak] * (number > 0 and name == "latin-1"))
        for name in APPENDED
        for number in range(len(ROUNDS))
    ],
)
def test_text_that_is_none_is_refused(gate: Gate, workspace: Path, name: str, number: int) -> None:
    """NUL and another encoding are named as that in every text file, however little it is."""
    said, tail = APPENDED[name]
    paths = applicable(ROUNDS[number], TEXTS - WITHOUT.get(name, set()))
    spoil(workspace, paths, lambda path: _fill(path, path.read_bytes() + tail))
    expect(collect(gate, workspace, *collectors(paths)), paths, said)


def test_text_within_a_record_is_text_too(gate: Gate, workspace: Path) -> None:
    """In JSON Lines it is inside of a value."""
    path = "messages/order_intents.jsonl"
    data = (workspace / path).read_bytes()
    assert b"mean-variance" in data
    (workspace / path).write_bytes(data.replace(b"mean-variance", b"caf\xe9", 1))
    expect(collect(gate, workspace, *collectors([path])), [path], "not UTF-8")


def test_a_byte_order_mark_changes_nothing(gate: Gate, workspace: Path) -> None:
    """Text with one says the same as without."""
    paths = [path for path in FILES if kind(path) in {"md", "json", "yaml", "toml", "csv", "py"}]
    names = ["account", "checklist", "components", "kill_switch", "paper", "scans", "values"]
    plain = gate("collect", *names, "-w", workspace, "-o", "json").out
    for path in paths:
        _fill(workspace / path, b"\xef\xbb\xbf" + (workspace / path).read_bytes())
    marked = gate("collect", *names, "-w", workspace, "-o", "json").out
    facts = [{name: one["facts"] for name, one in json.loads(said).items()} for said in (plain, marked)]
    assert facts[0] == facts[1]
