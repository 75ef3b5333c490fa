"""``gate history``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ... import recording
from ...terminal.console import write_error
from ...terminal.outputs import parse_outputs
from ..options import HERE_ALONE, Commands, NoColor, Where, config_dir, option, output_option, show_all

if TYPE_CHECKING:
    from ...entries.reading import RecordedDecision

Last = Annotated[int, option("--last", "How many decisions, the latest ones.", "N", min=1)]
OfStage = Annotated[str | None, option("--stage", "Only decisions that judged this stage.", "STAGE")]
Outputs = Annotated[list[str] | None, output_option("table (default), json or csv")]

app = Commands()


@app.command()
def history(
    where: Where = HERE_ALONE,
    stage: OfStage = None,
    last: Last = 20,
    output: Outputs = None,
    no_color: NoColor = False,
) -> None:
    """List recorded decisions: when, which commit and policies, verdict, key figures, who signed."""
    from ...report.several.history import RENDERERS

    outputs = parse_outputs(output, tuple(RENDERERS))
    context = where.open()
    rows = recording.recorded_decisions(context, config_dir(), last, stage)
    show_all(outputs, RENDERERS, no_color, rows)
    end_with(rows)


def end_with(rows: Iterable[RecordedDecision]) -> NoReturn:
    """Name on standard error the decisions that cannot be read, and end with 1 if one should be readable."""
    from ...report.several.history import unread

    found = list(rows)
    for text in unread(found):
        write_error(f"warning: {text}")
    raise typer.Exit(1 if any(one.problem is not None and not one.foreign for one in found) else 0)
