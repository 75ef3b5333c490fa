"""Files of the general formats as one JSON-like document each."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Literal

from .parse import parse_csv
from .toml_reader import parse_toml
from .workspace import View

Format = Literal["json", "yaml", "toml", "csv"]

_BY_SUFFIX: dict[str, Format] = {
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
    ".csv": "csv",
}


def format_of(path: str) -> Format | None:
    """The format that a file's name ends in; None when it ends in none."""
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())


def read_document(view: View, path: str, kind: Format) -> Any:
    """The whole file as dicts, lists, strings, ints, Decimals, booleans and None.

    A CSV file is an array with an object for each row below the header.

    Raises:
        EvidenceError: it is malformed, hostile or unreadable.
    """
    if kind == "json":
        return view.read_json(path)
    if kind == "yaml":
        return view.read_yaml(path)
    if kind == "toml":
        return parse_toml(view.read(path, view.limits.text_bytes), path, view.limits)
    return [row.cells for row in parse_csv(view.read(path), path, None, view.limits)]
