"""Longer sessions, for the soak: many orders, forced disconnections, the other library, the Sharpe ratio."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.contracts import violations
from gate.evidence.broker.protocol.frames import Framer, fields_of
from gate.evidence.collectors.paper import PaperCollector, PaperOptions
from gate.evidence.reading.workspace import Workspace

from ..test_clients import environment
from ..test_probe_libraries import packages

__all__ = ["packages"]

START = ("ibkr", "paper-session", "plan.yaml")
REPORTS = "PAPER_EXECUTION_REPORTS.jsonl"


@pytest.mark.soak
def test_nothing_is_lost_or_doubled(
    gate: Callable[..., Any],
    gateway: Callable[..., Any],
    workspace_for: Callable[..., Path],
    fills: Callable[[Path], Mapping[str, Any]],
    tmp_path: Path,
) -> None:
    """200 orders in parts, with three forced disconnections: our fills are the simulator's own."""
    drops = "".join(
        f"  - {{fault: drop, at: {phase}, number: {number}, refuse_ms: 300}}\n"
        for phase, number in (("received", 40), ("acknowledged", 90), ("filling", 140))
    )
    one = gateway(f"fill_parts: 3\nfaults:\n{drops}")
    workspace_for(
        tmp_path, one.port, trades=200, duration_s=30, quantity={"least": 6}, mix={"market": 1, "limit": 1}
    )
    done = gate(*START, "-o", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["disconnects"] == 3 and told["orders"] == 200
    placed = [order["fields"]["orderRef"] for order in one.messages("placeOrder")]
    placed = [reference for reference in placed if not reference.startswith("what-if")]
    assert len(placed) == len(set(placed)) == 200
    assert fills(tmp_path / REPORTS) == one.fills()
    found = PaperCollector(PaperOptions()).collect(Workspace(tmp_path).view())
    assert (found.facts["contradictions"], found.facts["unrecovered_disconnects"]) == ([], 0)
    assert found.facts["busiest_second"] < 50


@pytest.mark.soak
def test_samples_give_a_sharpe_ratio(
    gate: Callable[..., Any], gateway: Callable[..., Any], workspace_for: Callable[..., Path], tmp_path: Path
) -> None:
    """Equally far apart, from start to end; with a baseline and a back-test every figure is claimed."""
    one = gateway()
    workspace_for(tmp_path, one.port, trades=10, duration_s=15, equity_every_s=7)
    contracts = Path(__file__).resolve().parents[4] / "contracts" / "files"
    for name, contract in (("MOCK_BASELINE", "mock_baseline"), ("BACKTEST_METRICS", "backtest_metrics")):
        example = json.loads((contracts / f"{contract}.schema.json").read_text())["examples"][0]
        (tmp_path / f"{name}.json").write_text(json.dumps(example))
    for _ in range(5):  # one that a busy machine disturbs is held again, as its warning asks
        done = gate(*START, "--force")
        assert done.code == 0
        if "warning" not in done.err:
            break
    found = PaperCollector(PaperOptions()).collect(Workspace(tmp_path).view())
    assert found.facts["sharpe_source"] == "recomputed", found.problems
    assert set(found.facts["claimed_metrics"]) == {
        *("duration", "total_trades", "fill_rate", "p50_latency", "p95_latency", "p99_latency"),
        *("pacing_violations", "disconnects", "sharpe_paper", "sharpe_backtest", "sharpe_delta"),
        "latency_delta_vs_mock",
    }
    assert found.facts["disagreements"] == []


@pytest.mark.soak
def test_a_session_without_a_sharpe_ratio_says_so(
    gate: Callable[..., Any], gateway: Callable[..., Any], workspace_for: Callable[..., Path], tmp_path: Path
) -> None:
    """The connection is gone when a sample is due: the operator hears it now, not from stage 7."""
    one = gateway("faults: [{fault: drop, at: received, number: 1, refuse_ms: 5000}]\n")
    workspace_for(tmp_path, one.port, trades=4, duration_s=10, equity_every_s=2)
    done = gate(*START)
    assert done.code == 0, done.err
    assert "warning: the session gives no Sharpe ratio: PAPER_TRADING_LOG.json: /equity/" in done.err


@pytest.mark.soak
def test_limits_end_the_trading(
    gate: Callable[..., Any], gateway: Callable[..., Any], workspace_for: Callable[..., Path], tmp_path: Path
) -> None:
    """Orders above the limit are not placed; after a loss no order is, and the session goes on to its end."""
    one = gateway("cash: 5000\nmoves: [{symbol: SPY, after_ms: 4000, price: 300}]\n")
    workspace_for(
        tmp_path,
        one.port,
        symbols=["SPY"],
        trades=20,
        duration_s=8,
        quantity={"least": 1, "most": 4},
        limits={"order_value": 1000, "loss_percent": 2},
        mix={"market": 1, "limit": 0},
    )
    assert gate(*START).code == 0
    journal = (tmp_path / "PAPER_TRADING_JOURNAL.jsonl").read_text().splitlines()
    said = [one["detail"] for one in map(json.loads, journal) if one["record"] == "notice"]
    assert any("its value is above limits.order_value" in text for text in said)
    assert "no more orders are placed: the account has lost more than limits.loss_percent" in said
    intents = (tmp_path / "PAPER_ORDER_INTENTS.jsonl").read_text().splitlines()
    assert intents and all(json.loads(line)["quantity"] <= 2 for line in intents)
    assert all(violations("", "order_intent", json.loads(line)) == [] for line in intents)


@pytest.mark.soak
def test_a_gateway_that_goes_away(
    gate: Callable[..., Any], gateway: Callable[..., Any], workspace_for: Callable[..., Path], tmp_path: Path
) -> None:
    """Ends the session with an error that says what may still be open; nothing is written but the journal."""
    one = gateway("fill_parts: 2\nfaults: [{fault: drop, at: filling, number: 2, refuse_ms: 60000}]\n")
    workspace_for(tmp_path, one.port, quantity={"least": 4})
    done = gate(*START)
    assert done.code == 2 and "the connection was lost" in done.err
    assert "1 of its orders may still be open at the broker" in done.err and "--resume" in done.err
    assert sorted(path.name for path in tmp_path.glob("PAPER*")) == ["PAPER_TRADING_JOURNAL.jsonl"]


@pytest.mark.soak
def test_the_other_library(
    gateway: Callable[..., Any],
    workspace_for: Callable[..., Path],
    fills: Callable[[Path], Mapping[str, Any]],
    packages: Path,
    tmp_path: Path,
) -> None:
    """ib_insync, in an environment that has only it, trades the same plan, over a forced disconnection."""
    python = environment("ib_insync")
    one = gateway("fill_parts: 2\nfaults: [{fault: drop, at: filling, times: 1, refuse_ms: 200}]\n")
    workspace_for(tmp_path, one.port, library="ib_insync", trades=10, quantity={"least": 4})
    done = subprocess.run(
        [str(python), "-m", "gate", *START, "-o", "json"],
        env={**os.environ, "PYTHONPATH": str(packages)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["library"], told["orders"], told["disconnects"]) == ("ib_insync 0.9.86", 10, 1)
    assert fills(tmp_path / REPORTS) == one.fills()


class Proxy:
    """Passes bytes on to a gateway; from its third connection on it adds a live account to the login's."""

    def __init__(self, port: int) -> None:
        self._to, self._connections = port, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.sent: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self._connections += 1
            gateway = socket.create_connection(("127.0.0.1", self._to))
            again = self._connections > 2
            threading.Thread(target=self._up, args=(client, gateway, again), daemon=True).start()
            threading.Thread(target=self._down, args=(gateway, client, again), daemon=True).start()

    def _up(self, client: socket.socket, gateway: socket.socket, again: bool) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if again:
                    self.sent.append(data)
                gateway.sendall(data)
            gateway.shutdown(socket.SHUT_WR)

    @staticmethod
    def _down(gateway: socket.socket, client: socket.socket, again: bool) -> None:
        with contextlib.suppress(OSError):
            while len(head := gateway.recv(4, socket.MSG_WAITALL)) == 4:
                body = gateway.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL)
                if again and body.startswith(b"15\0"):
                    body = body.replace(b"DUSIM0000042,", b"DUSIM0000042,U7654321,")
                client.sendall(struct.pack(">I", len(body)) + body)
        client.close()
        gateway.close()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("scenario", "plan"),
    [
        (
            "fill_parts: 2\nfaults: [{fault: drop, at: filling, times: 1, refuse_ms: 200}]\n",
            {"trades": 8, "quantity": {"least": 4}},
        ),
        (
            "faults: [{fault: drop, at: working, times: 1, refuse_ms: 200}]\n",
            {"trades": 2, "rest_ms": 4000, "mix": {"market": 0, "limit": 0, "cancelled": 1}},
        ),
    ],
    ids=["before an order", "before a cancel"],
)
def test_another_login(
    gate: Callable[..., Any],
    gateway: Callable[..., Any],
    workspace_for: Callable[..., Path],
    tmp_path: Path,
    scenario: str,
    plan: dict[str, Any],
) -> None:
    """A gateway that manages a live account after a reconnection gets no order, and no cancel, any more."""
    one = gateway(scenario)
    proxy = Proxy(one.port)
    workspace_for(tmp_path, proxy.port, **plan)
    done = gate(*START)
    proxy.server.close()
    assert done.code == 2 and done.err.startswith("refused: ") and "live account U7****21" in done.err
    framer = Framer()
    frames = [frame for data in proxy.sent for frame in framer.feed(data)]
    numbers = {fields_of(frame)[0] for frame in frames[1:]}
    assert "71" in numbers and not {"3", "4", "58"} & numbers
    orders = [order for order in one.messages("placeOrder") if order["connection"] > 2]
    assert orders == [] and one.messages("cancelOrder") == []
