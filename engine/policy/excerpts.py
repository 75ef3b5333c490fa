"""Shows the line that an error about a policy is about, with a sign below it that points to the place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from ...evidence.base.errors import GateError

_PLACE = re.compile(r"line (\d{1,9})(?:, column (\d{1,9}))?")
_WIDTH = 68
"""Columns of a quoted line; of a longer one, the part around the place is shown."""

_Error = TypeVar("_Error", bound=GateError)


def place_of(error: GateError) -> tuple[int | None, int | None]:
    """The line and the column that an error states, counted from 1; None for what it does not state."""
    found = _PLACE.fullmatch(error.place or "")
    if found is None:
        return None, None
    return int(found[1]), int(found[2]) if found[2] else None


def quoted(error: _Error, sources: Mapping[str, str]) -> _Error:
    """The error, with an excerpt of the source that it points into where that is one of these (by path)."""
    line, column = place_of(error)
    source = sources.get(error.path or "")
    if line is not None and source is not None and not error.excerpt:
        error.excerpt = excerpt(source, line, column)
    return error


def excerpt(source: str, line: int, column: int | None) -> tuple[str, ...]:
    """The line and a caret below the column, or below all of the line's text; nothing without such a line."""
    lines = source.split("\n")
    if not 0 < line <= len(lines):
        return ()
    text = lines[line - 1].replace("\t", " ").rstrip()
    start = len(text) - len(text.lstrip()) if column is None else min(column - 1, len(text))
    length = max(1, len(text) - start) if column is None else 1
    begin = max(0, start - _WIDTH // 2) if len(text) > _WIDTH else len(text) - len(text.lstrip())
    begin = min(begin, start)
    shown = text[begin : begin + _WIDTH]
    gutter = f"{line:>5} | "
    mark = "^" * min(length, _WIDTH - (start - begin))
    return gutter + shown, f"{'| ':>8}{' ' * (start - begin)}{mark}"
