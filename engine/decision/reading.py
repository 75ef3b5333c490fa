"""Reads a decision that ``gate evaluate -o json=PATH`` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ...evidence.base.errors import UsageError
from ...evidence.reading.workspace.named import read_followed
from .document import Decision

MAX_BYTES: Final = 64 << 20


def read_decision(path: Path) -> Decision:
    """The decision in the file. It is not signed: take it from nobody but the job that wrote it.

    Raises UsageError: the file cannot be read, is too large, or is no decision of this version of gate.
    """
    import orjson

    remedy = "name a file that `gate evaluate STAGE -o json=PATH` wrote with this version of gate"
    data = read_followed(path, UsageError, remedy, MAX_BYTES)
    try:
        document = orjson.loads(data)
        if not isinstance(document, dict):
            raise ValueError("it is no object")
        document.pop("ledger", None)
        return Decision.from_json(document)
    except ValueError as error:
        raise UsageError(f"it is no decision: {error}", path=str(path), remedy=remedy) from error
