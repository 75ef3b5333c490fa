"""The commands of ``gate ibkr``."""

from __future__ import annotations

import typer

from .simulate import scenario, simulate

app = typer.Typer(
    name="ibkr",
    add_completion=False,
    help="Simulate the gateway of Interactive Brokers, for tests of its clients.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def group() -> None:
    """Simulate the gateway of Interactive Brokers, for tests of its clients."""


app.command("simulate")(simulate)
app.command("scenario")(scenario)
