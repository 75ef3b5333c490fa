"""Coverage measurements out of coverage.py's JSON report, formats 2 and 3.

Format: https://coverage.readthedocs.io/en/latest/commands/cmd_json.html
"""

from __future__ import annotations

from ...base.errors import EvidenceError
from ...base.times import parse_rfc3339
from ...reading.workspace import View
from .model import Book, Measured, Record, tool_name


def read_report(view: View, path: str, book: Book) -> Measured:
    """The measurement in a ``coverage json`` report: its recorded lines and branches, not its sums.

    Raises EvidenceError: it is malformed, or does not keep to the contract ``coverage_report``.
    """
    try:
        report = view.read_json(path, "coverage_report")
    except EvidenceError as error:
        error.remedy = "write it again with a current coverage.py: coverage json"
        raise
    meta, branches = report["meta"], report["meta"]["branch_coverage"]
    for name, entry in report["files"].items():
        arcs = map(tuple, entry["executed_branches"]) if branches else ()
        book.add(name, Record(set(entry["executed_lines"]), set(arcs)))
    stated, moment, undated = meta.get("timestamp"), None, f"{path} states no time"
    if isinstance(stated, str):
        try:
            moment, undated = parse_rfc3339(stated), ""
        except ValueError:  # coverage.py writes it in local time without a zone, which says nothing
            undated = f"{path} states its time without a zone"
    tool, kind = tool_name(meta.get("version")), f"coverage.py json {meta['format']}"
    return Measured(book.finish(path), branches, tool, kind, moment, undated)
