"""Which waivers count, and what is said about those that do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.engine.decide.conditions import DAY
from gate.engine.decide.model import Plan, Rule, Stage
from gate.engine.decide.waivers import assess
from gate.engine.decision.document import Notice, Severity
from gate.evidence.base.times import format_utc, parse_rfc3339

NOW = parse_rfc3339("2025-11-07T12:00:00Z")
RULE = Rule(
    "stage1.test_coverage", "stage1", "test_coverage", "deny", "t", "d", Severity.HIGH, "s", "o", ("c",), ()
)
STAGE = Stage("stage1", "t", "q", (), (), (RULE,), (), "gate.stage1")
PLAN = Plan({"stage1": STAGE}, {}, ("cto", "risk_officer"), 30, {})
SUBJECT = "a" * 64


def fact(**changes: Any) -> dict[str, Any]:
    """A waiver as the collector reports it: valid, in force, far from its end."""
    on, until = NOW - DAY, NOW + 90 * DAY
    found: dict[str, Any] = {
        "path": "waivers/w.json", "id": "W-1", "code": "stage1.test_coverage", "term": None,
        "stages": ["stage1"], "reason": "r", "reference": "RISK-7", "author": "dev@example.com",
        "approver_principal": "cto@example.com", "approver_role": "cto", "subject": None,
        "effective_on_s": on, "effective_until_s": until, "key": "SHA256:x", "signature": "valid",
        "role_authorised": True, "key_valid_from_s": None, "key_valid_until_s": None,
        "problem": None, **changes,
    }  # fmt: skip
    found["effective_on"], found["effective_until"] = (
        format_utc(found["effective_on_s"]),
        format_utc(found["effective_until_s"]),
    )
    return found


def notes(*facts: dict[str, Any]) -> list[str]:
    """Messages of the notes about waivers of which none counts."""
    valid, found = assess(facts, [], PLAN, SUBJECT, NOW)
    assert valid == []
    assert {note.code for note in found} == {"stage1.test_coverage"}
    return [note.msg for note in found]


def test_a_valid_waiver() -> None:
    """It counts, with everything the judge and the reader need, and needs no note."""
    valid, found = assess([fact(term="t")], [], PLAN, SUBJECT, NOW)
    (waiver,) = valid
    assert (waiver.id, waiver.code, waiver.term, waiver.stages) == (
        "W-1",
        "stage1.test_coverage",
        "t",
        ("stage1",),
    )
    assert (waiver.author, waiver.approver, waiver.reference) == (
        "dev@example.com",
        "cto@example.com",
        "RISK-7",
    )
    assert waiver.effective_until == format_utc(NOW + 90 * DAY)
    assert found == []


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"signature": "unsigned"}, "does not count: unsigned"),
        ({"signature": "invalid", "problem": "the file was changed"}, "does not count: the file was changed"),
        ({"signature": "unknown_key", "approver_principal": None}, "does not count: unknown_key"),
        ({"role_authorised": False}, "does not count: its signer may not approve waivers as cto"),
        (
            {"approver_role": "lead_trader"},
            "does not count: its signer may not approve waivers as lead_trader",
        ),
        ({"author": "cto@example.com"}, "does not count: its author approved it"),
        ({"author": "CTO@Example.COM"}, "does not count: its author approved it"),
        ({"author": "Omar <cto@example.com>"}, "does not count: its author approved it"),
        ({"key_valid_from_s": NOW + 1}, "its signer's key is not valid at the effective time"),
        ({"key_valid_until_s": NOW - 1}, "its signer's key is not valid at the effective time"),
        ({"subject": "b" * 64}, "does not count: it is for other sources"),
        ({"effective_on_s": NOW + 1}, f"is pending until {format_utc(NOW + 1)}"),
        ({"effective_until_s": NOW}, f"expired on {format_utc(NOW)}"),
    ],
)
def test_waivers_that_do_not_count(changes: dict[str, Any], note: str) -> None:
    """Each reason is said, with the waiver and its file."""
    (message,) = notes(fact(**changes))
    assert message.startswith("waiver W-1 (waivers/w.json) ")
    assert note in message


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": SUBJECT}, {"key_valid_from_s": NOW}, {"key_valid_until_s": NOW + 1},
        {"effective_on_s": NOW},
        {"approver_role": "risk_officer"},
    ],
)  # fmt: skip
def test_bounds_that_count(changes: dict[str, Any]) -> None:
    """This subject, a key valid from this very second, and a waiver in force since it."""
    assert len(assess([fact(**changes)], [], PLAN, SUBJECT, NOW)[0]) == 1


def test_expiring_waivers_are_announced() -> None:
    """Within the warning period a waiver counts and its end is announced."""
    valid, found = assess([fact(effective_until_s=NOW + 30 * DAY - 1)], [], PLAN, SUBJECT, NOW)
    assert len(valid) == 1
    assert found == [
        Notice("stage1.test_coverage", f"waiver W-1 expires on {format_utc(NOW + 30 * DAY - 1)}")
    ]
    assert assess([fact(effective_until_s=NOW + 30 * DAY)], [], PLAN, SUBJECT, NOW)[1] == []


@given(
    st.lists(
        st.builds(
            fact,
            id=st.sampled_from("abc"),
            path=st.sampled_from("xyz"),
            signature=st.sampled_from(["valid", "invalid"]),
        ),
        max_size=5,
    ),
    st.randoms(),
)
def test_the_order_of_files_does_not_matter(facts: list[dict[str, Any]], random: Any) -> None:
    """The same waivers in another order give the same answer."""
    shuffled = list(facts)
    random.shuffle(shuffled)
    ours, theirs = assess(facts, [], PLAN, SUBJECT, NOW), assess(shuffled, [], PLAN, SUBJECT, NOW)
    assert sorted(map(repr, ours[0])) == sorted(map(repr, theirs[0]))
    assert ours[1] == theirs[1]


@given(st.integers(-100, 100), st.integers(-100, 100), st.integers(-100, 100))
def test_a_waiver_counts_exactly_while_it_is_in_force(on: int, until: int, now: int) -> None:
    """From its first second to the last one before its end."""
    valid, _ = assess(
        [fact(effective_on_s=NOW + on, effective_until_s=NOW + until)], [], PLAN, SUBJECT, NOW + now
    )
    assert bool(valid) == (on <= now < until)
