"""The journal of a session: a file of JSON Lines that outlives the process, and how it is read back.

A record is written at once, in one piece, so a killed process loses none; ``sync`` waits until the disk has
it. What a crash left of a last line is cut off. One process at a time holds a journal.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from ...base.contracts import violations
from ...base.errors import ConfigError, EnvironmentProblem, EvidenceError, UsageError
from ...base.limits import DEFAULT
from ...reading.parse import parse_json
from .messages import INTENT, REPORT, plain

CONTRACT = "ibkr_paper_journal"
FORMAT = "gate.ibkr.paper-journal/v1"

_OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=plain).encode
_MOST = DEFAULT.file_bytes
_REMEDY = "restore the journal as the session wrote it, or move it away and begin anew"

Record = Mapping[str, Any]


class Journal:
    """A journal that is held by this process; use it with ``with``."""

    def __init__(self, path: Path, descriptor: int, written: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._written = written

    @classmethod
    def create(cls, path: Path, *, replace: bool = False) -> Self:
        """A new, empty journal.

        Args:
            replace: whether the journal of a complete session may be there, and is removed.

        Raises UsageError: the name is taken, or there is no such directory.
        """
        if replace and os.path.lexists(path):
            earlier, records = cls.reopen(path)
            with earlier:
                if records[-1]["record"] != "end":
                    raise taken(path)
                path.unlink()
        try:
            descriptor = os.open(path, _OPEN | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError as error:
            if isinstance(error, FileExistsError):
                raise taken(path) from error
            what, remedy = f"the journal cannot be created: {error.strerror}", "name an existing directory"
            raise UsageError(what, path=str(path), remedy=remedy) from error
        _hold(path, descriptor)
        with suppress(OSError):  # not every file system can
            folder = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return cls(path, descriptor, 0)

    @classmethod
    def reopen(cls, path: Path) -> tuple[Self, list[Record]]:
        """The journal of an earlier process, to be continued, and its records.

        Raises UsageError: there is none, or another process holds it; ConfigError: it is damaged before its
        last line, or is no journal.
        """
        try:
            descriptor = os.open(path, _OPEN)
        except OSError as error:
            none = isinstance(error, FileNotFoundError)
            raise UsageError(
                "there is no journal" if none else f"the journal cannot be opened: {error.strerror}",
                path=str(path),
                remedy="leave out --resume to begin a session" if none else "check its permissions",
            ) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # reading a pipe would wait for ever
            os.close(descriptor)
            raise UsageError("the journal is no regular file", path=str(path), remedy="move it away")
        _hold(path, descriptor)
        try:
            records, size = _records(path, descriptor)
            os.ftruncate(descriptor, size)
            os.lseek(descriptor, 0, os.SEEK_END)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, len(records)), records

    def write(self, record: Mapping[str, Any]) -> Record:
        """Add a record (without its number) and return it with its number.

        Raises EnvironmentProblem: the disk is full, or the journal has reached the size that gate reads.
        """
        numbered = {"n": self._written + 1, **record}
        data = _ENCODE(numbered).encode() + b"\n"
        try:
            if os.fstat(self._descriptor).st_size + len(data) > _MOST:
                what = f"the journal has reached {_MOST} bytes"
                raise EnvironmentProblem(what, path=str(self._path), remedy="plan a shorter session")
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            what = f"the journal cannot be written: {error.strerror}"
            remedy = "free space, then go on with --resume"
            raise EnvironmentProblem(what, path=str(self._path), remedy=remedy) from error
        self._written += 1
        return numbered

    def sync(self) -> None:
        """Wait until the disk has everything. Raises EnvironmentProblem: it does not take it."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            what = f"the journal cannot be written: {error.strerror}"
            raise EnvironmentProblem(what, path=str(self._path), remedy="check the disk") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        os.close(self._descriptor)


def read_journal(path: Path) -> list[Record]:
    """The records of a journal that is not to be continued. Errors are those of ``Journal.reopen``."""
    journal, records = Journal.reopen(path)
    with journal:
        return records


def taken(path: Path) -> UsageError:
    """There is a journal where a new one is to begin."""
    remedy = "go on with it: --resume; or move it away"
    return UsageError("there is a journal already", path=str(path), remedy=remedy)


def _hold(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        remedy = "wait until that session has ended"
        raise UsageError("another process writes this journal", path=str(path), remedy=remedy) from error


def _records(path: Path, descriptor: int) -> tuple[list[Record], int]:
    """The complete records, and where the last of them ends."""
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        data = stream.read(_MOST + 1)
    if len(data) > _MOST:
        raise ConfigError(f"is larger than {_MOST} bytes", path=str(path), remedy="name a session's journal")
    size = data.rfind(b"\n") + 1
    records: list[Record] = []
    intents: set[str] = set()
    for number, line in enumerate(data[:size].splitlines(), 1):
        place = f"line {number}"
        try:
            record = parse_json(line, str(path), DEFAULT)
        except EvidenceError as error:
            raise ConfigError(error.what, path=str(path), place=place, remedy=_REMEDY) from error
        if (wrong := _wrong(record, number, intents)) is not None:
            raise ConfigError(wrong, path=str(path), place=place, remedy=_REMEDY)
        records.append(record)
    if not records:
        raise ConfigError("holds no session", path=str(path), remedy="remove it and begin anew")
    return records, size


def _wrong(record: Any, number: int, intents: set[str]) -> str | None:
    """Why a record cannot be the one of that number; None where it can. Adds an intent to the known ones."""
    found = violations("files", CONTRACT, record, quote=False)
    kind = None if found else record["record"]
    for name, contract in (("intent", INTENT), ("report", REPORT)):
        if kind == name:
            found = violations("", contract, record[name], quote=False)
    if found:
        return f"{found[0][0]} of the record: {found[0][1]}"
    if record["n"] != number or (kind == "session") != (number == 1):
        return f"record {record['n']} ({kind}) does not belong there"
    if kind == "intent":
        intents.add(record["intent"]["intent_id"])
    if kind == "report" and record["report"]["intent_id"] not in intents:
        return "the report is about no intent before it"
    return None
