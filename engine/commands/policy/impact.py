"""``gate policy impact``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ....evidence.base.errors import UsageError
from ....evidence.base.times import parse_rfc3339
from ...terminal.console import progress
from ...terminal.outputs import parse_outputs
from ..options import (
    HERE_ALONE,
    Cluster,
    Engine,
    Jobs,
    NoColor,
    Where,
    config_dir,
    option,
    output_option,
    show_all,
    workers,
)
from .group import Bundle, app


@app.command("impact")
def impact(
    bundle: Bundle = None,
    base: Annotated[
        str | None,
        option(
            "--base",
            "Compare with this bundle (a directory, archive, REF:DIR or shipped[:NAME]), or with what a "
            "commit has where the edited one lies; by default, with the one that each decision was recorded "
            "with.",
            "BUNDLE|REF",
        ),
    ] = None,
    since: Annotated[
        str | None,
        option("--since", "Leave out decisions judged as of an earlier time: a date, or RFC 3339.", "TIME"),
    ] = None,
    against: Annotated[
        list[str] | None,
        option(
            "--against",
            "A ledger in place of the workspace's, or OPA's decision logs (.jsonl). Repeatable.",
            "LEDGER|FILE",
        ),
    ] = None,
    facts: Annotated[
        Path | None, option("--facts", "Judge the named fact sets of this file, too.", "FILE")
    ] = None,
    fail_on: Annotated[
        Literal["loosened", "changed", "never"],
        option("--fail-on", "Exit 1 when anything demands less, anything flips, or never."),
    ] = "loosened",
    engine: Engine = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    output: Annotated[list[str] | None, output_option("table (default), markdown, json or sarif")] = None,
    where: Where = HERE_ALONE,
    no_color: NoColor = False,
) -> None:
    """Judge every recorded decision again under the edited policies, and show what flips.

    Exit 2 when a decision could not be judged again.
    """
    from ...replay.asked import ask_impact
    from ...replay.reports.impact import RENDERERS
    from ...spread import spread_over

    outputs = parse_outputs(output, tuple(RENDERERS))
    context = where.open(bundle, engine=engine)
    since_s = None if since is None else _seconds(since)
    split = workers(context, jobs, cluster)
    with progress(), spread_over(*split) as spread:
        found = ask_impact(context, config_dir(), base, since_s, tuple(against or ()), facts, spread)
    show_all(outputs, RENDERERS, no_color, found)
    failing = {"loosened": found.loosened, "changed": bool(found.changed), "never": False}
    raise typer.Exit(1 if failing[fail_on] else 2 if found.failed else 0)


def _seconds(text: str) -> int:
    try:
        return parse_rfc3339(text if "T" in text.upper() else f"{text}T00:00:00Z")
    except ValueError as error:
        raise UsageError(f"--since: {error}", remedy="give a date such as 2025-11-07, or RFC 3339") from error
