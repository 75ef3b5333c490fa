"""The command group ``gate policy``, on which each module of this package registers its commands."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="policy",
    add_completion=False,
    help="Edit, check, test and compare policy bundles.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()  # without it, a group of one command would be that command
def group() -> None:
    """Edit, check, test and compare policy bundles."""
