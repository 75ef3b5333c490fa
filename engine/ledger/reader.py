"""Reading a ledger: entries, checkpoint, proofs. Needs no private key, and trusts no storage."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Self

from ...evidence.base.errors import LedgerError
from ...evidence.signing.dsse import Envelope
from ...evidence.signing.intoto import parse_statement
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import SignatureError
from ..store.evidence import EvidenceStore
from . import merkle
from .interface import (
    CHECKPOINT,
    HISTORY,
    LOG,
    RESTORE,
    VERIFIER,
    LedgerSource,
    LoggedEntry,
)
from .note import Checkpoint


class LedgerReader:
    """A ledger opened for reading; a context manager that closes what it was given.

    Attributes:
        verifier: the log's name and public key, as the ledger states them.
    """

    def __init__(self, source: LedgerSource, evidence: EvidenceStore) -> None:
        """Raises LedgerError when there is no ledger or its key is broken."""
        self._source = source
        self.name = source.name
        self.evidence = evidence
        try:
            verifier = read_verifier(source)
            if verifier is None:
                raise absent(source.name)
        except BaseException:
            self.close()
            raise
        self.verifier: VerifierKey = verifier

    def close(self) -> None:
        """Give up files and connections; the object is of no use afterwards."""
        self.evidence.close()
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def checkpoint(self) -> Checkpoint | None:
        """The latest checkpoint, its signature verified; None before the first seal.

        Raises LedgerError when it is forged or broken, or covers more than the log contains.
        """
        latest = read_checkpoint(self._source, self.verifier)
        if latest is not None and not self._source.covers(latest):
            raise LedgerError(
                f"entries sealed on {latest.time} are missing: the checkpoint covers {latest.size} "
                f"entries in {latest.log_bytes} bytes, and the log does not have them",
                path=f"{self.name}/{LOG}",
                remedy=RESTORE,
            )
        return latest

    def size(self) -> int:
        """Number of entries, sealed or not. Raises LedgerError as `checkpoint`."""
        latest = self.checkpoint()
        return (latest.size if latest else 0) + sum(1 for _ in self._source.lines(latest))

    def entries(self) -> Iterator[LoggedEntry]:
        """Entries, oldest first, as they were when iteration began, each checked (about 0.2 ms).

        Raises LedgerError naming the line for an entry that does not hold.
        """
        latest = self.checkpoint()
        sealed = latest.size if latest else 0
        for index, line in enumerate(self._source.lines()):
            try:
                envelope = check_line(line, self.verifier)
            except SignatureError as problem:
                raise LedgerError(
                    f"an entry of the ledger does not hold: {problem.reason}",
                    path=f"{self.name}/{LOG}",
                    place=f"line {index + 1}",
                    remedy=RESTORE,
                ) from None
            digest = merkle.leaf_hash(line).hex()
            yield LoggedEntry(index, digest, envelope.payload, line, index < sealed)

    def sealed_leaves(self) -> tuple[Checkpoint, list[bytes]]:
        """The latest checkpoint and the leaf hashes it covers: what `merkle` makes proofs of.

        Raises LedgerError when nothing was sealed, or the log no longer gives the checkpoint's root.
        """
        latest = self.checkpoint()
        if latest is None:
            raise LedgerError(
                "this ledger was never sealed", path=self.name, remedy="record a decision first"
            )
        leaves = [merkle.leaf_hash(line) for line in islice(self._source.lines(), latest.size)]
        if merkle.root_of(leaves) != latest.root:
            raise LedgerError(
                "the log no longer gives the root that its checkpoint signed",
                path=f"{self.name}/{LOG}",
                remedy="`gate ledger verify` names the first wrong line; " + RESTORE,
            )
        return latest, leaves


def check_line(line: bytes, verifier: VerifierKey) -> Envelope:
    """A line that is one canonical envelope of a canonical Statement signed by the log key; else
    SignatureError.
    """
    envelope = Envelope.parse(line)
    envelope.verify(verifier)
    parse_statement(envelope.payload)
    return envelope


def read_verifier(source: LedgerSource) -> VerifierKey | None:
    """The key that a ledger states; None when there is none. Raises LedgerError when it is broken."""
    data = source.verifier()
    try:
        return None if data is None else VerifierKey.parse(data.decode("ascii", "replace"))
    except SignatureError as problem:
        raise LedgerError(
            f"the log's verifier key is broken: {problem.reason}",
            path=f"{source.name}/{VERIFIER}",
            remedy=RESTORE,
        ) from None


def read_checkpoint(source: LedgerSource, key: VerifierKey, size: int | None = None) -> Checkpoint | None:
    """The latest checkpoint, or the one of that size, verified; None when there is none.

    Raises LedgerError when it does not hold.
    """
    note = source.note(size)
    try:
        return None if note is None else Checkpoint.open(note, key)
    except SignatureError as problem:
        raise LedgerError(
            f"a checkpoint of this ledger does not hold: {problem.reason}",
            path=f"{source.name}/{CHECKPOINT if size is None else f'{HISTORY}/{size}'}",
            remedy=RESTORE,
        ) from None


def absent(name: str) -> LedgerError:
    """The error for a ledger that is not there."""
    return LedgerError(
        "there is no ledger here",
        path=name,
        remedy=f"record a decision first (`gate evaluate`), or name the place that has {LOG}",
    )
