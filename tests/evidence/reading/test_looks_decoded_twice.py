"""Data is accepted as it stands, also where a string looks as if it had been decoded twice."""

from __future__ import annotations

import json

import pytest

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import DEFAULT
from gate.evidence.reading.json_lines import RecordReader
from gate.evidence.reading.parse import parse_csv, parse_json, refuse_garbled
from gate.evidence.reading.toml_reader import parse_toml
from gate.evidence.reading.yaml_reader import parse_yaml

ODD = [
    "\u00c2\u0080",
    "\u00c3\u00a9",
    "\u00d7\u00aa\u00d7\u00a8",
    "\u00d7\u00aa\u00d7\u00d7\u00d7\u00a8\u00d7\u2122\u00d7\u0161",
]


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("ascii_", [True, False])
def test_json_strings_are_what_they_are(text: str, ascii_: bool) -> None:
    """As text and as escapes, as value and as name, alone and in JSON Lines."""
    data = json.dumps({text: text}, ensure_ascii=ascii_).encode()
    assert parse_json(data, "a.json", DEFAULT) == {text: text}
    assert RecordReader("a.jsonl", DEFAULT).strict(data, 1) == {text: text}


@pytest.mark.parametrize("text", ODD[1:])
def test_other_formats_accept_them_too(text: str) -> None:
    """YAML, TOML and CSV hold data as JSON does."""
    assert parse_yaml(f"a: '{text}'".encode(), "a.yaml", DEFAULT) == {"a": text}
    assert parse_toml(f"a = '{text}'".encode(), "a.toml", DEFAULT) == {"a": text}
    assert parse_csv(f"a\n{text}\n".encode(), "a.csv", ["a"], DEFAULT)[0].cells == {"a": text}


def test_a_document_is_refused_only_for_a_whole_word() -> None:
    """Two or three odd characters in prose may be meant; a whole Hebrew word read wrongly is not."""
    for text in ODD[:3]:
        refuse_garbled(f"the name {text} is odd", "plan.md")
    with pytest.raises(EvidenceError, match="mojibake"):
        refuse_garbled(f"## {ODD[3]}", "plan.md")
