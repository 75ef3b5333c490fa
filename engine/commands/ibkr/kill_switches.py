"""``gate ibkr kill-switches``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ....evidence.base.errors import masked
from ....evidence.base.times import format_utc
from ....evidence.broker.switches.record import document
from ....evidence.broker.switches.rehearse import Program
from ....evidence.process.programs import shown_arguments
from ...broker import evidence_files, switches
from ...broker.running import inherited, run
from ...broker.switches import limits_of
from ...terminal.console import write_error
from ...terminal.outputs import parse_outputs, write
from ..options import HERE_ALONE, Outputs, Where, argument, now, option
from .options import By, File, Force, seconds_option

USUAL = "KILL_SWITCH_VERIFICATION.json"


def kill_switches(
    command: Annotated[list[str], argument("Your program and its arguments, after --.", "COMMAND…")],
    by: By,
    switch: Annotated[list[str] | None, option("--switch", "Only this switch. Repeatable.", "NAME")] = None,
    limit: Annotated[
        list[str] | None,
        option("--limit", "Instead of the workspace's. Repeatable.", "NAME=NUMBER"),
    ] = None,
    seconds: Annotated[float, seconds_option("How long a run may take to start, and to react.")] = 30.0,
    file: File = None,
    force: Force = False,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Run your program just short of each kill switch's limit and just beyond it, and record what fired."""
    outputs = parse_outputs(output, tuple(switches.RENDERERS))
    evidence_files.check_words("--by", by)
    context = where.open()
    path = evidence_files.target(context, file, "kill_switch", "path", USUAL, force)
    limits, absent = limits_of(context, switch or (), limit or ())
    for name in absent:
        write_error(f"note: {name} is left out: it has no limit; add --limit {name}=NUMBER")
    program = Program(command, Path.cwd(), inherited(), seconds)
    found = run(switches.exercise(limits, program, write_error))
    finished = now()
    words = " ".join([command[0], *shown_arguments(command[1:], Path.cwd())])
    shown = masked(words.encode(errors="replace").decode())  # names of files need not be UTF-8
    record = document(found, format_utc(finished), by, shown)
    data = evidence_files.to_file(record, "kill_switch_verification", path)
    made_by = f"gate ibkr kill-switches -- {shown}"
    evidence_files.write_evidence(context, context.root / path, data, finished, made_by, force=force)
    for item in outputs:
        write(item, switches.RENDERERS[item.format](found))
    if not all(one.verified for one in found):
        raise typer.Exit(1)
