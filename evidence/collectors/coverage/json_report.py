"""Coverage measurements out of coverage.py's JSON report, formats 2 and 3.

Format: https://coverage.readthedocs.io/en/latest/commands/cmd_json.html
"""

from __future__ import annotations

from typing import Any, NoReturn

from ...base.errors import EvidenceError
from ...base.times import parse_rfc3339
from .data_file import tool_name
from .model import Book, Measured, Recorded, Targets

_FORMATS = (2, 3)


def read_report(report: Any, path: str, targets: Targets) -> Measured:
    """The measurement in a parsed ``coverage json`` report.

    Only the recorded lines and branches are used; its sums are a claim that is not needed.

    Raises:
        EvidenceError: another shape.
    """

    def refuse(what: str, place: str) -> NoReturn:
        raise EvidenceError(
            what, path=path, place=place, remedy="write it again with a current coverage.py: coverage json"
        )

    def member(value: Any, name: str, kind: type, place: str) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get(name), kind):
            refuse(f"is no coverage.py JSON report: {name!r} is not there or of another type", place)
        return value[name]

    def numbers(value: list[Any], place: str) -> list[int]:
        if not all(isinstance(item, int) and not isinstance(item, bool) for item in value):
            refuse("is no coverage.py JSON report: a line number is not an integer", place)
        return value

    meta = member(report, "meta", dict, "/")
    if meta.get("format") not in _FORMATS:
        refuse(f"has the report format {meta.get('format')!r}, known are 2 and 3", "/meta/format")
    branches = member(meta, "branch_coverage", bool, "/meta")
    book: Book[Recorded] = Book(targets)
    for name, entry in member(report, "files", dict, "/").items():
        place = "/files/" + name.replace("~", "~0").replace("/", "~1")
        recorded = Recorded(set(numbers(member(entry, "executed_lines", list, place), place)))
        if branches:
            for arc in member(entry, "executed_branches", list, place):
                if not isinstance(arc, list) or len(arc) != 2:
                    refuse("is no coverage.py JSON report: a branch is not a pair", place)
                start, end = numbers(arc, place)
                recorded.arcs.add((start, end))
        book.add(name, recorded)
    moment, undated = _time(meta.get("timestamp"), path)
    return Measured(
        files=book.finish(path),
        branches=branches,
        tool=tool_name(meta.get("version")),
        format=f"coverage.py json {meta['format']}",
        observed_at_s=moment,
        undated=undated,
    )


def _time(stated: Any, path: str) -> tuple[int | None, str]:
    """The report's time; coverage.py writes it in local time without a zone, which says nothing."""
    if not isinstance(stated, str):
        return None, f"{path} states no time"
    try:
        return parse_rfc3339(stated), ""
    except ValueError:
        return None, f"{path} states its time without a zone"
