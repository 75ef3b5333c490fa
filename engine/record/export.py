"""Makes the record of a decision from its ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ... import __version__
from ...evidence.base.errors import LedgerError
from ...evidence.signing.problems import SignatureError
from .. import recording
from ..context import Context
from ..decision.document import Decision
from ..entries import statement as statements
from ..entries.reading import DecisionEntry, entries
from ..ledger.authorities.timestamp import stamped
from ..ledger.findings import Authorities
from ..ledger.interface import COSIGNATURES, RESTORE, TIMESTAMP, Entry, LoggedEntry
from ..ledger.merkle import inclusion_proof, leaf_hash, root_of
from ..ledger.note import Checkpoint
from ..ledger.proof import Proof
from ..ledger.reader import LedgerReader
from ..witnessing import authorities
from . import contents
from .archive import BadRecordError
from .logged import cosigned
from .page import page
from .signed import members
from .trusted import key_files, last_event
from .verify import WRONG, verify


class Exported(Struct, frozen=True):
    """A record that was made: its files by name, the digest of trust, the decision and its entry."""

    files: dict[str, bytes]
    trust: str
    decision: Decision
    index: int
    log: str


def export(context: Context, target: str, config_dir: Path, anchor: Path | None = None) -> Exported:
    """The record of a recorded decision, which was verified.

    Args:
        target: the decision, as `recording.located` takes it.
        config_dir: where the receipts are.
        anchor: PEM file of the time-stamping authority; the configured one if None.

    Raises UsageError: there is no such decision, or the record would be too large; LedgerError: something
    that it needs is missing or damaged, no checkpoint covers it, or not the one that authorities vouch for.
    """
    vouching = authorities(context, anchor)
    with recording.located(context, target, config_dir) as (ledger, found):
        return export_from(ledger, found, vouching)


def export_from(ledger: LedgerReader, found: DecisionEntry, vouching: Authorities) -> Exported:
    """The record of a decision in an opened ledger. Raises as `export`."""
    digest = found.summary.decision
    later = [
        one.entry.index
        for one in entries(ledger)
        if one.kind == "evidence"
        and one.void is None
        and one.statement.get("predicate", {}).get("decision") == digest
    ]
    lines = [next(ledger.entries(index)) for index in (found.entry.index, *later)]
    files = _documents(ledger, found.summary)
    files |= _trust(ledger, vouching, files)
    files |= key_files(ledger.chain) | dict(_proofs(ledger, lines, vouching))
    parsed = [json.loads(line.payload) for line in lines]
    for statement in parsed[1:]:
        files |= {
            contents.evidence_of(one): ledger.evidence.get(one) for one in statements.documents(statement)
        }
    log = ledger.verifier.name
    decision = Decision.from_json(json.loads(files[contents.DECISION]))
    first = Entry(lines[0].index, lines[0].digest)
    files |= {
        contents.ENTRIES: b"".join(line.line + b"\n" for line in lines),
        contents.SIGSTORE: contents.sigstore_bundle(json.loads(lines[0].line)),
        contents.ABOUT: contents.about(digest, first.index, __version__),
        contents.PAGE: page(decision, first, parsed[1:]),
        contents.HOWTO: contents.howto(),
    }
    files[contents.MANIFEST] = contents.manifest_of(files)
    contents.check_size(files)
    trust = contents.trust_digest(files)
    wrong = [check for check in verify(files, trust).checks if check.state == WRONG]
    if wrong:
        what = f"no record can be made of this decision: {wrong[0].text}"
        raise LedgerError(what, path=wrong[0].name, remedy=RESTORE)
    return Exported(files, trust, decision, first.index, log)


def _documents(ledger: LedgerReader, summary: statements.Summary) -> dict[str, bytes]:
    """What the decision's entry names, and what these documents name."""
    named = {
        contents.DECISION: summary.decision, contents.INPUT: summary.input, contents.POLICY: summary.bundle
    }  # fmt: skip
    files = {name: ledger.evidence.get(digest) for name, digest in named.items()}
    try:
        document = json.loads(files[contents.INPUT])
        kept = [part["sha256"] for item in document["evidence"].values() for part in item["attachments"]]
        signed = members(document)
        Decision.from_json(json.loads(files[contents.DECISION]))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        remedy = "it was recorded by another version of gate, or two files' names look alike"
        raise LedgerError(f"no record can be made of this decision: {error}", remedy=remedy) from error
    files |= {contents.evidence_of(digest): ledger.evidence.get(digest) for digest in kept}
    for name, digest in signed.items():
        try:
            files[name] = ledger.evidence.get(digest)
        except LedgerError as error:
            raise LedgerError(
                f"{name}, which the decision rests on, cannot be had: {error.what}",
                path=error.path,
                remedy="judge again and see if `gate evaluate` can keep it, or restore the file, whose name "
                "is its SHA-256; versions before records kept none",
            ) from error
    return files


def _trust(ledger: LedgerReader, vouching: Authorities, files: dict[str, bytes]) -> dict[str, bytes]:
    decision = Decision.from_json(json.loads(files[contents.DECISION]))
    found = {contents.LOG_KEY: f"{ledger.verifier}\n".encode(), contents.JUDGE: contents.judge(decision)}
    if vouching.anchors is not None:
        found[contents.ANCHOR] = vouching.anchors
    if vouching.witnesses:
        found[contents.WITNESSES] = _witnesses(ledger, vouching)
    return found


def _witnesses(ledger: LedgerReader, vouching: Authorities) -> bytes:
    logs = [one.key for one in ledger.chain.signers if one.ended_by is None]
    return contents.witness_policy(logs, vouching.witnesses, vouching.quorum)


def _proofs(
    ledger: LedgerReader, lines: list[LoggedEntry], vouching: Authorities
) -> Iterator[tuple[str, bytes]]:
    """Proofs under the first checkpoint that covers an entry and all key events, and is vouched for as the
    settings demand.
    """
    _, leaves = ledger.sealed_leaves()
    for number, line in enumerate(lines, 1):
        checkpoint = _checkpoint(ledger, line, vouching)
        covered = leaves[: checkpoint.size]
        if root_of(covered) != checkpoint.root or leaf_hash(line.line) != covered[line.index]:
            what = f"the log no longer gives the root of its checkpoint of {checkpoint.time}"
            remedy = f"`gate ledger verify` names what is wrong; {RESTORE}"
            raise LedgerError(what, path=f"{ledger.name}/checkpoints/{checkpoint.size}", remedy=remedy)
        path = inclusion_proof(covered, line.index)
        proof = Proof(line.index, line.line, path, checkpoint, ledger.cosigned(checkpoint))
        yield contents.proof_of(number, "tlog-proof"), proof.text()
        for event, (index, _) in enumerate(ledger.chain.events if number == 1 else (), 1):
            other = replace(proof, index=index, hashes=inclusion_proof(covered, index))
            yield contents.proof_of(f"key-{event}", "tlog-proof"), other.text()
        yield contents.proof_of(number, "checkpoint"), checkpoint.note
        stamp = ledger.kept(checkpoint, TIMESTAMP)
        if vouching.anchors is not None and stamp is not None:
            yield contents.proof_of(number, "tsr"), stamp


def _checkpoint(ledger: LedgerReader, line: LoggedEntry, vouching: Authorities) -> Checkpoint:
    problems: list[str] = []
    for one in ledger.history(max(line.index, last_event(ledger.chain)) + 1):
        try:
            if vouching.anchors is not None:
                stamp = ledger.kept(one, TIMESTAMP)
                if stamp is None:
                    raise BadRecordError("no time stamp is over a checkpoint that covers it")
                stamped(stamp, one.note, vouching.anchors)
            if vouching.witnesses:
                cosigned(one, ledger.kept(one, COSIGNATURES) or b"", _witnesses(ledger, vouching))
        except (BadRecordError, SignatureError) as error:
            problems.append(str(error))
            continue
        return one
    unsealed = "it is not sealed, or a key event after it is not"
    raise LedgerError(
        f"entry {line.index} cannot be proved: {'; '.join(dict.fromkeys(problems)) or unsealed}",
        path=ledger.name,
        remedy="run `gate ledger witness`, then export the record again"
        if problems
        else "the next decision that is recorded seals the log; export the record after that",
    )
