"""What the keywords of one schema say, the same for every draft as far as the comparison needs it."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

from ....base.contracts import shorten
from ...shared.schemas.json_schema import MANY, NAMED, ONE
from ...shared.schemas.schema_files import Json
from .documents import Place, key_of

DYNAMIC = frozenset({"$dynamicRef", "$recursiveRef"})
RANGES = (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1))
SIZES = {"minLength": "length", "minItems": "size", "minProperties": "size"}
_PLAIN = frozenset(
    {
        "$ref", "const", "contentEncoding", "contentMediaType", "dependentRequired", "enum",
        "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains", "maxItems", "maxLength",
        "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum",
        "multipleOf", "pattern", "required", "type", "uniqueItems",
    }
)  # fmt: skip
_KNOWN = ONE | MANY | NAMED | DYNAMIC | _PLAIN
_SINCE = {
    "const": 6, "contains": 6, "propertyNames": 6, "if": 7, "then": 7, "else": 7, "contentSchema": 2019,
    "dependentSchemas": 2019, "unevaluatedItems": 2019, "unevaluatedProperties": 2019, "prefixItems": 2020,
}  # fmt: skip
_UNTIL = {"additionalItems": 2019}
"""What a draft does not know says nothing there, and need not even be well-formed."""
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_ALL_TYPES = frozenset(_TYPES) - {"number"} | {"fraction"}


def words(place: Place) -> dict[str, Json] | None:
    """The keywords that say what is valid, without annotations; None for the schema ``false``."""
    schema = place.schema
    if isinstance(schema, bool):
        return {} if schema else None
    if place.year <= 7 and isinstance(schema.get("$ref"), str):
        return {"$ref": schema["$ref"]}  # what stands beside it says nothing there
    return {
        word: value
        for word, value in schema.items()
        if word in _KNOWN and _SINCE.get(word, 0) <= place.year <= _UNTIL.get(word, 9999)
    }


def plain(word: str, value: Json) -> object:
    """What a keyword without schemas in it says, equal for values that mean the same."""
    if word in ("enum", "required", "type"):
        return frozenset(key_of(item) for item in (value if isinstance(value, list) else [value]))
    return key_of(value)


def types(stated: dict[str, Json]) -> frozenset[str]:
    """The types that are permitted; ``number`` is ``integer`` and ``fraction``."""
    value = stated.get("type")
    if value is None:
        return _ALL_TYPES
    names = frozenset(value if isinstance(value, list) else [value])
    return names - {"number"} | ({"integer", "fraction"} if "number" in names else frozenset())


def values(stated: dict[str, Json]) -> list[Json] | None:
    """The values that ``enum``, ``const`` and ``type`` leave; None without ``enum`` and ``const``."""
    found = stated.get("enum", [stated["const"]] if "const" in stated else None)
    if found is None:
        return None
    if "const" in stated:
        found = [value for value in found if key_of(value) == key_of(stated["const"])]
    return [value for value in found if _type_of(value) in types(stated)]


def _type_of(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, Decimal)):
        return "integer" if Fraction(value).denominator == 1 else "fraction"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def bound(stated: dict[str, Json], word: str, exclusive: str, sign: int) -> tuple[Fraction, bool, str] | None:
    """The tightest bound on one side: times the sign, whether it is excluded itself, its keyword."""
    found = []
    strict = stated.get(exclusive)
    if word in stated:
        found.append((sign * Fraction(stated[word]), strict is True, word))
    if strict is not None and not isinstance(strict, bool):
        found.append((sign * Fraction(strict), True, exclusive))
    return max(found, default=None)


def type_names(found: frozenset[str]) -> str:
    """Types as a string."""
    names = {"number" if name == "fraction" else name for name in found}
    if "number" in names:
        names.discard("integer")
    return "any" if found == _ALL_TYPES else " or ".join(name for name in _TYPES if name in names)


def listed(found: list[Json]) -> str:
    """The first values as a string."""
    shown = [shorten(json.dumps(value, ensure_ascii=False, default=str))[:60] for value in found[:5]]
    return ", ".join(shown) + (", …" if len(found) > 5 else "")
