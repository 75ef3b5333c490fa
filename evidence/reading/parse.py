"""Strict parsers for the formats evidence comes in: one reading, no guessing, hostile input refused by name.

Every function takes the file's bytes and its path (for the message) and raises :class:`EvidenceError` with
file, place and remedy. Numbers with a decimal point become :class:`decimal.Decimal`, never floats.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from msgspec import Struct

from ..base.errors import EvidenceError
from ..base.limits import Limits

SURROGATE = re.compile(r"[\ud800-\udfff]")
_NUMBER_CHARS = 64
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SECOND = (
    "[\x80-\xbf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014\u2018-\u201a"
    "\u201c-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122]"
)
"""What cp1252 and Latin-1 make of the second byte of a letter in UTF-8."""
_BROKEN_WORDS = tuple(
    (re.compile(f"(?:[{first}]{_SECOND}?){{3,}}"), re.compile(f"[{first}\xa0]"), least)
    for first, least in (("\u00d7", 2), ("\u00d0\u00d1", 3), ("\u00d8-\u00db", 3), ("\u00ce\u00cf", 3))
)
"""For Hebrew, Cyrillic, Arabic and Greek: what they make of a word, second bytes lost here and there; what in
it is no sign of that; and how many others there must be."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def decode_text(data: bytes, path: str) -> str:
    """UTF-8 text without a byte order mark. Raises EvidenceError: not UTF-8, or contains NUL."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise EvidenceError("the file is UTF-16, not UTF-8", path=path, remedy="save it as UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise EvidenceError(
            f"the file is not UTF-8 (byte 0x{data[error.start]:02x})",
            path=path,
            place=f"line {line}",
            remedy="save it as UTF-8",
        ) from error
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise EvidenceError(
            "the text contains a NUL character",
            path=path,
            place=f"line {line}",
            remedy="save it as plain text",
        )
    return text


def refuse_garbled(text: str, path: str) -> None:
    """Refuse a document that was decoded as a single-byte code page and encoded again (``×ª`` for ``ת``).

    For prose in which headings are looked for: none would be found, and the reader would be told to write
    what is there. Data is never refused for it: any string may be meant as it stands.

    Raises EvidenceError: a line has a word that only such a mistake makes; with the line.
    """
    if text.isascii():
        return
    for number, line in enumerate(text.split("\n"), 1):
        if _has_broken_word(line):
            raise EvidenceError(
                "the text is UTF-8 that was read as a single-byte code page and encoded again (mojibake)",
                path=path,
                place=f"line {number}",
                remedy="restore the original file, or decode it once as cp1252 and save the result as UTF-8",
            )


def _has_broken_word(line: str) -> bool:
    """Whether a word of the line is mojibake, perhaps with control characters lost.

    Editors and terminals lose control characters, which some second bytes become, and somebody may have
    added real text. Three multiplication signs with two odd characters between them are no text.
    """
    return any(
        len(plain.sub("", match[0])) >= least
        for word, plain, least in _BROKEN_WORDS
        for match in word.finditer(line)
    )


class _Hooks(Struct):
    """What the ``json`` module asks about the values that it reads from a document."""

    text: str
    path: str
    limits: Limits

    def pairs(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            seen: set[str] = set()
            for key, _ in items:
                if key in seen:
                    what = f"the JSON object has the key {key[:80]!r} twice"
                    raise self._wrong(what, _place(self.text, duplicate=key))
                seen.add(key)
        return result

    def integer(self, digits: str) -> int:
        if len(digits.lstrip("-")) > self.limits.integer_digits:
            what = f"the JSON number {digits[:24]}… has more than {self.limits.integer_digits} digits"
            raise self._wrong(what, _place(self.text, literal=digits))
        return int(digits)

    def number(self, digits: str) -> Decimal:
        value = decimal(digits, self.limits)
        if value is None:
            what = f"the number {digits[:24]} is outside the supported range"
            raise self._wrong(what, _place(self.text, literal=digits), "correct the number")
        return value

    def constant(self, name: str) -> NoReturn:
        raise self._wrong(f"{name} is not a JSON number", _place(self.text, literal=name))

    def _wrong(
        self, what: str, place: str | None, remedy: str = "correct the JSON document"
    ) -> EvidenceError:
        return EvidenceError(what, path=self.path, place=place, remedy=remedy)


def parse_json(data: bytes, path: str, limits: Limits) -> Any:
    """One JSON document (RFC 8259, I-JSON): no duplicate keys, NaN, lone surrogates, huge or deep values.

    Raises EvidenceError: with line and column where the parser knows them.
    """
    text = decode_text(data, path)
    hooks = _Hooks(text, path, limits)
    # every value but the first has one of these before it; so memory is never spent on what will be refused
    if data.count(b",") + data.count(b"[") + data.count(b"{") > limits.json_items:
        raise EvidenceError(
            f"the document has more than {limits.json_items} values", path=path, remedy="split the file"
        )
    try:
        value = json.loads(
            text,
            object_pairs_hook=hooks.pairs,
            parse_float=hooks.number,
            parse_int=hooks.integer,
            parse_constant=hooks.constant,
        )
    except json.JSONDecodeError as error:
        # how deep a document the json module reads depends on the version of Python
        deep = _place(text[: error.pos], depth=limits.json_depth)
        if deep is not None:
            raise _too_deep(path, deep, limits) from error
        raise EvidenceError(
            f"malformed JSON: {error.msg}",
            path=path,
            place=f"line {error.lineno}, column {error.colno}",
            remedy="correct the JSON document",
        ) from error
    except RecursionError as error:
        raise _too_deep(path, _place(text, depth=limits.json_depth), limits) from error
    _check_tree(value, text, path, limits, escapes=b"\\u" in data)
    return value


def _too_deep(path: str, place: str | None, limits: Limits) -> EvidenceError:
    return EvidenceError(
        f"the JSON nests deeper than {limits.json_depth} levels",
        path=path,
        place=place,
        remedy="flatten the document",
    )


def _place(
    text: str,
    *,
    literal: str | None = None,
    duplicate: str | None = None,
    wrong: Callable[[str], object] | None = None,
    depth: int | None = None,
) -> str | None:
    """Line and column of the first token of the kind asked for; read only once something was refused.

    The hooks of the ``json`` module do not say where they are. Text before the token is known to be JSON.
    """
    keys: list[set[str]] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        # a number or word that runs on into something else was read up to there
        hit = literal is not None and token.startswith(literal)
        if token in ("{", "["):
            keys.append(set())
            hit = depth is not None and len(keys) > depth
        elif token in ("}", "]"):
            keys.pop()
        elif token.startswith('"'):
            value = json.loads(token)
            hit = wrong is not None and bool(wrong(value))
            if value == duplicate and text[match.end() :].lstrip()[:1] == ":":
                hit = value in keys[-1]
                keys[-1].add(value)
        if hit:
            return line_and_column(text, match.start())
    return None


def line_and_column(text: str, offset: int) -> str:
    """The place of a character as errors name it: ``line 3, column 7``."""
    return f"line {text.count(chr(10), 0, offset) + 1}, column {offset - text.rfind(chr(10), 0, offset)}"


def decimal(digits: str, limits: Limits) -> Decimal | None:
    """The number as it is written; None where it is infinite, no number, too long or too large."""
    value = None
    if len(digits) <= _NUMBER_CHARS:
        with contextlib.suppress(InvalidOperation):  # an exponent that no Decimal can have
            value = Decimal(digits)
    exponent = None if value is None else value.as_tuple().exponent
    return value if isinstance(exponent, int) and abs(exponent) <= limits.decimal_exponent else None


def _check_tree(value: Any, text: str, path: str, limits: Limits, *, escapes: bool) -> None:
    """Check depth and number of values, and what escapes made: the text as such has no lone surrogate."""
    stack: list[tuple[Any, int]] = [(value, 1)]
    seen = 0
    while stack:
        item, depth = stack.pop()
        seen += 1
        if isinstance(item, (dict, list)):
            if depth > limits.json_depth:
                raise _too_deep(path, _place(text, depth=limits.json_depth), limits)
            children = item.values() if isinstance(item, dict) else item
            stack.extend((child, depth + 1) for child in children)
        if escapes:
            strings = item if isinstance(item, dict) else [item] if isinstance(item, str) else ()
            if any(map(SURROGATE.search, strings)):
                raise EvidenceError(
                    f"a {'key' if isinstance(item, dict) else 'string'} has a lone surrogate",
                    path=path,
                    place=_place(text, wrong=SURROGATE.search),
                    remedy="correct the escape",
                )
    if seen > limits.json_items:
        raise EvidenceError(
            f"the document has more than {limits.json_items} values", path=path, remedy="split the file"
        )


class CsvRow(Struct, frozen=True):
    """One data row: its line in the file and its cells by column name."""

    line: int
    cells: dict[str, str]


def parse_csv(data: bytes, path: str, header: Sequence[str] | None, limits: Limits) -> list[CsvRow]:
    """Comma-separated rows (RFC 4180) under a header that has no name twice, and at least the given names.

    Neither case nor order of the names counts. Where names are given, semicolons or tabs may stand for all
    commas. Blanks around cells are left out.

    Raises EvidenceError: another header or none, a wrong column count, a spreadsheet formula, an overlong
    cell, broken quoting, or too many rows or cells; with the line.
    """
    text = decode_text(data, path)

    def fail(what: str, line: int) -> NoReturn:
        raise EvidenceError(what, path=path, place=f"line {line}", remedy="correct the CSV file")

    first = text.partition("\n")[0]
    between = next((mark for mark in ";\t" if header and mark in first and "," not in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=between)
    rows: list[CsvRow] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        if not names:
            fail("the CSV file has no header", 1)
        if header is not None:
            names = [name.lower() if name.lower() in header else name for name in names]
            if not set(header).issubset(names):
                fail(f"the CSV header is {between.join(names)[:80]!r}, expected {','.join(header)!r}", 1)
        name, most = Counter(names).most_common(1)[0]
        if most > 1:
            fail(f"the CSV header has the column {name[:80]!r} twice", 1)
        if any(len(name) > limits.csv_cell_chars for name in names):
            fail(f"a CSV cell is longer than {limits.csv_cell_chars} characters", 1)
        for cells in reader:
            line = reader.line_num
            if len(cells) < 2 and not "".join(cells).strip():
                continue
            if len(cells) != len(names):
                fail(f"the CSV row has {len(cells)} columns, expected {len(names)}", line)
            cells = [cell.strip(" ") for cell in cells]
            for cell in cells:
                if len(cell) > limits.csv_cell_chars:
                    fail(f"a CSV cell is longer than {limits.csv_cell_chars} characters", line)
                if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} and not _NUMBER.fullmatch(cell):
                    fail(f"the CSV cell {cell[:24]!r} would be a spreadsheet formula", line)
            if len(rows) >= limits.csv_rows:
                fail(f"the CSV file has more than {limits.csv_rows} rows", line)
            if (len(rows) + 1) * len(names) > limits.json_items:
                fail(f"the CSV file has more than {limits.json_items} cells", line)
            rows.append(CsvRow(line, dict(zip(names, cells, strict=True))))
    except csv.Error as error:
        fail(f"malformed CSV: {error}", reader.line_num)
    return rows
