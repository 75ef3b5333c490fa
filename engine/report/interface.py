"""What a report needs to know: the names of the formats, and the screen it is written for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
