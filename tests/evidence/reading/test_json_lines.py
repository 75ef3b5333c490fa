"""The quick reader of records gives what the strict one gives, or leaves the decision to it."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.reading.json_lines import UNSURE, RecordReader


def reader(limits: Limits = DEFAULT) -> RecordReader:
    return RecordReader("m.jsonl", limits)


def same(quick: Any, strict: Any) -> bool:
    """Equal, where a float stands for the decimal of up to fifteen digits, or that it is written as."""
    if isinstance(quick, dict):
        return list(quick) == list(strict) and all(same(quick[key], strict[key]) for key in quick)
    if isinstance(quick, list):
        return len(quick) == len(strict) and all(map(same, quick, strict))
    if isinstance(quick, float):
        return isinstance(strict, Decimal) and Decimal(repr(quick)) == strict
    return type(quick) is type(strict) and bool(quick == strict)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": -3.25, "b": {"c": []}, "d": null, "e": [{"q": true}], "f": []}',
        b'{"a":"te xt e5","d":"' + "שלום".encode() + b'"}',
        b' { "a" : 1 ,\t"b" : [ 1.5 ] } \r',
        b'{"a": 0.1234567890123456, "b": 9007199254740991, "intent_id": "3e45"}',
        b'"e5"',
        b'{"ts_event": 1762500000123456789, "most": 18446744073709551615, "least": -9223372036854775808}',
    ],
)
def test_lines_that_orjson_writes_alike_are_read_quickly(line: bytes) -> None:
    value = reader().quick(line)
    assert value is not UNSURE and same(value, reader().strict(line, 1))


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "b": 2, "a": 3}',
        b'{"a": NaN, "b": 1}',
        b'{"a": Infinity, "b": 1}',
        b'{"a": 18446744073709551616, "b": 1}',
        b'{"a": 1e65, "b": 1}',
        b'{"a": 1e-65, "b": 1}',
        b'{"a": 1e400, "b": 1}',
        b'{"a": 0.99999999999999999, "b": 1}',
        b'{"a": 1.0000000000000000, "b": 1}',
        b'{"a": 01, "b": 1}',
        b'{"a": 1., "b": 1}',
        b'{"a": "\\ud800", "b": 1}',
        b'{"a": "\\u0022", "b": 1}',
        b'{"a": "\x1f", "b": 1}',
        b'{"a": "\\", "b": 1, "b": "\\"}',
        b'{"a": "\x00", "b": 1}',
        b'{"a": "\xff", "b": 1}',
        b'{"a": "\xed\xa0\x80", "b": 1}',
        b'{"a": 1, "b": 2} 3',
        b'{"a": 1, "b": 2}}',
        b'{"a": 1, "b": 2',
        b'\xef\xbb\xbf{"a": 1, "b": 2}',
        b'{"a": 5e-05}',
        b'{"a": 1.50}',
        b'{"a": -0}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a":1e5,"b":1,"b":10}',
        b'{"a": "left, 1e5, to the strict parser"}',
        b"[" * 65 + b"]" * 65,
        b"",
    ],
)
def test_whatever_else_there_is_is_left_to_the_strict_parser(line: bytes) -> None:
    assert reader().quick(line) is UNSURE


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=True)
    | st.sampled_from([0.1, 1e15, 1e16, 1e22, 5e-324, -0.0, 0.30000000000000004, 10**18, 10**18 - 1])
    | st.text(max_size=6)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "é", '"']), inner, max_size=3)
    ),
    max_leaves=10,
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A line as one writer or another writes it, perhaps damaged a little."""
    separators = draw(st.sampled_from([(", ", ": "), (",", ":"), (" ,", " : ")]))
    written = json.dumps(draw(values), separators=separators, ensure_ascii=draw(st.booleans()))
    damaged = bytearray(written.encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 2))):
        position = draw(st.integers(0, len(damaged)))
        damaged[position : position + draw(st.integers(0, 3))] = draw(
            st.sampled_from(
                [b"", b"0", b"9" * 12, b".", b"e5", b'"', b"\\", b"\x00", b"\xc3", b'"a":', b"}", b" "]
            )
        )
    return bytes(damaged)


@given(lines())
@example(b'{"a":1.0000000000000001}')
@example(b'{"a":1,"a":1}')
@example(b'{"a": "e5" , "a": "e5"}')
def test_quick_is_strict_or_unsure(line: bytes) -> None:
    value = reader().quick(line)
    if value is not UNSURE:
        assert same(value, reader().strict(line, 1))


@given(st.floats(allow_nan=False, allow_infinity=False), st.decimals(-100, 100, places=4))
def test_floats_that_pass_compare_like_the_exact_figures(figure: float, bound: Decimal) -> None:
    made = reader()
    for literal in (repr(figure), str(bound), f"{figure:.12f}"):
        value = made.quick(f'{{"a": {literal}}}'.encode())
        if value is UNSURE:
            continue
        exact, number = Decimal(literal), value["a"]
        assert (exact > bound, exact == bound) == (number > float(bound), number == float(bound))
        assert math.isfinite(number)


@pytest.mark.parametrize(
    ("line", "what", "place"),
    [
        (b"", "the line is blank", "line 7"),
        (b" \r", "the line is blank", "line 7"),
        (b"\xef\xbb\xbf{}", "byte order mark", "line 7"),
        (b'{"a": 1} {"a": 2}', "malformed JSON: Extra data", "line 7, column 10"),
        (b'{"a": 1, "a": 2}', "the key 'a' twice", "line 7, column 10"),
        (b'{"a": NaN}', "NaN is not a JSON number", "line 7, column 7"),
        (b'{"a": "\\ud800"}', "lone surrogate", "line 7, column 7"),
        (b'{"a": ' + b"9" * 41 + b"}", "more than 40 digits", "line 7, column 7"),
        (b'{"a": 1e99}', "outside the supported range", "line 7, column 7"),
        (b"[" * 65 + b"]" * 65, "deeper than 64", "line 7, column 65"),
        (b"[" * 5000, "deeper than 64", "line 7, column 65"),
        (b'"\xff"', "not UTF-8", "line 7"),
        (b'"\x00"', "NUL", "line 7"),
    ],
)
def test_a_line_that_is_no_document_is_named(line: bytes, what: str, place: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        reader().strict(line, 7)
    assert what in caught.value.what
    assert (caught.value.path, caught.value.place) == ("m.jsonl", place)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "tight", [Limits(integer_digits=15), Limits(decimal_exponent=31), Limits(json_items=9)]
)
def test_tight_limits_leave_everything_to_the_strict_parser(tight: Limits) -> None:
    assert reader(tight).quick(b"[1]") is UNSURE
    with pytest.raises(EvidenceError):
        reader(tight).strict(b"[1234567890123456, 1e-32, 3, 4, 5, 6, 7, 8, 9, 10]", 1)
