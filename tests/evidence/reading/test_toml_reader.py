"""TOML is read as the standard library reads it, in bounded time, with decimals kept exact."""

from __future__ import annotations

import inspect
import sys
import time
import tomllib
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.reading.toml_reader import parse_toml

DOCUMENT = b"""
title = "limits"        # "not a string
ratio = 0.30
big = 1_000.50
count = 0xff
"""


def read(text: str | bytes, limits: Limits = DEFAULT) -> Any:
    return parse_toml(text.encode() if isinstance(text, str) else text, "a.toml", limits)


def test_values_are_exact() -> None:
    assert read(DOCUMENT) == {
        "title": "limits",
        "ratio": Decimal("0.30"),
        "big": Decimal("1000.50"),
        "count": 255,
    }
    assert str(read("a = 0.10")["a"]) == "0.10"


def test_dates_and_times_are_text() -> None:
    document = """
    utc = 1979-05-27T07:32:00Z
    offset = 1979-05-27 00:32:00.999-07:00
    zero = 1979-05-27T07:32:00+00:00
    local = 1979-05-27T07:32:00
    day = 1979-05-27
    hour = 07:32:00
    list = [1979-05-27, {at = 07:32:00}]
    """
    assert read(document) == {
        "utc": "1979-05-27T07:32:00Z",
        "offset": "1979-05-27T00:32:00.999000-07:00",
        "zero": "1979-05-27T07:32:00Z",
        "local": "1979-05-27T07:32:00",
        "day": "1979-05-27",
        "hour": "07:32:00",
        "list": ["1979-05-27", {"at": "07:32:00"}],
    }


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    assert read(b"\xef\xbb\xbfa = 1\r\nb = '''x\r\ny'''\r\n") == {"a": 1, "b": "x\ny"}


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("a = 1\nb = ", "Invalid value at the end", None),
        ("a = 1\nb = ?\n", "Invalid value", "line 2, column 5"),
        ("a = 1\na = 2\n", "Cannot overwrite a value", "line 2, column 6"),
        ("[t]\n[t]\n", "Cannot declare ('t',) twice", "line 2, column 3"),
        ("a = 2025-02-30\n", "Invalid date", "line 1, column 5"),
        ("a = 1\nb = [nan]", "nan is not a number", "line 2, column 6"),
        ("b = -inf", "-inf is not a number", "line 1, column 5"),
        ("b = 1.5e66", "outside the supported range", "line 1, column 5"),
        ("b = 1e99999999999999999999", "outside the supported range", "line 1, column 5"),
        (f"b = 0.{'1' * 70}", "outside the supported range", "line 1, column 5"),
        (f"\nb = {'9' * 41}", "more than 40 digits", "line 2, column 5"),
        (f"b = 0x{'f' * 5000}", "more than 40 digits", "line 1, column 5"),
        (f"b = {'9' * 5000}", "malformed TOML", None),
        ('b = "\\ud800"', "not a Unicode scalar", "line 1, column 12"),
        ("b = '\x01'", "Found invalid character", "line 1, column 6"),
        ("b = '\x00'", "NUL", "line 1"),
        (b"b = '\xff'", "not UTF-8", "line 1"),
        (b"\xff\xfeb\x00", "UTF-16", None),
        ("b = '''x", "Expected \"'''\" at the end", None),
        ("a = 1\rb = 2", "malformed TOML", "line 1, column 6"),
    ],
)
def test_bad_documents_are_refused_with_the_place(text: str | bytes, said: str, place: str | None) -> None:
    with pytest.raises(EvidenceError) as caught:
        read(text)
    assert said in caught.value.what
    assert caught.value.path == "a.toml"
    assert caught.value.place == place
    assert caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 65 + "]" * 65,
        "a = " + "{b = " * 65 + "1" + "}" * 65,
        "a" + ".a" * 65 + " = 1",
        "a" + " . 'b'" * 65 + " = 1",
        "[" + "a." * 65 + "a]",
        "[" + "a." * 40 + "a]\n" + "b." * 40 + "b = 1",  # each is short, both together are deep
        "a = " + "[" * 100_000,
        "a" + ".a" * 400_000 + " = 1",
    ],
)
def test_deep_documents_are_refused_at_once(text: str) -> None:
    with pytest.raises(EvidenceError, match="nests deeper than 64"):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        'a = "' + "x.y.[[{{" * 60 + '"',
        "a = '''\n" + "[[{{.'' \n" * 60 + "'''",
        'a = """' + '\\"[{.""x' * 60 + '"""""',
        "a = 1 # " + "[" * 100,
        "'" + "[." * 70 + "' = 1",
    ],
)
def test_brackets_and_dots_in_text_are_no_depth(text: str) -> None:
    assert read(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        'a = """' + '\\"""' * 200_000,
        'a = """' + '""x' * 300_000 + '"""',
        "a = '''" + "''x" * 300_000,
        "x='" * 300_000,
        "a = {" + ",".join(f"b{number}=1" for number in range(60_000)) + "}",
        "[[a]]\n" * 100_000,
        "".join(f"[a.b{number}]\n" for number in range(60_000)),
    ],
)
@pytest.mark.soak
def test_large_documents_take_less_than_a_minute(text: str) -> None:
    begin = time.process_time()
    try:
        read(text)
    except EvidenceError as error:
        assert "malformed TOML" in error.what
    assert time.process_time() - begin < 60


def test_a_nearly_exhausted_stack_is_no_crash() -> None:
    text = "a = " + "[" * 60 + "]" * 60
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 70)
    try:
        with pytest.raises(EvidenceError, match="nests deeper"):
            read(text)
    finally:
        sys.setrecursionlimit(before)
    assert read(text)


def test_limits_on_size() -> None:
    with pytest.raises(EvidenceError, match="larger than 10 bytes"):
        read("a = 'xxxxxxxx'", Limits(text_bytes=10))
    with pytest.raises(EvidenceError, match="more than 3 values"):
        read("a = [1, 2, 3]", Limits(json_items=3))


PIECES = st.sampled_from(
    [
        "a", "b", ".", "=", " ", "\n", "[", "]", "[[", "]]", "{", "}", ",", '"', "'", '"""', "'''", "\\",
        "#", "1", "0.5", "1e3", "nan", "true", "1979-05-27", "07:32:00", "T", "Z", "é", "\u05ea", "\t",
        "\r\n", "_", "0x1",
        "a = 1\n", "b = [1, 2]\n", "[t]\n", "[[u]]\n", "c = {d = 'x'}\n", 'e = "\\u05ea"\n',
    ]
)  # fmt: skip


def expected(value: Any) -> Any:
    """What the standard library read, with dates as text."""
    match value:
        case dict():
            return {key: expected(item) for key, item in value.items()}
        case list():
            return [expected(item) for item in value]
        case datetime() if value.tzinfo and not value.utcoffset():
            return value.isoformat()[:-6] + "Z"
        case date() | clock():
            return value.isoformat()
    return value


@given(st.lists(PIECES, max_size=14).map("".join))
@example("a.b = 1\na.c = 2\n[a]\n")
def test_the_standard_library_reads_the_same(text: str) -> None:
    try:
        oracle = tomllib.loads(text, parse_float=Decimal)
    except ValueError:
        with pytest.raises(EvidenceError):
            read(text)
        return
    try:
        assert read(text) == expected(oracle)
    except EvidenceError as error:
        assert "not a number" in error.what


@given(st.binary(max_size=60))
def test_any_bytes_give_a_document_or_an_evidence_error(data: bytes) -> None:
    try:
        assert isinstance(read(data), dict)
    except EvidenceError as error:
        assert error.remedy
