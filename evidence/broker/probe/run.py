"""The probe: connects to the pinned paper account, reads it, measures how long that takes, and disconnects.

It cannot trade: it uses the port's reader, which has no methods for orders and lets only the messages of
``codes.READING`` out. What those leave open is whether the gateway's Read-Only API is on. No answer to a
message that is allowed tells it, so it stays unknown unless ``ask_read_only`` permits one more question,
which a connection of its own asks beforehand (``preflight``), or somebody attests it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from ...base.activity import Log, step
from ...base.times import format_utc
from ..port import (
    AccountValues,
    BrokerProblem,
    ConnectionState,
    Library,
    Position,
    Reader,
    Settings,
    open_reader,
)
from ..port.codes import READING
from ..preflight import after_preflight, preflight
from ..safety import Refused, Target, check_accounts, check_library, check_target
from .attestation import Attestation
from .figures import figures_of, holdings
from .record import PAPER, SIMULATED, Latency, Record, make_record

T = TypeVar("T")
_log = Log(__name__)
SAMPLES = 5
"""How often each request is made, unless more are wanted."""
_PAUSE_S = 0.1
"""Between two requests, so that none waits for its turn in the port, which spaces messages evenly."""


class Plan(Struct, frozen=True):
    """What to probe.

    Attributes:
        library: name of the client library.
        samples: how often each request is made, at least once.
        ask_read_only: whether to ask for open orders to learn if Read-Only API is on.
        slas_us: the 95th percentiles that are agreed on, by operation.
    """

    target: Target
    library: str
    samples: int = SAMPLES
    ask_read_only: bool = False
    slas_us: Mapping[str, int] | None = None


async def probe(plan: Plan, attestation: Attestation | None = None) -> Record:
    """Read the account; its record.

    Raises Refused: anything is not as the safety checks want it; BrokerProblem: the gateway cannot be reached
    or does not answer; EvidenceError: what it states contradicts itself or cannot be recorded.
    """
    target = plan.target
    check_target(target)
    check_library(plan.library)
    step(f"asking the gateway at {target.host}:{target.port} who it is")
    read_only = await preflight(target, ask_read_only=plan.ask_read_only)
    settings = Settings(target.port, target.client, target.host, target.account, reconnect=False)
    reader = open_reader(Library(plan.library), settings)
    values, positions, at_s, times = await _read(reader, plan)
    sent = dict(sorted(reader.traffic.by_id.items()))
    _log.info("sent %s", ", ".join(f"{count} of message {number}" for number, count in sent.items()))
    foreign = sorted(set(sent) - READING)
    if foreign:
        raise Refused(f"the client sent message {foreign[0]}, which does not only read", remedy="report it")
    known_from = "gateway"
    if read_only is None and attestation is not None and attestation.read_only_api is not None:
        read_only, known_from = attestation.read_only_api, "attestation"
    connection: dict[str, Any] = {
        "connected": True,
        "host": target.host,
        "port": target.port,
        "read_only": read_only,
        **({} if read_only is None else {"read_only_known_from": known_from}),
        "client": reader.library,
        "client_id": target.client,
        "server_version": reader.server_version,
        "messages": {str(number): count for number, count in sent.items()},
    }
    slas = plan.slas_us or {}
    return make_record(
        values,
        SIMULATED if target.simulated else PAPER,
        format_utc(at_s),
        positions=holdings(positions, target.account, figures_of(values).currency),
        attestation=attestation,
        connection=connection,
        latency=[Latency(name, tuple(taken), slas.get(name)) for name, taken in times.items()],
        note=None if read_only is not None else _UNTOLD,
    )


async def _read(
    reader: Reader, plan: Plan
) -> tuple[AccountValues, tuple[Position, ...], int, dict[str, list[int]]]:
    """Account values, positions, the time (s) at which they were complete, and how long each request took."""
    times: dict[str, list[int]] = {}
    account = plan.target.account
    try:
        step("connecting")
        await after_preflight(lambda: _timed(times, "connect", reader.connect))
        check_accounts(plan.target, await reader.accounts())
        for number in range(1, plan.samples + 1):
            step(f"reading the account, {number} of {plan.samples}")
            values = await _timed(times, "account_info", lambda: reader.account_values(account))
            positions = await _timed(times, "positions", reader.positions)
        if reader.state is not ConnectionState.CONNECTED:
            what = f"the gateway's connection to the broker is {reader.state}, so its figures may be old"
            raise BrokerProblem(what, remedy="wait until the gateway is connected again")
        latest = {(one.tag, one.currency): one for one in values.rows}  # one may change while it is sent
        return AccountValues(account, tuple(latest.values())), positions, int(time.time()), times
    finally:
        await reader.close()


async def _timed(times: dict[str, list[int]], name: str, ask: Callable[[], Awaitable[T]]) -> T:
    await asyncio.sleep(_PAUSE_S)
    begun = time.perf_counter_ns()
    answer = await ask()
    times.setdefault(name, []).append((time.perf_counter_ns() - begun) // 1000)
    return answer


_UNTOLD = (
    "Whether the gateway's Read-Only API is on was not asked. The probe itself sent only messages that read: "
    "connection.messages counts them."
)
