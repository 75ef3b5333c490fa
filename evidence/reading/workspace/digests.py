"""What files were found to contain, by what the file system says of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..files import FileStamp, ObjectFormat

Row = list[Any]
"""Path, the six parts of a :class:`FileStamp`, SHA-256 in hex, and git's id of the content or null."""

_ID_LENGTHS = {"sha1": 40, "sha256": 64}


class Digests:
    """Digests that may be taken from memory while a file's stamp is the one they were taken under.

    Only settled stamps come in here (:func:`gate.evidence.reading.files.settled`).
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows: dict[str, Row] = {row[0]: row for row in rows}
        self.fresh: set[str] = set()
        """Paths whose row is new since this was made."""

    def __contains__(self, path: str) -> bool:
        return path in self._rows

    def find(self, path: str, stamp: FileStamp) -> tuple[str, str | None] | None:
        """SHA-256 and git's id, if the latter is known, of the file with this stamp; None if nothing is."""
        row = self._rows.get(path)
        if row is None or tuple(row[1:7]) != stamp:
            return None
        return row[7], row[8]

    def learn(self, path: str, stamp: FileStamp, sha256: str, blob: str | None) -> None:
        """Remember what the file with this stamp contains."""
        row = self._rows.get(path)
        if row is not None and row[1:8] == [*stamp, sha256] and blob in (None, row[8]):
            return
        self._rows[path] = [path, *stamp, sha256, blob]
        self.fresh.add(path)

    def rows(self, paths: Iterable[str]) -> list[Row]:
        """What is known of these files."""
        return [row for path in paths if (row := self._rows.get(path)) is not None]

    def take(self, rows: Iterable[Row]) -> None:
        """Learn what another process learned."""
        for path, *rest in rows:
            device, inode, size, mtime_ns, ctime_ns, mode, sha256, blob = rest
            self.learn(path, (device, inode, size, mtime_ns, ctime_ns, mode), sha256, blob)


def fits(blob: str | None, object_format: ObjectFormat | None) -> bool:
    """Whether an id is one of that format, or none is wanted."""
    return object_format is None or (blob is not None and len(blob) == _ID_LENGTHS[object_format])
