"""Evidence by its SHA-256, checked whenever it is used, wherever it lies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from ...evidence.base.errors import LedgerError
from ...evidence.base.limits import DEFAULT, Limits
from .access import os_errors
from .interface import BlobStorage

_HEX: Final = re.compile(r"[0-9a-f]{64}")
_CHUNK: Final = 1 << 20


class EvidenceStore:
    """An evidence store; a context manager.

    Args:
        limits: ``file_bytes`` is the most that one blob may have.
    """

    def __init__(self, blobs: BlobStorage, limits: Limits = DEFAULT) -> None:
        self._blobs = blobs
        self._most = limits.file_bytes

    @property
    def name(self) -> str:
        """Where the evidence is, for messages; nothing secret."""
        return self._blobs.name

    def put(self, data: bytes) -> str:
        """Store `data` and return its SHA-256 in lower-case hexadecimal; storing it again changes nothing.

        Raises LedgerError when it is larger than allowed or the stored copy was changed, EnvironmentProblem
        when the storage failed.
        """
        if len(data) > self._most:
            what = f"evidence of {len(data)} bytes is larger than {self._most}"
            remedy = "raise limits.file_bytes in gate.yaml, or store a smaller extract of it"
            raise LedgerError(what, path=self._blobs.name, remedy=remedy)
        digest = hashlib.sha256(data).hexdigest()
        if self._found(digest) is None:
            self._blobs.write(digest, data)
        self.check(digest)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes with this digest. Raises LedgerError when they are missing, changed or too large."""
        stream = self._blobs.open(_checked(digest, self._blobs.name))
        if stream is None:
            raise self._error(digest, None)
        with stream, os_errors("reading evidence", Path(self._place(digest))):
            data = stream.read(self._most + 1)
        if len(data) > self._most:
            what = f"this blob is larger than {self._most} bytes"
            raise LedgerError(what, path=self._place(digest), remedy="raise limits.file_bytes in gate.yaml")
        if hashlib.sha256(data).hexdigest() != digest:
            raise self._error(digest, data)
        return data

    def check(self, digest: str, by: str = "the ledger") -> None:
        """Demand that the bytes with this digest are there and unchanged, whatever their size; ``by`` says
        what names them. Raises LedgerError otherwise.
        """
        found = self._found(digest)
        if found != digest:
            raise self._error(digest, found, by)

    def digests(self) -> Iterator[str]:
        """The names of everything stored, sorted. Raises LedgerError for anything that is no blob."""
        for digest in self._blobs.digests():
            yield _checked(digest, self._blobs.name)

    def close(self) -> None:
        """Give up files and connections."""
        self._blobs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _found(self, digest: str) -> str | None:
        """The true digest of what is stored under a name; None when nothing is."""
        stream = self._blobs.open(_checked(digest, self._blobs.name))
        if stream is None:
            return None
        code = hashlib.sha256()
        with stream, os_errors("reading evidence", Path(self._place(digest))):
            while chunk := stream.read(_CHUNK):
                code.update(chunk)
        return code.hexdigest()

    def _place(self, digest: str) -> str:
        return f"{self._blobs.name}/{digest[:2]}/{digest}"

    def _error(self, digest: str, found: object, by: str = "the ledger") -> LedgerError:
        if found is None:
            return LedgerError(
                f"evidence that {by} names is not in its store",
                path=self._place(digest),
                remedy="restore the file from a copy; its name is its SHA-256. If `ledger.evidence` was "
                "changed, copy what the old store has to the new one",
            )
        what = "a stored piece of evidence was changed: its SHA-256 is no longer its name"
        remedy = "restore the file from a copy, and find out who changed it"
        return LedgerError(what, path=self._place(digest), remedy=remedy)


def _checked(digest: str, path: str) -> str:
    if _HEX.fullmatch(digest):
        return digest
    remedy = "name evidence by 64 lower-case hexadecimal digits"
    raise LedgerError(f"{digest[:80]!r} is not a SHA-256 digest", path=path, remedy=remedy)
