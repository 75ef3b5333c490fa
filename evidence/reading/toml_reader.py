"""TOML as evidence: what the standard library reads (https://toml.io/en/v1.0.0), within limits.

Decimals become :class:`decimal.Decimal`, dates and times become RFC 3339 text (local ones stay without a
zone), infinity and NaN are refused. The standard library's parser takes time quadratic in the number of
components of a dotted key, so they are counted before it sees the document.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from ..base.errors import EvidenceError
from ..base.limits import Limits
from .parse import decode_text

_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_AT = re.compile(r" \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)$")
_NUMBER_CHARS = 64
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
        value = tomllib.loads(text, parse_float=lambda digits: _decimal(digits, text, path, limits))
    except RecursionError as error:
        raise _too_deep(path, limits) from error
    except ValueError as error:  # also of an integer or a date that Python cannot have
        said = str(error)
        at = _AT.search(said)
        end = at is not None and at[1] is None
        place = f"line {at[1]}, column {at[2]}" if at is not None and not end else None
        raise EvidenceError(
            f"malformed TOML: {said[: at.start()] if at else said[:200]}{' at the end' if end else ''}",
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


def _decimal(digits: str, text: str, path: str, limits: Limits) -> Decimal:
    value = None
    if len(digits) <= _NUMBER_CHARS:
        with suppress(InvalidOperation):  # an exponent that no Decimal can have
            value = Decimal(digits)
    exponent = None if value is None else value.as_tuple().exponent
    if value is None or not isinstance(exponent, int) or abs(exponent) > limits.decimal_exponent:
        what = f"the number {digits[:24]} is outside the supported range"
        if digits.lstrip("+-") in ("inf", "nan"):
            what = f"{digits} is not a number that evidence may have"
        _refuse(what, digits, text, path)
    return value


def _refuse(what: str, literal: str, text: str, path: str) -> NoReturn:
    found = re.search(rf"(?<![\w.+-]){re.escape(literal)}(?![\w.])", text)
    place = None
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        place = f"line {line}, column {found.start() - text.rfind(chr(10), 0, found.start())}"
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
    said = value.isoformat()
    utc = isinstance(value, datetime) and value.tzinfo is not None and not value.utcoffset()
    return f"{said.removesuffix('+00:00')}Z" if utc else said
