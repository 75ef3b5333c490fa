"""YAML as configuration needs it: one reading, no surprises.

Built on PyYAML's event parser (libyaml where it is there). Refused by name: aliases and anchors, tags,
several documents, duplicate keys, complex keys, too much depth. Plain scalars follow the YAML 1.2 core schema
(https://yaml.org/spec/1.2.2/#103-core-schema): ``no``, ``on`` and dates stay strings; decimals become
:class:`decimal.Decimal`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NoReturn

from msgspec import Struct, field

from ..base.errors import EvidenceError, GateError
from ..base.limits import Limits
from .parse import SURROGATE, decimal, decode_text, line_and_column

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NO_NUMBER = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

_QUOTED = {"'", '"', "|", ">"}  # a plain scalar has the style None or '', depending on the parser


class _Frame(Struct):
    """A mapping or sequence under construction."""

    container: dict[str, Any] | list[Any]
    key: str | None = field(default=None)


def parse_yaml(data: bytes, path: str, limits: Limits, *, error_type: type[GateError] = EvidenceError) -> Any:
    """The one document in ``data`` as dicts, lists, strings, ints, Decimals, booleans and None.

    Raises error_type: malformed or refused YAML, with line and column.
    """
    import yaml

    if len(data) > limits.text_bytes:
        raise error_type(f"the YAML is larger than {limits.text_bytes} bytes", path=path, remedy="split it")
    try:
        text = decode_text(data, path)
    except EvidenceError as error:
        raise error_type(error.what, path=path, place=error.place, remedy=error.remedy) from error

    def fail(what: str, mark: Any) -> NoReturn:
        raise error_type(
            what,
            path=path,
            place=f"line {mark.line + 1}, column {mark.column + 1}",
            remedy="correct the YAML",
        )

    if (unprintable := _UNPRINTABLE.search(text)) is not None:
        raise error_type(
            f"the YAML has the control character U+{ord(unprintable[0]):04X}",
            path=path,
            place=line_and_column(text, unprintable.start()),
            remedy="remove it, or write it as an escape in double quotes",
        )

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    scalars, starts = yaml.ScalarEvent, (yaml.MappingStartEvent, yaml.SequenceStartEvent)
    ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
    stack: list[_Frame] = []
    documents: list[Any] = []
    seen = 0

    def add(value: Any, mark: Any) -> None:
        if not stack:
            documents.append(value)
            return
        frame = stack[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
        elif frame.key is None:
            if not isinstance(value, (str, int)) or isinstance(value, bool):
                fail("a YAML key must be a plain string", mark)
            key = str(value)
            if key in frame.container:
                fail(f"the YAML mapping has the key {key[:80]!r} twice", mark)
            frame.key = key
        else:
            frame.container[frame.key] = value
            frame.key = None

    try:
        events: Iterable[Any] = yaml.parse(text, Loader=loader)
        for event in events:
            mark = event.start_mark
            seen += 1
            if seen > limits.json_items:
                fail(f"the YAML has more than {limits.json_items} values", mark)
            kind = type(event)
            if kind in ends:
                add(stack.pop().container, mark)
                continue
            if kind is yaml.DocumentStartEvent and documents:
                fail("the YAML file holds more than one document", mark)
            if kind is not scalars and kind not in starts and kind is not yaml.AliasEvent:
                continue
            if event.anchor is not None:
                fail("YAML anchors and aliases are not accepted", mark)
            if event.tag is not None:
                fail(f"the YAML tag {event.tag[:40]!r} is not accepted", mark)
            if kind is scalars:
                if not event.value.isascii() and SURROGATE.search(event.value):
                    fail("malformed YAML: a string has a lone surrogate", mark)
                scalar = event.value if event.style in _QUOTED else _plain(event.value, limits, fail, mark)
                add(scalar, mark)
            else:
                if len(stack) >= limits.json_depth:
                    fail(f"the YAML nests deeper than {limits.json_depth} levels", mark)
                if stack and isinstance(stack[-1].container, dict) and stack[-1].key is None:
                    fail("a YAML key must be a plain string", mark)
                stack.append(_Frame({} if kind is yaml.MappingStartEvent else []))
    except yaml.YAMLError as error:
        marked = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        what = f"malformed YAML: {getattr(error, 'problem', None) or error}"
        if marked is not None:
            fail(what, marked)
        raise error_type(what, path=path, remedy="correct the YAML") from error
    except (ValueError, OverflowError) as error:  # the pure-Python parser, of an escape beyond Unicode
        raise error_type(
            "malformed YAML: an escape names no Unicode character", path=path, remedy="correct the escape"
        ) from error
    return documents[0] if documents else None


def _plain(text: str, limits: Limits, fail: Any, mark: Any) -> Any:
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    whole = _INT.fullmatch(text)
    if whole or _OCTAL_HEX.fullmatch(text):
        if len(text.lstrip("+-")) > limits.integer_digits:
            fail(f"the number {text[:24]}… has more than {limits.integer_digits} digits", mark)
        return int(text, 10 if whole else 0)
    if _NO_NUMBER.fullmatch(text):
        fail(f"{text} is not a number that evidence may have", mark)
    if _FLOAT.fullmatch(text):
        value = decimal(text, limits)
        if value is None:
            fail(f"the number {text[:24]} is outside the supported range", mark)
        return value
    return text
