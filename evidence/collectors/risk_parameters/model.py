"""Values of risk parameters as exact decimals, their places, and what changed between two versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from msgspec import Struct

from ...base.canonical import MAX_SAFE_INTEGER

MICRO = 1_000_000
_DIGITS = "[0-9]+(?:_[0-9]+)*"
_DECIMAL = re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?[0-9]{{1,2}})?")
_LONGEST = 64
_SHOWN = 120


class Definition(Struct, frozen=True):
    """One place that gives a parameter a value.

    Attributes:
        name: the parameter.
        path: the file.
        line: from 1.
        value: exact decimal without trailing zeros; None when it cannot be told.
        text: what is written there, on one line, shortened.
        origins: for a name taken from another module: the files that the module may be.
    """

    name: str
    path: str
    line: int
    value: str | None
    text: str
    origins: tuple[str, ...] = ()

    @property
    def meaning(self) -> tuple[str | None, str]:
        """Equal for places that say the same."""
        return self.value, self.text if self.value is None else ""

    def to_json(self) -> dict[str, Any]:
        """The place as a fact."""
        return {
            "name": self.name,
            "path": self.path,
            "line": self.line,
            "value": self.value,
            "micro": self._micro(),
            "text": self.text,
        }

    def _micro(self) -> int | None:
        """The value × 10^6, rounded away from zero, and at most what every engine holds exactly."""
        if self.value is None:
            return None
        size = min(ceil(abs(Fraction(self.value)) * MICRO), MAX_SAFE_INTEGER)
        return -size if self.value.startswith("-") else size


def exact(text: str) -> str | None:
    """The number that a string is, as a decimal without exponent and trailing zeros; None when it is none."""
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


def one_line(text: str) -> str:
    """At most 120 characters, on one line."""
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def compare(before: Sequence[Definition], after: Sequence[Definition]) -> list[dict[str, Any]]:
    """What changed, sorted; a place that moved and says the same did not.

    A place without an equal one on the other side belongs to one that is left over in the same file, or else
    to any that is left over; without such a one it was added or removed.
    """
    found: list[dict[str, Any]] = []
    for name in sorted({one.name for one in (*before, *after)}):
        old = [one for one in before if one.name == name]
        new = [one for one in after if one.name == name]
        _pair(old, new, lambda one: one.meaning)
        for alike in (lambda one: one.path, lambda one: None):
            found += [_change(second, first, second) for first, second in _pair(old, new, alike)]
        found += [_change(one, one, None) for one in old] + [_change(one, None, one) for one in new]
    return sorted(found, key=lambda one: (one["name"], one["path"], one["line"], one["change"]))


def _pair(
    old: list[Definition], new: list[Definition], key: Callable[[Definition], object]
) -> list[tuple[Definition, Definition]]:
    """Take pairs of an equal key out of both lists, in order."""
    pairs = []
    for first in list(old):
        second = next((one for one in new if key(first) == key(one)), None)
        if second is not None:
            old.remove(first)
            new.remove(second)
            pairs.append((first, second))
    return pairs


def _change(where: Definition, first: Definition | None, second: Definition | None) -> dict[str, Any]:
    before, after = (None if one is None else one.value or one.text for one in (first, second))
    return {
        "name": where.name,
        "path": where.path,
        "line": where.line,
        "change": "removed" if second is None else "added" if first is None else "changed",
        "before": before,
        "after": after,
    }
