"""YAML as configuration needs it: one reading, no surprises.

Built on PyYAML's event parser (libyaml where it is there). Refused by name: aliases and anchors, tags,
several documents, duplicate keys, complex keys, too much depth. Plain scalars follow the YAML 1.2 core schema
(https://yaml.org/spec/1.2.2/#103-core-schema): ``no``, ``on`` and dates stay strings; decimals become
:class:`decimal.Decimal`.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

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


def parse_yaml(data: bytes, path: str, limits: Limits, *, error_type: type[GateError] = EvidenceError) -> Any:
    """The one document in ``data`` as dicts, lists, strings, ints, Decimals, booleans and None.

    Raises error_type: malformed or refused YAML, with line and column.
    """
    try:
        return _parse(data, path, limits)
    except EvidenceError as error:
        raise error_type(error.what, path=path, place=error.place, remedy=error.remedy) from error


def _parse(data: bytes, path: str, limits: Limits) -> Any:
    import yaml

    if len(data) > limits.text_bytes:
        raise EvidenceError(
            f"the YAML is larger than {limits.text_bytes} bytes", path=path, remedy="split it"
        )
    text = decode_text(data, path)
    if (unprintable := _UNPRINTABLE.search(text)) is not None:
        raise EvidenceError(
            f"the YAML has the control character U+{ord(unprintable[0]):04X}",
            path=path,
            place=line_and_column(text, unprintable.start()),
            remedy="remove it, or write it as an escape in double quotes",
        )
    try:
        return _Reader(text, path, limits).document()
    except yaml.YAMLError as error:
        marked = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        raise _refusal(f"malformed YAML: {getattr(error, 'problem', None) or error}", path, marked) from error
    except (ValueError, OverflowError) as error:  # the pure-Python parser, of an escape beyond Unicode
        raise _refusal("malformed YAML: an escape names no Unicode character", path, None) from error


def _refusal(what: str, path: str, mark: Any) -> EvidenceError:
    place = None if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"
    return EvidenceError(what, path=path, place=place, remedy="correct the YAML")


class _Reader:
    """Makes values of the parser's events."""

    def __init__(self, text: str, path: str, limits: Limits) -> None:
        import yaml

        self._yaml, self._path, self._limits = yaml, path, limits
        self._events = iter(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        self._seen = 0

    def _fail(self, what: str, event: Any) -> NoReturn:
        raise _refusal(what, self._path, event.start_mark)

    def _next(self) -> Any:
        event = next(self._events)
        self._seen += 1
        if self._seen > self._limits.json_items:
            self._fail(f"the YAML has more than {self._limits.json_items} values", event)
        return event

    def document(self) -> Any:
        """The only document; None where there is none."""
        self._next()  # the stream begins
        if isinstance(self._next(), self._yaml.StreamEndEvent):
            return None
        value = self._value(self._next(), 1)
        self._next()  # the document ends
        if not isinstance(following := self._next(), self._yaml.StreamEndEvent):
            self._fail("the YAML file holds more than one document", following)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if event.anchor is not None:
            self._fail("YAML anchors and aliases are not accepted", event)
        if event.tag is not None:
            self._fail(f"the YAML tag {event.tag[:40]!r} is not accepted", event)
        if isinstance(event, self._yaml.ScalarEvent):
            if not event.value.isascii() and SURROGATE.search(event.value):
                self._fail("malformed YAML: a string has a lone surrogate", event)
            quoted = event.style in _QUOTED
            return event.value if quoted else _plain(event.value, self._limits, self._fail, event)
        if depth > self._limits.json_depth:
            self._fail(f"the YAML nests deeper than {self._limits.json_depth} levels", event)
        if isinstance(event, self._yaml.SequenceStartEvent):
            items = []
            while not isinstance(following := self._next(), self._yaml.SequenceEndEvent):
                items.append(self._value(following, depth + 1))
            return items
        members: dict[str, Any] = {}
        while not isinstance(following := self._next(), self._yaml.MappingEndEvent):
            value = (
                None if isinstance(following, self._yaml.CollectionStartEvent) else self._value(following, 0)
            )
            if not isinstance(value, (str, int)) or isinstance(value, bool):
                self._fail("a YAML key must be a plain string", following)
            if (key := str(value)) in members:
                self._fail(f"the YAML mapping has the key {key[:80]!r} twice", following)
            members[key] = self._value(self._next(), depth + 1)
        return members


def _plain(text: str, limits: Limits, fail: Any, event: Any) -> Any:
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    whole = _INT.fullmatch(text)
    if whole or _OCTAL_HEX.fullmatch(text):
        if len(text.lstrip("+-")) > limits.integer_digits:
            fail(f"the number {text[:24]}… has more than {limits.integer_digits} digits", event)
        return int(text, 10 if whole else 0)
    if _NO_NUMBER.fullmatch(text):
        fail(f"{text} is not a number that evidence may have", event)
    if _FLOAT.fullmatch(text):
        value = decimal(text, limits)
        if value is None:
            fail(f"the number {text[:24]} is outside the supported range", event)
        return value
    return text
