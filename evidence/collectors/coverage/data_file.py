"""Coverage measurements out of coverage.py's data files.

A data file is SQLite (https://coverage.readthedocs.io/en/latest/dbschema.html) and may be hostile: it is
opened as a private copy, and only when it holds plain tables of reasonable size. Parallel data files count
together: what one of them recorded was recorded.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import NoReturn

from ...base.errors import EvidenceError
from ...process.children import scratch
from .model import Book, Measured, Record, tool_name

_HEADER = b"SQLite format 3\x00"
_SCHEMA = 7
"""Version of the schema, since coverage.py 5.0."""
_COMPUTED = re.compile(r"\bvirtual\b|\bgenerated\b|\bas\s*\(", re.IGNORECASE)
_AGAIN = "measure again: coverage run -m pytest"


def read_data_files(parts: Mapping[str, bytes], book: Book) -> Measured:
    """The measurement in one data file, or in several parallel ones combined.

    Raises:
        EvidenceError: not such a file, damaged, of another schema, built to do harm, or not to be combined.
    """
    tools, kinds = set(), set()
    with scratch("gate-coverage-") as folder:
        for number, (path, data) in enumerate(parts.items()):
            if not data.startswith(_HEADER):
                what = "is not a coverage.py data file (no SQLite header)"
                raise EvidenceError(what, path=path, remedy=_AGAIN)
            copy = folder / f"data.{number}"
            copy.write_bytes(data)
            try:
                with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
                    tools.add(_inspect(database, path))
                    kinds.add(_read(database, book))
            except (sqlite3.Error, ValueError, TypeError) as error:
                what = f"the coverage data cannot be read: {str(error)[:200]}"
                raise EvidenceError(what, path=path, remedy=_AGAIN) from error
    first = next(iter(parts))
    if len(kinds) > 1:
        raise EvidenceError(
            "the parallel data files do not fit together: not all of them have branches measured",
            path=first,
            remedy="measure everything with the same settings, then combine: coverage combine",
        )
    return Measured(
        files=book.finish(first),
        branches=kinds.pop(),
        tool=tools.pop() if len(tools) == 1 else None,
        format=f"coverage.py sqlite {_SCHEMA}",
        undated="a data file states its time without a zone",
    )


def _read(database: sqlite3.Connection, book: Book) -> bool:
    """Take what a data file recorded of the files asked about; whether branches were measured."""
    row = database.execute("select value from meta where key = 'has_arcs'").fetchone()
    branches = bool(int(row[0])) if row else database.execute("select 1 from arc").fetchone() is not None
    for number, name in database.execute("select id, path from file order by path").fetchall():
        if book.find(name) is None:
            continue
        record = Record()
        if branches:
            record.arcs.update(
                database.execute("select distinct fromno, tono from arc where file_id = ?", (number,))
            )
            record.ran = {line for arc in record.arcs for line in arc if line > 0}
        else:
            for (bits,) in database.execute("select numbits from line_bits where file_id = ?", (number,)):
                places = ((place, byte) for place, byte in enumerate(bits) if byte)
                record.ran |= {
                    place * 8 + bit for place, byte in places for bit in range(8) if byte >> bit & 1
                }
        book.add(name, record)
    return branches


def _inspect(database: sqlite3.Connection, path: str) -> str | None:
    """Refuse a database that computes anything when it is read; the tool that wrote it, where it says so."""

    def refuse(what: str) -> NoReturn:
        raise EvidenceError(f"the coverage data {what}", path=path, remedy=_AGAIN)

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
    schema = database.execute("select version from coverage_schema").fetchone()
    if schema != (_SCHEMA,):
        refuse(f"has the wrong schema: {str(schema[0] if schema else None)[:40]} instead of {_SCHEMA}")
    return tool_name(row[0] if row else None)
