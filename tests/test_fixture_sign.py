"""``gate fixture sign`` writes what the collector of fixtures accepts, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.collecting.registry import load
from gate.evidence.reading.workspace import Workspace

Gate = Callable[..., Any]
Make = Callable[..., Path]

_NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.integers(-(10**9), 10**9).map(lambda n: n / 1000)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


def _files(root: Path) -> dict[str, Any]:
    kind = load("fixtures")
    facts = kind(kind.Options()).collect(Workspace(root).view()).facts
    return {entry["path"]: entry for entry in facts["files"]}


def _holds(value: Any) -> bool:
    """Whether something is in the data: a number, a truth, or a text that is not empty."""
    if isinstance(value, (list, dict)):
        return any(map(_holds, value.values() if isinstance(value, dict) else value))
    return value is not None and value != ""


@given(value=_VALUES)
def test_any_data_once_signed_is_valid(gate: Gate, make_workspace: Make, value: Any) -> None:
    """The collector computes the same digest, and the data are what they were; of nothing it says so."""
    root = make_workspace({"fixtures/a.json": json.dumps(value)})
    signed = gate("fixture", "sign", "fixtures/a.json", cwd=root)
    assert (signed.code, signed.out) == (0, "signed fixtures/a.json\n")
    problem = _files(root)["fixtures/a.json"]["problem"]
    is_form = isinstance(value, dict) and value.keys() == {"data", "metadata"}
    assert (
        problem is None if _holds(value["data"] if is_form else value) else problem == "`data` holds nothing"
    )
    assert json.loads((root / "fixtures/a.json").read_text())["data"] == (value["data"] if is_form else value)


def test_signing_again_changes_nothing(gate: Gate, make_workspace: Make) -> None:
    """As long as the data are the same, the file stays as it is, byte for byte."""
    root = make_workspace({"a.json": '{"price": 1.5, "name": "שלום"}'})
    gate("fixture", "sign", "a.json", "--data-version", "2.1", cwd=root)
    first = (root / "a.json").read_bytes()
    assert "שלום".encode() in first and json.loads(first)["metadata"]["version"] == "2.1"
    again = gate("fixture", "sign", root / "a.json", "-w", root)
    assert (again.code, again.out) == (0, "unchanged a.json\n")
    assert (root / "a.json").read_bytes() == first


def test_edited_data_are_signed_anew(gate: Gate, make_workspace: Make) -> None:
    """Version and description stay, digest and time follow the data."""
    old = {
        "signature": "0" * 64,
        "version": "3",
        "created_at": "2020-01-01T00:00:00Z",
        "algorithm": "sha256",
        "description": "bars",
    }
    root = make_workspace({"fixtures/a.json": json.dumps({"data": [1], "metadata": old})})
    assert gate("fixture", "sign", "fixtures/a.json", cwd=root).code == 0
    new = json.loads((root / "fixtures/a.json").read_text())["metadata"]
    assert (new["version"], new["description"]) == ("3", "bars")
    assert new["signature"] != old["signature"] and new["created_at"] > old["created_at"]
    assert _files(root)["fixtures/a.json"]["valid"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not json", "malformed JSON"),
        ('{"a": 1, "a": 2}', "a"),
        ("[9007199254740993]", "no canonical form"),
        ("[0.12345678901234567890123]", "more digits than JSON numbers keep"),
        ('{"data": 1, "metadata": {"owner": "me"}}', "contract"),
    ],
)
def test_what_cannot_be_signed_is_left_alone(
    gate: Gate, make_workspace: Make, content: str, reason: str
) -> None:
    """Nothing is written, not even the other file that could have been signed."""
    root = make_workspace({"good.json": "[1]", "bad.json": content})
    refused = gate("fixture", "sign", "good.json", "bad.json", cwd=root)
    assert refused.code == 2 and reason in refused.err and "bad.json" in refused.err
    assert (root / "good.json").read_text() == "[1]" and (root / "bad.json").read_text() == content


def test_files_outside_links_and_the_ledger_are_refused(gate: Gate, make_workspace: Make) -> None:
    """Only regular files of the workspace are written."""
    outside = make_workspace({"a.json": "[1]"}, name="outside")
    root = make_workspace({"b.json": "[1]", "ledger/checkpoint": "x"})
    (root / "link.json").symlink_to(outside / "a.json")
    (root / "folder").symlink_to(outside)
    for name in (
        "../outside/a.json",
        outside / "a.json",
        "link.json",
        "folder/a.json",
        "none.json",
        "ledger/checkpoint",
    ):
        refused = gate("fixture", "sign", name, cwd=root)
        assert refused.code == 2 and "Traceback" not in refused.err, name
    assert (outside / "a.json").read_text() == "[1]"
    assert (root / "link.json").is_symlink()
