"""The simulator in a process of its own, so that it does not share the measured program's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from ...base.errors import EnvironmentProblem
from ...process.children import Child, Ended
from ..simulator.scenario import Latency, Scenario, read_scenario
from ..simulator.server import Server

_START_S = 30.0
_MEMORY_BYTES = 1 << 30
_NO_DELAY = dict.fromkeys(("acknowledge", "work", "fill", "cancel"), Latency(0))


def calm(path: Path | None, seed: int | None, *, delays: bool) -> Scenario:
    """A scenario in which nothing goes wrong and no rate is limited.

    Args:
        path: the scenario whose delays, instruments and parts of fills are taken; None for the default one.
        seed: in place of the scenario's.
        delays: whether the broker takes time.

    Raises ConfigError: the file does not describe a scenario.
    """
    scenario = Scenario() if path is None else read_scenario(path)
    return replace(
        scenario,
        seed=scenario.seed if seed is None else seed,
        faults=(),
        moves=(),
        holdings=(),
        read_only=False,
        messages_per_s=None,
        cash=Decimal(1_000_000_000),
        **({} if delays else _NO_DELAY),
    )


@contextmanager
def simulated(scenario: Scenario) -> Iterator[int]:
    """A simulated gateway that plays the scenario: its port on 127.0.0.1.

    Raises EnvironmentProblem: it does not start.
    """
    child = Child(partial(_serve, scenario), _MEMORY_BYTES)
    try:
        try:
            port = int(child.receive(_START_S))
        except (Ended, TimeoutError) as error:
            what = f"the simulator does not start: {str(error) or 'no word'}"
            raise EnvironmentProblem(what, remedy="try it alone: gate ibkr simulate --port 0") from error
        yield port
    finally:
        child.end()


def _serve(scenario: Scenario) -> Iterator[int]:
    """Give the port, then serve until this process is ended."""
    with asyncio.Runner() as runner:
        server = runner.run(_listen(scenario))
        yield server.port
        runner.get_loop().run_until_complete(server.failure)


async def _listen(scenario: Scenario) -> Server:
    return await Server(scenario, lambda _: None).__aenter__()
