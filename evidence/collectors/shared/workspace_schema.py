"""Holding documents against a JSON Schema of the workspace, which must be a good contract itself."""

from __future__ import annotations

from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

from ...base.errors import EvidenceError
from ...reading.workspace import View
from ..contracts import inspect_schemas
from . import json_schema as schemas
from .pointer import format_pointer

_MOST_VIOLATIONS = 1000
"""How many are looked at to find the first one in the document."""


def first_violation(view: View, contract: str, document: Any) -> tuple[str, str] | None:
    """Where the document breaks the contract first: JSON pointer and message; None where it keeps to it.

    Args:
        view: the workspace.
        contract: path of the schema; it may refer to other schema files of the workspace by relative path.
        document: JSON-like, with Decimals.

    Raises:
        EvidenceError: the schema is not there, is malformed, or is no contract one can hold data against.
    """
    import jsonschema_rs

    problems = inspect_schemas(view, [contract])[contract]
    if problems:
        pointer, said = problems[0]
        raise EvidenceError(
            f"is no usable contract: {said}",
            path=contract,
            place=pointer or "/",
            remedy="correct the schema",
        )

    def retrieve(uri: str) -> Any:
        return view.read_json(unquote(uri.partition("#")[0].removeprefix(schemas.BASE)))

    validator = jsonschema_rs.validator_for(
        view.read_json(contract), retriever=retrieve, base_uri=schemas.BASE + quote(contract)
    )
    if validator.is_valid(document):
        return None
    found = [
        (format_pointer(error.instance_path), schemas.shorten(error.message))
        for error in islice(validator.iter_errors(document), _MOST_VIOLATIONS)
    ]
    return min(found)
