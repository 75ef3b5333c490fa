"""Directories that hold a ledger or evidence: no symbolic link is followed, files are replaced as a whole.

Every access goes through an open directory descriptor, so that renaming or replacing the directory meanwhile
redirects nothing. Problems the user can fix become EnvironmentProblem; signs of tampering become LedgerError.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from ...evidence.base.atomic import TEMPORARY, write_at
from ...evidence.base.errors import EnvironmentProblem, LedgerError

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LOCK_SECONDS: Final = 30
"""How long a lock is waited for."""
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def os_errors(what: str, path: Path) -> Iterator[None]:
    """Turn an OSError into the error that a user can act on: `what` could not be done to `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
            raise foreign(path) from None
        remedy = "free space, fix the permissions or the disk, then run again; nothing was acknowledged"
        raise EnvironmentProblem(f"{what} failed: {error.strerror}", path=str(path), remedy=remedy) from None


def in_place(path: Path, handle: int) -> None:
    """Raise LedgerError when an open file or directory is no longer what others find under its path: what is
    written to it, they would look for in vain.
    """
    with os_errors("looking at the ledger", path):
        try:
            same = os.path.samestat(path.stat(), os.fstat(handle))
        except (FileNotFoundError, NotADirectoryError):
            same = False
    if not same:
        what = "this was moved or replaced while it was open for writing"
        remedy = "put it back, or start the program again; nothing more is acknowledged"
        raise LedgerError(what, path=str(path), remedy=remedy)


def foreign(path: Path) -> LedgerError:
    """The error for something that is not the plain file or directory it should be."""
    return LedgerError(
        "a ledger consists of regular files and directories only, and this is something else, such as a link",
        path=str(path),
        remedy="find out who put it there, and restore the ledger from a copy you trust",
    )


@contextmanager
def locked(handle: int, path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold an advisory lock (flock) on an open file or directory; waits for others, not for ever.

    Raises EnvironmentProblem after `LOCK_SECONDS`.
    """
    kind, end_s, pause_s = fcntl.LOCK_SH if shared else fcntl.LOCK_EX, None, 0.0005
    while True:
        with os_errors("locking the ledger", path), suppress(BlockingIOError):
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            break
        now_s = time.monotonic()
        end_s = end_s or now_s + LOCK_SECONDS
        if now_s > end_s:
            what = f"another process has held the lock for {LOCK_SECONDS} seconds"
            remedy = "find it (`lsof` or `fuser` name it), end it, then run again"
            raise EnvironmentProblem(what, path=str(path), remedy=remedy)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 0.02)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)


class Folder:
    """A directory held open. Names below are relative to it, with `/` between folders."""

    __slots__ = ("handle", "path")

    def __init__(self, handle: int, path: Path) -> None:
        self.handle, self.path = handle, path

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> Self | None:
        """Hold a directory open, made when asked; None when there is none.

        Raises LedgerError for a link or a file, EnvironmentProblem when it cannot be opened or made.
        """
        with os_errors("opening the ledger directory", path):
            try:
                return cls(os.open(path, _DIRECTORY), path)
            except FileNotFoundError:
                if not create:
                    return None
            path.mkdir(parents=True, exist_ok=True)
            folder = cls(os.open(path, _DIRECTORY), path)
            parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(parent)
            finally:
                os.close(parent)
            return folder

    def close(self) -> None:
        """Close the descriptor."""
        if self.handle >= 0:
            os.close(self.handle)
        self.handle = -1

    def again(self) -> Self:
        """The same directory with a descriptor of its own."""
        return type(self)(os.dup(self.handle), self.path)

    def open_file(self, name: str, flags: int = READ) -> int | None:
        """A descriptor of a regular file; None when it is not there. Raises LedgerError for a link."""
        with os_errors("opening a file", self.path / name):
            try:
                with self._parent(name) as (directory, last):
                    handle = os.open(last, flags, 0o644, dir_fd=directory)
            except FileNotFoundError:
                return None
            try:
                state = os.fstat(handle)
                if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
                    raise foreign(self.path / name)
            except BaseException:
                os.close(handle)
                raise
        return handle

    def read(self, name: str, limit: int) -> bytes | None:
        """The bytes of a regular file; None when it is not there. Raises LedgerError beyond `limit` bytes."""
        handle = self.open_file(name)
        if handle is None:
            return None
        with os_errors("reading a file", self.path / name), os.fdopen(handle, "rb") as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            what = f"this file is larger than {limit} bytes"
            raise LedgerError(what, path=str(self.path / name), remedy="restore it from a copy you trust")
        return data

    def write(self, name: str, data: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
        """Put a file in place as a whole, and the folders it lies in.

        Its temporary file lies in this folder itself, where `remove_temporary` finds what a kill left.
        """
        with (
            os_errors("writing to the ledger", self.path / name),
            self._parent(name, create=True) as (directory, last),
        ):
            write_at(directory, last, data, mode=mode, durable=durable, staging=self.handle)

    def remove_temporary(self) -> None:
        """Remove temporary files of killed processes; no other process may be writing (`locked`)."""
        with os_errors("removing temporary files", self.path):
            for name, kind in self.entries().items():
                if kind == "file" and name.startswith(TEMPORARY):
                    os.unlink(name, dir_fd=self.handle)

    def entries(self, name: str = "") -> dict[str, str]:
        """What lies in a folder, sorted: names to `file`, `directory` or `other`; empty without folder."""
        with os_errors("reading a directory", self.path / name):
            try:
                with (
                    self._parent(f"{name}/" if name else "") as (directory, _),
                    os.scandir(directory) as found,
                ):
                    kinds = {entry.name: _kind(entry) for entry in found}
            except FileNotFoundError:
                return {}
        return dict(sorted(kinds.items()))

    @contextmanager
    def _parent(self, name: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """The directory that the last part of `name` lies in, and that part. Raises FileNotFoundError."""
        *folders, last = name.split("/")
        handle, path = os.dup(self.handle), self.path
        try:
            for folder in folders:
                path /= folder
                inner = _enter(handle, folder, path, create)
                os.close(handle)
                handle = inner
            yield handle, last
        finally:
            os.close(handle)


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _enter(parent: int, name: str, path: Path, create: bool) -> int:
    """Open a directory in an open one, and make it when asked. Raises FileNotFoundError, LedgerError."""
    try:
        try:
            return os.open(name, _DIRECTORY, dir_fd=parent)
        except FileNotFoundError:
            if not create:
                raise
        with suppress(FileExistsError):  # another process was faster
            os.mkdir(name, 0o755, dir_fd=parent)
            os.fsync(parent)
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise foreign(path) from None
        raise
