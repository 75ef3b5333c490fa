"""``gate policy whatif``."""

from __future__ import annotations

from typing import Annotated

import typer

from ....evidence.base.errors import UsageError
from ...terminal.console import progress
from ...terminal.outputs import parse_outputs, write
from ..options import (
    DECISION,
    HERE_ALONE,
    AllowPast,
    EffectiveTime,
    Engine,
    Jobs,
    NoCache,
    NoColor,
    Policy,
    Where,
    argument,
    config_dir,
    effective_time,
    option,
    output_option,
    refuse_unheeded,
    screen,
)
from .group import app


@app.command("whatif")
def whatif(
    call: typer.Context,
    stage: Annotated[str, argument("A stage of the bundle, or all.", "STAGE")],
    facts: Annotated[
        list[str] | None, option("--set", "Replace a fact by this value. Repeatable.", "FACT=VALUE")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        option("--param", "Replace a parameter by this value. Repeatable.", "PARAMETER=VALUE"),
    ] = None,
    sweep: Annotated[
        str | None,
        option(
            "--sweep",
            "Judge at every value of a parameter, or a fact, from the first to the last one.",
            "NAME=FROM:TO:STEP",
        ),
    ] = None,
    decision: Annotated[
        str | None,
        option(
            "--decision",
            f"Take this recorded decision's facts, time and policies: {DECISION}.",
            "DECISION",
        ),
    ] = None,
    policy: Policy = None,
    engine: Engine = None,
    time: EffectiveTime = None,
    allow_past_effective_time: AllowPast = False,
    jobs: Jobs = None,
    output: Annotated[list[str] | None, output_option("table (default), json, or svg (of a sweep)")] = None,
    where: Where = HERE_ALONE,
    no_cache: NoCache = False,
    no_color: NoColor = False,
) -> None:
    """Judge with facts or parameters replaced: hypothetical, never recorded, exit 0 whatever the verdict."""
    from ...replay import replacing
    from ...replay import whatif as logic
    from ...replay.asked import case_of
    from ...replay.reports import svg
    from ...replay.reports import whatif as report
    from ...spread.processes import usual

    formats = {"table": report.sweep_table, "json": report.sweep_json, "svg": svg.sweep_svg}
    outputs = parse_outputs(output, tuple(formats))
    wanted = [replacing.parse(replacing.FACT, text) for text in facts or ()]
    wanted += [replacing.parse(replacing.PARAMETER, text) for text in parameters or ()]
    span = None if sweep is None else logic.parse_span(sweep)
    if span is None and not wanted:
        raise UsageError("nothing is replaced", remedy="give --set, --param or --sweep")
    if span is None and any(item.format == "svg" for item in outputs):
        raise UsageError("svg is a format of sweeps", remedy="give --sweep NAME=FROM:TO:STEP")
    if span is None:
        refuse_unheeded(call, "only a sweep is split among processes", "jobs")
    if decision is not None:
        own = ("time", "allow_past_effective_time", "no_cache")
        refuse_unheeded(call, "a recorded decision has its own time and facts", *own)
    context = where.open(policy, no_cache=no_cache, engine=engine)
    moment = effective_time(context, time, allow_past=allow_past_effective_time)
    with progress():
        case = case_of(context, stage, decision, moment, config_dir(), given=policy is not None)
        if span is None:
            found = logic.whatif(case, wanted)
        else:
            swept = logic.sweep(case, span, wanted, min(jobs or usual(), len(span.values)))
    for item in outputs:
        page = screen(no_color=no_color, to_file=item.path is not None)
        if span is not None:
            write(item, formats[item.format](swept, page))
        else:
            render = report.whatif_json if item.format == "json" else report.whatif_table
            write(item, render(found, page))
