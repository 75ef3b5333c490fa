"""A record's container: a tar archive that can be written in one way only, or a directory.

Source of the format: POSIX.1-2017, pax, "ustar Interchange Format". Members are regular files, sorted by
name, without times, owners and padding of any choice, followed by two blocks of zeros. What is read must be
what would be written, so that each byte of an archive counts; nothing is ever extracted.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ...evidence.base.errors import EnvironmentProblem, LedgerError, UsageError
from ...evidence.reading.tar import BLOCK, FILES, TarError, described, members
from ..store.access import Folder

SUFFIX: Final = ".tar"
MAX_FILES: Final = 10_000
MAX_BYTES: Final = 1 << 29
"""The largest archive, and the most that the files of a directory may have together."""
_NAME: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*/){0,2}[A-Za-z0-9][A-Za-z0-9._-]*")
_NAME_BYTES: Final = 100


class BadRecordError(Exception):
    """Something is wrong with a record; the text says what."""


def demand(holds: bool, problem: str) -> None:
    """Refuse a record. Raises BadRecordError: something does not hold."""
    if not holds:
        raise BadRecordError(problem)


def write_tar(files: Mapping[str, bytes]) -> Iterator[bytes]:
    """The archive of the files by name, piece by piece."""
    for name, data in sorted(files.items()):
        yield _header(name, len(data))
        yield data
        yield bytes(-len(data) % BLOCK)
    yield bytes(2 * BLOCK)


def _header(name: str, size: int) -> bytes:
    head = name.encode().ljust(_NAME_BYTES, b"\0") + b"0000644\0" + b"0000000\0" * 2
    head += b"%011o\0" % size + b"0" * 11 + b"\0"
    tail = b"0".ljust(101, b"\0") + b"ustar\0" + b"00" + bytes(64) + b"0000000\0" * 2 + bytes(155 + 12)
    return head + b"%06o\0 " % (sum(head) + sum(tail) + 8 * ord(" ")) + tail


def read_tar(data: bytes) -> dict[str, bytes]:
    """The files of an archive by name. Raises BadRecordError: `write_tar` would not have written it."""
    files: dict[str, bytes] = {}
    if data[257:262] != b"ustar":
        packed = data.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK", b"\x28\xb5\x2f\xfd"))
        raise BadRecordError(f"this is no tar archive{'; unpack it first' if packed else ''}")
    try:
        for name, kind, content in members(data):
            if kind not in FILES:
                what = f"{name[:120]!a} in the archive is {described(kind)}"
                raise BadRecordError(f"{what}, and only regular files may be there")
            check_name(name)
            if files and name <= next(reversed(files)):
                raise BadRecordError(f"the archive has {name} twice, or not in order")
            demand(len(files) < MAX_FILES, f"the archive has more than {MAX_FILES} files")
            files[name] = content
    except TarError as error:
        raise BadRecordError(str(error)) from None
    at = 0
    for piece in write_tar(files):
        if data[at : at + len(piece)] != piece:
            raise BadRecordError(f"the archive is not as gate writes it, from byte {at} on")
        at += len(piece)
    demand(at == len(data), f"the archive does not end at byte {at}, with two blocks of zeros")
    return files


def check_name(name: str) -> None:
    """Refuse a name that no file of a record has. Raises BadRecordError."""
    if len(name) > _NAME_BYTES or not _NAME.fullmatch(name):
        raise BadRecordError(f"{name[:120]!a} is no name of a file in a record")


def write_directory(path: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a new directory; nothing of it stays when that fails.

    Raises UsageError: the name is taken, or its parent is missing; EnvironmentProblem: the disk refuses.
    """
    try:
        path.mkdir()
    except OSError as error:
        what = f"the directory cannot be made: {error.strerror}"
        remedy = f"name a new directory (or a file *{SUFFIX}) in an existing, writable one"
        raise UsageError(what, path=str(path), remedy=remedy) from error
    try:
        for name, data in sorted(files.items()):
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
    except BaseException as error:
        shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, OSError):
            what = f"the record cannot be written: {error.strerror}"
            remedy = "free space or choose another path"
            raise EnvironmentProblem(what, path=str(path), remedy=remedy) from error
        raise


def read(path: Path) -> dict[str, bytes]:
    """The files of a record, an archive or a directory.

    Raises UsageError: there is nothing that can be read; BadRecordError: it is no record.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(handle).st_mode
            if stat.S_ISDIR(mode):
                return _read_directory(path)
            if not stat.S_ISREG(mode):
                raise OSError(0, "it is neither a file nor a directory")
            with os.fdopen(handle, "rb", closefd=False) as stream:
                data = stream.read(MAX_BYTES + 1)
        finally:
            os.close(handle)
    except OSError as error:
        what = f"the record cannot be read: {error.strerror}"
        remedy = "name a file or directory that `gate record export` wrote"
        raise UsageError(what, path=str(path), remedy=remedy) from error
    demand(len(data) <= MAX_BYTES, f"the archive has more than {MAX_BYTES} bytes")
    return read_tar(data)


def _read_directory(path: Path) -> dict[str, bytes]:
    folder = Folder.open(path.resolve())
    if folder is None:
        raise BadRecordError("the directory is gone")
    try:
        files: dict[str, bytes] = {}
        rest = MAX_BYTES
        for name in _names(folder, ""):
            data = folder.read(name, rest)
            if data is None or len(files) >= MAX_FILES:
                raise BadRecordError(f"the directory has more than {MAX_FILES} files, or {name} is gone")
            rest -= len(data)
            files[name] = data
    except LedgerError as error:
        raise BadRecordError(f"{error.path}: a link, or no regular file, or too large") from None
    finally:
        folder.close()
    return files


def _names(folder: Folder, inside: str) -> Iterator[str]:
    """The names of all files below, none of them deeper than a record's."""
    for entry, kind in folder.entries(inside).items():
        name = f"{inside}/{entry}" if inside else entry
        if kind == "directory" and name.count("/") < 2:
            yield from _names(folder, name)
            continue
        check_name(name)
        demand(kind == "file", f"{name} is no regular file")
        yield name
