"""The report plug point: a decision document in, bytes out. Nothing is computed again here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never


class Format(StrEnum):
    """Names accepted by ``--output``."""

    TABLE = "table"
    JSON = "json"
    PRELIVE = "prelive"


@dataclass(frozen=True, slots=True)
class Screen:
    """The terminal written to: width in columns, and whether colours are wanted."""

    width: int = 100
    color: bool = False


def render(format_: Format, decision: dict[str, Any], screen: Screen) -> bytes:
    """The decision (with its ``ledger`` place, or None there) in a format."""
    match format_:
        case Format.TABLE:
            from .table import render_table

            return render_table(decision, screen).encode()
        case Format.JSON:
            from .json_format import render_json

            return render_json(decision)
        case Format.PRELIVE:
            from .prelive import render_prelive

            return render_prelive(decision)
        case _:
            assert_never(format_)
