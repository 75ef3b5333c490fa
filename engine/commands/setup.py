"""``gate init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..config.scaffold import write_config
from ..console import write_line
from .options import HERE, Debug, Verbose

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.callback()
def group() -> None:
    """Set a workspace up."""


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="The workspace.", metavar="[DIR]")] = HERE,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Write a commented gate.yaml."""
    write_line(f"wrote {write_config(directory)}")
