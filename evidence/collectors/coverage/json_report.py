"""Coverage measurements out of coverage.py's JSON report, formats 2 and 3.

Format: https://coverage.readthedocs.io/en/latest/commands/cmd_json.html
"""

from __future__ import annotations

from typing import Any, NoReturn

from ...base.errors import EvidenceError
from ...base.times import parse_rfc3339
from .model import Book, Measured, Record, tool_name


def read_report(report: Any, path: str, book: Book) -> Measured:
    """The measurement in a parsed ``coverage json`` report: its recorded lines and branches, not its sums.

    Raises:
        EvidenceError: another shape.
    """

    def refuse(what: str, place: str) -> NoReturn:
        remedy = "write it again with a current coverage.py: coverage json"
        raise EvidenceError(what, path=path, place=place, remedy=remedy)

    def member(value: Any, name: str, kind: type, place: str) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get(name), kind):
            refuse(f"is no coverage.py JSON report: {name!r} is not there or of another type", place)
        return value[name]

    def numbers(value: list[Any], place: str) -> list[int]:
        if not all(type(item) is int for item in value):
            refuse("is no coverage.py JSON report: a line number is not an integer", place)
        return value

    meta = member(report, "meta", dict, "/")
    if meta.get("format") not in (2, 3):
        refuse(f"has the report format {meta.get('format')!r}, known are 2 and 3", "/meta/format")
    branches = member(meta, "branch_coverage", bool, "/meta")
    for name, entry in member(report, "files", dict, "/").items():
        place = "/files/" + name.replace("~", "~0").replace("/", "~1")
        record = Record(set(numbers(member(entry, "executed_lines", list, place), place)))
        for arc in member(entry, "executed_branches", list, place) if branches else ():
            if not isinstance(arc, list) or len(arc) != 2:
                refuse("is no coverage.py JSON report: a branch is not a pair", place)
            start, end = numbers(arc, place)
            record.arcs.add((start, end))
        book.add(name, record)
    stated, moment, undated = meta.get("timestamp"), None, f"{path} states no time"
    if isinstance(stated, str):
        try:
            moment, undated = parse_rfc3339(stated), ""
        except ValueError:  # coverage.py writes it in local time without a zone, which says nothing
            undated = f"{path} states its time without a zone"
    tool, kind = tool_name(meta.get("version")), f"coverage.py json {meta['format']}"
    return Measured(book.finish(path), branches, tool, kind, moment, undated)
