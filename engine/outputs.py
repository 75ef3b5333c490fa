"""Where reports go: standard output, or a file that is replaced as a whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..evidence.base.atomic import write_file
from ..evidence.base.errors import EnvironmentProblem, UsageError
from .report.interface import Format


@dataclass(frozen=True, slots=True)
class Output:
    """One ``--output FORMAT[=PATH]``; ``path`` is None for standard output."""

    format: Format
    path: Path | None


def parse_outputs(texts: Sequence[str], default: Format) -> list[Output]:
    """The outputs asked for; ``default`` to standard output when none is.

    Raises:
        UsageError: an unknown format, an impossible path, or two formats for standard output.
    """
    outputs = []
    for text in texts or [default.value]:
        name, separator, path = text.partition("=")
        try:
            format_ = Format(name)
        except ValueError:
            raise UsageError(
                f"there is no output format {name!r}", remedy="known: " + ", ".join(Format)
            ) from None
        if separator and not path:
            raise UsageError(f"--output {text} names no path", remedy=f"write {name}=PATH, or just {name}")
        target = Path(path) if separator else None
        if target is not None:
            _check_target(target)
        outputs.append(Output(format_, target))
    if sum(output.path is None for output in outputs) > 1:
        raise UsageError(
            "two outputs would be mixed on standard output", remedy="give all but one a path: FORMAT=PATH"
        )
    return outputs


def _check_target(path: Path) -> None:
    parent = path.absolute().parent
    # a device, pipe or link (/dev/null, /dev/stdout) would be replaced by a regular file, so it is refused
    taken = os.path.lexists(path) and (path.is_symlink() or not path.is_file())
    if taken or not parent.is_dir() or not os.access(parent, os.W_OK):
        raise UsageError(
            "the output cannot be written there",
            path=str(path),
            remedy="name a regular file in an existing, writable directory",
        )


def keep_out(outputs: Sequence[Output], ledger: Path) -> None:
    """Refuse outputs that would be written into the ledger.

    Raises:
        UsageError: one would.
    """
    for output in outputs:
        if output.path is not None and output.path.resolve().is_relative_to(ledger.resolve()):
            raise UsageError(
                "the output would be written into the ledger",
                path=str(output.path),
                remedy="name a file elsewhere",
            )


def write_stdout(data: bytes) -> None:
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


def write(output: Output, data: bytes) -> None:
    """Write a report; a file is either the old one or the whole new one.

    Raises:
        EnvironmentProblem: the disk is full or the path became unwritable.
    """
    if output.path is None:
        write_stdout(data)
        return
    try:
        write_file(output.path, data, durable=False)
    except OSError as error:
        raise EnvironmentProblem(
            f"the output cannot be written: {error.strerror}",
            path=str(output.path),
            remedy="free space or choose another path; what was recorded stays recorded",
        ) from error
