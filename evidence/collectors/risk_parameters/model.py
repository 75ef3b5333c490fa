"""Values of risk parameters as exact decimal text, and the definitions they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal

_DIGITS = "[0-9]+(?:_[0-9]+)*"
_DECIMAL = re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?[0-9]{{1,3}})?")
_BASED = re.compile(r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+")
_LONGEST = 64
_EXPONENT = 64

Form = Literal["literal", "computed", "unknown"]


@dataclass(frozen=True, slots=True)
class Definition:
    """One place that gives a parameter a value.

    Attributes:
        name: the parameter.
        path: the file.
        line: from 1; None when the format's parser does not say and it could not be told from the text.
        value: exact decimal without trailing zeros; None when it is not known without running anything.
        form: ``literal``, ``computed`` from literals, or ``unknown``.
        text: what is written there, on one line, shortened.
    """

    name: str
    path: str
    line: int | None
    value: str | None
    form: Form
    text: str

    @property
    def meaning(self) -> str:
        """What two definitions have in common that say the same."""
        return self.text if self.value is None else self.value


def exact(text: str) -> Fraction | None:
    """The number a literal stands for; None when it is none, or too long to be one."""
    if len(text) > _LONGEST:
        return None
    if _BASED.fullmatch(text):
        return Fraction(int(text.replace("_", ""), 0))
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        number = Decimal(text.replace("_", ""))
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    return Fraction(number) if isinstance(exponent, int) and abs(exponent) <= _EXPONENT else None


def plain(number: Fraction) -> str | None:
    """The number as a decimal without exponent and trailing zeros; None when it has no end."""
    rest, places = number.denominator, 0
    for factor in (2, 5):
        count = 0
        while rest % factor == 0:
            rest //= factor
            count += 1
        places = max(places, count)
    if rest != 1 or places > 2 * _EXPONENT:
        return None
    digits = str(abs(number.numerator) * 10**places // number.denominator).zfill(places + 1)
    whole, fraction = (digits[:-places], digits[-places:]) if places else (digits, "")
    if len(digits) > 4 * _LONGEST:
        return None
    return ("-" if number < 0 else "") + whole + (f".{fraction}" if fraction else "")


def one_line(text: str) -> str:
    """At most 120 characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:119] + "…"


def of_data(name: str, path: str, line: int | None, value: Any, text: str | None = None) -> Definition:
    """A definition in a data file.

    Args:
        name: the parameter.
        path: the file.
        line: where.
        value: as the parser gives it.
        text: as it is written, where that is known.
    """
    if isinstance(value, dict):
        return Definition(name, path, line, None, "unknown", "a mapping")
    if isinstance(value, list):
        return Definition(name, path, line, None, "unknown", "a list")
    number: Fraction | None = None
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        number = Fraction(value)
    elif isinstance(value, str):
        number = exact(value.strip())
    written = text if text is not None else _written(value)
    decimal = None if number is None else plain(number)
    return Definition(
        name, path, line, decimal, "unknown" if decimal is None else "literal", one_line(written)
    )


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
