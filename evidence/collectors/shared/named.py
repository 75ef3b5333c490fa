"""Whether the files that a piece of evidence names are files of the workspace.

A run from a folder of the workspace names a file by the end of its path, one from a folder around it by more
than its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_PYTHON = re.compile(r"(?<!\S)-m\s+(?P<module>[A-Za-z_][\w.]*)|(?P<file>[\w./\\-]+\.py)\b")


class Names:
    """The files of a workspace by their dotted names, without ``.py``."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._whole = {_dotted(path) for path in paths if not path.rpartition("/")[2].startswith(".")}
        self._ends = {end for name in self._whole for end in _ends(name.split("."))}

    def have(self, name: str, *, inside: bool = False) -> bool:
        """Whether a path or dotted name is that of a file, or with ``inside`` of something in one."""
        parts = _dotted(name).split(".")
        begins = [parts[:count] for count in range(1 if inside else len(parts), len(parts) + 1)]
        return any(".".join(one) in self._ends or not self._whole.isdisjoint(_ends(one)) for one in begins)


def programs_not_there(text: str, names: Names) -> list[str]:
    """The Python modules (``-m name``) and files that a text names, where the workspace has none of them."""
    named = [match["module"] or match["file"] for match in _PYTHON.finditer(text)]
    candidates = (one for name in named for one in (name, f"{name}.__main__", f"{name}.__init__"))
    return [] if any(map(names.have, candidates)) else named


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("\\", "/").removeprefix("./").replace("/", ".").rstrip(".")


def _ends(parts: list[str]) -> Iterator[str]:
    """A dotted name, and what is left of it without its first parts."""
    return (".".join(parts[first:]) for first in range(len(parts)))
