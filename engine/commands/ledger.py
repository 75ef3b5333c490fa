"""``gate ledger show`` and ``gate ledger verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import recording
from ..report import ledger as report
from ..terminal.outputs import parse_outputs, write
from .options import HERE, Debug, Operator, Outputs, TrustRef, Verbose, Workspace, config_dir, open_workspace

app = typer.Typer(
    name="ledger",
    add_completion=False,
    help="Read and verify the ledger of decisions.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("show")
def show(
    index: Annotated[
        int | None, typer.Argument(help="Print this entry's statement.", min=0, metavar="[INDEX]")
    ] = None,
    last: Annotated[int, typer.Option("--last", help="How many entries to list.", min=1)] = 20,
    output: Outputs = None,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """List recorded decisions, or print one entry's statement."""
    outputs = parse_outputs(output, tuple(report.ENTRIES))
    context = open_workspace(workspace, operator, trust_ref)
    if index is not None:
        statement = recording.find_statement(context, index)
        for item in outputs:
            write(item, report.render_statement(statement))
        return
    entries, checkpoint = recording.latest_decisions(context, last)
    for item in outputs:
        write(item, report.ENTRIES[item.format](entries, checkpoint))


@app.command("verify")
def verify(
    key: Annotated[
        str | None,
        typer.Option(
            "--key", help="The log's verifier key, obtained elsewhere than from the ledger.", metavar="VKEY"
        ),
    ] = None,
    output: Outputs = None,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Check every line, signature, checkpoint and stored document; exit 1 when something does not fit."""
    outputs = parse_outputs(output, tuple(report.VERIFICATIONS))
    found = recording.verify(open_workspace(workspace, operator, trust_ref), key, config_dir())
    for item in outputs:
        write(item, report.VERIFICATIONS[item.format](found))
    raise typer.Exit(0 if found.ok else 1)
