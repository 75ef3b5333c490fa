"""Reading one file that the command line or the settings name, wherever it lies."""

from __future__ import annotations

from pathlib import Path

from ...base.errors import ConfigError, EvidenceError, GateError
from ...base.limits import DEFAULT
from . import Workspace


def read_named(path: Path, error: type[GateError], remedy: str, most: int = DEFAULT.text_bytes) -> bytes:
    """The content of a regular file.

    Raises ``error``, with the remedy: the file is absent, unreadable, a link, something else or larger than
    ``most`` bytes.
    """
    try:
        view = Workspace.single_file_view(path.parent, path.name)
        if view is not None:
            return view.read(path.name, most)
        what = "there is no such file"
    except (EvidenceError, ConfigError) as problem:
        what = problem.what
    raise error(what, path=str(path), remedy=remedy)
