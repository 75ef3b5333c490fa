"""``gate ibkr conformance``."""

from __future__ import annotations

import asyncio
import os
import shlex
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from .... import __version__
from ....evidence.base.errors import EnvironmentProblem, UsageError, suggestion
from ....evidence.base.times import format_utc
from ....evidence.broker.conformance import document, runner
from ....evidence.broker.conformance.suite import CASES, Case
from ....evidence.broker.simulator.server import check_host
from ....evidence.process.programs import shown_arguments
from ...broker import conformance as report
from ...people.provenance import state_provenance
from ...terminal.console import write_error
from ...terminal.outputs import keep_out, parse_outputs, write
from ..options import HERE, Debug, Operator, Outputs, TrustRef, Verbose, Workspace, now, open_workspace


def conformance(
    command: Annotated[
        list[str],
        typer.Argument(help="The client program and its arguments, after --.", metavar="-- COMMAND..."),
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", help=f"Where to write; by default {document.NAME} in the workspace.", metavar="FILE"
        ),
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option("--case", help="Run only this case, and write nothing. Repeatable.", metavar="NAME"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file and logs that are there.")] = False,
    host: Annotated[
        str, typer.Option("--host", help="A loopback address to listen on.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", help="Port; 0 takes a free one.", min=0, max=65535, metavar="PORT")
    ] = 4002,
    seconds: Annotated[
        float, typer.Option("--seconds", help="Time for each case.", min=1, max=3600, metavar="N")
    ] = 90.0,
    output: Outputs = None,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Run your client program against a simulated gateway that fails, and record what it does."""
    outputs = parse_outputs(output, tuple(report.FORMATS))
    if not isfinite(seconds):
        raise UsageError(
            "--seconds is no number of seconds", remedy="give the time for each case, such as 90"
        )
    chosen = _chosen(case)
    host = check_host(host)
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GATE_IBKR_")}
    words = runner.check_command(command, Path.cwd(), environment)
    context = open_workspace(workspace, operator, trust_ref)
    target = (context.root / document.NAME if file is None else file).absolute()
    if not case:
        keep_out(target)
        document.check_free(target, [one.name for one in chosen], force=force)
    started_at = format_utc(now())
    runs = []
    for number, one in enumerate(chosen, 1):
        write_error(f"{number}/{len(chosen)} {one.name}: the program is told {one.task!r}")
        coroutine = runner.run_case(
            one,
            words,
            cwd=Path.cwd(),
            environment=environment,
            host=host,
            port=port,
            seconds=seconds,
            warn=write_error,
        )
        try:
            run = asyncio.run(coroutine)
        except KeyboardInterrupt:
            what = "interrupted; the program was ended and nothing is written"
            raise EnvironmentProblem(what, remedy="run the suite again") from None
        runs.append(run)
        if (text := report.unusual(run)) is not None:
            write_error(text)
        if not case and number == 1 and report.never_started(run):
            what = "the program crashed before it connected; the suite ends here, and nothing is written"
            raise EnvironmentProblem(what, remedy="see what it printed; --case account runs this case alone")
    shown = shlex.join([Path(command[0]).name, *shown_arguments(command[1:], Path.cwd())])
    found, logs = document.make_document(runs, shown, started_at, format_utc(now()), __version__)
    if not case:
        document.write_document(target, found, logs)
        write_error(f"wrote {target} and {len(logs)} logs")
        try:
            stated = state_provenance(
                context, [str(target)], format_utc(now()), f"gate ibkr conformance -- {shown}"
            )
            for path in stated:
                write_error(f"wrote {path}")
        except UsageError as error:  # it is no evidence where it lies, but it is there
            write_error(f"no provenance stated: {error.what}; to do: {error.remedy}")
    for item in outputs:
        write(item, report.FORMATS[item.format](found))


def _chosen(names: list[str] | None) -> tuple[Case, ...]:
    known = [one.name for one in CASES]
    for name in names or ():
        if name not in known:
            raise UsageError(f"there is no case {name!r}", remedy=suggestion(name, known))
    return tuple(one for one in CASES if not names or one.name in names)
