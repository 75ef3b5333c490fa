"""JSON Lines (https://jsonlines.org): one JSON document a line, read as strictly as one file and far faster.

The strict parser takes far longer for a record than validating it. Nearly all records of a file look alike,
so the reader learns the layout of those that the strict parser accepted, as a regular expression in which
everything but the values is literal. A line that matches has the same keys in the same places: no key is
twice there, nothing nests deeper, no string has an escape, no number is out of range. What is left is for
``orjson``. Whatever matches no layout goes to the strict parser, which decides and says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from .errors import EvidenceError
from .limits import Limits
from .parse import decode_text, parse_json

_BOM = b"\xef\xbb\xbf"
_LAYOUTS = 16
"""Layouts that are learned; records that have many more are read by the strict parser."""
_LEARNED_BYTES = 8192
"""Longest record that a layout is learned from."""
EXACT_DIGITS = 15
"""Decimal digits of figures that doubles keep apart and in order (``DBL_DIG``)."""
_LONGEST_INTEGER = 18
TOKEN = re.compile(rb'(\s*)("(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|\Z)', re.DOTALL)
"""White space and a token of a JSON document, or its end."""
_STRING = rb'"[^"]*+"'
"""In a line without a backslash. ``orjson`` refuses what else a string may not have."""
_SHORT = rb"-?(?:(?:0|[1-9][0-9]{0,8}+)(?:\.[0-9]{1,6}+)?+|[1-9][0-9]{9,14}+)(?![0-9.eE])"
"""At most `EXACT_DIGITS` digits and no exponent."""
_ANY = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_TEXT = b"(?:" + _STRING + b"|null)"
"""Where a string was seen; the other one is for any other value that is no container."""
_OTHER = b"(?:" + _SHORT + b"|null|true|false|" + _STRING + b"|(" + _ANY + b"))"
_OTHER_IN_ARRAY = b"(?:" + _SHORT + b"|null|true|false|" + _STRING + b")"
"""Without a group, which would keep only the last of several numbers."""
_LEAST, _GREATEST = 1e-30, 1e15
"""Between these, the decimal exponent of the shortest figure is far from its limit."""

UNSURE: Final = object()
"""What :meth:`RecordReader.quick` gives for a line that the strict parser must decide on."""


class RecordReader:
    """Reads the records of one file.

    Args:
        path: the file, for messages.
        limits: as for any JSON document.
    """

    def __init__(self, path: str, limits: Limits) -> None:
        import orjson  # here rather than in quick(), where the statement alone would take noticeable time

        self._loads, self._dumps = orjson.loads, orjson.dumps
        self._path = path
        self._limits = limits
        self._layouts: list[re.Pattern[bytes]] = []
        self._match: Any = _nothing
        # where an operator allows less than a layout lets through, the strict parser decides on everything
        usual = limits.integer_digits >= _LONGEST_INTEGER and limits.decimal_exponent >= 64
        self._room = _LAYOUTS if usual and limits.json_items >= limits.record_bytes else 0

    def quick(self, line: bytes) -> Any:
        """The record where it certainly is what :meth:`strict` gives, or ``UNSURE``.

        Decimal numbers are floats. They compare, with one another and with any decimal of up to fifteen
        digits, as the exact figures do: each has up to fifteen digits itself, or is the shortest that gives
        its float.
        """
        match = self._match(line) or self._another(line)
        if match is None or b"\\" in line or (match.lastindex is not None and not self._all_exact(match)):
            return UNSURE
        try:
            if not line.isascii():
                decode_text(line, self._path)
            return self._loads(line)
        except (EvidenceError, ValueError):  # which orjson's error is, too
            return UNSURE

    def _all_exact(self, match: re.Match[bytes]) -> bool:
        literals = list(filter(None, match.groups()))
        together = b",".join(literals)
        # what orjson writes is the shortest; it writes figures from 1e-5 to 1e16 without an exponent
        if self._dumps(list(map(float, literals))) == b"[" + together + b"]" and b"e" not in together:
            return True
        return all(map(_exact, literals))

    def _another(self, line: bytes) -> re.Match[bytes] | None:
        for layout in self._layouts:
            if match := layout.fullmatch(line):
                self._match = layout.fullmatch
                return match
        return None

    def strict(self, line: bytes, number: int) -> Any:
        """The record, with Decimals; its layout is remembered.

        Raises:
            EvidenceError: it is blank, begins with a byte order mark, or is not a JSON document as
                :func:`gate.evidence.parse.parse_json` demands; with the number of the line in the file.
        """
        if not line.strip():
            raise self._refusal("the line is blank, where a JSON document is expected", number)
        if line.startswith(_BOM):
            raise self._refusal("the line begins with a byte order mark", number)
        try:
            value = parse_json(line, self._path, self._limits)
        except EvidenceError as error:
            column = (error.place or "").partition(", ")[2]  # the parser saw one line, which may end in \r
            place = f"line {number}" + (f", {column}" if column else "")
            raise EvidenceError(error.what, path=self._path, place=place, remedy=error.remedy) from error
        if self._room and len(line) <= _LEARNED_BYTES:
            layout = re.compile(_Layout(line).pattern())
            if layout not in self._layouts:
                self._room -= 1
                self._layouts.append(layout)
        return value

    def _refusal(self, what: str, number: int) -> EvidenceError:
        return EvidenceError(
            what, path=self._path, place=f"line {number}", remedy="write one JSON document a line"
        )


def _nothing(line: bytes) -> None:
    """Matches nothing, as long as no layout is known."""


def _exact(literal: bytes) -> bool:
    """Whether a number of more than fifteen digits, or with an exponent, is read without loss."""
    if literal.lstrip(b"-").isdigit():
        return len(literal.lstrip(b"-")) <= _LONGEST_INTEGER
    figure = float(literal)
    return repr(figure).encode() == literal and _LEAST < abs(figure) < _GREATEST


class _Layout:
    """The regular expression for lines like one that is known to be a JSON document."""

    def __init__(self, line: bytes) -> None:
        self._tokens: Iterator[re.Match[bytes]] = TOKEN.finditer(line)

    def _next(self) -> tuple[bytes, bytes]:
        match = next(self._tokens)
        return re.escape(match[1]), match[2]

    def pattern(self) -> bytes:
        """The expression, for a full match."""
        value = self._value(*self._next(), array=False)
        end, _ = self._next()
        return value + end

    def _value(self, space: bytes, token: bytes, *, array: bool) -> bytes:
        if token == b"{":
            return space + self._object(array=array)
        if token == b"[":
            return space + self._array()
        if token.startswith(b'"'):
            return space + _TEXT
        return space + (_OTHER_IN_ARRAY if array else _OTHER)

    def _object(self, *, array: bool) -> bytes:
        out = [rb"\{"]
        while True:
            space, token = self._next()
            if token in b"},":
                out.append(space + re.escape(token))
                if token == b"}":
                    return b"".join(out)
                continue
            colon, _ = self._next()
            out += [space + re.escape(token) + colon + b":", self._value(*self._next(), array=array)]

    def _array(self) -> bytes:
        """Any number of items where those that are there look alike."""
        items: list[bytes] = []
        space, token = self._next()
        while token != b"]":
            if token == b",":
                after, token = self._next()
                items.append(space + b"," + self._value(after, token, array=True))
            else:
                items.append(self._value(space, token, array=True))
            space, token = self._next()
        first, rest = items[:1], items[1:]
        if rest and all(item == rest[0] for item in rest):
            return rb"\[(?:" + first[0] + b"(?:" + rest[0] + b")*)?" + space + rb"\]"
        if len(items) == 1:
            return rb"\[(?:" + first[0] + b")?" + space + rb"\]"
        return rb"\[" + b"".join(items) + space + rb"\]"
