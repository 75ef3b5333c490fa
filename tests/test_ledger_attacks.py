"""What an attacker can do to a ledger of decisions, and what `gate` says about it.

Ledgers that were set back, replaced or written with another key are in test_ledger_receipts.py; forks, in
test_ledger_witness.py.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from gate.evidence.base.canonical import canonical
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.keys import LogKey, VerifierKey, load_or_create_log_key

Gate = Callable[..., Any]
Lines = list[bytes]
CLOCK = b'"timeVerified":"2025-11-07T12:00:00Z"'


def owner() -> LogKey:
    """The log key, as whoever stole it has it."""
    key = load_or_create_log_key(Path(os.environ["GATE_CONFIG_DIR"]))[0]
    assert key is not None
    return key


def payload(line: bytes) -> bytes:
    return base64.b64decode(json.loads(line)["payload"])


def signed(data: bytes, key: LogKey) -> bytes:
    return Envelope.sign(data, key).line()


def edited(line: bytes) -> bytes:
    """The line with PASSED in place of FAILED and its old signature."""
    envelope = json.loads(line)
    data = payload(line).replace(b"FAILED", b"PASSED")
    assert data != payload(line)
    return canonical({**envelope, "payload": base64.b64encode(data).decode()})


def malleable(line: bytes) -> bytes:
    """The line with the same signature in another form: its scalar plus the order of the group."""
    envelope = json.loads(line)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    envelope["signatures"][0]["sig"] = base64.b64encode(signature[:32] + scalar).decode()
    return canonical(envelope)


def with_payload(old: bytes, new: bytes) -> Callable[[Lines], Lines]:
    """Add an entry that the owner's key signed, whose payload has `new` in place of `old`."""

    def attack(lines: Lines) -> Lines:
        data = payload(lines[0])
        assert old in data
        return [*lines, signed(data.replace(old, new, 1), owner())]

    return attack


ON_LINES: dict[str, Callable[[Lines], Lines]] = {
    "edit": lambda lines: [edited(lines[0]), *lines[1:]],
    "edit and sign with another key": lambda lines: [
        signed(payload(edited(lines[0])), LogKey.from_seed(bytes(32))),
        *lines[1:],
    ],
    "edit and sign with the stolen key": lambda lines: [
        signed(payload(edited(lines[0])), owner()),
        *lines[1:],
    ],
    "insert": lambda lines: [lines[0], lines[2], *lines[1:]],
    "replay at the beginning": lambda lines: [lines[2], *lines],
    "reorder": lambda lines: [lines[1], lines[0], lines[2]],
    "drop": lambda lines: [lines[0], lines[2]],
    "cut off": lambda lines: lines[:2],
    "cut off everything": lambda lines: [],
    "another form of the signature": lambda lines: [malleable(lines[0]), *lines[1:]],
    "blanks": lambda lines: [lines[0].replace(b'","', b'", "'), *lines[1:]],
    "duplicate key": with_payload(CLOCK, CLOCK + b"," + CLOCK),
    "float": with_payload(CLOCK, b'"timeVerified":1.5'),
    "minus zero": with_payload(CLOCK, b'"timeVerified":-0'),
    "other escape": with_payload(b"FAILED", b"FA\\u0049LED"),
    "add an entry by another key": lambda lines: [
        *lines,
        signed(payload(lines[0]), LogKey.from_seed(bytes(32))),
    ],
    "depth bomb": lambda lines: [*lines, b'{"payload":' * 5000],
    "huge line": lambda lines: [*lines, b"x" * 2_000_000],
}


@pytest.fixture
def root(recorded: Callable[..., Path]) -> Path:
    """A workspace with three recorded decisions."""
    return recorded("algo-trade", "stage1", "stage2", "stage3")


def test_changed_lines_are_found(root: Path, gate: Gate, tmp_path: Path) -> None:
    """By verification, without any receipt; by every reader of sealed lines; and nothing is added on top."""
    log = root / "ledger" / "log.intoto.jsonl"
    whole = log.read_bytes()
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    assert gate("ledger", "verify", "-w", root, env=stranger).code == 0
    for name, attack in ON_LINES.items():
        shutil.rmtree(tmp_path / "stranger", ignore_errors=True)
        log.write_bytes(b"".join(line + b"\n" for line in attack(whole.splitlines())))
        for env in (None, stranger):
            done = gate("ledger", "verify", "-w", root, env=env)
            assert (done.code, "NOT sound" in done.out) == (1, True), name
            assert "log.intoto.jsonl" in done.out, name
        for command in (("status",), ("ledger", "show"), ("explain", "2"), ("ledger", "export")):
            read = gate(*command, "-w", root)
            assert (read.code, read.err.startswith("ledger error")) == (2, True), (name, command)
    log.write_bytes(whole)
    assert gate("ledger", "verify", "-w", root).code == 0


@pytest.mark.soak
@pytest.mark.parametrize(
    "name", ["duplicate key", "float", "add an entry by another key", "cut off", "depth bomb", "huge line"]
)
def test_nothing_is_recorded_on_top_of_them(root: Path, gate: Gate, name: str) -> None:
    log = root / "ledger" / "log.intoto.jsonl"
    log.write_bytes(b"".join(line + b"\n" for line in ON_LINES[name](log.read_bytes().splitlines())))
    checkpoint = (root / "ledger" / "checkpoint").read_bytes()
    done = gate("evaluate", "stage1", "-w", root, "--quiet")
    assert done.code == 2
    assert done.err.startswith("ledger error")
    assert (root / "ledger" / "checkpoint").read_bytes() == checkpoint


def link(path: Path, aside: Path) -> None:
    path.rename(aside)
    path.symlink_to(aside)


def hard_link(path: Path, aside: Path) -> None:
    aside.hardlink_to(path)


def fifo(path: Path, aside: Path) -> None:
    path.rename(aside)
    os.mkfifo(path)


def swap(path: Path, aside: Path) -> None:
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])


FILES = ("log.intoto.jsonl", "checkpoint", "checkpoints/2", "trust/log.vkey", "evidence")


@pytest.mark.soak
@pytest.mark.parametrize("attack", [link, hard_link, fifo, swap], ids=lambda attack: attack.__name__)
def test_files_that_were_exchanged_are_found(
    root: Path, gate: Gate, tmp_path: Path, attack: Callable[[Path, Path], None]
) -> None:
    """No link is followed, nothing hangs, and no changed byte is taken for the old one."""
    ledger = root / "ledger"
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    shutil.copytree(ledger, tmp_path / "good")
    for name in FILES:
        path = ledger / name
        if name == "evidence":
            path = next(one for one in sorted(path.rglob("*")) if one.is_file())
        attack(path, tmp_path / "aside")
        done = gate("ledger", "verify", "-w", root, env=stranger)
        assert (done.code, "NOT sound" in done.out) == (1, True), name
        shutil.rmtree(ledger)
        shutil.copytree(tmp_path / "good", ledger)
        (tmp_path / "aside").unlink(missing_ok=True)
        shutil.rmtree(tmp_path / "stranger", ignore_errors=True)


def test_a_weak_log_key_is_refused(root: Path, gate: Gate) -> None:
    """A key of low order, for which anybody can make signatures that hold."""
    vkey = root / "ledger" / "trust" / "log.vkey"
    key = VerifierKey.parse(vkey.read_text())
    for weak in (b"\x01" + bytes(31), bytes(32)):
        structs.force_setattr(key, "public", weak)
        vkey.write_text(f"{key}\n")
        stranger = {"GATE_CONFIG_DIR": str(root.parent / "stranger")}
        done = gate("ledger", "verify", "-w", root, env=stranger)
        assert done.code == 1
        assert "trust/log.vkey" in done.out
        assert gate("status", "-w", root, env=stranger).code == 2


def test_back_dated_entries_are_refused(root: Path, gate: Gate) -> None:
    """A clock that runs backwards seals nothing; a checkpoint with another time does not hold."""
    checkpoint = root / "ledger" / "checkpoint"
    text = checkpoint.read_text()
    checkpoint.write_text(text.replace("\ntime 20", "\ntime 19"))
    assert gate("ledger", "verify", "-w", root).code == 1
    assert gate("status", "-w", root).code == 2
