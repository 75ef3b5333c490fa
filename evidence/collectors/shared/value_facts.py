"""A value out of a document as facts: exact, without floats, bounded, and safe to compare in a policy.

In Rego every string is greater than every number, so a decimal figure given as text would pass any minimum.
That is why a decimal has no ``value``: a policy compares its scaled integers, and finds null elsewhere.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from msgspec import Struct

from ...base.canonical import MAX_SAFE_INTEGER
from ...base.contracts import type_name
from ...base.errors import masked
from ...base.numbers import to_scaled
from ...collecting.interface import Problem

MICRO = 1_000_000
MOST_VALUES = 1000
"""Values in an array or object that is given as a fact."""
MOST_CHARACTERS = 4000
"""Characters of a string that is given as a fact."""

FIELDS = ("kind", "value", "text", "length", "floor_micro", "ceiling_micro")
"""What is said about a value, beside whether it was found."""

_FIGURE = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE]([+-]?[0-9]+))?")
_FIGURE_CHARS = 64
_MOST_EXPONENT = 64
_TOO_LARGE = (
    f"it is too large for a fact (more than {MOST_VALUES} values, a string of more than {MOST_CHARACTERS} "
    "characters), or two of its names differ in nothing that a fact may show"
)
_NAME_IT = "name a part of it by a pointer of its own"


class Nothing(Struct, frozen=True):
    """No value was found.

    Attributes:
        reason: why, one clause.
        remedy: what to do about it, one sentence.
    """

    reason: str
    remedy: str


def figure(text: str) -> Decimal | None:
    """The number that the text is, as JSON writes numbers; None when it is none."""
    match = _FIGURE.fullmatch(text) if len(text) <= _FIGURE_CHARS else None
    if match is None or (match[1] and (len(match[1]) > 4 or abs(int(match[1])) > _MOST_EXPONENT)):
        return None
    return Decimal(text)


def describe(value: Any, prefix: str) -> tuple[dict[str, Any], list[Problem]]:
    """The facts about a value (or :class:`Nothing`), and what is null among them.

    Args:
        value: JSON-like, with Decimals.
        prefix: dotted path of these facts.
    """
    if isinstance(value, Nothing):
        return (
            {"found": False, **dict.fromkeys(FIELDS)},
            [Problem(prefix, value.reason, value.remedy)],
        )
    kind = type_name(value)
    what = ("an " if kind[0] in "aio" else "a ") + kind
    facts: dict[str, Any] = {"found": True, "kind": kind, **dict.fromkeys(FIELDS[1:])}
    reasons = dict.fromkeys(FIELDS[1:], (f"the value is {what}", "read a value of another type"))
    number: int | Decimal | None = None
    if isinstance(value, str):
        number = figure(value)
        if len(value) <= MOST_CHARACTERS:
            facts["value"] = facts["text"] = masked(value)
        reasons["value"] = reasons["text"] = (
            f"the string has more than {MOST_CHARACTERS} characters",
            _NAME_IT,
        )
        reasons["floor_micro"] = reasons["ceiling_micro"] = (
            "the string is no number as JSON writes numbers",
            "write the figure as a number",
        )
    elif isinstance(value, bool):
        facts["value"] = value
    elif isinstance(value, (int, Decimal)):
        number = value
        facts["text"] = str(value) if isinstance(value, int) else f"{value:f}"
        if isinstance(value, int) and abs(value) <= MAX_SAFE_INTEGER:
            facts["value"] = value
        reasons["value"] = (
            "the figure has a decimal point" if kind == "number" else "the figure is beyond 2^53",
            f"compare {prefix}.floor_micro or {prefix}.ceiling_micro",
        )
    elif value is None:
        reasons["value"] = ("the document says null", "write the value into the document")
    else:
        facts["value"] = _contained(value)
        reasons["value"] = (_TOO_LARGE, _NAME_IT)
    if isinstance(value, (str, list, dict)):
        facts["length"] = len(value)
    if number is not None:
        for name, up in (("floor_micro", False), ("ceiling_micro", True)):
            scaled = to_scaled(number, MICRO, up=up)
            facts[name] = scaled if abs(scaled) <= MAX_SAFE_INTEGER else None
            reasons[name] = ("the figure is beyond 2^53 millionths", "check the figure and its unit")
    missing = [Problem(f"{prefix}.{name}", *reasons[name]) for name in FIELDS[1:] if facts[name] is None]
    return facts, missing + _nulls(facts["value"], f"{prefix}.value")


def _contained(value: Any) -> Any:
    """An array or object as a fact; None where it is too large for that.

    Integers that not every engine holds exactly, and decimals, become text: such figures are compared by a
    pointer of their own. Names are ASCII, as in everything that is signed.
    """
    left = MOST_VALUES

    def fact(item: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or (isinstance(item, str) and len(item) > MOST_CHARACTERS):
            raise OverflowError
        if isinstance(item, dict):
            named = {_ascii(name): fact(child) for name, child in item.items()}
            if len(named) < len(item) or any(len(name) > MOST_CHARACTERS for name in item):
                raise OverflowError
            return named
        if isinstance(item, list):
            return [fact(child) for child in item]
        if isinstance(item, Decimal):
            return f"{item:f}"
        if isinstance(item, str):
            return masked(item)
        return str(item) if isinstance(item, int) and abs(item) > MAX_SAFE_INTEGER else item

    try:
        return fact(value)  # as deep as the readers let it be
    except OverflowError:
        return None


def _ascii(name: str) -> str:
    return masked(name).encode("ascii", "backslashreplace").decode()


def _nulls(value: Any, prefix: str) -> list[Problem]:
    """One entry for each null inside of objects, but not of arrays, that a dotted path can name."""
    found: list[Problem] = []
    pending = [(prefix, value)] if isinstance(value, dict) else []
    while pending:
        place, item = pending.pop()
        for name, child in item.items():
            if "." in name:
                continue
            if child is None:
                found.append(Problem(f"{place}.{name}", "the document says null", "write the value there"))
            elif isinstance(child, dict):
                pending.append((f"{place}.{name}", child))
    return found
