"""A schema's keywords as the comparison of two versions reads them, the same for every draft.

Keywords by draft: https://json-schema.org/draft/2020-12/release-notes and those of the drafts before. What a
draft does not know says nothing there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from .schema import ALL_TYPES, NUMBERS, Json, Place

_SINCE = {
    "const": 6, "contains": 6, "propertyNames": 6, "if": 7, "then": 7, "else": 7, "dependentRequired": 2019,
    "dependentSchemas": 2019, "minContains": 2019, "maxContains": 2019, "unevaluatedItems": 2019,
    "unevaluatedProperties": 2019, "prefixItems": 2020, "$dynamicRef": 2020, "$recursiveRef": 2019,
}  # fmt: skip
_UNTIL = {"additionalItems": 2019, "$recursiveRef": 2019}
_BY_DATA = ("anyOf", "oneOf", "if", "then", "else", "dependentSchemas", "not")
"""Keywords that make what is evaluated depend on the data."""


@dataclass(slots=True)
class Conjunct:
    """One object of keywords that data must satisfy, references and ``allOf`` taken out.

    Attributes:
        place: where it stands.
        words: its keywords, as far as its draft knows them.
        opaque: keywords whose meaning cannot be told from here.
        never: it is the schema ``false``.
        further_word: the keyword for properties that nothing else describes.
        exempt_names: properties that are described elsewhere, and so none of these.
        exempt_patterns: patterns of such properties.
    """

    place: Place
    words: dict[str, Json]
    opaque: list[str] = field(default_factory=list)
    never: bool = False
    further_word: str = "additionalProperties"
    exempt_names: frozenset[str] = frozenset()
    exempt_patterns: frozenset[str] = frozenset()

    def places(self, keyword: str) -> list[Place]:
        """The members of a keyword whose value is a list of schemas."""
        return [self.place.below(keyword, index) for index in range(len(self.words.get(keyword, ())))]

    def lower(self) -> list[tuple[Fraction, bool, str]]:
        """Lower bounds: value, whether the bound itself is excluded, keyword."""
        return self._bounds("minimum", "exclusiveMinimum")

    def upper(self) -> list[tuple[Fraction, bool, str]]:
        """Upper bounds, as :meth:`lower`."""
        return self._bounds("maximum", "exclusiveMaximum")

    def _bounds(self, keyword: str, exclusive: str) -> list[tuple[Fraction, bool, str]]:
        found = []
        stated = self.words.get(exclusive)
        if keyword in self.words:
            found.append((Fraction(self.words[keyword]), stated is True, keyword))
        if stated is not None and not isinstance(stated, bool):
            found.append((Fraction(stated), True, exclusive))
        return found

    def types(self) -> frozenset[str]:
        """The types this conjunct permits, as far as ``type`` says."""
        stated = self.words.get("type")
        if stated is None:
            return ALL_TYPES
        names = set(stated if isinstance(stated, list) else [stated])
        return frozenset(names - {"number"} | (NUMBERS if "number" in names else set()))

    def values(self) -> list[Json] | None:
        """The values this conjunct is limited to by ``enum`` and ``const``; None without these."""
        if "const" in self.words:
            return [self.words["const"]]
        found = self.words.get("enum")
        return found if isinstance(found, list) else None

    def names(self) -> frozenset[str]:
        """The properties it names."""
        return self.exempt_names | set(self.words.get("properties", ()))

    def patterns(self) -> frozenset[str]:
        """The patterns of properties it names."""
        return self.exempt_patterns | set(self.words.get("patternProperties", ()))

    def for_pattern(self, pattern: str) -> list[Place]:
        """The schema of properties that match one of its patterns."""
        if pattern not in self.words.get("patternProperties", ()):
            return []
        return [self.place.below("patternProperties", pattern)]

    def for_property(self, name: str, matches: Callable[[str, str], bool]) -> list[Place]:
        """The schemas a property of that name has to satisfy."""
        matched = [pattern for pattern in self.patterns() if matches(pattern, name)]
        if name not in self.names() and not matched:
            return self.further()
        own = [self.place.below("properties", name)] if name in self.words.get("properties", ()) else []
        return own + [place for pattern in sorted(matched) for place in self.for_pattern(pattern)]

    def further(self) -> list[Place]:
        """The schema of properties that nothing else describes; empty when anything goes."""
        return [self.place.below(self.further_word)] if self.further_word in self.words else []

    def prefix(self) -> tuple[str, int]:
        """The keyword with one schema per position, and how many it has."""
        keyword = "prefixItems" if self.place.year >= 2020 else "items"
        members = self.words.get(keyword)
        return keyword, len(members) if isinstance(members, list) else 0

    def for_item(self, index: int | None) -> list[Place]:
        """The schemas of the item at a position; None for all positions that have no schema of their own."""
        keyword, count = self.prefix()
        if index is not None and index < count:
            return [self.place.below(keyword, index)]
        after = "items"
        if self.place.year < 2020 and isinstance(self.words.get("items"), list):
            after = "additionalItems"
        return [self.place.below(after)] if after in self.words else []

    def dependencies(self) -> Iterator[tuple[str, str, Json]]:
        """Keyword, property, and what must hold when it is there: a list of names or a schema."""
        for keyword in ("dependencies", "dependentRequired", "dependentSchemas"):
            for name, demand in self.words.get(keyword, {}).items():
                yield keyword, name, demand


def conjuncts(places: Sequence[Place], *, whole: bool = True) -> list[Conjunct]:
    """Everything that data valid at all these places satisfies, one object of keywords after the other.

    Args:
        places: the schemas.
        whole: whether ``unevaluated…`` is taken apart too, which takes a look at everything beside it.
    """
    found: list[Conjunct] = []
    seen: set[Json] = set()
    pending = list(reversed(places))
    while pending:
        place = pending.pop()
        if place.key in seen:
            continue
        seen.add(place.key)
        if isinstance(place.schema, bool):
            if not place.schema:
                found.append(Conjunct(place, {}, never=True))
            continue
        conjunct = Conjunct(place, _known(place))
        inner = [place.below("allOf", index) for index in range(len(conjunct.words.pop("allOf", ())))]
        target = conjunct.words.pop("$ref", None)
        if target is not None:
            resolved = None
            if place.version is not None and isinstance(target, str):
                resolved = place.version.resolve(place, target)
            if resolved is None:
                conjunct.opaque.append("$ref")
            else:
                inner.append(resolved)
        for keyword in ("$dynamicRef", "$recursiveRef", "dependencies"):
            if keyword in conjunct.words and (keyword != "dependencies" or place.year >= 2019):
                del conjunct.words[keyword]
                conjunct.opaque.append(keyword)
        found.append(conjunct)
        for keyword in ("unevaluatedProperties", "unevaluatedItems"):
            if whole and conjunct.words.pop(keyword, True) is not True:
                found += _unevaluated(conjunct, keyword, conjuncts(inner, whole=False))
        pending.extend(reversed(inner))
    return found


def _known(place: Place) -> dict[str, Json]:
    schema = place.schema
    if place.year <= 7 and isinstance(schema.get("$ref"), str):
        return {"$ref": schema["$ref"]}  # what stands beside it says nothing there
    return {
        word: value
        for word, value in schema.items()
        if _SINCE.get(word, 0) <= place.year <= _UNTIL.get(word, 9999)
    }


def _unevaluated(conjunct: Conjunct, keyword: str, inner: list[Conjunct]) -> list[Conjunct]:
    """``unevaluated…`` as what it amounts to; opaque where that depends on the data."""
    everything = [conjunct, *inner]
    place = conjunct.place
    if keyword == "unevaluatedItems" or any(
        part.opaque or any(word in part.words for word in _BY_DATA) for part in everything
    ):
        return [Conjunct(place, {}, [keyword])]
    if any(part.further() or keyword in part.words for part in everything):
        return []
    return [
        Conjunct(
            place,
            {keyword: place.schema[keyword]},
            further_word=keyword,
            exempt_names=frozenset(name for part in everything for name in part.names()),
            exempt_patterns=frozenset(pattern for part in everything for pattern in part.patterns()),
        )
    ]
