"""Coverage reports in LCOV's tracefile format, read line by line.

Format: https://github.com/linux-test-project/lcov/blob/master/man/geninfo.1 (section FILES), as written by
``coverage lcov`` (https://coverage.readthedocs.io/en/latest/commands/cmd_lcov.html), geninfo, jest and
others. Lines, hits and branches are taken as listed. Entries of other kinds are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NoReturn

from msgspec import Struct, field

from ...base.errors import EvidenceError
from .model import Book, Measured, Record

_NUMBER = re.compile(rb"[0-9]{1,9}")
_HITS = re.compile(rb"[0-9]{1,19}")
_ENTRY = re.compile(rb"[A-Z]{2,10}:|end_of_record\Z|#|\s*\Z")
_NAME_BYTES = 4096


class _File(Struct):
    """What stands between one SF and its end_of_record.

    Line 0 stands for branches without a line: coverage.py before 7.6.2 writes it for a branch that leaves the
    file.
    """

    name: str
    listed: set[int] = field(default_factory=set)
    ran: set[int] = field(default_factory=set)
    branches: dict[int, tuple[int, int]] = field(default_factory=dict)
    sums: dict[bytes, int] = field(default_factory=dict)


def read_lcov(lines: Iterable[tuple[int, bytes]], path: str, book: Book) -> Measured:
    """The measurement in the lines of an LCOV report.

    Raises:
        EvidenceError: malformed, not such a report, or cut off.
    """
    reader = _Reader(path, book)
    for number, line in lines:
        reader.take(number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
    return reader.finish()


class _Reader:
    def __init__(self, path: str, book: Book) -> None:
        self._path = path
        self._book = book
        self._file: _File | None = None
        self._files = 0
        self._branches = False
        self._line = 0

    def take(self, number: int, line: bytes) -> None:
        """One line of the report."""
        self._line = number
        line = line.rstrip(b"\r")
        key, _, rest = line.partition(b":")
        file = self._file
        if file is not None and key == b"DA":
            fields = rest.split(b",")
            if len(fields) not in (2, 3):  # the third is a checksum of the source line
                self._fail("has a DA entry that is not line,hits")
            covered = self._number(fields[0])
            file.listed.add(covered)
            if self._ran(fields[1]):
                file.ran.add(covered)
        elif key == b"SF":
            self._begin(rest)
        elif file is not None and key == b"BRDA":
            self._branch(file, rest)
        elif file is not None and key in (b"BRF", b"BRH"):
            file.sums[key] = self._number(rest)
        elif file is not None and line == b"end_of_record":
            self._end(file)
        elif _ENTRY.match(line) is None:
            self._fail(f"has the unknown entry {_shown(line)}" if self._files else "is no LCOV report")
        elif file is None and key in (b"DA", b"BRDA", b"end_of_record"):
            self._fail(f"has {key.decode()} outside of a record")

    def finish(self) -> Measured:
        """The measurement, after the last line."""
        if self._file is not None:
            self._fail(f"ends inside the record of {self._file.name[:200]!r}")
        if not self._files:
            self._fail("is no LCOV report: it has no record")
        undated = f"{self._path} is an LCOV report, which states no time"
        return Measured(self._book.finish(self._path), self._branches, None, "lcov", undated=undated)

    def _fail(self, what: str) -> NoReturn:
        remedy = "write the report again: coverage lcov"
        raise EvidenceError(what, path=self._path, place=f"line {self._line}", remedy=remedy)

    def _begin(self, name: bytes) -> None:
        if self._file is not None:
            self._fail(f"begins a record inside the one of {self._file.name[:200]!r}")
        if not name or len(name) > _NAME_BYTES or b"\x00" in name:
            self._fail("has a record without a usable file name")
        # a name that is not UTF-8 is no file that is asked about
        self._file = _File(name.decode("utf-8", "backslashreplace"))

    def _number(self, text: bytes) -> int:
        if _NUMBER.fullmatch(text) is None:
            self._fail(f"has the number {_shown(text)}")
        return int(text)

    def _ran(self, hits: bytes) -> bool:
        if _HITS.fullmatch(hits) is None:
            self._fail(f"has the hits {_shown(hits)}, which is no count of up to 19 digits")
        return bool(hits.strip(b"0"))

    def _branch(self, file: _File, rest: bytes) -> None:
        """``line,block,branch,taken``: a branch may be text with commas; ``-``: the line never ran."""
        first, _, others = rest.partition(b",")
        block, _, last = others.partition(b",")
        _branch, comma, hits = last.rpartition(b",")
        if not comma or not block:
            self._fail("has a BRDA entry that is not line,block,branch,taken")
        line = self._number(first)
        taken, total = file.branches.get(line, (0, 0))
        file.branches[line] = (taken + (hits != b"-" and self._ran(hits)), total + 1)

    def _end(self, file: _File) -> None:
        self._file = None
        self._files += 1
        self._branches = self._branches or bool(file.branches) or b"BRF" in file.sums
        record = Record(file.ran, listed=file.listed, branches=file.branches)
        counts = record.counts()
        spare = file.sums.get(b"BRF", 0) - counts.branches
        if spare > 0 and spare == file.sums.get(b"BRH", 0) - counts.taken:
            # coverage.py counts both branches of a line marked "pragma: no branch" as taken, and lists those
            # that really were; with the rest the figures are those of its own report
            taken, total = record.branches.get(0, (0, 0))
            record.branches[0] = (taken + spare, total + spare)
        self._book.add(file.name, record)


def _shown(text: bytes) -> str:
    return repr(text[:40].decode("utf-8", "backslashreplace"))
