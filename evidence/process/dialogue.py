"""A program that is spoken to while it runs: lines of JSON go in, and come out with their times.

Only lines that begin with ``{`` come out; all others are what the program logs.

The limits are those of :mod:`gate.evidence.process.programs`: no shell, an output limit, and no process of
the program outlives the dialogue. How long it may take is up to whoever speaks to it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from msgspec import Struct

from .programs import ANSWER, ANSWER_BYTES, Process, located

_PIECE = 1 << 16


class Line(Struct, frozen=True):
    """A line of standard output, without its end, and when it was read (``time.monotonic_ns``)."""

    text: bytes
    at_ns: int


class Dialogue:
    """A program under its supervisor; use it with ``async with``, after which nothing of it is left.

    Args:
        command: the program (by its path from ``cwd``, or its name in the environment's ``PATH``) and its
            arguments; no shell sees them.
        most_bytes: the most it may write, standard output and standard error together; then it is ended.
        shown: what messages call it, such as ``the command 'audit'``.

    Entering raises EnvironmentProblem: the program is not there, or no process can be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        *,
        most_bytes: int,
        shown: str,
    ) -> None:
        self._command, self._cwd, self._environment = command, cwd, environment
        self._most_bytes, self._shown = most_bytes, shown
        self._process: Process | None = None
        self._read: dict[str, int] = {}
        self._lines: asyncio.Queue[Line | None] = asyncio.Queue()
        self._rest = bytearray()
        self._written = 0
        self._answer = bytearray()
        self.over = False
        """Whether no line will come any more."""
        self.too_much = False
        """Whether the program was ended for what it wrote."""
        self.err = bytearray()
        """What it wrote to standard error."""

    def _stated(self, word: bytes) -> int | None:
        found = ANSWER.fullmatch(self._answer)
        return int(found[2]) if found and found[1] == word else None

    @property
    def code(self) -> int | None:
        """The exit code (negative: the signal that ended it); None while it runs, or if we ended it."""
        return self._stated(b"exit")

    @property
    def unstartable(self) -> str | None:
        """Why the program could not be started; None if it was."""
        return None if (number := self._stated(b"errno")) is None else os.strerror(number)

    async def __aenter__(self) -> Self:
        command = located(self._command, self._cwd, self._environment, self._shown)
        self._process = Process(command, self._cwd, self._environment, spoken_to=True)
        loop = asyncio.get_running_loop()
        for name, descriptor in self._process.streams.items():
            os.set_blocking(descriptor, False)
            self._read[name] = descriptor
            loop.add_reader(descriptor, self._ready, name)
        return self

    async def __aexit__(self, *error: object) -> None:
        for name in list(self._read):
            self._close(name)
        if self._process is not None:
            self._process.end()

    @property
    def pid(self) -> int:
        """Id of the process that is an ancestor of all of the program's."""
        assert self._process is not None  # noqa: S101 - entered
        return self._process.pid

    def send(self, line: bytes) -> int:
        """Write a line; when that was done (``time.monotonic_ns``). One that nobody reads is lost."""
        assert self._process is not None  # noqa: S101 - entered
        with suppress(BrokenPipeError, ValueError):
            self._process.input.write(line + b"\n")
            self._process.input.flush()
        return time.monotonic_ns()

    async def line(self) -> Line | None:
        """The next line; None when no line will come any more."""
        return None if self.over and self._lines.empty() else await self._lines.get()

    def _ready(self, name: str) -> None:
        """Take in what a stream has; at the end of the status, the program and all its children are over."""
        if self._take(name) is not False:
            return
        if name == "status":
            for other in ("out", "err"):
                while other in self._read and self._take(other):
                    pass
                self._close(other)
        self._close(name)

    def _take(self, name: str) -> bool | None:
        """Read a piece of a stream: False at its end, None when there is nothing yet."""
        try:
            data = os.read(self._read[name], _PIECE)
        except BlockingIOError:
            return None
        if name == "status":
            self._answer += data
            return bool(data) and len(self._answer) <= ANSWER_BYTES
        self._written += len(data)
        self.too_much = self._written > self._most_bytes
        if self.too_much:
            return False
        if name == "err":
            self.err += data
        else:
            now = time.monotonic_ns()
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                if line.startswith(b"{"):
                    self._lines.put_nowait(Line(bytes(line), now))
        return bool(data)

    def _close(self, name: str) -> None:
        descriptor = self._read.pop(name, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
        if not self.over and (name == "out" or self.too_much):
            self.over = True
            while self.too_much and not self._lines.empty():
                self._lines.get_nowait()
            if self._rest.startswith(b"{") and not self.too_much:
                self._lines.put_nowait(Line(bytes(self._rest), time.monotonic_ns()))
            self._lines.put_nowait(None)
