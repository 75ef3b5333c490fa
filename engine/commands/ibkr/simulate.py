"""``gate ibkr simulate`` and ``scenario``."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from ....evidence.broker.simulator.scenario import Scenario, read_scenario
from ....evidence.broker.simulator.server import check_host
from ....evidence.broker.simulator.session import ObservationLog, run_session
from ...broker import report
from ...broker.evidence_files import write_provenance
from ...terminal.console import write_error
from ...terminal.outputs import parse_outputs, write
from ..options import HERE_ALONE, Outputs, Where, argument, now, option, refuse_unheeded
from .options import ListenHost, ListenPort, Seed, seconds_option

_SCENARIO = option("--scenario -s", "What the gateway is like (YAML).", "FILE", envvar="GATE_IBKR_SCENARIO")


def scenario(
    file: Annotated[Path | None, argument("A scenario; the default one if none.", "[FILE]")] = None,
    output: Outputs = None,
) -> None:
    """Check a scenario, and list its account, instruments and faults."""
    outputs = parse_outputs(output, tuple(report.SCENARIO))
    found = Scenario() if file is None else read_scenario(file)
    for item in outputs:
        write(item, report.SCENARIO[item.format](found))


def simulate(
    call: typer.Context,
    scenario: Annotated[Path | None, _SCENARIO] = None,
    seed: Seed = None,
    host: ListenHost = "127.0.0.1",
    port: ListenPort = 4002,
    seconds: Annotated[float | None, seconds_option("Stop after this time.", 0, None)] = None,
    log: Annotated[
        Path | None,
        option("--log", "Write every message to this new file (JSON Lines), and its provenance.", "FILE"),
    ] = None,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Simulate a TWS or IB Gateway on this machine, until it is stopped with Ctrl-C."""
    outputs = parse_outputs(output, tuple(report.SUMMARY))
    chosen = Scenario() if scenario is None else read_scenario(scenario)
    if seed is not None:
        chosen = replace(chosen, seed=seed)
    host = check_host(host)
    if log is None:
        refuse_unheeded(call, "it is for the provenance of --log", *Where._fields)
    context = None if log is None else where.open()

    def listening(address: str, taken: int) -> None:
        write_error(f"listening on {address}:{taken} as {chosen.account}, scenario {chosen.name}")

    with nullcontext() if log is None else ObservationLog(log) as opened:
        session = run_session(chosen, host=host, port=port, seconds=seconds, log=opened, listening=listening)
        summary = asyncio.run(session)
        for item in outputs:
            write(item, report.SUMMARY[item.format](summary))
    if log is not None and context is not None:
        made_from = f" --scenario {scenario}" if scenario else ""
        command = f"gate ibkr simulate{made_from} --seed {chosen.seed}"
        write_provenance(context, [log], now(), command)
