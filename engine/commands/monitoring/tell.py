"""``gate notify`` and ``gate metrics``."""

from __future__ import annotations

from typing import Annotated

import typer

from ....evidence.base.errors import UsageError
from ...terminal.console import write_error
from ...terminal.outputs import parse_outputs
from ..options import HERE_ALONE, Commands, Outputs, Where, config_dir, now, option, output_option, write_all

app = Commands()


@app.command()
def notify(
    where: Where = HERE_ALONE,
    dry_run: Annotated[
        bool, option("--dry-run", "Print what would be sent; send and remember nothing.")
    ] = False,
    output: Outputs = None,
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
    if where.operator is None:
        what = "nobody says whom to notify: the judged change's own gate.yaml cannot"
        raise UsageError(what, remedy="name the operator's file, which has the setting notify, by --operator")
    context = where.open()
    loaded = load_operator(where.operator, context.root)
    receivers = [] if loaded.config.notify is None else channels(loaded, loaded.config.notify, context.root)
    if not receivers:
        write_error("the operator's file names nobody under notify: nothing is sent")
    told, warnings = tell(context, receivers, config_dir(), now(), dry_run=dry_run) if receivers else ([], [])
    write_all(outputs, TOLD, told)
    for warning in warnings:
        write_error(warning)


@app.command()
def metrics(
    where: Where = HERE_ALONE,
    output: Annotated[
        list[str] | None, output_option("table (default), prometheus, otlp (OpenTelemetry) or json")
    ] = None,
) -> None:
    """Print the ledger's figures for Prometheus or OpenTelemetry.

    Verdicts, decisions, violations, waivers, conditions and the age of evidence, by stage, as the ledger has
    them; nothing is judged, and nothing is sent.
    """
    from ...monitoring.formats import METRICS
    from ...monitoring.metrics import collect
    from ...report.several.history import unread

    outputs = parse_outputs(output, tuple(METRICS))
    found = collect(where.open(), config_dir())
    moment = now()
    write_all(outputs, METRICS, found, moment)
    for text in unread(found.unread):
        write_error(f"warning: {text}")
    raise typer.Exit(1 if found.unread else 0)
