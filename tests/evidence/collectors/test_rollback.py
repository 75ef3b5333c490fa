"""The rollback procedure is understood by its words, and the drill by its record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.limits import Limits

PATH, DRILL = "ROLLBACK_PROCEDURE.md", "ROLLBACK_DRILL.json"
READY = Path(__file__).parents[3] / "examples" / "ready"
RECORD: dict[str, Any] = {
    "performed_at": "2025-12-04T23:30:00+02:00",
    "operator": "Noa Peretz",
    "trigger": "drawdown",
    "account": "DU****67",
    "total_recovery_ms": 71500,
    "cancel_orders_ms": 3900,
    "all_flat": True,
    "open_orders": 0,
    "nav_before": 1000000,
    "nav_after": 999999.99,
    "logs_archived": True,
}
PROBED = {"ACCOUNT_CONFIG.json": (READY / "ACCOUNT_CONFIG.json").read_bytes()}


def test_the_ready_example_is_complete(watch: Any) -> None:
    evidence = watch("rollback", {name: (READY / name).read_bytes() for name in (PATH, DRILL)})
    facts = evidence.facts
    assert set(facts["sections"].values()) == {"filled"}
    assert facts["triggers"] == ["connection", "drawdown", "latency", "pacing", "pnl", "psr", "rejections"]
    assert facts["steps"] == [
        "halt", "cancel_orders", "disconnect", "flatten", "verify", "root_cause", "report",
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
    assert facts["steps"] == ["halt", "cancel_orders"]
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
    evidence = watch("rollback", {DRILL: record, **PROBED})
    reasons = {m.fact: m.reason for m in evidence.problems if m.fact.startswith("drill.")}
    assert set(reasons) == {
        "drill.nav_delta_ppm", "drill.cancel_orders_ms", "drill.all_flat", "drill.open_orders",
    }  # fmt: skip
    assert set(reasons.values()) == {"ROLLBACK_DRILL.json does not record it"}


@pytest.mark.parametrize(
    ("account", "kind", "simulated"),
    [("DUSIM****01", "DUSIM", True), ("DU****67", "DU", False), ("U1234567", "U", False)],
)
def test_the_account_tells_a_simulator(watch: Any, account: str, kind: str, simulated: bool) -> None:
    """Of the account only its kind becomes a fact."""
    evidence = watch("rollback", {DRILL: {**RECORD, "account": account}})
    found = evidence.facts["drill"]
    assert (found["account_prefix"], found["simulated"]) == (kind, simulated)
    assert account not in str(evidence)


def test_a_drill_without_an_account_says_so(watch: Any) -> None:
    evidence = watch("rollback", {DRILL: {name: RECORD[name] for name in RECORD if name != "account"}})
    reasons = {m.fact: m.reason for m in evidence.problems if m.fact.startswith("drill.")}
    assert reasons == dict.fromkeys(
        ("drill.account_prefix", "drill.simulated", "drill.same_account"),
        "ROLLBACK_DRILL.json does not name the account",
    )


@pytest.mark.parametrize(
    ("account", "same"),
    [
        ("DU****67", True),
        ("DU1234567", True),
        ("DU****68", False),
        ("DU1234568", False),
        ("DUSIM****67", False),
    ],
)
def test_the_drill_is_held_against_the_recorded_account(watch: Any, account: str, same: bool) -> None:
    """Its middle may be hidden; without a record there is nothing to compare it with."""
    drill = {**RECORD, "account": account}
    found = watch("rollback", {DRILL: drill, **PROBED})
    assert found.facts["drill"]["same_account"] is same
    assert (
        watch("rollback", {DRILL: drill, "ACCOUNT_CONFIG.json": "{"}).facts["drill"]["same_account"] is None
    )


def test_a_malformed_account_is_not_quoted(watch: Any) -> None:
    evidence = watch("rollback", {DRILL: {**RECORD, "account": "DU1234567 "}})
    assert {p.fact for p in evidence.problems} >= {"drill_file", "drill"}
    assert "DU1234567" not in str(evidence)


def test_absent_files_say_what_to_write(watch: Any) -> None:
    evidence = watch("rollback")
    remedies = {m.fact: m.remedy for m in evidence.problems}
    assert "sections on triggers" in remedies["sections"]
    assert "gate docs files/rollback_drill.schema.json" in remedies["drill"]
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
        ({**RECORD, "nav_after": 10**17, "nav_before": 0.0001}, "too large to be exact", "/nav_after"),
    ],
)
def test_a_broken_drill_is_rejected_and_the_procedure_stands(
    watch: Any, content: Any, what: str, place: str | None
) -> None:
    evidence = watch("rollback", {DRILL: content, PATH: (READY / PATH).read_bytes()})
    assert {p.fact for p in evidence.problems} == {"drill_file", "drill"}
    for problem in evidence.problems:
        assert what in problem.reason and problem.kind == "rejected"
        assert problem.path == DRILL and problem.remedy
        assert place in {None, problem.place}
    assert evidence.facts["drill"]["performed_at_s"] is None and evidence.facts["drill"]["steps"] == []
    assert len(evidence.facts["triggers"]) == 7


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("## טריגרים\n".encode().decode("latin-1").encode(), "mojibake"),
        (b"> " * 500 + b"x", "nests deeper"),
        (b"\x80", "not UTF-8"),
    ],
)
def test_a_broken_procedure_is_rejected_and_the_drill_stands(watch: Any, content: bytes, what: str) -> None:
    evidence = watch("rollback", {PATH: content, DRILL: RECORD, **PROBED})
    assert {(p.fact, p.kind.value, p.path) for p in evidence.problems} == {
        ("file", "rejected", PATH),
        ("sections", "rejected", PATH),
    }
    assert what in evidence.problems[0].reason
    assert evidence.facts["drill"]["total_recovery_ms"] == 71500


def test_a_link_and_a_huge_file_are_rejected(watch: Any, tmp_path: Path) -> None:
    assert "larger than" in watch("rollback", {PATH: "# R"}, limits=Limits(text_bytes=1)).problems[0].reason
    (tmp_path / "link.json").symlink_to(DRILL)
    assert "symbolic link" in watch("rollback", drill="link.json").problems[-1].reason


def steps(**changes: int) -> list[dict[str, Any]]:
    times = {"halt": 180, "cancel_orders": 3900, "disconnect": 5000, "flatten": 9000, "verify": 71500}
    return [{"step": name, "completed_ms": time} for name, time in {**times, **changes}.items()]


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"steps": steps()}, []),
        ({"steps": steps(root_cause=71500, report=3_600_000)}, []),
        ({"steps": steps(verify=71501)}, ["/steps/4/completed_ms", "/total_recovery_ms"]),
        ({"steps": steps(flatten=4000)}, ["/steps/3/completed_ms"]),
        ({"steps": steps(cancel_orders=3901)}, ["/cancel_orders_ms"]),
        ({"steps": steps(), "total_recovery_ms": 72000}, ["/total_recovery_ms"]),
        ({"steps": [*steps(), {"step": "verify", "completed_ms": 71500}]}, ["/steps/5"]),
        ({"cancel_orders_ms": 71501}, ["/cancel_orders_ms"]),
    ],
)
def test_a_drill_that_contradicts_itself_says_where(
    watch: Any, changes: dict[str, Any], places: list[str]
) -> None:
    drill = watch("rollback", {DRILL: {**RECORD, **changes}}).facts["drill"]
    assert [one["place"] for one in drill["contradictions"]] == places
    assert [one["step"] for one in drill["steps"]] == [one["step"] for one in changes.get("steps", [])]


@pytest.mark.parametrize(
    ("line", "trigger", "micro"),
    [
        ("| P&amp;L of the day | below −5 % | KILL_PNL |", "pnl", 50_000),
        ("P&L < -0.05", "pnl", 50_000),
        ("A loss of 5 percent (P&L)", "pnl", 50_000),
        ("P&L below -$50000", "pnl", None),
        ("P&L beyond five percent", "pnl", None),
        ("Max drawdown above 12.5%", "drawdown", 125_000),
        ("PSR below 0.20", "psr", 200_000),
        ("Rejections > 20 %", "rejections", 200_000),
        ("Pacing violations: more than 10 per hour", "pacing", 10_000_000),
        ("10/h pacing violations", "pacing", 10_000_000),
        ("Pacing: 1 a minute", "pacing", 60_000_000),
        ("Pacing violations above 10", "pacing", None),
        ("Disconnects > 3 per hour", "connection", 3_000_000),
        ("p95 latency more than 2 × baseline", "latency", 2_000_000),
        ("p95 latency > 2.5x", "latency", 2_500_000),
        ("latency above 200 % of baseline", "latency", 2_000_000),
        ("latency above 200 ms", "latency", None),
        ("latency 200 % above baseline", "latency", 3_000_000),
        ("latency more than twice the baseline", "latency", 2_000_000),
        ("PSR < .20", "psr", 200_000),
        ("Max drawdown below −15 %", "drawdown", 150_000),
        ("~~P&L < −5 %~~ P&L < −50 %", "pnl", 500_000),
        ("P&L: disabled (was −5 %)", "pnl", None),
        ("P&L was below −5 % for a day", "pnl", 50_000),
        ("Trading is disabled at a drawdown above 15 %", "drawdown", 150_000),
        ("Disconnects > 1 010 per hour", "connection", 1_010_000_000),
        ("Disconnects > 3 within 30 minutes", "connection", 6_000_000),
        ("- Disconnects\n  - more than 3 hourly", "connection", 3_000_000),
        ("### Disconnects\nMore than 3/hr.", "connection", 3_000_000),
    ],
)
def test_triggers_state_their_limits_as_numbers(
    watch: Any, line: str, trigger: str, micro: int | None
) -> None:
    table = "| a | b | c |\n|---|---|---|\n" if line.startswith("|") else ""
    facts = watch("rollback", {PATH: f"# R\n## Triggers\n{table}{line}\n"}).facts
    assert [(one["trigger"], one["micro"]) for one in facts["limits"]] == [(trigger, micro)]


def test_long_lists_and_rows_of_numbers_are_read_in_time(watch: Any) -> None:
    """Each of them took a minute when all that is below a line was looked through again for that line."""
    listed, numbers = "- drawdown\n" * 2000, "111 " * 5000
    facts = watch("rollback", {PATH: f"# R\n## Triggers\n{listed}- pacing {numbers}\n"}).facts
    assert [(one["trigger"], one["micro"]) for one in facts["limits"]] == [
        ("drawdown", None),
        ("pacing", None),
    ]


def test_the_limits_and_checks_of_the_ready_example_are_read(watch: Any) -> None:
    facts = watch("rollback", {PATH: (READY / PATH).read_bytes()}).facts
    assert {one["trigger"]: one["micro"] for one in facts["limits"]} == {
        "connection": 3_000_000, "drawdown": 150_000, "latency": 2_000_000, "pacing": 10_000_000,
        "pnl": 50_000, "psr": 200_000, "rejections": 200_000, "nav": 10_000,
    }  # fmt: skip
    assert facts["checks"] == ["flat", "logs_archived", "nav", "open_orders"]
    assert facts["unfilled"] == []
