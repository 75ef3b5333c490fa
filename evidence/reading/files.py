"""Opening and reading files below a directory without following links, and when a digest may be remembered.

Every path component is opened relative to its parent with ``O_NOFOLLOW``. What is read is read once, in
pieces, and its digest is taken from those very bytes.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Literal, Self

from ..base.errors import EnvironmentProblem, EvidenceError, GateError
from ..base.records import JsonRecord

ObjectFormat = Literal["sha1", "sha256"]

PIECE = 1 << 20
"""Bytes read at once."""

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_LINUX = sys.platform == "linux"
_CLOCK_REALTIME_COARSE = 5  # linux/time.h; the time module has no name for it
_SECONDS_NS = 2_000_000_000
_TICKS_NS = 50_000_000
_TICK_NS = 10_000_000
_MOUNTS = Path("/proc/self/mountinfo")
_LOCAL = frozenset({"bcachefs", "btrfs", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"})


class FileRead(JsonRecord, frozen=True):
    """A file whose content was read: workspace-relative POSIX path, SHA-256 in hex, size in bytes."""

    path: str
    sha256: str
    size: int


FileStamp = tuple[int, int, int, int, int, int]
"""What the file system says of a file: device, inode, size in bytes, mtime and ctime in nanoseconds, mode."""

stamp_of: Callable[[os.stat_result], FileStamp] = attrgetter(
    "st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns", "st_mode"
)
"""The stamp in a result of ``stat``."""


def clock_ns() -> int:
    """The time by the clock that file systems stamp with, in nanoseconds since 1970.

    Linux stamps with its coarse clock, which ticks up to 10 ms behind the fine one, and more while a virtual
    processor does not run (https://docs.kernel.org/filesystems/multigrain-ts.html).
    """
    return time.clock_gettime_ns(_CLOCK_REALTIME_COARSE) if _LINUX else time.time_ns()


def settled(stamp: FileStamp, began_ns: int) -> bool:
    """Whether any change after ``began_ns`` (:func:`clock_ns`) must show as another stamp.

    A file changed twice within one tick of its file system's clock has the same times after both changes (git
    calls that racy, https://git-scm.com/docs/racy-git). The last change must therefore lie further back than
    the clock's step: two seconds cover every file system (FAT has the coarsest) and a server's clock that is
    a little behind; 50 ms are enough where the file system is local and the stamp shows finer times than the
    kernel's tick.
    """
    device, _, _, mtime_ns, ctime_ns, _ = stamp
    fine = ctime_ns % _TICK_NS != 0 and device in _local_devices()
    latest = began_ns - (_TICKS_NS if fine else _SECONDS_NS)
    return mtime_ns < latest and ctime_ns < latest


@functools.cache
def _local_devices() -> frozenset[int]:
    """Device numbers of file systems whose times come from this machine's clock, in fine steps."""
    found = set()
    try:
        with _MOUNTS.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                before, _, after = line.partition(" - ")
                major, _, minor = before.split()[2].partition(":")
                if after.split()[0] in _LOCAL:
                    found.add(os.makedev(int(major), int(minor)))
    except (OSError, ValueError, IndexError):  # another system: nothing is known to be local
        return frozenset()
    return frozenset(found)


def changed(path: str) -> EvidenceError:
    """The error for a file that did not hold still."""
    return EvidenceError("changed while it was read", path=path, remedy="run again when nothing writes to it")


def too_large(path: str, most: int) -> EvidenceError:
    """The error for a file of more than ``most`` bytes."""
    return EvidenceError(
        f"is larger than {most} bytes", path=path, remedy="reduce the file; see `gate docs limits`"
    )


def printable(path: str) -> str:
    """The path with bytes that are not UTF-8 written out."""
    return path.encode("utf-8", "backslashreplace").decode()


def check_name(path: str) -> None:
    """Raise an EvidenceError if the name cannot stand in a manifest."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EvidenceError(
            "the file's name is not UTF-8", path=printable(path), remedy="rename the file"
        ) from error


def refusal(error: OSError, path: str) -> GateError:
    """What to tell the user when a file cannot be opened."""
    if error.errno in (errno.ELOOP, errno.EMLINK):
        return EvidenceError(
            "is a symbolic link, which evidence may not be",
            path=path,
            remedy="replace the link by the file itself",
        )
    if error.errno == errno.ENXIO:  # a socket
        return EvidenceError("is not a regular file", path=path, remedy="replace it by a regular file")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return EnvironmentProblem("too many open files", remedy="raise the limit with ulimit -n")
    return EvidenceError(
        f"cannot be opened: {error.strerror}", path=path, remedy="check that it exists and is readable"
    )


class Folders:
    """The directories of files below ``root``, opened one below the other without following links.

    That of the last file stays open, so that files in sorted order cost each directory once. To be used as a
    context manager, and not for long: a directory that was moved away meanwhile would still be read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open = -1
        self._name = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open >= 0:
            os.close(self._open)
            self._open = -1

    def _folder(self, folder: str) -> int:
        """The open directory of that name; raises OSError."""
        if self._open < 0 or folder != self._name:
            self.__exit__()
            self._open, self._name = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), folder
            try:
                for name in folder.split("/") if folder else ():
                    above, self._open = self._open, _open_directory(name, self._open)
                    os.close(above)
            except OSError:
                self.__exit__()
                raise
        return self._open

    def open(self, path: str) -> int:
        """A descriptor of the file, whatever it is; opening a pipe does not wait for a writer.

        Raises EvidenceError: it is absent, a link, behind a link, or may not be read; EnvironmentProblem: too
        many files are open.
        """
        folder, _, name = path.rpartition("/")
        try:
            return os.open(name, _FLAGS | os.O_NONBLOCK, dir_fd=self._folder(folder))
        except OSError as error:
            raise refusal(error, path) from error

    def stamp(self, path: str) -> FileStamp | None:
        """The file's stamp; None if it is absent, behind a link, or no regular file."""
        folder, _, name = path.rpartition("/")
        try:
            state = os.stat(name, dir_fd=self._folder(folder), follow_symlinks=False)
        except OSError:
            return None
        return stamp_of(state) if stat.S_ISREG(state.st_mode) else None


def _open_directory(name: str, parent: int) -> int:
    try:
        return os.open(name, _FLAGS | os.O_DIRECTORY, dir_fd=parent)
    except NotADirectoryError as error:  # also what Linux says of a link here; tell the two apart
        if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
        raise


class Reading:
    """One pass over an open file, whose descriptor is closed by it; either of the methods, once.

    ``stamp`` is, after the pass, the file's if its digest may be remembered by it (:func:`settled`).

    Raises EvidenceError: not a regular file, larger than ``most`` bytes, unreadable, or changed meanwhile.
    """

    def __init__(self, fd: int, path: str, most: int) -> None:
        self._fd = fd
        self._path = path
        self._most = most
        self.stamp: FileStamp | None = None
        try:
            self._began_ns = clock_ns()
            self._before = state = os.fstat(fd)
            if not stat.S_ISREG(state.st_mode):
                raise EvidenceError("is not a regular file", path=path, remedy="replace it by a regular file")
            self.size = state.st_size
            if self.size > most:
                raise too_large(path, most)
        except BaseException:
            os.close(fd)
            raise

    def pieces(self, chunk: int = PIECE) -> Iterator[bytes]:
        """The content in pieces of at most ``chunk`` bytes."""
        size, total = self.size, 0
        try:
            while True:
                # a byte more than there should be, to see that there is none
                wanted = min(chunk, (size if total <= size else self._most) + 1 - total)
                data = os.read(self._fd, wanted)
                total += len(data)
                if total > self._most:
                    raise too_large(self._path, self._most)
                if data:
                    yield data
                if not data or (len(data) < wanted and total >= size):
                    break
            self._compare(total)
        except OSError as error:
            raise EvidenceError(
                f"cannot be read: {error.strerror}", path=self._path, remedy="check the file system"
            ) from error
        finally:
            os.close(self._fd)

    def content(self) -> bytes:
        """The content as a whole."""
        return b"".join(self.pieces())

    def _compare(self, total: int) -> None:
        before, after = self._before, os.fstat(self._fd)
        if total != self.size or total != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
            raise changed(self._path)
        stamp = stamp_of(after)
        if before.st_ctime_ns == after.st_ctime_ns and settled(stamp, self._began_ns):
            self.stamp = stamp

    def digest(self, object_format: ObjectFormat | None = None) -> tuple[str, str | None]:
        """SHA-256 of the content in hex, and the id git gives it where a format is named; keeps nothing."""
        sha = hashlib.sha256()
        blob = None if object_format is None else _new_blob(self.size, object_format)
        for piece in self.pieces():
            sha.update(piece)
            if blob is not None:
                blob.update(piece)
        return sha.hexdigest(), None if blob is None else blob.hexdigest()


def blob_id(data: bytes, object_format: ObjectFormat) -> str:
    """The id git gives a file with these bytes, in hex."""
    blob = _new_blob(len(data), object_format)
    blob.update(data)
    return blob.hexdigest()


def _new_blob(size: int, object_format: ObjectFormat) -> hashlib._Hash:
    header = b"blob %d\x00" % size
    if object_format == "sha1":
        return hashlib.sha1(header, usedforsecurity=False)
    return hashlib.sha256(header)


def read_regular(path: Path, most: int, *, follow: bool = True) -> bytes:
    """The first bytes of a regular file that somebody named, at most so many.

    Args:
        follow: whether the name may be a link.

    Raises OSError: it cannot be read, or is something else, such as a pipe, which might never end.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(most)
    finally:
        os.close(handle)
