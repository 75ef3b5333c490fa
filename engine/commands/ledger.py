"""``gate ledger show`` and ``gate ledger verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from ...evidence.base.errors import UsageError
from .. import recording
from ..report import ledger as report
from ..terminal.outputs import parse_outputs, write
from .options import HERE, Debug, Outputs, Verbose, Workspace, config_dir, open_workspace

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
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """List recorded decisions, or print one entry's statement."""
    outputs = parse_outputs(output, tuple(report.ENTRIES))
    context = open_workspace(workspace)
    if index is not None:
        statement = recording.find_statement(context, index, config_dir())
        for item in outputs:
            write(item, report.render_statement(statement))
        return
    entries, checkpoint = recording.latest_decisions(context, last, config_dir())
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
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="receipt: read only what was added since this machine last saw the ledger. FILE: a "
            "checkpoint kept elsewhere, which the ledger must extend.",
            metavar="receipt|FILE",
        ),
    ] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Check all signatures, also of entries that a receipt or checkpoint covers."
        ),
    ] = False,
    output: Outputs = None,
    workspace: Workspace = HERE,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Check every line, signature, checkpoint and stored document; exit 1 when something does not fit."""
    outputs = parse_outputs(output, tuple(report.VERIFICATIONS))
    if full and since == recording.RECEIPT:
        raise UsageError("--full reads everything, --since receipt does not", remedy="give one of them")
    found = recording.verify(open_workspace(workspace), key, config_dir(), since=since, full=full)
    for item in outputs:
        write(item, report.VERIFICATIONS[item.format](found))
    raise typer.Exit(0 if found.ok else 1)
