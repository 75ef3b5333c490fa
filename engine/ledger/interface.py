"""The ledger as the rest of the engine sees it: append statements, seal them, read them back.

A store knows nothing of what a statement decides. All stores write identical lines (one DSSE envelope each),
so an export of one verifies like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...evidence.signing.keys import VerifierKey
from .note import Checkpoint


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a statement stands in the log.

    Attributes:
        index: its position, from 0.
        digest: RFC 6962 leaf hash of its line (SHA-256 over 0x00 and the line), lower-case hexadecimal.
    """

    index: int
    digest: str


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry read back.

    Attributes:
        index: its position, from 0.
        digest: leaf hash of its line, lower-case hexadecimal.
        payload: the in-toto Statement, canonical JSON.
        line: the DSSE envelope, without line feed.
        sealed: whether the latest checkpoint covers it.
    """

    index: int
    digest: str
    payload: bytes
    line: bytes
    sealed: bool


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """What shows, with a checkpoint alone, that one line is in the log (check: `merkle.verify_inclusion`).

    Attributes:
        index: position of the line.
        size: number of entries of the checkpoint.
        leaf: leaf hash.
        path: audit path, from the leaf upwards.
        root: tree head of the checkpoint.
    """

    index: int
    size: int
    leaf: bytes
    path: tuple[bytes, ...]
    root: bytes


class Ledger(Protocol):
    """A log that can be written, by several processes at once. Implementations are context managers."""

    @property
    def verifier(self) -> VerifierKey:
        """The log's name (origin) and public key."""

    def append(self, payloads: Sequence[bytes]) -> list[Entry]:
        """Sign and append canonical in-toto Statements; when this returns, they are on the disk.

        Raises LedgerError (refused statement, damaged ledger) or EnvironmentProblem (the disk failed; nothing
        was acknowledged).
        """

    def seal(self, time: str) -> Checkpoint:
        """Cover everything appended so far with a signed checkpoint of that time (`YYYY-MM-DDTHH:MM:SSZ`).

        Returns the current checkpoint unchanged when nothing is new. Raises LedgerError when the ledger was
        tampered with or the time runs backwards, EnvironmentProblem when the disk failed.
        """

    def checkpoint(self) -> Checkpoint | None:
        """The latest checkpoint, verified; None before the first seal."""

    def size(self) -> int:
        """Number of entries, sealed or not."""

    def entries(self, start: int = 0, *, verify: bool = True) -> Iterator[LoggedEntry]:
        """Entries from `start` on, oldest first, each verified against the log key unless told otherwise."""

    def close(self) -> None:
        """Give up the files."""
