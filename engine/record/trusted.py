"""Whose keys may have signed a record's entries and checkpoints.

A log that never changed its keys has one, in `contents.LOG_KEY`. Of another log, a record has all key events,
and what follows from them, for tools that read no JSON: which key signs which entries, and who the key admins
were. All that decides is trust material. Only keys in force may have signed the checkpoints of such a record:
whoever stole a key that was replaced could still sign an old state of the log, or a fork of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...evidence.base.canonical import manifest_bytes, sha256_hex
from ...evidence.base.numbers import counted
from ...evidence.signing.dsse import Envelope
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import SignatureError
from ...evidence.signing.sshsig import PublicKey
from ..ledger.keychain import NAMESPACE, Admins, KeyChain, NotCounted
from ..ledger.merkle import leaf_hash, verify_inclusion
from ..ledger.note import Checkpoint
from . import contents
from .archive import MAX_FILES, BadRecordError, demand
from .contents import LOG_KEY


def log_key(files: Mapping[str, bytes]) -> VerifierKey:
    """The key that the log was begun with. Raises BadRecordError: there is none."""
    try:
        key = VerifierKey.parse(files[LOG_KEY].decode("ascii", "replace"))
    except KeyError:
        raise BadRecordError(f"there is no {LOG_KEY}") from None
    except SignatureError as problem:
        raise BadRecordError(f"{LOG_KEY}: {problem.reason}") from None
    demand(f"{key}\n".encode() == files[LOG_KEY], f"{LOG_KEY} is not written as gate writes it")
    return key


def chain_of(files: Mapping[str, bytes]) -> KeyChain:
    """The log's keys, by the key events in the record; their places in the log are not checked yet.

    Raises BadRecordError: a key event does not count, or the files say something else than the events.
    """
    founding = log_key(files)
    if contents.KEY_EVENTS not in files and contents.LOG_KEYS not in files:
        return KeyChain.begin(founding)
    lines = lines_of(files, contents.KEY_EVENTS)
    try:
        text, threshold = (files[name].decode() for name in (contents.KEY_ADMINS, contents.KEY_THRESHOLD))
        admins = Admins.parse(text, int(threshold), contents.KEY_ADMINS)
        chain = KeyChain.begin(founding, admins)
        for number, line in enumerate(lines, 1):
            index, _, _ = contents.read_proof(_proof(files, number))
            if chain.events and index <= chain.events[-1][0]:
                raise BadRecordError("key events are given twice, or not in order")
            chain = chain.replayed([(index, line)])
    except KeyError as error:
        raise BadRecordError(f"there is no {error.args[0]}") from None
    except NotCounted as problem:
        raise BadRecordError(f"key event {number} does not count: {problem}") from None
    for name, data in key_files(chain).items():
        demand(files.get(name) == data, f"{name} is not what the key events say")
    return chain


def key_files(chain: KeyChain) -> dict[str, bytes]:
    """What a record says of the keys of a log, but for the proofs of key events; nothing without them."""
    if not chain.events:
        return {}
    found = {
        contents.KEY_EVENTS: b"".join(line + b"\n" for _, line in chain.events),
        contents.LOG_KEYS: "".join(_rows(chain)).encode(),
    }
    now = KeyChain.begin(chain.founding, chain.pinned)
    found |= _admins(now.admins, "")
    for number, (index, line) in enumerate(chain.events, 1):
        before, now = now.admins, now.replayed([(index, line)])
        predicate = json.loads(Envelope.parse(line).payload)["predicate"]
        found[f"keys/{number}.json"] = predicate["event"].encode()
        for other, armored in enumerate(predicate["signatures"], 1):
            found[f"keys/{number}.{other}.sig"] = armored.encode()
        if now.admins != before:
            found |= _admins(now.admins, f".{number}")
    signed = {name: sha256_hex(data) for name, data in found.items() if name.endswith(".json")}
    return found | {contents.EVENT_DIGESTS: manifest_bytes(signed)}


def _rows(chain: KeyChain) -> Iterator[str]:
    """Key, purpose, first entry that it may sign, and first one after that which does not count."""
    for one in chain.signers:
        yield f"{one.key} {one.purpose} {one.start} {'-' if one.end is None else one.end}\n"


def _admins(admins: Admins | None, suffix: str) -> dict[str, bytes]:
    if admins is None:
        return {}
    rows = [
        f'{name} namespaces="{NAMESPACE}" {PublicKey.parse(blob).kind} {base64.b64encode(blob).decode()}\n'
        for blob, name in admins.keys.items()
    ]
    return {
        f"{contents.KEY_ADMINS}{suffix}": "".join(rows).encode(),
        f"{contents.KEY_THRESHOLD}{suffix}": f"{admins.threshold}\n".encode(),
    }


def open_checkpoint(chain: KeyChain, note: bytes) -> Checkpoint:
    """A checkpoint that a key in force signed. Raises SignatureError: none did."""
    in_force = tuple(one for one in chain.signers if one.ended_by is None)
    return replace(chain, signers=in_force).open(note)


def check_entry(chain: KeyChain, number: int, index: int, line: bytes) -> dict[str, Any]:
    """The statement of an entry that counts at an index. Raises BadRecordError; SignatureError."""
    envelope, void = chain.check(index, line)
    demand(void is None, f"entry {number} does not count: {void}")
    statement: dict[str, Any] = json.loads(envelope.payload)
    return statement


def check_events(chain: KeyChain, files: Mapping[str, bytes], note: bytes, root: Checkpoint) -> None:
    """Whether all key events are in the log which a checkpoint covers. Raises BadRecordError."""
    for number, (index, line) in enumerate(chain.events, 1):
        _, path, stated = contents.read_proof(_proof(files, number))
        demand(stated == note, f"key event {number} is proved under another checkpoint than the decision")
        if not verify_inclusion(leaf_hash(line), index, root.size, path, root.root):
            raise BadRecordError(f"key event {number} is not the entry at {index} of the log")


def last_event(chain: KeyChain) -> int:
    """Index of the last key event, -1 without one; only keys in force sign checkpoints that cover it."""
    return chain.events[-1][0] if chain.events else -1


def signed_by(chain: KeyChain, lines: list[bytes]) -> str:
    """Who signed entries, in words."""
    keys = ", ".join(dict.fromkeys(Envelope.parse(line).keyid for line in lines))
    events, admins = len(chain.events), chain.pinned
    by = f"; its key admins signed {counted(events, 'key event')}" if events and admins else ""
    return f"{len(lines)} signed by {chain.founding.name} ({keys}){by}"


def lines_of(files: Mapping[str, bytes], name: str) -> list[bytes]:
    """The entries in a file of the record. Raises BadRecordError: too many, or no line feed at the end."""
    demand(name in files, f"there is no {name}")
    data = files[name]
    demand(data.endswith(b"\n"), f"{name} does not end with a line feed")
    lines = data[:-1].split(b"\n", MAX_FILES)
    demand(len(lines) <= MAX_FILES, f"{name} has more than {MAX_FILES} entries")
    return lines


def _proof(files: Mapping[str, bytes], number: int) -> bytes:
    name = contents.proof_of(f"key-{number}", "tlog-proof")
    demand(name in files, f"there is no {name}")
    return files[name]
