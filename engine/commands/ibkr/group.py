"""The commands of ``gate ibkr``."""

from __future__ import annotations

from ..options import command_group
from .conformance import conformance
from .simulate import scenario, simulate

app = command_group(
    "ibkr", "Simulate the gateway of Interactive Brokers, and see what a client does against it."
)


@app.callback()
def group() -> None:
    """Simulate the gateway of Interactive Brokers, and see what a client does against it."""


app.command("simulate")(simulate)
app.command("scenario")(scenario)
app.command("conformance")(conformance)
