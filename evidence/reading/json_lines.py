"""JSON Lines (https://jsonlines.org): one JSON document a line, read as strictly as one file and faster.

``orjson`` reads a line several times faster than the strict parser and allows more: a key twice, large
numbers and decimals that it rounds. So it writes again what it read. Where that is the line, white space
aside, nothing was lost. Every other line goes to the strict parser, which decides and says what is wrong.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ..base.errors import EvidenceError
from ..base.limits import Limits
from .parse import parse_json

_BOM = b"\xef\xbb\xbf"
_EXPONENT = re.compile(rb"e[+-]?[0-9]+(?![^\s,}\]])")
"""The end of a number with an exponent; orjson writes none between 1e-5 and 1e16."""
_DIGITS, _DECIMAL_EXPONENT = 20, 32
"""What integers of 64 bits, and decimals written without an exponent, need at most."""

UNSURE: Final = object()
"""What :meth:`RecordReader.quick` gives for a line that the strict parser must decide on."""


class RecordReader:
    """Reads the records of one file."""

    def __init__(self, path: str, limits: Limits) -> None:
        import orjson

        self._loads, self._dumps = orjson.loads, orjson.dumps
        self._path = path
        self._limits = limits
        # where an operator allows less than the quick way lets through, the strict parser reads every line
        self._quick = (
            limits.integer_digits >= _DIGITS
            and limits.decimal_exponent >= _DECIMAL_EXPONENT
            and limits.json_items >= limits.record_bytes
        )

    def quick(self, line: bytes) -> Any:
        """The record where it certainly is what :meth:`strict` gives, or ``UNSURE``.

        A decimal is a float, and its figures in the line are the shortest that give this float.
        """
        depth = line.count(b"{") + line.count(b"[")
        if not self._quick or depth > self._limits.json_depth or _EXPONENT.search(line):
            return UNSURE
        try:
            record = self._loads(line)
            written = self._dumps(record)
        except (ValueError, TypeError):  # which orjson's errors are
            return UNSURE
        # Without blanks, which strings lose too, both still have the same tokens in the same order or differ.
        # A key that is there twice was written once; a number that was rounded has other figures.
        return record if written.translate(None, b" ") == line.translate(None, b" \t\r") else UNSURE

    def strict(self, line: bytes, number: int) -> Any:
        """The record, with Decimals.

        Raises EvidenceError: it is blank, begins with a byte order mark, or is not a JSON document as
        ``parse_json`` demands; with the number of the line in the file.
        """
        if not line.strip():
            raise self._refusal("the line is blank, where a JSON document is expected", number)
        if line.startswith(_BOM):
            raise self._refusal("the line begins with a byte order mark", number)
        try:
            return parse_json(line, self._path, self._limits)
        except EvidenceError as error:
            column = (error.place or "").partition(", ")[2]  # the parser saw one line, which may end in \r
            place = f"line {number}" + (f", {column}" if column else "")
            raise EvidenceError(error.what, path=self._path, place=place, remedy=error.remedy) from error

    def _refusal(self, what: str, number: int) -> EvidenceError:
        return EvidenceError(
            what, path=self._path, place=f"line {number}", remedy="write one JSON document a line"
        )
