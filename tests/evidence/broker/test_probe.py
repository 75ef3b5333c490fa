"""``gate ibkr probe``: the pinned paper account on record, without a byte that could be an order."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.contracts import load_schema, violations
from gate.evidence.broker import preflight
from gate.evidence.broker.port import codes
from gate.evidence.broker.port.reader import Reader
from gate.evidence.broker.safety import Target

from .gateways import Scripted, Simulated, raw_client, simulated

Gate = Callable[..., Any]
ID, SIMULATED = "DU1234567", "DUSIM0000001"
HOLDING = "holdings: [{symbol: AAPL, quantity: 100, average_cost: 150.125}]\n"


def installed(name: str) -> str | None:
    """The version of a distribution."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


LIBRARY = "ib_insync" if installed("ib_insync") else "ib_async"
needs_library = pytest.mark.skipif(
    installed(LIBRARY) is None, reason="neither ib_async nor ib_insync is here"
)


@pytest.fixture
def root(make_workspace: Any) -> Path:
    """A workspace that pins the simulator's account."""
    settings = f"subject: {{sources: [src]}}\nevidence: {{account: {{pinned_account: {SIMULATED}}}}}\n"
    made: Path = make_workspace({"gate.yaml": settings, "src/a.py": ""})
    return made


def pin(root: Path, account: str, more: str = "") -> None:
    """Pin another account."""
    settings = f"evidence: {{account: {{pinned_account: {account}{more}}}}}\n"
    (root / "gate.yaml").write_text(f"subject: {{sources: [src]}}\n{settings}")


@pytest.fixture
def probe(gate: Gate, root: Path) -> Callable[..., tuple[Any, Any]]:
    """Run a probe: how it ended, and the record."""

    def run(port: int, *more: str | Path) -> tuple[Any, Any]:
        record = root / "ACCOUNT_CONFIG.json"
        record.unlink(missing_ok=True)
        done = gate("ibkr", "probe", "--port", str(port), "--library", LIBRARY, "-w", root, *more)
        assert "Traceback" not in done.err
        assert ID not in done.out + done.err and SIMULATED not in done.out + done.err
        if done.code != 0:
            assert not record.exists()
            return done, None
        value = json.loads(record.read_text())
        assert violations("files", "account_config", value) == []
        return done, value

    return run


def only_read(gateway: Simulated) -> bool:
    """Whether every message after startApi is one that reads."""
    names = {name for _, name in gateway.received()}
    return names <= {"startApi", "reqAccountUpdates", "reqPositions"}


@needs_library
def test_the_account_is_read_and_recorded(probe: Any, root: Path) -> None:
    """Figures, positions, session, latencies; what no message states is unknown, and nothing else is sent."""
    with simulated(HOLDING) as gateway:
        done, record = probe(gateway.port, "--samples", "2", "-o", "json")
    assert done.code == 0, done.err
    assert record["account_id"] == SIMULATED and record["account_type"] == "SIMULATED"
    assert (record["nav"], record["cash"], record["buying_power"]) == (1019000, 1000000, 2019000)
    assert (record["maintenance_margin"], record["equity_with_loan"]) == (4750, 1019000)
    assert record["margin_cushion"] == pytest.approx(0.9953386, abs=1e-6)
    assert record["positions"] == [{"symbol": "AAPL", "quantity": 100, "avg_cost": 150.125}]
    assert record["permissions"] == dict.fromkeys(("stocks", "options", "futures"))
    assert record["limits"] == {"max_order_size": None, "max_position_value": None}
    assert record["assets"] is None
    session = record["connection"]
    assert session["read_only"] is None and "read_only_known_from" not in session
    assert session["client"] == f"{LIBRARY} {installed(LIBRARY)}"
    assert set(map(int, session["messages"])) <= codes.READING
    rows = {row["operation"]: row for row in record["latency"]}
    assert {name: (row["samples"], row["sla_us"]) for name, row in rows.items()} == {
        "connect": (1, 1_000_000),
        "account_info": (2, 500_000),
        "positions": (2, 300_000),
    }
    assert only_read(gateway)
    shown = json.loads(done.out)
    assert shown["account_id"] == "DU********01"
    assert len(shown["unknown"]) == 3
    stated = json.loads((root / "ACCOUNT_CONFIG.json.provenance.json").read_text())
    assert "gate ibkr probe --port" in json.dumps(stated)


@needs_library
@pytest.mark.parametrize(("scenario", "state"), [("read_only: true\n", True), ("", False)])
def test_the_gateway_says_whether_it_is_read_only(probe: Any, scenario: str, state: bool) -> None:
    """One question about open orders, on a connection of its own, which a gateway in that mode refuses."""
    with simulated(scenario) as gateway:
        done, record = probe(gateway.port, "--samples", "1", "--ask-read-only")
    assert done.code == 0, done.err
    assert (record["connection"]["read_only"], record["connection"]["read_only_known_from"]) == (
        state,
        "gateway",
    )
    assert f"read-only           {'on' if state else 'off'}, says the gateway" in done.out
    assert [name for _, name in gateway.received()][:2] == ["startApi", "reqOpenOrders"]
    assert gateway.received()[2] == (2, "startApi")
    assert {name for connection, name in gateway.received() if connection == 1} == {
        "startApi",
        "reqOpenOrders",
    }


@needs_library
def test_a_gateway_that_has_lost_the_broker_records_nothing(probe: Any) -> None:
    """It still answers, with figures from before (error 1100)."""
    with simulated("faults: [{fault: outage, at: started, number: 2, outage_ms: 60000}]\n") as gateway:
        done, _ = probe(gateway.port, "--samples", "1")
    assert (done.code, "connection to the broker is IMPAIRED" in done.err) == (2, True), done.err
    assert only_read(gateway)


@needs_library
def test_what_is_attested_is_recorded(probe: Any, root: Path) -> None:
    """Permissions, limits and Read-Only API; what the gateway itself says outranks the attestation."""
    example = load_schema("files", "ibkr_attestation")["examples"][0] | {"account": SIMULATED}
    file = root.parent / "attested.json"
    file.write_text(json.dumps(example))
    with simulated() as gateway:
        _, record = probe(gateway.port, "--samples", "1", "--attested", file)
        _, asked = probe(gateway.port, "--samples", "1", "--attested", file, "--ask-read-only")
    assert record["connection"]["read_only"] is True
    assert record["connection"]["read_only_known_from"] == "attestation"
    assert record["attested"]["fields"] == ["permissions", "assets", "limits", "read_only"]
    assert record["permissions"] == {"stocks": True, "options": False, "futures": False}
    assert (asked["connection"]["read_only"], asked["connection"]["read_only_known_from"]) == (
        False,
        "gateway",
    )
    assert asked["attested"]["fields"] == ["permissions", "assets", "limits"]


@needs_library
def test_an_order_cannot_leave(monkeypatch: pytest.MonkeyPatch, probe: Any) -> None:
    """The reader has no method for orders; one that is sent past it is held back where bytes are written."""
    assert not {"place", "cancel", "cancel_all", "what_if"} & set(dir(Reader))
    honest = Reader.positions

    async def trade(self: Any) -> Any:
        self._gateway._client.placeOrder(1, *_order())
        await asyncio.sleep(0)
        return await honest(self)

    monkeypatch.setattr(Reader, "positions", trade)
    with simulated() as gateway:
        done, _ = probe(gateway.port, "--samples", "1")
    assert (done.code, "message 3 was not sent" in done.err) == (2, True)
    assert only_read(gateway)


def _order() -> tuple[Any, Any]:
    library = importlib.import_module(LIBRARY)
    return library.Stock("SPY", "SMART", "USD"), library.MarketOrder("BUY", 1)


# refusals: each asserted at the socket

LIVE_PORTS = [7496, 4001]


@pytest.mark.parametrize("port", LIVE_PORTS)
@pytest.mark.parametrize("account", [ID, SIMULATED])
def test_a_live_port_is_never_connected_to(probe: Any, root: Path, port: int, account: str) -> None:
    """Not a connection, whatever account is pinned and whatever host is listed."""
    pin(root, account, f", hosts: [{Scripted.host}]")
    with Scripted(port) as gateway:
        done, _ = probe(port, "--host", Scripted.host)
    assert (done.code, gateway.connections, gateway.data) == (2, 0, b"")
    assert f"refused: port {port} is that of a live account" in done.err


@pytest.mark.parametrize(
    ("account", "more", "said"),
    [
        ("U1234567", (), "U1****67 is not the id of a paper account"),
        ("DF1234567", (), "has no listed prefix"),
        ("null", (), "no account is pinned"),
        (ID, ("--client-id", "0"), "client id 0 cannot be used"),
        (ID, ("--host", "localhost.example"), "neither a loopback address nor a listed host"),
        (ID, ("--library", "ib_async" if LIBRARY == "ib_insync" else "ib_insync"), "is not installed"),
    ],
)
def test_what_could_be_live_is_refused(probe: Any, root: Path, account: str, more: Any, said: str) -> None:
    """A live-looking id, no pinned account, the id that owns manual orders: no connection is made."""
    pin(root, account)
    with Scripted(4002) as gateway:
        done, _ = probe(4002, "--host", Scripted.host, *more)
    assert (done.code, gateway.connections, gateway.data) == (2, 0, b"")
    assert said in done.err


def test_two_libraries_are_refused_unseen(
    probe: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both distributions at once, found as Python finds them."""
    for name in ("ib_async", "ib_insync"):
        folder = tmp_path / "both" / f"{name}-9.9.9.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9.9\n")
    monkeypatch.syspath_prepend(tmp_path / "both")
    pin(root, ID)
    with Scripted(4002) as gateway:
        done, _ = probe(4002, "--host", Scripted.host)
    assert (done.code, gateway.connections, gateway.data) == (2, 0, b"")
    assert "are both installed" in done.err


@needs_library
@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ("DU1234567,U7654321,", "manages the live account U7****21"),
        ("U7654321", "manages the live account U7****21"),
        ("DU7654321", "manages DU*****21, and only DU*****67 is pinned"),
        ("DU1234567,DU7654321", "manages DU*****21, and only DU*****67 is pinned"),
        ("", "names no account"),
    ],
)
def test_a_login_with_another_account_hears_nothing(probe: Any, root: Path, accounts: str, said: str) -> None:
    """The gateway has received the greeting and startApi, and no client library has spoken to it."""
    pin(root, ID)
    with Scripted(4002, accounts) as gateway:
        done, _ = probe(4002, "--host", Scripted.host)
    assert (done.code, said in done.err) == (2, True), done.err
    assert (gateway.connections, gateway.numbers()) == (1, ["71"])


@needs_library
def test_a_second_client_with_the_same_id_hears_nothing(probe: Any) -> None:
    """Another program is connected with the id: it goes on, and the probe ends."""
    with simulated() as gateway:
        with raw_client(gateway.port, 71):
            done, _ = probe(gateway.port)
        assert (done.code, "another program is connected with client id 71" in done.err) == (2, True)
        assert gateway.received() == [(1, "startApi"), (2, "startApi")]
        assert probe(gateway.port, "--samples", "1", "--client-id", "72")[0].code == 0


@needs_library
def test_an_id_that_the_gateway_still_holds_is_tried_again(probe: Any) -> None:
    """It was free when the first connection asked, whose own end the gateway may not have noticed yet."""
    held = "faults: [{fault: error, at: started, number: 2, code: 326}]\n"
    with simulated(held) as gateway:
        done, _ = probe(gateway.port, "--samples", "1")
    assert done.code == 0, done.err
    assert [one for one in gateway.received() if one[1] == "startApi"] == [
        (number, "startApi") for number in (1, 2, 3)
    ]


def test_a_gateway_that_does_not_say_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer about open orders tells nothing."""
    monkeypatch.setattr(preflight, "_ANSWER_S", 0.2)
    with Scripted(4002) as gateway:
        told = asyncio.run(preflight.preflight(Target(ID, 4002, Scripted.host), ask_read_only=True))
    assert (told, gateway.numbers()) == (None, ["71", "5"])


@needs_library
@pytest.mark.parametrize(
    ("greets", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak the protocol"),
        (b"\0\0\0\5a\0b\0c", "no protocol version"),
        (b"\0\0\0\4" + "١\0\0".encode(), "no protocol version"),
        (b"\0\0\0\0", "a message of 0 bytes"),
        (b"\xff\xff\xff\xff", "does not speak the protocol"),
    ],
)
def test_what_is_no_gateway_is_told_apart(probe: Any, root: Path, greets: bytes, said: str) -> None:
    """A web server, nonsense, or endless messages behind the port: an error, and nothing more is sent."""
    pin(root, ID)
    with Scripted(4002, greets=greets) as gateway:
        done, _ = probe(4002, "--host", Scripted.host)
    assert (done.code, said in done.err) == (2, True), done.err
    assert gateway.numbers() == []


@needs_library
def test_nobody_listens_and_connections_break(probe: Any, root: Path) -> None:
    """Each is an error with what to do, and there is no record."""
    with simulated() as gateway:
        unused = gateway.port
    done, _ = probe(unused)
    assert (done.code, "start TWS or IB Gateway" in done.err) == (2, True)
    drops = "faults: [{fault: drop, at: started, number: 2, refuse_ms: 60000}]\n"
    with simulated(drops) as gateway:
        done, _ = probe(gateway.port)
    assert done.code == 2
    assert only_read(gateway)


@needs_library
@pytest.mark.soak
def test_a_probe_may_be_interrupted(root: Path) -> None:
    """Ctrl-C while a gateway does not answer: exit code 2, one line, no record."""
    pin(root, ID)
    with Scripted(4002, greets=b"\0\0") as gateway:
        command = [sys.executable, "-m", "gate", "ibkr", "probe", "--host", Scripted.host, "-w", str(root)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            while not gateway.data:
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (2, "interrupted; nothing was decided\n")
    assert not (root / "ACCOUNT_CONFIG.json").exists()
