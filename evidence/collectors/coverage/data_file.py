"""Coverage measurements out of coverage.py's data files.

A data file is SQLite (https://coverage.readthedocs.io/en/latest/dbschema.html) and may be hostile: it is
opened as a private copy, and only when it holds plain tables of reasonable size. Parallel data files are
combined by coverage.py itself, also as private copies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from ...base.errors import EvidenceError
from ...process.children import scratch
from .model import Book, Measured, Recorded, Targets

_HEADER = b"SQLite format 3\x00"
_COMPUTED = re.compile(r"\bvirtual\b|\bgenerated\b|\bas\s*\(", re.IGNORECASE)
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}", re.ASCII)
_AGAIN = "measure again: coverage run -m pytest"


def read_data_files(parts: Mapping[str, bytes], targets: Targets) -> Measured:
    """The measurement in one data file, or in several parallel ones combined.

    Args:
        parts: the files' bytes, by path; at least one.
        targets: the files asked about.

    Raises:
        EvidenceError: not such a file, damaged, of another schema, built to do harm, or not to be combined.
    """
    import sqlite3

    from coverage import CoverageData
    from coverage.exceptions import CoverageException

    current = ""
    with scratch("gate-coverage-") as folder:
        copies: dict[str, Path] = {}
        described = []
        combined = folder / "data"
        try:
            for number, (path, data) in enumerate(parts.items()):
                current = path
                if not data.startswith(_HEADER):
                    raise EvidenceError(
                        "is not a coverage.py data file (no SQLite header)", path=path, remedy=_AGAIN
                    )
                copies[path] = folder / f"data.{number}"
                copies[path].write_bytes(data)
                described.append(_inspect(copies[path], path))
            if len(copies) == 1:
                combined = copies[current]
            else:
                together = CoverageData(basename=str(combined))
                try:
                    for current, copy in copies.items():  # noqa: B007 - named in the error
                        part = CoverageData(basename=str(copy))
                        part.read()
                        together.update(part)
                        part.close(force=True)
                finally:
                    together.close(force=True)
            current = next(iter(parts))
            files, branches = _contents(combined, targets, current)
        except (CoverageException, sqlite3.Error, ValueError, TypeError) as error:
            said = str(error)
            for path, copy in copies.items():
                said = said.replace(str(copy), path)
            said = said.replace(str(combined), current)
            raise EvidenceError(
                f"the coverage data cannot be read: {said[:200]}", path=current, remedy=_AGAIN
            ) from error
    tools = {tool for tool, _ in described}
    schemas = {schema for _, schema in described}
    return Measured(
        files=files,
        branches=branches,
        tool=tools.pop() if len(tools) == 1 else None,
        format="coverage.py sqlite" + (f" {schemas.pop()}" if len(schemas) == 1 else ""),
        undated="a data file states its time without a zone",
    )


def _contents(copy: Path, targets: Targets, path: str) -> tuple[dict[str, Recorded], bool]:
    """What a data file recorded of the files asked about, and whether branches were measured."""
    from contextlib import nullcontext

    from coverage import CoverageData

    found = CoverageData(basename=str(copy))
    # where the library can, the file is opened once instead of for every question
    keep_open = getattr(found, "keep_db_open", nullcontext)
    book: Book[Recorded] = Book(targets)
    try:
        found.read()
        branches = found.has_arcs()
        with keep_open():
            for name in sorted(found.measured_files()):
                if targets.find(name) is not None:
                    arcs = set(found.arcs(name) or ()) if branches else set()
                    book.add(name, Recorded(set(found.lines(name) or ()), arcs))
    finally:
        found.close(force=True)
    return book.finish(path), branches


def _inspect(copy: Path, path: str) -> tuple[str | None, int | None]:
    """Refuse a database that computes anything when it is read.

    Returns:
        The tool that wrote it and the version of its schema, where it says so.
    """
    import sqlite3
    from contextlib import closing

    def refuse(what: str) -> NoReturn:
        raise EvidenceError(f"the coverage data {what}", path=path, remedy=_AGAIN)

    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        for kind, name, sql in database.execute("select type, name, sql from sqlite_master"):
            if kind == "index" and sql is None:
                continue
            if kind != "table" or not isinstance(sql, str) or _COMPUTED.search(sql):
                refuse(f"has the {kind} {str(name)[:40]!r}, which coverage.py never makes")
        if database.execute("pragma quick_check(1)").fetchone() != ("ok",):
            refuse("is damaged")
        checks = (
            (
                "select count(*) from file where typeof(path) <> 'text'",
                "names a file by something else than text",
            ),
            (
                # one bit a line: 131072 bytes are about a million lines
                "select count(*) from line_bits where typeof(numbits) <> 'blob' or length(numbits) > 131072",
                "has an impossible set of line numbers",
            ),
            (
                "select count(*) from arc where typeof(fromno) <> 'integer' or typeof(tono) <> 'integer'",
                "has a branch without line numbers",
            ),
        )
        for query, what in checks:
            if database.execute(query).fetchone()[0]:
                refuse(what)
        row = database.execute("select value from meta where key = 'version'").fetchone()
        schema = None
        with suppress(sqlite3.Error):  # coverage.py says in its own words what is wrong with such a file
            schema = database.execute("select version from coverage_schema").fetchone()
    return tool_name(row[0] if row else None), _small(schema[0] if schema else None)


def _small(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 1000 else None


def tool_name(version: Any) -> str | None:
    """``coverage.py`` and the version, when that is one."""
    return f"coverage.py {version}" if isinstance(version, str) and _VERSION.fullmatch(version) else None
