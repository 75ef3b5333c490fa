"""Copy a ledger into another storage, byte by byte, and prove that both are equal.

What is there already is compared and not written again, so a copy that was interrupted, or one of a ledger
that went on meanwhile, is brought up to date by the same call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Final

from msgspec import Struct

from ...evidence.base.errors import LedgerError, UsageError
from ...evidence.base.limits import Limits
from ...evidence.base.numbers import counted
from ...evidence.signing.keys import VerifierKey
from ..store import open_store
from ..store.evidence import EvidenceStore
from . import LEDGERS
from .interface import COSIGNATURES, LOG, TIMESTAMP, LedgerSource, LedgerStorage, damaged
from .keychain import Admins
from .reader import absent, read_chain, read_checkpoint, read_verifier

_BLOCK: Final = 256
"""How many lines are appended at a time."""


class Migrated(Struct, frozen=True):
    """What two ledgers have in common after a migration, which is everything.

    Attributes:
        lines, checkpoints, blobs: how many both have; ``new`` of the lines were copied by this call.
        sha256: of everything in order: key, lines, checkpoints with what others said about them, and digests
            of the evidence.
    """

    source: str
    target: str
    lines: int
    new: int
    checkpoints: int
    blobs: int
    sha256: str


class MigratedEvidence(Struct, frozen=True):
    """What an evidence store has after the documents of another one were copied to it.

    Attributes:
        documents: how many the source has, all of which the target has, too; ``new`` of them were copied by
            this call.
        entries: how many entries of the ledger there are, whose documents are all in the target.
    """

    source: str
    target: str
    documents: int
    new: int
    entries: int


def migrate(source_url: str, target_url: str, admins: Admins | None = None) -> Migrated:
    """Copy everything that the target does not have yet, then read both and compare.

    Args:
        admins: the key admins by whose key events later keys signed checkpoints; None if there was only one
            key.

    Raises LedgerError: there is no source, a checkpoint of it does not hold, or the target is not its
    beginning; UsageError: both are the same; EnvironmentProblem, ConfigError as `connect`.
    """
    connect, source_text = LEDGERS.find(source_url)
    with closing(connect(source_text, False)) as source:
        connect, target_text = LEDGERS.find(target_url)
        with closing(connect(target_text, True)) as target:
            if source.name == target.name:
                raise UsageError("a ledger cannot be copied onto itself", remedy="name another place")
            new = _copy(source, target, admins)
            counts, ours = _read(source)
            other, theirs = _read(target)
            if ours != theirs:
                raise LedgerError(
                    f"the copy differs: {counted(other[0], 'line')}, {counted(other[1], 'checkpoint')} and "
                    f"{counted(other[2], 'document')} there, {counts[0]}, {counts[1]} and {counts[2]} in "
                    "the source",
                    path=target.name,
                    remedy="stop whatever writes to either of them, then run the same command again",
                )
            return Migrated(source.name, target.name, counts[0], new, counts[1], counts[2], ours)


def migrate_evidence(
    source_url: str, target_url: str, referred: Iterable[tuple[int, list[str]]], limits: Limits
) -> MigratedEvidence:
    """Copy the documents that the target does not have yet; read each of them there.

    Args:
        source_url, target_url: evidence stores as `open_store` takes them, or a ledger in a database for the
            evidence that lies with it.
        referred: index of each entry of the ledger and digests of its documents, read after copying.

    Raises LedgerError: a document of either store is not what its name says, or one that an entry refers to
    is in neither; UsageError: both are the same, or the source has none; EnvironmentProblem, ConfigError as
    `connect`.
    """
    with _evidence(source_url, limits, False) as source, _evidence(target_url, limits, True) as target:
        if source.name == target.name:
            raise UsageError("evidence cannot be copied onto itself", remedy="name another place")
        known, there, new = set(target.digests()), set[str](), 0
        for digest in source.digests():
            if digest in known:
                target.check(digest)
            else:
                target.put(source.get(digest))
                new += 1
            there.add(digest)
        if not there:
            remedy = "name the folder that has sha256/, such as ledger/evidence, or the store's URL"
            raise UsageError(f"there is no evidence in {source.name}", remedy=remedy)
        count, entries = len(there), 0
        for index, digests in referred:
            for digest in digests:
                if digest not in there:
                    target.check(digest, f"entry {index} of the ledger")
            entries += 1
        return MigratedEvidence(source.name, target.name, count, new, entries)


@contextmanager
def _evidence(url: str, limits: Limits, write: bool) -> Iterator[EvidenceStore]:
    if url.partition(":")[0].lower() in ("postgresql", "postgres"):  # where it lies with the ledger
        connect, text = LEDGERS.find(url)
        with closing(connect(text, write)) as storage:
            yield EvidenceStore(storage.blobs, limits)
    else:
        with open_store(url, limits=limits) as store:
            yield store


def _copy(source: LedgerSource, target: LedgerStorage, admins: Admins | None) -> int:
    """Copy what is missing; the number of new lines."""
    verifier = read_verifier(source)
    if verifier is None:
        raise absent(source.name)
    target.begin(verifier)
    if target.verifier() != source.verifier():
        what = "another ledger is there already, with another key or name"
        raise LedgerError(what, path=target.name, remedy="name a place where there is none")
    evidence = EvidenceStore(source.blobs)
    known = set(target.blobs.digests())
    for digest in evidence.digests():
        if digest not in known:
            target.blobs.write(digest, evidence.get(digest))
    with target.sealing():  # another copy at the same time would add the same lines again
        return _add(source, target, verifier, admins)


def _add(source: LedgerSource, target: LedgerStorage, verifier: VerifierKey, admins: Admins | None) -> int:
    rest = source.lines()
    for there, line in enumerate(target.lines(), 1):
        ours = next(rest, None)
        if ours != line:
            what = "has entries that the source lacks" if ours is None else "has another line than the source"
            what = f"the ledger there {what}"
            remedy = "name a place where there is none, and find out who wrote this one"
            raise damaged(f"{target.name}/{LOG}", what, line=there, remedy=remedy)
    new = 0
    while block := list(islice(rest, _BLOCK)):
        target.append(block, None)
        new += len(block)
    chain = read_chain(source, verifier, admins)
    done = set(target.sizes())
    for size in source.sizes():
        checkpoint = read_checkpoint(source, chain, size)
        if checkpoint is not None and size not in done:
            target.publish(checkpoint, b"{}")
        for kind in (TIMESTAMP, COSIGNATURES):
            data = source.kept(size, kind)
            if data is not None and target.kept(size, kind) != data:
                target.keep(size, kind, data)
    return new


def _read(ledger: LedgerSource) -> tuple[tuple[int, int, int], str]:
    """How many lines, checkpoints and blobs there are, and the digest of all of them."""
    code, counts = hashlib.sha256(), [0, 0, 0]
    for number, part in _parts(ledger):
        code.update(hashlib.sha256(part).digest())
        if number is not None:
            counts[number] += 1
    return (counts[0], counts[1], counts[2]), code.hexdigest()


def _parts(ledger: LedgerSource) -> Iterator[tuple[int | None, bytes]]:
    """Everything that a ledger has, in order, and what it counts as."""
    yield None, ledger.verifier() or b""
    for line in ledger.lines():
        yield 0, line
    for size in ledger.sizes():
        yield 1, ledger.note(size) or b""
        yield None, ledger.kept(size, TIMESTAMP) or b""
        yield None, ledger.kept(size, COSIGNATURES) or b""
    yield None, ledger.note() or b""
    for digest in ledger.blobs.digests():
        EvidenceStore(ledger.blobs).check(digest)
        yield 2, digest.encode()
