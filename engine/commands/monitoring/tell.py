"""``gate notify`` and ``gate metrics``."""

from __future__ import annotations

from typing import Annotated

import typer

from ....evidence.base.errors import UsageError
from ...terminal.console import write_error
from ...terminal.outputs import parse_outputs, write
from ..options import (
    HERE,
    Debug,
    Operator,
    Outputs,
    TrustRef,
    Verbose,
    Workspace,
    config_dir,
    now,
    open_workspace,
    output_option,
)

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def notify(
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent; send and remember nothing.")
    ] = False,
    output: Outputs = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Tell the receivers in the operator's file what changed in the ledger, each change once.

    Run it after each evaluation. Nothing is sent unless the verdict of a stage changed, a waiver expires
    within 30 days, or a condition is due within 7 days or overdue. What cannot be sent is a warning, and is
    tried again next time; the exit code stays 0.
    """
    from ...config.operator import load_operator
    from ...monitoring.channels import channels
    from ...monitoring.formats import TOLD
    from ...monitoring.notify import notify as tell

    outputs = parse_outputs(output, tuple(TOLD))
    if operator is None:
        raise UsageError(
            "nobody says whom to notify: the judged change's own gate.yaml cannot",
            remedy="name the operator's file, which has the setting notify, by --operator",
        )
    context = open_workspace(workspace, operator, trust_ref)
    loaded = load_operator(operator, context.root)
    receivers = [] if loaded.config.notify is None else channels(loaded, loaded.config.notify, context.root)
    if not receivers:
        write_error("the operator's file names nobody under notify: nothing is sent")
    told, warnings = tell(context, receivers, config_dir(), now(), dry_run=dry_run) if receivers else ([], [])
    for item in outputs:
        write(item, TOLD[item.format](told))
    for warning in warnings:
        write_error(warning)


@app.command()
def metrics(
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    output: Annotated[
        list[str] | None, output_option("table (default), prometheus, otlp (OpenTelemetry) or json")
    ] = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Print the ledger's figures for Prometheus or OpenTelemetry.

    Verdicts, decisions, violations, waivers, conditions and the age of evidence, by stage, as the ledger has
    them; nothing is judged, and nothing is sent.
    """
    from ...monitoring.formats import METRICS
    from ...monitoring.metrics import collect
    from ...report.several.history import unread

    outputs = parse_outputs(output, tuple(METRICS))
    found = collect(open_workspace(workspace, operator, trust_ref), config_dir())
    moment = now()
    for item in outputs:
        write(item, METRICS[item.format](found, moment))
    for text in unread(found.unread):
        write_error(f"warning: {text}")
    raise typer.Exit(1 if found.unread else 0)
