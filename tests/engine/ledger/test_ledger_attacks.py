"""What an attacker could do to a ledger, and what notices."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.ledger import merkle, open_ledger, open_reader, verify_ledger
from gate.engine.ledger.note import Checkpoint
from gate.engine.ledger.receipts import load_receipt, receipt_path
from gate.engine.ledger.verify import MAX_FINDINGS, Kind, Report
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import LedgerError
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.keys import LogKey

KEY = LogKey.from_seed(bytes(range(32)))
THIEF = LogKey.from_seed(bytes(32))
ORIGIN = "gate-ledger/test"


def statement(number: int, **predicate: Any) -> bytes:
    return canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "subject", "digest": {"sha256": "0" * 64}}],
            "predicateType": "https://example.com/decision/v1",
            "predicate": {"number": number, **predicate},
        }
    )


def clock(minute: int) -> str:
    return f"2025-11-07T12:{minute:02}:00Z"


def write(path: Path, config: Path | None, numbers: list[int], key: LogKey = KEY, start: int = 0) -> None:
    with open_ledger(path, key, config_dir=config, origin=ORIGIN) as ledger:
        for minute, number in enumerate(numbers, start):
            ledger.append([statement(number)])
            ledger.seal(clock(minute))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture
def path(tmp_path: Path, config: Path) -> Path:
    """A ledger of six entries, each with a checkpoint, and of one unsealed entry."""
    path = tmp_path / "ledger"
    write(path, config, [0, 1, 2, 3, 4, 5])
    with open_ledger(path, KEY, config_dir=config) as ledger:
        ledger.append([statement(6)])
    return path


def lines(path: Path) -> list[bytes]:
    return (path / "log.intoto.jsonl").read_bytes().splitlines(keepends=True)


def rewrite(path: Path, new: list[bytes]) -> None:
    (path / "log.intoto.jsonl").write_bytes(b"".join(new))


def kinds(report: Report) -> set[Kind]:
    return {finding.kind for finding in report.problems}


def sign(payload: bytes, key: LogKey = KEY) -> bytes:
    return Envelope.sign(payload, key).line() + b"\n"


def edit(old: list[bytes]) -> list[bytes]:
    """Change a verdict inside the payload and keep the signature."""
    envelope = json.loads(old[2])
    payload = base64.b64decode(envelope["payload"]).replace(b'"number":2', b'"number":9')
    envelope["payload"] = base64.b64encode(payload).decode()
    return [*old[:2], canonical(envelope) + b"\n", *old[3:]]


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
    "tear a sealed line": (lambda old: [*old[:5], old[5][:-1]], {Kind.TRUNCATED}, None),
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
    "add rubbish": (lambda old: [*old, b"rubbish\n"], {Kind.LINE_FORM}, 8),
    "add an empty line": (lambda old: [*old, b"\n"], {Kind.LINE_FORM}, 8),
    "add a huge line": (lambda old: [*old, b"x" * 3_000_000 + b"\n"], {Kind.LINE_FORM}, 8),
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
def test_attacks_on_the_log_are_found(path: Path, name: str) -> None:
    """Without any receipt: the ledger itself shows it, with the line where one is at fault."""
    attack, expected, line = ATTACKS[name]
    assert verify_ledger(path).ok
    rewrite(path, attack(lines(path)))
    report = verify_ledger(path)
    assert kinds(report) == expected
    if line is not None:
        assert [finding.line for finding in report.problems if finding.line] == [line]
        assert f"log.intoto.jsonl, line {line}: " in str(next(f for f in report.problems if f.line))


@pytest.mark.parametrize(
    "name",
    [name for name, (_, expected, _) in ATTACKS.items() if Kind.ROOT not in expected],
)
def test_nothing_is_sealed_on_top_of_a_damaged_tail(path: Path, config: Path, name: str) -> None:
    rewrite(path, ATTACKS[name][0](lines(path)))
    before = (path / "log.intoto.jsonl").read_bytes(), (path / "checkpoint").read_bytes()
    with pytest.raises(LedgerError) as caught, open_ledger(path, KEY, config_dir=config) as ledger:
        ledger.seal(clock(30))
    assert caught.value.remedy
    assert str(caught.value.path).endswith("log.intoto.jsonl")
    assert before == ((path / "log.intoto.jsonl").read_bytes(), (path / "checkpoint").read_bytes())


def test_a_torn_sealed_line_is_never_repaired_away(path: Path, config: Path) -> None:
    """Cutting a torn tail must not eat what a checkpoint covers, even in a process that is already open."""
    with open_ledger(path, KEY, config_dir=config) as ledger:
        rewrite(path, [*lines(path)[:5], b'{"payload":"torn'])
        before = (path / "log.intoto.jsonl").read_bytes()
        with pytest.raises(LedgerError, match=r"entries sealed on .* are missing"):
            ledger.append([statement(7)])
        assert (path / "log.intoto.jsonl").read_bytes() == before
        rewrite(path, lines(path)[:4])
        with pytest.raises(LedgerError, match=r"entries sealed on .* are missing"):
            ledger.append([statement(7)])


def test_cutting_back_consistently_needs_the_receipt(path: Path, config: Path) -> None:
    """Log, checkpoint and history cut back together are a perfect older ledger; the receipt knows better."""
    rewrite(path, lines(path)[:4])
    shutil.copyfile(path / "checkpoints" / "4", path / "checkpoint")
    assert kinds(verify_ledger(path)) == {Kind.TRUNCATED}  # the history still tells
    for size in ("5", "6"):
        (path / "checkpoints" / size).unlink()
    assert verify_ledger(path).ok  # nothing inside the ledger can show it any more
    report = verify_ledger(path, config_dir=config)
    assert kinds(report) == {Kind.RECEIPT}
    assert "covers 6 entries, the log has 4" in report.problems[0].text
    with pytest.raises(LedgerError, match="cut back: it was sealed with 6 entries") as caught:
        open_ledger(path, KEY, config_dir=config)
    assert "receipt" in str(caught.value.place)


def test_deleting_the_checkpoint_is_noticed(path: Path, config: Path) -> None:
    (path / "checkpoint").unlink()
    shutil.rmtree(path / "checkpoints")
    assert kinds(verify_ledger(path, config_dir=config)) == set()  # the lines still extend the receipt
    with pytest.raises(LedgerError, match="now its checkpoint covers 0"):
        open_ledger(path, KEY, config_dir=config)


def test_a_fork_by_the_holder_of_the_key_is_found_by_the_receipt(
    path: Path, config: Path, tmp_path: Path
) -> None:
    """Two roots of one size, both signed: the ledger was written anew with the true key."""
    fork = tmp_path / "fork"
    write(fork, None, [0, 1, 2, 3, 4, 99])
    assert verify_ledger(fork).ok
    assert kinds(verify_ledger(fork, config_dir=config)) == {Kind.RECEIPT}
    with pytest.raises(
        LedgerError, match="was rewritten: its first 6 entries are not those that the receipt"
    ):
        open_ledger(fork, KEY, config_dir=config)
    write(fork, None, [100], start=10)
    with pytest.raises(LedgerError, match="was rewritten"):
        open_ledger(fork, KEY, config_dir=config)


def test_a_given_receipt_is_compared_too(path: Path, tmp_path: Path) -> None:
    fork = tmp_path / "fork"
    write(fork, None, [0, 99])
    with open_reader(fork) as reader:
        witness = reader.checkpoint()
    report = verify_ledger(path, receipt=witness)
    assert kinds(report) == {Kind.RECEIPT}
    assert "the given receipt" in report.problems[0].text


def test_everything_rewritten_with_another_key(path: Path, tmp_path: Path) -> None:
    with open_reader(path) as reader:
        pinned = reader.verifier
    forged = tmp_path / "forged"
    write(forged, None, [0, 1, 2, 3, 4, 5], key=THIEF)
    assert verify_ledger(forged).ok
    assert not verify_ledger(forged).pinned
    report = verify_ledger(forged, expected_key=pinned)
    assert Kind.KEY in kinds(report)
    assert THIEF.fingerprint in report.problems[0].text
    assert Kind.LINE_SIGNATURE in kinds(report)
    assert verify_ledger(path, expected_key=pinned).pinned
    assert verify_ledger(path, expected_key=pinned).ok


@pytest.mark.parametrize("content", [b"", b"gate-ledger/test+00000000+AAAA\n", None])
def test_a_broken_or_missing_log_key_is_found(path: Path, config: Path, content: bytes | None) -> None:
    with open_reader(path) as reader:
        pinned = reader.verifier
    vkey = path / "trust" / "log.vkey"
    vkey.unlink() if content is None else vkey.write_bytes(content)
    assert Kind.KEY in kinds(verify_ledger(path))
    assert Kind.KEY in kinds(verify_ledger(path, expected_key=pinned))
    with pytest.raises(LedgerError) as caught:
        open_ledger(path, KEY, config_dir=config)
    assert str(caught.value.path).endswith("trust/log.vkey")


def test_a_forged_checkpoint_is_found(path: Path) -> None:
    note = (path / "checkpoint").read_bytes()
    (path / "checkpoint").write_bytes(note.replace(b"T12:05", b"T11:05"))
    assert Kind.CHECKPOINT in kinds(verify_ledger(path))
    with pytest.raises(LedgerError, match="does not belong to these bytes"):
        open_ledger(path, KEY)


def test_checkpoints_of_the_history_are_all_compared(path: Path) -> None:
    history = path / "checkpoints"
    shutil.copyfile(history / "2", history / "3")
    (history / "1").write_bytes(b"rubbish")
    (history / "README").write_bytes(b"")
    (history / "6.tsr").write_bytes(b"a timestamp token")
    (history / "6").unlink()
    report = verify_ledger(path)
    assert [(finding.kind, finding.path) for finding in report.problems] == [
        (Kind.LAYOUT, "checkpoints/README"),
        (Kind.CHECKPOINT, "checkpoints/1"),
        (Kind.CHECKPOINT, "checkpoints/3"),
        (Kind.CHECKPOINT, "checkpoints/6"),
    ]


def replaced(path: Path, size: int, **changes: Any) -> None:
    """A checkpoint of the history signed anew by the true key with other content."""
    name = path / "checkpoints" / str(size)
    old = Checkpoint.open(name.read_bytes(), KEY.verifier(ORIGIN))
    values = {"size": old.size, "root": old.root, "log_bytes": old.log_bytes, "time": old.time} | changes
    name.write_bytes(Checkpoint(ORIGIN, **values).signed(KEY).note)


def test_back_dated_and_forked_checkpoints_are_found(path: Path) -> None:
    replaced(path, 3, time="2024-01-01T00:00:00Z")
    replaced(path, 4, root=merkle.EMPTY_ROOT)
    replaced(path, 5, log_bytes=1)
    report = verify_ledger(path)
    assert [(finding.kind, finding.path) for finding in report.problems] == [
        (Kind.TIME, "checkpoints/3"),
        (Kind.ROOT, "log.intoto.jsonl"),
        (Kind.ROOT, "log.intoto.jsonl"),
    ]


def test_a_second_checkpoint_of_one_size_is_not_signed(path: Path, config: Path) -> None:
    (path / "checkpoints" / "7").write_bytes(
        Checkpoint(ORIGIN, 7, merkle.EMPTY_ROOT, 1, clock(20)).signed(KEY).note
    )
    with (
        open_ledger(path, KEY, config_dir=config) as ledger,
        pytest.raises(LedgerError, match="was rewritten: its first 7 entries"),
    ):
        ledger.seal(clock(30))


def test_a_rewritten_sealed_region_is_found_when_the_frontier_is_computed_anew(
    path: Path, config: Path
) -> None:
    old = lines(path)
    rewrite(path, [old[1], old[0], *old[2:]])
    (path / "state").unlink()
    with (
        open_ledger(path, KEY, config_dir=config) as ledger,
        pytest.raises(LedgerError, match="not those that the last checkpoint"),
    ):
        ledger.seal(clock(30))


def test_reading_an_entry_that_does_not_hold_names_its_line(path: Path) -> None:
    rewrite(path, edit(lines(path)))
    with open_reader(path) as reader, pytest.raises(LedgerError) as caught:
        list(reader.entries())
    assert caught.value.place == "line 3"


@pytest.mark.parametrize("content", [b"{}", b"[]", b"rubbish", b'{"note":"x"}', b'{"note":1}'])
def test_a_changed_receipt_is_not_believed(path: Path, config: Path, content: bytes) -> None:
    verifier = KEY.verifier(ORIGIN)
    receipt_path(config, verifier).write_bytes(content)
    with pytest.raises(LedgerError, match="receipt for this ledger was changed") as caught:
        open_ledger(path, KEY, config_dir=config)
    assert "gives up" in str(caught.value.remedy)
    assert kinds(verify_ledger(path, config_dir=config)) == {Kind.RECEIPT}


def test_a_user_without_receipts_has_none(tmp_path: Path, config: Path) -> None:
    verifier = KEY.verifier(ORIGIN)
    assert load_receipt(config, verifier) is None
    config.mkdir()
    assert load_receipt(config, verifier) is None


@pytest.mark.parametrize(
    "name",
    ["log.intoto.jsonl", "checkpoint", "state", "trust", "trust/log.vkey", "checkpoints", "checkpoints/6"],
)
def test_links_in_the_ledger_are_refused(path: Path, config: Path, tmp_path: Path, name: str) -> None:
    (path / name).rename(tmp_path / "elsewhere")
    (path / name).symlink_to(tmp_path / "elsewhere")
    assert not verify_ledger(path).ok
    if name == "checkpoints/6":
        return  # writing reads no old history
    with (
        pytest.raises(LedgerError, match="regular files and directories only"),
        open_ledger(path, KEY, config_dir=config) as ledger,
    ):
        ledger.seal(clock(30))


def test_a_linked_ledger_directory_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    for attempt in (open_reader, verify_ledger, lambda where: open_ledger(where, KEY)):
        with pytest.raises(LedgerError, match="regular files and directories only") as caught:
            attempt(tmp_path / "link")
        assert caught.value.path == str(tmp_path / "link")


def test_hard_links_and_directories_in_place_of_files_are_refused(path: Path, tmp_path: Path) -> None:
    (path / "stray").mkdir()
    assert kinds(verify_ledger(path)) == {Kind.LAYOUT}
    (path / "stray").rmdir()
    (tmp_path / "second").hardlink_to(path / "log.intoto.jsonl")
    assert kinds(verify_ledger(path)) == {Kind.LAYOUT}
    with pytest.raises(LedgerError, match="such as a link"):
        open_ledger(path, KEY)


def test_a_missing_log_is_not_begun_anew(path: Path) -> None:
    (path / "log.intoto.jsonl").unlink()
    assert kinds(verify_ledger(path)) == {Kind.TRUNCATED}
    for attempt in (open_reader, lambda where: open_ledger(where, KEY)):
        with pytest.raises(LedgerError, match="the log itself is missing"):
            attempt(path)


def test_evidence_is_checked_with_the_log(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with open_ledger(path, KEY) as ledger:
        kept = ledger.evidence.put(b"kept")
        changed = ledger.evidence.put(b"changed")
        lost = "0" * 64
        ledger.append([statement(0, evidence=[kept, lost])])
        ledger.seal(clock(0))
    (path / "evidence" / "sha256" / changed[:2] / changed).chmod(0o644)
    (path / "evidence" / "sha256" / changed[:2] / changed).write_bytes(b"swapped")
    report = verify_ledger(
        path, evidence_of=lambda statement: statement["predicate"]["evidence"], digests=["f" * 64]
    )
    assert kinds(report) == {Kind.EVIDENCE}
    assert {finding.path.rpartition("/")[2] for finding in report.problems} == {changed, lost, "f" * 64}
    (path / "evidence" / "sha256" / "stray").write_text("")
    assert any("does not belong" in finding.text for finding in verify_ledger(path).problems)


def test_a_ruined_ledger_gives_a_report_of_bounded_length(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    write(path, None, [0])
    rewrite(path, [b"rubbish\n"] * (3 * MAX_FINDINGS))
    assert len(verify_ledger(path).problems) == MAX_FINDINGS
