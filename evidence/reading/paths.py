"""Names of files in the workspace: which are allowed, and the patterns that choose from them."""

from __future__ import annotations

import functools
import re

from ..base.errors import ConfigError


@functools.lru_cache(1000)
def glob_regex(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression: ``*`` and ``?`` within one component, ``**/`` any number of them."""
    out = []
    position = 0
    while position < len(pattern):
        if pattern.startswith("**/", position):
            out.append("(?:[^/]+/)*")
            position += 3
        elif pattern.startswith("**", position):
            out.append(".*")
            position += 2
        else:
            char = pattern[position]
            out.append({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)))
            position += 1
    return re.compile("".join(out), re.DOTALL)


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
