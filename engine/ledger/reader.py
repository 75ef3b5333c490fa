"""Reading a ledger: entries, checkpoint, proofs. Needs no private key, and trusts no storage."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, Self

from ...evidence.base.errors import LedgerError
from ...evidence.base.numbers import counted
from ...evidence.signing.dsse import Envelope
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import Flaw, SignatureError
from ..store.evidence import EvidenceStore
from . import merkle
from .interface import (
    CHECKPOINT,
    COSIGNATURES,
    HISTORY,
    LOG,
    RESTORE,
    VERIFIER,
    LedgerSource,
    LoggedEntry,
    NoLedger,
    damaged,
)
from .keychain import Admins, KeyChain
from .note import Checkpoint
from .receipts import Receipt, Receipts

_COPY: Final = (
    "if this is a copy of a ledger that went on elsewhere, move the copy away and a new one is begun; "
    "otherwise "
)


class LedgerReader:
    """A ledger opened for reading; a context manager that closes what it was given.

    Attributes:
        verifier: the log's name and the public key that it was begun with, as the ledger states them.
        chain: the keys that may sign it.
    """

    def __init__(
        self,
        source: LedgerSource,
        evidence: EvidenceStore,
        receipts: Receipts | None,
        admins: Admins | None = None,
    ) -> None:
        """Raises LedgerError when there is no ledger, its key is broken or it contradicts the receipts."""
        self._source = source
        self._receipts = receipts
        self.name = source.name
        self.evidence = evidence
        try:
            if receipts is not None:
                receipts.check_place(lambda: read_verifier(source))
            verifier = read_verifier(source)
            if verifier is None:
                raise absent(source.name)
            self.verifier: VerifierKey = verifier
            self.chain = KeyChain.begin(verifier, admins)
            if receipts is not None or admins is not None:
                self._undisputed()
        except BaseException:
            self.close()
            raise

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
        latest = read_checkpoint(self._source, self.chain)
        if latest is not None and not self._source.covers(latest):
            raise damaged(
                f"{self.name}/{LOG}",
                f"entries sealed on {latest.time} are missing: the checkpoint covers "
                f"{counted(latest.size, 'entry')} in {latest.log_bytes} bytes, and the log does not have "
                "them",
            )
        return latest

    def history(self, start: int = 0) -> Iterator[Checkpoint]:
        """The checkpoints that cover at least ``start`` entries, by size, and after all others the latest.

        Raises LedgerError for one that does not hold.
        """
        latest = self.checkpoint()
        for size in self._source.sizes():
            one = read_checkpoint(self._source, self.chain, size) if size >= start else None
            if one is not None and one.size == size and latest is not None and size < latest.size:
                yield one
        if latest is not None and latest.size >= start:
            yield latest

    def kept(self, checkpoint: Checkpoint, kind: str) -> bytes | None:
        """What others said about a checkpoint: `TIMESTAMP` or `COSIGNATURES`; None for nothing."""
        return self._source.kept(checkpoint.size, kind)

    def cosigned(self, checkpoint: Checkpoint) -> bytes:
        """The note of a checkpoint, with the signature lines of its witnesses."""
        return checkpoint.note + (self._source.kept(checkpoint.size, COSIGNATURES) or b"")

    def size(self) -> int:
        """Number of entries, sealed or not. Raises LedgerError as `checkpoint`."""
        latest = self.checkpoint()
        return (latest.size if latest else 0) + sum(1 for _ in self._source.lines(latest))

    def entries(
        self, start: int = 0, *, verify: bool = True, after: Checkpoint | None = None
    ) -> Iterator[LoggedEntry]:
        """Entries from the index ``start`` on, oldest first, as they were when iteration began.

        With ``verify``, form, Statement and signature of each are checked (about 0.2 ms). What ``after``
        covers is not read: only entries after it come.

        Raises LedgerError naming the line for an entry that does not hold.
        """
        latest = self.checkpoint()
        sealed = latest.size if latest else 0
        void = None
        begin = after.size if after else 0
        for index, line in islice(enumerate(self._source.lines(after), begin), max(start - begin, 0), None):
            try:
                if verify:
                    envelope, void = self.chain.check(index, line)
                else:
                    envelope = Envelope.parse(line)
            except SignatureError as problem:
                raise damaged(
                    f"{self.name}/{LOG}",
                    f"an entry of the ledger does not hold: {problem.reason}",
                    line=index + 1,
                    remedy=remedy(problem, self.chain),
                ) from None
            digest = merkle.leaf_hash(line).hex()
            yield LoggedEntry(index, digest, envelope.payload, line, index < sealed, void)

    def sealed_leaves(self) -> tuple[Checkpoint, list[bytes]]:
        """The latest checkpoint and the leaf hashes it covers: what `merkle` makes proofs of.

        Raises LedgerError when nothing was sealed, or the log no longer gives the checkpoint's root.
        """
        latest = self.checkpoint()
        if latest is None:
            raise damaged(self.name, "this ledger was never sealed", remedy="record a decision first")
        leaves = merkle.leaf_hashes(islice(self._source.lines(), latest.size))
        if merkle.root_of(leaves) != latest.root:
            raise LedgerError(
                "the log no longer gives the root that its checkpoint signed",
                path=f"{self.name}/{LOG}",
                remedy="`gate ledger verify` names the first wrong line; " + RESTORE,
            )
        return latest, leaves

    def _undisputed(self) -> Checkpoint | None:
        """The latest checkpoint. Raises LedgerError when it does not extend what this user saw before."""
        # The receipt is read first: another process may seal meanwhile, and a checkpoint is never older than
        # the receipt that was written after it.
        pinned = self.chain.pinned
        receipt = None if self._receipts is None else self._receipts.load(self.verifier, pinned)
        self.chain = read_chain(self._source, self.verifier, pinned, receipt)
        latest = self.checkpoint()
        if receipt is None or self._receipts is None:
            return latest
        seen, place = receipt.checkpoint, str(self._receipts.path(self.verifier))
        if latest is None or latest.size < seen.size:
            raise LedgerError(
                f"the ledger was cut back: it was sealed with {counted(seen.size, 'entry')} on {seen.time}, "
                f"and now its checkpoint covers {latest.size if latest else 0}",
                path=f"{self.name}/{CHECKPOINT}",
                place=f"receipt {place}",
                remedy=_COPY + RESTORE,
            )
        if latest.size == seen.size:
            extends = latest.root == seen.root
        elif receipt.frontier is not None:
            extends = self._extended(receipt.frontier.copy(), seen, latest.size).root() == latest.root
        else:
            extends = self._extended(merkle.Frontier(), None, seen.size).root() == seen.root
        if not extends:
            raise self._rewritten(seen, "the receipt", place)
        return latest

    def _extended(self, frontier: merkle.Frontier, after: Checkpoint | None, size: int) -> merkle.Frontier:
        """A frontier with the lines after a checkpoint added, up to a size."""
        return extend(self._source, frontier, after, size)

    def _rewritten(self, witness: Checkpoint, name: str, place: str) -> LedgerError:
        return LedgerError(
            f"the log was rewritten: it does not begin with the {counted(witness.size, 'entry')} that {name} "
            f"of {witness.time} covers",
            path=f"{self.name}/{LOG}",
            place=f"compared with {place}",
            remedy=_COPY + RESTORE,
        )


def extend(
    source: LedgerSource, frontier: merkle.Frontier, after: Checkpoint | None, size: int
) -> merkle.Frontier:
    """A frontier with the lines after a checkpoint added, up to a size."""
    for line in islice(source.lines(after), size - frontier.size):
        frontier.append(merkle.leaf_hash(line))
    return frontier


def read_chain(
    source: LedgerSource, founding: VerifierKey, admins: Admins | None, receipt: Receipt | None = None
) -> KeyChain:
    """The keys that may sign a log, by its key events and the key admins that are trusted.

    Args:
        founding: the key that the log states.
        receipt: where its keys are known already, so that only lines after it are read.
    """
    base, after = KeyChain.begin(founding, admins), None
    if admins is None:
        return base
    if receipt is not None and receipt.chain is not None:
        base, after = receipt.chain, receipt.checkpoint
    return base.extended(
        source.lines(after),
        after.size if after else 0,
        lambda size: extend(source, merkle.Frontier(), None, size).root(),
    )


def remedy(problem: SignatureError, chain: KeyChain) -> str:
    """What to do about a signature that does not hold."""
    if problem.flaw is Flaw.WRONG_KEY and chain.pinned is None:
        return (
            f"{RESTORE}; if key admins changed its key, name them in the operator's file (`gate docs keys`)"
        )
    if problem.flaw is Flaw.WRONG_KEY and chain.refused:
        index, reason = chain.refused[0]
        return f"{RESTORE}; the key event in entry {index} does not count: {reason}"
    return RESTORE


def read_verifier(source: LedgerSource) -> VerifierKey | None:
    """The key that a ledger states; None when there is no ledger. Raises LedgerError when it is broken or the
    only thing that is missing.
    """
    data = source.verifier()
    if data is None and (source.note() is not None or source.sizes() or any(source.lines())):
        data = source.verifier()  # another process may have begun the ledger meanwhile, with the key first
        if data is not None:
            return read_verifier(source)
        place = f"{source.name}/{VERIFIER}"
        raise damaged(place, "the log's verifier key is missing")
    try:
        return None if data is None else VerifierKey.parse(data.decode("ascii", "replace"))
    except SignatureError as problem:
        what = f"the log's verifier key is broken: {problem.reason}"
        raise damaged(f"{source.name}/{VERIFIER}", what) from None


def read_checkpoint(source: LedgerSource, chain: KeyChain, size: int | None = None) -> Checkpoint | None:
    """The latest checkpoint, or the one of that size, verified; None when there is none.

    Raises LedgerError when it does not hold.
    """
    note = source.note(size)
    try:
        return None if note is None else chain.open(note)
    except SignatureError as problem:
        raise LedgerError(
            f"a checkpoint of this ledger does not hold: {problem.reason}",
            path=f"{source.name}/{CHECKPOINT if size is None else f'{HISTORY}/{size}'}",
            remedy=remedy(problem, chain),
        ) from None


def absent(name: str) -> NoLedger:
    """The error for a ledger that is not there."""
    what = "there is no ledger here"
    return NoLedger(
        what, path=name, remedy=f"record a decision first (`gate evaluate`), or name the place that has {LOG}"
    )
