"""The strict parsers, against the standard library and against hostile input."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.reading.parse import decode_text, parse_csv, parse_json, refuse_garbled

INTEGERS = st.integers(-(10**18) + 1, 10**18 - 1)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def refused(parse: Callable[..., Any], *arguments: Any) -> EvidenceError:
    """The error a parser raises; every one names the file and says what to do."""
    with pytest.raises(EvidenceError) as caught:
        parse(*arguments)
    assert caught.value.path is not None
    assert caught.value.remedy
    assert len(caught.value.diagnostics().splitlines()) in (2, 3)
    return caught.value


# --- text ------------------------------------------------------------------------------------------------


@given(st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=60))
def test_decode_text_keeps_ascii(text: str) -> None:
    """ASCII text comes back as it is."""
    assert decode_text(text.encode(), "a.txt") == text
    refuse_garbled(text, "a.txt")


def test_decode_text_drops_a_byte_order_mark() -> None:
    """A UTF-8 byte order mark is not part of the text."""
    assert decode_text(b"\xef\xbb\xbfhello", "a.txt") == "hello"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_decode_text_refuses_utf16(encoding: str) -> None:
    """UTF-16 is refused, with or without its byte order mark."""
    error = refused(decode_text, "total: 5\n".encode(encoding), "a.txt")
    assert "UTF-16" in error.what or "NUL" in error.what


def test_decode_text_names_the_line_of_a_foreign_byte() -> None:
    """Latin-1 text is refused with the line of the first byte that is not UTF-8."""
    error = refused(decode_text, b"one\ntwo\ncaf\xe9\n", "a.txt")
    assert error.what == "the file is not UTF-8 (byte 0xe9)"
    assert error.place == "line 3"
    assert error.remedy == "save it as UTF-8"


def test_decode_text_names_the_line_of_a_nul() -> None:
    """A NUL character is refused with its line."""
    error = refused(decode_text, b"one\n\0", "a.txt")
    assert "NUL" in error.what
    assert error.place == "line 2"


@pytest.mark.parametrize(
    "text",
    [
        "×ª×××¨×™×š",  # a date's heading, as it stands in a copy that somebody pasted
        "×ª××¨×™×š 2025",
        "×ª××¨×™×š → 2025",  # the arrow was added later, and is in no single-byte code page
        "| ×¡×™×›×•×Ÿ | ✔ |",
        "Ð´Ð°Ñ‚Ð° ✔",
        "ØªØ§Ø±ÙŠØ® — ✔",
    ],
)
def test_a_garbled_document_is_named(text: str) -> None:
    """Control characters lost on the way, or real text beside it in one line, do not hide mojibake."""
    error = refused(refuse_garbled, f"fine\n\n{text}\n", "plan.md")
    assert "mojibake" in error.what
    assert error.place == "line 3"


@given(st.sampled_from(["תאריך", "תוכנית המסחר"]), st.sampled_from(["cp1252", "latin-1"]))
def test_hebrew_mojibake_without_its_control_characters_is_named(original: str, page: str) -> None:
    """As an editor leaves it that throws control characters away."""
    broken = "".join(
        bytes([byte]).decode(page) if _defined(byte, page) else chr(byte) for byte in original.encode()
    )
    lossy = "".join(char for char in broken if not "\x80" <= char < "\xa0")
    assert "mojibake" in refused(refuse_garbled, f"# {lossy} ✔\n", "plan.md").what


def _defined(byte: int, page: str) -> bool:
    try:
        bytes([byte]).decode(page)
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        "תוכנית מסחר",
        "Procédure validée à Genève",
        "50 µs ± 2 µs",
        "→ ≥ ✔",
        "日本語",
        "Ærøskøbing",
        "naïve — “quoted”",
        "3 × 4 × 5 ™",
        "“×××” and “× × ×”…",
        "×\xa0×\xa0×",
        "ÑOÑO… ÎLE ÙØ Œ",
        "😀",
    ],
)
def test_decode_text_accepts_real_text(text: str) -> None:
    """Genuine text in several scripts is not mistaken for mojibake."""
    assert decode_text(text.encode(), "a.txt") == text
    refuse_garbled(text, "a.txt")


# --- JSON ------------------------------------------------------------------------------------------------


@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_parse_json_agrees_with_the_standard_library(value: Any, ascii_: bool, indent: Any) -> None:
    """What ``json.dumps`` writes, in any layout, is read back as the same value."""
    text = json.dumps(value, ensure_ascii=ascii_, indent=indent)
    try:
        read = parse_json(text.encode(), "a.json", DEFAULT)
    except EvidenceError as error:
        assert "NUL" in error.what
        return
    assert read == value == json.loads(text)


@pytest.mark.parametrize(
    ("document", "what", "place"),
    [
        ("[NaNn]", "NaN is not", "line 1, column 2"),
        (f"[1,\n{'9' * 41}x]", "more than 40 digits", "line 2, column 1"),
        ("[1e999x]]", "outside the supported range", "line 1, column 2"),
        ("-Infinity]", "-Infinity is not", "line 1, column 1"),
    ],
)
def test_parse_json_refuses_what_runs_on(document: str, what: str, place: str) -> None:
    """A number that is refused may be followed by something that is no JSON at all."""
    error = refused(parse_json, document.encode(), "a.json", DEFAULT)
    assert what in error.what
    assert error.place == place


def test_parse_json_places_the_key_that_it_names() -> None:
    """Of several keys that are twice there, the message and the place are about the same one."""
    error = refused(parse_json, b'{"a": 1, "a": 2,\n"b": {"c": 1, "c": 2}}', "a.json", DEFAULT)
    assert "'c'" in error.what
    assert error.place == "line 2, column 15"


@given(DECIMALS)
def test_parse_json_keeps_decimals_exact(value: Decimal) -> None:
    """A number with a decimal point becomes exactly that decimal, never a float."""
    read = parse_json(f'{{"x": {value:f}}}'.encode(), "a.json", DEFAULT)["x"]
    assert isinstance(read, Decimal)
    assert read == value


@given(st.binary(max_size=40) | st.text('{}[]":,0123456789eE+-.\\u ntf', max_size=30).map(str.encode))
def test_parse_json_never_fails_otherwise(data: bytes) -> None:
    """Any bytes are either a value or an EvidenceError, and a value is what the standard library reads."""
    try:
        value = parse_json(data, "a.json", DEFAULT)
    except EvidenceError as error:
        assert error.path == "a.json"
        assert error.remedy
        return
    assert value == json.loads(data.decode("utf-8-sig"), parse_float=Decimal)


@pytest.mark.parametrize(
    ("data", "what", "place"),
    [
        (b"", "malformed JSON: Expecting value", "line 1, column 1"),
        (b'{"a": 1,\n "b": }', "malformed JSON: Expecting value", "line 2, column 7"),
        (b'{"a": 1} x', "malformed JSON: Extra data", "line 1, column 10"),
        (b"{'a': 1}", "malformed JSON: Expecting property name", "line 1, column 2"),
        (b'"a\x01"', "malformed JSON: Invalid control character", "line 1, column 3"),
        (b'{"a": 1,\n "a": 2}', "the JSON object has the key 'a' twice", "line 2, column 2"),
        (
            b'{"x": {"a": 1}, "y": {"a": 1,\n\n "b": 2, "\\u0061": 3}}',
            "has the key 'a' twice",
            "line 3, column 10",
        ),
        (b'[{"a": "a"},\n{"k": ["k"], "k": 2}]', "has the key 'k' twice", "line 2, column 14"),
        (b'{"a": NaN}', "NaN is not a JSON number", "line 1, column 7"),
        (b'["NaN",\n Infinity]', "Infinity is not a JSON number", "line 2, column 2"),
        (b"-Infinity", "-Infinity is not a JSON number", "line 1, column 1"),
        (b"[1,\n " + b"9" * 41 + b"]", "has more than 40 digits", "line 2, column 2"),
        (b'{"a":\n 1e99}', "the number 1e99 is outside the supported range", "line 2, column 2"),
        (b"1e-65", "the number 1e-65 is outside the supported range", "line 1, column 1"),
        (b"1e99999999999999999999", "is outside the supported range", "line 1, column 1"),
        (b"0." + b"1" * 63, "is outside the supported range", "line 1, column 1"),
        (b'["\\ud83d\\ude00",\n "\\ud800"]', "a string has a lone surrogate", "line 2, column 2"),
        (b'{"\\udc00": 1}', "a key has a lone surrogate", "line 1, column 2"),
        (b"[" * 65 + b"]" * 65, "the JSON nests deeper than 64 levels", "line 1, column 65"),
        (b"[" * 100_000, "the JSON nests deeper than 64 levels", "line 1, column 65"),
        (b'{"a":' * 100_000, "the JSON nests deeper than 64 levels", "line 1, column 321"),
    ],
)
def test_parse_json_refuses_hostile_documents(data: bytes, what: str, place: str) -> None:
    """Each kind of bad JSON is named, with its line and column."""
    error = refused(parse_json, data, "a.json", DEFAULT)
    assert what in error.what
    assert error.place == place


def test_parse_json_counts_values() -> None:
    """A document with more values than the limit is refused."""
    error = refused(parse_json, b"[1, 2, 3]", "a.json", Limits(json_items=3))
    assert "more than 3 values" in error.what


def test_parse_json_accepts_what_is_just_inside_the_limits() -> None:
    """64 levels, 40 digits and an exponent of 64 are still accepted."""
    assert parse_json(b"[" * 64 + b"]" * 64, "a.json", DEFAULT)
    assert parse_json(b"-999999999999999999", "a.json", DEFAULT) == -(10**18) + 1
    assert parse_json(b"1e64", "a.json", DEFAULT) == Decimal("1e64")
    assert parse_json(b'"\\ud83d\\ude00"', "a.json", DEFAULT) == "😀"
    assert parse_json(b'"\\\\ud800"', "a.json", DEFAULT) == "\\ud800"


# --- CSV -------------------------------------------------------------------------------------------------

HEADER = ("metric", "value")


@given(
    st.lists(
        st.tuples(
            *[
                st.text(
                    st.characters(codec="ascii", categories=("L", "N", "P", "Z"), exclude_characters="=+-@"),
                    max_size=8,
                )
            ]
            * 2
        ),
        max_size=6,
    )
)
def test_parse_csv_agrees_with_the_standard_library(rows: list[tuple[str, str]]) -> None:
    """Cells written by the csv module, quotes and commas included, are read back; blanks around are not."""
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, *rows])
    read = parse_csv(out.getvalue().encode(), "m.csv", HEADER, DEFAULT)
    assert [tuple(row.cells.values()) for row in read] == [(a.strip(" "), b.strip(" ")) for a, b in rows]


def test_parse_csv_gives_lines() -> None:
    """Each row knows its line; empty lines are passed over."""
    rows = parse_csv(b"metric,value\r\n\r\na,1\nb,-2.5e3\n", "m.csv", HEADER, DEFAULT)
    assert [(row.line, row.cells) for row in rows] == [
        (3, {"metric": "a", "value": "1"}),
        (4, {"metric": "b", "value": "-2.5e3"}),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"value,metric\n1,a\n", b"Metric,VALUE\na,1\n", b"metric;value\na;1\n", b"metric\tvalue\na\t1\n",
        b"metric,note,value\na,x,1\n", b" metric , value \n a , 1 \n \n",
    ],
)  # fmt: skip
def test_parse_csv_finds_the_columns_by_their_names(data: bytes) -> None:
    """Whatever their order, what stands between them, and what else there is."""
    (row,) = parse_csv(data, "m.csv", HEADER, DEFAULT)
    assert {name: row.cells[name] for name in HEADER} == {"metric": "a", "value": "1"}


@pytest.mark.parametrize(
    ("data", "what", "place"),
    [
        (b"", "the CSV file has no header", "line 1"),
        (b"value,metrics\n", "the CSV header is 'value,metrics', expected 'metric,value'", "line 1"),
        (b"metric;values\n", "the CSV header is 'metric;values'", "line 1"),
        (b"metric;value,unit\n", "the CSV header is 'metric;value,unit'", "line 1"),
        (b"metric,value\na,1\nb\n", "the CSV row has 1 columns, expected 2", "line 3"),
        (b"metric,value\na,1,2\n", "the CSV row has 3 columns, expected 2", "line 2"),
        (b'metric,value\na,"1\n', "malformed CSV", "line 2"),
        (b'metric,value\n"a"b,1\n', "malformed CSV", "line 2"),
        (b"metric,value\na,=1+1\n", "would be a spreadsheet formula", "line 2"),
        (b"metric,value\n@SUM(A1),1\n", "would be a spreadsheet formula", "line 2"),
        (b"metric,value\na,-1+cmd|' /C calc'!A0\n", "would be a spreadsheet formula", "line 2"),
        (b"metric,value\na,+x\n", "would be a spreadsheet formula", "line 2"),
        (b'metric,value\na,"\t=1"\n', "would be a spreadsheet formula", "line 2"),
        ("metric,value\na,-٣\n".encode(), "would be a spreadsheet formula", "line 2"),
        (b"metric,value\na,1\0\n", "NUL", "line 2"),
        (b"metric,value\na," + b"x" * 200_000 + b"\n", "malformed CSV: field larger", "line 2"),
        (b"metric,value\na," + b"x" * 40_000 + b"\n", "longer than 32768 characters", "line 2"),
    ],
)
def test_parse_csv_refuses_hostile_files(data: bytes, what: str, place: str) -> None:
    """Each kind of bad CSV is named, with its line."""
    error = refused(parse_csv, data, "m.csv", HEADER, DEFAULT)
    assert what in error.what
    assert error.place == place


def test_parse_csv_counts_rows() -> None:
    """A file with more rows than the limit is refused at the first row too many."""
    error = refused(parse_csv, b"metric,value\n" + b"a,1\n" * 3, "m.csv", HEADER, Limits(csv_rows=2))
    assert error.what == "the CSV file has more than 2 rows"
    assert error.place == "line 4"


def test_a_capital_letter_before_an_ellipsis_is_no_mojibake() -> None:
    """Bytes that happen to be valid UTF-8 too are left alone where the other reading is not plausible."""
    text = "Attention, CAF\u00c9\u2026"
    assert decode_text(text.encode(), "a.md") == text


def test_a_document_of_too_many_values_costs_no_memory() -> None:
    """It is refused before anything is made of it."""
    import tracemalloc

    data = b"[" + b"[]," * 3_000_000 + b"[]]"
    tracemalloc.start()
    try:
        assert "has more than" in refused(parse_json, data, "a.json", DEFAULT).what
        assert tracemalloc.get_traced_memory()[1] < 2 * len(data)
    finally:
        tracemalloc.stop()
