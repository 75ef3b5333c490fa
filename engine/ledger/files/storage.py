"""The ledger in files: a crash at any moment loses nothing acknowledged.

Append: lock, cut a torn last line, one write, cut back when it was short, unlock, fdatasync, acknowledge. The
fdatasync after the unlock covers every earlier byte too, so several writers share it. Publish: fdatasync, put
the checkpoint into the history and then in place, each as a whole.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from ....evidence.base.atomic import TEMPORARY
from ....evidence.base.errors import EnvironmentProblem, LedgerError
from ....evidence.signing.dsse import MAX_LINE_BYTES
from ....evidence.signing.keys import VerifierKey
from ...store.access import READ, Folder, foreign, in_place, locked, os_errors
from ...store.files import FileBlobs
from ..interface import CHECKPOINT, COSIGNATURES, EVIDENCE, HISTORY, LOG, TIMESTAMP, VERIFIER, damaged
from ..note import MAX_NOTE_BYTES, Checkpoint

STATE: Final = "state"
"""The hint for the next seal; it may be deleted at any time."""

_FOLDERS: Final = {HISTORY, "trust", EVIDENCE, "tile"}
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_KEPT: Final = re.compile(rf"({_SIZE.pattern})(\.({TIMESTAMP}|{COSIGNATURES}))?")
_APPEND: Final = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# macOS has no fdatasync; fsync does at least as much.
datasync = getattr(os, "fdatasync", os.fsync)


class FileStorage:
    """An open ledger directory."""

    def __init__(self, folder: Folder) -> None:
        self.name = str(folder.path)
        self.blobs = FileBlobs(folder.path / EVIDENCE, folder)
        self._folder = folder
        self._log_path = folder.path / LOG
        self._log: int | None = None
        self._flags = READ
        self._known = (0, 0)  # a line's end and the number of lines up to there, to count only what is new
        self._failed = False

    def close(self) -> None:
        """Give up the files."""
        if self._log is not None:
            os.close(self._log)
        self._log = None
        self.blobs.close()
        self._folder.close()

    def verifier(self) -> bytes | None:
        """The content of `trust/log.vkey`. Raises LedgerError for what does not belong in the directory."""
        for fault in self._misplaced():
            raise fault
        return self._folder.read(VERIFIER, MAX_NOTE_BYTES)

    def note(self, size: int | None = None) -> bytes | None:
        """The latest checkpoint, or the one of that size."""
        return self._folder.read(CHECKPOINT if size is None else f"{HISTORY}/{size}", MAX_NOTE_BYTES)

    def kept(self, size: int, kind: str) -> bytes | None:
        """The time stamp or the cosignatures of the checkpoint of that size."""
        return self._folder.read(f"{HISTORY}/{size}.{kind}", MAX_NOTE_BYTES)

    def sizes(self) -> list[int]:
        """The sizes of all checkpoints in the history."""
        return sorted(int(name) for name in self._folder.entries(HISTORY) if _SIZE.fullmatch(name))

    def lines(self, after: Checkpoint | None = None) -> Iterator[bytes]:
        """The whole lines after a checkpoint at this moment, no writer being in the middle of one."""
        start = after.log_bytes if after else 0
        with os_errors("reading the log", self._log_path):
            log, _, end = self._whole(start)
            yield from lines_between(log, start, end)

    def covers(self, checkpoint: Checkpoint) -> bool:
        """Whether a line ends where the checkpoint ends."""
        end = checkpoint.log_bytes
        log = self._opened()
        with os_errors("reading the log", self._log_path):
            return end == 0 or (log is not None and os.pread(log, 1, end - 1) == b"\n")

    def faults(self) -> Iterator[LedgerError]:
        """Links and files that do not belong in the directory or in its history."""
        yield from self._misplaced()
        for name in self._folder.entries(HISTORY):
            if not (_KEPT.fullmatch(name) or name.startswith(TEMPORARY)):
                yield LedgerError("this does not belong in the history", path=f"{self.name}/{HISTORY}/{name}")

    def unfinished(self) -> int:
        """Length of a torn last line."""
        _, length, end = self._whole(0)
        return length - end

    def begin(self, verifier: VerifierKey) -> None:
        """Make key and log, unless they are there."""
        with locked(self._folder.handle, self._folder.path):
            self._folder.remove_temporary()
            self._flags = _APPEND
            sealed = self._folder.entries().keys() & {CHECKPOINT, HISTORY}
            if self.verifier() is None:
                if sealed or self._opened() is not None:
                    what = "the ledger has entries or checkpoints, but not the key that they are checked with"
                    raise damaged(f"{self.name}/{VERIFIER}", what)
                self._folder.write(VERIFIER, f"{verifier}\n".encode())
            if self._opened() is None:
                if CHECKPOINT in sealed:
                    raise damaged(str(self._log_path), "the log itself is missing")
                self._log = self._folder.open_file(LOG, _APPEND | os.O_CREAT | os.O_EXCL)
                with os_errors("beginning the log", self._log_path):
                    os.fsync(self._folder.handle)

    def append(self, lines: Sequence[bytes], sealed: Checkpoint | None) -> int:
        """Add lines in one write, having removed an unfinished line; durable when it returns."""
        self._usable()
        log, block = self._writable(), b"".join(line + b"\n" for line in lines)
        with locked(log, self._log_path):
            start, count = (sealed.log_bytes, sealed.size) if sealed else (0, 0)
            end = self._cut_torn_tail(log, start)
            if start < self._known[0] <= end:
                start, count = self._known
            first = count + sum(1 for _ in lines_between(log, start, end))
            self._write(log, block, end)
            self._known = (end + len(block), first + len(lines))
        self._sync()
        return first

    @contextmanager
    def sealing(self) -> Iterator[None]:
        """Hold the directory's lock."""
        self._usable()
        with locked(self._folder.handle, self._folder.path):
            yield

    def hint(self) -> bytes | None:
        """The content of `state`."""
        return self._folder.read(STATE, MAX_NOTE_BYTES)

    def publish(self, checkpoint: Checkpoint, hint: bytes) -> None:
        """Make the log durable, then put history, checkpoint and state in place."""
        self._sync()
        self._folder.write(f"{HISTORY}/{checkpoint.size}", checkpoint.note)
        self._folder.write(CHECKPOINT, checkpoint.note)
        self._folder.write(STATE, hint, durable=False)

    def keep(self, size: int, kind: str, data: bytes) -> None:
        """Put the file beside the checkpoint in place."""
        self._folder.write(f"{HISTORY}/{size}.{kind}", data)

    def _misplaced(self) -> Iterator[LedgerError]:
        for name, kind in self._folder.entries().items():
            if kind != ("directory" if name in _FOLDERS else "file"):
                yield foreign(self._folder.path / name)

    def _opened(self) -> int | None:
        if self._log is None:
            self._log = self._folder.open_file(LOG, self._flags)
        return self._log

    def _writable(self) -> int:
        log = self._opened()
        if log is None:
            raise damaged(str(self._log_path), "the log itself is missing")
        return log

    def _whole(self, start: int) -> tuple[int, int, int]:
        """The log, its length, and the end of its last whole line; nothing (-1, 0, 0) when there is none."""
        log = self._opened()
        if log is None:
            return -1, 0, 0
        with locked(log, self._log_path, shared=True):
            length = os.fstat(log).st_size
        return log, length, last_line_end(log, start, length)

    def _usable(self) -> None:
        if self._failed:
            raise EnvironmentProblem(
                "an earlier write to this ledger could not be made durable, so nothing more is written to it",
                path=self.name,
                remedy="check the disk, then start the program again",
            )
        self._in_place()

    def _in_place(self) -> None:
        """Raises as `in_place`, of the directory and the log."""
        opened = {self._folder.path: self._folder.handle}
        if self._log is not None:
            opened[self._log_path] = self._log
        for path, handle in opened.items():
            in_place(path, handle)

    def _cut_torn_tail(self, log: int, sealed: int) -> int:
        """Remove the unfinished line that a crash left, never below `sealed` bytes: the log's new length."""
        length = os.fstat(log).st_size
        end = last_line_end(log, sealed, length)
        if end < length:
            with os_errors("removing the unfinished last line", self._log_path):
                os.ftruncate(log, end)
        return end

    def _write(self, log: int, block: bytes, end: int) -> None:
        """One write at the end, taken back when the disk took less than all of it."""
        with os_errors("appending to the log", self._log_path):
            try:
                written = os.write(log, block)
            except OSError:
                os.ftruncate(log, end)
                raise
            if written == len(block):
                return
            os.ftruncate(log, end)
        what = f"the disk took {written} of {len(block)} bytes, so they were taken back"
        remedy = "free some space, then run again; nothing was acknowledged"
        raise EnvironmentProblem(what, path=str(self._log_path), remedy=remedy)

    def _sync(self) -> None:
        try:
            datasync(self._writable())
        except OSError as error:
            # After a failed fdatasync the kernel may have dropped the dirty pages: a second one would succeed
            # and prove nothing, so this object stays unusable.
            self._failed = True
            what = f"the log could not be made durable: {error.strerror}"
            remedy = "check the disk; what was appended last is not acknowledged"
            raise EnvironmentProblem(what, path=str(self._log_path), remedy=remedy) from None
        self._in_place()


def lines_between(handle: int, start: int, end: int, chunk: int = 1 << 17) -> Iterator[bytes]:
    """The lines of a file between two byte offsets, without line feeds.

    Reads in chunks. A line longer than MAX_LINE_BYTES may come cut, though still longer: memory stays
    bounded. An unfinished last line does not come at all.
    """
    kept, at = b"", start
    while at < end:
        data = os.pread(handle, min(chunk, end - at), at)
        if not data:
            return
        at += len(data)
        pieces = io.BytesIO(kept + data).readlines()  # finds line feeds three times as fast as split
        kept = b"" if pieces[-1].endswith(b"\n") else pieces.pop()[: MAX_LINE_BYTES + 1]
        for piece in pieces:
            yield piece[:-1]


def last_line_end(handle: int, start: int, end: int, chunk: int = 1 << 16) -> int:
    """The offset after the last line feed between two byte offsets; `start` when there is none."""
    if end > start and os.pread(handle, 1, end - 1) == b"\n":
        return end
    while end > start:
        begin = max(start, end - chunk)
        at = os.pread(handle, end - begin, begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return start
