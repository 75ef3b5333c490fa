"""The record of the kill switches is reported switch by switch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import Limits

PATH = "KILL_SWITCH_VERIFICATION.json"
READY = Path(__file__).parents[3] / "examples" / "ready" / PATH


def switch(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "triggered": True, "halted": True, "reaction_ms": 12, **changes}


def test_the_ready_example_exercised_three_switches(watch: Any) -> None:
    evidence = watch("kill_switch", {PATH: READY.read_bytes()})
    switches = evidence.facts["switches"]
    assert [s["name"] for s in switches] == ["KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH"]
    assert [s["threshold"] for s in switches] == ["-0.05", "0.15", "0.2"]
    assert [(s["observed_side"], s["just_below_side"]) for s in switches] == [(-1, 1), (1, -1), (-1, 1)]
    assert all(s["observed_distance_ppm"] <= 100_000 for s in switches)
    assert [(scope.looked_at, scope.unit) for scope in evidence.scopes] == [(3, "switches")]


def facts(watch: Any, **changes: Any) -> dict[str, Any]:
    record = {"verified_at": "2025-12-04T22:00:00.5Z", "switches": [switch("KILL_PNL", **changes)]}
    (found,) = watch("kill_switch", {PATH: record}).facts["switches"]
    return dict(found)


def test_switches_are_sorted_and_kept_as_recorded(watch: Any) -> None:
    record = {
        "verified_at": "2025-12-04T22:00:00.5Z",
        "switches": [switch("PSR_KILL_SWITCH", halted=False), switch("KILL_PNL", triggered=False)],
    }
    evidence = watch("kill_switch", {PATH: record})
    first, second = evidence.facts["switches"]
    assert (first["name"], first["triggered"], first["halted"]) == ("KILL_PNL", False, True)
    assert (second["name"], second["triggered"], second["halted"]) == ("PSR_KILL_SWITCH", True, False)
    assert evidence.facts["verified_at_s"] == 1764885600
    assert evidence.observed_at == "2025-12-04T22:00:00Z"


@pytest.mark.parametrize(
    ("observed", "side", "distance"),
    [
        ("-0.05", 0, 0),
        ("-0.0500001", -1, 2),
        ("-0.05000000001", -1, 1),
        ("-0.051", -1, 20_000),
        ("0.5", 1, 11_000_000),
        ("1e60", 1, None),
    ],
)
def test_values_are_compared_with_the_threshold_exactly(
    watch: Any, observed: str, side: int, distance: int | None
) -> None:
    text = json.dumps(
        {"verified_at": "2025-12-04T22:00:00Z", "switches": [switch("KILL_PNL", threshold=0, observed=1)]}
    )
    text = text.replace('"threshold": 0', '"threshold": -0.050').replace(
        '"observed": 1', f'"observed": {observed}'
    )
    (found,) = watch("kill_switch", {PATH: text}).facts["switches"]
    assert found["threshold"] == "-0.05"
    assert (found["observed_side"], found["observed_distance_ppm"]) == (side, distance)


def test_what_is_not_recorded_is_null(watch: Any) -> None:
    found = facts(watch, observed=-0.051, just_below={"observed": -0.049, "triggered": True})
    assert (found["threshold"], found["observed_side"], found["just_below_side"]) == (None, None, None)
    assert found["just_below_triggered"] is True
    found = facts(watch, threshold=0, observed=-1)
    assert (found["threshold"], found["observed_side"], found["observed_distance_ppm"]) == ("0", -1, None)
    assert found["just_below_triggered"] is None


def test_an_absent_record_is_missing(watch: Any) -> None:
    (problem,) = watch("kill_switch").problems
    assert problem.fact == ""
    assert "rehearsal" in problem.remedy


@pytest.mark.parametrize(
    ("content", "what", "place"),
    [
        ({"verified_at": "2025-12-04T22:00:00Z", "switches": [switch("A"), switch("A")]}, "twice",
         "/switches/1/name"),
        ({"verified_at": "2025-12-04T22:00:60Z", "switches": []}, "not a real time", "/verified_at"),
        ({"verified_at": "2025-12-04T22:00:00", "switches": []}, "contract", "/verified_at"),
        ({"verified_at": "2025-12-04T22:00:00Z", "switches": [switch("A", reaction_ms=-1)]}, "contract",
         "/switches/0/reaction_ms"),
        (b'{"verified_at": NaN}', "NaN", None),
        (b"\xc3", "not UTF-8", "line 1"),
    ],
)  # fmt: skip
def test_a_broken_record_is_an_error(watch: Any, content: Any, what: str, place: str | None) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("kill_switch", {PATH: content})
    assert what in caught.value.what and caught.value.remedy
    assert caught.value.path == PATH and place in {None, caught.value.place}


def test_links_and_huge_records_are_refused(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="larger than 1 bytes"):
        watch("kill_switch", {PATH: "{}"}, limits=Limits(file_bytes=1))
    (tmp_path / "link.json").symlink_to(PATH)
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("kill_switch", path="link.json")
