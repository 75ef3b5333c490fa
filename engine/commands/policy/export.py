"""``gate policy export``: a bundle's rules as documents for tools of governance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...terminal.outputs import keep_out, parse_outputs, write
from ..options import HERE, Debug, Operator, TrustRef, Verbose, Workspace, open_workspace
from .group import app


@app.command("export")
def export(
    bundle: Annotated[
        Path | None,
        typer.Argument(help="Directory of the bundle; by default that of gate.yaml.", metavar="[BUNDLE]"),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            help="What to print: gemara-catalog (default) or gemara-policy; =PATH writes a file. Repeatable.",
            metavar="FORMAT[=PATH]",
        ),
    ] = None,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Write the rules that judge as a Gemara control catalog, and how they judge as a Gemara policy."""
    from ...report.gemara.catalog import FORMATS
    from ...report.gemara.documents import render_yaml

    outputs = parse_outputs(output or ["gemara-catalog"], tuple(FORMATS))
    context = open_workspace(workspace, operator, trust_ref, bundle)
    keep_out(outputs, context.ledger)
    for item in outputs:
        write(item, render_yaml(FORMATS[item.format](context.bundle, context.plan)))
