"""A reader's access to a workspace, with a trace of everything the reader learned through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.contracts import check_file
from ...base.errors import EvidenceError
from ...base.limits import Limits
from .. import parse
from ..files import FileRead
from ..yaml_reader import parse_yaml
from .sources import Selection

if TYPE_CHECKING:
    from ..git.history import History
    from . import Workspace

Trace = dict[str, Any]
"""What a reader asked and what it was answered, JSON-like; see :meth:`View.trace`."""


class View:
    """One reader's access to a workspace; remembers which files were read and what they contained."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files: dict[str, FileRead] = {}
        self._asked: set[tuple[str, str]] = set()
        self._unfinished = 0
        self._history: list[str | None] = []

    @property
    def limits(self) -> Limits:
        """The caps in force."""
        return self._workspace.limits

    @property
    def root(self) -> Path:
        """The workspace's directory, resolved. Whoever has it could ask git, so this counts as doing so."""
        self._note_history()
        return self._workspace.root

    @property
    def history(self) -> History:
        """The git repository around the workspace, to be read only."""
        self._note_history()
        return self._workspace.history

    def _note_history(self) -> None:
        if not self._history and self._workspace.memory is not None:
            self._history.append(self._workspace.repository_state())

    @property
    def files(self) -> tuple[FileRead, ...]:
        """Files read through this view, sorted by path."""
        return tuple(self._files[path] for path in sorted(self._files))

    def paths(self) -> tuple[str, ...]:
        """Every regular file of the workspace, sorted."""
        self._asked.add(("paths", ""))
        return self._workspace.inventory()

    def judged(self) -> Selection:
        """The files whose content is judged; see :meth:`Workspace.judged`."""
        self._asked.add(("judged", ""))
        return self._workspace.judged()

    def glob(self, pattern: str) -> tuple[str, ...]:
        """Files matching the pattern, sorted; also what is no regular file, which nothing will read."""
        if not set("*?") & set(pattern):
            try:
                return (pattern,) if self.exists(pattern) else ()
            except EvidenceError:
                return (pattern,)
        self._asked.add(("glob", pattern))
        return self._workspace.matching(pattern)

    def exists(self, path: str) -> bool:
        """Whether the path is a regular file; see :meth:`Workspace.is_file` for what is refused."""
        self._asked.add(("exists", path))
        return self._workspace.is_file(path)

    def read(self, path: str, cap: int | None = None) -> bytes:
        """The file's bytes; see :meth:`Workspace.read`."""
        self._unfinished += 1
        data, record = self._workspace.read(path, cap)
        self._finish(record)
        return data

    def _finish(self, record: FileRead) -> None:
        self._files[record.path] = record
        self._unfinished -= 1

    def digest(self, path: str) -> str:
        """SHA-256 of the file in hex; reads it if it was not read yet."""
        self.read(path)
        return self._files[path].sha256

    def lines(self, path: str) -> Iterator[tuple[int, bytes]]:
        """The lines of a large file with their numbers from 1, without line feeds; empty lines too.

        A carriage return stays. The file counts as read once the last line was taken. Nothing is kept in
        memory.

        Raises EvidenceError: as :meth:`Workspace.stream`, and when a line or their number exceeds its limit.
        """
        self._unfinished += 1
        longest, most = self.limits.record_bytes, self.limits.records
        number = 0
        rest = b""
        for piece in self._workspace.stream(path):
            if isinstance(piece, FileRead):
                self._finish(piece)
                break
            parts = (rest + piece).split(b"\n")
            rest = parts.pop()
            for line in parts:
                number += 1
                if len(line) > longest:
                    raise _too_much(path, number, f"a line is longer than {longest} bytes")
                if number > most:
                    raise _too_much(path, number, f"has more than {most} lines")
                yield number, line
            if len(rest) > longest:
                raise _too_much(path, number + 1, f"a line is longer than {longest} bytes")
        if rest:
            if number >= most:
                raise _too_much(path, number + 1, f"has more than {most} lines")
            yield number + 1, rest

    def trace(self) -> Trace | None:
        """What was learned through this view, so that a later run can tell whether it would learn the same.

        None where nothing is to be remembered, or it could not be told: a file could not be read or was read
        in part, or the repository was written to a moment ago. Keys: ``asked`` has each question about the
        inventory with its answer, ``files`` each file read, ``history`` the repository's state if git could
        have been asked, ``stamps`` what may be remembered of the files by itself.
        """
        memory = self._workspace.memory
        if memory is None or self._unfinished or None in self._history:
            return None
        return {
            "asked": [[*question, self._workspace.answer(*question)] for question in sorted(self._asked)],
            "files": [[file.path, file.sha256, file.size] for file in self.files],
            "history": self._history[0] if self._history else None,
            "stamps": memory.rows(sorted(memory.fresh & self._files.keys())),
        }

    def read_text(self, path: str) -> str:
        """The file as UTF-8 text; see :func:`gate.evidence.reading.parse.decode_text`."""
        return parse.decode_text(self.read(path, self.limits.text_bytes), path)

    def read_json(self, path: str, contract: str | None = None) -> Any:
        """The file as strict JSON, held against ``contracts/files/<contract>.schema.json`` when given."""
        value = parse.parse_json(self.read(path), path, self.limits)
        if contract is not None:
            check_file(contract, value, path)
        return value

    def read_yaml(self, path: str) -> Any:
        """The file as strict YAML."""
        return parse_yaml(self.read(path, self.limits.text_bytes), path, self.limits)

    def read_csv(self, path: str, header: Sequence[str]) -> list[parse.CsvRow]:
        """The file as CSV under exactly this header."""
        return parse.parse_csv(self.read(path), path, header, self.limits)


def _too_much(path: str, number: int, what: str) -> EvidenceError:
    return EvidenceError(
        what,
        path=path,
        place=f"line {number}",
        remedy="write one record a line, or split the file; `gate docs limits` lists the limits",
    )
