"""Reads and writes tar archives in memory; nothing is ever extracted.

Source of the format: POSIX.1-2017, pax, "ustar Interchange Format". Extensions of it, of GNU and of pax, are
members of another type here, which callers refuse: readers do not agree on what they mean.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from typing import Final

from ..base.errors import GateError

BLOCK: Final = 512
DIRECTORY: Final = tarfile.DIRTYPE
FILES: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)
_KINDS: Final = {
    tarfile.LNKTYPE: "a hard link", tarfile.SYMTYPE: "a symbolic link", tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a pipe", DIRECTORY: "a directory",
}  # fmt: skip
_NUMBER: Final = re.compile(rb" *([0-7]+)[ \0]*|[ \0]*")


class TarError(Exception):
    """Something is wrong with an archive; the text says what."""


def members(data: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Name, type (`FILES`, `DIRECTORY` or another one) and content of each member, as they follow.

    Raises TarError: it is no archive, is damaged or cut short, or something follows its end.
    """
    at = 0
    while (head := data[at : at + BLOCK]) and head.count(0) != len(head):
        name, kind, size = _header(head)
        at += BLOCK
        content = data[at : at + size]
        at += size + -size % BLOCK
        if len(content) != size:
            raise TarError("the archive is cut short")
        yield name, kind, content
    rest = data[at:]
    if len(rest) < 2 * BLOCK or rest.count(0) != len(rest):
        raise TarError("the archive is cut short, damaged, or has something after its end")


def pack(files: Mapping[str, bytes], error: type[GateError]) -> bytes:
    """A ``.tar.gz`` of the files by path: sorted, without times and owners, so always the same bytes.

    Raises ``error``: a name is too long for the format.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT, encoding="utf-8") as tar:
        for path, data in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(data), 0o644
            try:
                tar.addfile(member, io.BytesIO(data))
            except ValueError as problem:
                raise error(
                    "the name is too long for an archive", path=path, remedy="rename the file"
                ) from problem
    return gzip.compress(buffer.getvalue(), mtime=0)


def described(kind: bytes) -> str:
    """What a member is that is no regular file."""
    return _KINDS.get(kind, "an extension of the format")


def _header(head: bytes) -> tuple[str, bytes, int]:
    """Name, type and size that the header of a member states."""
    numbers = [_NUMBER.fullmatch(field) for field in (head[124:136], head[148:156])]
    size, total = (int(found[1] or b"0", 8) if found else -1 for found in numbers)
    name = head[:100].partition(b"\0")[0]
    if head[257:263] == b"ustar\0" and head[345:346] != b"\0":
        name = head[345:500].partition(b"\0")[0] + b"/" + name
    if len(head) != BLOCK or size < 0 or sum(head[:148]) + sum(head[156:]) + 8 * ord(" ") != total:
        raise TarError("is no tar archive, or a damaged one")
    try:
        return name.decode(), head[156:157], size
    except UnicodeDecodeError:
        raise TarError("the name of a member is not UTF-8") from None
