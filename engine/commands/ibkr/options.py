"""Options that several commands of ``gate ibkr`` share."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Annotated, Any

from ....evidence.base.errors import UsageError
from ....evidence.broker.port import Library
from ..options import option


def _finite(seconds: float | None) -> float | None:
    if seconds is not None and not isfinite(seconds):
        raise UsageError("--seconds is no number of seconds", remedy="give one, such as 60")
    return seconds


def seconds_option(about: str, least: float = 1, most: float | None = 3600) -> Any:
    """The option ``--seconds``."""
    return option("--seconds", about, "N", min=least, max=most, callback=_finite)


# the gateway that a command connects to
GatewayHost = Annotated[str, option("--host", "Where the gateway is.", "HOST", envvar="GATE_IBKR_HOST")]
GatewayPort = Annotated[
    int,
    option("--port", "7497 of TWS, or 4002 of IB Gateway.", "PORT", envvar="GATE_IBKR_PORT"),
]
ClientId = Annotated[
    int,
    option("--client-id", "An id that no other client has.", "N", envvar="GATE_IBKR_CLIENT_ID"),
]
ClientLibrary = Annotated[Library, option("--library", "The client library.", envvar="GATE_IBKR_LIBRARY")]

# the simulated gateway
ListenHost = Annotated[str, option("--host", "A loopback address to listen on.", "ADDRESS")]
ListenPort = Annotated[int, option("--port", "Port; 0 takes a free one.", "PORT", min=0, max=65535)]
Seed = Annotated[int | None, option("--seed", "Instead of the scenario's.", "N", min=0)]

# the record of a drill or verification
By = Annotated[str, option("--by", "Who runs it; recorded.", "NAME")]
File = Annotated[
    Path | None,
    option("--file", "Where to record it; by default where the collector looks.", "FILE"),
]
Force = Annotated[bool, option("--force", "Replace an earlier record and its signature.")]
