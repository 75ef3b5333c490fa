"""The schema files of one version, places in them, and where references lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import unquote, urljoin

from ...shared.json_schema import DRAFTS, draft, escape, identity, walk

Json = Any
_YEARS = {"draft 4": 4, "draft 6": 6, "draft 7": 7, "2019-09": 2019, "2020-12": 2020}
_JOINABLE = "http://workspace.invalid/"
"""Stands for the workspace where URIs are joined; :func:`urllib.parse.urljoin` joins known schemes only."""


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


def well_formed(schema: Json, otherwise: int) -> bool:
    """Whether a document keeps to its draft; to the other one when it states none."""
    import jsonschema_rs

    written = year(schema, otherwise)
    stated = next(uri for uri, name in DRAFTS.items() if _YEARS[name] == written)
    document = {**schema, "$schema": stated} if isinstance(schema, dict) else schema
    return bool(jsonschema_rs.meta.is_valid(document))


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A schema somewhere in a file.

    Attributes:
        version: the version of the files.
        path: the file.
        pointer: JSON pointer into it.
        schema: what stands there.
        year: the draft that it is read in.
        stated: whether it really stands there; an absent keyword is compared as the schema that it means.
    """

    version: Version
    path: str
    pointer: str
    schema: Json
    year: int
    stated: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Equal for the same place of one version."""
        return self.path, self.pointer

    def below(self, *parts: object) -> Place:
        """The schema at a keyword of this one; the empty schema where there is none."""
        schema = self.schema
        for part in parts:
            if isinstance(part, str) and (isinstance(schema, bool) or part not in schema):
                return Place(self.version, self.path, self.at(*parts), {}, self.year, stated=False)
            schema = schema[part]
        return Place(self.version, self.path, self.at(*parts), schema, self.year)

    def at(self, *parts: object) -> str:
        """The pointer of something in this schema."""
        return self.pointer + "".join(f"/{escape(part)}" for part in parts)

    def target(self) -> Place | None:
        """Where the reference at this place leads; None when that cannot be told."""
        stated = self.schema.get("$ref")
        return self.version.resolve(self, stated) if isinstance(stated, str) else None


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
        self._own = tuple(documents)
        self._others = others
        self._years = dict(years or {})
        self._names = {name: path for path, doc in self.documents.items() if (name := identity(doc))}
        self._nested: dict[str, bool] = {}
        self._anchors: dict[str, dict[str, str]] = {}
        self._usable: dict[tuple[str, str], bool] = {}

    def root(self, path: str) -> Place:
        """The file's outermost schema."""
        document = self.documents[path]
        return Place(self, path, "", document, year(document, self._years.get(path, 2020)))

    def resolve(self, place: Place, target: str) -> Place | None:
        """Where a reference leads; None when it leads nowhere, or that cannot be told."""
        path = None if self._has_names_within(place.path) else self._file(place.path, target)
        if path is None:
            return None
        root = self.root(path)
        fragment = unquote(target.partition("#")[2])
        pointer = fragment if fragment.startswith("/") or not fragment else self._anchor(path, fragment)
        if pointer is None:
            return None
        found = _follow(root.schema, pointer)
        if (path, pointer) not in self._usable:  # it may stand where no draft looks for a schema
            self._usable[path, pointer] = isinstance(found, (dict, bool)) and well_formed(found, root.year)
        return Place(self, path, pointer, found, root.year) if self._usable[path, pointer] else None

    def reached(self, path: str) -> dict[str, Json]:
        """The file and all files it refers to, directly or through others, by path."""
        found: dict[str, Json] = {}
        pending = [path]
        while pending:
            path = pending.pop()
            if path in found:
                continue
            found[path] = self.documents[path]
            if self._has_names_within(path):
                pending += self._own  # any of them may be meant
            for _, item in walk(found[path]):
                for target in (item.get("$ref"), item.get("$dynamicRef")):
                    other = self._file(path, target) if isinstance(target, str) else None
                    pending += [] if other is None else [other]
        return found

    def _file(self, path: str, target: str) -> str | None:
        """The file that a reference in another one leads to; None when there is none."""
        name = target.partition("#")[0]
        if name:
            own = identity(self.documents[path])
            uri = urljoin(own if own and ":" in own else _JOINABLE + path, name)
            path = self._names.get(uri) or self._names.get(name) or ""
            if not path and uri.startswith(_JOINABLE):
                path = unquote(uri.removeprefix(_JOINABLE))
        if path not in self.documents:
            further = self._others(path) if path else None
            if further is None:
                return None
            self.documents[path] = further
        return path

    def _anchor(self, path: str, name: str) -> str | None:
        if path not in self._anchors:
            known = self._anchors[path] = {}
            for pointer, item in walk(self.documents[path]):
                names = [item.get("$anchor"), item.get("$dynamicAnchor")]
                names += [one[1:] for one in (item.get("$id"), item.get("id"))
                          if isinstance(one, str) and one.startswith("#")]  # fmt: skip
                known |= {one: pointer for one in names if isinstance(one, str) and one not in known}
        return self._anchors[path].get(name)

    def _has_names_within(self, path: str) -> bool:
        """Whether schemas inside of the file have an ``$id``: references may be relative to any of these."""
        if path not in self._nested:
            inner = [item for pointer, item in walk(self.documents[path]) if pointer]
            names = [item.get("$id", item.get("id")) for item in inner]
            self._nested[path] = any(isinstance(one, str) and not one.startswith("#") for one in names)
        return self._nested[path]


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
