"""File system access for the ledger: never through a symbolic link, replaced only as a whole.

Every access goes through an open directory descriptor, so that renaming or replacing the ledger directory
meanwhile cannot redirect it. Problems the user can fix become EnvironmentProblem; signs of tampering become
LedgerError.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ....evidence.base.errors import EnvironmentProblem, LedgerError

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
TEMPORARY: Final = ".tmp-"
"""Begin of the names of files that are being written; a left-over one may be deleted."""

# macOS has no fdatasync; fsync does at least as much.
datasync = getattr(os, "fdatasync", os.fsync)


@contextmanager
def os_errors(what: str, path: Path) -> Iterator[None]:
    """Turn an OSError into the error that a user can act on: `what` could not be done to `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
            raise foreign(path) from None
        raise EnvironmentProblem(
            f"{what} failed: {error.strerror}",
            path=str(path),
            remedy="free space, fix the permissions or the disk, then run again; nothing was acknowledged",
        ) from None


def foreign(path: Path) -> LedgerError:
    """The error for something in the ledger that is not the plain file or directory it should be."""
    return LedgerError(
        "a ledger consists of regular files and directories only, and this is something else, such as a link",
        path=str(path),
        remedy="find out who put it there, and restore the ledger from a copy you trust",
    )


def open_directory(path: Path, *, create: bool) -> int | None:
    """A descriptor of the directory; None when it is not there and not to be created."""
    with os_errors("opening the ledger directory", path):
        try:
            return os.open(path, _DIRECTORY)
        except FileNotFoundError:
            if not create:
                return None
        path.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, _DIRECTORY)
        sync_directory(path.parent)
        return handle


def open_subdirectory(parent: int, name: str, path: Path, *, create: bool) -> int | None:
    """A descriptor of directory `name` in `parent`; None when it is not there and not to be created."""
    with os_errors("opening a directory of the ledger", path / name):
        try:
            return os.open(name, _DIRECTORY, dir_fd=parent)
        except FileNotFoundError:
            if not create:
                return None
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            pass  # another process was faster
        else:
            os.fsync(parent)
        return os.open(name, _DIRECTORY, dir_fd=parent)


def sync_directory(path: Path) -> None:
    """Make names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_regular(handle: int, path: Path) -> os.stat_result:
    """The status of an open file. Raises LedgerError unless it is regular and has one name only."""
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
        raise foreign(path)
    return state


def read_file(directory: int, name: str, path: Path, limit: int) -> bytes | None:
    """The bytes of a small regular file; None when it is not there.

    Raises LedgerError beyond `limit` bytes.
    """
    with os_errors("reading the ledger", path / name):
        try:
            handle = os.open(name, READ, dir_fd=directory)
        except FileNotFoundError:
            return None
        with os.fdopen(handle, "rb") as stream:
            check_regular(handle, path / name)
            data = stream.read(limit + 1)
    if len(data) > limit:
        raise LedgerError(
            f"this file of the ledger is larger than {limit} bytes",
            path=str(path / name),
            remedy="restore the ledger from a copy you trust",
        )
    return data


def write_file(
    directory: int, name: str, data: bytes, path: Path, *, durable: bool = True, mode: int = 0o644
) -> None:
    """Put a file in place as a whole: temporary file, fsync, rename, fsync of the directory."""
    with os_errors("writing to the ledger", path / name):
        temporary = TEMPORARY + secrets.token_hex(8)
        handle = os.open(temporary, _CREATE, mode, dir_fd=directory)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                if durable:
                    os.fsync(handle)
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            os.unlink(temporary, dir_fd=directory)
            raise
        if durable:
            os.fsync(directory)


@contextmanager
def locked(handle: int, path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold an advisory lock (flock) on an open file or directory; waits for other processes."""
    with os_errors("locking the ledger", path):
        fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)


def lines_between(
    handle: int, start: int, end: int, cap: int, chunk: int = 1 << 20
) -> Iterator[tuple[int, bytes]]:
    """The lines of a file between two byte offsets, as (offset after the line feed, line without it).

    Reads in chunks. A line longer than `cap` bytes comes cut to `cap` + 1 bytes, so that memory stays
    bounded; an unfinished last line does not come at all.
    """
    kept, length, offset, at = b"", 0, start, start
    while at < end:
        data = os.pread(handle, min(chunk, end - at), at)
        if not data:
            return
        at += len(data)
        *finished, rest = data.split(b"\n")
        for piece in finished:
            offset += length + len(piece) + 1
            yield offset, (kept + piece)[: cap + 1]
            kept, length = b"", 0
        kept, length = (kept + rest)[: cap + 1], length + len(rest)


def last_line_end(handle: int, start: int, end: int, chunk: int = 1 << 16) -> int:
    """The offset after the last line feed between two byte offsets; `start` when there is none."""
    while end > start:
        begin = max(start, end - chunk)
        at = os.pread(handle, end - begin, begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return start
