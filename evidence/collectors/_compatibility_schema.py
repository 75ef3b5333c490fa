"""Schemas as the comparison of two versions reads them: places in documents, references followed, drafts
levelled.

Keywords by draft: https://json-schema.org/draft/2020-12/release-notes and those of the drafts before. What a
draft does not know says nothing there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import quote, unquote, urljoin

from ._json_schema import BASE, DRAFTS, draft, escape, identity, walk

Json = Any
INTEGER, FRACTION, STRING, NULL, BOOLEAN, OBJECT, ARRAY = (
    "integer", "fraction", "string", "null", "boolean", "object", "array",
)  # fmt: skip
ALL_TYPES = frozenset({INTEGER, FRACTION, STRING, NULL, BOOLEAN, OBJECT, ARRAY})
NUMBERS = frozenset({INTEGER, FRACTION})
_YEARS = {"draft 4": 4, "draft 6": 6, "draft 7": 7, "2019-09": 2019, "2020-12": 2020}
_SINCE = {
    "const": 6, "contains": 6, "propertyNames": 6, "if": 7, "then": 7, "else": 7, "dependentRequired": 2019,
    "dependentSchemas": 2019, "minContains": 2019, "maxContains": 2019, "unevaluatedItems": 2019,
    "unevaluatedProperties": 2019, "prefixItems": 2020, "$dynamicRef": 2020, "$recursiveRef": 2019,
}  # fmt: skip
_UNTIL = {"additionalItems": 2019, "$recursiveRef": 2019}
_BY_DATA = ("anyOf", "oneOf", "if", "then", "else", "dependentSchemas", "not")
"""Keywords that make what is evaluated depend on the data."""


def year(schema: Json, otherwise: int = 2020) -> int:
    """The draft a document is written in, as a number that grows: 4, 6, 7, 2019, 2020."""
    return _YEARS.get(DRAFTS.get((draft(schema) or "").removesuffix("#"), ""), otherwise)


def key_of(value: Json) -> Json:
    """A hashable key, equal for values that JSON Schema takes for equal: ``1`` and ``1.0``, not ``true``."""
    if isinstance(value, dict):
        return ("object", frozenset((name, key_of(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(key_of(item) for item in value))
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return ("number", Fraction(value))
    return (type(value).__name__, value)


def type_of(value: Json) -> str:
    """Which of :data:`ALL_TYPES` a value is."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, (int, float, Decimal)):
        return INTEGER if Fraction(value).denominator == 1 else FRACTION
    return STRING if isinstance(value, str) else ARRAY if isinstance(value, list) else OBJECT


class Version:
    """One version of all schema files.

    Args:
        documents: the schema files by path.
        others: gives a further file of that version by its path, or None.
        years: the draft of a file that states none.
    """

    def __init__(
        self,
        documents: Mapping[str, Json],
        others: Callable[[str], Json | None] = lambda _path: None,
        years: Mapping[str, int] | None = None,
    ) -> None:
        self.documents = dict(documents)
        self._others = others
        self._years = dict(years or {})
        self._names = {name: path for path, doc in self.documents.items() if (name := identity(doc))}
        self._validators: dict[tuple[str, str, bool], Any] = {}
        self._ambiguous: dict[str, bool] = {}
        self.old = False

    def root(self, path: str) -> Place:
        """The file's outermost schema."""
        document = self.documents[path]
        return Place(self, path, "", document, year(document, self._years.get(path, 2020)))

    def _document(self, path: str) -> Json | None:
        if path not in self.documents:
            found = self._others(path)
            if found is None:
                return None
            self.documents[path] = found
        return self.documents[path]

    def resolve(self, place: Place, target: str) -> Place | None:
        """Where a reference leads; None when it leads nowhere, or that cannot be told."""
        document = self.documents[place.path]
        name, _, fragment = target.partition("#")
        path: str | None = place.path
        if place.path not in self._ambiguous:
            self._ambiguous[place.path] = _nested_names(document)
        if self._ambiguous[place.path]:
            return None  # references may be relative to any of the names within
        if name:
            own = identity(document)
            base = own if own and ":" in own else _JOINABLE + place.path
            uri = urljoin(base, name)
            path = self._names.get(uri) or self._names.get(name)
            if path is None and uri.startswith(_JOINABLE):
                path = unquote(uri.removeprefix(_JOINABLE))
        target_document = None if path is None else self._document(path)
        if path is None or target_document is None:
            return None
        fragment = unquote(fragment)
        pointer = fragment if fragment.startswith("/") or not fragment else _anchor(target_document, fragment)
        found = _follow(target_document, pointer) if pointer is not None else None
        if pointer is None or not isinstance(found, (dict, bool)):
            return None
        return Place(self, path, pointer, found, year(target_document, self._years.get(path, 2020)))

    def reached(self, path: str) -> dict[str, Json]:
        """The file and all files it refers to, directly or through others, by path."""
        found: dict[str, Json] = {}
        pending = [self.root(path)]
        while pending:
            root = pending.pop()
            if root.path in found:
                continue
            found[root.path] = root.schema
            for _, item in walk(root.schema):
                for target in {item.get("$ref"), item.get("$dynamicRef")}:
                    place = self.resolve(root, target) if isinstance(target, str) else None
                    if place is not None and place.path not in found:
                        pending.append(self.root(place.path))
        return found

    def accepts(self, place: Place, value: Json, *, formats: bool) -> bool | None:
        """Whether a value is valid at a place, as the validator says; None when it cannot be used there.

        Args:
            place: a schema of this version.
            value: the value.
            formats: whether ``format`` counts.
        """
        import jsonschema_rs

        stated = next(uri for uri, name in DRAFTS.items() if _YEARS[name] == place.year)

        def retrieve(uri: str) -> Any:
            name = uri.partition("#")[0]
            path = self._names.get(name, unquote(name.removeprefix(BASE)))
            document = self._document(path)
            if document is None:
                raise LookupError(name)
            return {"$schema": stated, **document} if isinstance(document, dict) else document

        at = (place.path, place.pointer, formats)
        try:
            if at not in self._validators:
                schema = place.schema
                if not isinstance(schema, bool):
                    schema = {
                        "$schema": stated,
                        "$ref": f"{BASE}{_quoted(place.path)}#{_quoted(place.pointer)}",
                    }
                self._validators[at] = jsonschema_rs.validator_for(
                    schema, retriever=retrieve, validate_formats=formats
                )
            return bool(self._validators[at].is_valid(value))
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, RecursionError, ValueError):
            return None


_JOINABLE = "http://workspace.invalid/"
"""Stands for :data:`BASE` where URIs are joined; :func:`urllib.parse.urljoin` joins known schemes only."""


def _quoted(text: str) -> str:
    return quote(text, safe="/~")


def _nested_names(document: Json) -> bool:
    names = [item.get("$id", item.get("id")) for pointer, item in walk(document) if pointer]
    return any(isinstance(name, str) and not name.startswith("#") for name in names)


def _anchor(document: Json, name: str) -> str | None:
    for pointer, item in walk(document):
        if name in (item.get("$anchor"), item.get("$dynamicAnchor")) or f"#{name}" in (
            item.get("$id"), item.get("id"),
        ):  # fmt: skip
            return pointer
    return None


def _follow(document: Json, pointer: str) -> Json:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict):
            document = document.get(name)
        else:
            return None
    return document


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A schema somewhere in a file; without a version, one that the comparison made up."""

    version: Version | None
    path: str
    pointer: str
    schema: Json
    year: int

    @property
    def key(self) -> Json:
        """Equal for the same place."""
        return (id(self.version), self.path, self.pointer) if self.version else repr(self.schema)

    def below(self, *parts: object) -> Place:
        """The schema at a keyword of this one."""
        schema = self.schema
        for part in parts:
            schema = schema[part]
        return Place(self.version, self.path, self.at(*parts), schema, self.year)

    def at(self, *parts: object) -> str:
        """The pointer of something in this schema."""
        return self.pointer + "".join(f"/{escape(part)}" for part in parts)


def made_up(schema: Json) -> Place:
    """A schema that stands in no file."""
    return Place(None, "", "", schema, 2020)


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


def conjuncts(places: Sequence[Place], known: frozenset[Json] = frozenset()) -> list[Conjunct]:
    """Everything that data valid at all these places satisfies, one object of keywords after the other.

    Args:
        places: the schemas.
        known: keys of places that are left out: those that this is asked within.
    """
    found: list[Conjunct] = []
    seen: set[Json] = set(known)
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
            if conjunct.words.pop(keyword, True) is not True:
                found += _unevaluated(conjunct, keyword, conjuncts(inner, known | {place.key}))
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
    if any(part.further() for part in everything):
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
