"""Reading one file that the command line or the settings name, wherever it lies."""

from __future__ import annotations

from pathlib import Path

from ...base.errors import ConfigError, EvidenceError, GateError
from ...base.limits import DEFAULT
from ..files import read_regular
from . import Workspace


def read_named(path: Path, error: type[GateError], remedy: str, most: int = DEFAULT.text_bytes) -> bytes:
    """The content of a regular file.

    Raises ``error``, with the remedy: the file is absent, unreadable, a link, something else or larger than
    ``most`` bytes.
    """
    try:
        view = Workspace.single_file_view(path.parent, path.name) if path.parent.is_dir() else None
        if view is not None:
            return view.read(path.name, most)
        what = "there is no such file"
    except (EvidenceError, ConfigError) as problem:
        what = problem.what
    raise error(what, path=str(path), remedy=remedy)


def read_followed(path: Path, error: type[GateError], remedy: str, most: int) -> bytes:
    """As `read_named`, but links are followed: for what an operator keeps, such as keys and tokens."""
    try:
        data = read_regular(path, most + 1)
    except OSError as problem:
        raise error(f"cannot be read: {problem.strerror}", path=str(path), remedy=remedy) from problem
    if len(data) > most:
        raise error(f"is larger than {most} bytes", path=str(path), remedy=remedy)
    return data
