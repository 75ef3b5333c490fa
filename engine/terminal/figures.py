"""Values as people read them (``357142 ppm`` → ``35.7 %``), and text that is safe on a terminal and in CI."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from ...evidence.base.errors import masked

if TYPE_CHECKING:
    from ...evidence.collecting.interface import Scope
    from ..decision.document import Operand

MAX_CHARS = 160

_ESCAPED = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
_NONE = "\ufffe\uffff"
"""What is no character: no XML and no YAML may hold it."""

_JOINERS = frozenset("\u200c\u200d\u200e\u200f")
"""Format characters that scripts need: joiners and direction marks, which cannot reorder a whole line."""


def clean(text: str) -> str:
    """Text from evidence, safe for a terminal: control characters (escape sequences) and bidirectional
    overrides become visible ``\\u…`` escapes; letters of any script stay."""
    if text.isprintable():  # most text: what is escaped below is not printable to Python, either
        return text
    return "".join(
        f"\\u{ord(char):04x}"
        if (unicodedata.category(char) in _ESCAPED or char in _NONE) and char not in _JOINERS
        else char
        for char in text
    )


_COMMAND = re.compile(r"(^|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029])([^\S\n]*):(?=:)", re.MULTILINE)
"""A colon that begins a command to GitHub's runner; it looks behind white space, too
(https://docs.github.com/actions/reference/workflow-commands-for-github-actions)."""


def for_people(text: str) -> str:
    """What is printed for people; everything that is goes through here, finished and wrapped.

    No line of it is a command to a CI system, and no account number is in it.
    """
    shown = masked(text).replace("##[", "\\u0023#[")
    return _COMMAND.sub(r"\1\2\\u003a", shown) if "::" in shown else shown


def printable(text: str) -> str:
    """Text of any origin as one line in which nothing acts, and no account number is shown in full."""
    return masked(clean(text)).replace("##[", "\\u0023#[")


def figure(value: Any, unit: str | None, other: Any = None) -> str:
    """A value with its unit.

    Args:
        unit: ``ppm``, ``us``, ``ms``, ``s``, ``cents``, ``micro`` or anything else for plain values.
        other: the value it is compared with; more digits are shown where rounding would hide the difference.
    """
    if value is None:
        return "not measured"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _number(value, unit, other)
    if isinstance(value, (list, tuple)):
        return _list(value)
    if isinstance(value, dict):
        return _list([f"{key}={item}" for key, item in value.items()])
    return shorten(clean(str(value)))


def shorten(text: str, most: int = MAX_CHARS) -> str:
    """The text, cut with an ellipsis where it is longer than ``most`` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _list(items: Any) -> str:
    if not items:
        return "none"
    return shorten(", ".join(clean(str(item)) for item in items))


def _number(value: int, unit: str | None, other: Any) -> str:
    match unit:
        case "ppm":
            return _percent(value, other)
        case "micro":
            return _ratio(value, other)
        case "us":
            return f"{_decimal(value, 3)} ms"
        case "ms":
            return f"{_decimal(value, 3)} s" if abs(value) >= 1000 else f"{value} ms"
        case "s" | "seconds":
            return _duration(value, other)
        case "cents":
            return f"{value // 100:,}.{value % 100:02d}" if value >= 0 else f"-{_number(-value, unit, None)}"
        case _:
            return str(value)


def _decimal(value: int, digits: int) -> str:
    sign, rest = ("-", -value) if value < 0 else ("", value)
    whole, fraction = divmod(rest, 10**digits)
    text = f"{fraction:0{digits}d}".rstrip("0")
    return f"{sign}{whole}.{text}" if text else f"{sign}{whole}"


def _ratio(value: int, other: Any) -> str:
    whole, _, fraction = _decimal(value, 6).partition(".")
    return f"{whole}.{fraction[: None if _hidden(value, other) else 3]:0<2}"


def _percent(value: int, other: Any) -> str:
    shown = _decimal(value, 4) if _hidden(value, other) else _decimal(_thousandths(value), 1)
    return f"{shown} %"


def _hidden(value: int, other: Any) -> bool:
    """Whether three digits hide the value itself, or that it is not the one beside it."""
    shown = _thousandths(value)
    if shown == 0:
        return value != 0
    return isinstance(other, int) and value != other and shown == _thousandths(other)


def _thousandths(value: int) -> int:
    """What three digits show of a value: cut towards zero."""
    return value // 1000 if value >= 0 else -(-value // 1000)


def _duration(value: int, other: Any) -> str:
    if abs(value) >= 86_400 and value % 86_400 == 0:
        return f"{value // 86_400} d"
    hours = value * 100 // 3600
    hidden = isinstance(other, int) and value != other and hours == other * 100 // 3600
    return f"{value} s" if abs(value) < 3600 or hidden else f"{_decimal(hours, 2)} h"


_KINDS = frozenset({"list", "map", "boolean", "count", "type", "name", "state"})
_NO_WORDS = _KINDS | {"ppm", "micro", "us", "ms", "s", "cents"}
"""Units that are no words beside a number: kinds of values, and those that the number is shown with."""


def unit_of(number: int, unit: str) -> str:
    """The unit of so many, which policies and collectors name in plural: ``kind of orders`` beside 1."""
    noun, of, rest = unit.partition(" of ")
    if number != 1 or not noun.endswith("s") or "/" in noun:
        return unit
    if noun.endswith("ies"):
        noun = f"{noun[:-3]}y"
    else:
        noun = noun[: -2 if noun.endswith(("sses", "xes", "ches", "shes")) else -1]
    return f"{noun}{of}{rest}"


def label(name: str) -> str:
    """A name of a figure or an operand as words."""
    return name.replace("_", " ")


def scale(name: str, unit: str | None) -> str | None:
    """The unit of a figure of that name: what is called a ratio (Sharpe's) is a plain number, not a share."""
    return "micro" if unit == "ppm" and "ratio" in name else unit


def comparison(operand: Operand) -> str:
    """An operand as formal logic: ``artifact_coverage (35.7 %) ≥ 80 % → false``."""
    unit, actual, expected = scale(operand.name, operand.unit), operand.actual, operand.expected
    right = "= ∅" if operand.op == "∅" else f"{operand.op} {figure(expected, unit, actual)}"
    return (
        f"{operand.name} ({figure(actual, unit, expected)}) {right} → {'true' if operand.holds else 'false'}"
    )


def requirement(name: str, op: str, actual: Any, expected: Any, unit: str | None, share: str = "") -> str:
    """A comparison in words: ``fill rate 93 %, needs ≥ 95 %``.

    Args:
        share: the actual value as a share of what was looked at, where that is known: ``5 of 14 artifacts``.
    """
    unit = scale(name, unit)
    needed = figure(expected, unit, actual)
    if type(expected) is int and unit and unit not in _NO_WORDS:
        needed = f"{needed} {unit_of(expected, unit)}"
    have = share or f"{label(name)} {figure(actual, unit, expected)}"
    return f"{have}, needs {needed}" if op == "=" else f"{have}, needs {op} {needed}"


def coverage(scope: Scope | None, value: Any = True) -> str:
    """How much was looked at: ``71 files``, or ``2 of 71 files`` where not all of it was understood.

    Empty where that says nothing: of a value that was not measured, or one thing, such as a single record.
    """
    if scope is None or value is None or scope.looked_at == 1:
        return ""
    looked = f"{scope.looked_at} {scope.unit}"
    return looked if scope.understood == scope.looked_at else f"{scope.understood} of {looked}"
