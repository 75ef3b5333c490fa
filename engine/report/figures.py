"""Scaled integers as people read them: ``357142 ppm`` → ``0.357``, ``198000 us`` → ``198 ms``."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from ...evidence.base.errors import masked

MAX_CHARS = 160


_JOINERS = frozenset("\u200c\u200d\u200e\u200f")
"""Format characters that scripts need: joiners and direction marks, which cannot reorder a whole line."""


def clean(text: str) -> str:
    """Text from evidence, safe for a terminal: control characters (escape sequences) and bidirectional
    overrides become visible ``\\u…`` escapes; letters of any script stay."""
    return "".join(
        f"\\u{ord(char):04x}"
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and char not in _JOINERS
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
    return _COMMAND.sub(r"\1\2\\u003a", masked(text)).replace("##[", "\\u0023#[")


def figure(value: Any, unit: str | None, other: Any = None) -> str:
    """A value with its unit.

    Args:
        value: a scaled integer, text, boolean, list or None.
        unit: ``ppm``, ``us``, ``ms``, ``s``, ``cents``, ``micro`` or anything else for plain values.
        other: the value it is compared with; more digits are shown where rounding would hide the difference.
    """
    if value is None:
        return "unmeasured"
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
        case "ppm" | "micro":
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
    shown = _thousandths(value)
    if not isinstance(other, int) or value == other or shown not in (0, _thousandths(other)):
        fraction = fraction[:3]
    return f"{whole}.{fraction:0<2}"


def _thousandths(value: int) -> int:
    """What three digits show of a value: cut towards zero."""
    return value // 1000 if value >= 0 else -(-value // 1000)


def _duration(value: int, other: Any) -> str:
    if abs(value) >= 86_400 and value % 86_400 == 0:
        return f"{value // 86_400} d"
    hours = value * 100 // 3600
    hidden = isinstance(other, int) and value != other and hours == other * 100 // 3600
    return f"{value} s" if abs(value) < 3600 or hidden else f"{_decimal(hours, 2)} h"


def comparison(operand: dict[str, Any]) -> str:
    """An operand of the formal logic: ``artifact_coverage (0.357) ≥ 0.80 → false``."""
    unit, actual, expected = operand.get("unit"), operand.get("actual"), operand.get("expected")
    left = f"{clean(str(operand['name']))} ({figure(actual, unit, expected)})"
    right = "∅" if operand.get("op") == "∅" else f"{operand.get('op')} {figure(expected, unit, actual)}"
    joined = f"{left} = ∅" if right == "∅" else f"{left} {right}"
    return f"{joined} → {'true' if operand.get('holds') else 'false'}"


def weight(violation: dict[str, Any]) -> str:
    """A violation's severity, and why it is not that of its rule: ``HIGH (MEDIUM rule, raised: …)``."""
    raised = violation["raised_from"]
    return str(violation["severity"]) + (f" ({raised} rule, raised: evidence is missing)" if raised else "")


def requirement(item: dict[str, Any]) -> str:
    """A violation's figures in words: ``0.357, needs ≥ 0.80``; empty where there is nothing to compare."""
    if item["problem"] or item["op"] is None:
        return ""
    if item["op"] == "∅":
        return ""
    unit, actual, expected = item["unit"], item["actual"], item["expected"]
    if item["op"] == "⊇" and item["term"] is not None:
        return "absent"
    return f"is {figure(actual, unit, expected)}, needs {item['op']} {figure(expected, unit, actual)}"
