"""``gate signoff``: sign off a stage with an SSH key, here or elsewhere, and list which sign-offs count."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec.structs import replace

from ....evidence.base.errors import UsageError, suggestion
from ....evidence.collectors.signoffs import NAMESPACE
from ... import service
from ...context import Context
from ...decide.recorded import TRUST, Time
from ...people import signoff, sshsign
from ...people.key_events import read_bytes
from ...report.people import FORMATS, Listed, render
from ...terminal.console import write_bytes, write_error, write_line
from ...terminal.outputs import parse_outputs, write
from ...workspace_ledger import check_people
from ..options import (
    HERE_ALONE,
    Group,
    Outputs,
    Where,
    argument,
    command_group,
    config_dir,
    effective_time,
    option,
    screen,
    show_pages,
)

if TYPE_CHECKING:
    from typer._click import Context as Invocation


class _SignFirst(Group):
    """``gate signoff STAGE …`` signs: what is no other command's name begins the arguments of ``sign``."""

    def parse_args(self, ctx: Invocation, args: list[str]) -> list[str]:
        """The arguments, with the name of the command that they mean."""
        if args and args[0] not in (*self.commands, "--help", "-h"):
            args = ["sign", *args]
        return super().parse_args(ctx, args)


app = command_group(
    "signoff",
    "Sign off a stage with your SSH key (gate signoff STAGE --role ROLE); list which sign-offs count.",
    _SignFirst,
)


Stage = Annotated[
    str, argument("The stage to sign off; or trust, for what the change alters against --trust-ref.", "STAGE")
]
Role = Annotated[str, option("--role", "Your role, one of those in the settings.", "ROLE")]
Decided = Annotated[Literal["approve", "reject", "conditional"], option("--verdict", "What you decide.")]
Conditions = Annotated[
    list[str] | None,
    option(
        "--condition",
        "What must still be done, by whom, by when; RULE closes it. Repeatable.",
        "TEXT|OWNER|DUE[|RULE]",
    ),
]
Comment = Annotated[str | None, option("--comment", "A remark.", "TEXT")]
SignedAt = Annotated[
    str | None, option("--at", "When you sign: now, or RFC 3339. Default: the effective time.", "TIME")
]
Key = Annotated[
    Path | None,
    option(
        "--key",
        "Your SSH key, or its .pub file if an agent holds the private key. Default: a key in ~/.ssh.",
        "FILE",
        envvar="GATE_SSH_KEY",
    ),
]
Yes = Annotated[bool, option("--yes -y", "Sign without asking.")]


@app.command("sign")
def sign(
    stage: Stage,
    role: Role,
    name: Annotated[
        str | None,
        option("--name", "Your name. Default: the principal of your key in allowed_signers.", "NAME"),
    ] = None,
    verdict: Decided = "approve",
    condition: Conditions = None,
    comment: Comment = None,
    signed_at: SignedAt = None,
    key: Key = None,
    yes: Yes = False,
    where: Where = HERE_ALONE,
) -> None:
    """Show what you sign, ask, and sign it with your SSH key; `gate signoff STAGE` is short for this."""
    context, time, moment = _opened(where.open(), stage, signed_at)
    sshsign.check_role(context, role)
    file = sshsign.find_key(key)
    public = sshsign.public_key(file)
    if public is not None:
        signers = sshsign.known_signers(context)
        principal = sshsign.principal_of(context, signers, public, NAMESPACE, role)
        name = name or principal
    if name is None:
        what = "this key has no readable .pub file, so its owner is unknown"
        raise UsageError(what, path=str(file), remedy="add --name")
    judged = service.evaluate(context, stage if stage != TRUST else next(iter(context.plan.stages)), time)
    bound = signoff.binding_of(context, judged.recorded, stage)
    statement = signoff.prepare_signoff(
        context, bound, role, name, verdict, moment, comment=comment, conditions=condition or []
    )
    page = replace(screen(no_color=True), arguments=where.arguments())
    for line in signoff.review(context, judged.decision, bound, judged.recorded, role, page):
        write_error(line)
    confirm(f"Sign {verdict} of {stage} as {role}, {name}?", yes)
    armored = sshsign.sign(context.root, statement, NAMESPACE, file)
    say_written(where, signoff.place_signoff(context, bound, role, statement, armored))


@app.command("request")
def request(
    stage: Stage,
    role: Role,
    name: Annotated[str, option("--name", "Your name.", "NAME")],
    verdict: Decided = "approve",
    condition: Conditions = None,
    comment: Comment = None,
    signed_at: SignedAt = None,
    output: Annotated[Path | None, option("--output -o", "Write a file instead of printing.", "PATH")] = None,
    where: Where = HERE_ALONE,
) -> None:
    """Print a sign-off that you sign with ssh-keygen elsewhere and then import."""
    context, time, moment = _opened(where.open(), stage, signed_at)
    sshsign.check_role(context, role)
    bound = signoff.binding_of(context, service.binding(context, stage, time), stage)
    statement = signoff.prepare_signoff(
        context, bound, role, name, verdict, moment, comment=comment, conditions=condition or []
    )
    if output is None:
        write_bytes(statement)
    else:
        write(parse_outputs([f"json={output}"], ("json",))[0], statement)
        file = shlex.quote(str(output))
        write_error(f"next: ssh-keygen -Y sign -f KEY -n {NAMESPACE} {file}")
        write_error(f"then: gate signoff import {file} {file}.sig{where.arguments()}")


@app.command("import")
def import_(
    file: Annotated[Path, argument("What `gate signoff request` wrote.", "FILE")],
    signature: Annotated[Path, argument("Its signature by ssh-keygen.", "FILE.sig")],
    where: Where = HERE_ALONE,
) -> None:
    """Check a sign-off that was signed elsewhere, and write it into the workspace."""
    data, armored = (read_bytes(path) for path in (file, signature))
    document = signoff.read_signoff(data, str(file))
    context, time, _ = _opened(where.open(), document["stage"], None, quiet=True)
    sshsign.check_role(context, document["role"])
    sshsign.check_signed(context, data, armored, NAMESPACE, document["role"])
    bound = signoff.binding_of(context, service.binding(context, document["stage"], time), document["stage"])
    signoff.check_bound(document, bound, str(file))
    say_written(where, signoff.place_signoff(context, bound, document["role"], data, armored))


@app.command("list")
def list_(output: Outputs = None, where: Where = HERE_ALONE) -> None:
    """List the sign-offs: which count, and why the others do not."""
    context = where.open()
    show_list("signoffs", signoff.list_signoffs, output, context)


def show_list(
    name: str, find: Callable[[Context, Time], list[Listed]], output: list[str] | None, context: Context
) -> None:
    """Print a list of statements in the formats asked for."""
    outputs = parse_outputs(output, FORMATS)
    check_people(context, config_dir())
    found = find(context, effective_time(context, None, allow_past=True))
    show_pages(outputs, False, partial(render, found, name))


def say_written(where: Where, path: str) -> None:
    """Name the statement that was placed and its signature, as they are found from here."""
    found = where.workspace / path
    write_line(f"wrote {found} and {found}.sig")


def confirm(question: str, yes: bool) -> None:
    """Ask on the terminal, unless that is answered already.

    Raises UsageError: there is no terminal to ask on; Exit: the answer is no.
    """
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        remedy = "review what is printed, then add --yes to sign it"
        raise UsageError("there is no terminal to ask on", remedy=remedy)
    if not typer.confirm(question, default=False, err=True):
        write_error("nothing was signed")
        raise typer.Exit(2)


def _opened(
    context: Context, stage: str, signed_at: str | None, *, quiet: bool = False
) -> tuple[Context, Time, str]:
    """The workspace, the effective time and the time of signing."""
    check_people(context, config_dir())
    if stage not in (*context.plan.stages, TRUST):
        raise UsageError(f"there is no stage {stage!r}", remedy=suggestion(stage, context.plan.stages))
    if stage == TRUST and context.authority.trust.ref is None:
        what = "without a trust ref there is nothing to compare with, and no alteration to sign"
        raise UsageError(what, remedy="add --trust-ref, with the branch that the change is to be merged into")
    time = effective_time(context, None, allow_past=True)
    moment = effective_time(context, signed_at or time.text, allow_past=True)
    if signed_at is None and time.source != "clock" and not quiet:
        write_error(
            f"note: signed_at is {moment.text}, the effective time of the settings; change it with --at"
        )
    return context, time, moment.text
