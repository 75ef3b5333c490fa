"""Coverage reports in LCOV's tracefile format, read line by line.

Format: https://github.com/linux-test-project/lcov/blob/master/man/geninfo.1 (section FILES), as written by
``coverage lcov`` (https://coverage.readthedocs.io/en/latest/commands/cmd_lcov.html), geninfo, jest and
others. Lines, hits and branches are taken as listed; the sums LF, LH, BRF and BRH of a file asked about are
claims that must agree with them. Entries of other kinds (functions, test names) are passed over.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from ...base.errors import EvidenceError
from .model import Book, Listed, Measured, Targets

_NUMBER = re.compile(rb"[0-9]{1,9}")
_HITS = re.compile(rb"[0-9]{1,19}")
_SUMS = {b"LF": "lines", b"LH": "lines that ran", b"BRF": "branches", b"BRH": "branches taken"}
_ENTRY = re.compile(rb"[A-Z]{2,10}:|end_of_record\Z|#|\s*\Z")
_NAME_BYTES = 4096


@dataclass(slots=True)
class _Record:
    """What stands between one SF and its end_of_record."""

    name: str
    lines: list[int] = field(default_factory=list)
    ran: list[int] = field(default_factory=list)
    branches: dict[int, list[int]] = field(default_factory=dict)
    """Line number → branches taken, branches. Line 0 stands for branches without a line: coverage.py before
    7.6.2 writes it for a branch that leaves the file."""
    sums: dict[bytes, int] = field(default_factory=dict)


def read_lcov(lines: Iterable[tuple[int, bytes]], path: str, targets: Targets) -> Measured:
    """The measurement in the lines of an LCOV report.

    Args:
        lines: number and content of each line, as ``View.lines`` gives them.
        path: the report's name, for messages.
        targets: the files asked about.

    Raises:
        EvidenceError: malformed, not such a report, cut off, or in contradiction with itself.
    """
    reader = _Reader(path, targets)
    for number, line in lines:
        reader.take(number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
    return reader.finish()


class _Reader:
    def __init__(self, path: str, targets: Targets) -> None:
        self._path = path
        self._targets = targets
        self._book: Book[Listed] = Book(targets)
        self._record: _Record | None = None
        self._records = 0
        self._branches = False
        self._line = 0

    def take(self, number: int, line: bytes) -> None:
        """One line of the report."""
        self._line = number
        line = line.rstrip(b"\r")
        key, _, rest = line.partition(b":")
        record = self._record
        if record is not None and key == b"DA":
            fields = rest.split(b",")
            if len(fields) not in (2, 3):  # the third is a checksum of the source line
                self._fail("has a DA entry that is not line,hits")
            record.lines.append(self._number(fields[0]))
            if self._count(fields[1]):
                record.ran.append(record.lines[-1])
        elif key == b"SF":
            self._begin(rest)
        elif record is not None and key == b"BRDA":
            self._branch(record, rest)
        elif record is not None and key in _SUMS:
            if key in record.sums:
                self._fail(f"states {key.decode()} twice")
            record.sums[key] = self._number(rest)
        elif record is not None and line == b"end_of_record":
            self._end(record)
        elif _ENTRY.match(line) is None:
            self._fail("is no LCOV report" if not self._records else f"has the unknown entry {_shown(line)}")
        elif record is None and (key in (b"DA", b"BRDA", b"end_of_record") or key in _SUMS):
            self._fail(f"has {key.decode()} outside of a record")

    def finish(self) -> Measured:
        """The measurement, after the last line."""
        if self._record is not None:
            self._fail(f"ends inside the record of {self._record.name[:200]!r}")
        if not self._records:
            self._fail("is no LCOV report: it has no record")
        return Measured(
            files=self._book.finish(self._path),
            branches=self._branches,
            tool=None,
            format="lcov",
            undated=f"{self._path} is an LCOV report, which states no time",
        )

    def _fail(self, what: str) -> NoReturn:
        place = f"line {self._line}"
        raise EvidenceError(
            what, path=self._path, place=place, remedy="write the report again: coverage lcov"
        )

    def _begin(self, name: bytes) -> None:
        if self._record is not None:
            self._fail(f"begins a record inside the one of {self._record.name[:200]!r}")
        if not name or len(name) > _NAME_BYTES or b"\x00" in name:
            self._fail("has a record without a usable file name")
        # a name that is not UTF-8 is no file that is asked about
        self._record = _Record(name.decode("utf-8", "backslashreplace"))

    def _number(self, text: bytes) -> int:
        if _NUMBER.fullmatch(text) is None:
            self._fail(f"has the number {_shown(text)}")
        return int(text)

    def _count(self, text: bytes) -> bool:
        if _HITS.fullmatch(text) is None:
            self._fail(f"has the hits {_shown(text)}, which is no count of up to 19 digits")
        return bool(text.strip(b"0"))

    def _branch(self, record: _Record, rest: bytes) -> None:
        """``line,block,branch,taken``: a branch may be text with commas; ``-``: the line never ran."""
        first, _, others = rest.partition(b",")
        block, _, last = others.partition(b",")
        _branch, comma, taken = last.rpartition(b",")
        if not comma or not block:
            self._fail("has a BRDA entry that is not line,block,branch,taken")
        counts = record.branches.setdefault(self._number(first), [0, 0])
        counts[0] += taken != b"-" and self._count(taken)
        counts[1] += 1

    def _end(self, record: _Record) -> None:
        self._record = None
        self._records += 1
        self._branches = self._branches or bool(record.branches) or b"BRF" in record.sums
        if self._targets.find(record.name) is None:
            return
        listed = Listed(array("i", record.lines), array("i", record.ran))
        for line, (taken, total) in record.branches.items():
            listed.branches.extend((line, taken, total))
        counts = listed.counts()
        spare = record.sums.get(b"BRF", 0) - counts.branches
        if spare > 0 and spare == record.sums.get(b"BRH", 0) - counts.taken:
            # coverage.py counts both branches of a line marked "pragma: no branch" as taken, and lists those
            # that really were; with the rest the figures are those of its own report
            listed.branches.extend((0, taken := spare + record.branches.get(0, [0, 0])[0], taken))
            counts = listed.counts()
        for whole, part, listed_whole, listed_part in (
            (b"LF", b"LH", counts.statements, counts.covered),
            (b"BRF", b"BRH", counts.branches, counts.taken),
        ):
            # before 7.3 coverage.py lists lines and branches that its own sums leave out
            surplus = listed_whole - record.sums.get(whole, listed_whole)
            for key, found, most in ((whole, listed_whole, surplus), (part, listed_part, max(surplus, 0))):
                stated = record.sums.get(key, found)
                if not 0 <= found - stated <= most:
                    self._fail(
                        f"contradicts itself: {key.decode()} states {stated} {_SUMS[key]} in"
                        f" {record.name[:200]!r}, listed are {found}"
                    )
        self._book.add(record.name, listed)


def _shown(text: bytes) -> str:
    return repr(text[:40].decode("utf-8", "backslashreplace"))
