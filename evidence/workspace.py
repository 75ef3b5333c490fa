"""The only door to the user's files: one walk, safe paths, size caps, one read per file, digests taken
from the very bytes that are parsed.

Nothing is followed out of the workspace: every path component is opened relative to its parent without
following symbolic links, and only regular files are read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import parse
from .canonical import sha256_hex
from .contracts import check_file
from .errors import ConfigError, EnvironmentProblem, EvidenceError
from .limits import DEFAULT, Limits
from .yaml_reader import parse_yaml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from .history import History

DERIVED_DIRECTORIES = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
"""Never looked into, wherever they are: what is in them follows from other files or is the history itself."""

TOOL_DIRECTORIES = frozenset({".venv", "venv", "node_modules", ".hypothesis", ".tox", ".nox", ".idea"})
"""Not looked into at the top of the workspace. Deeper down they may hide code that is judged."""


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file whose content was read: workspace-relative POSIX path, SHA-256 in hex, size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class _Inventory:
    files: tuple[str, ...]
    known: frozenset[str]
    links: dict[str, str]
    special: frozenset[str]


def glob_regex(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression: ``*`` and ``?`` within one component, ``**/`` any number of them."""
    out = []
    position = 0
    while position < len(pattern):
        if pattern.startswith("**/", position):
            out.append("(?:[^/]+/)*")
            position += 3
        elif pattern.startswith("**", position):
            out.append(".*")
            position += 2
        else:
            char = pattern[position]
            out.append({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)))
            position += 1
    return re.compile("".join(out), re.DOTALL)


def check_relative(path: str) -> str:
    """Return ``path`` if it names something inside the workspace.

    Raises:
        ConfigError: absolute, with ``..`` or an empty component, with NUL or a backslash.
    """
    parts = path.split("/")
    if not path or path.startswith("/") or "\x00" in path or "\\" in path or {"", ".", ".."} & set(parts):
        raise ConfigError(
            f"{path!r} is not a path inside the workspace",
            path="gate.yaml",
            remedy="name it relative to the workspace, with forward slashes and without '..'",
        )
    return path


class Workspace:
    """The directory being judged.

    Args:
        root: the directory; must exist.
        limits: caps on everything read.
        ignore: relative directories left out of the walk (the ledger, for one).

    Raises:
        EvidenceError: ``root`` is not a readable directory.
    """

    def __init__(self, root: Path, limits: Limits = DEFAULT, ignore: Iterable[str] = ()) -> None:
        if not root.is_dir():
            raise EvidenceError(
                "the workspace is not a directory", path=str(root), remedy="give an existing directory"
            )
        self.root = root.resolve()
        self.limits = limits
        self._ignore = frozenset(ignore)
        self._lock = threading.RLock()
        self._inventory: _Inventory | None = None
        self._content: dict[str, tuple[bytes, FileRead]] = {}
        self._digests: dict[str, FileRead] = {}

    def inventory(self) -> tuple[str, ...]:
        """Relative POSIX paths of all regular files, sorted; contents are not read.

        Raises:
            EvidenceError: a directory cannot be listed, or there are too many entries.
        """
        return self._walked().files

    def links(self) -> dict[str, str]:
        """Symbolic links met in the walk, path → target text as stored; none was followed."""
        return dict(self._walked().links)

    def special(self) -> frozenset[str]:
        """Pipes, sockets and devices met in the walk."""
        return self._walked().special

    @property
    def history(self) -> History:
        """The git repository around the workspace, to be read only."""
        from .history import History

        return History(self.root, self.limits)

    def view(self) -> View:
        """A fresh view that remembers what is read through it."""
        return View(self)

    @classmethod
    def single_file_view(cls, root: Path, name: str) -> View | None:
        """A view for reading one file at the top of ``root`` without walking it; None if it is absent.

        Raises:
            EvidenceError: ``root`` is no directory, or the name is there but not a regular file.
        """
        workspace = cls(root)
        try:
            mode = os.lstat(workspace.root / name).st_mode
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(mode):
            raise EvidenceError("is not a regular file", path=name, remedy="replace it by a regular file")
        return workspace.view()

    def _walked(self) -> _Inventory:
        with self._lock:
            if self._inventory is None:
                self._inventory = self._walk()
            return self._inventory

    def _walk(self) -> _Inventory:
        files: list[str] = []
        links: dict[str, str] = {}
        special: set[str] = set()
        pending = [""]
        seen = 0
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(self.root / folder) as entries:
                    for entry in entries:
                        seen += 1
                        path = f"{folder}/{entry.name}" if folder else entry.name
                        if entry.is_symlink():
                            links[path] = os.readlink(entry.path)  # noqa: PTH115 - Path would rewrite the text
                        elif entry.is_dir(follow_symlinks=False):
                            if not self._left_out(folder, entry.name, path):
                                pending.append(path)
                        elif entry.is_file(follow_symlinks=False):
                            files.append(path)
                        else:
                            special.add(path)
            except OSError as error:
                raise EvidenceError(
                    f"the directory cannot be listed: {error.strerror}",
                    path=_printable(folder or "."),
                    remedy="make it readable, or remove it from the workspace",
                ) from error
            if seen > self.limits.inventory_entries:
                raise EvidenceError(
                    f"the workspace has more than {self.limits.inventory_entries} entries",
                    path=_printable(folder or "."),
                    remedy="judge a smaller directory",
                )
        files.sort()
        return _Inventory(tuple(files), frozenset(files), links, frozenset(special))

    def _left_out(self, folder: str, name: str, path: str) -> bool:
        tool = not folder and name in TOOL_DIRECTORIES
        return tool or name in DERIVED_DIRECTORIES or path in self._ignore

    def is_file(self, path: str) -> bool:
        """Whether ``path`` is a regular file in the workspace.

        Raises:
            EvidenceError: there is something else of that name: a symbolic link (also on the way), a pipe,
                a device.
            ConfigError: ``path`` leaves the workspace.
        """
        check_relative(path)
        walked = self._walked()
        if path in walked.known:
            return True
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            prefix = "/".join(parts[:count])
            if prefix in walked.links:
                raise EvidenceError(
                    "is a symbolic link, which evidence may not be",
                    path=_printable(prefix),
                    remedy="replace the link by the file itself",
                )
            if prefix in walked.special:
                raise EvidenceError(
                    "is not a regular file", path=_printable(prefix), remedy="replace it by a regular file"
                )
        return False

    def read(self, path: str, cap: int | None = None) -> tuple[bytes, FileRead]:
        """The file's bytes and digest, read once per workspace object.

        Args:
            path: relative path.
            cap: largest accepted size in bytes, ``limits.file_bytes`` when not given.

        Raises:
            EvidenceError: absent, not regular, behind a link, unreadable, too large, or changed while read.
        """
        check_relative(path)
        most = min(cap or self.limits.file_bytes, self.limits.file_bytes)
        with self._lock:
            known = self._content.get(path)
            if known is None:
                data = self._read_bytes(path, most)
                known = (data, FileRead(path, sha256_hex(data), len(data)))
                self.remember([known[1]])
                self._content[path] = known
        if known[1].size > most:
            raise _too_large(path, most)
        return known

    def file_digest(self, path: str) -> str:
        """SHA-256 in hex of a file whose content nobody needs to keep; of the bytes read before, if any.

        Raises:
            EvidenceError: as :meth:`read`.
        """
        with self._lock:
            known = self._digests.get(path)
        if known is None:
            data = self._read_bytes(path, self.limits.file_bytes)
            known = FileRead(path, sha256_hex(data), len(data))
            self.remember([known])
        return known.sha256

    def stream(self, path: str, chunk: int = 1 << 20) -> Iterator[bytes | FileRead]:
        """The file's bytes in pieces, and last of all what was read; nothing is kept in memory.

        Args:
            path: relative path.
            chunk: size of a piece in bytes.

        Raises:
            EvidenceError: as :meth:`read`, with ``limits.stream_bytes`` as the largest size; at the end, when
                the file changed meanwhile or had other content when it was read before.
        """
        check_relative(path)
        digest = hashlib.sha256()
        size = 0
        for data in self._pieces(path, self.limits.stream_bytes, chunk):
            digest.update(data)
            size += len(data)
            yield data
        record = FileRead(path, digest.hexdigest(), size)
        self.remember([record])
        yield record

    def remember(self, files: Iterable[FileRead]) -> None:
        """Take note of what was read, also elsewhere: by another process that reads this workspace.

        Raises:
            EvidenceError: one of the files had other content when it was read before.
        """
        with self._lock:
            for file in files:
                if self._digests.setdefault(file.path, file) != file:
                    raise _changed(file.path)

    def _read_bytes(self, path: str, most: int) -> bytes:
        return b"".join(self._pieces(path, most, 1 << 20))

    def _pieces(self, path: str, most: int, chunk: int) -> Iterator[bytes]:
        try:
            _utf8 = path.encode("utf-8")
        except UnicodeEncodeError as error:
            raise EvidenceError(
                "the file's name is not UTF-8", path=_printable(path), remedy="rename the file"
            ) from error
        fd = _open_below(self.root, path)
        try:
            before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode):
                raise EvidenceError("is not a regular file", path=path, remedy="replace it by a regular file")
            if before.st_size > most:
                raise _too_large(path, most)
            total = 0
            while data := os.read(fd, min(chunk, most + 1 - total)):
                total += len(data)
                if total > most:
                    raise _too_large(path, most)
                yield data
            after = os.fstat(fd)
        except OSError as error:
            raise EvidenceError(
                f"cannot be read: {error.strerror}", path=path, remedy="check the file system"
            ) from error
        finally:
            os.close(fd)
        if (before.st_mtime_ns, before.st_size) != (
            after.st_mtime_ns,
            after.st_size,
        ) or total != after.st_size:
            raise _changed(path)


def _changed(path: str) -> EvidenceError:
    return EvidenceError("changed while it was read", path=path, remedy="run again when nothing writes to it")


def _too_large(path: str, most: int) -> EvidenceError:
    return EvidenceError(
        f"is larger than {most} bytes", path=path, remedy="reduce the file; the limits are in docs/limits.md"
    )


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()


def _open_below(root: Path, path: str) -> int:
    parts = path.split("/")
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = -1
    try:
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts[:-1]:
            inner = _open_directory(part, fd, flags)
            os.close(fd)
            fd = inner
        # O_NONBLOCK: opening a pipe must not wait for a writer
        return os.open(parts[-1], flags | os.O_NONBLOCK, dir_fd=fd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise EvidenceError(
                "is a symbolic link, which evidence may not be",
                path=path,
                remedy="replace the link by the file itself",
            ) from error
        if error.errno == errno.EMFILE:
            raise EnvironmentProblem(
                "too many open files", remedy="raise the limit with ulimit -n"
            ) from error
        raise EvidenceError(
            f"cannot be opened: {error.strerror}", path=path, remedy="check that it exists and is readable"
        ) from error
    finally:
        if fd >= 0:
            os.close(fd)


def _open_directory(name: str, parent: int, flags: int) -> int:
    try:
        return os.open(name, flags | os.O_DIRECTORY, dir_fd=parent)
    except NotADirectoryError as error:  # also what Linux says of a link here; tell the two apart
        if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
        raise


class View:
    """One reader's access to a workspace; remembers which files were read and what they contained."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files: dict[str, FileRead] = {}

    @property
    def limits(self) -> Limits:
        """The caps in force."""
        return self._workspace.limits

    @property
    def root(self) -> Path:
        """The workspace's directory, resolved."""
        return self._workspace.root

    @property
    def files(self) -> tuple[FileRead, ...]:
        """Files read through this view, sorted by path."""
        return tuple(self._files[path] for path in sorted(self._files))

    def paths(self) -> tuple[str, ...]:
        """Every regular file of the workspace, sorted."""
        return self._workspace.inventory()

    def glob(self, pattern: str) -> tuple[str, ...]:
        """Regular files matching the pattern, sorted; a pattern without wildcard behaves like ``exists``."""
        if not set("*?") & set(pattern):
            return (pattern,) if self.exists(pattern) else ()
        matches = glob_regex(pattern).fullmatch
        for link in sorted(self._workspace.links()):
            if matches(link):
                self._workspace.is_file(link)
        return tuple(path for path in self.paths() if matches(path))

    def exists(self, path: str) -> bool:
        """Whether the path is a regular file; see :meth:`Workspace.is_file` for what is refused."""
        return self._workspace.is_file(path)

    def read(self, path: str, cap: int | None = None) -> bytes:
        """The file's bytes; see :meth:`Workspace.read`."""
        data, record = self._workspace.read(path, cap)
        self._files[path] = record
        return data

    def digest(self, path: str) -> str:
        """SHA-256 of the file in hex; reads it if it was not read yet."""
        self.read(path)
        return self._files[path].sha256

    def lines(self, path: str) -> Iterator[tuple[int, bytes]]:
        """The lines of a large file with their numbers from 1, without line ends; empty lines too.

        The file counts as read once the last line was taken. Nothing is kept in memory.

        Raises:
            EvidenceError: as :meth:`Workspace.stream`, and when a line or their number exceeds its limit.
        """
        number = 0
        rest = b""
        limits = self.limits
        for piece in self._workspace.stream(path):
            if isinstance(piece, FileRead):
                self._files[path] = piece
                break
            parts = (rest + piece).split(b"\n")
            rest = parts.pop()
            for line in parts:
                number += 1
                self._check_line(path, number, len(line))
                yield number, line
            self._check_line(path, number + 1, len(rest))
        if rest:
            yield number + 1, rest

    def _check_line(self, path: str, number: int, size: int) -> None:
        if size <= self.limits.record_bytes and number <= self.limits.records + 1:
            return
        what = (
            f"a line is longer than {self.limits.record_bytes} bytes"
            if size > self.limits.record_bytes
            else f"has more than {self.limits.records} lines"
        )
        raise EvidenceError(
            what,
            path=path,
            place=f"line {number}",
            remedy="write one record a line, or split the file; the limits are in docs/limits.md",
        )

    @property
    def history(self) -> History:
        """The git repository around the workspace, to be read only."""
        return self._workspace.history

    def read_text(self, path: str) -> str:
        """The file as UTF-8 text; see :func:`gate.evidence.parse.decode_text`."""
        return parse.decode_text(self.read(path, self.limits.text_bytes), path)

    def read_json(self, path: str, contract: str | None = None) -> Any:
        """The file as strict JSON, held against ``contracts/files/<contract>.schema.json`` when given."""
        value = parse.parse_json(self.read(path), path, self.limits)
        if contract is not None:
            check_file(contract, value, path)
        return value

    def read_yaml(self, path: str, contract: str | None = None) -> Any:
        """The file as strict YAML, held against a contract when given."""
        value = parse_yaml(self.read(path, self.limits.text_bytes), path, self.limits)
        if contract is not None:
            check_file(contract, value, path)
        return value

    def read_csv(self, path: str, header: Sequence[str]) -> list[parse.CsvRow]:
        """The file as CSV under exactly this header."""
        return parse.parse_csv(self.read(path), path, header, self.limits)

    def read_xml(self, path: str) -> Element:
        """The root element of the XML file."""
        return parse.parse_xml(self.read(path), path, self.limits)
