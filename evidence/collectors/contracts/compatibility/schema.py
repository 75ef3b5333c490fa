"""Versions of schema files, places in them, and where references lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import quote, unquote, urljoin

from ...shared.json_schema import BASE, DRAFTS, draft, escape, identity, walk

Json = Any
INTEGER, FRACTION, STRING, NULL, BOOLEAN, OBJECT, ARRAY = (
    "integer", "fraction", "string", "null", "boolean", "object", "array",
)  # fmt: skip
ALL_TYPES = frozenset({INTEGER, FRACTION, STRING, NULL, BOOLEAN, OBJECT, ARRAY})
NUMBERS = frozenset({INTEGER, FRACTION})
_YEARS = {"draft 4": 4, "draft 6": 6, "draft 7": 7, "2019-09": 2019, "2020-12": 2020}


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
        self._costs: dict[tuple[Json, bool], int] = {}
        self._targets: dict[tuple[str, str], bool] = {}
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
        written = year(target_document, self._years.get(path, 2020))
        if pointer is None or not self._usable(path, pointer, found, written):
            return None
        return Place(self, path, pointer, found, written)

    def _cost(self, place: Place, deep: bool, depth: int) -> int:
        """Ways the validator may take through the schema for one value, and for its parts if ``deep``."""
        at = (place.key, deep)
        if at in self._costs or depth > _MOST_NESTED:
            return self._costs.get(at, _MOST_PATHS)
        if not isinstance(place.schema, dict):
            return 1
        self._costs[at] = _MOST_PATHS  # for whoever comes back here
        inner: list[Place | None] = []
        for word, value in place.schema.items():
            if word in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(value, str):
                inner.append(self.resolve(place, value) if word == "$ref" else None)
            elif word in _HERE or (deep and word in _WITHIN):
                inner += [place.below(word, *part) for part in _members(word, value)]
        costs = [_MOST_PATHS if one is None else self._cost(one, deep, depth + 1) for one in inner]
        self._costs[at] = min(_MOST_PATHS, 1 + sum(costs))
        return self._costs[at]

    def _uri_of(self, path: str) -> str:
        """The URI that references in the file are relative to."""
        own = identity(self.documents[path])
        return own if own is not None and self._names.get(own) == path else BASE + _quoted(path)

    def _usable(self, path: str, pointer: str, schema: Json, written: int) -> bool:
        """Whether what a reference leads to is a schema: it may stand where no draft looks for one."""
        if (path, pointer) not in self._targets:
            self._targets[path, pointer] = isinstance(schema, (dict, bool)) and well_formed(schema, written)
        return self._targets[path, pointer]

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

        A schema whose references branch so often that the validator might not come to an end is not tried.

        Args:
            place: a schema of this version.
            value: the value.
            formats: whether ``format`` counts.
        """
        import jsonschema_rs

        if self._cost(place, isinstance(value, (dict, list)), 0) >= _MOST_PATHS:
            return None
        stated = _uri(place.year)

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
                        "$ref": f"{self._uri_of(place.path)}#{_quoted(place.pointer)}",
                    }
                self._validators[at] = jsonschema_rs.validator_for(
                    schema, retriever=retrieve, validate_formats=formats
                )
            return bool(self._validators[at].is_valid(value))
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, RecursionError, ValueError):
            return None


_MOST_PATHS = 10_000
_MOST_NESTED = 100
_HERE = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependencies", "dependentSchemas"}
)
_WITHIN = frozenset(
    {
        "additionalItems", "additionalProperties", "contains", "items", "patternProperties", "prefixItems",
        "properties", "propertyNames", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
_NAMED = frozenset({"dependencies", "dependentSchemas", "patternProperties", "properties"})


def _members(word: str, value: Json) -> list[tuple[Json, ...]]:
    """Where the schemas of a keyword are, below it."""
    if isinstance(value, list):
        return [(index,) for index in range(len(value))]
    if word in _NAMED and isinstance(value, dict):
        return [(name,) for name, one in value.items() if isinstance(one, (dict, bool))]
    return [()]


_JOINABLE = "http://workspace.invalid/"
"""Stands for :data:`BASE` where URIs are joined; :func:`urllib.parse.urljoin` joins known schemes only."""


def _uri(written: int) -> str:
    return next(uri for uri, name in DRAFTS.items() if _YEARS[name] == written)


def well_formed(schema: Json, otherwise: int) -> bool:
    """Whether a document keeps to its draft; to the other one when it states none."""
    import jsonschema_rs

    stated = _uri(year(schema, otherwise))
    document = {**schema, "$schema": stated} if isinstance(schema, dict) else schema
    return bool(jsonschema_rs.meta.is_valid(document))


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
