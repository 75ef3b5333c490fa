"""Reading a ledger in files: entries, checkpoint, proofs. Needs no private key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ....evidence.base.errors import LedgerError
from ....evidence.base.limits import DEFAULT, Limits
from ....evidence.signing.dsse import MAX_LINE_BYTES, Envelope
from ....evidence.signing.intoto import parse_statement
from ....evidence.signing.keys import VerifierKey
from ....evidence.signing.problems import SignatureError
from ...store.files import EvidenceStore
from .. import merkle
from ..interface import InclusionProof, LoggedEntry
from ..note import MAX_NOTE_BYTES, Checkpoint
from .access import (
    READ,
    check_regular,
    foreign,
    last_line_end,
    lines_between,
    locked,
    open_directory,
    open_subdirectory,
    os_errors,
    read_file,
)

LOG: Final = "log.intoto.jsonl"
CHECKPOINT: Final = "checkpoint"
HISTORY: Final = "checkpoints"
TRUST: Final = "trust"
VERIFIER: Final = "log.vkey"
STATE: Final = "state"
RESTORE: Final = "restore the ledger from a copy you trust, and find out who changed it"
_DIRECTORIES: Final = {HISTORY, TRUST, "evidence", "tile"}


class LedgerReader:
    """A ledger directory, opened for reading; a context manager.

    Attributes:
        path: the directory.
        verifier: the log's name and public key, from `trust/log.vkey`.
        evidence: the content-addressed store beside the log.
    """

    def __init__(
        self, path: Path, directory: int, log: int, verifier: VerifierKey, limits: Limits = DEFAULT
    ) -> None:
        self.path = path
        self.verifier = verifier
        self.evidence = EvidenceStore(directory, path, limits)
        self._directory = directory
        self._log = log

    @classmethod
    def open(cls, path: Path, limits: Limits = DEFAULT) -> Self:
        """Open an existing ledger; what is read from its evidence store keeps to the limits.

        Raises LedgerError when there is none, it contains links or other irregular files, or its key is
        broken; EnvironmentProblem when it cannot be read.
        """
        directory = open_directory(path, create=False)
        if directory is None:
            raise absent(path)
        try:
            check_layout(directory, path)
            verifier = read_verifier(directory, path)
            if verifier is None:
                raise absent(path)
            log = open_log(directory, path)
            if log is None:
                raise LedgerError("the log itself is missing", path=str(path / LOG), remedy=RESTORE)
        except BaseException:
            os.close(directory)
            raise
        return cls(path, directory, log, verifier, limits)

    def close(self) -> None:
        """Give up the files; the object is of no use afterwards."""
        for handle in (self._log, self._directory):
            if handle >= 0:
                os.close(handle)
        self._log = self._directory = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def checkpoint(self) -> Checkpoint | None:
        """The latest checkpoint, its signature verified; None before the first seal.

        Raises LedgerError when it is forged or broken, or covers more than the log contains.
        """
        latest = read_checkpoint(self._directory, self.path, self.verifier)
        length = os.fstat(self._log).st_size
        if latest is not None and latest.log_bytes:
            covered = latest.log_bytes <= length
            if not covered or os.pread(self._log, 1, latest.log_bytes - 1) != b"\n":
                raise LedgerError(
                    f"entries sealed on {latest.time} are missing: the checkpoint covers {latest.size} "
                    f"entries in {latest.log_bytes} bytes, and the log does not have them",
                    path=str(self.path / LOG),
                    place=f"byte {min(length, latest.log_bytes)}",
                    remedy=RESTORE,
                )
        return latest

    def size(self) -> int:
        """Number of entries, sealed or not. Raises LedgerError as `checkpoint`."""
        latest = self.checkpoint()
        start, count = (latest.log_bytes, latest.size) if latest else (0, 0)
        return count + sum(1 for _ in lines_between(self._log, start, self._end(start), MAX_LINE_BYTES))

    def entries(self, start: int = 0, *, verify: bool = True) -> Iterator[LoggedEntry]:
        """Entries from index `start` on, oldest first, as they were when iteration began.

        Args:
            start: index of the first entry wanted.
            verify: check form, Statement and signature of each (about 0.2 ms); without it the bytes are as
                found.

        Raises LedgerError naming file and line for an entry that does not hold.
        """
        latest = self.checkpoint()
        sealed = latest.size if latest else 0
        for index, (_, line) in enumerate(lines_between(self._log, 0, self._end(0), MAX_LINE_BYTES)):
            if index >= start:
                payload = self._payload(index, line, verify=verify)
                digest = merkle.leaf_hash(line).hex()
                yield LoggedEntry(index, digest, payload, line, index < sealed)

    def inclusion_proof(self, index: int) -> InclusionProof:
        """Proof that entry `index` is covered by the latest checkpoint.

        Raises LedgerError when it is not, or the log no longer gives the checkpoint's root.
        """
        latest, leaves = self._sealed_leaves()
        if not 0 <= index < latest.size:
            raise LedgerError(
                f"entry {index} is not covered by the checkpoint of {latest.size} entries",
                path=str(self.path / CHECKPOINT),
                remedy="seal the ledger first, or name an earlier entry",
            )
        path = merkle.inclusion_proof(leaves, index)
        return InclusionProof(index, latest.size, leaves[index], path, latest.root)

    def consistency_proof(self, old: int) -> tuple[bytes, ...]:
        """Proof that the latest checkpoint extends the first `old` entries.

        Raises LedgerError when the checkpoint covers fewer, or the log no longer gives its root.
        """
        latest, leaves = self._sealed_leaves()
        if not 0 <= old <= latest.size:
            raise LedgerError(
                f"the checkpoint of {latest.size} entries cannot extend {old} entries",
                path=str(self.path / CHECKPOINT),
                remedy="compare with a checkpoint of this ledger that is not newer",
            )
        return merkle.consistency_proof(leaves, old)

    def _sealed_leaves(self) -> tuple[Checkpoint, list[bytes]]:
        latest = self.checkpoint()
        if latest is None:
            raise LedgerError(
                "this ledger was never sealed", path=str(self.path), remedy="record a decision first"
            )
        lines = lines_between(self._log, 0, latest.log_bytes, MAX_LINE_BYTES)
        leaves = [merkle.leaf_hash(line) for _, line in lines]
        if len(leaves) != latest.size or merkle.root_of(leaves) != latest.root:
            raise LedgerError(
                "the log no longer gives the root that its checkpoint signed",
                path=str(self.path / LOG),
                remedy="`gate ledger verify` names the first wrong line; " + RESTORE,
            )
        return latest, leaves

    def _end(self, start: int) -> int:
        """The offset after the last whole line at this moment, no writer being in the middle of one."""
        with locked(self._log, self.path / LOG, shared=True):
            length = os.fstat(self._log).st_size
        return last_line_end(self._log, start, length)

    def _payload(self, index: int, line: bytes, *, verify: bool) -> bytes:
        try:
            return check_line(line, self.verifier).payload if verify else Envelope.parse(line).payload
        except SignatureError as problem:
            raise LedgerError(
                f"an entry of the ledger does not hold: {problem.reason}",
                path=str(self.path / LOG),
                place=f"line {index + 1}",
                remedy=RESTORE,
            ) from None


def check_line(line: bytes, verifier: VerifierKey) -> Envelope:
    """A line that is one canonical envelope of a canonical Statement signed by the log key; else
    SignatureError.
    """
    envelope = Envelope.parse(line)
    envelope.verify(verifier)
    parse_statement(envelope.payload)
    return envelope


def absent(path: Path) -> LedgerError:
    """The error for a ledger that is not there."""
    return LedgerError(
        "there is no ledger here",
        path=str(path),
        remedy="record a decision first (`gate evaluate`), or name the directory that has log.intoto.jsonl",
    )


def check_layout(directory: int, path: Path) -> None:
    """Demand that the top of the ledger has regular files, and directories only where they belong."""
    with os_errors("reading the ledger directory", path), os.scandir(directory) as entries:
        for entry in entries:
            regular = entry.is_file(follow_symlinks=False)
            if not (entry.is_dir(follow_symlinks=False) if entry.name in _DIRECTORIES else regular):
                raise foreign(path / entry.name)


def open_log(directory: int, path: Path, flags: int = READ) -> int | None:
    """A descriptor of the log; None when it is not there."""
    with os_errors("opening the log", path / LOG):
        try:
            handle = os.open(LOG, flags, 0o644, dir_fd=directory)
        except FileNotFoundError:
            return None
        try:
            check_regular(handle, path / LOG)
        except BaseException:
            os.close(handle)
            raise
        return handle


def read_verifier(directory: int, path: Path) -> VerifierKey | None:
    """The key in `trust/log.vkey`; None when there is none. Raises LedgerError when it is broken."""
    trust = open_subdirectory(directory, TRUST, path, create=False)
    if trust is None:
        return None
    try:
        data = read_file(trust, VERIFIER, path / TRUST, MAX_NOTE_BYTES)
    finally:
        os.close(trust)
    if data is None:
        return None
    try:
        return VerifierKey.parse(data.decode("ascii", "replace"))
    except SignatureError as problem:
        raise LedgerError(
            f"the log's verifier key is broken: {problem.reason}",
            path=str(path / TRUST / VERIFIER),
            remedy=RESTORE,
        ) from None


def read_checkpoint(
    directory: int, path: Path, key: VerifierKey, name: str = CHECKPOINT
) -> Checkpoint | None:
    """A verified checkpoint file; None when it is not there. Raises LedgerError when it does not hold."""
    data = read_file(directory, name, path, MAX_NOTE_BYTES)
    if data is None:
        return None
    try:
        return Checkpoint.open(data, key)
    except SignatureError as problem:
        raise LedgerError(
            f"a checkpoint of this ledger does not hold: {problem.reason}",
            path=str(path / name),
            remedy=RESTORE,
        ) from None
