"""Where reports go: standard output, or a file that is replaced as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from ...evidence.base.atomic import write_file
from ...evidence.base.errors import EnvironmentProblem, UsageError, suggestion
from .console import write_bytes

DEFAULT = "table"
LEDGER_FILE = "log.intoto.jsonl"
"""A directory with this file is a ledger, see :data:`gate.engine.ledger.interface.LOG`."""


class Output(Struct, frozen=True):
    """One ``--output FORMAT[=PATH]``; ``path`` is None for standard output."""

    format: str
    path: Path | None


def parse_outputs(texts: Sequence[str] | None, known: Sequence[str]) -> list[Output]:
    """The outputs asked for; a table on standard output when none is.

    Raises UsageError: an unknown format, an impossible path, one in a ledger, or two formats for standard
    output.
    """
    outputs = []
    for text in texts or [DEFAULT]:
        name, separator, path = text.partition("=")
        if name not in known:
            raise UsageError(f"there is no output format {name!r}", remedy=suggestion(name, known))
        if separator and not path:
            raise UsageError(f"--output {text} names no path", remedy=f"write {name}=PATH, or just {name}")
        target = Path(path) if separator else None
        if target is not None:
            _check_target(target)
        outputs.append(Output(name, target))
    if sum(output.path is None for output in outputs) > 1:
        raise UsageError(
            "two outputs would be mixed on standard output", remedy="give all but one a path: FORMAT=PATH"
        )
    return outputs


def _check_target(path: Path) -> None:
    parent = path.absolute().parent
    keep_out(path)
    # a device, pipe or link (/dev/null, /dev/stdout) would be replaced by a regular file, so it is refused
    taken = os.path.lexists(path) and (path.is_symlink() or not path.is_file())
    if taken or not parent.is_dir() or not os.access(parent, os.W_OK):
        remedy = "name a regular file in an existing, writable directory"
        raise UsageError("the output cannot be written there", path=str(path), remedy=remedy)


def keep_out(path: Path) -> None:
    """Refuse a path in any ledger: a report in the place of its log would end it.

    Raises UsageError: it is in one.
    """
    for folder in path.resolve().parents:
        if os.path.lexists(folder / LEDGER_FILE):
            raise UsageError(
                "the output would be written into the ledger", path=str(path), remedy="name a file elsewhere"
            )


def write(output: Output, data: bytes) -> None:
    """Write a report; a file is either the old one or the whole new one.

    Raises UsageError: a ledger began there meanwhile; EnvironmentProblem: the disk is full or the path became
    unwritable.
    """
    if output.path is None:
        write_bytes(data)
        return
    keep_out(output.path)
    try:
        write_file(output.path, data, durable=False)
    except OSError as error:
        what = f"the output cannot be written: {error.strerror}"
        remedy = "free space or choose another path; what was recorded stays recorded"
        raise EnvironmentProblem(what, path=str(output.path), remedy=remedy) from error


def write_new(path: Path, parts: Iterable[bytes]) -> int:
    """Write a file that does not exist yet, part by part: how many. Nothing of it stays when that fails.

    Raises UsageError: the name is taken, in a ledger, or there is no such directory; EnvironmentProblem: the
    disk is full; and what `parts` raises.
    """
    keep_out(path)
    count = 0
    try:
        with path.open("xb") as stream:
            try:
                for part in parts:
                    stream.write(part)
                    count += 1
                stream.flush()
                os.fsync(stream.fileno())
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        what = "there is no such directory"
        if isinstance(error, FileExistsError):
            what = "there is such a file already, and it is never replaced"
        raise UsageError(what, path=str(path), remedy="name a new file in an existing directory") from error
    except OSError as error:
        what = f"the file cannot be written: {error.strerror}"
        raise EnvironmentProblem(what, path=str(path), remedy="free space or choose another path") from error
    return count
