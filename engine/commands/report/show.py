"""``gate report``, ``gate report trend`` and ``gate report compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ....evidence.base.errors import UsageError
from ... import recording
from ...context import Context
from ...decision.document import Decision
from ...decision.reading import read_decision
from ...entries.reading import LATEST
from ...report import registry
from ...report.audit.words import check_language
from ...terminal.outputs import parse_outputs
from ..judge import Reports, ShowSuccesses, refuse_for_formats, write_reports
from ..options import (
    DECISION,
    HERE_ALONE,
    Commands,
    Group,
    Language,
    NoColor,
    Where,
    argument,
    config_dir,
    option,
    output_option,
    refuse_unheeded,
    show_all,
    with_shared_options,
)
from .history import Last, end_with

app = Commands(
    name="report",
    help="Print a recorded decision in any format, figures over time, and what a change changes.",
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
@with_shared_options
def report(
    context: typer.Context,
    decision: Annotated[
        str,
        option(
            "--decision",
            f"Which one: {DECISION}.",
            "DECISION",
        ),
    ] = LATEST,
    where: Where = HERE_ALONE,
    output: Reports = None,
    show_successes: ShowSuccesses = False,
    language: Language = "en",
    no_color: NoColor = False,
) -> None:
    """Print a recorded decision in any format; nothing is judged again."""
    if context.invoked_subcommand is not None:
        command = context.invoked_subcommand
        remedy = f"write gate report {command} {{option}} …"
        refuse_unheeded(context, f"it stands before {command}", *context.params, remedy=remedy)
        return
    outputs = parse_outputs(output, registry.names(output or ()))
    reports = [registry.load(item.format) for item in outputs]
    check_language(language)
    refuse_for_formats(context, outputs)
    found, entry = recording.find(where.open(), decision, config_dir())
    shown: dict[str, Any] = {"successes": show_successes, "language": language}
    shown["arguments"] = where.arguments()
    pairs = zip(outputs, reports, strict=True)
    write_reports(pairs, found, entry, where, no_color=no_color, **shown)


@app.command("trend")
def trend(
    figure: Annotated[
        list[str] | None,
        argument("Stages, or figures such as stage1.test_coverage; all if none.", "[FIGURE]…"),
    ] = None,
    where: Where = HERE_ALONE,
    last: Last = 50,
    output: Annotated[list[str] | None, output_option("table (default), json, csv or svg")] = None,
    no_color: NoColor = False,
) -> None:
    """Show how the figures of recorded decisions develop, as sparklines, data, or an SVG file of charts."""
    from ...report.several.series import trend as follow
    from ...report.several.trend import RENDERERS

    outputs = parse_outputs(output, tuple(RENDERERS))
    rows = recording.recorded_decisions(where.open(), config_dir(), last)
    found = follow(rows, figure or ())
    if figure and not found.series:
        known = sorted({one.name for one in follow(rows).series})
        remedy = f"measured are {', '.join(known)}" if known else "record decisions first"
        raise UsageError(f"no recorded decision has a figure {', '.join(figure)}", remedy=remedy)
    show_all(outputs, RENDERERS, no_color, found)
    end_with(rows)


@app.command("compare")
def compare(
    call: typer.Context,
    base: Annotated[
        str,
        argument(f"A recorded decision: {DECISION}; or a file of -o json.", "BASE"),
    ],
    head: Annotated[str, argument("The decision that is compared with it.", "[HEAD]")] = LATEST,
    where: Where = HERE_ALONE,
    output: Annotated[list[str] | None, output_option("table (default), markdown or json")] = None,
    no_color: NoColor = False,
) -> None:
    """Show what a decision changes against another: rules newly failing and fixed, figures, policies."""
    from ...report.several.compare import RENDERERS
    from ...report.several.compare import compare as differ

    outputs = parse_outputs(output, tuple(RENDERERS))
    opened: list[Context] = []

    def find(name: str) -> Decision:
        if _is_file(name):
            return read_decision(Path(name))
        if not opened:
            opened.append(where.open())
        return recording.find(opened[0], name, config_dir())[0]

    if _is_file(base) and _is_file(head):
        refuse_unheeded(call, "both decisions are files", *Where._fields)
    found = differ(find(base), find(head))
    show_all(outputs, RENDERERS, no_color, found)


def _is_file(name: str) -> bool:
    """Whether a decision is named by its file, and not as it is in the ledger."""
    return name.endswith(".json") or "/" in name
