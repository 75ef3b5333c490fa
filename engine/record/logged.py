"""Steps of a verification about the log: who signed entries, where in it they are, who vouches for that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from ...evidence.base.numbers import counted
from ..decision.document import Decision
from ..entries import statement as statements
from ..ledger.authorities.timestamp import stamped
from ..ledger.authorities.witness import cosignatures
from ..ledger.keychain import KeyChain
from ..ledger.merkle import leaf_hash, verify_inclusion
from ..ledger.note import CLOCK_SKEW_S, Checkpoint, check_time
from ..policy.interface import Bundle
from . import contents
from .archive import BadRecordError, demand
from .trusted import chain_of, check_entry, check_events, lines_of, open_checkpoint, signed_by


class Seen(Struct):
    """What earlier steps found, for later ones."""

    files: Mapping[str, bytes]
    pinned: str
    chain: KeyChain | None = None
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
    demand(name in seen.files, f"there is no {name}")
    return seen.files[name]


def chain_in(seen: Seen) -> KeyChain:
    """The log's keys. Raises BadRecordError: they were not read."""
    if seen.chain is None:
        raise BadRecordError("the log's keys are not known")
    return seen.chain


def summary_of(seen: Seen) -> statements.Summary:
    """What the decision's entry says of it. Raises BadRecordError: it is no decision's."""
    found = statements.summary(seen.statements[0])
    if found is None:
        raise BadRecordError("the first entry is no decision")
    return found


def version_of(seen: Seen) -> str:
    """The version of gate that wrote the record."""
    return str(json.loads(file_of(seen, contents.ABOUT))["gate"])


def check_entries(seen: Seen) -> str:
    """The signature of each entry, and whether they are a decision and what was attached to it."""
    seen.chain = chain = chain_of(seen.files)
    seen.lines = lines_of(seen.files, contents.ENTRIES)
    for number, line in enumerate(seen.lines):
        place, _, _ = contents.read_proof(file_of(seen, contents.proof_of(number + 1, "tlog-proof")))
        statement = check_entry(chain, number + 1, place, line)  # whether it is there, `check_log` sees
        seen.statements.append(statement)
        kind = statements.kind_of(statement)
        statements.documents(statement)  # refuses what breaks its contract
        if kind != ("evidence" if number else statements.DECISION):
            raise BadRecordError(f"entry {number + 1} is of kind {kind or 'unknown'}")
    named = summary_of(seen).decision
    if any(one["predicate"]["decision"] != named for one in seen.statements[1:]):
        raise BadRecordError("something was attached to another decision")
    if contents.sigstore_bundle(json.loads(seen.lines[0])) != file_of(seen, contents.SIGSTORE):
        raise BadRecordError(f"{contents.SIGSTORE} has another entry")
    return signed_by(chain, seen.lines)


def check_log(seen: Seen) -> str:
    """Whether signed checkpoints cover the entries."""
    chain, places, notes = chain_in(seen), [], []
    for number, line in enumerate(seen.lines, 1):
        index, path, note = contents.read_proof(file_of(seen, contents.proof_of(number, "tlog-proof")))
        checkpoint = open_checkpoint(chain, note)
        if not verify_inclusion(leaf_hash(line), index, checkpoint.size, path, checkpoint.root):
            raise BadRecordError(f"entry {number} is not the one at {index} of the log")
        stated = file_of(seen, contents.proof_of(number, "checkpoint"))
        if not note.startswith(stated):
            raise BadRecordError(f"{contents.proof_of(number, 'checkpoint')} is another one than the proof's")
        seen.checkpoints.append(open_checkpoint(chain, stated))
        notes.append(note)
        seen.cosigned.append(note[len(stated) :])
        places.append(index)
    if sorted(set(places[1:])) != places[1:] or places[0] in places[1:]:
        raise BadRecordError("entries are given twice, or not in order")
    seen.index = places[0]
    digest = summary_of(seen).decision
    if file_of(seen, contents.ABOUT) != contents.about(digest, seen.index, version_of(seen)):
        raise BadRecordError(f"{contents.ABOUT} is about another entry, or of another kind")
    first = seen.checkpoints[0]
    check_events(chain, seen.files, notes[0], first)
    entries = counted(first.size, "entry")
    return f"entry {seen.index} of {chain.founding.name}, sealed on {first.time} with {entries}"


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


def cosigned(checkpoint: Checkpoint, lines: bytes, policy: bytes) -> str:
    """Who cosigned, in words. Raises BadRecordError: too few of those in the policy; SignatureError."""
    keys, quorum = contents.parse_witness_policy(policy)
    given = cosignatures(checkpoint, lines, keys) if lines else {}
    demand(len(given) >= quorum, f"cosigned by {counted(len(given), 'witness')}, needs {quorum}")
    return "cosigned by " + ", ".join(sorted(f"{key.name} on {time}" for key, (_, time) in given.items()))
