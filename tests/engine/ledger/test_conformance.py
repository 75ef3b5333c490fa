"""What every ledger does, in every storage: append, seal, read back, remember."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from gate.engine.ledger import merkle
from gate.engine.ledger.interface import Entry
from gate.engine.ledger.note import Checkpoint
from gate.engine.ledger.writer import Ledger
from gate.evidence.base.errors import LedgerError
from gate.evidence.signing.dsse import max_payload_bytes
from gate.evidence.signing.keys import LogKey

OTHER = LogKey.from_seed(bytes(32))


def clock(minute: int) -> str:
    return f"2025-11-07T12:{minute:02}:00Z"


@pytest.fixture
def ledger(place: Any) -> Iterator[Ledger]:
    with place.open() as opened:
        yield opened


def test_a_new_ledger_is_empty(ledger: Ledger) -> None:
    assert ledger.verifier.name == "gate-ledger/test"
    assert ledger.checkpoint() is None
    assert ledger.size() == 0
    assert list(ledger.entries()) == []
    assert ledger.append([]) == []


def test_entries_are_numbered_and_named_by_their_leaf(ledger: Ledger, place: Any) -> None:
    first = ledger.append([place.statement(0), place.statement(1)])
    second = ledger.append([place.statement(2)])
    expected = [Entry(number, merkle.leaf_hash(line).hex()) for number, line in enumerate(place.lines())]
    assert first + second == expected
    assert ledger.size() == 3


def test_a_checkpoint_covers_everything_before_it(ledger: Ledger, place: Any) -> None:
    ledger.append([place.statement(number) for number in range(5)])
    sealed = ledger.seal(clock(1))
    lines = place.lines()
    assert (sealed.size, sealed.time) == (5, clock(1))
    assert sealed.root == merkle.root_of(map(merkle.leaf_hash, lines))
    assert sealed.log_bytes == sum(len(line) + 1 for line in lines)
    assert ledger.checkpoint() == sealed
    assert place.note() == place.note(5) == sealed.note


def test_sealing_nothing_new_signs_nothing_new(ledger: Ledger, place: Any) -> None:
    ledger.append([place.statement()])
    assert ledger.seal(clock(1)) == ledger.seal(clock(9))


def test_an_empty_ledger_can_be_sealed(ledger: Ledger, place: Any) -> None:
    sealed = ledger.seal(clock(0))
    assert (sealed.size, sealed.root) == (0, merkle.EMPTY_ROOT)
    ledger.append([place.statement()])
    assert ledger.seal(clock(1)).size == 1
    assert place.verify(config_dir=place.config).ok


def test_the_same_statements_are_the_same_lines_in_every_storage(place: Any) -> None:
    """No clock, no random number and no ledger name is in a line; the bytes are written down here."""
    place.record([0, 1, 2])
    again = place.another("again")
    again.record([0, 1, 2], start=9, origin="gate-ledger/another")
    assert place.lines() == again.lines()
    assert [merkle.leaf_hash(line).hex()[:16] for line in place.lines()] == [
        "68d21eb60bc8a054",
        "dfddefba530838c3",
        "f7f5a6cafcfb6deb",
    ]


def test_ledgers_of_one_key_have_different_names(place: Any) -> None:
    names = set()
    for one in (place, place.another("again")):
        with one.open(origin=None) as ledger:
            names.add(ledger.verifier.name)
    assert len(names) == 2
    assert all(name.startswith("gate-ledger/") for name in names)


def test_a_new_ledger_takes_the_label_and_keeps_its_name(place: Any) -> None:
    with place.open(origin=None, label="gate.local/algo-trade") as ledger:
        assert ledger.verifier.name.startswith("gate.local/algo-trade/")
        name = ledger.verifier.name
    with place.open(origin="another") as ledger:
        assert ledger.verifier.name == name


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "größe"])
def test_a_name_that_a_note_cannot_carry_is_refused(place: Any, origin: str) -> None:
    with pytest.raises(LedgerError, match="cannot be named") as caught:
        place.open(origin=origin)
    assert "printable ASCII" in caught.value.what
    with pytest.raises(LedgerError, match="no ledger here"):
        place.read()


def test_a_ledger_goes_on_where_it_stopped(place: Any) -> None:
    for number in range(12):
        with place.open() as ledger:
            assert ledger.append([place.statement(number)])[0].index == number
            assert ledger.seal(clock(number)).size == number + 1
    report = place.verify(config_dir=place.config)
    assert report.ok
    assert (report.size, report.unsealed) == (12, 0)


@pytest.mark.parametrize(
    "hint", [None, b"", b"{}", b'{"size":3,"frontier":["zz"]}', b'{"frontier":[],"size":3}', b"\xff", b"[]"]
)
def test_the_hint_for_the_next_seal_may_be_lost_or_wrong(place: Any, hint: bytes | None) -> None:
    with place.open() as ledger:
        ledger.append([place.statement(number) for number in range(3)])
        ledger.seal(clock(1))
        place.set_hint(hint)
        ledger.append([place.statement(3)])
        ledger.seal(clock(2))
    assert place.verify().ok


def test_entries_are_read_back(ledger: Ledger, place: Any) -> None:
    ledger.append([place.statement(number) for number in range(3)])
    ledger.seal(clock(1))
    made = ledger.append([place.statement(3)])
    with place.read() as reader:
        found = list(reader.entries())
        assert [json.loads(entry.payload)["predicate"]["number"] for entry in found] == [0, 1, 2, 3]
        assert [entry.line for entry in found] == place.lines()
        assert [entry.sealed for entry in found] == [True, True, True, False]
        assert (found[3].index, found[3].digest) == (made[0].index, made[0].digest)
        assert reader.size() == 4


def test_eight_writers_at_once_lose_nothing(place: Any) -> None:
    """Each has opened the ledger for itself, and every third append is sealed."""
    place.open().close()

    def work(writer: int) -> list[Entry]:
        made = []
        with place.open() as ledger:
            for number in range(9):
                made += ledger.append([place.statement(writer * 100 + number)] * 2)
                if number % 3 == 2:
                    ledger.seal(clock(0))
        return made

    with ThreadPoolExecutor(8) as pool:
        made = sorted((entry for part in pool.map(work, range(8)) for entry in part), key=lambda e: e.index)
    assert [entry.index for entry in made] == list(range(144))
    with place.read() as reader:
        assert [entry.digest for entry in reader.entries()] == [entry.digest for entry in made]
        assert all(one.digest == two.digest for one, two in list(pairwise(made))[::2])  # blocks stay whole
    report = place.verify(config_dir=place.config)
    assert report.ok, report.problems
    assert (report.size, report.unsealed) == (144, 0)


def test_sealed_leaves_give_proofs_that_hold_with_the_checkpoint_alone(ledger: Ledger, place: Any) -> None:
    ledger.append([place.statement(number) for number in range(4)])
    ledger.seal(clock(1))
    ledger.append([place.statement(number) for number in range(4, 11)])
    new = ledger.seal(clock(2))
    ledger.append([place.statement(11)])
    latest, leaves = ledger.sealed_leaves()
    assert latest == new
    for entry in list(ledger.entries())[: new.size]:
        proof = merkle.inclusion_proof(leaves, entry.index)
        leaf = bytes.fromhex(entry.digest)
        assert merkle.verify_inclusion(leaf, entry.index, new.size, proof, new.root)


def test_there_are_no_proofs_without_a_seal_that_holds(ledger: Ledger, place: Any) -> None:
    with pytest.raises(LedgerError, match="never sealed"):
        ledger.sealed_leaves()
    ledger.append([place.statement(0), place.statement(1)])
    ledger.seal(clock(1))
    place.rewrite(place.lines()[::-1])
    with pytest.raises(LedgerError, match="no longer gives the root"):
        ledger.sealed_leaves()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda payload: b"", "not canonical JSON"),
        (lambda payload: payload + b"\n", "not canonical JSON"),
        (lambda payload: payload.replace(b'"number":0', b'"number":0.5'), "not canonical JSON"),
        (lambda payload: b"{}", "no in-toto Statement"),
        (lambda payload: payload + b" " * max_payload_bytes(), "a line takes 48975"),
    ],
)
def test_what_is_no_statement_is_not_recorded(ledger: Ledger, place: Any, change: Any, what: str) -> None:
    with pytest.raises(LedgerError, match=what) as caught:
        ledger.append([place.statement(), change(place.statement())])
    assert "statement 1" in caught.value.what
    assert caught.value.remedy
    assert place.lines() == []


def test_another_key_is_refused_by_name(place: Any) -> None:
    place.record([0])
    before = place.lines(), place.note()
    with pytest.raises(LedgerError, match="was begun with key") as caught:
        place.open(key=OTHER, config_dir=None)
    assert OTHER.fingerprint in caught.value.what
    assert "GATE_CONFIG_DIR" in str(caught.value.remedy)
    assert str(caught.value.path).endswith("trust/log.vkey")
    assert (place.lines(), place.note()) == before


def test_reading_needs_a_ledger(place: Any) -> None:
    for attempt in (place.read, place.verify):
        with pytest.raises(LedgerError, match="no ledger here") as caught:
            attempt()
        assert "gate evaluate" in str(caught.value.remedy)


def test_time_is_given_in_one_form(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="YYYY-MM-DDTHH:MM:SSZ"):
        ledger.seal("2025-11-07 12:00:00")


def test_a_clock_slightly_behind_keeps_the_last_time(ledger: Ledger, place: Any) -> None:
    ledger.append([place.statement(0)])
    ledger.seal(clock(10))
    ledger.append([place.statement(1)])
    assert ledger.seal(clock(5)).time == clock(10)


def test_a_clock_running_backwards_does_not_seal(ledger: Ledger, place: Any) -> None:
    """Back-dating a decision."""
    ledger.append([place.statement(0)])
    ledger.seal(clock(10))
    ledger.append([place.statement(1)])
    with pytest.raises(LedgerError, match=r"runs backwards.* 360 seconds") as caught:
        ledger.seal(clock(4))
    assert "clock" in str(caught.value.remedy)
    assert ledger.seal(clock(11)).size == 2


def test_the_receipt_remembers_the_last_seal(ledger: Ledger, place: Any) -> None:
    ledger.append([place.statement()])
    sealed = ledger.seal(clock(1))
    assert place.receipts().load(ledger.verifier).checkpoint == sealed
    assert json.loads(place.receipts().path(ledger.verifier).read_bytes())["size"] == 1


def test_a_receipt_that_lagged_behind_is_caught_up(ledger: Ledger, place: Any) -> None:
    """The process was killed between publishing the checkpoint and writing the receipt."""
    ledger.append([place.statement(0)])
    ledger.seal(clock(1))
    old = place.receipts().path(ledger.verifier).read_bytes()
    ledger.append([place.statement(1)])
    sealed = ledger.seal(clock(2))
    place.receipts().path(ledger.verifier).write_bytes(old)
    assert ledger.seal(clock(3)) == sealed
    assert place.receipts().load(ledger.verifier).checkpoint == sealed


def test_a_checkpoint_that_a_crash_left_in_the_history_is_taken_over(ledger: Ledger, place: Any) -> None:
    """The process was killed between writing the history and the checkpoint: no second one is signed."""
    ledger.append([place.statement(0)])
    ledger.seal(clock(1))
    before = place.note()
    ledger.append([place.statement(1)])
    sealed: Checkpoint = ledger.seal(clock(2))
    place.set_note(None, before)
    place.receipts().path(ledger.verifier).unlink()
    assert ledger.seal(clock(3)) == sealed


def test_what_authorities_said_is_kept_with_its_checkpoint(ledger: Ledger, place: Any) -> None:
    """By size and kind; the last word counts."""
    ledger.append([place.statement()])
    sealed = ledger.seal(clock(1))
    assert ledger.cosigned(sealed) == sealed.note
    for data in (b"first", "\u2014 w.example/a AAAAAAAA\n".encode()):
        with ledger._storage.sealing():
            ledger._storage.keep(1, "cosig", data)
            ledger._storage.keep(1, "tsr", b"stamp")
    with place.read() as reader:
        assert reader.cosigned(sealed) == sealed.note + data
        assert reader._source.kept(1, "tsr") == b"stamp"
        assert reader._source.kept(2, "tsr") is None
    assert place.verify().ok


def test_evidence_may_lie_in_another_store(place: Any) -> None:
    """Named by its URL; the ledger's own store then has nothing."""
    elsewhere = place.store()
    with place.open(evidence=elsewhere) as ledger:
        digest = ledger.evidence.put(b"data")
        ledger.append([place.statement(0, evidence=[digest])])
        ledger.seal(clock(0))
    evidence_of: Any = lambda statement: statement["predicate"]["evidence"]  # noqa: E731
    assert place.verify(evidence=elsewhere, evidence_of=evidence_of).ok
    assert not place.verify(evidence_of=evidence_of).ok
