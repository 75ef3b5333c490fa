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
from .numbers import counted

PROVENANCE = "provenance"
"""Facts about the evidence itself, by collector: its age, its tool, and the sources it was made from."""

DERIVED = frozenset({PROVENANCE})
"""Facts that no collector gives: they follow from the evidence, the subject and the effective time."""

MASK = "the value"
"""What messages of a validator have in place of a value, which may be large, or an account number."""

_QUOTED = 60
"""Characters that are shown of a value."""

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
    return _compiled(load_schema(kind, name))


def _compiled(schema: dict[str, Any]) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema, validate_formats=False, mask=MASK)


def violations(
    kind: str, name: str, value: Any, most: int | None = 5, *, quote: bool = True
) -> list[tuple[str, str]]:
    """Where ``value`` breaks the contract, as (JSON pointer, message); at most ``most``, in a
    stable order; all where that is None. ``quote`` as for :func:`breach`."""
    return _violations(_validator(kind, name), value, most, quote)


def violations_of(schema: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    """As :func:`violations`, for a schema that is not one of ours."""
    return _violations(_compiled(schema), value, 5)


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
        known = isinstance(error, jsonschema_rs.ValidationError)
        return breach(error) if known else "a reference in it leads nowhere"
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


_PATTERNS = {
    r"^[0-9a-f]{64}$": "is no SHA-256 (64 hexadecimal digits in lower case)",
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"
    r"(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$": "is no time such as 2025-11-07T12:00:00Z",
}
"""Patterns of our contracts in words."""


def breach(error: Any, *, quote: bool = True) -> str:
    """What is wrong with a value, in the words of the validator, in which ``MASK`` stands for the value.

    Args:
        quote: whether the value is shown, where that is no array or object.
    """
    known = error.kind.name == "pattern" and _PATTERNS.get(error.kind.value)
    message: str = f"{MASK} {known}" if known else error.message
    if quote and message.startswith(MASK) and not isinstance(error.instance, (dict, list)):
        value = json.dumps(error.instance, ensure_ascii=False, default=str)
        shown = value if len(value) <= _QUOTED else value[: _QUOTED - 1] + "…"
        message = shown + message.removeprefix(MASK)
    return shorten(message)


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


def check_file(name: str, value: Any, path: str, *, quote: bool = True) -> None:
    """Hold a parsed user file against ``contracts/files/<name>.schema.json``; ``quote`` as for `breach`.

    Raises EvidenceError: it does not conform; names the first place and how many there are in all.
    """
    found = violations("files", name, value, most=None, quote=quote)
    if not found:
        return
    pointer, message = found[0]
    more = f" (and {counted(len(found) - 1, 'more place')})" if len(found) > 1 else ""
    raise EvidenceError(
        f"does not keep to the contract {name!r}: {message}{more}",
        path=path,
        place=pointer,
        remedy=f"`gate docs files/{name}.schema.json` shows the expected shape",
    )
