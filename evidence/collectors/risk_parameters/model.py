"""Values of risk parameters as exact decimal text, and the definitions they stand in."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal

_DIGITS = "[0-9]+(?:_[0-9]+)*"
_DECIMAL = re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?[0-9]{{1,3}})?")
_BASED = re.compile(r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+")
_LONGEST = 64
_EXPONENT = 64
_SHOWN = 120

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
        sha256: of all that is written there, where the value is not known; None where it is.
        module: for an import of the name: the module's path without ending, with ``/`` first where it is
            from the top of the workspace; None for everything else.
    """

    name: str
    path: str
    line: int | None
    value: str | None
    form: Form
    text: str
    sha256: str | None = None
    module: str | None = None

    @property
    def meaning(self) -> str:
        """What two definitions have in common that say the same."""
        return self.value or self.sha256 or self.text


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
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


@dataclass(frozen=True, slots=True)
class Plain:
    """A scalar whose meaning depends on who reads it, such as YAML's ``010``: as it is written."""

    text: str


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def of_data(
    name: str, path: str, line: int | None, value: Any, known: dict[int, str] | None = None
) -> Definition:
    """A definition in a data file.

    Args:
        name: the parameter.
        path: the file.
        line: where.
        value: as the parser gives it.
        known: digests of the document's lists and mappings by their ``id``, filled here: one mapping may be
            inside of many that have a parameter's name.
    """
    number: Fraction | None = None
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        number = Fraction(value)
    elif isinstance(value, str):
        number = exact(value.strip())
    decimal = None if number is None else plain(number)
    if decimal is not None:
        return Definition(name, path, line, decimal, "literal", one_line(str(value)))
    found = _digest(value, {} if known is None else known)
    return Definition(name, path, line, None, "unknown", _excerpt(value), found)


def _digest(value: Any, known: dict[int, str]) -> str:
    """Equal for values that mean the same, whatever the order of a mapping's keys and a number's spelling.

    Recursion is as deep as the document, which the readers limit.
    """
    if not isinstance(value, (dict, list)):
        return digest(_scalar(value))
    if id(value) not in known:
        if isinstance(value, dict):
            parts = [f"{json.dumps(key)}:{_digest(one, known)}" for key, one in sorted(value.items())]
            known[id(value)] = digest("{" + ",".join(parts) + "}")
        else:
            known[id(value)] = digest("[" + ",".join(_digest(one, known) for one in value) + "]")
    return known[id(value)]


def _scalar(value: Any) -> str:
    if isinstance(value, Plain):
        return f"plain {value.text}"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value)
    number = Fraction(value)
    return f"{number.numerator:x}/{number.denominator:x}"


def _excerpt(value: Any) -> str:
    """The beginning of what is written, as JSON, on one line."""
    if isinstance(value, str):
        return one_line(value)
    text = ""
    for part in _parts(value):
        text += part
        if len(text) > _SHOWN:
            break
    return one_line(text)


def _parts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for index, (key, one) in enumerate(value.items()):
            yield (", " if index else "") + json.dumps(key[:_SHOWN], ensure_ascii=False) + ": "
            yield from _parts(one)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for index, one in enumerate(value):
            yield ", " if index else ""
            yield from _parts(one)
        yield "]"
    elif isinstance(value, str):
        yield json.dumps(value[: 2 * _SHOWN], ensure_ascii=False)
    elif isinstance(value, Plain):
        yield value.text
    else:
        yield json.dumps(value) if value is None or isinstance(value, bool) else str(value)
