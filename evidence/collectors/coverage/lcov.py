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

_LINE = re.compile(rb"DA:([0-9]{1,9}),([0-9]{1,19})(?:,[^,]*)?")
"""Line and hits; what may follow is a checksum of the source line."""
_BRANCH = re.compile(rb"BRDA:([0-9]{1,9}),[^,]+,.*,(-|[0-9]{1,19})")
"""Line, block, branch (perhaps a text with commas) and how often it was taken; ``-``: the line never ran."""
_SUM = re.compile(rb"(BRF|BRH):([0-9]{1,9})")
_READ = (b"DA:", b"BRDA:", b"BRF:", b"BRH:")
_OTHER = re.compile(rb"[A-Z]{2,10}:|#|\s*\Z")
_NAME_BYTES = 4096


class _File(Struct):
    """What stands between one SF and its end_of_record.

    Line 0 stands for branches without a line: coverage.py before 7.6.2 writes it for a branch that leaves the
    file.
    """

    name: str
    record: Record = field(default_factory=lambda: Record(listed=set()))
    sums: dict[bytes, int] = field(default_factory=dict)

    def take(self, line: bytes) -> bool:
        """Take note of a line, branch or sum; whether it is one."""
        if found := _LINE.fullmatch(line):
            number = int(found[1])
            if self.record.listed is not None:
                self.record.listed.add(number)
            if found[2].strip(b"0"):
                self.record.ran.add(number)
        elif found := _BRANCH.fullmatch(line):
            taken, total = self.record.branches.get(int(found[1]), (0, 0))
            self.record.branches[int(found[1])] = (taken + bool(found[2].strip(b"-0")), total + 1)
        elif found := _SUM.fullmatch(line):
            self.sums[found[1]] = int(found[2])
        return found is not None

    def complete(self) -> Record:
        """Its record, with the branches that are only in its sums."""
        counts = self.record.counts()
        spare = self.sums.get(b"BRF", 0) - counts.branches
        if spare > 0 and spare == self.sums.get(b"BRH", 0) - counts.taken:
            # coverage.py counts both branches of a line marked "pragma: no branch" as taken, and lists those
            # that really were; with the rest the figures are those of its own report
            taken, total = self.record.branches.get(0, (0, 0))
            self.record.branches[0] = (taken + spare, total + spare)
        return self.record


def read_lcov(lines: Iterable[tuple[int, bytes]], path: str, book: Book) -> Measured:
    """The measurement in the lines of an LCOV report.

    Raises EvidenceError: malformed, not such a report, or cut off.
    """
    file: _File | None = None
    files, branches, number = 0, False, 0

    def fail(what: str) -> NoReturn:
        remedy = "write the report again: coverage lcov"
        raise EvidenceError(what, path=path, place=f"line {number}", remedy=remedy)

    for number, line in lines:
        line = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).rstrip(b"\r")
        if file is not None and file.take(line):
            continue
        if line.startswith(b"SF:"):
            if file is not None:
                fail(f"begins a record inside the one of {file.name[:200]!r}")
            name = line[3:]
            if not name or len(name) > _NAME_BYTES or b"\x00" in name:
                fail("has a record without a usable file name")
            # a name that is not UTF-8 is no file that is asked about
            file = _File(name.decode("utf-8", "backslashreplace"))
        elif line == b"end_of_record" and file is not None:
            files += 1
            branches = branches or bool(file.record.branches) or b"BRF" in file.sums
            book.add(file.name, file.complete())
            file = None
        elif line == b"end_of_record" or line.startswith(_READ):
            how = "a malformed entry" if file is not None else "outside of a record the entry"
            fail(f"has {how} {_shown(line)}")
        elif not _OTHER.match(line):
            fail(f"has the unknown entry {_shown(line)}" if files else "is no LCOV report")
    if file is not None:
        fail(f"ends inside the record of {file.name[:200]!r}")
    if not files:
        fail("is no LCOV report: it has no record")
    undated = f"{path} is an LCOV report, which states no time"
    return Measured(book.finish(path), branches, None, "lcov", undated=undated)


def _shown(line: bytes) -> str:
    return repr(line[:40].decode("utf-8", "backslashreplace"))
