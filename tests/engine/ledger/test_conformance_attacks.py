"""What an attacker could do to a ledger, and what notices, in every storage."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from gate.engine.ledger import merkle
from gate.engine.ledger.checking import check
from gate.engine.ledger.findings import MAX_FINDINGS, Kind, Verification
from gate.engine.ledger.note import Checkpoint
from gate.engine.spread.processes import Processes
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import LedgerError
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.keys import LogKey

KEY = LogKey.from_seed(bytes(range(32)))
THIEF = LogKey.from_seed(bytes(32))
ORIGIN = "gate-ledger/test"


def statement(number: int) -> bytes:
    return canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "subject", "digest": {"sha256": "0" * 64}}],
            "predicateType": "https://example.com/decision/v1",
            "predicate": {"number": number},
        }
    )


def clock(minute: int) -> str:
    return f"2025-11-07T12:{minute:02}:00Z"


@pytest.fixture
def full(place: Any) -> Any:
    """A ledger of six entries, each with a checkpoint, and of one unsealed entry."""
    place.record([0, 1, 2, 3, 4, 5])
    with place.open() as ledger:
        ledger.append([statement(6)])
    return place


def kinds(report: Verification) -> set[Kind]:
    return {finding.kind for finding in report.problems}


def sign(payload: bytes, key: LogKey = KEY) -> bytes:
    return Envelope.sign(payload, key).line()


def edit(old: list[bytes]) -> list[bytes]:
    """Change a verdict inside the payload and keep the signature."""
    envelope = json.loads(old[2])
    payload = base64.b64decode(envelope["payload"]).replace(b'"number":2', b'"number":9')
    envelope["payload"] = base64.b64encode(payload).decode()
    return [*old[:2], canonical(envelope), *old[3:]]


ATTACKS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], set[Kind], int | None]] = {
    "edit an entry": (edit, {Kind.LINE_SIGNATURE, Kind.ROOT}, 3),
    "replace an entry by another signed one": (
        lambda old: [*old[:2], sign(statement(9)), *old[3:]],
        {Kind.ROOT},
        None,
    ),
    "insert an entry": (lambda old: [*old[:2], sign(statement(9)), *old[2:]], {Kind.ROOT}, None),
    "repeat an entry": (lambda old: [*old[:2], old[1], *old[2:]], {Kind.ROOT}, None),
    "swap two entries": (lambda old: [old[1], old[0], *old[2:]], {Kind.ROOT}, None),
    "drop an entry": (lambda old: [*old[:2], *old[3:]], {Kind.ROOT}, None),
    "drop the sealed tail": (lambda old: old[:4], {Kind.TRUNCATED}, None),
    "drop everything": (lambda old: [], {Kind.TRUNCATED}, None),
    "sign an entry with another key": (
        lambda old: [*old[:2], sign(statement(2), THIEF), *old[3:]],
        {Kind.LINE_SIGNATURE, Kind.ROOT},
        3,
    ),
    "add an unsealed entry of another key": (
        lambda old: [*old, sign(statement(7), THIEF)],
        {Kind.LINE_SIGNATURE},
        8,
    ),
    "add rubbish": (lambda old: [*old, b"rubbish"], {Kind.LINE_FORM}, 8),
    "add an empty line": (lambda old: [*old, b""], {Kind.LINE_FORM}, 8),
    "add a huge line": (lambda old: [*old, b"x" * 3_000_000], {Kind.LINE_FORM}, 8),
    "write an entry with blanks": (
        lambda old: [old[0].replace(b'","', b'", "'), *old[1:]],
        {Kind.LINE_FORM, Kind.ROOT},
        1,
    ),
    "sign a payload with duplicate keys": (
        lambda old: [*old, sign(statement(7).replace(b'"number":7', b'"number":1,"number":7'))],
        {Kind.LINE_FORM},
        8,
    ),
    "sign a payload with a float": (
        lambda old: [*old, sign(statement(7).replace(b'"number":7', b'"number":0.7'))],
        {Kind.LINE_FORM},
        8,
    ),
    "sign a payload with -0": (
        lambda old: [*old, sign(statement(7).replace(b'"number":7', b'"number":-0'))],
        {Kind.LINE_FORM},
        8,
    ),
    "sign something that is no statement": (lambda old: [*old, sign(b"{}")], {Kind.LINE_FORM}, 8),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_on_the_log_are_found(full: Any, name: str) -> None:
    """Without any receipt: the ledger itself shows it, with the line where one is at fault."""
    attack, expected, line = ATTACKS[name]
    assert full.verify().ok
    full.rewrite(attack(full.lines()))
    report = full.verify()
    assert kinds(report) == expected
    if line is not None:
        assert [finding.line for finding in report.problems if finding.line] == [line]
        assert f"log.intoto.jsonl, line {line}: " in str(next(f for f in report.problems if f.line))


def test_every_wrong_line_of_a_long_log_is_named(place: Any) -> None:
    """Lines are checked many at a time, between checkpoints that lie anywhere."""
    with place.open() as ledger:
        for minute, count in enumerate((3, 300, 1, 280)):
            ledger.append([statement(number) for number in range(count)])
            ledger.seal(clock(minute))
        ledger.append([statement(number) for number in range(20)])
    assert place.verify().ok
    lines = place.lines()
    for number in (4, 259, 303, 304, 560, 604):
        lines[number - 1] = sign(statement(number), THIEF)
    lines[299] = b"rubbish"
    place.rewrite(lines)
    report = place.verify()
    assert {finding.line for finding in report.problems if finding.line} == {4, 259, 300, 303, 304, 560, 604}
    assert place.verify(spread=Processes(2)) == report


def test_work_in_parts_finds_the_same(full: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with lines or evidence, and wherever a part ends."""
    monkeypatch.setattr(check, "BATCH", 2)
    with full.open() as ledger:
        digests = [ledger.evidence.put(data) for data in (b"1", b"2", b"3")]
    before = full.lines()
    for name, (attack, _, _) in ATTACKS.items():
        full.rewrite(attack(before))
        found = [full.verify(digests=digests, **by) for by in ({}, {"spread": Processes(1)})]
        assert found[0] == found[1], name
        full.set_blob(digests[len(name) % 3], b"other" if len(name) % 2 else None)


@pytest.mark.parametrize("name", [name for name, (_, kind, _) in ATTACKS.items() if Kind.ROOT not in kind])
def test_nothing_is_sealed_on_top_of_a_damaged_tail(full: Any, name: str) -> None:
    full.rewrite(ATTACKS[name][0](full.lines()))
    before = full.lines(), full.note()
    with pytest.raises(LedgerError) as caught, full.open() as ledger:
        ledger.seal(clock(30))
    assert caught.value.remedy
    assert str(caught.value.path).endswith("log.intoto.jsonl")
    assert before == (full.lines(), full.note())


def test_nothing_is_appended_where_sealed_entries_are_missing(full: Any) -> None:
    """Even by a process that has the ledger open already."""
    with full.open() as ledger:
        full.rewrite(full.lines()[:4])
        with pytest.raises(LedgerError, match=r"entries sealed on .* are missing"):
            ledger.append([statement(7)])
    assert len(full.lines()) == 4


def test_cutting_back_consistently_needs_the_receipt(full: Any) -> None:
    """Log, checkpoint and history cut back together are a perfect older ledger; the receipt knows better."""
    full.rewrite(full.lines()[:4])
    full.set_note(None, full.note(4))
    assert kinds(full.verify()) == {Kind.TRUNCATED}  # the history still tells
    for size in (5, 6):
        full.set_note(size, None)
    assert full.verify().ok  # nothing inside the ledger can show it any more
    report = full.verify(config_dir=full.config)
    assert kinds(report) == {Kind.RECEIPT}
    assert "covers 6 entries, the log has 4" in report.problems[0].text
    with pytest.raises(LedgerError, match="cut back: it was sealed with 6 entries") as caught:
        full.open()
    assert "receipt" in str(caught.value.place)


def test_deleting_the_checkpoint_is_noticed(full: Any) -> None:
    full.set_note(None, None)
    assert kinds(full.verify()) == {Kind.CHECKPOINT}
    for size in range(1, 7):
        full.set_note(size, None)
    assert full.verify().ok  # nothing inside tells that there was one
    assert kinds(full.verify(config_dir=full.config)) == {Kind.CHECKPOINT}
    with pytest.raises(LedgerError, match="now its checkpoint covers 0"):
        full.open()


def test_a_fork_by_the_holder_of_the_key_is_found_by_the_receipt(full: Any) -> None:
    """Two roots of one size, both signed: the ledger was written anew with the true key."""
    fork = full.another("fork")
    fork.record([0, 1, 2, 3, 4, 99])
    assert fork.verify().ok
    assert kinds(fork.verify(config_dir=full.config)) == {Kind.RECEIPT}
    with pytest.raises(LedgerError, match="rewritten: it does not begin with the 6 entries that the receipt"):
        fork.open(config_dir=full.config)
    fork.record([100], start=10)
    with pytest.raises(LedgerError, match="was rewritten"):
        fork.open(config_dir=full.config)


def test_a_given_checkpoint_is_compared_too(full: Any) -> None:
    fork = full.another("fork")
    fork.record([0, 99])
    with fork.read() as reader:
        witness = reader.checkpoint().note
    report = full.verify(given=witness)
    assert kinds(report) == {Kind.RECEIPT}
    assert "the given checkpoint" in report.problems[0].text


def test_everything_rewritten_with_another_key(full: Any) -> None:
    with full.read() as reader:
        pinned = reader.verifier
    forged = full.another("forged")
    forged.record([0, 1, 2, 3, 4, 5], key=THIEF)
    assert forged.verify().ok
    assert not forged.verify().pinned
    report = forged.verify(expected_key=pinned)
    assert {Kind.KEY, Kind.LINE_SIGNATURE} <= kinds(report)
    assert THIEF.fingerprint in report.problems[0].text
    assert full.verify(expected_key=pinned).pinned
    assert full.verify(expected_key=pinned).ok


@pytest.mark.parametrize("content", [b"", b"gate-ledger/test+00000000+AAAA\n", None])
def test_a_broken_or_missing_log_key_is_found(full: Any, content: bytes | None) -> None:
    with full.read() as reader:
        pinned = reader.verifier
    full.set_verifier(content)
    assert Kind.KEY in kinds(full.verify())
    assert Kind.KEY in kinds(full.verify(expected_key=pinned))
    with pytest.raises(LedgerError) as caught:
        full.open()
    assert str(caught.value.path).endswith("trust/log.vkey")


def test_a_forged_checkpoint_is_found(full: Any) -> None:
    full.set_note(None, full.note().replace(b"T12:05", b"T11:05"))
    assert Kind.CHECKPOINT in kinds(full.verify())
    with pytest.raises(LedgerError, match="does not belong to these bytes"):
        full.open()


def test_checkpoints_of_the_history_are_all_compared(full: Any) -> None:
    full.set_note(3, full.note(2))
    full.set_note(1, b"rubbish")
    full.set_note(6, None)
    assert [(finding.kind, finding.path) for finding in full.verify().problems] == [
        (Kind.CHECKPOINT, "checkpoints/1"),
        (Kind.CHECKPOINT, "checkpoints/3"),
        (Kind.CHECKPOINT, "checkpoints/6"),
    ]


def sign_again(full: Any, size: int, **changes: Any) -> None:
    """A checkpoint of the history signed anew by the true key with other content."""
    old = Checkpoint.open(full.note(size), KEY.verifier(ORIGIN))
    values = {"size": old.size, "root": old.root, "log_bytes": old.log_bytes, "time": old.time} | changes
    full.set_note(size, Checkpoint(ORIGIN, **values).signed(KEY).note)


def test_back_dated_and_forked_checkpoints_are_found(full: Any) -> None:
    sign_again(full, 3, time="2024-01-01T00:00:00Z")
    sign_again(full, 4, root=merkle.EMPTY_ROOT)
    sign_again(full, 5, log_bytes=1)
    report = full.verify()
    assert [(finding.kind, finding.path) for finding in report.problems] == [
        (Kind.TIME, "checkpoints/3"),
        (Kind.ROOT, "log.intoto.jsonl"),
        (Kind.ROOT, "log.intoto.jsonl"),
    ]


def test_a_second_checkpoint_of_one_size_is_not_signed(full: Any) -> None:
    full.set_note(7, Checkpoint(ORIGIN, 7, merkle.EMPTY_ROOT, 1, clock(20)).signed(KEY).note)
    with full.open() as ledger, pytest.raises(LedgerError, match="not begin with the 7 entries"):
        ledger.seal(clock(30))


def test_a_rewritten_sealed_region_is_found_when_the_frontier_is_computed_anew(full: Any) -> None:
    old = full.lines()
    full.rewrite([old[1], old[0], *old[2:]])
    full.set_hint(None)
    with full.open() as ledger, pytest.raises(LedgerError, match="the 6 entries that the last checkpoint"):
        ledger.seal(clock(30))


def test_reading_an_entry_that_does_not_hold_names_its_line(full: Any) -> None:
    full.rewrite(edit(full.lines()))
    with full.read() as reader, pytest.raises(LedgerError) as caught:
        list(reader.entries())
    assert caught.value.place == "line 3"


@pytest.mark.parametrize("content", [b"{}", b"[]", b"rubbish", b'{"note":"x"}', b'{"note":1}'])
def test_a_changed_receipt_is_not_believed(full: Any, content: bytes) -> None:
    full.receipts().path(KEY.verifier(ORIGIN)).write_bytes(content)
    with pytest.raises(LedgerError, match="receipt for this ledger was changed") as caught:
        full.open()
    assert "gives up" in str(caught.value.remedy)
    assert kinds(full.verify(config_dir=full.config)) == {Kind.RECEIPT}


def test_a_user_without_receipts_has_none(place: Any) -> None:
    verifier = KEY.verifier(ORIGIN)
    assert place.receipts().load(verifier) is None
    place.config.mkdir()
    assert place.receipts().load(verifier) is None


def test_evidence_is_checked_with_the_log(place: Any) -> None:
    lost = "0" * 64
    with place.open() as ledger:
        kept = ledger.evidence.put(b"kept")
        changed = ledger.evidence.put(b"changed")
        ledger.append([place.statement(0, evidence=[kept, lost])])
        ledger.seal(clock(0))
    place.set_blob(changed, b"swapped")
    report = place.verify(evidence_of=lambda statement: statement["predicate"]["evidence"])
    assert kinds(report) == {Kind.EVIDENCE}
    assert {finding.path.rpartition("/")[2] for finding in report.problems} == {changed, lost}


def test_a_ruined_ledger_gives_a_report_of_bounded_length(place: Any) -> None:
    place.record([0])
    place.rewrite([b"rubbish"] * (3 * MAX_FINDINGS))
    assert len(place.verify().problems) == MAX_FINDINGS
