"""The record of the kill switches is reported switch by switch."""

from __future__ import annotations

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
    facts = watch("kill_switch", {PATH: READY.read_bytes()}).facts
    assert [s["name"] for s in facts["switches"]] == ["KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH"]


def test_switches_are_sorted_and_kept_as_recorded(watch: Any) -> None:
    record = {
        "verified_at": "2025-12-04T22:00:00.5Z",
        "switches": [
            switch("PSR_KILL_SWITCH", halted=False, threshold=0.2),
            switch("KILL_PNL", triggered=False),
        ],
    }
    evidence = watch("kill_switch", {PATH: record})
    assert evidence.facts == {
        "file": PATH,
        "switches": [switch("KILL_PNL", triggered=False), switch("PSR_KILL_SWITCH", halted=False)],
        "verified_at_s": 1764885600,
    }
    assert evidence.observed_at == "2025-12-04T22:00:00Z"


def test_an_absent_record_is_missing(watch: Any) -> None:
    evidence = watch("kill_switch")
    assert {m.fact for m in evidence.problems} == {"file", "verified_at_s"}
    assert "rehearsal" in evidence.problems[0].remedy


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
