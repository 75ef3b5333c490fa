"""The commands of ``gate ibkr``."""

from __future__ import annotations

from ..options import command_group
from .kill_switches import kill_switches
from .sign import sign
from .simulate import scenario, simulate

app = command_group("ibkr", "Simulate the gateway of Interactive Brokers, for tests of its clients.")


@app.callback()
def group() -> None:
    """Simulate the gateway of Interactive Brokers, for tests of its clients."""


app.command("simulate")(simulate)
app.command("scenario")(scenario)
app.command("kill-switches")(kill_switches)
app.command("sign")(sign)
