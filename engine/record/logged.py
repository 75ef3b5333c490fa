"""Steps of a verification about the log: who signed entries, where in it they are, who vouches for that."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..decision import statement as statements
from ..decision.document import Decision
from ..ledger.authorities.timestamp import stamped
from ..ledger.authorities.witness import cosignatures
from ..ledger.keychain import KeyChain
from ..ledger.merkle import leaf_hash, verify_inclusion
from ..ledger.note import CLOCK_SKEW_S, Checkpoint, check_time
from ..policy.interface import Bundle
from . import contents
from .archive import MAX_FILES, BadRecordError
from .trusted import log_key

_MAX_HASHES: Final = 64


@dataclass(slots=True)
class Seen:
    """What earlier steps found, for later ones."""

    files: Mapping[str, bytes]
    pinned: str
    lines: list[bytes] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    cosigned: list[bytes] = field(default_factory=list)
    index: int = 0
    decision: Decision | None = None
    document: dict[str, Any] = field(default_factory=dict)
    bundle: Bundle | None = None


def file_of(seen: Seen, name: str) -> bytes:
    """A file of the record. Raises BadRecordError: it is not there."""
    if name not in seen.files:
        raise BadRecordError(f"there is no {name}")
    return seen.files[name]


def extension_of(seen: Seen) -> dict[str, Any]:
    """What the decision's entry says in our own fields."""
    return statements.summary(seen.statements[0]) or {}


def version_of(seen: Seen) -> str:
    """The version of gate that wrote the record."""
    return str(json.loads(file_of(seen, contents.ABOUT))["gate"])


def check_entries(seen: Seen) -> str:
    """The signature of each entry, and whether they are a decision and what was attached to it."""
    key = log_key(seen.files)
    data = file_of(seen, contents.ENTRIES)
    if not data.endswith(b"\n"):
        raise BadRecordError(f"{contents.ENTRIES} does not end with a line feed")
    seen.lines = data[:-1].split(b"\n", MAX_FILES)
    if len(seen.lines) > MAX_FILES:
        raise BadRecordError(f"{contents.ENTRIES} has more than {MAX_FILES} entries")
    for number, line in enumerate(seen.lines):
        statement = json.loads(KeyChain.begin(key).check(0, line)[0].payload)
        seen.statements.append(statement)
        kind = statements.kind_of(statement)
        statements.documents(statement)  # refuses what breaks its contract
        if kind != ("evidence" if number else statements.DECISION):
            raise BadRecordError(f"entry {number + 1} is of kind {kind or 'unknown'}")
    named = extension_of(seen)["decision"]["sha256"]
    if any(one["predicate"]["decision"] != named for one in seen.statements[1:]):
        raise BadRecordError("something was attached to another decision")
    if contents.sigstore_bundle(json.loads(seen.lines[0])) != file_of(seen, contents.SIGSTORE):
        raise BadRecordError(f"{contents.SIGSTORE} has another entry")
    return f"{len(seen.lines)} signed by {key.name} ({key.fingerprint})"


def check_log(seen: Seen) -> str:
    """Whether signed checkpoints cover the entries."""
    key, places = log_key(seen.files), []
    for number, line in enumerate(seen.lines, 1):
        index, path, note = read_proof(file_of(seen, contents.proof_of(number, "tlog-proof")))
        checkpoint = Checkpoint.open(note, key)
        if not verify_inclusion(leaf_hash(line), index, checkpoint.size, path, checkpoint.root):
            raise BadRecordError(f"entry {number} is not the one at {index} of the log")
        stated = file_of(seen, contents.proof_of(number, "checkpoint"))
        if not note.startswith(stated):
            raise BadRecordError(f"{contents.proof_of(number, 'checkpoint')} is another one than the proof's")
        seen.checkpoints.append(Checkpoint.open(stated, key))
        seen.cosigned.append(note[len(stated) :])
        places.append(index)
    if sorted(set(places[1:])) != places[1:] or places[0] in places[1:]:
        raise BadRecordError("entries are given twice, or not in order")
    seen.index = places[0]
    digest = extension_of(seen)["decision"]["sha256"]
    if file_of(seen, contents.ABOUT) != contents.about(digest, seen.index, version_of(seen)):
        raise BadRecordError(f"{contents.ABOUT} is about another entry, or of another kind")
    first = seen.checkpoints[0]
    return f"entry {seen.index} of {key.name}, sealed on {first.time} with {first.size} entries"


def check_authorities(seen: Seen) -> str | None:
    """Time stamps and cosignatures of all checkpoints, where the trust material names who gives them."""
    anchors, policy = (seen.files.get(name) for name in (contents.ANCHOR, contents.WITNESSES))
    found: list[str] = []
    for number, checkpoint in enumerate(seen.checkpoints, 1):
        stamp = contents.proof_of(number, "tsr")
        if anchors is not None:
            time = stamped(file_of(seen, stamp), checkpoint.note, anchors)
            if check_time(checkpoint.time) > check_time(time) + CLOCK_SKEW_S:
                raise BadRecordError(f"the checkpoint says {checkpoint.time}, its time stamp {time}")
            found.append(f"stamped on {time}")
        if policy is not None:
            found.append(cosigned(checkpoint, seen.cosigned[number - 1], policy))
    return "; ".join(dict.fromkeys(found)) or None


def read_proof(data: bytes) -> tuple[int, list[bytes], bytes]:
    """Index, audit path and checkpoint of a c2sp.org/tlog-proof. Raises BadRecordError: it is none."""
    head, _, note = data.partition(b"\n\n")
    title, *rows = head.decode("utf-8", "replace").split("\n")
    try:
        if title != "c2sp.org/tlog-proof@v1" or not rows[0].startswith("index ") or len(rows) > _MAX_HASHES:
            raise ValueError("its first lines are others")
        index = int(rows[0][6:])
        path = [base64.b64decode(row, validate=True) for row in rows[1:]]
    except (ValueError, IndexError, binascii.Error) as error:
        raise BadRecordError(f"a proof is malformed: {error}") from error
    again = [title, f"index {index}", *(base64.b64encode(one).decode() for one in path)]
    if "\n".join(again).encode() != head:
        raise BadRecordError("a proof is not written as gate writes it")
    return index, path, note


def cosigned(checkpoint: Checkpoint, lines: bytes, policy: bytes) -> str:
    """Who cosigned, in words. Raises BadRecordError: too few of those in the policy; SignatureError."""
    keys, quorum = contents.parse_witness_policy(policy)
    given = cosignatures(checkpoint, lines, keys) if lines else {}
    if len(given) < quorum:
        raise BadRecordError(f"{len(given)} witnesses cosigned the checkpoint, {quorum} are needed")
    return "cosigned by " + ", ".join(sorted(f"{key.name} on {time}" for key, (_, time) in given.items()))
