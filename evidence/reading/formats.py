"""Files of the general formats as one JSON-like document each."""

from __future__ import annotations

import csv
import io
from pathlib import PurePosixPath
from typing import Any, Literal, NoReturn

from ..base.errors import EvidenceError
from ..base.limits import Limits
from .parse import decode_text, parse_csv
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
    return read_table(view.read(path), path, view.limits)


def read_table(data: bytes, path: str, limits: Limits) -> list[dict[str, str]]:
    """The rows of a CSV file whose first line names its columns.

    Raises:
        EvidenceError: as ``parse_csv``; also without a header, with two columns of
            one name, or with too many cells.
    """

    def fail(what: str) -> NoReturn:
        raise EvidenceError(what, path=path, place="line 1", remedy="correct the CSV file")

    text = decode_text(data, path)
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except csv.Error as error:
        fail(f"malformed CSV: {error}")
    if not header:
        fail("the CSV file has no header")
    seen: set[str] = set()
    for name in header:
        if name in seen:
            fail(f"the CSV header has the column {name[:80]!r} twice")
        if len(name) > limits.csv_cell_chars:
            fail(f"a CSV cell is longer than {limits.csv_cell_chars} characters")
        seen.add(name)
    if len(header) * text.count("\n") > limits.json_items:
        fail(f"the CSV file has more than {limits.json_items} cells")
    return [row.cells for row in parse_csv(data, path, header, limits)]
