"""What an evidence store implements: keep blobs under names that are given.

An implementation checks nothing: `evidence.EvidenceStore` computes and compares the digests.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, Protocol, cast


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


_PART: Final = 1 << 20
"""How many bytes are fetched at a time."""


class _Parts(io.RawIOBase):
    def __init__(self, fetch: Callable[[int, int], bytes]) -> None:
        self._fetch, self._at = fetch, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._fetch(self._at, len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def in_parts(fetch: Callable[[int, int], bytes]) -> BinaryIO:
    """The stream over a function that gives at most so many bytes from a position on, and none at the end."""
    return cast(BinaryIO, io.BufferedReader(_Parts(fetch), _PART))
