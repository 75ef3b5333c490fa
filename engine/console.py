"""Standard output and standard error: what is printed is finished, safe and complete, or an error."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from ..evidence.base.errors import EnvironmentProblem


def write_bytes(data: bytes) -> None:
    """Write to standard output, all of it.

    Raises:
        EnvironmentProblem: it is closed, full, or its reader went away.
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
        raise EnvironmentProblem(
            f"standard output cannot be written: {error.strerror}",
            remedy="free space, or let the reader read to the end",
        ) from error


def write_text(text: str) -> None:
    """Write finished text for people to standard output."""
    from .report.figures import for_people

    write_bytes(for_people(text).encode("utf-8", "backslashreplace"))


def write_line(text: str) -> None:
    """Write one line for people, whatever the text holds."""
    from .report.figures import clean

    write_text(clean(text) + "\n")


def write_error(text: str) -> None:
    """Write lines for people to standard error; a closed one changes nothing about the exit code."""
    from .report.figures import clean, for_people

    shown = for_people("".join(clean(line) + "\n" for line in text.splitlines()))
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.buffer.write(shown.encode("utf-8", "backslashreplace"))
        sys.stderr.buffer.flush()
