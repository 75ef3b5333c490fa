"""The stages with their latest recorded verdicts, as a table or JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...evidence.base.records import to_json
from ..recording import StageStatus
from .json_format import render_json
from .text import to_bytes


def status_json(rows: Sequence[StageStatus]) -> bytes:
    """The rows as JSON."""
    return render_json({"stages": [to_json(row) for row in rows]})


def status_text(rows: Sequence[StageStatus]) -> bytes:
    """One line per stage."""
    table = [("stage", "status", "what", "as of", "entry", "sources")]
    for row in rows:
        current = {None: "", True: "as they are now", False: "changed since"}[row.current]
        if row.policy_current is False:
            current += ", judged by other policies"
        entry = "" if row.entry is None else str(row.entry)
        table.append((row.stage, row.status, row.title, row.effective_time or "", entry, current))
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return to_bytes(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


RENDERERS: dict[str, Callable[[Sequence[StageStatus]], bytes]] = {"table": status_text, "json": status_json}
