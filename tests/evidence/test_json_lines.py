"""The quick reader of records gives what the strict one gives, or leaves the decision to it."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate.evidence.errors import EvidenceError
from gate.evidence.json_lines import UNSURE, RecordReader
from gate.evidence.limits import DEFAULT, Limits


def reader(*learned: bytes, limits: Limits = DEFAULT) -> RecordReader:
    made = RecordReader("m.jsonl", limits)
    for line in learned:
        made.strict(line, 1)
    return made


def same(quick: Any, strict: Any) -> bool:
    """Equal, where a float stands for the decimal of up to fifteen digits, or that it is written as."""
    if isinstance(quick, dict):
        return list(quick) == list(strict) and all(same(quick[key], strict[key]) for key in quick)
    if isinstance(quick, list):
        return len(quick) == len(strict) and all(map(same, quick, strict))
    if isinstance(quick, float):
        return isinstance(strict, Decimal) and Decimal(repr(quick)) == strict
    return type(quick) is type(strict) and bool(quick == strict)


LINE = b'{"a": 1.5, "b": {"c": [1, 2]}, "d": null, "e": [{"q": 1}, {"q": 2}], "f": []}'


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        b'{"a": -3.25, "b": {"c": []}, "d": null, "e": [{"q": true}], "f": []}',
        b'{"a": "text", "b": {"c": [1, 2, 3, 4]}, "d": "' + "שלום".encode() + b'", "e": [], "f": []}',
        b'{"a": 0.1234567890123456, "b": {"c": [1]}, "d": 5e-05, "e": [], "f": []}',
        b'{"a": 999999999999999999, "b": {"c": [1]}, "d": -1.5e-07, "e": [], "f": []}',
    ],
)
def test_lines_like_one_that_was_accepted_are_read_quickly(line: bytes) -> None:
    made = reader(LINE)
    value = made.quick(line)
    assert value is not UNSURE and same(value, made.strict(line, 1))


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "b": 2, "a": 3}',
        b'{"b": 2, "a": 1}',
        b'{"a": NaN, "b": 1}',
        b'{"a": Infinity, "b": 1}',
        b'{"a": 1234567890123456789, "b": 1}',
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
        b'{"a" : 1, "b": 2}',
        b'{"a": {"a": 1}, "b": 2}',
        b"",
    ],
)
def test_whatever_else_there_is_is_left_to_the_strict_parser(line: bytes) -> None:
    assert reader(b'{"a": 1, "b": 2}').quick(line) is UNSURE
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
def lines(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Two lines from one writer, the second perhaps damaged a little."""
    first = draw(values)
    second = draw(st.just(first) | values)
    separators = draw(st.sampled_from([(", ", ": "), (",", ":"), (" ,", " : ")]))
    ascii_only = draw(st.booleans())

    def text(value: Any) -> bytes:
        written = json.dumps(value, separators=separators, ensure_ascii=ascii_only)
        return written.encode("utf-8", "surrogatepass")

    damaged = bytearray(text(second))
    for _ in range(draw(st.integers(0, 2))):
        position = draw(st.integers(0, len(damaged)))
        damaged[position : position + draw(st.integers(0, 3))] = draw(
            st.sampled_from(
                [b"", b"0", b"9" * 12, b".", b"e5", b'"', b"\\", b"\x00", b"\xc3", b'"a":', b"}", b" "]
            )
        )
    return text(first), bytes(damaged)


@given(lines())
@example((b'{"a":1}', b'{"a":1.0000000000000001}'))
@example((b"[[1],[2]]", b"[[1,1],[2],[3]]"))
def test_quick_is_strict_or_unsure(pair: tuple[bytes, bytes]) -> None:
    learned, line = pair
    made = RecordReader("m.jsonl", DEFAULT)
    for one in (learned, line):
        try:
            made.strict(one, 1)
        except EvidenceError:
            continue
    value = made.quick(line)
    if value is UNSURE:
        return
    assert same(value, RecordReader("m.jsonl", DEFAULT).strict(line, 1))


@given(st.floats(allow_nan=False, allow_infinity=False), st.decimals(-100, 100, places=4))
def test_floats_that_pass_compare_like_the_exact_figures(figure: float, bound: Decimal) -> None:
    made = reader(b'{"a": 1}')
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
        (b'{"a": 1234567890123456789}', "more than 18 digits", "line 7, column 7"),
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


def test_where_less_is_allowed_than_a_layout_lets_through_everything_is_read_strictly() -> None:
    tight = Limits(integer_digits=5)
    assert reader(b"[1]", limits=tight).quick(b"[1]") is UNSURE
    with pytest.raises(EvidenceError, match="more than 5 digits"):
        reader(limits=tight).strict(b"[123456]", 1)


def test_only_so_many_layouts_are_learned_and_all_lines_are_still_read() -> None:
    made = reader(*(b'{"k%d": 1}' % number for number in range(40)))
    assert made.quick(b'{"k3": 9}') == {"k3": 9}
    assert made.quick(b'{"k39": 9}') is UNSURE
    assert made.strict(b'{"k39": 9}', 1) == {"k39": 9}
    assert reader(b'"' + b"x" * 9000 + b'"').quick(b'"x"') is UNSURE
