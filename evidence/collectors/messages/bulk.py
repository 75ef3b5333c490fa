"""Many records against one contract, in one pass, by this process and helpers that are forked from it.

The process that reads the file takes its digest, cuts it into batches, and checks every batch itself for
which no helper has room. Who checks what depends on the moment; what comes out does not: counts add up, and
of offenders and faults those in the first lines are kept.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self

from ... import children
from ...errors import EvidenceError
from ...json_lines import UNSURE, RecordReader
from ...limits import Limits
from ...workspace import View
from .contract import Contract

BATCH_BYTES = 256 * 1024
HELPED_FROM = 8
"""Batches after which helpers are worth the time it takes to start them."""
MOST_HELPERS = 3
_PIPE_BYTES = 1024 * 1024
_HEADER = struct.Struct("=QQ")
_MOST_RULES = 1000
"""Rules of a contract that are counted apart; no contract has so many."""


@dataclass(frozen=True, slots=True)
class Offender:
    """The first violation of a record, and how many it has."""

    line: int
    pointer: str
    rule: str
    message: str
    violations: int


@dataclass(slots=True)
class Tally:
    """What was found in some of the lines of a file.

    Attributes:
        records: lines that are JSON documents.
        invalid: those that break the contract.
        rules: JSON pointer into the contract → records that break it there.
        offenders: of the first invalid records.
        fault: line, text, place and remedy of the first line that is no JSON document.
        ends: the file's first and last line; none where it is empty.
    """

    records: int = 0
    invalid: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    offenders: list[Offender] = field(default_factory=list)
    fault: tuple[int, str, str | None, str | None] | None = None
    ends: tuple[bytes, ...] = ()

    def add(self, other: Tally, most: int) -> None:
        """Add what another process found in other lines; keep ``most`` offenders."""
        self.records += other.records
        self.invalid += other.invalid
        self.rules.update(other.rules)
        self.offenders = sorted([*self.offenders, *other.offenders], key=lambda one: one.line)[:most]
        self.fault = min((fault for fault in (self.fault, other.fault) if fault), default=None)

    def to_json(self) -> dict[str, Any]:
        """For the way from a helper; :meth:`from_json` turns it back."""
        return {
            "records": self.records,
            "invalid": self.invalid,
            "rules": dict(self.rules),
            "offenders": [
                [one.line, one.pointer, one.rule, one.message, one.violations] for one in self.offenders
            ],
            "fault": self.fault,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Tally:
        """What :meth:`to_json` was made of."""
        fault = value["fault"]
        return cls(
            value["records"],
            value["invalid"],
            Counter(value["rules"]),
            [Offender(*parts) for parts in value["offenders"]],
            None if fault is None else tuple(fault),
        )


class _Checker:
    """Checks batches of lines, in one process."""

    def __init__(self, contract: Contract, path: str, limits: Limits) -> None:
        self.tally = Tally()
        self._contract = contract
        self._reader = RecordReader(path, limits)
        self._recogniser = contract.recogniser(limits)
        self._most = limits.problems

    def check(self, first: int, lines: list[bytes]) -> bool:
        """Check lines, of which the first has the number ``first``; False at a line that is no document."""
        knows, quick, accepts = self._recogniser.knows, self._reader.quick, self._contract.accepts
        for number, line in enumerate(lines, first):
            if knows(line):
                continue
            record = quick(line)
            if record is not UNSURE and accepts(record):
                self._recogniser.learn(line)
                continue
            try:
                record = self._reader.strict(line, number)
            except EvidenceError as error:
                self.tally.fault = (number, error.what, error.place, error.remedy)
                return False
            self._exactly(number, record, len(line))
        self.tally.records += len(lines)
        return True

    def _exactly(self, number: int, record: Any, size: int) -> None:
        found = self._contract.violations(record, size)
        if not found:
            return
        tally = self.tally
        tally.invalid += 1
        for rule in {violation.rule for violation in found}:
            if rule in tally.rules or len(tally.rules) < _MOST_RULES:
                tally.rules[rule] += 1
        if len(tally.offenders) < self._most:
            first = found[0]
            tally.offenders.append(Offender(number, first.pointer, first.rule, first.message, len(found)))


class _Helper:
    """A forked process that checks the batches it is given; as a context manager it is gone afterwards."""

    def __init__(self, checker: _Checker) -> None:
        reader, self._writer = os.pipe()
        self._capacity = _widen(self._writer)
        try:
            self._child = children.Child("checking messages", partial(_serve, checker, reader, self._writer))
        except BaseException:
            os.close(self._writer)
            raise
        finally:
            os.close(reader)

    def __enter__(self) -> Self:
        self._child.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer >= 0:
            os.close(self._writer)
        self._child.__exit__(kind, error, trace)

    def has_room(self, size: int) -> bool:
        """Whether so many bytes can be given without waiting."""
        return _unread(self._writer) + size + _HEADER.size <= self._capacity

    def give(self, first: int, data: bytes) -> None:
        """Hand over lines. A helper that has met a fault takes no more, which is no loss: lines go out in
        order, and only the first fault counts."""
        with suppress(BrokenPipeError):
            _write(self._writer, _HEADER.pack(first, len(data)) + data)

    def end(self) -> None:
        """Say that no more lines will come."""
        with suppress(BrokenPipeError):
            _write(self._writer, _HEADER.pack(0, 0))
        os.close(self._writer)
        self._writer = -1

    def tally(self) -> Tally:
        """What it found; waits for it.

        Raises:
            InternalError: it was ended.
        """
        said: list[Any] = []
        while (more := self._child.receive()) is not None:
            said += more
        if error := self._child.failure():
            raise error
        return Tally.from_json(said[0])


def _widen(descriptor: int) -> int:
    """The pipe's capacity in bytes, after asking for more."""
    import fcntl

    with suppress(OSError):  # not every user may
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ)


def _unread(descriptor: int) -> int:
    """How many bytes wait in the pipe."""
    import fcntl
    import termios

    unread: int = struct.unpack("=i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0"))[0]
    return unread


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _serve(
    checker: _Checker, reader: int, writer: int, question: children.Question, say: children.Say
) -> None:
    """The helper's work: batches until there are no more, or the parent is gone."""
    os.close(writer)
    checker.tally = Tally()
    with open(reader, "rb", buffering=BATCH_BYTES) as stream:
        while True:
            header = stream.read(_HEADER.size)
            first, size = _HEADER.unpack(header) if len(header) == _HEADER.size else (0, 0)
            if not first:
                break
            lines = stream.read(size).split(b"\n")
            if not checker.check(first, lines):
                break
    say(checker.tally.to_json())


def _helpers() -> int:
    """How many other processors this process may use, within reason; none where it cannot fork."""
    if not children.possible():
        return 0
    return min(MOST_HELPERS, len(os.sched_getaffinity(0)) - 1)


def check_file(view: View, path: str, contract: Contract, helpers: int | None = None) -> Tally:
    """Hold every line of a file against the contract.

    Args:
        view: what the file is read through.
        path: the file.
        contract: what its records must keep to.
        helpers: how many processes help once the file turns out to be long; by the machine when not given.

    Raises:
        EvidenceError: a line is no JSON document, as :meth:`RecordReader.strict` demands (the first such line
            is named), or the file cannot be read, is too large or changes meanwhile.
    """
    most = view.limits.problems
    checker = _Checker(contract, path, view.limits)
    team: list[_Helper] = []
    broken: EvidenceError | None = None
    with ExitStack() as stack:
        batches = _Batches(view, path)
        for count, (first, lines, size) in enumerate(batches):
            checker.tally.ends = (*(checker.tally.ends or lines)[:1], lines[-1])
            if count == HELPED_FROM:
                wanted = _helpers() if helpers is None else helpers
                team += [stack.enter_context(_Helper(checker)) for _ in range(wanted)]
            free = next((helper for helper in team if helper.has_room(size)), None)
            if free is not None:
                free.give(first, b"\n".join(lines))
            elif not checker.check(first, lines):
                break
        broken = batches.broken
        for helper in team:
            helper.end()
        for helper in team:
            checker.tally.add(helper.tally(), most)
    if checker.tally.fault is not None:
        _, what, place, remedy = checker.tally.fault
        raise EvidenceError(what, path=path, place=place, remedy=remedy)
    if broken is not None:
        raise broken
    return checker.tally


class _Batches:
    """A file's lines in batches of about `BATCH_BYTES`: number of the first, lines, bytes.

    Attributes:
        broken: why the file could not be read to its end. It is no exception, because the lines before that
            place may have a fault, which comes first.
    """

    def __init__(self, view: View, path: str) -> None:
        self._view = view
        self._path = path
        self.broken: EvidenceError | None = None

    def __iter__(self) -> Iterator[tuple[int, list[bytes], int]]:
        lines: list[bytes] = []
        first, size = 1, 0
        try:
            for number, line in self._view.lines(self._path):
                lines.append(line)
                size += len(line) + 1
                if size >= BATCH_BYTES:
                    yield first, lines, size
                    lines, first, size = [], number + 1, 0
        except EvidenceError as error:
            self.broken = error
        if lines:
            yield first, lines, size
