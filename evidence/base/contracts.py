"""Validation against the JSON Schemas in ``contracts/``.

``jsonschema-rs`` validates (it compiles a schema in well under a millisecond and imports in a few; the
``jsonschema`` library is the oracle in the tests, see ADR 0003). No schema is ever fetched.
"""

from __future__ import annotations

import functools
import json
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

    Raises:
        InternalError: there is none.
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


def violations(kind: str, name: str, value: Any, most: int | None = 5) -> list[tuple[str, str]]:
    """Where ``value`` breaks the contract, as (JSON pointer, message); at most ``most``, in a
    stable order; all where that is None."""
    return _violations(_validator(kind, name), value, most)


def violations_of(schema: dict[str, Any], value: Any, most: int | None = 5) -> list[tuple[str, str]]:
    """As :func:`violations`, for a schema that is not one of ours."""
    import jsonschema_rs

    return _violations(jsonschema_rs.Draft202012Validator(schema, validate_formats=False), value, most)


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
        return _shorten(str(getattr(error, "message", error)))
    return None


def _violations(validator: Any, value: Any, most: int | None) -> list[tuple[str, str]]:
    if validator.is_valid(value):
        return []
    found = []
    for error in validator.iter_errors(value):
        pointer = "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in error.instance_path)
        found.append((pointer or "/", _shorten(error.message)))
    return sorted(found)[:most]


def _shorten(message: str) -> str:
    return message if len(message) <= 200 else message[:197] + "…"


def check_file(name: str, value: Any, path: str) -> None:
    """Hold a parsed user file against ``contracts/files/<name>.schema.json``.

    Raises:
        EvidenceError: it does not conform; names the first place and how many there are in all.
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
        remedy=f"see contracts/files/{name}.schema.json for the expected shape",
    )
