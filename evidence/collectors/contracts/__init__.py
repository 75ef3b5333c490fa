"""Collector ``contracts``: the JSON Schemas of the workspace, and whether each is a contract one can hold
data against. See ``docs/collectors/contracts.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from msgspec.structs import replace

from ...base.errors import ConfigError, EvidenceError
from ...base.settings import Text
from ...collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ...reading.workspace import View
from ..shared.baseline import approved_version, unnamed
from ..shared.documents import matching
from ..shared.schemas import json_schema as schemas
from ..shared.schemas.workspace_schema import CheckedSchemas

_ORDER_TYPE = ("ordertype", "ordtype")
"""Names of fields that have an order's type, without case, ``-`` and ``_``."""


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
    version: ClassVar[str] = "7"
    Options: ClassVar[type[Options]] = ContractsOptions

    def __init__(self, options: ContractsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Check every schema file, and compare it with its approved version.

        Raises:
            ConfigError: the options name two approved versions, one that does not exist, or one that is the
                judged version itself.
        """
        options = self._options
        problems: list[Problem] = []
        baseline = None
        try:
            baseline = approved_version(view, self.id, options.approved, options.approved_copy, options.paths)
            if baseline is None:
                missing = unnamed(self.id, "compatibility")
                problems.append(replace(missing, kind=ProblemKind.UNKNOWN))
        except EvidenceError as error:  # what the settings name is not there: nothing was approved
            raise ConfigError(error.what, path=error.path, place=error.place, remedy=error.remedy) from error
        found = matching(view, options.paths, "files", problems)
        copy = "" if options.approved_copy is None else options.approved_copy.removesuffix("/") + "/"
        paths = [path for path in found if not copy or not path.startswith(copy)]
        checked = CheckedSchemas(view, paths)
        problems += [
            Problem.rejected(error, fact)
            for error in checked.rejected.values()
            for fact in ("files", "order_types")
        ]
        files = [_file(path, checked) for path in paths]
        documents = {path: checked.files.documents.get(path) for path in paths}
        compatibility = None
        if baseline is not None:
            from .compatibility.report import report

            try:
                compatibility = report(view, baseline, options.paths, documents)
            except EvidenceError as error:
                problems.append(Problem.rejected(error, "compatibility"))
        valid = sum(file["valid"] for file in files)
        read = len(paths) - len(checked.rejected.keys() & set(paths))
        return Observation(
            {
                "total": len(paths),
                "valid": valid,
                "invalid": len(paths) - valid,
                "files": files,
                "order_types": [one for path in paths for one in _order_types(path, checked)],
                "compatibility": compatibility,
            },
            tuple(problems),
            scopes=(Scope("", len(paths), read, "contracts"),),
        )


def _file(path: str, checked: CheckedSchemas) -> dict[str, Any]:
    schema = checked.files.documents.get(path)
    names = schemas.property_names(schema)
    examples = schema.get("examples") if isinstance(schema, dict) else None
    found = checked.problems[path]
    return {
        "path": path,
        "id": path.rpartition("/")[2].removesuffix(".json").removesuffix(".schema"),
        "draft": schemas.draft(schema),
        "valid": not found,
        "fields": len(names),
        "required": schemas.required_names(schema),
        "properties": names,
        "open": schemas.open_names(schema),
        "enums": schemas.enumerations(schema),
        "examples": len(examples) if isinstance(examples, list) else 0,
        "problems": [{"pointer": pointer, "text": text} for pointer, text in found],
    }


def _order_types(path: str, checked: CheckedSchemas) -> list[dict[str, Any]]:
    """Where a contract says which order types a message may have, and which."""
    found = schemas.permitted(checked.files.documents.get(path), *_ORDER_TYPE)
    return [
        {"path": path, "pointer": pointer, "values": sorted(set(values))}
        for _, pointer, values in found
        if values is not None
    ]
