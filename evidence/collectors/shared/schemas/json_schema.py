"""What a JSON Schema says: drafts 4 to 2020-12. Nothing here follows a reference into another file.

Keywords and their positions: https://json-schema.org/draft/2020-12/json-schema-core and the earlier drafts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from ....base.contracts import format_pointer
from ..pointer import Absent, NoIndex, parse_pointer, resolve

Problem = tuple[str, str]
"""JSON pointer into the schema file, and what is wrong there."""

DRAFTS = {
    "http://json-schema.org/draft-04/schema": "draft 4",
    "http://json-schema.org/draft-06/schema": "draft 6",
    "http://json-schema.org/draft-07/schema": "draft 7",
    "https://json-schema.org/draft/2019-09/schema": "2019-09",
    "https://json-schema.org/draft/2020-12/schema": "2020-12",
}
ONE = frozenset(
    {
        "additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not",
        "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
"""Keywords with one schema; ``items`` may have a list of them."""
MANY = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
NAMED = frozenset({"dependencies", "dependentSchemas", "patternProperties", "properties"})
DEFINITIONS = frozenset({"$defs", "definitions"})
_RULES = ONE | MANY | NAMED | DEFINITIONS | {
    "$dynamicRef", "$recursiveRef", "$ref", "const", "contentEncoding", "contentMediaType",
    "dependentRequired", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains", "maxItems",
    "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties",
    "minimum", "multipleOf", "pattern", "required", "type", "uniqueItems",
}  # fmt: skip
_ANNOTATIONS = frozenset(
    {
        "$anchor", "$comment", "$dynamicAnchor", "$id", "$recursiveAnchor", "$schema", "$vocabulary",
        "default", "deprecated", "description", "examples", "id", "readOnly", "title", "writeOnly",
    }
)  # fmt: skip
_PLAIN = {word.lower().removeprefix("$"): word for word in sorted(_RULES)}
_ALIKE = 0.82
"""Likeness from which an unknown keyword is taken for a known one, as ``difflib`` measures it."""


def walk(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every sub-schema that is an object, with its JSON pointer; the schema itself first."""
    pending: list[tuple[str, Any]] = [("", schema)]
    while pending:
        pointer, item = pending.pop()
        if isinstance(item, dict):
            yield pointer, item
            inner = [(pointer + format_pointer(parts), member) for parts, member in _members(item)]
            pending.extend(reversed(inner))


def _members(item: dict[str, Any]) -> Iterator[tuple[tuple[object, ...], Any]]:
    for name in sorted(ONE & item.keys()):
        yield (name,), item[name]
    for name in sorted(MANY & item.keys()):
        if isinstance(item[name], list):
            yield from (((name, index), member) for index, member in enumerate(item[name]))
    for name in sorted((NAMED | DEFINITIONS) & item.keys()):
        if isinstance(item[name], dict):
            yield from (((name, key), member) for key, member in item[name].items())


def draft(schema: Any) -> str | None:
    """The ``$schema`` a document states; None when it states none (or something that is no string)."""
    stated = schema.get("$schema") if isinstance(schema, dict) else None
    return stated if isinstance(stated, str) else None


def identity(schema: Any) -> str | None:
    """The URI a schema gives itself (``$id``, in draft 4 ``id``), without a fragment."""
    if not isinstance(schema, dict):
        return None
    stated = schema.get("$id", schema.get("id"))
    return stated.partition("#")[0] or None if isinstance(stated, str) else None


_MOST_PROBED = 60
_NOWHERE = "\u2063"
"""A field that nobody has, and a character that nobody writes."""
_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1e18, 1e18, 0.123, "", _NOWHERE * 5000),
    *([], [1, 1], [None] * 1000, {}, {_NOWHERE: 1}, [{_NOWHERE: 1}]),
)


def probes(documents: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Objects, some of which any schema refuses that limits a field or a field of a field.

    Args:
        documents: the schema and all that it refers to.
    """
    items = [item for document in documents for _, item in walk(document)]
    names = {name for item in items for name in _properties(item)}
    names |= {re.sub(r"\W", "", name) for item in items for name in item.get("patternProperties", ())}
    for value in _VALUES:
        yield from ({_NOWHERE: value}, dict.fromkeys(names, value))
        wide = dict.fromkeys(sorted(names)[:_MOST_PROBED], value)
        yield from (dict.fromkeys(wide, inner) for inner in (wide, [wide], [value]))


def misspelt(schema: Any) -> list[Problem]:
    """Unknown keywords that look like known ones: they say nothing, and were meant to."""
    found = []
    for pointer, item in walk(schema):
        for word in item.keys() - _RULES - _ANNOTATIONS:
            from difflib import get_close_matches  # only an unknown keyword needs it

            plain = word.lower().replace("-", "").replace("_", "").removeprefix("$")
            same = next((name for name in _PLAIN if sorted(name) == sorted(plain)), None)
            close = [same] if same else get_close_matches(plain, _PLAIN, 1, _ALIKE)
            if close:
                text = f"the keyword {word[:80]!r} does not exist; {_PLAIN[close[0]]!r} does"
                found.append((pointer + format_pointer([word]), text))
    return found


def is_library(schema: Any) -> bool:
    """Whether the document has definitions for others to refer to."""
    return isinstance(schema, dict) and any(schema.get(word) for word in DEFINITIONS)


def lacks_type(schema: dict[str, Any]) -> bool:
    """Whether it describes the members of an object, but permits everything that is no object."""
    binding = {"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "const", "enum", "oneOf", "type"}
    return bool({"properties", "required"} & schema.keys()) and not binding & schema.keys()


def property_names(schema: Any) -> list[str]:
    """All property names at any depth, sorted."""
    return sorted({name for _, item in walk(schema) for name in _properties(item)})


def _properties(item: Mapping[str, Any]) -> dict[str, Any]:
    properties = item.get("properties")
    return properties if isinstance(properties, dict) else {}


_SILENT = {
    "title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly",
}  # fmt: skip
"""Keywords that refuse nothing."""
_KINDS = {"array", "boolean", "null", "number", "object", "string"}


def open_names(schema: Any) -> list[str]:
    """Property names at any depth that some schema lets have any value, sorted."""
    return sorted(
        {name for _, item in walk(schema) for name, member in _properties(item).items() if _is_open(member)}
    )


def _is_open(schema: Any) -> bool:
    """Whether any value fits, as far as the schema itself and what it joins say."""
    if not isinstance(schema, dict):
        return schema is True
    said = schema.keys() - _SILENT
    if said <= {"type"}:
        kinds = schema.get("type", list(_KINDS))
        return isinstance(kinds, list) and _KINDS.issubset(map(str, kinds))
    [word] = said if len(said) == 1 else [""]
    joined = schema.get(word)
    among = {"anyOf": any, "oneOf": any, "allOf": all}.get(word)
    return among is not None and isinstance(joined, list) and among(map(_is_open, joined))


def required_names(schema: Any) -> list[str]:
    """Names required at the top level, sorted."""
    required = schema.get("required") if isinstance(schema, dict) else None
    return sorted({name for name in required if isinstance(name, str)}) if isinstance(required, list) else []


def permitted(schema: Any, *names: str) -> Iterator[tuple[str, str, list[str] | None]]:
    """Of each property its name, its JSON pointer, and the values that ``enum`` or ``const`` permit.

    A property that refers to a definition in the same document has its values; None where there is neither
    keyword. Values that are not strings are given as JSON text.

    Args:
        schema: the document.
        names: only properties of these names, compared without case, ``-`` and ``_``; all if empty.
    """
    for pointer, item in walk(schema):
        for name, member in _properties(item).items():
            if not names or name.lower().replace("-", "").replace("_", "") in names:
                yield name, pointer + format_pointer(("properties", name)), _permitted(schema, member)


def enumerations(schema: Any) -> dict[str, list[str]]:
    """Property name → permitted values, sorted, over all properties of that name with ``enum`` or ``const``.

    Non-ASCII characters of names are escaped (``\\u05ea``).
    """
    found: dict[str, set[str]] = {}
    for name, _, values in permitted(schema):
        if values is not None:
            key = name.encode("ascii", "backslashreplace").decode()
            found.setdefault(key, set()).update(values)
    return {name: sorted(found[name]) for name in sorted(found)}


def _permitted(schema: Any, member: Any) -> list[str] | None:
    for _ in range(8):
        if not isinstance(member, dict):
            return None
        if isinstance(member.get("enum"), list):
            return [_text(value) for value in member["enum"]]
        if "const" in member:
            return [_text(member["const"])]
        target = member.get("$ref")
        if not isinstance(target, str) or not target.startswith("#/"):
            return None
        try:
            member = resolve(schema, parse_pointer(unquote(target[1:])))
        except (Absent, NoIndex, ValueError):
            return None
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=_number)


def _number(value: Decimal) -> Any:
    return int(value) if value == value.to_integral_value() else float(value)
