"""Holding values against the shipped contracts."""

from __future__ import annotations

import pytest

from gate.evidence.base.contracts import check_file, load_schema, violations
from gate.evidence.base.errors import EvidenceError, InternalError

WAIVER = {
    "type": "gate.waiver/v1",
    "id": "W-1",
    "code": "stage1.test_coverage",
    "stages": ["stage1"],
    "reason": "measured next week",
    "reference": "RISK-7",
    "author": "dev@example.com",
    "approver_role": "cto",
    "effective_on": "2025-11-01T00:00:00Z",
    "effective_until": "2025-12-01T00:00:00Z",
}


def test_a_conforming_value_has_no_violations() -> None:
    """A value that keeps its contract passes silently."""
    assert violations("files", "waiver", WAIVER) == []
    check_file("waiver", WAIVER, "waivers/w.json")


def test_violations_name_pointer_and_reason_in_a_stable_order() -> None:
    """Every place is given as a JSON pointer, sorted, at most as many as asked for."""
    broken = {**WAIVER, "id": "", "stages": ["stage1", "Stage 9"], "effective_on": "yesterday", "a/b~c": 1}
    found = violations("files", "waiver", broken, most=None)
    assert [pointer for pointer, _ in found] == ["/", "/effective_on", "/id", "/stages/1"]
    assert "a/b~c" in found[0][1]
    assert violations("files", "waiver", broken, most=2) == found[:2]


def test_pointers_are_escaped() -> None:
    """A key with a slash or a tilde is escaped as RFC 6901 says."""
    facts = {"facts": {"a/b~c": 1}}
    found = violations("facts", "account", {"permissions": {"a/b~c": 7}}, most=None)
    assert any(pointer == "/permissions/a~1b~0c" for pointer, _ in found), (facts, found)


def test_check_file_names_file_place_and_number() -> None:
    """The error names the first place, how many more there are in all, and where the contract is."""
    with pytest.raises(EvidenceError) as caught:
        check_file("waiver", {**WAIVER, "stages": ["X Y"] * 8}, "waivers/w.json")
    error = caught.value
    assert error.what.startswith("does not keep to the contract 'waiver': ")
    more = len(violations("files", "waiver", {**WAIVER, "stages": ["X Y"] * 8}, most=None)) - 1
    assert more >= 7
    assert error.what.endswith(f"(and {more} more places)")
    assert error.path == "waivers/w.json"
    assert error.place is not None
    assert error.place.startswith("/stages")
    assert error.remedy == "`gate docs files/waiver.schema.json` shows the expected shape"


def test_a_single_violation_is_not_counted() -> None:
    """With one place only, there is no "more"."""
    with pytest.raises(EvidenceError) as caught:
        check_file("waiver", {**WAIVER, "reference": 7}, "w.json")
    assert "more" not in caught.value.what
    assert caught.value.place == "/reference"


def test_long_messages_are_cut() -> None:
    """A value of a megabyte does not end up in the message."""
    with pytest.raises(EvidenceError) as caught:
        check_file("waiver", {**WAIVER, "id": "x" * 1_000_000}, "w.json")
    assert len(caught.value.what) < 300
    assert "…" in caught.value.what


def test_an_unknown_contract_is_our_mistake() -> None:
    """A contract that is not shipped is an internal error with its name."""
    with pytest.raises(InternalError) as caught:
        load_schema("files", "no_such")
    assert caught.value.what == "the contract files/no_such is not shipped"
