"""Recognises, by one regular expression a layout, lines that certainly are good records of a contract.

Most of the time of a validation goes into making Python objects of a record and looking at each. For
contracts of the usual kind (objects, required members, types, enumerations, lengths, bounds, plain patterns,
times) a regular expression can say all of that, once the layout of the records is known. It never has to
accept anything: a line that it does not match is checked the long way. It must never accept too much:
whatever a schema has that is not understood here in full raises :class:`_Unsupported`, and the layout is not
learned. A property test holds every line that is recognised against the exact validation. See ADR 0009.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from ...json_lines import EXACT_DIGITS, TOKEN

_LAYOUTS = 16
_ATTEMPTS = 64
"""Lines that a layout is sought in; afterwards the contract or the records are not of the usual kind."""
_LONGEST = 8192
_REFERENCES = 16
_ANNOTATIONS = frozenset(
    {"$comment", "default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"}
)
_AT_THE_ROOT = frozenset({"$schema", "$id", "id", "$defs", "definitions"})
_OF_OBJECTS = frozenset({"type", "properties", "required", "additionalProperties"})
_OF_ARRAYS = frozenset({"type", "items"})
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OF_STRINGS = ("minLength", "maxLength", "pattern", "format")
_OF_SCALARS = frozenset({"type", "enum", "const", *_BOUNDS, *_OF_STRINGS})
_SCALARS = ("string", "number", "boolean", "null")

_CHARACTER = rb"[ !#-\[\]-~]"
"""Of a string, what needs no escape, is one byte, and is one character to every validator."""
_PLAIN_TEXT = re.compile(r"[ !#-\[\]-~]*")
_ATOM = r"(?:[A-Za-z0-9_:/ -]|\\[./-]|\[(?:[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9_.])+-?\])"
_QUANTIFIER = r"(?:[+*?]|\{[0-9]{1,3}(?:,[0-9]{0,3})?\})"
_PLAIN_PATTERN = re.compile(rf"\^((?:{_ATOM}{_QUANTIFIER}?)*)\$")
"""Patterns that every dialect of regular expressions reads alike."""
_QUANTIFIED = re.compile(rf"({_ATOM}){_QUANTIFIER}")
_CLOCK = rb"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = rb"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_DATE_TIME = (
    rb"[0-9]{4}-" + _DAY + b"T" + _CLOCK + rb":[0-5][0-9](?:\.[0-9]{1,9}+)?+(?:Z|[+-]" + _CLOCK + b")"
)
_FRACTION = rb"(?:\.[0-9]{1,20}+)?+"
_DIGITS = rb"(?:0|[1-9][0-9]{0,14}+)"
_SHORT = 16
"""Characters of a literal that has at most `EXACT_DIGITS` digits, whatever else is in it."""

Interval = tuple[float, float]


class _Unsupported(Exception):
    """The contract says something here that no expression is made for."""


class Recogniser:
    """Learns the layouts of records that keep to a contract.

    Args:
        schema: the contract, with Decimals.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._layouts: list[tuple[Any, tuple[Interval, ...]]] = []
        self._first: tuple[Any, tuple[Interval, ...]] = (_nothing, ())
        self._known: set[re.Pattern[bytes]] = set()
        self._attempts = _ATTEMPTS

    def knows(self, line: bytes) -> bool:
        """Whether the line certainly is a document in the strict sense, and keeps to the contract."""
        fullmatch, intervals = self._first
        match = fullmatch(line)
        if match is None:
            for layout in self._layouts:
                if match := layout[0](line):
                    self._first = layout
                    intervals = layout[1]
                    break
            else:
                return False
        if intervals:
            for literal, (least, greatest) in zip(match.groups(), intervals, strict=True):
                if literal is None:
                    continue
                value = float(literal)
                # a longer literal may lie on the other side of the bound that its float is equal to
                if not (least < value < greatest or (len(literal) <= _SHORT and least <= value <= greatest)):
                    return False
        return True

    def learn(self, line: bytes) -> None:
        """Take the layout of a line that is a document in the strict sense and keeps to the contract."""
        if not self._attempts or len(self._layouts) >= _LAYOUTS or len(line) > _LONGEST:
            return
        self._attempts -= 1
        layout = _Layout(line, self._schema)
        try:
            expression = re.compile(layout.pattern())
        except (_Unsupported, re.error):
            return
        if expression in self._known:  # the line has a value that the expression leaves to others
            return
        self._known.add(expression)
        self._layouts.append((expression.fullmatch, tuple(layout.intervals)))


def _nothing(line: bytes) -> None:
    """Matches nothing, as long as no layout is known."""


class _Layout:
    """The expression for lines like one that keeps to the contract; walks through both at once."""

    def __init__(self, line: bytes, schema: Any) -> None:
        self.intervals: list[Interval] = []
        self._tokens = TOKEN.finditer(line)
        self._root = schema

    def _next(self) -> tuple[bytes, bytes]:
        match = next(self._tokens)
        return re.escape(match[1]), match[2]

    def pattern(self) -> bytes:
        """The expression, for a full match."""
        root = self._root
        if isinstance(root, dict):
            root = {name: value for name, value in root.items() if name not in _AT_THE_ROOT}
        value = self._value(*self._next(), root, array=False)
        return value + self._next()[0]

    def _resolved(self, schema: Any) -> dict[str, Any]:
        """The schema without annotations, behind its references; nothing in it means that all is allowed."""
        for _ in range(_REFERENCES):
            if schema is True:
                return {}
            if not isinstance(schema, dict):
                raise _Unsupported
            rest = {name: value for name, value in schema.items() if name not in _ANNOTATIONS}
            if "$ref" not in rest:
                return rest
            kind, _, name = str(rest["$ref"]).removeprefix("#/").partition("/")
            local = isinstance(self._root, dict) and kind in ("definitions", "$defs")
            if len(rest) > 1 or not local or re.search("[~%/]", name):
                raise _Unsupported
            schema = self._root.get(kind, {}).get(name)
        raise _Unsupported

    def _value(self, space: bytes, token: bytes, schema: Any, *, array: bool) -> bytes:
        rest = self._resolved(schema)
        if token == b"{":
            return space + self._object(rest, array=array)
        if token == b"[":
            return space + self._array(rest)
        return space + self._scalar(rest, array=array)

    def _object(self, schema: dict[str, Any], *, array: bool) -> bytes:
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        if not schema.keys() <= _OF_OBJECTS or not isinstance(more, bool) or not isinstance(properties, dict):
            raise _Unsupported
        out, names = [rb"\{"], set()
        while True:
            space, token = self._next()
            if token in (b"}", b","):
                out.append(space + re.escape(token))
                if token == b"}":
                    break
                continue
            colon, _ = self._next()
            name = json.loads(token)
            names.add(name)
            if not _PLAIN_TEXT.fullmatch(name) or (name not in properties and not more):
                raise _Unsupported
            out += [space + re.escape(token) + colon + b":"]
            out.append(self._value(*self._next(), properties.get(name, True), array=array))
        _expect("object", schema)
        if not set(schema.get("required", ())) <= names:
            raise _Unsupported
        return b"".join(out)

    def _array(self, schema: dict[str, Any]) -> bytes:
        if not schema.keys() <= _OF_ARRAYS:
            raise _Unsupported
        _expect("array", schema)
        inner = schema.get("items", True)
        items: list[bytes] = []
        space, token = self._next()
        while token != b"]":
            if token == b",":
                after, token = self._next()
                items.append(space + b"," + self._value(after, token, inner, array=True))
            else:
                items.append(self._value(space, token, inner, array=True))
            space, token = self._next()
        if len(items) > 1 and all(item == items[1] for item in items[1:]):
            return rb"\[" + items[0] + b"(?:" + items[1] + b")*" + space + rb"\]"
        return rb"\[" + b"".join(items) + space + rb"\]"

    def _scalar(self, schema: dict[str, Any], *, array: bool) -> bytes:
        if not schema.keys() <= _OF_SCALARS:
            raise _Unsupported
        types = _types(schema)
        if "enum" in schema or "const" in schema:
            return _choices(schema, types)
        forms = []
        if "string" in types:
            forms.append(_string(schema))
        if "null" in types:
            forms.append(b"null")
        if "boolean" in types:
            forms += [b"true", b"false"]
        if "number" in types or "integer" in types:
            forms.append(self._number(schema, whole="number" not in types, array=array))
        if not forms:
            raise _Unsupported
        return b"(?:" + b"|".join(forms) + b")"

    def _number(self, schema: dict[str, Any], *, whole: bool, array: bool) -> bytes:
        limits = {name: schema[name] for name in _BOUNDS if name in schema}
        if not all(_comparable(limit) for limit in limits.values()):
            raise _Unsupported
        fraction = b"" if whole else _FRACTION
        if not limits:
            return b"-?" + _DIGITS + fraction
        # the two most frequent kinds need no comparison
        if limits == {"minimum": 0} or (whole and limits in ({"minimum": 1}, {"exclusiveMinimum": 0})):
            return (_DIGITS if limits == {"minimum": 0} else rb"[1-9][0-9]{0,14}+") + fraction
        if limits == {"exclusiveMinimum": 0}:
            return rb"(?=[0.]*+[1-9])" + _DIGITS + fraction
        if array:
            raise _Unsupported  # a repeated group keeps only the last literal
        least, greatest = -math.inf, math.inf
        for name, limit in limits.items():
            match name:
                case "minimum":
                    least = max(least, float(limit))
                case "maximum":
                    greatest = min(greatest, float(limit))
                case "exclusiveMinimum":
                    least = max(least, math.nextafter(limit, math.inf))
                case _:
                    greatest = min(greatest, math.nextafter(limit, -math.inf))
        self.intervals.append((least, greatest))
        return b"(-?" + _DIGITS + fraction + b")"


def _types(schema: dict[str, Any]) -> tuple[str, ...]:
    stated = schema.get("type", _SCALARS)
    return (stated,) if isinstance(stated, str) else tuple(stated)


def _expect(kind: str, schema: dict[str, Any]) -> None:
    if "type" in schema and kind not in _types(schema):
        raise _Unsupported


def _choices(schema: dict[str, Any], types: tuple[str, ...]) -> bytes:
    """One of the texts, booleans or null that a scalar may be."""
    if not schema.keys() <= {"type", "enum", "const"}:
        raise _Unsupported
    choices = schema.get("enum", [schema.get("const")])
    if "const" in schema and "enum" in schema:
        raise _Unsupported
    forms = []
    for choice in choices:
        kind = "null" if choice is None else "boolean" if isinstance(choice, bool) else "string"
        plain = not isinstance(choice, str) or _PLAIN_TEXT.fullmatch(choice)
        if kind in types and plain and (kind != "string" or isinstance(choice, str)):
            forms.append(re.escape(json.dumps(choice).encode()))
    if not forms:
        raise _Unsupported
    return b"(?:" + b"|".join(forms) + b")"


def _string(schema: dict[str, Any]) -> bytes:
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    if not all(isinstance(limit, int) and limit < 10_000 for limit in (shortest, longest or 0)):
        raise _Unsupported
    limited = b"%b{%d,%b}+" % (_CHARACTER, shortest, b"" if longest is None else b"%d" % longest)
    forms = []
    if "pattern" in schema:
        plain = _PLAIN_PATTERN.fullmatch(schema["pattern"])
        if plain is None:
            raise _Unsupported
        # possessive: it may match less, but takes no longer than the text
        forms.append(_QUANTIFIED.sub(lambda atom: atom[0] + "+", plain[1]).encode())
    if "format" in schema:
        if schema["format"] != "date-time":
            raise _Unsupported
        forms.append(_DATE_TIME)
    if not forms or shortest > 1 or longest is not None:
        forms.append(limited)
    elif shortest:
        forms[0] = b'(?!")' + forms[0]
    *before, last = forms
    return b'"' + b"".join(b"(?=" + form + b'")' for form in before) + last + b'"'


def _comparable(limit: Any) -> bool:
    """Whether a bound compares with floats as it does exactly."""
    if isinstance(limit, bool) or not isinstance(limit, (int, Decimal)):
        return False
    return abs(limit) < 10**EXACT_DIGITS and len(Decimal(limit).as_tuple().digits) <= EXACT_DIGITS
