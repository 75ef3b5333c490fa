"""The command group ``gate policy``, on which each module of this package registers its commands."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="policy",
    help="Edit, check, test and compare policy bundles.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
