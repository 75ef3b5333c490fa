"""``gate ibkr conformance``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from .... import __version__
from ....evidence.base.errors import EnvironmentProblem, UsageError, suggestion
from ....evidence.base.numbers import counted
from ....evidence.base.times import format_utc
from ....evidence.broker.conformance import document, runner
from ....evidence.broker.conformance.suite import CASES, NAME, Case
from ....evidence.broker.simulator.server import check_host
from ....evidence.process.programs import shown_arguments
from ...broker import conformance as report
from ...broker.evidence_files import check_place, write_provenance
from ...broker.running import inherited, run
from ...context import Context
from ...terminal.console import write_error
from ...terminal.outputs import parse_outputs, write
from ..options import HERE_ALONE, Outputs, Where, argument, now, option, refuse_unheeded
from .options import ListenHost, ListenPort, seconds_option


def conformance(
    call: typer.Context,
    command: Annotated[
        list[str],
        argument("The client program and its arguments, after --.", "-- COMMAND..."),
    ],
    file: Annotated[
        Path | None,
        option("--file", f"Where to write; by default {NAME} in the workspace.", "FILE"),
    ] = None,
    case: Annotated[
        list[str] | None,
        option("--case", "Run only this case, and write nothing. Repeatable.", "NAME"),
    ] = None,
    force: Annotated[bool, option("--force", "Replace the file and logs that are there.")] = False,
    host: ListenHost = "127.0.0.1",
    port: ListenPort = 4002,
    seconds: Annotated[float, seconds_option("Time for each case.")] = 90.0,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Run your client program against a simulated gateway that fails, and record what it does."""
    outputs = parse_outputs(output, tuple(report.FORMATS))
    chosen = _chosen(case)
    if case:
        refuse_unheeded(call, "a single case writes nothing", "file", "force")
    host = check_host(host)
    environment = inherited()
    words = runner.check_command(command, Path.cwd(), environment)
    context = where.open()
    target = (context.root / NAME if file is None else file).absolute()
    if not case:
        _check_places(context, target, force)
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
        runs.append(run(coroutine))
        if (text := report.unusual(runs[-1])) is not None:
            write_error(text)
        if not case and number == 1 and report.never_started(runs[-1]):
            what = "the program crashed before it connected; the suite ends here, and nothing is written"
            raise EnvironmentProblem(what, remedy="see what it printed; --case account runs this case alone")
    named = shlex.join([Path(command[0]).name, *shown_arguments(command[1:], Path.cwd())])
    shown = named.encode(errors="replace").decode()  # names of files need not be UTF-8
    found, logs = document.make_document(runs, shown, started_at, format_utc(now()), __version__)
    if not case:
        _check_places(context, target, force)  # again: the program may have put something there
        document.write_document(target, found, logs)
        write_error(f"wrote {target} and {counted(len(logs), 'log')}")
        write_provenance(context, [target], now(), f"gate ibkr conformance -- {shown}")
    for item in outputs:
        write(item, report.FORMATS[item.format](found))


def _check_places(context: Context, target: Path, force: bool) -> None:
    check_place(context, target, force=force)
    logs = target.parent / document.LOGS
    if logs.is_symlink() or (logs.exists() and not logs.is_dir()):
        raise UsageError("is no directory", path=str(logs), remedy="remove it: the logs are written there")
    for case in CASES if logs.exists() else ():
        check_place(context, logs / f"{case.name}.jsonl", force=force)


def _chosen(names: list[str] | None) -> tuple[Case, ...]:
    known = [one.name for one in CASES]
    for name in names or ():
        if name not in known:
            raise UsageError(f"there is no case {name!r}", remedy=suggestion(name, known))
    return tuple(one for one in CASES if not names or one.name in names)
