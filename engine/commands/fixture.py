"""``gate fixture sign``."""

from __future__ import annotations

from typing import Annotated

import typer

from ...evidence.base.times import format_utc
from ..people.fixture import sign_fixtures
from ..terminal.console import write_line
from .options import HERE_ALONE, Where, command_group, now

app = command_group("fixture", "Write JSON files with the digest of their data.")


@app.callback()
def group() -> None:
    """Write JSON files with the digest of their data."""


@app.command("sign")
def sign(
    files: Annotated[list[str], typer.Argument(help="JSON files of the workspace.", metavar="FILE…")],
    version: Annotated[
        str | None,
        typer.Option("--data-version", help="Version of the data; 1.0.0 if none is stated.", metavar="TEXT"),
    ] = None,
    where: Where = HERE_ALONE,
) -> None:
    """Write JSON files with the digest of their data, which shows later that nobody edited them."""
    done = sign_fixtures(where.open(), files, format_utc(now()), version)
    for path, changed in done.items():
        write_line(f"{'signed' if changed else 'unchanged'} {path}")
