"""Validation against the JSON Schemas in ``contracts/``.

``jsonschema-rs`` validates (it compiles a schema in well under a millisecond and imports in a few; the
``jsonschema`` library is the oracle in the tests, see ADR 0003). No schema is ever fetched.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from .errors import EvidenceError, InternalError

PROVENANCE = "provenance"
"""Facts about the evidence itself, by collector: its age, its tool, and the sources it was made from."""

DERIVED = frozenset({PROVENANCE})
"""Facts that no collector gives: they follow from the evidence, the subject and the effective time."""

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"


def source_of(fact: str) -> str:
    """Id of the collector that a fact (``tests.total``, ``provenance.tests.age_s``) comes from."""
    first, _, rest = fact.partition(".")
    return rest.partition(".")[0] if first in DERIVED else first


@functools.cache
def load_schema(kind: str, name: str) -> dict[str, Any]:
    """The shipped schema ``contracts/<kind>/<name>.schema.json`` (``kind`` may be empty).

    Raises InternalError: there is none.
    """
    path = CONTRACTS / kind / f"{name}.schema.json"
    try:
        schema: dict[str, Any] = json.loads(path.read_bytes())
    except OSError as error:
        raise InternalError(f"the contract {kind}/{name} is not shipped") from error
    return schema


@functools.cache
def _validator(kind: str, name: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(load_schema(kind, name), validate_formats=False)


def violations(
    kind: str, name: str, value: Any, most: int | None = 5, *, quote: bool = True
) -> list[tuple[str, str]]:
    """Where ``value`` breaks the contract, as (JSON pointer, message); at most ``most``, in a
    stable order; all where that is None. ``quote`` as for :func:`breach`."""
    return _violations(_validator(kind, name), value, most, quote)


def violations_of(schema: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    """As :func:`violations`, for a schema that is not one of ours."""
    import jsonschema_rs

    return _violations(jsonschema_rs.Draft202012Validator(schema, validate_formats=False), value, 5)


def schema_problem(schema: Any) -> str | None:
    """Why a document cannot be used as a JSON Schema (2020-12, complete in itself); None when it can."""
    import jsonschema_rs

    def refuse(uri: str) -> Any:
        raise LookupError(f"{uri} is not fetched")

    if not isinstance(schema, dict):
        return "it is not an object"
    try:
        jsonschema_rs.Draft202012Validator(schema, retriever=refuse)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, RecursionError) as error:
        return breach(error, quote=False) if isinstance(error, jsonschema_rs.ValidationError) else _NOWHERE
    return None


def _violations(validator: Any, value: Any, most: int | None, quote: bool = True) -> list[tuple[str, str]]:
    if validator.is_valid(value):
        return []
    found = [
        (format_pointer(error.instance_path) or "/", breach(error, quote=quote))
        for error in validator.iter_errors(value)
    ]
    return sorted(found)[:most]


def format_pointer(parts: Iterable[object]) -> str:
    """The JSON pointer (RFC 6901) with these components; empty for the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def shorten(message: str) -> str:
    """At most 200 characters of a message, on one line."""
    line = " ".join(message.split())
    return line if len(line) <= 200 else line[:199] + "…"


_NOWHERE = "a reference in it leads nowhere"
_CLAUSES = {
    "required": "lacks the required member {}",
    "const": "is not {}",
    "minimum": "is below the minimum of {}",
    "maximum": "is above the maximum of {}",
    "exclusiveMinimum": "is not above the exclusive minimum of {}",
    "exclusiveMaximum": "is not below the exclusive maximum of {}",
    "multipleOf": "is no multiple of {}",
    "minLength": "has fewer than {} characters",
    "maxLength": "has more than {} characters",
    "minItems": "has fewer than {} elements",
    "maxItems": "has more than {} elements",
    "minProperties": "has fewer than {} members",
    "maxProperties": "has more than {} members",
    "pattern": "does not match the pattern {}",
    "format": "does not have the format {}",
    "falseSchema": "is not permitted here",
    "not": "is excluded by `not`",
    "uniqueItems": "has the same element twice",
    "contains": "has too few or too many elements that `contains` describes",
    "anyOf": "fits none of the schemas in `anyOf`",
    "oneOf": "does not fit exactly one of the schemas in `oneOf`",
    "propertyNames": "has a member whose name is not permitted",
    "additionalItems": "has more elements than are permitted",
    "unevaluatedItems": "has more elements than are permitted",
    "$ref": _NOWHERE,
}
_PATTERNS = {
    r"^[0-9a-f]{64}$": "is no SHA-256 (64 hexadecimal digits in lower case)",
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"
    r"(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$": "is no time such as 2025-11-07T12:00:00Z",
}
"""Patterns of our contracts in words."""
_SHOWN, _QUOTED = 8, 60


def breach(error: Any, *, quote: bool = True) -> str:
    """What is wrong with a value, in one clause, without the library's words.

    Args:
        quote: whether the clause begins with the value, where that is no array or object.
    """
    clause = _clause(error)
    if not quote or isinstance(error.instance, (dict, list)):
        return clause
    value = _json(error.instance)
    return shorten(f"{value if len(value) <= _QUOTED else value[: _QUOTED - 1] + '…'} {clause}")


def _clause(error: Any) -> str:
    name, limit = error.kind.name, error.kind.value
    if name == "type":
        return f"is {_article(type_name(error.instance))}, not {' or '.join(map(_article, sorted(limit)))}"
    if name == "enum":
        more = f" and {len(limit) - _SHOWN} more" if len(limit) > _SHOWN else ""
        return shorten(f"is not one of {', '.join(map(_json, limit[:_SHOWN]))}{more}")
    if name in ("additionalProperties", "unevaluatedProperties"):
        names = ", ".join(repr(name) for name in sorted(limit)[:_SHOWN])
        return shorten(f"has members that are not permitted: {names}")
    if name == "pattern" and limit in _PATTERNS:
        return _PATTERNS[limit]
    clause = _CLAUSES.get(name, f"does not keep to the keyword {name!r}")
    return shorten(clause.replace("{}", limit if name == "format" else _json(limit)))


def type_name(value: Any) -> str:
    """The JSON type of a value; ``number`` is one with a decimal point or exponent."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, name in ((str, "string"), (int, "integer"), ((float, Decimal), "number"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


def _article(name: str) -> str:
    return name if name == "null" else f"{'an' if name[0] in 'aio' else 'a'} {name}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def check_file(name: str, value: Any, path: str) -> None:
    """Hold a parsed user file against ``contracts/files/<name>.schema.json``.

    Raises EvidenceError: it does not conform; names the first place and how many there are in all.
    """
    found = violations("files", name, value, most=None)
    if not found:
        return
    pointer, message = found[0]
    more = f" (and {len(found) - 1} more places)" if len(found) > 1 else ""
    raise EvidenceError(
        f"does not keep to the contract {name!r}: {message}{more}",
        path=path,
        place=pointer,
        remedy=f"`gate docs files/{name}.schema.json` shows the expected shape",
    )
