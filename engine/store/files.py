"""Content-addressed evidence beside the log: `evidence/sha256/<first two digits>/<digest>`, read-only files.

The name of a file is the SHA-256 of its bytes, so `sha256sum` checks the store, and a changed file is found
whenever it is read.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ...evidence.base.errors import LedgerError
from ...evidence.base.limits import DEFAULT, Limits
from ..ledger.files.access import (
    READ,
    TEMPORARY,
    check_regular,
    open_subdirectory,
    os_errors,
    read_file,
    write_file,
)

_HEX: Final = re.compile(r"[0-9a-f]{64}")
_PREFIX: Final = re.compile(r"[0-9a-f]{2}")


class EvidenceStore:
    """The evidence directory of one ledger.

    Args:
        directory: open descriptor of the ledger directory; the store does not close it.
        path: the ledger directory's name, for messages.
        limits: ``file_bytes`` is the most that one stored piece may have.
    """

    def __init__(self, directory: int, path: Path, limits: Limits = DEFAULT) -> None:
        self._directory = directory
        self._path = path / "evidence" / "sha256"
        self._most = limits.file_bytes

    def put(self, data: bytes) -> str:
        """Store `data` and return its SHA-256 in lower-case hexadecimal; storing it again changes nothing.

        Raises LedgerError when it is larger than one evidence file may be or the stored copy was changed, and
        EnvironmentProblem when the disk failed.
        """
        if len(data) > self._most:
            raise LedgerError(
                f"evidence of {len(data)} bytes is larger than {self._most}",
                path=str(self._path),
                remedy="widen limits.file_bytes in gate.yaml, or store a smaller extract of it",
            )
        digest = hashlib.sha256(data).hexdigest()
        with self._shard(digest, create=True) as shard:
            if shard is not None and self._digest(shard, digest) is None:
                write_file(shard, digest, data, self._path / digest[:2], mode=0o444)
        self.check(digest)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes with this digest. Raises LedgerError when they are missing or were changed."""
        with self._shard(digest, create=False) as shard:
            place = self._path / digest[:2]
            data = None if shard is None else read_file(shard, digest, place, self._most)
        if data is None:
            raise self._missing(digest)
        if hashlib.sha256(data).hexdigest() != digest:
            raise self._changed(digest)
        return data

    def check(self, digest: str) -> None:
        """Demand that the bytes with this digest are there and unchanged. Raises LedgerError otherwise."""
        with self._shard(digest, create=False) as shard:
            found = None if shard is None else self._digest(shard, digest)
        if found is None:
            raise self._missing(digest)
        if found != digest:
            raise self._changed(digest)

    def digests(self) -> Iterator[str]:
        """The names of everything stored, sorted.

        Raises LedgerError for anything that does not belong there.
        """
        with self._root(create=False) as root:
            if root is None:
                return
            for prefix in sorted(entry.name for entry in os.scandir(root)):
                if not _PREFIX.fullmatch(prefix):
                    raise self._stray(self._path / prefix)
                shard = open_subdirectory(root, prefix, self._path, create=False)
                if shard is None:
                    continue
                try:
                    names = sorted(
                        entry.name for entry in os.scandir(shard) if not entry.name.startswith(TEMPORARY)
                    )
                finally:
                    os.close(shard)
                for name in names:
                    if not _HEX.fullmatch(name) or not name.startswith(prefix):
                        raise self._stray(self._path / prefix / name)
                    yield name

    @contextmanager
    def _root(self, *, create: bool) -> Iterator[int | None]:
        outer = open_subdirectory(self._directory, "evidence", self._path.parent.parent, create=create)
        if outer is None:
            yield None
            return
        try:
            root = open_subdirectory(outer, "sha256", self._path.parent, create=create)
            try:
                yield root
            finally:
                if root is not None:
                    os.close(root)
        finally:
            os.close(outer)

    @contextmanager
    def _shard(self, digest: str, *, create: bool) -> Iterator[int | None]:
        if not _HEX.fullmatch(digest):
            raise LedgerError(
                f"{digest[:80]!r} is not a SHA-256 digest",
                path=str(self._path),
                remedy="name evidence by 64 lower-case hexadecimal digits",
            )
        with self._root(create=create) as root:
            shard = None if root is None else open_subdirectory(root, digest[:2], self._path, create=create)
            try:
                yield shard
            finally:
                if shard is not None:
                    os.close(shard)

    def _digest(self, shard: int, name: str) -> str | None:
        path = self._path / name[:2] / name
        with os_errors("reading evidence", path):
            try:
                handle = os.open(name, READ, dir_fd=shard)
            except FileNotFoundError:
                return None
            with os.fdopen(handle, "rb") as stream:
                check_regular(handle, path)
                return hashlib.file_digest(stream, "sha256").hexdigest()

    def _missing(self, digest: str) -> LedgerError:
        return LedgerError(
            "evidence that the ledger names is not in its store",
            path=str(self._path / digest[:2] / digest),
            remedy="restore the file from a copy; its name is its SHA-256",
        )

    def _changed(self, digest: str) -> LedgerError:
        return LedgerError(
            "a stored piece of evidence was changed: its SHA-256 is no longer its name",
            path=str(self._path / digest[:2] / digest),
            remedy="restore the file from a copy, and find out who changed it",
        )

    def _stray(self, path: Path) -> LedgerError:
        return LedgerError(
            "this does not belong into the evidence store", path=str(path), remedy="move it away"
        )
