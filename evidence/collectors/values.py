"""Collector ``values``: single values out of JSON, YAML, TOML and CSV files, each named in ``gate.yaml`` by
file and JSON pointer. See ``docs/collectors/values.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from ..base.contracts import type_name
from ..base.errors import EvidenceError, masked
from ..base.settings import Bounded, Settings, Text
from ..collecting.interface import Observation, Options, Problem, Scope
from ..reading.formats import Format, format_of, read_document
from ..reading.workspace import View
from .shared.pointer import PATTERN, Absent, NoIndex, is_index, parse_pointer, resolve
from .shared.schemas.workspace_schema import first_violation
from .shared.value_facts import FIELDS, Nothing, describe, figure

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
Name = Annotated[str, Bounded(pattern=NAME_PATTERN)]
"""A name that a policy writes after a dot."""
Pointer = Annotated[str, Bounded(pattern=PATTERN)]
Kind = Literal["string", "integer", "number", "boolean", "array", "object", "null"]

_NOT_IN_CSV = ("boolean", "null")


def check_names(names: object, what: str) -> None:
    """Refuse a mapping's names that no policy could write.

    Raises:
        ValueError: one of them is not lower-case with digits and underscores.
    """
    for name in names if isinstance(names, dict) else ():
        if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name):
            said = "is not lower-case letters, digits and underscores"
            raise ValueError(f"the name {str(name)[:80]!r} of a {what} {said}")


@dataclass(frozen=True, slots=True)
class ValueRead(Settings):
    """One value to read.

    Attributes:
        file: the file, relative to the workspace.
        pointer: JSON pointer (RFC 6901) to the value; the whole document if empty.
        format: what the file is; by the end of its name if absent.
        contract: path of a JSON Schema of the workspace that the whole file must keep to.
        type: what the value must be; in CSV also what its text is read as.
    """

    file: Text
    pointer: Pointer = ""
    format: Format | None = None
    contract: Text | None = None
    type: Kind | None = None

    def __post_init__(self) -> None:
        parts = parse_pointer(self.pointer)
        if self.known_format is None:
            raise ValueError(f"say which format {self.file[:80]!r} has: json, yaml, toml or csv")
        if self.known_format == "csv":
            if len(parts) > 2 or (parts and not is_index(parts[0])):
                raise ValueError(
                    f"the pointer {self.pointer[:80]!r} into a CSV file is not like '/0/column' (row, column)"
                )
            if self.type in _NOT_IN_CSV:
                raise ValueError(f"a CSV file has no value of type {self.type!r}")

    @property
    def known_format(self) -> Format | None:
        """The format, stated or by the file's name."""
        return self.format or format_of(self.file)


@dataclass(frozen=True, slots=True)
class ValuesOptions(Options):
    """Options of ``evidence.values``.

    Attributes:
        read: the values, by the name that policies use.
    """

    read: dict[Name, ValueRead] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_names(self.read, "value")


class ValuesCollector:
    """See the module."""

    id: ClassVar[str] = "values"
    version: ClassVar[str] = "2"
    Options: ClassVar[type[Options]] = ValuesOptions

    def __init__(self, options: ValuesOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Read every value."""
        facts: dict[str, Any] = {}
        problems: list[Problem] = []
        documents = _Documents(view)
        for name, read in sorted(self._options.read.items()):
            try:
                said, missing = describe(documents.value(read), name)
            except EvidenceError as error:
                said, missing = dict.fromkeys(("found", *FIELDS)), [Problem.rejected(error, name)]
            facts[name] = {"file": read.file, "pointer": masked(read.pointer), **said}
            problems += missing
        known = sum(fact["found"] is not None for fact in facts.values())
        return Observation(facts, tuple(problems), scopes=(Scope("", len(facts), known, "values"),))


class _Documents:
    """The files, each parsed and held against each contract once."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._parsed: dict[tuple[str, Format], Any] = {}
        self._held: set[tuple[str, Format, str]] = set()

    def value(self, read: ValueRead) -> Any:
        """The value, or :class:`Nothing`.

        Raises:
            EvidenceError: the file is malformed or breaks its contract, the value has not the type it must
                have, or the pointer cannot lead anywhere in an array.
        """
        if not self._view.exists(read.file):
            remedy = f"write {read.file}, or name another file in gate.yaml"
            return Nothing(f"there is no file {read.file}", remedy)
        try:
            value = resolve(self._document(read), parse_pointer(read.pointer))
        except Absent as error:
            remedy = f"write it there, or correct the pointer {read.pointer} in gate.yaml"
            return Nothing(f"{read.file}: {error}", remedy)
        except NoIndex as error:
            remedy = "count elements from 0, without leading zeros, in the pointer in gate.yaml"
            raise EvidenceError(str(error), path=read.file, place=read.pointer, remedy=remedy) from error
        return _typed(value, read)

    def _document(self, read: ValueRead) -> Any:
        kind = read.known_format
        assert kind is not None  # noqa: S101 - for the type checker: the options have checked it
        if (read.file, kind) not in self._parsed:
            self._parsed[read.file, kind] = read_document(self._view, read.file, kind)
        document = self._parsed[read.file, kind]
        if read.contract is not None and (read.file, kind, read.contract) not in self._held:
            broken = first_violation(self._view, read.contract, document)
            if broken is not None:
                what = f"does not keep to the contract {read.contract}: {broken[1]}"
                remedy = "correct the file, or the contract"
                raise EvidenceError(what, path=read.file, place=broken[0] or "/", remedy=remedy)
            self._held.add((read.file, kind, read.contract))
        return document


def _typed(value: Any, read: ValueRead) -> Any:
    """The value, which has the type it must have; a cell of a CSV file is read as that type."""
    if read.type is None:
        return value
    if read.known_format == "csv" and isinstance(value, str) and read.type in ("integer", "number"):
        number = figure(value)
        digits = value.removeprefix("-")
        if number is not None and digits.isdigit() and len(digits) <= 18:
            return int(value)
        if number is not None and read.type == "number":
            return number
    kind = type_name(value)
    if kind == read.type or (kind == "integer" and read.type == "number"):
        return value
    found, wanted = (("an " if one[0] in "aio" else "a ") + one for one in (kind, read.type))
    remedy = "correct the file, or the type in gate.yaml"
    what = f"the value is {found}, not {wanted}"
    raise EvidenceError(what, path=read.file, place=read.pointer or "/", remedy=remedy)
