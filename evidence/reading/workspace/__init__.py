"""The only door to the user's files: one walk, safe paths, size caps, one read per file, digests taken
from the very bytes that are parsed.

Nothing is followed out of the workspace: every path component is opened relative to its parent without
following symbolic links, and only regular files are read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.activity import Log
from ...base.canonical import sha256_hex
from ...base.errors import EvidenceError, GateError
from ...base.limits import DEFAULT, Limits
from ..files import PIECE, FileRead, Folders, ObjectFormat, Reading, changed, check_name, too_large
from ..paths import check_relative, glob_regex
from .digests import Digests, fits
from .sources import Selection, select
from .view import Trace, View
from .walk import TOOL_DIRECTORIES, Inventory, walk

if TYPE_CHECKING:
    from ..git.history import History

__all__ = [
    "TOOL_DIRECTORIES",
    "Digests",
    "FileRead",
    "Selection",
    "Trace",
    "View",
    "Workspace",
    "check_relative",
    "glob_regex",
]

_log = Log(__name__)

KEPT_BYTES = 64 * 1024 * 1024
"""Content kept for further readers. What had to go is read again, and must be the same."""


class Workspace:
    """The directory being judged, read by one thread.

    Args:
        ignore: relative directories left out of the walk (the ledger, for one).
        sources: directories, files or globs whose content is judged; discovered when None.
        exclude: globs of what is not judged among them.
        given: content of files that comes from who runs the gate, by a name that begins with ``@``; None
            where there is none. They are read in place of the workspace's and are not in the inventory.
        stated_in: the file in which ``sources`` and ``exclude`` stand, as errors name it.

    Attributes:
        memory: digests that earlier runs and this one took; without it, nothing is remembered or traced.

    Raises EvidenceError: ``root`` is not a readable directory.
    """

    def __init__(
        self,
        root: Path,
        limits: Limits = DEFAULT,
        ignore: Iterable[str] = (),
        sources: Sequence[str] | None = None,
        exclude: Iterable[str] = (),
        given: Mapping[str, bytes | None] | None = None,
        stated_in: str = "gate.yaml",
    ) -> None:
        if not root.is_dir():
            raise EvidenceError(
                "the workspace is not a directory", path=str(root), remedy="give an existing directory"
            )
        self.root = root.resolve()
        self.limits = limits
        self.memory: Digests | None = None
        self._ignore = frozenset(ignore)
        self._sources = sources
        self._exclude = tuple(exclude)
        self._stated_in = stated_in
        self._given = dict(given or {})
        self._judged: Selection | None = None
        self._content: dict[str, tuple[bytes, FileRead]] = {}
        self._kept = 0
        self._digests: dict[str, tuple[str, int]] = {  # SHA-256 and size by path
            path: (sha256_hex(data), len(data)) for path, data in self._given.items() if data is not None
        }
        self._blobs: dict[str, str] = {}
        self._matches: dict[str, tuple[str, ...]] = {}
        self._repository: list[str | None] = []

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to go on with: everything but the contents."""
        return {**self.__dict__, "_content": {}, "_kept": 0}

    def inventory(self) -> tuple[str, ...]:
        """Relative POSIX paths of all regular files, sorted, apart from :meth:`refused` directories."""
        return self._walked.files

    def links(self) -> dict[str, str]:
        """Symbolic links met in the walk, path → target text as stored; none was followed."""
        return dict(self._walked.links)

    def special(self) -> frozenset[str]:
        """Pipes, sockets and devices met in the walk."""
        return self._walked.special

    def refused(self) -> list[EvidenceError]:
        """Why the entries of some directories are not known: not readable, or beyond the limit."""
        walked = self._walked
        return [walked.refusal(folder) for folder in sorted(walked.refused)]

    def judged(self) -> Selection:
        """The files whose content is judged.

        Raises ConfigError: a configured source path matches nothing, or leaves the workspace.
        """
        if self._judged is None:
            self._judged = select(self._walked, self._sources, self._exclude, self._stated_in)
        return self._judged

    @property
    def history(self) -> History:
        """The git repository around the workspace, to be read only."""
        from ..git.history import History

        return History(self.root, self.limits)

    def view(self) -> View:
        """A fresh view that remembers what is read through it."""
        return View(self)

    @classmethod
    def single_file_view(cls, root: Path, name: str) -> View | None:
        """A view for reading one file at the top of ``root`` without walking it; None if it is absent.

        Raises EvidenceError: ``root`` is no directory, or the name is there but not a regular file.
        """
        workspace = cls(root)
        try:
            mode = os.lstat(workspace.root / name).st_mode
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(mode):
            raise EvidenceError("is not a regular file", path=name, remedy="replace it by a regular file")
        return workspace.view()

    @cached_property
    def _walked(self) -> Inventory:
        return walk(self.root, self._ignore, self.limits.inventory_entries)

    def is_file(self, path: str) -> bool:
        """Whether ``path`` is a regular file in the workspace.

        Raises EvidenceError: there is something else of that name: a symbolic link (also on the way), a pipe,
        a device; or the directory that it would be in is a refused one; ConfigError: ``path`` leaves the
        workspace.
        """
        check_relative(path, found=True)
        if path in self._given:
            return self._given[path] is not None
        return self._walked.is_file(path)

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Files that match a glob with wildcards, sorted; found once for each pattern.

        A symbolic link, or something else that is no regular file, is among them: reading it is refused.

        Raises EvidenceError: a directory that it leads into is a refused one; ConfigError: it leads out of
        the workspace.
        """
        check_relative(pattern, found=True)
        found = self._matches.get(pattern)
        if found is None:
            found = self._matches[pattern] = self._walked.matching(pattern)
        return found

    def answer(self, question: str, argument: str) -> str:
        """What a view's question about the inventory is answered, errors included, as a short text.

        Args:
            question: ``exists``, ``glob``, ``paths`` or ``judged``.
        """
        try:
            if question == "exists":
                return str(self.is_file(argument))
            if question == "judged":
                return sha256_hex(repr(self.judged()).encode("utf-8", "surrogateescape"))
            found = self.inventory() if question == "paths" else self.matching(argument)
        except GateError as error:
            return error.diagnostics()
        return sha256_hex("\0".join(found).encode("utf-8", "surrogateescape"))

    def repository_state(self) -> str | None:
        """What git's answers depend on, taken once for all views."""
        from ..git.state import repository_state

        if not self._repository:
            self._repository.append(repository_state(self.root))
        return self._repository[0]

    def read(self, path: str, cap: int | None = None) -> tuple[bytes, FileRead]:
        """The file's bytes and digest, read once per workspace object, unless it holds a great deal already.

        Args:
            cap: largest accepted size in bytes, ``limits.file_bytes`` when not given.

        Raises EvidenceError: absent, not regular, behind a link, unreadable, too large, or changed while
        read.
        """
        check_relative(path, found=True)
        most = min(cap or self.limits.file_bytes, self.limits.file_bytes)
        known = self._content.get(path) or self._read_given(path)
        if known is None:
            reading = self._open(path, most)
            data = reading.content()
            known = (data, FileRead(path, sha256_hex(data), len(data)))
            self._learn(reading, path, known[1].sha256)
            self._keep(*known)
        if known[1].size > most:
            raise too_large(path, most)
        return known

    def _read_given(self, path: str) -> tuple[bytes, FileRead] | None:
        data = self._given.get(path)
        return None if data is None else (data, FileRead(path, *self._digests[path]))

    def _keep(self, data: bytes, record: FileRead) -> None:
        """Keep the content for the next reader; the oldest goes when it becomes too much."""
        self._content[record.path] = (data, record)
        self._kept += record.size
        while self._kept > KEPT_BYTES and len(self._content) > 1:
            oldest, _ = self._content.pop(next(iter(self._content)))
            self._kept -= len(oldest)

    def stream(self, path: str, chunk: int = PIECE) -> Iterator[bytes | FileRead]:
        """The file's bytes in pieces, and last of all what was read; nothing is kept in memory.

        Raises EvidenceError: as :meth:`read`, with ``limits.stream_bytes`` as the largest size; at the end,
        when the file changed meanwhile or had other content when it was read before.
        """
        check_relative(path, found=True)
        digest = hashlib.sha256()
        reading = self._open(path, self.limits.stream_bytes)
        for data in reading.pieces(chunk):
            digest.update(data)
            yield data
        self._learn(reading, path, digest.hexdigest())
        yield FileRead(path, digest.hexdigest(), reading.size)

    def _open(self, path: str, most: int) -> Reading:
        check_name(path)
        if path in self._given:
            raise EvidenceError("is not there", path=path, remedy="give it beside the settings that name it")
        with Folders(self.root) as folders:
            return Reading(folders.open(path), path, most)

    def remember(self, files: Iterable[FileRead]) -> None:
        """Take note of what was read, also elsewhere: by another process that reads this workspace.

        Raises EvidenceError: one of the files had other content when it was read before.
        """
        for file in files:
            self._note(file.path, file.sha256, file.size)

    def file_digest(self, path: str) -> str:
        """SHA-256 in hex of a file whose content nobody needs to keep; of the bytes read before, if any.

        Raises EvidenceError: as :meth:`read`.
        """
        return self.digests([path])[path]

    def blob_id(self, path: str, object_format: ObjectFormat) -> str:
        """The id git gives the file's content; read for it only if that is not known yet.

        Raises EvidenceError: as :meth:`read`.
        """
        if not fits(self._blobs.get(path), object_format):
            with Folders(self.root) as folders:
                self._digest(folders, path, object_format, self._largest)
        return self._blobs[path]

    @property
    def _largest(self) -> int:
        return max(self.limits.file_bytes, self.limits.stream_bytes)

    def digests(self, paths: Iterable[str], object_format: ObjectFormat | None = None) -> dict[str, str]:
        """SHA-256 in hex of many files, fastest in sorted order; no content is kept.

        A file is opened only if it was not read before and :attr:`memory` does not know its stamp.

        Args:
            object_format: take the ids for :meth:`blob_id` of that format, too.

        Raises EvidenceError: as :meth:`read`.
        """
        found = {}
        with Folders(self.root) as folders:
            for path in paths:
                known = self._digests.get(path)
                if known is None or not fits(self._blobs.get(path), object_format):
                    known = self._digest(folders, path, object_format, self.limits.file_bytes)
                found[path] = known[0]
        return found

    def _digest(
        self, folders: Folders, path: str, object_format: ObjectFormat | None, most: int
    ) -> tuple[str, int]:
        if self.memory is not None and path in self.memory:
            stamp = folders.stamp(path)
            if stamp is not None and stamp[2] <= most:
                known = self.memory.find(path, stamp)
                if known is not None and fits(known[1], object_format):
                    return self._note(path, known[0], stamp[2], known[1])
        check_name(path)
        reading = Reading(folders.open(path), path, most)
        sha256, blob = reading.digest(object_format)
        return self._learn(reading, path, sha256, blob)

    def _learn(self, reading: Reading, path: str, sha256: str, blob: str | None = None) -> tuple[str, int]:
        _log.info("read %s, %d bytes", path, reading.size)
        if self.memory is not None and reading.stamp is not None:
            self.memory.learn(path, reading.stamp, sha256, blob)
        return self._note(path, sha256, reading.size, blob)

    def _note(self, path: str, sha256: str, size: int, blob: str | None = None) -> tuple[str, int]:
        record = (sha256, size)
        if self._digests.setdefault(path, record) != record:
            raise changed(path)
        if blob is not None:
            self._blobs[path] = blob
        return record

    def holds(self, files: Iterable[FileRead]) -> bool:
        """Whether all these files have this very content now; only those with a new stamp are read.

        A file that cannot be read does not hold it; whoever needs the file will say why.
        """
        with Folders(self.root) as folders:
            return all(self._holds(folders, file) for file in files)

    def _holds(self, folders: Folders, file: FileRead) -> bool:
        wanted = (file.sha256, file.size)
        known = self._digests.get(file.path)
        if known is not None:
            return known == wanted
        stamp = folders.stamp(file.path)
        if stamp is None or stamp[2] != file.size:
            return False
        try:
            return self._digest(folders, file.path, None, self._largest) == wanted
        except GateError:
            return False
