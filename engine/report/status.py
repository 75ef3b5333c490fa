"""The stages with their latest recorded verdicts, as a table or JSON."""

from __future__ import annotations

from typing import Any

from .figures import clean
from .json_format import render_json


def status_json(rows: list[dict[str, Any]]) -> bytes:
    """The rows as JSON."""
    return render_json({"stages": rows})


def status_text(rows: list[dict[str, Any]]) -> str:
    """One line per stage."""
    table = [("stage", "status", "what", "as of", "entry", "sources")]
    for row in rows:
        current = {None: "", True: "as they are now", False: "changed since"}[row["current"]]
        if row["policy_current"] is False:
            current += ", judged by other policies"
        entry = "" if row["entry"] is None else str(row["entry"])
        table.append(
            (row["stage"], row["status"], clean(row["title"]), row["effective_time"] or "", entry, current)
        )
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in table
    )
