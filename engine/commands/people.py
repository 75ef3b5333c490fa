"""``gate signoff`` and ``gate provenance``: statements that people sign or put beside evidence."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ...evidence.base.errors import UsageError, suggestion
from ...evidence.base.times import format_utc, parse_rfc3339
from .. import service
from ..decide.recorded import TRUST
from ..provenance import check_finished, state_provenance
from ..signoff import prepare_signoff
from ..terminal.console import write_bytes, write_error, write_line
from ..terminal.outputs import parse_outputs, write
from .options import HERE, Debug, Operator, TrustRef, Verbose, Workspace, effective_time, now, open_workspace

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class SignoffVerdict(StrEnum):
    """What a person decides in a sign-off."""

    APPROVE = "approve"
    REJECT = "reject"
    CONDITIONAL = "conditional"


@app.command()
def signoff(
    stage: Annotated[str, typer.Argument(help="The stage that is signed.", metavar="STAGE")],
    role: Annotated[str, typer.Option("--role", help="Your role, as in gate.yaml.")],
    name: Annotated[str, typer.Option("--name", help="Your name.")],
    verdict: Annotated[
        SignoffVerdict, typer.Option("--verdict", help="What you decide.")
    ] = SignoffVerdict.APPROVE,
    condition: Annotated[
        list[str] | None,
        typer.Option("--condition", help="TEXT|OWNER|DUE, with --verdict conditional. Repeatable."),
    ] = None,
    comment: Annotated[str | None, typer.Option("--comment", help="A remark.")] = None,
    signed_at: Annotated[
        str | None,
        typer.Option(
            "--at", help="When you sign: now, or RFC 3339. Default: the effective time.", metavar="TIME"
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a file instead of printing.", metavar="PATH")
    ] = None,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Print the sign-off of a stage, for you to sign with ssh-keygen."""
    context = open_workspace(workspace, operator, trust_ref)
    if stage not in (*context.plan.stages, TRUST):
        raise UsageError(f"there is no stage {stage!r}", remedy=suggestion(stage, context.plan.stages))
    time = effective_time(context, None, allow_past=True)
    moment = effective_time(context, signed_at or time.text, allow_past=True)
    statement = prepare_signoff(
        context,
        service.binding(context, stage, time),
        stage,
        role,
        name,
        verdict.value,
        moment.text,
        comment=comment,
        conditions=condition or [],
    )
    if signed_at is None and time.source != "clock":
        write_error(
            f"note: signed_at is {moment.text}, the effective time set in gate.yaml; --at gives another"
        )
    if output is None:
        write_bytes(statement)
    else:
        write(parse_outputs([f"json={output}"], ("json",))[0], statement)


@app.command()
def provenance(
    files: Annotated[list[str], typer.Argument(help="Evidence files of the workspace.", metavar="FILE…")],
    command: Annotated[
        str | None, typer.Option("--command", help="What made them, for people.", metavar="TEXT")
    ] = None,
    finished_at: Annotated[
        str | None,
        typer.Option("--at", help="When they were finished: now (default), or RFC 3339.", metavar="TIME"),
    ] = None,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """State beside evidence files which sources and commit they were made from."""
    current = now()
    try:
        moment = current if finished_at in (None, "now") else parse_rfc3339(str(finished_at))
    except ValueError as error:
        raise UsageError(str(error), remedy="give --at now, or a time with its zone") from error
    check_finished(moment, current)
    for path in state_provenance(
        open_workspace(workspace, operator, trust_ref), files, format_utc(moment), command
    ):
        write_line(f"wrote {path}")
