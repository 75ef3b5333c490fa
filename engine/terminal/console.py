"""Standard output and standard error: what is printed is finished, safe and complete, or an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...evidence.base import activity
from ...evidence.base.errors import EnvironmentProblem
from .figures import clean, for_people, printable, shorten

LONGEST_LOG = 400
"""Characters of a log line; a git command may name hundreds of paths."""

PATIENCE_SECONDS = 1.0
"""What takes longer shows progress."""


_logging: list[bool] = []
"""Not empty once standard error has a log."""


def write_bytes(data: bytes) -> None:
    """Write to standard output, all of it.

    Raises EnvironmentProblem: it is closed, full, or its reader went away.
    """
    try:
        if sys.stdout is None:
            raise EnvironmentProblem("standard output is closed", remedy="redirect it, or name a file")
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        # whatever is left in the buffer has nowhere to go: the interpreter must not try again when it ends
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        what = f"standard output cannot be written: {error.strerror}"
        raise EnvironmentProblem(what, remedy="free space, or let the reader read to the end") from error


def write_text(text: str) -> None:
    """Write finished text for people to standard output."""
    write_bytes(for_people(text).encode("utf-8", "backslashreplace"))


def write_line(text: str) -> None:
    """Write one line for people, whatever the text holds."""
    write_text(clean(text) + "\n")


def write_error(text: str) -> None:
    """Write lines for people to standard error; a closed one changes nothing about the exit code."""
    shown = for_people("".join(clean(line) + "\n" for line in text.splitlines()))
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.buffer.write(shown.encode("utf-8", "backslashreplace"))
        sys.stderr.buffer.flush()


def log_to_stderr() -> None:
    """Write what gate's modules log to standard error from now on, a line each, without account numbers."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            write_error(shorten(clean(f"{record.name}: {record.getMessage()}"), LONGEST_LOG))

    logger = logging.getLogger(__name__.partition(".")[0])
    logger.handlers[:] = [Handler()]
    logger.setLevel(logging.INFO)
    _logging.append(True)


@contextmanager
def progress(*, wanted: bool = True) -> Iterator[None]:
    """While the block runs for longer than a second, show its present step in one line, which then vanishes.

    On standard error, and only where that is a terminal without a log. The thread that shows it begins with
    the first step: collectors are forked before, which a process with threads must not do.
    """
    if not wanted or _logging or sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    import threading
    import time

    began = time.monotonic()
    terminal, now, over, shown = sys.stderr.fileno(), [""], threading.Event(), [False]

    def write(text: str) -> None:
        with suppress(OSError):  # not through the stream, whose lock a forked process would inherit
            os.write(terminal, text.encode("utf-8", "backslashreplace"))

    def show() -> None:
        pause = max(0.0, began + PATIENCE_SECONDS - time.monotonic())
        while not over.wait(pause):
            width = os.get_terminal_size(terminal).columns or 80
            write(f"\r{shorten(printable(now[0]), width - 1)}\x1b[K")
            pause, shown[0] = 0.1, True

    thread = threading.Thread(target=show, daemon=True)

    def listen(step: str) -> None:
        now[0] = step
        if not thread.is_alive():
            thread.start()

    activity.listen(listen)
    try:
        yield
    finally:
        activity.listen(None)
        over.set()
        if thread.ident is not None:
            thread.join(PATIENCE_SECONDS)
        if shown[0]:
            write("\r\x1b[K")
