"""Ledger entries as values, and what a ledger's storage implements.

A storage keeps lines, checkpoints and blobs, and judges none of them: `reader.LedgerReader`, `writer.Ledger`
and `verify` sign, seal and check, for every storage alike. It never sees the private key. All storages keep
identical lines (one DSSE envelope each), so that a copy in another one verifies like the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from ...evidence.base.errors import LedgerError
from ...evidence.signing.keys import VerifierKey
from ..store.interface import BlobStorage

if TYPE_CHECKING:
    from .note import Checkpoint

# The parts of a ledger, as messages name them in every storage and as files are called.
LOG: Final = "log.intoto.jsonl"
CHECKPOINT: Final = "checkpoint"
HISTORY: Final = "checkpoints"
VERIFIER: Final = "trust/log.vkey"
EVIDENCE: Final = "evidence"
TIMESTAMP: Final = "tsr"
COSIGNATURES: Final = "cosig"
RESTORE: Final = "restore the ledger from a copy you trust, and find out who changed it"


def damaged(path: str, what: str, line: int | None = None, remedy: str = RESTORE) -> LedgerError:
    """The error for a part of a ledger, or a line of its log, that is not as it was."""
    place = None if line is None else f"line {line}"
    return LedgerError(what, path=path, place=place, remedy=remedy)


class NoLedger(LedgerError):
    """There is no ledger at this place."""


class Entry(Struct, frozen=True):
    """Where a statement stands in the log.

    Attributes:
        digest: RFC 6962 leaf hash of its line (SHA-256 over 0x00 and the line), lower-case hexadecimal.
    """

    index: int
    digest: str


class LoggedEntry(Entry, frozen=True):
    """An entry read back: the in-toto Statement (canonical JSON), its DSSE envelope, whether it is sealed,
    and why it does not count although its signature holds (its key was revoked from there on).
    """

    payload: bytes
    line: bytes
    sealed: bool
    void: str | None = None


class LedgerSource(Protocol):
    """A ledger as it is read and verified. Methods raise EnvironmentProblem when it cannot be reached."""

    @property
    def name(self) -> str:
        """Where the ledger is, for messages; nothing secret."""

    @property
    def blobs(self) -> BlobStorage:
        """The evidence that lies with the ledger, unless another store is named; closed with it."""

    def verifier(self) -> bytes | None:
        """The verifier key as it was stored, one line; None when there is no ledger."""

    def note(self, size: int | None = None) -> bytes | None:
        """The latest checkpoint, or the one of that size, as signed note; None when there is none."""

    def kept(self, size: int, kind: str) -> bytes | None:
        """What others said about the checkpoint of that size: TIMESTAMP or COSIGNATURES; None for nothing."""

    def sizes(self) -> Sequence[int]:
        """The sizes of all checkpoints ever published, ascending."""

    def lines(self, after: Checkpoint | None = None) -> Iterator[bytes]:
        """The lines after those that a checkpoint covers, without line feeds, as they are at this moment.

        A line beyond `dsse.MAX_LINE_BYTES` may come cut, but longer than that.
        """

    def covers(self, checkpoint: Checkpoint) -> bool:
        """Whether the log has a line that ends where the checkpoint ends; need not read what is before."""

    def faults(self) -> Iterator[LedgerError]:
        """What else is wrong with the storage itself, such as links and files that do not belong there."""

    def unfinished(self) -> int:
        """Length in bytes of an unfinished last line that a crash left; `lines` does not give it."""

    def close(self) -> None:
        """Give up files and connections; may be called twice."""


class LedgerStorage(LedgerSource, Protocol):
    """A ledger that can be written, by several processes at once."""

    def begin(self, verifier: VerifierKey) -> None:
        """Store this verifier key and an empty log, unless there is a ledger. Atomic among writers.

        Raises LedgerError when there are lines or checkpoints, but not their key.
        """

    def append(self, lines: Sequence[bytes], sealed: Checkpoint | None) -> int:
        """Add lines after all others, as one block; durable when it returns. The index of the first.

        Args:
            lines: without line feeds.
            sealed: the latest checkpoint; nothing that it covers may be touched.

        Raises EnvironmentProblem when the storage failed; none of the lines is then acknowledged.
        """

    def sealing(self) -> AbstractContextManager[object]:
        """Hold off other writers that seal; appending goes on."""

    def hint(self) -> bytes | None:
        """The hint of the last `publish`; None when it was lost."""

    def publish(self, checkpoint: Checkpoint, hint: bytes) -> None:
        """Make all lines durable, then keep the checkpoint under its size, then as the latest one.

        Args:
            checkpoint: with its note.
            hint: at most 64 kB that speed up the next seal; the storage may lose it.
        """

    def keep(self, size: int, kind: str, data: bytes) -> None:
        """Put what `kept` gives in place, as a whole; called within `sealing`."""


Connect = Callable[[str, bool], LedgerStorage]
"""What an entry point of `gate.ledgers` points to: from the URL, and whether it is to be written, to the
storage. Raises LedgerError when it is not to be written and there is nothing."""
