"""Names of files in the workspace: which are allowed, and the patterns that choose from them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Protocol

from ..base.errors import ConfigError


class Glob(Protocol):
    """What :func:`glob_regex` gives."""

    def fullmatch(self, path: str, /) -> object:
        """Something that is true if the path matches, else None."""


_WILD = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_COST = {"**/": 1, "*": 1, "**": 2}
_FAST = 3
"""What the wildcards of a pattern may cost together; with more, an expression could go on for hours."""


@functools.lru_cache(1000)
def glob_regex(pattern: str) -> Glob:
    """A glob as a regular expression: ``*`` and ``?`` within one component, ``**/`` any number of them."""
    parts: list[str] = []
    for part in re.findall(r"\*\*/|\*\*|.", pattern, re.DOTALL):
        if part == "?" or parts[-1:] != [part] or part not in _WILD:
            parts.append(part)
    open_end = 2 * (parts[-1:] == ["**"])  # nothing is tried after it
    if sum(_COST.get(part, 0) for part in parts) - open_end > _FAST:
        return _Steps(parts)
    return re.compile("".join(_WILD.get(part) or re.escape(part) for part in parts), re.DOTALL)


class _Steps:
    """A glob that is followed in all ways at once, so that it takes no longer the more wildcards it has."""

    def __init__(self, parts: list[str]) -> None:
        self._parts = parts

    def fullmatch(self, path: str, /) -> bool | None:
        """Whether the path matches: True or None."""
        at = self._skipped({0})
        for sign in path:
            at = self._skipped({found for place in at for found in self._after(place, sign)})
        return len(self._parts) in at or None

    def _skipped(self, places: set[float]) -> set[float]:
        """These places, and those behind wildcards that may stand for nothing."""
        for place in sorted(places):
            while place in range(len(self._parts)) and self._parts[int(place)] in _COST:
                place += 1
                places.add(place)
        return places

    def _after(self, place: float, sign: str) -> Iterator[float]:
        """Where a character leads to; half a place further is inside of a component of ``**/``."""
        part = self._parts[int(place)] if place < len(self._parts) else ""
        if part == "**/":
            if sign != "/":
                yield int(place) + 0.5
            elif place > int(place):
                yield int(place)
        elif part == "**" or (part == "*" and sign != "/"):
            yield place
        elif part == sign or (part == "?" and sign != "/"):
            yield place + 1


def may_match_below(pattern: str, folder: str) -> bool:
    """Whether a glob may match something inside the directory; ``.`` is everything."""
    parts = pattern.split("/")
    for name in [] if folder == "." else folder.split("/"):
        part = parts.pop(0)
        if "**" in part:
            return True
        if not parts or not glob_regex(part).fullmatch(name):
            return False
    return True


def check_relative(path: str, *, found: bool = False) -> str:
    """Return ``path`` if it names something inside the workspace.

    Args:
        found: whether it may be a name in the workspace, which may hold backslashes.

    Raises ConfigError: absolute, with ``..`` or an empty component, with NUL or a backslash.
    """
    odd = "\x00" in path or ("\\" in path and not found)
    if odd or {"", ".", ".."} & set(path.split("/")):
        raise ConfigError(
            f"{path!r} is not a path inside the workspace",
            path="gate.yaml",
            remedy="name it relative to the workspace, with forward slashes and without '..'",
        )
    return path
