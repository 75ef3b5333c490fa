"""What an evidence store implements: keep blobs under names that are given.

An implementation checks nothing: `evidence.EvidenceStore` computes and compares the digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol


class BlobStorage(Protocol):
    """Blobs by name. Several processes may write at once.

    Every method raises EnvironmentProblem when the storage cannot be reached or is full.
    """

    @property
    def name(self) -> str:
        """Where the blobs are, for messages; nothing secret."""

    def write(self, digest: str, data: bytes) -> None:
        """Keep a blob; when this returns, it is durable. One that has the name already may be replaced."""

    def open(self, digest: str) -> BinaryIO | None:
        """The blob as a stream that the caller closes; None when there is none."""

    def digests(self) -> Iterator[str]:
        """The names of all blobs, sorted. Raises LedgerError at anything else that lies among them."""

    def close(self) -> None:
        """Give up files and connections; may be called twice."""


Connect = Callable[[str], BlobStorage]
"""What an entry point of `gate.evidence_stores` points to: from the URL to the storage."""
