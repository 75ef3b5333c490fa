"""The ledger in files: appending, sealing, reading, proving."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.engine.ledger import merkle, open_ledger, open_reader, verify_ledger
from gate.engine.ledger.files import storage
from gate.engine.ledger.interface import Entry
from gate.engine.ledger.receipts import load_receipt, receipt_path
from gate.engine.ledger.writer import Ledger
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import EnvironmentProblem, LedgerError
from gate.evidence.signing.dsse import max_payload_bytes
from gate.evidence.signing.keys import LogKey

KEY = LogKey.from_seed(bytes(range(32)))
OTHER = LogKey.from_seed(bytes(32))


def statement(number: int = 0, **predicate: Any) -> bytes:
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


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "ledger"


@pytest.fixture
def ledger(path: Path, config: Path) -> Iterator[Ledger]:
    with open_ledger(path, KEY, config_dir=config, origin="gate-ledger/test") as opened:
        yield opened


def test_the_store_is_a_ledger(ledger: Ledger) -> None:
    store: Ledger = ledger
    assert store.verifier.name == "gate-ledger/test"
    assert store.checkpoint() is None
    assert store.size() == 0


def test_entries_are_numbered_and_named_by_their_leaf(ledger: Ledger, path: Path) -> None:
    first = ledger.append([statement(0), statement(1)])
    second = ledger.append([statement(2)])
    lines = (path / "log.intoto.jsonl").read_bytes().splitlines()
    expected = [Entry(number, merkle.leaf_hash(line).hex()) for number, line in enumerate(lines)]
    assert first + second == expected
    assert ledger.size() == 3
    assert ledger.append([]) == []


def test_a_checkpoint_covers_everything_before_it(ledger: Ledger, path: Path) -> None:
    ledger.append([statement(number) for number in range(5)])
    sealed = ledger.seal(clock(1))
    lines = (path / "log.intoto.jsonl").read_bytes().splitlines()
    assert sealed.size == 5
    assert sealed.root == merkle.root_of(map(merkle.leaf_hash, lines))
    assert sealed.time == clock(1)
    assert ledger.checkpoint() == sealed
    assert (path / "checkpoint").read_bytes() == (path / "checkpoints" / "5").read_bytes() == sealed.note


def test_sealing_nothing_new_signs_nothing_new(ledger: Ledger) -> None:
    ledger.append([statement()])
    assert ledger.seal(clock(1)) == ledger.seal(clock(9))


def test_an_empty_ledger_can_be_sealed(ledger: Ledger, path: Path, config: Path) -> None:
    sealed = ledger.seal(clock(0))
    assert (sealed.size, sealed.root) == (0, merkle.EMPTY_ROOT)
    ledger.append([statement()])
    assert ledger.seal(clock(1)).size == 1
    assert verify_ledger(path, config_dir=config).ok


def test_the_same_inputs_give_the_same_lines(tmp_path: Path) -> None:
    """No clock, no random number and no ledger name is in a line."""
    logs = []
    for name in ("one", "two"):
        with open_ledger(tmp_path / name, KEY) as ledger:
            ledger.append([statement(number) for number in range(3)])
            ledger.seal(clock(len(name)))
        logs.append((tmp_path / name / "log.intoto.jsonl").read_bytes())
    assert logs[0] == logs[1]


def test_two_ledgers_of_one_key_have_different_names(tmp_path: Path) -> None:
    names = set()
    for name in ("one", "two"):
        with open_ledger(tmp_path / name, KEY) as ledger:
            names.add(ledger.verifier.name)
    assert len(names) == 2
    assert all(name.startswith("gate-ledger/") for name in names)


def test_a_new_ledger_takes_the_label_or_the_whole_name(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "one", KEY, label="gate.local/algo-trade") as ledger:
        assert ledger.verifier.name.startswith("gate.local/algo-trade/")
        name = ledger.verifier.name
    with open_ledger(tmp_path / "one", KEY, origin="another") as ledger:
        assert ledger.verifier.name == name


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "größe"])
def test_a_name_that_a_note_cannot_carry_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(LedgerError, match="cannot be named") as caught:
        open_ledger(tmp_path / "ledger", KEY, origin=origin)
    assert "printable ASCII" in caught.value.what
    assert not (tmp_path / "ledger").exists()


def test_a_ledger_goes_on_where_it_stopped(path: Path, config: Path) -> None:
    for number in range(12):
        with open_ledger(path, KEY, config_dir=config) as ledger:
            assert ledger.append([statement(number)])[0].index == number
            assert ledger.seal(clock(number)).size == number + 1
    report = verify_ledger(path, config_dir=config)
    assert report.ok
    assert (report.size, report.unsealed) == (12, 0)


@pytest.mark.parametrize(
    "content", [None, b"", b"{}", b'{"size":3,"frontier":["zz"]}', b'{"frontier":[],"size":3}', b"\xff"]
)
def test_the_derived_state_may_be_lost_or_wrong(path: Path, content: bytes | None) -> None:
    with open_ledger(path, KEY) as ledger:
        ledger.append([statement(number) for number in range(3)])
        ledger.seal(clock(1))
        if content is None:
            (path / "state").unlink()
        else:
            (path / "state").write_bytes(content)
        ledger.append([statement(3)])
        ledger.seal(clock(2))
    assert verify_ledger(path).ok


def test_entries_are_read_back(ledger: Ledger, path: Path) -> None:
    ledger.append([statement(number) for number in range(3)])
    ledger.seal(clock(1))
    made = ledger.append([statement(3)])
    with open_reader(path) as reader:
        found = list(reader.entries())
        assert [json.loads(entry.payload)["predicate"]["number"] for entry in found] == [0, 1, 2, 3]
        assert [entry.sealed for entry in found] == [True, True, True, False]
        assert (found[3].index, found[3].digest) == (made[0].index, made[0].digest)
        assert list(reader.entries(2)) == found[2:]
        assert list(reader.entries(verify=False)) == found
        assert reader.size() == 4


def test_proofs_hold_with_the_checkpoint_alone(ledger: Ledger) -> None:
    ledger.append([statement(number) for number in range(4)])
    old = ledger.seal(clock(1))
    ledger.append([statement(number) for number in range(4, 11)])
    new = ledger.seal(clock(2))
    for entry in ledger.entries():
        proof = ledger.inclusion_proof(entry.index)
        assert proof.leaf.hex() == entry.digest
        assert merkle.verify_inclusion(proof.leaf, proof.index, proof.size, proof.path, new.root)
    assert merkle.verify_consistency(old.size, old.root, new.size, new.root, ledger.consistency_proof(4))


def test_proofs_that_cannot_be_given(ledger: Ledger, path: Path) -> None:
    with pytest.raises(LedgerError, match="never sealed"):
        ledger.inclusion_proof(0)
    ledger.append([statement(0), statement(1)])
    ledger.seal(clock(1))
    with pytest.raises(LedgerError, match="entry 2 is not covered"):
        ledger.inclusion_proof(2)
    with pytest.raises(LedgerError, match="cannot extend 3"):
        ledger.consistency_proof(3)
    log = path / "log.intoto.jsonl"
    log.write_bytes(b"".join(reversed(log.read_bytes().splitlines(keepends=True))))
    with pytest.raises(LedgerError, match="no longer gives the root"):
        ledger.inclusion_proof(0)


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        (b"", "not canonical JSON"),
        (statement() + b"\n", "not canonical JSON"),
        (statement().replace(b'"number":0', b'"number":0.5'), "not canonical JSON"),
        (b"{}", "no in-toto Statement"),
        (statement(text="x" * max_payload_bytes()), "a line takes 48975"),
    ],
)
def test_what_is_no_statement_is_not_recorded(ledger: Ledger, path: Path, payload: bytes, what: str) -> None:
    with pytest.raises(LedgerError, match=what) as caught:
        ledger.append([statement(), payload])
    assert "statement 1" in caught.value.what
    assert caught.value.remedy
    assert (path / "log.intoto.jsonl").read_bytes() == b""


def test_another_key_is_refused_by_name(path: Path) -> None:
    open_ledger(path, KEY).close()
    with pytest.raises(LedgerError) as caught:
        open_ledger(path, OTHER)
    assert KEY.fingerprint in caught.value.what
    assert OTHER.fingerprint in caught.value.what
    assert "GATE_CONFIG_DIR" in str(caught.value.remedy)
    assert caught.value.path == str(path / "trust" / "log.vkey")


def test_there_is_no_ledger_here(path: Path) -> None:
    for attempt in (open_reader, verify_ledger):
        with pytest.raises(LedgerError, match="no ledger here") as caught:
            attempt(path)
        assert "gate evaluate" in str(caught.value.remedy)
    path.mkdir(parents=True)
    with pytest.raises(LedgerError, match="no ledger here"):
        open_reader(path)


def test_time_is_given_in_one_form(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="YYYY-MM-DDTHH:MM:SSZ"):
        ledger.seal("2025-11-07 12:00:00")


def test_a_clock_slightly_behind_keeps_the_last_time(ledger: Ledger) -> None:
    ledger.append([statement(0)])
    ledger.seal(clock(10))
    ledger.append([statement(1)])
    assert ledger.seal(clock(5)).time == clock(10)


def test_a_clock_running_backwards_does_not_seal(ledger: Ledger) -> None:
    """Back-dating a decision."""
    ledger.append([statement(0)])
    ledger.seal(clock(10))
    ledger.append([statement(1)])
    with pytest.raises(LedgerError, match=r"runs backwards.* 360 seconds") as caught:
        ledger.seal(clock(4))
    assert "clock" in str(caught.value.remedy)
    assert ledger.seal(clock(11)).size == 2


def test_the_receipt_remembers_the_last_seal(ledger: Ledger, config: Path) -> None:
    ledger.append([statement()])
    sealed = ledger.seal(clock(1))
    assert load_receipt(config, ledger.verifier) == sealed
    assert json.loads(receipt_path(config, ledger.verifier).read_bytes())["size"] == 1


def test_a_receipt_that_lagged_behind_is_caught_up(ledger: Ledger, config: Path) -> None:
    """The process was killed between publishing the checkpoint and writing the receipt."""
    ledger.append([statement(0)])
    ledger.seal(clock(1))
    old = receipt_path(config, ledger.verifier).read_bytes()
    ledger.append([statement(1)])
    sealed = ledger.seal(clock(2))
    receipt_path(config, ledger.verifier).write_bytes(old)
    assert ledger.seal(clock(3)) == sealed
    assert load_receipt(config, ledger.verifier) == sealed


def test_a_checkpoint_that_a_crash_left_in_the_history_is_taken_over(ledger: Ledger, path: Path) -> None:
    """The process was killed between writing the history and the checkpoint: no second one is signed."""
    ledger.append([statement(0)])
    ledger.seal(clock(1))
    before = (path / "checkpoint").read_bytes()
    ledger.append([statement(1)])
    sealed = ledger.seal(clock(2))
    (path / "checkpoint").write_bytes(before)
    receipt = receipt_path(ledger._config_dir, ledger.verifier) if ledger._config_dir else None
    assert receipt is not None
    receipt.unlink()
    assert ledger.seal(clock(3)) == sealed


def test_a_torn_last_line_is_cut_off(ledger: Ledger, path: Path) -> None:
    ledger.append([statement(0)])
    ledger.seal(clock(1))
    ledger.append([statement(1)])
    with (path / "log.intoto.jsonl").open("ab") as stream:
        stream.write(b'{"payload":"half a li')
    report = verify_ledger(path)
    assert (report.ok, report.unsealed, report.torn_tail_bytes) == (True, 1, 21)
    assert ledger.size() == 2
    assert ledger.seal(clock(2)).size == 2
    assert ledger.append([statement(2)])[0].index == 2
    assert verify_ledger(path).torn_tail_bytes == 0


def test_a_failed_fdatasync_ends_this_writer(
    ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After EIO the kernel forgets what it could not write; a second try would lie."""

    def broken(handle: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "datasync", broken)
        with pytest.raises(EnvironmentProblem, match="not be made durable: Input/output error"):
            ledger.append([statement()])
    for attempt in (lambda: ledger.append([statement()]), lambda: ledger.seal(clock(1))):
        with pytest.raises(EnvironmentProblem, match="nothing more is written"):
            attempt()
    with open_ledger(path, KEY) as again:
        assert again.seal(clock(1)).size == 1


def test_recording_imports_no_heavy_library() -> None:
    """A cold start pays for the signing library and nothing else."""
    code = (
        "import sys, gate.engine.ledger.writer, gate.engine.ledger.files.storage, gate.engine.ledger.verify\n"
        "import gate.evidence.signing.statements\n"
        "heavy = {'pydantic', 'cryptography', 'orjson', 'yaml', 'jsonschema_rs', 'platformdirs'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"[]\n"


def test_files_are_closed(path: Path) -> None:
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()  # noqa: PTH208
    for _ in range(5):
        with open_ledger(path, KEY) as ledger:
            ledger.append([statement()])
            ledger.seal(clock(1))
            ledger.evidence.put(b"data")
        verify_ledger(path)
        with pytest.raises(LedgerError):
            open_ledger(path, OTHER)
    if before:
        assert len(set(os.listdir("/proc/self/fd")) - before) <= 1  # noqa: PTH208 - descriptors, not files
    ledger.close()
