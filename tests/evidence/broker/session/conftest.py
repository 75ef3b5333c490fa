"""A simulated gateway in a thread of its own, and a workspace with a plan for it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.broker.simulator.scenario import parse_scenario
from gate.evidence.broker.simulator.server import Server

ACCOUNT = "DUSIM0000042"
FAST = """\
latency:
  acknowledge: {median_us: 200}
  work: {median_us: 100}
  fill: {median_us: 300}
  cancel: {median_us: 200}
"""
PLAN: dict[str, Any] = {
    "format": "gate.ibkr.paper-session/v1",
    "name": "test",
    "seed": 3,
    "duration_s": 2,
    "trades": 8,
    "symbols": ["SPY", "QQQ"],
    "fill_timeout_ms": 2000,
    "rest_ms": 50,
    "equity_every_s": 1,
}


class Gateway:
    """A simulator that listens while it is entered.

    Attributes:
        port: of 127.0.0.1.
        log: every observation.
    """

    def __init__(self, scenario: str) -> None:
        text = f"format: gate.ibkr.scenario/v1\nname: test\naccount: {ACCOUNT}\n{scenario}"
        if "latency:" not in scenario:
            text += FAST
        self._scenario = parse_scenario(text.encode(), "scenario.yaml")
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.log: list[dict[str, Any]] = []
        self.port = 0

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Server(self._scenario, self.log.append) as server:
            self.port = server.port
            self._ready.set()
            await self._stop.wait()

    def __enter__(self) -> Gateway:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def messages(self, *names: str) -> list[dict[str, Any]]:
        """What clients sent of these names."""
        found = [one for one in list(self.log) if one["direction"] == "in"]
        return [one for one in found if not names or one["message"] in names]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The fields of the events of this name."""
        found = [one for one in list(self.log) if one["direction"] == "event" and one["message"] == name]
        return [one["fields"] for one in found]

    def fills(self) -> dict[str, tuple[str, float, float]]:
        """The simulator's own record of every execution: id → order reference, shares, price."""
        return {
            one["execId"]: (one["orderRef"], float(one["shares"]), float(one["price"]))
            for one in self.events("fill")
        }


def fills_of(reports: Path) -> dict[str, tuple[str, float, float]]:
    """The fills in the last execution report of each order, as ``Gateway.fills`` gives the simulator's."""
    last = {}
    for line in reports.read_text().splitlines():
        report = json.loads(line)
        last[report["intent_id"]] = report
    return {
        fill["exec_id"]: (report["intent_id"], fill["quantity"], fill["price"])
        for report in last.values()
        for fill in report["fills"]
    }


@pytest.fixture(scope="module")
def gateway() -> Iterator[Callable[..., Gateway]]:
    """A factory of simulated gateways, from the settings of a scenario (YAML)."""
    entered: list[Gateway] = []

    def make(scenario: str = "") -> Gateway:
        entered.append(Gateway(scenario).__enter__())
        return entered[-1]

    yield make
    for one in entered:
        one.__exit__()


@pytest.fixture(scope="module")
def workspace_for() -> Callable[..., Path]:
    """A factory: write a plan for a gateway's port, and settings that pin the simulator's account."""

    def make(root: Path, port: int, /, account: str | None = ACCOUNT, **plan: Any) -> Path:
        (root / "src").mkdir(parents=True, exist_ok=True)
        (root / "src" / "a.py").touch()
        pinned = "{}" if account is None else f"{{account: {{pinned_account: {account}}}}}"
        (root / "gate.yaml").write_text(f"subject: {{sources: [src]}}\nevidence: {pinned}\n")
        document = {
            name: value for name, value in (PLAN | {"port": port} | plan).items() if value is not None
        }
        (root / "plan.yaml").write_text(json.dumps(document))  # JSON is YAML
        return root

    return make


@pytest.fixture(scope="module")
def fills() -> Callable[[Path], dict[str, tuple[str, float, float]]]:
    """What a file of execution reports says was filled."""
    return fills_of
