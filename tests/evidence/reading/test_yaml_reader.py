"""The YAML reader, against the core schema and against hostile input."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError, EvidenceError
from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.reading.yaml_reader import parse_yaml


@pytest.fixture(params=["libyaml", "pure Python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs over both of PyYAML's parsers."""
    if request.param == "pure Python":
        monkeypatch.delattr(yaml, "CSafeLoader")
    else:
        assert yaml.__with_libyaml__


def read(text: str | bytes, limits: Limits = DEFAULT) -> Any:
    """The value of a YAML text."""
    return parse_yaml(text if isinstance(text, bytes) else text.encode(), "a.yaml", limits)


def refused(text: str | bytes, limits: Limits = DEFAULT) -> EvidenceError:
    """The error about a YAML text, which names the file and a remedy on one line each."""
    with pytest.raises(EvidenceError) as caught:
        read(text, limits)
    assert caught.value.path == "a.yaml"
    assert caught.value.remedy
    assert len(caught.value.diagnostics().splitlines()) in (2, 3)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, None) for text in ("", "~", "null", "Null", "NULL", "---", "# only a comment")],
        *[(text, True) for text in ("true", "True", "TRUE")],
        *[(text, False) for text in ("false", "False", "FALSE")],
        *[(text, text) for text in ("no", "No", "yes", "on", "off", "y", "n", "nUll", "tRUE")],
        *[(text, text) for text in ("2025-11-07", "12:00:00Z", "1:30", "1_000", "0b11", "=", "1.2.3")],
        ("0o8", "0o8"), ("-0x1", "-0x1"),
        ("0", 0), ("-17", -17), ("+17", 17), ("017", 17), ("0o17", 15), ("0x1F", 31),
        ("1.5", Decimal("1.5")), ("-.5", Decimal("-0.5")), ("1.", Decimal(1)), ("1e3", Decimal(1000)),
        ("+1.25E-2", Decimal("0.0125")),
        ("'1'", "1"),
        ('"true"', "true"), ("'~'", "~"), ('""', ""), ("|\n  1\n", "1\n"), (">\n  no\n", "no\n"),
        ('"\\x41\\u05e9"', "Aש"), ("<<", "<<"),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema(text: str, value: Any) -> None:
    """Plain scalars get the type of the YAML 1.2 core schema; quoted ones are strings."""
    got = read(text)
    assert (type(got), got) == (type(value), value)


KEYS = st.text(st.characters(codec="ascii", categories=("Ll",)), min_size=1, max_size=6)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(VALUES, st.sampled_from([None, True, False]))
def test_what_pyyaml_writes_is_read_back(value: Any, flow: bool | None) -> None:
    """Documents of PyYAML's safe writer, in block and flow style, come back as they were."""

    class Writer(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    assert read(yaml.dump(value, Dumper=Writer, default_flow_style=flow)) == value


@given(st.binary(max_size=30) | st.text("{}[]:,-? !&*|>'\"#%@`~\n\tab01.eE", max_size=30).map(str.encode))
def test_nothing_but_evidence_errors(data: bytes) -> None:
    """Any bytes are either a value or an EvidenceError with the file's name."""
    try:
        read(data)
    except EvidenceError as error:
        assert error.path == "a.yaml"
        assert error.remedy


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("a: &x 1", "anchors and aliases", "line 1, column 4"),
        ("a: 1\nb: *x", "anchors and aliases", "line 2, column 4"),
        ("a: &x {b: 1}", "anchors and aliases", "line 1, column 4"),
        ("<<: *base", "anchors and aliases", "line 1, column 5"),
        (
            "a: !!python/object/apply:os.system [id]",
            "the YAML tag 'tag:yaml.org,2002:python/object/apply",
            "line 1, column 4",
        ),
        ("!!str 1", "the YAML tag 'tag:yaml.org,2002:str' is not accepted", "line 1, column 1"),
        ("a: ! b", "the YAML tag '!' is not accepted", "line 1, column 4"),
        ("a: !x {}", "the YAML tag '!x' is not accepted", "line 1, column 4"),
        ("a: 1\n---\nb: 2", "more than one document", "line 2, column 1"),
        ("a: 1\nb: 2\na: 3", "has the key 'a' twice", "line 3, column 1"),
        ("1: a\n'1': b", "has the key '1' twice", "line 2, column 1"),
        ("? [a]\n: 1", "a YAML key must be a plain string", "line 1, column 3"),
        ("? {a: 1}\n: 1", "a YAML key must be a plain string", "line 1, column 3"),
        ("{[1, 2]: 3}", "a YAML key must be a plain string", "line 1, column 2"),
        ("true: 1", "a YAML key must be a plain string", "line 1, column 1"),
        ("~: 1", "a YAML key must be a plain string", "line 1, column 1"),
        ("1.5: 1", "a YAML key must be a plain string", "line 1, column 1"),
        (".inf", ".inf is not a number", "line 1, column 1"),
        ("a: -.INF", "-.INF is not a number", "line 1, column 4"),
        ("a: .NaN", ".NaN is not a number", "line 1, column 4"),
        (f"a: {'9' * 41}", "has more than 40 digits", "line 1, column 4"),
        (f"a: 0x{'1' * 39}", "has more than 40 digits", "line 1, column 4"),
        ("a: 1e65", "the number 1e65 is outside the supported range", "line 1, column 4"),
        ("a: 1e99999999999999999999", "is outside the supported range", "line 1, column 4"),
        ("a: 0." + "1" * 80, "is outside the supported range", "line 1, column 4"),
        ("a: \x01", "the control character U+0001", "line 1, column 4"),
        ("a: 1\nb: \x7f", "the control character U+007F", "line 2, column 4"),
        ("a: \ufffe", "the control character U+FFFE", "line 1, column 4"),
        ("[" * 100_000, "nests deeper than 64 levels", "line 1, column 65"),
        ("- " * 100_000, "nests deeper than 64 levels", "line 1, column 129"),
        ("{a: " * 65, "nests deeper than 64 levels", "line 1, column 257"),
        (b"a: caf\xe9", "not UTF-8", "line 1"),
        (b"a: \x00", "NUL", "line 1"),
    ],
)
def test_hostile_documents_are_refused_by_name(text: str | bytes, what: str, place: str) -> None:
    """Each refused construct is named, with its line and column."""
    error = refused(text)
    assert what in error.what
    assert error.place == place


@pytest.mark.parametrize(
    "text", ["a: [", "a: b: c", "- @x", "\ta: 1", "a: 'x", 'a: "\\q"', 'a: "\\ud800"', "a: 1\n b: 2", "%FOO"]
)
def test_malformed_documents_name_line_and_column(text: str) -> None:
    """What does not parse is refused with a line and a column."""
    error = refused(text)
    assert error.what.startswith("malformed YAML: ")
    assert error.place is not None
    assert error.place.startswith("line ")


def test_an_escape_beyond_unicode_is_refused() -> None:
    """An escape that names no character is an evidence error under both parsers."""
    assert "malformed YAML" in refused('a: "\\UFFFFFFFF"').what


def test_utf16_is_refused() -> None:
    """UTF-16, which YAML itself would allow, is not accepted here."""
    assert "UTF-16" in refused("a: 1".encode("utf-16")).what


def test_sizes_are_limited() -> None:
    """Bytes and values beyond the limits are refused."""
    assert "larger than 3 bytes" in refused("a: 1", Limits(text_bytes=3)).what
    error = refused("[1, 2, 3]", Limits(json_items=4))
    assert error.what == "the YAML has more than 4 values"


def test_a_byte_order_mark_is_dropped() -> None:
    """A UTF-8 byte order mark is not part of the first key."""
    assert read(b"\xef\xbb\xbfa: 1") == {"a": 1}


def test_the_caller_chooses_whose_fault_it_is() -> None:
    """A configuration file's errors are configuration errors, encoding errors included."""
    for text in (b"a: [", b"\xff", b"a: *x"):
        with pytest.raises(ConfigError) as caught:
            parse_yaml(text, "gate.yaml", DEFAULT, error_type=ConfigError)
        assert caught.value.path == "gate.yaml"
