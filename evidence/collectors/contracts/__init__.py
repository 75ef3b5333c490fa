"""Collector ``contracts``: the JSON Schemas of the workspace, and whether each is a contract one can hold
data against. See ``docs/collectors/contracts.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import unquote

from ...base.errors import EvidenceError, raise_all
from ...base.settings import Text
from ...collecting.interface import Observation, Options, Problem
from ...reading.workspace import View
from ..shared import json_schema as schemas
from ..shared.baseline import approved_version, present, unnamed


@dataclass(frozen=True, slots=True)
class ContractsOptions(Options):
    """Options of ``evidence.contracts``.

    Attributes:
        paths: globs of the schema files.
        approved: the branch, tag or commit whose schemas were approved.
        approved_copy: instead of ``approved``: a directory with the approved schemas under their own paths.
    """

    paths: tuple[str, ...] = field(default=("contracts/*.json",))
    approved: Text | None = None
    approved_copy: Text | None = None


class ContractsCollector:
    """See the module."""

    id: ClassVar[str] = "contracts"
    version: ClassVar[str] = "3"
    Options: ClassVar[type[Options]] = ContractsOptions

    def __init__(self, options: ContractsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Check every schema file, and compare it with its approved version.

        Raises:
            EvidenceError: a schema file is not well-formed JSON in one of the versions, or cannot be read;
                the approved version does not exist.
            ConfigError: the options name two approved versions, or one that is the judged version itself.
        """
        options = self._options
        baseline = approved_version(view, self.id, options.approved, options.approved_copy, options.paths)
        paths = present(view, options.paths, options.approved_copy)
        found = inspect_schemas(view, paths)
        documents = {path: view.read_json(path) for path in paths}
        files = []
        for path in paths:
            schema = documents[path]
            names = schemas.property_names(schema)
            examples = schema.get("examples") if isinstance(schema, dict) else None
            files.append(
                {
                    "path": path,
                    "id": path.rpartition("/")[2].removesuffix(".json").removesuffix(".schema"),
                    "draft": schemas.draft(schema),
                    "valid": not found[path],
                    "fields": len(names),
                    "required": schemas.required_names(schema),
                    "properties": names,
                    "enums": schemas.enumerations(schema),
                    "examples": len(examples) if isinstance(examples, list) else 0,
                    "problems": [{"pointer": pointer, "text": text} for pointer, text in found[path]],
                }
            )
        valid = sum(not found[path] for path in paths)
        compatibility = None
        missing: tuple[Problem, ...] = (unnamed(self.id, "compatibility"),)
        if baseline is not None:
            from .compatibility.report import report

            compatibility, missing = report(view, baseline, options.paths, documents), ()
        return Observation(
            {
                "total": len(paths),
                "valid": valid,
                "invalid": len(paths) - valid,
                "files": files,
                "compatibility": compatibility,
            },
            missing,
        )


def inspect_schemas(view: View, paths: list[str]) -> dict[str, list[schemas.Problem]]:
    """The problems of each schema file; the files may refer to each other and to any file of the workspace.

    Raises:
        EvidenceError: a file, or one that it refers to, is not well-formed JSON.
    """
    documents = {path: view.read_json(path) for path in paths}
    known: dict[str, Any] = {}
    twice: dict[str, str] = {}
    for path, document in documents.items():
        name = schemas.identity(document)
        if name is not None and name in known:
            twice[path] = name
        elif name is not None:
            known[name] = document
    broken: list[EvidenceError] = []
    lookup = _lookup(view, known, broken)
    found = {path: schemas.problems(document, path, lookup) for path, document in documents.items()}
    raise_all(broken)
    for path, name in twice.items():
        found[path] = sorted([*found[path], ("/$id", f"{name[:100]!r} is another file's $id already")])
    return found


def _lookup(view: View, known: dict[str, Any], broken: list[EvidenceError]) -> Callable[[str], Any]:
    """Gives a schema document by its URI. The validator turns what is raised here into a message, so a file
    that is there but malformed is noted in ``broken`` as well."""

    def lookup(uri: str) -> Any:
        if uri in known:
            return known[uri]
        path = unquote(uri.removeprefix(schemas.BASE))
        if uri.startswith(schemas.BASE) and path in view.paths():
            try:
                return view.read_json(path)
            except EvidenceError as error:
                broken.append(error)
                raise
        raise LookupError(f"the workspace has no schema {uri.removeprefix(schemas.BASE)[:100]!r}")

    return lookup
