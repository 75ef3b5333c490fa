"""``gate fleet status``, ``history`` and ``trend``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ...decide.conditions import DAY
from ...fleet import history as histories
from ...fleet import standing
from ...fleet import trend as trends
from ...fleet.reading import ask
from ...fleet.settings import open_fleet
from ...terminal.outputs import parse_outputs
from ..options import NoColor, Outputs, argument, command_group, config_dir, now, option, show_all
from .history import Last, OfStage
from .history import Outputs as HistoryOutputs

app = command_group("fleet", "Look at many ledgers together; exit 1 when one of them cannot be read.")

File = Annotated[
    Path | None, argument("File that names the ledgers.", "[FILE]", envvar="GATE_FLEET", show_default=False)
]
Named = Annotated[
    list[str] | None, option("--ledger -l", "A ledger: a name, and its directory or URL.", "NAME=URL")
]


@app.command("status")
def status(
    file: File = None,
    ledger: Named = None,
    stage: Annotated[
        str | None,
        option("--stage", "The stage that says who may go live; stage8 if none is named.", "STAGE"),
    ] = None,
    within: Annotated[
        int,
        option("--within", "List waivers and conditions that end in so many days.", "DAYS", min=0, max=3650),
    ] = 30,
    output: Outputs = None,
    no_color: NoColor = False,
) -> None:
    """Show who may go live, what blocks most often, what expires soon, and how old the evidence is."""
    outputs = parse_outputs(output, tuple(standing.STATUS))
    fleet = open_fleet(file, ledger or ())
    chosen, time = stage or fleet.stage, now()
    answers = ask(fleet, partial(standing.stand, stage=chosen, now_s=time), config_dir())
    found = standing.Overview.of(answers, chosen, time, within * DAY)
    show_all(outputs, standing.STATUS, no_color, found)
    raise typer.Exit(1 if found.problems else 0)


@app.command("history")
def history(
    file: File = None,
    ledger: Named = None,
    stage: OfStage = None,
    last: Last = 20,
    output: HistoryOutputs = None,
    no_color: NoColor = False,
) -> None:
    """List the latest decisions of all ledgers, oldest first."""
    outputs = parse_outputs(output, tuple(histories.HISTORY))
    answers = ask(
        open_fleet(file, ledger or ()), partial(histories.recent, stage=stage, last=last), config_dir()
    )
    found = histories.History.of(answers, last)
    show_all(outputs, histories.HISTORY, no_color, found)
    raise typer.Exit(1 if found.problems else 0)


@app.command("trend")
def trend(
    file: File = None,
    ledger: Named = None,
    stage: Annotated[
        str | None, option("--stage", "Count verdicts on this stage, not on decisions.", "STAGE")
    ] = None,
    by: Annotated[trends.By, option("--by", "Length of a period.")] = trends.By.MONTH,
    last: Annotated[int, option("--last", "How many periods, the latest ones.", "N", min=1, max=1000)] = 12,
    output: Outputs = None,
    no_color: NoColor = False,
) -> None:
    """Show how verdicts develop, by day, week or month, and which rules failed decisions violate."""
    outputs = parse_outputs(output, tuple(trends.TREND))
    answers = ask(
        open_fleet(file, ledger or ()), partial(trends.develop, stage=stage, by=by, last=last), config_dir()
    )
    found = trends.Trend.of(answers, by, last)
    show_all(outputs, trends.TREND, no_color, found)
    raise typer.Exit(1 if found.problems else 0)
