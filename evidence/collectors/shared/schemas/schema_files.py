"""The JSON Schemas of a workspace as one set: where references between them lead, and their validators.

A reference leads to another place in its file, to a file by relative path, or to one by its ``$id``; never to
the network, and never out of the workspace.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from ....base.contracts import MASK
from ..pointer import Absent, NoIndex, parse_pointer, resolve
from .json_schema import DRAFTS, draft, identity, walk

Json = Any
_BASE = "http://workspace.invalid/"
"""Stands for the workspace in URIs; :func:`urllib.parse.urljoin` joins known schemes only."""
_META = ("http://json-schema.org/draft-", "https://json-schema.org/draft/")


class SchemaFiles:
    """The schema files of one version of the workspace.

    Args:
        documents: the schema files by path.
        others: gives a further file of that version by its path; None where there is none.
    """

    def __init__(
        self, documents: Mapping[str, Json], others: Callable[[str], Json | None] = lambda _path: None
    ) -> None:
        self.documents = dict(documents)
        self.own = tuple(documents)
        self._others = others
        self._names: dict[str, str] = {}
        for path in self.own:
            self._names.setdefault(self._base(path), path)
        self._nested: dict[str, bool] = {}
        self._anchors: dict[str, dict[str, str]] = {}

    def _base(self, path: str) -> str:
        return urljoin(_BASE + quote(path), identity(self.documents[path]) or "")

    def namesake(self, path: str) -> str | None:
        """The file's ``$id``, where an earlier file has it already."""
        base = self._base(path)
        return None if self._names.get(base, path) == path else base.removeprefix(_BASE)

    def file(self, path: str, reference: str) -> str | None:
        """The file that a reference in another one leads to; None where there is none."""
        name = reference.partition("#")[0]
        if not name:
            return path
        uri = urljoin(self._base(path), name)
        found = self._names.get(uri) or self._names.get(name)
        if found is not None:
            return found
        if uri.startswith(_BASE):
            found = unquote(uri.removeprefix(_BASE))
            return found if self._known(found) else None
        here, there = urlsplit(self._base(path)).path, urlsplit(uri).path
        if not (here.startswith("/") and there.startswith("/")):
            return None
        # a file whose `$id` is that URI, where it lies beside this one as its `$id` lies beside this one's
        aside = posixpath.relpath(there, posixpath.dirname(here))
        found = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(aside)))
        return found if self._known(found) and self._base(found) == uri else None

    def _known(self, path: str) -> bool:
        if path not in self.documents:
            document = self._others(path)
            if document is None:
                return False
            self.documents[path] = document
        return True

    def pointer(self, file: str, reference: str) -> str | None:
        """The JSON pointer in that file which the reference's fragment means; None where it means nothing."""
        fragment = unquote(reference.partition("#")[2])
        if fragment and not fragment.startswith("/"):
            return self._anchors_of(file).get(fragment)
        try:
            self.at(file, fragment)
        except (Absent, NoIndex, ValueError):
            return None
        return fragment

    def at(self, file: str, pointer: str) -> Json:
        """What stands at a pointer; raises as :func:`gate.evidence.collectors.shared.pointer.resolve`."""
        return resolve(self.documents[file], parse_pointer(pointer))

    def _anchors_of(self, path: str) -> dict[str, str]:
        if path not in self._anchors:
            known = self._anchors[path] = {}
            for pointer, item in walk(self.documents[path]):
                names = [item.get("$anchor"), item.get("$dynamicAnchor")]
                names += [str(item.get(word))[1:] for word in ("$id", "id") if _is_anchor(item.get(word))]
                known |= {name: pointer for name in names if isinstance(name, str) and name not in known}
        return self._anchors[path]

    def has_names_within(self, path: str) -> bool:
        """Whether schemas inside of the file have an ``$id``: references may be relative to any of these."""
        if path not in self._nested:
            inner = [item for pointer, item in walk(self.documents[path]) if pointer]
            names = [item.get("$id", item.get("id")) for item in inner]
            self._nested[path] = any(isinstance(name, str) and not _is_anchor(name) for name in names)
        return self._nested[path]

    def reached(self, path: str) -> dict[str, Json]:
        """The file and all files it refers to, directly or through others, by path."""
        found: dict[str, Json] = {}
        pending = [path]
        while pending:
            path = pending.pop()
            if path in found:
                continue
            found[path] = self.documents[path]
            if self.has_names_within(path):
                pending += self.own  # any of them may be meant
            pending += {
                file for one in _references(found[path]) if (file := self.file(path, one)) is not None
            }
        return found

    def broken(self, path: str) -> list[tuple[str, str]]:
        """The references of a file that lead nowhere, as (pointer, reason)."""
        found = []
        if self.has_names_within(path):
            return []  # the validator knows what they are relative to
        for place, item in walk(self.documents[path]):
            for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
                target = item.get(keyword)
                if not isinstance(target, str) or target.startswith(_META):
                    continue
                file = self.file(path, target)
                if file is None:
                    found.append(
                        (f"{place}/{keyword}", f"{target[:100]!r} leads to no readable file of the workspace")
                    )
                elif self.pointer(file, target) is None:
                    where = "" if file == path else f" in {file[:100]}"
                    found.append((f"{place}/{keyword}", f"{target[:100]!r} leads to nothing{where}"))
        return found

    def validator(self, path: str, **options: Any) -> Any:
        """The compiled schema, a ``jsonschema_rs`` validator.

        Raises:
            ValueError: it cannot be compiled; a ``ValidationError`` or ``ReferencingError`` of the library.
        """
        import jsonschema_rs

        resources: dict[str, Json] = {}
        for file, document in self.reached(path).items():
            if isinstance(document, (dict, bool)):
                resources.setdefault(_BASE + quote(file), document)
                resources.setdefault(self._base(file), document)
        registry = jsonschema_rs.Registry(list(resources.items()), retriever=_refuse)
        return jsonschema_rs.validator_for(
            self.documents[path], registry=registry, base_uri=_BASE + quote(path), mask=MASK, **options
        )


def _is_anchor(name: Json) -> bool:
    return isinstance(name, str) and name.startswith("#")


def _references(document: Json) -> Iterator[str]:
    """Every reference in a document, also where no draft looks for a schema: a pointer may lead there."""
    pending = [document]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            for word in ("$ref", "$dynamicRef"):
                if isinstance(item.get(word), str):
                    yield item[word]
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _refuse(uri: str) -> Any:
    raise LookupError(f"{uri} is not fetched")


def well_formed(document: Json, otherwise: str = "https://json-schema.org/draft/2020-12/schema") -> bool:
    """Whether a document is a schema that keeps to its draft; to the other one when it states none."""
    import jsonschema_rs

    if not isinstance(document, dict):
        return isinstance(document, bool)
    stated = draft(document) or otherwise
    known = stated.removesuffix("#") in DRAFTS
    return known and bool(jsonschema_rs.meta.is_valid({**document, "$schema": stated}))
