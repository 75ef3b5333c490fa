"""TOML as evidence: what the standard library reads (https://toml.io/en/v1.0.0), within limits.

Decimals become :class:`decimal.Decimal`, dates and times become RFC 3339 text (local ones stay without a
zone), infinity and NaN are refused. The standard library's parser takes time quadratic in the number of
components of a dotted key, so they are counted before it sees the document.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NoReturn

from ..base.errors import EvidenceError
from ..base.limits import Limits
from .parse import decimal, decode_text, line_and_column

_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_AT = re.compile(r" \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)$")
_REMEDY = "correct the TOML"


def parse_toml(data: bytes, path: str, limits: Limits) -> dict[str, Any]:
    """The document in ``data`` as dicts, lists, strings, ints, Decimals and booleans.

    Raises EvidenceError: malformed, not UTF-8, too large, too deep, or with a number outside of what evidence
    may have; with line and column where they are known.
    """
    import tomllib

    if len(data) > limits.text_bytes:
        raise EvidenceError(
            f"the TOML is larger than {limits.text_bytes} bytes", path=path, remedy="split it"
        )
    text = decode_text(data, path).replace("\r\n", "\n")
    if re.search(rf"(?<![A-Za-z0-9_-])(?:{_PART}){{{limits.json_depth + 1}}}", text):
        raise _too_deep(path, limits)
    try:
        value = tomllib.loads(text, parse_float=lambda digits: _number(digits, text, path, limits))
    except RecursionError as error:
        raise _too_deep(path, limits) from error
    except ValueError as error:  # also of an integer or a date that Python cannot have
        reason = str(error)
        at = _AT.search(reason)
        end = at is not None and at[1] is None
        place = f"line {at[1]}, column {at[2]}" if at is not None and not end else None
        raise EvidenceError(
            f"malformed TOML: {reason[: at.start()] if at else reason[:200]}{' at the end' if end else ''}",
            path=path,
            place=place,
            remedy=_REMEDY,
        ) from error
    return _plain(value, text, path, limits)


def _too_deep(path: str, limits: Limits) -> EvidenceError:
    return EvidenceError(
        f"the TOML nests deeper than {limits.json_depth} levels",
        path=path,
        remedy="flatten the document",
    )


def _number(digits: str, text: str, path: str, limits: Limits) -> Decimal:
    value = decimal(digits, limits)
    if value is None:
        what = f"the number {digits[:24]} is outside the supported range"
        if digits.lstrip("+-") in ("inf", "nan"):
            what = f"{digits} is not a number that evidence may have"
        _refuse(what, digits, text, path)
    return value


def _refuse(what: str, literal: str, text: str, path: str) -> NoReturn:
    found = re.search(rf"(?<![\w.+-]){re.escape(literal)}(?![\w.])", text)
    place = None if found is None else line_and_column(text, found.start())
    raise EvidenceError(what, path=path, place=place, remedy="correct the number")


def _plain(document: dict[str, Any], text: str, path: str, limits: Limits) -> dict[str, Any]:
    """The document with dates and times as text, after a look at its depth, its size and its integers."""
    seen = 0
    pending: list[tuple[Any, int]] = [(document, 1)]
    while pending:
        container, depth = pending.pop()
        if depth > limits.json_depth:
            raise _too_deep(path, limits)
        seen += len(container)
        if seen > limits.json_items:
            raise EvidenceError(
                f"the TOML has more than {limits.json_items} values", path=path, remedy="split the file"
            )
        keys: Any = container if isinstance(container, dict) else range(len(container))
        for key in keys:
            item = container[key]
            if isinstance(item, (dict, list)):
                pending.append((item, depth + 1))
            elif isinstance(item, (date, time)):
                container[key] = _moment(item)
            elif isinstance(item, int) and abs(item) >= 10**limits.integer_digits:
                what = f"an integer has more than {limits.integer_digits} digits"
                _refuse(what, hex(item) if item.bit_length() > 2000 else str(item), text, path)
    return document


def _moment(value: date | time) -> str:
    """``1979-05-27T07:32:00Z``, or the date or time alone; without a zone where the document states none."""
    text = value.isoformat()
    utc = isinstance(value, datetime) and value.tzinfo is not None and not value.utcoffset()
    return f"{text.removesuffix('+00:00')}Z" if utc else text
