"""``gate ibkr rollback-drill`` over the simulated gateway: a good drill, and others that go wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gate.evidence.base.contracts import violations
from gate.evidence.broker.simulator.scenario import parse_scenario
from gate.evidence.broker.simulator.server import Server
from gate.evidence.signing.allowed_signers import AllowedSigners
from gate.evidence.signing.statements import check_signature

from .test_clients import LIBRARIES, environment
from .test_port_libraries import HERE, PACKAGES, ROOT

pytest.importorskip("ib_async")

Gate = Callable[..., Any]
RECORD = "ROLLBACK_DRILL.json"
STEPS = ["halt", "cancel_orders", "disconnect", "reconnect", "flatten", "verify"]
HEAD = "format: gate.ibkr.scenario/v1\nname: drill\n"


class Gateway:
    """A simulated gateway in a thread of its own, and what it saw."""

    def __init__(self, scenario: str, react: Callable[[dict[str, Any]], None] | None) -> None:
        self.log: list[dict[str, Any]] = []
        self._scenario, self._react = parse_scenario((HEAD + scenario).encode(), "s.yaml"), react
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        async with Server(self._scenario, self._see) as server:
            self.port = server.port
            self._ready.set()
            await self._stop.wait()

    def _see(self, observation: dict[str, Any]) -> None:
        self.log.append(observation)
        if self._react is not None:
            self._react(observation)

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        assert self._ready.wait(30)

    def stop(self) -> None:
        """End it; the log is complete then."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        self._loop.close()

    def sent(self) -> list[str]:
        """The names of the messages that the client sent."""
        return [one["message"] for one in self.log if one["direction"] == "in"]

    def ended(self) -> dict[str, str]:
        """How many orders ended in each status, and what they filled."""
        end: dict[str, str] = self.log[-1]["fields"]
        return end

    def held(self) -> float:
        """What was bought and not sold again."""
        placed = [one["fields"] for one in self.log if one["message"] == "placeOrder"]
        signs = {one["orderId"]: 1 if one["action"] == "BUY" else -1 for one in placed}
        fills = [one["fields"] for one in self.log if one["message"] == "fill"]
        return sum(signs[one["orderId"]] * float(one["shares"]) for one in fills)


@contextmanager
def gateway(scenario: str = "", react: Callable[[dict[str, Any]], None] | None = None) -> Iterator[Gateway]:
    """A simulated gateway while it listens."""
    found = Gateway(scenario, react)
    found.start()
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
def drill(gate: Gate, tmp_path: Path) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Run a drill in a workspace that pins the simulator's account: how it ended, and what it recorded."""
    (tmp_path / "gate.yaml").write_text(
        "subject: {sources: ['src/**']}\nevidence: {account: {pinned_account: DUSIM0000001}}\n"
    )
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").touch()

    def run(port: int, *options: str) -> tuple[Any, dict[str, Any]]:
        what = ("--by", "Noa Peretz", "--symbol", "SPY", "--quantity", "10", "--port", str(port))
        done = gate("ibkr", "rollback-drill", *what, *options)
        path = tmp_path / RECORD
        record = json.loads(path.read_text()) if path.exists() else {}
        assert not record or violations("files", "rollback_drill", record) == []
        assert "DUSIM0000001" not in done.out + done.err + json.dumps(record)
        return done, record

    return run


def facts(gate: Gate, root: Path) -> dict[str, Any]:
    """What the collector says of the drill."""
    found: dict[str, Any] = json.loads(gate("collect", "rollback", "-w", root, "-o", "json").out)
    return dict(found["rollback"]["facts"]["drill"])


def test_a_drill_goes_all_the_way_back(drill: Callable[..., Any], gate: Gate, tmp_path: Path) -> None:
    """Each step has its time, nothing is open at the broker, logs are archived, and no file is replaced."""
    (tmp_path / "system.log").write_text("halted\n")
    with gateway() as broker:
        halt = ("--", sys.executable, "-S", "-c", "open('halted', 'w')")
        done, record = drill(broker.port, "--trigger", "drawdown", "--log", "system.log", *halt)
        again, _ = drill(broker.port)
    assert done.code == 0, done.err
    assert (tmp_path / "halted").exists()
    assert [one["step"] for one in record["steps"]] == STEPS
    assert (record["all_flat"], record["open_orders"], record["logs_archived"]) == (True, 0, True)
    assert abs(record["nav_after"] - record["nav_before"]) < 10
    assert facts(gate, tmp_path)["contradictions"] == []
    assert (broker.ended()["Filled"], broker.ended()["Cancelled"], broker.held()) == ("2", "2", 0)
    assert (record["account"], facts(gate, tmp_path)["simulated"]) == ("DUSIM****01", True)
    assert "DUSIM****01" in record["note"] and "the simulated gateway" in record["note"]
    with tarfile.open(tmp_path / "ROLLBACK_DRILL.logs.tar.gz") as archive:
        assert archive.getnames() == ["drill.jsonl", "logs/1-system.log"]
        log = archive.extractfile("drill.jsonl")
        assert log is not None
        records = [json.loads(line)["record"] for line in log]
    assert {"trigger", "order", "fill", "connection", "done", "verified"} <= set(records)
    statement = json.loads((tmp_path / f"{RECORD}.provenance.json").read_text())
    assert "rollback-drill" in json.dumps(statement)
    assert again.code == 2 and "there is such a file already" in again.err and "--force" in again.err


@pytest.mark.parametrize(
    ("scenario", "failed", "told"),
    [
        ("{fault: fill, at: cancelling, number: 2}", ["cancel_orders"], "10 SPY were filled before"),
        pytest.param(
            "{fault: drop, at: cancelling, number: 3}",
            ["cancel_orders"],
            "closed the connection",
            marks=pytest.mark.soak,
        ),
        ("{fault: hold, at: cancelling, number: 3}", ["cancel_orders", "flatten"], "still open: 1 order"),
        ("{fault: hold, at: working, number: 4}", ["flatten"], "10 SPY could not be closed"),
        pytest.param(
            "{fault: error, at: received, code: 201, number: 4}",
            ["flatten"],
            "10 SPY could not be closed",
            marks=pytest.mark.soak,
        ),
        (
            ", ".join(f"{{fault: drop, at: connected, number: {n}}}" for n in (3, 4, 5)),
            ["reconnect", "flatten", "verify"],
            "failed: reconnect",
        ),
    ],
    ids=["fill wins", "drop", "not cancelled", "not filled", "rejected", "refused"],
)
def test_a_step_that_fails_is_told(
    drill: Callable[..., Any], gate: Gate, tmp_path: Path, scenario: str, failed: list[str], told: str
) -> None:
    """It is not among the steps, which the policy demands; the account is empty all the same in the end."""
    held = "hold, at: cancelling" in scenario
    with gateway(f"faults: [{scenario}]") as broker:
        done, record = drill(broker.port, "--seconds", "5" if "connected" in scenario else "1.5")
    assert done.code == 1, done.err
    assert [one["step"] for one in record["steps"]] == [step for step in STEPS if step not in failed]
    assert told in record["note"] and "FAILED" in done.out
    assert facts(gate, tmp_path)["contradictions"] == []
    if "cancel_orders" in failed:
        assert record["cancel_orders_ms"] is None
    if "reconnect" in failed:
        assert (record["all_flat"], record["open_orders"], record["logs_archived"]) == (None, None, None)
    assert broker.held() == 0
    assert ("STILL OPEN" in done.out) is held


def test_a_halt_command_that_cannot_be_started(drill: Callable[..., Any], tmp_path: Path) -> None:
    """It is said before a connection is made."""
    (tmp_path / "halt.sh").write_text("#!/bin/sh\n")
    for name, said in (("./halt.sh", "is not executable"), ("./no", "there is no program './no'")):
        done, record = drill(4002, "--", name)
        assert (done.code, said in done.err, record) == (2, True, {}), done.err


@pytest.mark.soak
def test_a_halt_command_that_fails_is_told(drill: Callable[..., Any]) -> None:
    """The drill goes on: what is open is closed all the more."""
    with gateway() as broker:
        done, record = drill(broker.port, "--", sys.executable, "-S", "-c", "raise SystemExit(3)")
    assert (done.code, record["steps"][0]["step"]) == (1, "cancel_orders")
    assert "the halt command ended with exit code 3" in record["note"]


@pytest.mark.parametrize(
    ("orders", "number", "faults"),
    [
        (1, signal.SIGTERM, ""),
        (1, signal.SIGINT, "{fault: delay, at: received, number: 1, delay_ms: 700}"),
        (3, signal.SIGINT, ""),
        (4, signal.SIGTERM, ""),
        (4, signal.SIGTERM, "{fault: hold, at: working, number: 4}"),
    ],
)
def test_an_interrupted_drill_leaves_nothing_open(
    drill: Callable[..., Any], number: signal.Signals, orders: int, faults: str
) -> None:
    """While the position is opened, while the orders begin to rest, or while it is closed, slowly or not."""
    placed = []

    def react(observation: dict[str, Any]) -> None:
        if (observation["direction"], observation["message"]) == ("in", "placeOrder"):
            placed.append(observation)
            if len(placed) == orders:
                os.kill(os.getpid(), number)
                os.kill(os.getpid(), number)

    with gateway(f"faults: [{faults}]", react) as broker:
        done, record = drill(broker.port)
    assert (done.code, record) == (2, {}) and "interrupted" in done.err
    assert broker.held() == 0
    assert set(broker.ended()) <= {"executions", "filled", "Filled", "Cancelled", "ApiCancelled"}


REFUSED = {
    "read-only": ("read_only: true", (), "Read-Only API is on"),
    "another account": ("account: DUSIM0000009", (), "only DU"),
    "not empty": (
        "holdings: [{symbol: QQQ, quantity: 5, average_cost: 300}]",
        (),
        "5 QQQ and 0 orders",
    ),
    "too large": ("cash: 100000", (), "worth more than 1.00 % of the account's value"),
    "no such symbol": ("instruments: [{symbol: A, price: 1}]", (), "error 200"),
    "rejected": ("faults: [{fault: error, at: received, code: 201}]", (), "its order is REJECTED"),
    "no log": ("", ("--log", "no.log"), "cannot be read"),
    "no quantity": ("", ("--quantity", "nan"), "is no quantity"),
    "no time": ("", ("--seconds", "nan"), "--seconds"),
    "nobody": ("", ("--by", " "), "--by cannot be recorded"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_rehearsed_is_refused(drill: Callable[..., Any], case: str) -> None:
    """With a reason, without a record, and before an order leaves but where the order itself is refused."""
    scenario, options, told = REFUSED[case]
    with gateway(scenario) as broker:
        done, record = drill(broker.port, *options)
    assert (done.code, record) == (2, {})
    assert told in done.err, done.err
    assert ("placeOrder" in broker.sent()) is (case == "rejected")


@pytest.mark.parametrize("port", [4001, 5000])
def test_live_ports_are_refused(drill: Callable[..., Any], tmp_path: Path, port: int) -> None:
    """And unknown ones, for an account that is not the simulator's."""
    (tmp_path / "gate.yaml").write_text("evidence: {account: {pinned_account: DU1234567}}\n")
    done, record = drill(port)
    assert (done.code, record) == (2, {}) and f"port {port}" in done.err


def test_a_price_step_of_zero_is_refused(drill: Callable[..., Any]) -> None:
    """Before the position is opened: no limit price could be told for the orders that rest."""
    broker = Gateway("", None)
    free = tuple(replace(one, tick=Decimal(0)) for one in broker._scenario.instruments)
    broker._scenario = replace(broker._scenario, instruments=free)
    broker.start()
    try:
        done, record = drill(broker.port)
    finally:
        broker.stop()
    assert (done.code, record, "states no price step of SPY" in done.err) == (2, {}, True), done.err
    assert "placeOrder" not in broker.sent()


def test_what_is_there_already_is_closed_on_request(drill: Callable[..., Any]) -> None:
    """Every position of the account, with --existing."""
    with gateway("holdings: [{symbol: QQQ, quantity: -5, average_cost: 300}]") as broker:
        done, record = drill(broker.port, "--existing")
    assert (done.code, record["all_flat"]) == (0, True), done.err
    assert broker.ended()["Filled"] == "3"


@pytest.mark.soak
def test_the_policy_tells_a_good_drill_from_a_bad_one(
    drill: Callable[..., Any], gate: Gate, tmp_path: Path, copy_example: Callable[[str], Path]
) -> None:
    """Stage 8 of the ready example, with drills of the simulator in the place of its own."""
    root = copy_example("ready")

    def broken() -> set[str]:
        found = gate("evaluate", "stage8", "-w", root, "--effective-time", "now", "--no-record", "-o", "json")
        codes = {one["code"] for one in json.loads(found.out)["violations"]}
        assert "stage8.drill_not_simulated" in codes
        return codes & {"stage8.rollback_verified", "stage8.drill_steps"}

    (root / f"{RECORD}").unlink()
    for scenario, expected in (
        ("", set()),
        (
            "faults: [{fault: hold, at: working, number: 4}]",
            {"stage8.rollback_verified", "stage8.drill_steps"},
        ),
    ):
        with gateway(scenario) as broker:
            drill(broker.port, "--seconds", "2", "--force")
        (root / RECORD).write_bytes((tmp_path / RECORD).read_bytes())
        assert broken() == expected


@pytest.mark.soak
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_drill_with_each_library(library: str, tmp_path: Path) -> None:
    """The same steps, in an environment that has no other library."""
    python = environment(library, "port-", PACKAGES)
    (tmp_path / "gate").symlink_to(ROOT)
    command = [str(python), str(HERE / "drill_once.py"), library]
    settings = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("library").startswith(f"{library} ")
    assert found == {"steps": STEPS, "flat": True, "open": 0, "failures": []}


def test_an_officer_signs_what_they_read(office: Any, gate: Gate) -> None:
    """With their own SSH key; a key that nobody lists for files signs nothing."""
    key, path = office.keys / "risk_officer", office.root / RECORD
    signed = gate("ibkr", "sign", RECORD, "--key", key, "--yes", "-w", office.root)
    assert signed.code == 0 and office.people["risk_officer"] in signed.out, signed.err
    assert '"cancel_orders"' in signed.err  # what is signed was shown
    signers = AllowedSigners.parse((office.root / "trust" / "allowed_signers").read_text(), "x")
    armored = (office.root / f"{RECORD}.sig").read_bytes()
    assert check_signature(path.read_bytes(), armored, "file", signers).state == "valid"
    again = gate("ibkr", "sign", RECORD, "--key", key, "--yes", "-w", office.root)
    assert again.code == 2 and "signed already" in again.err
    (office.root / f"{RECORD}.sig").unlink()
    (office.root / "trust" / "allowed_signers").write_text("")
    unknown = gate("ibkr", "sign", RECORD, "--key", key, "--yes", "-w", office.root)
    assert unknown.code == 2 and "would not count" in unknown.err
    assert not (office.root / f"{RECORD}.sig").exists()
    missing = gate("ibkr", "sign", "NO.json", "--yes", "-w", office.root)
    assert missing.code == 2 and "no evidence file" in missing.err
