"""What leaves a ledger: the proof that one entry is in it, and all of its entries as one stream.

Formats: c2sp.org/tlog-proof (version 1), which implementations of C2SP check, and the same as JSON with the
fields of an inclusion proof of Rekor's API.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from ...evidence.base.canonical import canonical
from ...evidence.base.errors import UsageError
from ...evidence.signing.problems import SignatureError
from .interface import LOG, RESTORE, damaged
from .merkle import Frontier, inclusion_proof, leaf_hash
from .note import Checkpoint
from .reader import LedgerReader

EXPORT_TYPE: Final = "gate.ledger-export/v1"


class Proof(Struct, frozen=True):
    """That an entry is in the log which a checkpoint covers.

    Attributes:
        index: of the entry.
        line: the entry, a DSSE envelope.
        hashes: the audit path of RFC 6962, from the leaf's sibling upwards.
        checkpoint: the latest one.
        note: of it, with cosignatures.
    """

    index: int
    line: bytes
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint
    note: bytes

    def text(self) -> bytes:
        """The proof as c2sp.org/tlog-proof writes it."""
        lines = ["c2sp.org/tlog-proof@v1", f"index {self.index}"]
        lines += [base64.b64encode(one).decode() for one in self.hashes]
        return "\n".join([*lines, "", ""]).encode() + self.note

    def to_json(self) -> dict[str, Any]:
        """The proof with the fields of Rekor's API, hashes in hexadecimal; `envelope` is the entry."""
        return {
            "logIndex": self.index,
            "treeSize": self.checkpoint.size,
            "rootHash": self.checkpoint.root_hex,
            "leafHash": leaf_hash(self.line).hex(),
            "hashes": [one.hex() for one in self.hashes],
            "checkpoint": self.note.decode(),
            "envelope": self.line.decode(),
        }


def prove(ledger: LedgerReader, index: int) -> Proof:
    """The proof of one entry under the latest checkpoint.

    Raises UsageError when no checkpoint covers such an entry; LedgerError when nothing was sealed, the log no
    longer gives the checkpoint's root, or the entry does not hold.
    """
    checkpoint, leaves = ledger.sealed_leaves()
    if index >= len(leaves):
        remedy = f"the checkpoint covers the entries 0 to {len(leaves) - 1}" if leaves else "it covers none"
        raise UsageError(f"no checkpoint covers an entry {index}", remedy=remedy)
    entry = next(ledger.entries(index))
    path = inclusion_proof(leaves, index)
    return Proof(index, entry.line, path, checkpoint, ledger.cosigned(checkpoint))


def export(ledger: LedgerReader) -> Iterator[bytes]:
    """All lines of the log as they are, each with its line feed, then one with checkpoint and verifier key.

    The last line comes only after the sealed lines gave the checkpoint's root, so an export that has it is
    whole.

    Raises LedgerError when they do not, or an entry that is not sealed yet does not hold.
    """
    latest, frontier = ledger.checkpoint(), Frontier()
    sealed = latest.size if latest else 0
    for entry in ledger.entries(verify=False):
        frontier.append(bytes.fromhex(entry.digest))
        if latest is not None and frontier.size == sealed and frontier.root() != latest.root:
            break
        if frontier.size > sealed:
            try:
                ledger.chain.check(entry.index, entry.line)
            except SignatureError:
                break
        yield entry.line + b"\n"
    else:
        note = ledger.cosigned(latest).decode() if latest else None
        last = {"checkpoint": note, "key": str(ledger.verifier), "size": frontier.size, "type": EXPORT_TYPE}
        yield canonical(last) + b"\n"
        return
    what = "the ledger is not whole, so the export ends here"
    remedy = f"`gate ledger verify` names what is wrong; {RESTORE}"
    raise damaged(f"{ledger.name}/{LOG}", what, line=frontier.size, remedy=remedy)
