"""Values of risk parameters as exact decimals, and the places they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_DIGITS = "[0-9]+(?:_[0-9]+)*"
_DECIMAL = re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?[0-9]{{1,2}})?")
_LONGEST = 64
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Definition:
    """One place that gives a parameter a value.

    Attributes:
        name: the parameter.
        path: the file.
        line: from 1; None when the format's parser does not say and it could not be told from the text.
        value: exact decimal without trailing zeros; None when it cannot be told.
        text: what is written there, on one line, shortened.
        module: for an import of the name under its own name: the module with its leading dots.
    """

    name: str
    path: str
    line: int | None
    value: str | None
    text: str
    module: str | None = None

    @property
    def meaning(self) -> tuple[str | None, str]:
        """Equal for places that say the same."""
        return self.value, self.text if self.value is None else ""


def exact(text: str) -> str | None:
    """The number that a text is, as a decimal without exponent and trailing zeros; None when it is none."""
    if len(text) > _LONGEST or not _DECIMAL.fullmatch(text):
        return None
    return plain(Decimal(text.replace("_", "")))


def plain(number: Decimal | int) -> str | None:
    """The number as a decimal without exponent and trailing zeros; None when that would be too long."""
    exponent = Decimal(number).as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _LONGEST:
        return None
    text = f"{Decimal(number):f}"
    if len(text) > 3 * _LONGEST:
        return None
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def of_data(name: str, path: str, line: int | None, value: Any) -> Definition:
    """A place in a data file, its value as the parser gives it."""
    decimal = None
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        decimal = plain(value)
    elif isinstance(value, str):
        decimal = exact(value.strip())
    return Definition(name, path, line, decimal, one_line(str(value)))


def one_line(text: str) -> str:
    """At most 120 characters, on one line."""
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
