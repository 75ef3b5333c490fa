"""One contract that many messages are held against: quick for the good ones, exact for all others.

``jsonschema-rs`` compares numbers with a bound that has decimals as exact decimals, which takes longer than
the rest of an order intent's validation. Where such a bound applies for certain (below ``properties`` alone,
and nothing refers to the place), the quick check leaves it out of the schema and compares floats instead.
See ADR 0009.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ...errors import masked
from ...json_lines import EXACT_DIGITS
from ...limits import Limits
from ..shared.json_schema import BASE, shorten, walk
from ..shared.pointer import format_pointer
from .layout import Recogniser

_HIDDEN = "the value"
_ALL_BELOW_BYTES = 64 * 1024
"""Of a longer record only the first violation is looked for: a record can have one for every two bytes."""
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_LOCAL = ("#/definitions/", "#/$defs/")


@dataclass(frozen=True, slots=True)
class Violation:
    """One place in a record that breaks the contract.

    Attributes:
        pointer: JSON pointer into the record.
        rule: JSON pointer into the contract, to the keyword.
        message: what is expected, without account ids.
    """

    pointer: str
    rule: str
    message: str


_Interval = tuple[tuple[str, ...], str, float, float]
"""Keys on the way to a number in a record, its own key, the least and the greatest value it may have."""


class Contract:
    """A compiled contract.

    Args:
        schema: a good JSON Schema (``_json_schema.problems`` finds nothing), with Decimals.
        uri: its own address, for references to its neighbours.
        retrieve: gives the schemas it refers to.
    """

    def __init__(self, schema: Any, uri: str, retrieve: Callable[[str], Any]) -> None:
        import jsonschema_rs

        def compiled(form: Any, mask: str | None = None) -> Any:
            return jsonschema_rs.validator_for(
                form, retriever=retrieve, base_uri=BASE + uri, validate_formats=True, mask=mask
            )

        self._schema = schema
        relaxed, self._bounds = _without_bounds(schema)
        quick = compiled(relaxed)
        self._is_valid = quick.is_valid
        self._exact = compiled(schema) if self._bounds else quick
        self._silent = compiled(schema, _HIDDEN)

    def recogniser(self, limits: Limits) -> Recogniser:
        """Recognises good records by their layout, once it has seen some."""
        # where an operator allows less than an expression lets through, it must not decide
        usual = limits.integer_digits >= EXACT_DIGITS and limits.decimal_exponent >= 2 * EXACT_DIGITS
        return Recogniser(self._schema if usual and limits.json_items >= limits.record_bytes else False)

    def accepts(self, record: Any) -> bool:
        """Whether the record certainly keeps to the contract; decimals may be floats as
        :meth:`gate.evidence.json_lines.RecordReader.quick` gives them."""
        if not self._is_valid(record):
            return False
        for parts, name, least, greatest in self._bounds:
            value = record
            for part in parts:
                value = value.get(part) if value.__class__ is dict else None
            value = value.get(name) if value.__class__ is dict else None
            if (value.__class__ is float or value.__class__ is int) and not least <= value <= greatest:
                return False
        return True

    def violations(self, record: Any, size: int) -> list[Violation]:
        """Where the record breaks the contract, sorted; nothing where it keeps to it.

        Args:
            record: with Decimals.
            size: its length in bytes.
        """
        if self._exact.is_valid(record):
            return []
        found = zip(
            self._errors(self._exact, record, size), self._errors(self._silent, record, size), strict=True
        )
        result = [_violation(plain, silent) for plain, silent in found]
        return sorted(result, key=lambda one: (one.pointer, one.rule, one.message))

    @staticmethod
    def _errors(validator: Any, record: Any, size: int) -> Iterable[Any]:
        import jsonschema_rs

        if size <= _ALL_BELOW_BYTES:
            errors: Iterable[Any] = validator.iter_errors(record)
            return errors
        try:
            validator.validate(record)
        except jsonschema_rs.ValidationError as error:
            return [error]
        return []


def _violation(plain: Any, silent: Any) -> Violation:
    pointer = format_pointer(plain.instance_path)
    # a container would be quoted with everything in it
    hide = isinstance(plain.instance, (dict, list)) or "account" in pointer.lower()
    message = silent.message if hide else plain.message
    return Violation(shorten(masked(pointer)), format_pointer(plain.schema_path), shorten(masked(message)))


def _without_bounds(schema: Any) -> tuple[Any, tuple[_Interval, ...]]:
    """The schema without the bounds that can be compared as floats, and these bounds."""
    for _, inner in walk(schema):
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if keyword in inner and not str(inner[keyword]).startswith(_LOCAL):
                return schema, ()
    found: list[_Interval] = []
    return _strip(schema, (), found), tuple(found)


def _strip(schema: Any, parts: tuple[str, ...], found: list[_Interval]) -> Any:
    if not isinstance(schema, dict):
        return schema
    result = dict(schema)
    limits = {keyword: schema[keyword] for keyword in _BOUNDS if _as_float(schema.get(keyword))}
    # in draft 4 a boolean here changes the meaning of the other keywords
    if parts and limits and not any(isinstance(schema.get(keyword), bool) for keyword in _BOUNDS):
        least, greatest = -math.inf, math.inf
        for keyword, limit in limits.items():
            del result[keyword]
            match keyword:
                case "minimum":
                    least = max(least, float(limit))
                case "maximum":
                    greatest = min(greatest, float(limit))
                case "exclusiveMinimum":
                    least = max(least, math.nextafter(limit, math.inf))
                case _:
                    greatest = min(greatest, math.nextafter(limit, -math.inf))
        found.append((parts[:-1], parts[-1], least, greatest))
    if isinstance(inner := schema.get("properties"), dict):
        result["properties"] = {name: _strip(member, (*parts, name), found) for name, member in inner.items()}
    return result


def _as_float(limit: Any) -> bool:
    """Whether a bound has decimals and compares with floats as it does exactly."""
    if not isinstance(limit, Decimal) or abs(limit) >= 10**EXACT_DIGITS:
        return False
    return len(limit.as_tuple().digits) <= EXACT_DIGITS
