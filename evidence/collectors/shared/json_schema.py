"""What is wrong with a JSON Schema, and what it says: drafts 4 to 2020-12, nothing fetched from anywhere.

References are resolved within the document and among the workspace's own schema files (by relative path or by
``$id``), never over the network or elsewhere in the file system. Keywords and their positions:
https://json-schema.org/draft/2020-12/json-schema-core and the earlier drafts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

Problem = tuple[str, str]
"""JSON pointer into the schema file, and what is wrong there."""

DRAFTS = {
    "http://json-schema.org/draft-04/schema": "draft 4",
    "http://json-schema.org/draft-06/schema": "draft 6",
    "http://json-schema.org/draft-07/schema": "draft 7",
    "https://json-schema.org/draft/2019-09/schema": "2019-09",
    "https://json-schema.org/draft/2020-12/schema": "2020-12",
}
BASE = "workspace:///"
"""Base URI of the workspace, so that relative references between schema files resolve."""

_ONE = (
    "additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not",
    "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_MANY = ("allOf", "anyOf", "items", "oneOf", "prefixItems")
_NAMED = ("$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties")
_SAYS_NOTHING = frozenset(
    {
        "$anchor", "$comment", "$defs", "$dynamicAnchor", "$id", "$recursiveAnchor", "$schema",
        "$vocabulary", "default", "definitions", "deprecated", "description", "examples", "id", "readOnly",
        "title", "writeOnly",
    }
)  # fmt: skip
_MOST_PROBLEMS = 20
_MOST_REFERENCES = 100
"""Different references tried one by one; each takes as long as compiling the document."""


def escape(part: object) -> str:
    """One component of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def walk(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every sub-schema that is an object, with its JSON pointer; the schema itself first."""
    pending: list[tuple[str, Any]] = [("", schema)]
    while pending:
        pointer, item = pending.pop()
        if not isinstance(item, dict):
            continue
        yield pointer, item
        inner: list[tuple[str, Any]] = [(f"{pointer}/{name}", item[name]) for name in _ONE if name in item]
        for name in _MANY:
            if isinstance(members := item.get(name), list):
                inner += [(f"{pointer}/{name}/{index}", member) for index, member in enumerate(members)]
        for name in _NAMED:
            if isinstance(members := item.get(name), dict):
                inner += [(f"{pointer}/{name}/{escape(key)}", member) for key, member in members.items()]
        pending.extend(reversed(inner))


def draft(schema: Any) -> str | None:
    """The ``$schema`` a document states; None when it states none (or something that is no string)."""
    stated = schema.get("$schema") if isinstance(schema, dict) else None
    return stated if isinstance(stated, str) else None


def identity(schema: Any) -> str | None:
    """The absolute URI a schema gives itself (``$id``, in draft 4 ``id``), without a fragment."""
    if not isinstance(schema, dict):
        return None
    stated = schema.get("$id", schema.get("id"))
    return stated.partition("#")[0] or None if isinstance(stated, str) else None


def problems(schema: Any, path: str, others: Callable[[str], Any]) -> list[Problem]:
    """What is wrong with a schema file, sorted; nothing when it is a good contract.

    Args:
        schema: the parsed document.
        path: the file, relative to the workspace.
        others: gives another schema document by its absolute URI (``BASE`` + path, or its ``$id``), and
            raises :class:`LookupError` where the workspace has none.
    """
    if not isinstance(schema, (dict, bool)):
        return [("", "is not a schema: a JSON Schema is an object")]
    if schema is True or (isinstance(schema, dict) and set(schema) <= _SAYS_NOTHING):
        return [("", "is the empty schema, which accepts everything")]
    if schema is False:
        return [("", "accepts nothing")]
    stated = draft(schema)
    if stated is None:
        return [("", "declares no draft ($schema)")]
    if stated.removesuffix("#") not in DRAFTS:
        return [("/$schema", f"declares {stated[:80]!r}, which is no known draft")]
    found = _against_draft(schema, stated)
    if not found:
        found = _references(schema, path, others)
    if not found:
        found = _examples(schema, path, others)
    return sorted(set(found))[:_MOST_PROBLEMS]


def _against_draft(schema: dict[str, Any], stated: str) -> list[Problem]:
    import jsonschema_rs

    meta = jsonschema_rs.validator_for({"$schema": stated, "$ref": stated}, retriever=_refuse)
    return [(_pointer(error.instance_path), shorten(error.message)) for error in meta.iter_errors(schema)]


def _references(schema: dict[str, Any], path: str, others: Callable[[str], Any]) -> list[Problem]:
    """Try the whole; when it fails, try every reference on its own to say which ones."""
    failure = compile_problem(schema, path, others)
    if failure is None:
        return []
    found: list[Problem] = []
    reasons: dict[tuple[str, str], Problem | None] = {}
    bare = _without_references(schema)
    for pointer, item in walk(schema):
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            target = item.get(keyword)
            if not isinstance(target, str):
                continue
            if (keyword, target) not in reasons:
                if len(reasons) >= _MOST_REFERENCES:
                    return found or [failure]
                # the document under its own name keeps every pointer and anchor in it valid
                alone = {**bare, "allOf": [{keyword: target}]}
                reasons[keyword, target] = compile_problem(alone, path, others)
            reason = reasons[keyword, target]
            if reason is not None:
                found.append((f"{pointer}/{keyword}", f"{target[:100]!r} cannot be resolved: {reason[1]}"))
    return found or [failure]


def _without_references(schema: Any) -> Any:
    """The document with every reference taken out, so that a single one can be tried."""
    if isinstance(schema, dict):
        return {
            key: _without_references(value)
            for key, value in schema.items()
            if not (key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(value, str))
        }
    if isinstance(schema, list):
        return [_without_references(value) for value in schema]
    return schema


def _validator(schema: dict[str, Any], path: str, others: Callable[[str], Any]) -> Any:
    import jsonschema_rs

    def retrieve(uri: str) -> Any:
        return others(uri.partition("#")[0])

    return jsonschema_rs.validator_for(schema, retriever=retrieve, base_uri=BASE + quote(path))


def compile_problem(schema: dict[str, Any], path: str, others: Callable[[str], Any]) -> Problem | None:
    """Why the schema cannot be used, and where as far as the validator says; None when it can."""
    import jsonschema_rs

    try:
        _validator(schema, path, others)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, RecursionError) as error:
        said = str(getattr(error, "message", error))
        message = said.partition("retrieving it failed: ")[2] or said
        return _pointer(getattr(error, "instance_path", ())), shorten(message.removeprefix("LookupError: "))
    return None


def _pointer(parts: Iterable[object]) -> str:
    return "".join(f"/{escape(part)}" for part in parts)


def _examples(schema: dict[str, Any], path: str, others: Callable[[str], Any]) -> list[Problem]:
    examples = schema.get("examples")
    if not isinstance(examples, list) or not examples:
        return []
    validator = _validator(schema, path, others)
    return [
        (
            f"/examples/{index}{_pointer(error.instance_path)}",
            f"the example breaks the schema: {shorten(error.message)}",
        )
        for index, example in enumerate(examples)
        for error in validator.iter_errors(example)
    ]


def _refuse(uri: str) -> Any:
    raise LookupError(f"{uri} is not fetched")


def shorten(message: str) -> str:
    """At most 200 characters of a message, on one line."""
    line = " ".join(message.split())
    return line if len(line) <= 200 else line[:199] + "…"


def property_names(schema: Any) -> list[str]:
    """All property names at any depth, sorted."""
    return sorted({name for _, item in walk(schema) for name in _properties(item)})


def _properties(item: Mapping[str, Any]) -> dict[str, Any]:
    properties = item.get("properties")
    return properties if isinstance(properties, dict) else {}


def required_names(schema: Any) -> list[str]:
    """Names required at the top level, sorted."""
    required = schema.get("required") if isinstance(schema, dict) else None
    return sorted({name for name in required if isinstance(name, str)}) if isinstance(required, list) else []


def enumerations(schema: Any) -> dict[str, list[str]]:
    """Property name → permitted values, sorted, over all properties of that name with ``enum`` or ``const``.

    A property that refers to a definition in the same document has its values. Values that are not strings
    are given as JSON text; non-ASCII characters of names are escaped (``\\u05ea``).
    """
    found: dict[str, set[str]] = {}
    for _, item in walk(schema):
        for name, member in _properties(item).items():
            values = _permitted(schema, member)
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
        member = _lookup(schema, target[2:])
    return None


def _lookup(schema: Any, pointer: str) -> Any:
    for part in pointer.split("/"):
        if not isinstance(schema, dict):
            return None
        schema = schema.get(unquote(part).replace("~1", "/").replace("~0", "~"))
    return schema


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=_number)


def _number(value: Decimal) -> Any:
    return int(value) if value == value.to_integral_value() else float(value)
