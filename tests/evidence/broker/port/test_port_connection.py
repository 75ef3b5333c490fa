"""Connections of the port: tries and waits, refusals, outages, read-only ones, and which library is used."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import UsageError
from gate.evidence.broker.port import (
    BrokerProblem,
    ConnectionChanged,
    ConnectionState,
    Library,
    Problem,
    Settings,
    open_broker,
    open_reader,
)
from gate.evidence.broker.port.codes import READING

from .conftest import LIBRARY, SPY, Stage, intent, stage, until

Run = Callable[..., Any]


def changes(on: Stage) -> list[tuple[str, int]]:
    """The states of the connection, with the tries they are about."""
    return [(one.state.value, one.attempt) for one in on.seen(ConnectionChanged)]


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_three_tries_to_connect(run: Run) -> None:
    """At once, after one second and after two more; then it has failed, and may be asked again."""

    async def play() -> Stage:
        async with stage(connect=False, port=free_port()) as on:
            for _ in range(2):
                with pytest.raises(BrokerProblem, match="cannot connect to") as told:
                    await on.broker.connect()
                assert "start the gateway" in told.value.diagnostics()
                assert on.broker.state is ConnectionState.FAILED
            with pytest.raises(BrokerProblem, match="not connected"):
                await on.broker.positions()
        return on

    on = run(play())
    assert on.waits == [1, 2, 1, 2]
    assert changes(on)[:4] == [("CONNECTING", 1), ("CONNECTING", 2), ("CONNECTING", 3), ("FAILED", 0)]


def test_three_tries_to_connect_again(run: Run) -> None:
    """After one, two and four seconds."""

    async def play() -> Stage:
        async with stage("faults: [{fault: drop, at: filled, refuse_ms: 60000}]") as on:
            await on.broker.place(intent("one"))
            await until(lambda: on.broker.state is ConnectionState.FAILED)
        return on

    on = run(play())
    assert on.waits == [1, 2, 4]
    assert changes(on) == [
        ("CONNECTING", 1),
        ("CONNECTED", 1),
        ("RECONNECTING", 0),
        ("RECONNECTING", 1),
        ("RECONNECTING", 2),
        ("RECONNECTING", 3),
        ("FAILED", 0),
        ("DISCONNECTED", 0),
    ]


def test_it_is_connected_again_as_soon_as_it_can_be(run: Run) -> None:
    """The later tries are not made; another drop has three of its own."""

    async def play() -> Stage:
        faults = [{"fault": "drop", "at": "connected", "number": number} for number in (2, 4)]
        faults += [{"fault": "drop", "at": "filled"}]
        async with stage(f"faults: {json.dumps(faults)}") as on:
            for count in (1, 2):
                await on.broker.place(intent(f"o{count}"))
                await until(lambda count=count: changes(on).count(("CONNECTED", 2)) == count)
            assert [one.state for one in on.broker.orders()] == ["FILLED", "FILLED"]
        return on

    assert run(play()).waits == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("fault", "said", "code", "waits"),
    [
        ({"fault": "drop", "at": "connected"}, "closed", None, [1, 2]),
        ({"fault": "drop", "at": "started"}, "closed", None, [1, 2]),
        ({"fault": "error", "code": 326, "at": "started"}, "already in use", 326, []),
        ({"fault": "delay", "delay_ms": 5000, "at": "started"}, "did not answer within 0.2 s", None, [1, 2]),
    ],
)
def test_a_gateway_that_does_not_welcome_us(
    run: Run, fault: dict[str, Any], said: str, code: int | None, waits: list[float]
) -> None:
    """It is told why, and at once where the gateway says so: the libraries alone would wait in vain."""

    async def play() -> Stage:
        timeout = 0.2 if fault["fault"] == "delay" else 60
        async with stage(f"faults: {json.dumps([fault])}", connect=False, try_timeout_s=timeout) as on:
            with pytest.raises(BrokerProblem, match=said) as told:
                await on.broker.connect()
            assert told.value.code == code
        return on

    assert run(play()).waits == waits


def test_something_else_than_a_gateway(run: Run) -> None:
    """What it sends is not kept without end, whatever length it claims."""

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x7f" * 8_000_000)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async def play() -> None:
        server = await asyncio.start_server(flood, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with stage(connect=False, port=port, tries=1) as on:
            with pytest.raises(BrokerProblem, match="more than 4194304 bytes"):
                await on.broker.connect()
        server.close()

    run(play())


def test_a_client_id_that_is_in_use(run: Run) -> None:
    """The second program is told at once, the first one is not disturbed."""

    async def play() -> None:
        async with stage() as on:
            begun = time.monotonic()
            async with stage(connect=False, port=on.server.port, client_id=7) as second:
                with pytest.raises(BrokerProblem, match="326") as told:
                    await second.broker.connect()
                assert "use another client id" in told.value.diagnostics()
            assert time.monotonic() - begun < 5
            assert await on.broker.accounts() == ("DUSIM0000001",)

    run(play())


def test_an_account_that_is_not_the_pinned_one(run: Run) -> None:
    """Nothing but the handshake is sent, and no account number is shown in full."""

    async def play() -> Stage:
        async with stage(connect=False, account="DU1234567") as on:
            with pytest.raises(BrokerProblem, match="does not manage account") as told:
                await on.broker.connect()
            assert "DU****67" in told.value.diagnostics() and "1234567" not in told.value.diagnostics()
        return on

    on = run(play())
    assert [one["message"] for one in on.log if one["direction"] == "in"] == ["startApi"]
    assert on.waits == []


def test_a_gateway_that_takes_no_orders(run: Run) -> None:
    """A port that trades is refused with the remedy; one that only looks works."""

    async def play() -> None:
        async with stage("read_only: true", connect=False) as on:
            with pytest.raises(BrokerProblem, match="Read-Only") as told:
                await on.broker.connect()
            assert (told.value.code, on.waits) == (321, [])
            assert "clear Read-Only API" in told.value.diagnostics()
        async with stage("read_only: true", read=True) as on:
            assert await on.broker.positions() == ()

    run(play())


def test_a_port_that_only_looks(run: Run) -> None:
    """It has no methods for orders, and no other message than those of the list leaves it, however asked."""

    async def play() -> Stage:
        holds = "holdings: [{symbol: AAPL, quantity: -3, average_cost: 150}]"
        async with stage(holds, read=True) as on:
            port = on.broker
            assert not [name for name in ("place", "cancel", "cancel_all", "what_if") if hasattr(port, name)]
            values = await port.account_values()
            assert values.amount("NetLiquidation") == 999430
            assert values.amount("AccountType") is None
            assert [one.quantity for one in await port.positions()] == [-3]
            assert (await port.contract(SPY)).instrument.primary_exchange == "ARCA"
            with pytest.raises(BrokerProblem, match="message 3 was not sent"):
                port._gateway.place(99, intent("sneaky"), "DUSIM0000001")
            with pytest.raises(BrokerProblem, match="message 58 was not sent"):
                port._gateway._client.reqGlobalCancel()
            assert port.traffic.by_id.keys() <= READING
        return on

    on = run(play())
    assert {one["id"] for one in on.log if one["direction"] == "in"} <= READING


def test_an_outage_of_the_broker(run: Run) -> None:
    """The library stays connected throughout; the port says how it is, and asks what became of orders."""

    async def play() -> Stage:
        async with stage("faults: [{fault: outage, at: working, outage_ms: 100, data: lost}]") as on:
            await on.broker.place(intent("one"))
            await until(lambda: on.broker.state is ConnectionState.IMPAIRED)
            assert (await on.broker.outcome("one")).state == "FILLED"
            await until(lambda: len(on.fields("in", "reqExecutions")) == 2)
        return on

    on = run(play())
    assert [state for state, _ in changes(on)] == [
        *("CONNECTING", "CONNECTED", "IMPAIRED", "CONNECTED"),
        "DISCONNECTED",
    ]
    assert [one.code for one in on.seen(Problem)] == [2104, 1100, 1101]


def test_disconnecting_ends_every_try(run: Run) -> None:
    """Also while it is being connected again; afterwards it may be connected anew."""

    async def play() -> Stage:
        async with stage("faults: [{fault: drop, at: filled}]", waits_s=(4000, 1, 1)) as on:
            await on.broker.place(intent("one"))
            await until(lambda: on.waits)
            await on.broker.disconnect()
            assert on.broker.state is ConnectionState.DISCONNECTED
            await on.broker.connect()
            assert on.broker.order("one").state == "FILLED"
        return on

    assert changes(run(play()))[2:] == [
        ("RECONNECTING", 0),
        ("DISCONNECTED", 0),
        ("CONNECTING", 1),
        ("CONNECTED", 1),
        ("DISCONNECTED", 0),
    ]


def test_connecting_may_be_interrupted(run: Run) -> None:
    """Nothing of it stays; the gateway sees the connection end, and another try works."""

    async def play() -> Stage:
        slow = "faults: [{fault: delay, delay_ms: 60000, at: started, number: 1}]"
        async with stage(slow, connect=False) as on:
            connecting = asyncio.ensure_future(on.broker.connect())
            await until(lambda: on.fields("in", "startApi"))
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            assert on.broker.state is ConnectionState.DISCONNECTED
            await until(lambda: on.fields("event", "disconnected"))
            await on.broker.connect()
            assert await on.broker.accounts() == ("DUSIM0000001",)
        return on

    assert [state for state, _ in changes(run(play()))] == [
        *("CONNECTING", "DISCONNECTED", "CONNECTING", "CONNECTED"),
        "DISCONNECTED",
    ]


def test_a_question_that_a_drop_cuts_off(run: Run) -> None:
    """Fails at once, and not after its time-out."""

    async def play() -> None:
        async with stage(reconnect=False) as on:
            asking = asyncio.ensure_future(on.broker.positions())
            on.broker._gateway._client.conn.transport.abort()
            with pytest.raises(BrokerProblem, match="closed"):
                await asyncio.wait_for(asking, 1)
            assert on.broker.state is ConnectionState.DISCONNECTED
            with pytest.raises(BrokerProblem, match=r"DISCONNECTED: .*closed"):
                await on.broker.positions()

    run(play())


def test_too_many_messages_are_counted(run: Run) -> None:
    """Where they leave, whether or not the gateway complains of them; its complaints are counted, too."""

    async def play() -> None:
        async with stage("faults: [{fault: error, at: filled, code: 100}]") as on:
            await on.traded(intent("one"))
            for _ in range(5):
                await on.broker.positions()
            traffic = on.broker.traffic
            assert (traffic.by_id[61], traffic.messages, traffic.warnings) == (5, 10, 1)
            assert 1 <= traffic.busiest_second <= 10

    run(play())


def test_the_example_in_the_documentation(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints what the page says."""
    page = (
        (Path(__file__).resolve().parents[4] / "docs" / "ibkr.md")
        .read_text()
        .partition("## The broker port")[2]
    )
    code = page.partition("```python\n")[2].partition("\n\nasyncio.run(")[0]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page

    async def play() -> None:
        async with stage(connect=False) as on:
            await names["main"](LIBRARY, on.server.port)

    run(play())
    printed = capsys.readouterr().out.strip()
    assert printed and f"it prints `{printed}`" in page


# libraries


def installed(folder: Path, library: Library) -> None:
    """Make it look as if a library were installed, as the metadata of an installation does."""
    metadata = folder / f"{library}-9.9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {library}\nVersion: 9.9\n")


def test_both_libraries_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever is asked for: they overwrite each other's files."""
    installed(tmp_path, next(one for one in Library if one is not LIBRARY))
    monkeypatch.syspath_prepend(tmp_path)
    for library in Library:
        with pytest.raises(UsageError, match="both installed") as told:
            open_broker(library, Settings(4002, 1))
        assert "make a new virtual environment" in told.value.diagnostics()


def test_the_other_library_is_never_taken_instead() -> None:
    """It is said what to install, and what there is."""
    other = next(one for one in Library if one is not LIBRARY)
    with pytest.raises(UsageError, match=f"{other} is not installed") as told:
        open_reader(other, Settings(4002, 1))
    extra = {"ib_async": "ibkr", "ib_insync": "ib-insync"}[other]
    assert f"compliance-gate[{extra}]" in told.value.diagnostics()
    assert f"{LIBRARY} is installed, and must be named" in told.value.diagnostics()


def test_the_library_is_named_with_its_version(run: Run) -> None:
    """For the evidence."""

    async def play() -> None:
        async with stage(read=True) as on:
            name, version = on.broker.library.split()
            assert name == LIBRARY and version[0].isdigit()
            assert on.broker.server_version == {"ib_async": 178, "ib_insync": 176}[LIBRARY]

    run(play())
