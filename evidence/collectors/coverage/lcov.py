"""Coverage reports in LCOV's tracefile format, read line by line.

Format: https://github.com/linux-test-project/lcov/blob/master/man/geninfo.1 (section FILES), as written by
``coverage lcov`` (https://coverage.readthedocs.io/en/latest/commands/cmd_lcov.html), geninfo and others.
Lines, hits and branches are taken as listed; the sums LF, LH, BRF and BRH are claims that must agree with
them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from ...base.errors import EvidenceError
from .model import Book, Listed, Measured, Targets

_NUMBER = re.compile(rb"[1-9][0-9]{0,8}")
_HITS = re.compile(rb"[0-9]{1,18}")
_SUM = re.compile(rb"[0-9]{1,9}")
_SUMS = {b"LF": "lines", b"LH": "lines that ran", b"BRF": "branches", b"BRH": "branches taken"}
_IGNORED = frozenset({b"TN", b"VER", b"FN", b"FNDA", b"FNF", b"FNH", b"FNL", b"FNA", b"MCDC", b"MCF", b"MCH"})
"""Test names, versions, functions and conditions: not counted here."""
_UNLISTED = 0
"""Stands for the line of branches that a report counts and does not list."""
_NAME_BYTES = 4096
_REMEDY = "write the report again: coverage lcov"


@dataclass(slots=True)
class _Record:
    """What stands between one SF and its end_of_record."""

    name: str
    lines: list[int] = field(default_factory=list)
    ran: list[int] = field(default_factory=list)
    branches: dict[int, list[int]] = field(default_factory=dict)
    """Line number → branches taken, branches."""
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
        reader.take(number, line)
    return reader.finish()


class _Reader:
    def __init__(self, path: str, targets: Targets) -> None:
        self._path = path
        self._book: Book[Listed] = Book(targets)
        self._record: _Record | None = None
        self._records = 0
        self._branches = False
        self._line = 0
        self._numbers: dict[bytes, int] = {}
        self._hits = {b"0": False, b"1": True}

    def take(self, number: int, line: bytes) -> None:
        """One line of the report."""
        self._line = number
        line = line.rstrip(b"\r")
        key, colon, rest = line.partition(b":")
        if key == b"DA" and self._record is not None:
            self._data(self._record, rest)
        elif not line or line.startswith(b"#") or (colon and key in _IGNORED):
            return
        elif key == b"SF" and colon:
            self._begin(rest)
        elif self._record is None:
            known = key in _SUMS or key in (b"DA", b"BRDA", b"end_of_record")
            self._fail("is no LCOV report" if not known else f"has {key.decode()} outside of a record")
        elif key == b"BRDA":
            self._branch(self._record, rest)
        elif key in _SUMS:
            if _SUM.fullmatch(rest) is None or key in self._record.sums:
                self._fail(f"states {key.decode()} twice, or not as a count")
            self._record.sums[key] = int(rest)
        elif line == b"end_of_record":
            self._end(self._record)
        else:
            self._fail(f"has the unknown entry {line[:40].decode('ascii', 'backslashreplace')!r}")

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
        raise EvidenceError(what, path=self._path, place=f"line {self._line}", remedy=_REMEDY)

    def _begin(self, name: bytes) -> None:
        if self._record is not None:
            self._fail(f"begins a record inside the one of {self._record.name[:200]!r}")
        if not name or len(name) > _NAME_BYTES or b"\x00" in name:
            self._fail("has a record without a usable file name")
        try:
            self._record = _Record(name.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise EvidenceError(
                "the file is not UTF-8",
                path=self._path,
                place=f"line {self._line}",
                remedy="save it as UTF-8",
            ) from error

    def _data(self, record: _Record, rest: bytes) -> None:
        fields = rest.split(b",")
        if len(fields) not in (2, 3):  # the third is a checksum of the source line
            self._fail("has a DA entry that is not line,hits")
        line = self._numbers.get(fields[0]) or self._number(fields[0])
        record.lines.append(line)
        ran = self._hits.get(fields[1])
        if self._count(fields[1]) if ran is None else ran:
            record.ran.append(line)

    def _number(self, text: bytes) -> int:
        if _NUMBER.fullmatch(text) is None:
            self._fail(f"has the line number {_shown(text)}")
        number = int(text)
        if number < 100_000:
            self._numbers[text] = number
        return number

    def _count(self, text: bytes) -> bool:
        if _HITS.fullmatch(text) is None:
            self._fail(f"has the hits {_shown(text)}, which is no count of up to 18 digits")
        ran = int(text) > 0
        if len(text) < 5:
            self._hits[text] = ran
        return ran

    def _branch(self, record: _Record, rest: bytes) -> None:
        """``line,block,branch,taken``: a branch may be a text with commas; ``-``: the line never ran."""
        first, _, others = rest.partition(b",")
        block, _, last = others.partition(b",")
        _branch, comma, taken = last.rpartition(b",")
        if not comma or not block:
            self._fail("has a BRDA entry that is not line,block,branch,taken")
        line = self._numbers.get(first) or self._number(first)
        counts = record.branches.setdefault(line, [0, 0])
        counts[0] += taken != b"-" and self._count(taken)
        counts[1] += 1

    def _end(self, record: _Record) -> None:
        listed = Listed(array("i", record.lines), array("i", record.ran))
        for line, (taken, total) in record.branches.items():
            listed.branches.extend((line, taken, total))
        counts = listed.counts()
        spare = record.sums.get(b"BRF", 0) - counts.branches
        if spare > 0 and spare == record.sums.get(b"BRH", 0) - counts.taken:
            # coverage.py counts both branches of a line marked "pragma: no branch" as taken, and lists those
            # that really were; with the rest the figures are those of its own report
            listed.branches.extend((_UNLISTED, spare, spare))
            counts = listed.counts()
        actual = {
            b"LF": counts.statements,
            b"LH": counts.covered,
            b"BRF": counts.branches,
            b"BRH": counts.taken,
        }
        for key, stated in record.sums.items():
            if stated != actual[key]:
                self._fail(
                    f"contradicts itself: {key.decode()} states {stated} {_SUMS[key]} in"
                    f" {record.name[:200]!r}, listed are {actual[key]}"
                )
        self._branches = self._branches or bool(record.branches) or b"BRF" in record.sums
        self._book.add(record.name, listed)
        self._record = None
        self._records += 1


def _shown(text: bytes) -> str:
    return repr(text[:40].decode("utf-8", "backslashreplace"))
