"""The rollback procedure is understood by its words, and the drill by its record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import Limits

PATH, DRILL = "ROLLBACK_PROCEDURE.md", "ROLLBACK_DRILL.json"
READY = Path(__file__).parents[3] / "examples" / "ready"
RECORD: dict[str, Any] = {
    "performed_at": "2025-12-04T23:30:00+02:00",
    "total_recovery_ms": 71500,
    "cancel_orders_ms": 3900,
    "all_flat": True,
    "open_orders": 0,
    "nav_before": 1000000,
    "nav_after": 999999.99,
    "logs_archived": True,
}


def test_the_ready_example_is_complete(watch: Any) -> None:
    evidence = watch("rollback", {name: (READY / name).read_bytes() for name in (PATH, DRILL)})
    facts = evidence.facts
    assert set(facts["sections"].values()) == {"filled"}
    assert facts["triggers"] == ["connection", "drawdown", "latency", "pacing", "pnl", "psr", "rejections"]
    assert facts["steps"] == [
        "cancel_orders", "disconnect", "flatten", "halt", "report", "root_cause", "verify",
    ]  # fmt: skip
    assert facts["drill"]["total_recovery_ms"] > facts["drill"]["cancel_orders_ms"] > 0
    assert evidence.observed_at == "2025-12-04T21:30:00Z"


def test_words_count_only_in_their_section_and_not_beside_template_marks(watch: Any) -> None:
    text = """# Rollback
Halt, cancel, flatten, P&amp;L, PSR.
## טריגרים
- הפסד של 5%
- PSR: TBD
- ירידה מהשיא
## Steps
1. Stop trading
2. ביטול כל הפקודות
3. ~~Flatten~~ ____
## Recovery
TBD
"""
    facts = watch("rollback", {PATH: text}).facts
    assert facts["triggers"] == ["drawdown", "pnl"]
    assert facts["steps"] == ["cancel_orders", "halt"]
    assert facts["sections"] == {"triggers": "unfilled", "steps": "unfilled", "recovery": "unfilled"}


def test_headings_can_be_configured(watch: Any) -> None:
    facts = watch("rollback", {PATH: "## When\nP/L below\n"}, sections={"triggers": ["^when$"]}).facts
    assert facts["triggers"] == ["pnl"]
    assert facts["sections"] == {"triggers": "filled", "steps": "absent", "recovery": "absent"}


def test_the_change_in_value_is_absolute_and_rounded_up(watch: Any) -> None:
    drill = watch("rollback", {DRILL: RECORD}).facts["drill"]
    assert drill["nav_delta_ppm"] == 1
    assert drill["performed_at_s"] == 1764883800
    assert (
        watch("rollback", {DRILL: {**RECORD, "nav_after": 1010000}}).facts["drill"]["nav_delta_ppm"] == 10_000
    )


def test_what_the_drill_did_not_measure_is_missing(watch: Any) -> None:
    record = {**RECORD, "nav_after": None, "cancel_orders_ms": None, "all_flat": None, "open_orders": None}
    evidence = watch("rollback", {DRILL: record})
    reasons = {m.fact: m.reason for m in evidence.problems if m.fact.startswith("drill.")}
    assert set(reasons) == {
        "drill.nav_delta_ppm", "drill.cancel_orders_ms", "drill.all_flat", "drill.open_orders",
    }  # fmt: skip
    assert set(reasons.values()) == {"ROLLBACK_DRILL.json does not record it"}


def test_absent_files_say_what_to_write(watch: Any) -> None:
    evidence = watch("rollback")
    remedies = {m.fact: m.remedy for m in evidence.problems}
    assert "sections on triggers" in remedies["sections.steps"]
    assert "contracts/files/rollback_drill.schema.json" in remedies["drill.total_recovery_ms"]
    assert evidence.observed_at is None


@pytest.mark.parametrize(
    ("content", "what", "place"),
    [
        (b"{", "malformed JSON", "line 1, column 2"),
        (b'{"a": 1, "a": 2}', "twice", None),
        (b"[" * 100 + b"]" * 100, "nests deeper", None),
        (b"\xff\xfe", "UTF-16", None),
        ([], "contract 'rollback_drill'", "/"),
        ({**RECORD, "total_recovery_ms": "1"}, "contract 'rollback_drill'", "/total_recovery_ms"),
        ({**RECORD, "nav_before": 0}, "contract 'rollback_drill'", "/nav_before"),
        ({**RECORD, "performed_at": "2025-02-30T00:00:00Z"}, "not a real time", "/performed_at"),
        ({**RECORD, "performed_at": "0001-01-01T00:00:00+02:00"}, "outside the years", "/performed_at"),
        ({**RECORD, "cancel_orders_ms": 71501}, "longer than the whole recovery", "/cancel_orders_ms"),
        ({**RECORD, "nav_after": 10**17, "nav_before": 0.0001}, "too large to be exact", "/nav_after"),
    ],
)
def test_a_broken_drill_record_is_an_error(watch: Any, content: Any, what: str, place: str | None) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("rollback", {DRILL: content})
    assert what in caught.value.what
    assert caught.value.path == DRILL and caught.value.remedy
    assert place in {None, caught.value.place}


def test_broken_procedures_are_errors(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="mojibake"):
        watch("rollback", {PATH: "## טריגרים\n".encode().decode("latin-1").encode()})
    with pytest.raises(EvidenceError, match="larger than"):
        watch("rollback", {PATH: "# R"}, limits=Limits(text_bytes=1))
    (tmp_path / "link.json").symlink_to(DRILL)
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("rollback", {PATH: "# R"}, drill="link.json")
    with pytest.raises(EvidenceError, match="nests deeper") as caught:
        watch("rollback", {PATH: "> " * 500 + "x"})
    assert caught.value.path == PATH
