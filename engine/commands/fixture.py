"""``gate fixture sign``."""

from __future__ import annotations

from typing import Annotated

from ...evidence.base.times import format_utc
from ..people.fixture import sign_fixtures
from ..terminal.console import write_line
from .options import HERE_ALONE, Where, argument, command_group, now, option

app = command_group("fixture", "Write JSON files with the digest of their data.")


@app.callback()
def group() -> None:
    """Write JSON files with the digest of their data."""


@app.command("sign")
def sign(
    files: Annotated[list[str], argument("JSON files of the workspace.", "FILE…")],
    version: Annotated[
        str | None, option("--data-version", "Version of the data; 1.0.0 if none is stated.", "TEXT")
    ] = None,
    where: Where = HERE_ALONE,
) -> None:
    """Write JSON files with the digest of their data, which shows later that nobody edited them."""
    done = sign_fixtures(where.open(), files, format_utc(now()), version)
    for path, changed in done.items():
        write_line(f"{'signed' if changed else 'unchanged'} {path}")
