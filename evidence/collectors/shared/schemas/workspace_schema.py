"""JSON Schemas of the workspace as contracts: whether each is a good one, and documents held against one."""

from __future__ import annotations

import functools
from itertools import islice
from typing import Any

from ....base.contracts import MASK, breach, format_pointer
from ....base.errors import EvidenceError
from ....reading.workspace import View
from . import json_schema as schemas
from .schema_files import SchemaFiles, well_formed

_MOST_PROBLEMS = 20
_MOST_VIOLATIONS = 1000
"""How many are looked at to find the first one in the document."""


class CheckedSchemas:
    """Schema files of the workspace and what is wrong with them. They may refer to any file of the workspace.

    Args:
        view: the workspace.
        paths: the schema files.
        strict: whether it is a problem when a schema has a misspelt keyword or permits what is no object.

    Attributes:
        files: those that are well-formed JSON, and the ones they refer to.
        rejected: by path, why a file is no well-formed JSON; also of files that are only referred to.
        problems: by path, what is wrong with it, sorted; nothing for a good contract.
    """

    def __init__(self, view: View, paths: list[str], *, strict: bool = True) -> None:
        self._view = view
        self._strict = strict
        self.rejected: dict[str, EvidenceError] = {}
        documents = {path: self._read(path) for path in paths}
        good = {path: document for path, document in documents.items() if path not in self.rejected}
        self.files = SchemaFiles(good, self._further)
        self._validators: dict[str, Any] = {}
        self._limiting = {path for path in good if self._limits(path)}
        self._used = {file for path in self._limiting for file in self.files.reached(path).keys() - {path}}
        self.problems = {path: sorted(set(self._problems(path)))[:_MOST_PROBLEMS] for path in paths}

    def _read(self, path: str) -> Any:
        try:
            return self._view.read_json(path)
        except EvidenceError as error:
            self.rejected[path] = error
            return None

    def _further(self, path: str) -> Any:
        return self._read(path) if path not in self.rejected and path in self._view.paths() else None

    def _validator(self, path: str) -> Any:
        if path not in self._validators:
            self._validators[path] = self.files.validator(path)
        return self._validators[path]

    def _limits(self, path: str) -> bool:
        """Whether the contract refuses anything beside values that are no object or array."""
        import jsonschema_rs

        try:
            valid = self._validator(path).is_valid
        except (ValueError, RecursionError, jsonschema_rs.ReferencingError):
            return True  # what is wrong there is a finding of its own
        if not valid({}) and not valid([]):
            return True
        objects = list(schemas.probes(self.files.reached(path).values()))
        taken = {valid(one) for one in objects}
        arrays = {valid(one) for one in ([], [{}, {}], [{}] * 1000, *([one] for one in objects))}
        if taken == {True}:
            return len(arrays) > 1
        return (taken, arrays) != ({False}, {True}) or valid(0) or valid("")

    def _problems(self, path: str) -> list[schemas.Problem]:
        if path in self.rejected:
            error = self.rejected[path]
            return [("", error.what if error.place is None else f"{error.what} ({error.place})")]
        schema = self.files.documents[path]
        if not isinstance(schema, (dict, bool)):
            return [("", "is not a schema: a JSON Schema is an object")]
        if schema is False:
            return [("", "accepts nothing")]
        if schema is True or not schema:
            return [("", "accepts everything: it is the empty schema")]
        stated = schemas.draft(schema)
        if stated is None:
            return [("", "declares no draft ($schema)")]
        if stated.removesuffix("#") not in schemas.DRAFTS:
            return [("/$schema", f"declares {stated[:80]!r}, which is no known draft")]
        name = self.files.namesake(path)
        found = [] if name is None else [("/$id", f"{name[:100]!r} is another file's $id already")]
        found += _against_draft(schema, stated) or self._content(path, schema)
        return found or self._examples(path, schema)

    def _content(self, path: str, schema: Any) -> list[schemas.Problem]:
        found = schemas.misspelt(schema) if self._strict else []
        if path in self._limiting:
            if self._strict and schemas.lacks_type(schema):
                what = "describes fields but states no `type`, so everything that is no object fits"
                found.append(("", what))
        elif not schemas.is_library(schema):
            found.append(("", "accepts everything: it limits no field"))
        elif path not in self._used:
            found.append(("", "accepts everything: it only has definitions, and no contract refers to them"))
        return found + self._references(path)

    def _references(self, path: str) -> list[schemas.Problem]:
        import jsonschema_rs

        found = self.files.broken(path)
        if found:
            return found
        try:
            self._validator(path)
        except (ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:
            others = [
                ("", f"refers to {file[:100]}, which is no valid schema")
                for file, document in self.files.reached(path).items()
                if file != path and (self.files.broken(file) or not well_formed(document))
            ]
            place = format_pointer(getattr(error, "instance_path", ()))
            known = isinstance(error, jsonschema_rs.ValidationError)
            return others or [
                (
                    place,
                    f"cannot be used: {breach(error, quote=False) if known else 'a reference leads nowhere'}",
                )
            ]
        return []

    def _examples(self, path: str, schema: Any) -> list[schemas.Problem]:
        examples = schema.get("examples")
        if not isinstance(examples, list) or not examples:
            return []
        validator = self._validator(path)
        return [
            (
                f"/examples/{index}{format_pointer(error.instance_path)}",
                f"the example breaks the schema: {breach(error)}",
            )
            for index, example in enumerate(examples)
            for error in validator.iter_errors(example)
        ]


@functools.cache
def _draft(stated: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for({"$schema": stated, "$ref": stated}, mask=MASK)


def _against_draft(schema: dict[str, Any], stated: str) -> list[schemas.Problem]:
    errors = _draft(stated).iter_errors(schema)
    return [(format_pointer(error.instance_path), breach(error)) for error in errors]


def usable_contract(view: View, contract: str, **options: Any) -> Any:
    """The compiled contract, a ``jsonschema_rs`` validator.

    Args:
        view: the workspace.
        contract: path of the schema; it may refer to other schema files of the workspace by relative path.
        options: of the validator.

    Raises:
        EvidenceError: it is malformed, or no contract that one can hold data against.
    """
    checked = CheckedSchemas(view, [contract], strict=False)
    if contract in checked.rejected:
        raise checked.rejected[contract]
    for pointer, what in checked.problems[contract]:
        raise EvidenceError(
            f"is no usable contract: {what}", path=contract, place=pointer or "/", remedy="correct the schema"
        )
    return checked.files.validator(contract, **options)


def first_violation(view: View, contract: str, document: Any) -> tuple[str, str] | None:
    """Where the document breaks the contract first: JSON pointer and message; None where it keeps to it.

    Args:
        view: the workspace.
        contract: path of the schema; it may refer to other schema files of the workspace by relative path.
        document: JSON-like, with Decimals.

    Raises:
        EvidenceError: the contract is malformed, or none that one can hold data against.
    """
    validator = usable_contract(view, contract)
    errors = islice(validator.iter_errors(document), _MOST_VIOLATIONS)
    return min(((format_pointer(error.instance_path), breach(error)) for error in errors), default=None)
