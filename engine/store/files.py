"""Evidence in a directory: `sha256/<first two digits>/<digest>`, read-only files that `sha256sum` checks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ...evidence.base.atomic import TEMPORARY
from ...evidence.base.errors import LedgerError
from .access import Folder, in_place, locked
from .urls import file_path

_HEX: Final = re.compile(r"[0-9a-f]{64}")
_PREFIX: Final = re.compile(r"[0-9a-f]{2}")


def connect(url: str) -> FileBlobs:
    """The blobs below the directory that a `file:` URL names. Raises as `open_store`."""
    return FileBlobs(file_path(url))


class FileBlobs:
    """Blobs as files; the directory is made at the first write.

    Args:
        parent: an open directory to reach it from, without links, by the last part of the path.
    """

    def __init__(self, path: Path, parent: Folder | None = None) -> None:
        self.name = str(path / "sha256")
        self._path = path
        self._folder = parent.again() if parent is not None else Folder.open(path)
        self._inside = f"{path.name}/sha256" if parent is not None else "sha256"

    def write(self, digest: str, data: bytes) -> None:
        """Keep a blob. Raises as `in_place`, too."""
        folder = self._opened(create=True)
        assert folder is not None  # noqa: S101 - narrows the type: create=True never gives None
        with locked(folder.handle, folder.path, shared=True):
            in_place(folder.path, folder.handle)
            folder.write(f"{self._inside}/{digest[:2]}/{digest}", data, mode=0o444)

    def open(self, digest: str) -> BinaryIO | None:
        """The blob as a stream; None when there is none. Raises LedgerError for a link."""
        folder = self._opened()
        handle = None if folder is None else folder.open_file(f"{self._inside}/{digest[:2]}/{digest}")
        return None if handle is None else os.fdopen(handle, "rb")

    def digests(self) -> Iterator[str]:
        """The names of all blobs, sorted. Raises LedgerError at anything else."""
        folder = self._opened()
        if folder is None:
            return
        for prefix, kind in folder.entries(self._inside).items():
            if kind != "directory" or not _PREFIX.fullmatch(prefix):
                raise self._stray(prefix)
            for name in folder.entries(f"{self._inside}/{prefix}"):
                if name.startswith(TEMPORARY):
                    continue
                if not _HEX.fullmatch(name) or not name.startswith(prefix):
                    raise self._stray(f"{prefix}/{name}")
                yield name

    def close(self) -> None:
        """Give up the directory."""
        if self._folder is not None:
            self._folder.close()

    def _opened(self, *, create: bool = False) -> Folder | None:
        if self._folder is None:
            self._folder = Folder.open(self._path, create=create)
        return self._folder

    def _stray(self, name: str) -> LedgerError:
        what = "this does not belong in the evidence store"
        return LedgerError(what, path=f"{self.name}/{name}", remedy="move it away")
