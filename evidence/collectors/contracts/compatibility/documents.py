"""The schema files of one version, places in them, and where references lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from ....base.contracts import format_pointer
from ...shared.schemas.json_schema import DRAFTS, draft
from ...shared.schemas.schema_files import Json, SchemaFiles, well_formed

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


def uri(written: int) -> str:
    """The ``$schema`` of a draft."""
    return next(uri for uri, name in DRAFTS.items() if _YEARS[name] == written)


class Place(Struct, frozen=True, eq=False):
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
        return self.pointer + format_pointer(parts)

    def target(self) -> Place | None:
        """Where the reference at this place leads; None when that cannot be told."""
        stated = self.schema.get("$ref")
        return self.version.resolve(self, stated) if isinstance(stated, str) else None


class Version(SchemaFiles):
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
        super().__init__(documents, others)
        self._years = dict(years or {})
        self._usable: dict[tuple[str, str], bool] = {}

    def root(self, path: str) -> Place:
        """The file's outermost schema."""
        document = self.documents[path]
        return Place(self, path, "", document, year(document, self._years.get(path, 2020)))

    def resolve(self, place: Place, target: str) -> Place | None:
        """Where a reference leads; None when it leads nowhere, or that cannot be told."""
        path = None if self.has_names_within(place.path) else self.file(place.path, target)
        pointer = None if path is None else self.pointer(path, target)
        if path is None or pointer is None:
            return None
        root = self.root(path)
        found = self.at(path, pointer)
        if (path, pointer) not in self._usable:  # it may stand where no draft looks for a schema
            self._usable[path, pointer] = well_formed(found, uri(root.year))
        return Place(self, path, pointer, found, root.year) if self._usable[path, pointer] else None
