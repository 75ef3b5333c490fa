"""Options that several commands of ``gate ibkr`` share."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from ....evidence.base.errors import UsageError
from ....evidence.broker.port import Library


def _finite(seconds: float | None) -> float | None:
    if seconds is not None and not isfinite(seconds):
        raise UsageError("--seconds is no number of seconds", remedy="give one, such as 60")
    return seconds


def seconds_option(about: str, least: float = 1, most: float | None = 3600) -> typer.models.OptionInfo:
    """The option ``--seconds``."""
    found: typer.models.OptionInfo = typer.Option(
        "--seconds", help=about, min=least, max=most, metavar="N", callback=_finite
    )
    return found


# the gateway that a command connects to
GatewayHost = Annotated[
    str, typer.Option("--host", envvar="GATE_IBKR_HOST", help="Where the gateway is.", metavar="HOST")
]
GatewayPort = Annotated[
    int,
    typer.Option(
        "--port", envvar="GATE_IBKR_PORT", help="7497 of TWS, or 4002 of IB Gateway.", metavar="PORT"
    ),
]
ClientId = Annotated[
    int,
    typer.Option(
        "--client-id", envvar="GATE_IBKR_CLIENT_ID", help="An id that no other client has.", metavar="N"
    ),
]
ClientLibrary = Annotated[
    Library, typer.Option("--library", envvar="GATE_IBKR_LIBRARY", help="The client library.")
]

# the simulated gateway
ListenHost = Annotated[
    str, typer.Option("--host", help="A loopback address to listen on.", metavar="ADDRESS")
]
ListenPort = Annotated[
    int, typer.Option("--port", help="Port; 0 takes a free one.", min=0, max=65535, metavar="PORT")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Instead of the scenario's.", min=0, metavar="N")]

# the record of a drill or verification
By = Annotated[str, typer.Option("--by", help="Who runs it; recorded.", metavar="NAME")]
File = Annotated[
    Path | None,
    typer.Option("--file", help="Where to record it; by default where the collector looks.", metavar="FILE"),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier record and its signature.")]
