"""``gate replay``."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from ...evidence.base.errors import UsageError
from ..terminal.console import progress
from ..terminal.outputs import parse_outputs
from .options import (
    DECISION,
    HERE_ALONE,
    Cluster,
    Commands,
    Engine,
    Jobs,
    NoColor,
    Outputs,
    Where,
    argument,
    config_dir,
    option,
    refuse_unheeded,
    show_all,
    workers,
)

app = Commands()


@app.command()
def replay(
    call: typer.Context,
    decision: Annotated[
        str | None, argument(f"Which one: {DECISION}.", "[DECISION]", show_default=False)
    ] = None,
    everything: Annotated[bool, option("--all", "Make every recorded decision again.")] = False,
    engine: Engine = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    output: Outputs = None,
    where: Where = HERE_ALONE,
    no_color: NoColor = False,
) -> None:
    """Make recorded decisions again; exit 1 when one comes out differently.

    Recorded input, policy bundle and time give the same bytes; exit 2 when a decision cannot be replayed.
    """
    from ..replay.replay import Replaying, Status
    from ..replay.replay import replay as make_again
    from ..replay.reports.replay import RENDERERS
    from ..replay.stored import EngineChoice, find_line, lines, own_place
    from ..spread import spread_over

    outputs = parse_outputs(output, tuple(RENDERERS))
    if (decision is None) is not everything:
        raise UsageError("give either a decision or --all", remedy="`gate history` lists decisions")
    if not everything:
        refuse_unheeded(call, "one decision is no work to split", "jobs", "cluster")
    context = where.open(engine=engine)
    choice = EngineChoice.of(context)
    place = own_place(context)
    split = workers(context, jobs, cluster) if everything else (1, None)
    with progress(), spread_over(*split) as spread:
        if decision is None:
            chosen = lines(place, 0, config_dir())
        else:
            chosen = [find_line(context, decision, config_dir())]
        work = Replaying(place, choice, same=engine is None, samples=tuple(chosen[:1]))
        found = list(make_again(work, chosen, spread))
    show_all(outputs, RENDERERS, no_color, found)
    counts = Counter(one.status for one in found)
    raise typer.Exit(1 if counts[Status.DIFFERENT] else 2 if counts[Status.IMPOSSIBLE] else 0)
