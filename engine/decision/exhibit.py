"""Tables of facts that a decision carries for its reports: what was seen, beside what was judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...evidence.base.records import JsonRecord

MAX_ROWS = 5000
"""Rows of one table; the rest is counted."""
MAX_ITEMS = 8
"""Entries of a list in one cell; the rest is counted."""
MAX_CHARS = 400
"""Characters of one cell, or of one entry of it."""


class Exhibit(JsonRecord, frozen=True):
    """A fact that is a list of objects, one row each, or one object, which is the only row.

    Attributes:
        rows: by row, the cell of each column: a string, an integer, a Boolean, None, or a list of strings.
        left_out: how many further rows there are.
    """

    columns: tuple[str, ...]
    rows: tuple[Any, ...]
    left_out: int = 0

    @classmethod
    def of(cls, value: Any, columns: Sequence[str]) -> Exhibit | None:
        """The table of a fact's value; None where it was not measured or is neither a list nor an object."""
        rows = [value] if isinstance(value, Mapping) else value
        if not isinstance(rows, (list, tuple)):
            return None
        objects = [row for row in rows if isinstance(row, Mapping)]
        kept = objects[:MAX_ROWS]
        cells = tuple([_cell(row.get(column)) for column in columns] for row in kept)
        return cls(tuple(columns), cells, len(objects) - len(kept))

    def records(self) -> list[dict[str, Any]]:
        """The rows as mappings from column to cell."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (list, tuple)):
        more = [f"+{len(value) - MAX_ITEMS}"] if len(value) > MAX_ITEMS else []
        return [*(_short(_item(item)) for item in value[:MAX_ITEMS]), *more]
    return _short(str(value))


def _item(value: Any) -> str:
    """An entry of a list; of an object the place first: ``a.py:3 is a stub``."""
    if not isinstance(value, Mapping):
        return str(value)
    place = ":".join(str(value[name]) for name in ("path", "line") if value.get(name) is not None)
    rest = (str(value[name]) for name in sorted(value) if name not in ("path", "line"))
    return " ".join(filter(None, (place, *rest)))


def _short(text: str) -> str:
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"
