"""``gate provenance``: statements that people put beside evidence."""

from __future__ import annotations

from typing import Annotated

from ...evidence.base.errors import UsageError
from ...evidence.base.times import format_utc, parse_rfc3339
from ..people.provenance import check_finished, state_provenance
from ..terminal.console import write_line
from .options import HERE_ALONE, Commands, Where, argument, now, option

app = Commands()


@app.command()
def provenance(
    files: Annotated[list[str], argument("Evidence files of the workspace.", "FILE…")],
    command: Annotated[str | None, option("--command", "What made them, for people.", "TEXT")] = None,
    finished_at: Annotated[
        str | None, option("--at", "When they were finished: now (default), or RFC 3339.", "TIME")
    ] = None,
    where: Where = HERE_ALONE,
) -> None:
    """State beside evidence files which sources and commit they were made from."""
    current = now()
    try:
        moment = current if finished_at in (None, "now") else parse_rfc3339(str(finished_at))
    except ValueError as error:
        raise UsageError(str(error), remedy="give --at now, or a time with its zone") from error
    check_finished(moment, current)
    for path in state_provenance(where.open(), files, format_utc(moment), command):
        write_line(f"wrote {path}")
