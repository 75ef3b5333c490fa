"""What is certain of data that is valid under a schema, as far as its keywords say it directly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from .parts import Conjunct, conjuncts
from .schema import (
    ALL_TYPES,
    BOOLEAN,
    INTEGER,
    NULL,
    NUMBERS,
    OBJECT,
    Json,
    Place,
    key_of,
    type_of,
)

Bound = tuple[Fraction, bool]
MOST_VALUES = 1000
"""Values tried one by one; longer enumerations are compared as sets."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A keyword that says: one of these.

    Attributes:
        key: which one.
        branches: data satisfies all places of at least one.
        test: for ``if``: data that satisfies it is in the first branch.
    """

    key: Json
    branches: tuple[tuple[Place, ...], ...]
    test: Place | None = None


@dataclass(slots=True)
class Known:
    """What data valid at all the places satisfies.

    Attributes:
        places: the schemas.
        parts: their keywords.
        types: the types such data may have.
        values: all values that it can be, or more; None when these are not listed.
    """

    places: tuple[Place, ...]
    parts: list[Conjunct] = field(init=False)
    types: frozenset[str] = field(init=False)
    values: list[Json] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.parts = conjuncts(self.places)
        self.types = frozenset.intersection(ALL_TYPES, *(part.types() for part in self.parts))
        if any(part.never for part in self.parts):
            self.types = frozenset()
        listed = [values for part in self.parts if (values := part.values()) is not None]
        if listed:
            keys = [{key_of(value) for value in values} for values in listed]
            self.values = [
                value
                for value in listed[0]
                if type_of(value) in self.types and all(key_of(value) in known for known in keys)
            ]
            self.types = frozenset(type_of(value) for value in self.values)
        elif self.types <= {NULL, BOOLEAN}:
            self.values = [value for value in (None, False, True) if type_of(value) in self.types]

    @property
    def empty(self) -> bool:
        """Whether nothing at all is valid, as far as that is plain to see."""
        if not self.types:
            return True
        lower, upper = self.lower(), self.upper()
        if not self.types <= NUMBERS or lower is None or upper is None:
            return False
        if lower[0] == upper[0]:
            return lower[1] or upper[1]
        return lower[0] > upper[0]

    def lower(self) -> Bound | None:
        """The tightest lower bound, and whether it is itself excluded; whole numbers where only these are."""
        bounds = [(value, excluded) for part in self.parts for value, excluded, _ in part.lower()]
        if not bounds:
            return None
        value, excluded = max(bounds)
        if self.types <= {INTEGER}:
            return Fraction(math.floor(value) + 1 if excluded else math.ceil(value)), False
        return value, excluded

    def upper(self) -> Bound | None:
        """The tightest upper bound, as :meth:`lower`."""
        bounds = [(-value, excluded) for part in self.parts for value, excluded, _ in part.upper()]
        if not bounds:
            return None
        value, excluded = max(bounds)
        if self.types <= {INTEGER}:
            return Fraction(-(math.floor(value) + 1 if excluded else math.ceil(value))), False
        return -value, excluded

    def least(self, word: str) -> int:
        """The largest of a ``min…`` keyword that is not about the value itself."""
        return max((int(part.words[word]) for part in self.parts if word in part.words), default=0)

    def most(self, word: str) -> int | None:
        """The smallest of a ``max…`` keyword; None without it."""
        return min((int(part.words[word]) for part in self.parts if word in part.words), default=None)

    def stated(self, word: str) -> list[Json]:
        """The values of a keyword wherever it stands."""
        return [part.words[word] for part in self.parts if word in part.words]

    def required(self) -> frozenset[str]:
        """The properties that are always there."""
        return frozenset(
            name for names in self.stated("required") if isinstance(names, list) for name in names
        )

    def names(self) -> frozenset[str]:
        """The properties that are named."""
        return frozenset(name for part in self.parts for name in part.names())

    def for_property(self, name: str) -> tuple[Place, ...]:
        """The schemas a property of that name satisfies."""
        return tuple(place for part in self.parts for place in part.for_property(name, matches))

    def for_item(self, index: int | None) -> tuple[Place, ...]:
        """The schemas the item at that position satisfies."""
        return tuple(place for part in self.parts for place in part.for_item(index))

    def further(self, *, loose: bool = False) -> tuple[Place, ...]:
        """The schemas of properties that nothing describes.

        Args:
            loose: only of conjuncts without patterns, so that they hold for names that match some pattern.
        """
        return tuple(
            place for part in self.parts if not (loose and part.patterns()) for place in part.further()
        )

    def choices(self, used: frozenset[Json]) -> list[Choice]:
        """The alternatives that were not taken apart yet."""
        found = []
        for part in self.parts:
            for keyword in ("anyOf", "oneOf"):
                if keyword in part.words:
                    branches = tuple((place,) for place in part.places(keyword))
                    found.append(Choice((part.place.key, keyword), branches))
            if "if" in part.words and {"then", "else"} & part.words.keys():
                then = tuple(part.place.below(word) for word in ("if", "then") if word in part.words)
                otherwise = (part.place.below("else"),) if "else" in part.words else ()
                found.append(Choice((part.place.key, "if"), (then, otherwise), part.place.below("if")))
        return [choice for choice in found if choice.key not in used]


def disjoint(one: Known, other: Known, depth: int = 2) -> bool:
    """Whether it is plain that no data satisfies both."""
    if one.empty or other.empty:
        return True
    shared = one.types & other.types
    if not shared:
        return True
    if one.values is not None and other.values is not None:
        return not {key_of(value) for value in one.values} & {key_of(value) for value in other.values}
    if shared != {OBJECT} or depth == 0:
        return False
    return any(
        disjoint(Known(one.for_property(name)), Known(other.for_property(name)), depth - 1)
        for name in sorted(one.required() | other.required())
    )


@lru_cache(maxsize=4096)
def matches(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern, as the validator has it; its search is bounded."""
    import jsonschema_rs

    try:
        return bool(jsonschema_rs.is_valid({"pattern": pattern}, name))
    except (jsonschema_rs.ValidationError, ValueError):
        return False


def same_places(one: Sequence[Place], other: Sequence[Place]) -> bool:
    """Whether the schemas are the same text, without references that may lead elsewhere."""
    return (
        len(one) == len(other) == 1 and one[0].year == other[0].year and _same(one[0].schema, other[0].schema)
    )


def _same(one: Json, other: Json) -> bool:
    pending = [(one, other)]
    while pending:
        left, right = pending.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys() or {"$ref", "$dynamicRef", "$recursiveRef"} & left.keys():
                return False
            pending.extend((left[name], right[name]) for name in left)
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            pending.extend(zip(left, right, strict=True))
        elif key_of(left) != key_of(right):
            return False
    return True
