"""What a broken or hostile client can do to the simulated gateway: nothing but end its own connection."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.evidence.base.contracts import violations
from gate.evidence.broker.protocol.frames import FRAME_BYTES
from gate.evidence.broker.simulator import server as server_module
from gate.evidence.broker.simulator.core import MOST_CONNECTIONS, Simulator
from gate.evidence.broker.simulator.scenario import Scenario
from gate.evidence.broker.simulator.server import Server

Make = Callable[..., Any]
GREETING = b"API\0\x00\x00\x00\x09v157..178"
START = b"\x00\x00\x00\x08" + b"71\x002\x007\0\0"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "does not begin with the greeting"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "does not begin with the greeting"),
        (b"API\0" + struct.pack(">I", 2**32 - 1), "a frame of 4294967295 bytes"),
        (b"API\0" + struct.pack(">I", FRAME_BYTES + 1), "a frame of 65537 bytes"),
        (b"API\0\x00\x00\x00\x00", "names no versions"),
        (b"API\0\x00\x00\x00\x0cv157..178\x1b[2", "names no versions"),
        (b"API\0\x00\x00\x00\x18v157..999999999999999999", "names no versions"),
        (GREETING + struct.pack(">I", 2**31), "a frame of 2147483648 bytes"),
    ],
)
def test_bytes_that_are_not_the_protocol(session: Make, data: bytes, reason: str) -> None:
    """The connection ends, the log says why, and other clients notice nothing."""
    run = session()
    good = run.client()
    bad = run.open(data)
    (found,) = run.events("malformed")
    assert reason in found["reason"]
    run.send(bad, b"more")
    run.send(good, run.frame(49, 1))
    assert len(run.out("currentTime")) == 1
    assert run.events("disconnected") == [{"reason": "malformed bytes"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"x\0",
        b"-3\0",
        b"3",
        b"\xff\0",
        b"3\0",
        b"4\x001\0",
        b"999999999999\0",
        b"71\x002\x007\0\0",
        "²\0".encode(),
    ],
)
def test_malformed_messages(session: Make, body: bytes) -> None:
    """Error 320 each, and after ten the connection is closed."""
    run = session("pacing: {messages_per_s: null}")
    client = run.client()
    message = struct.pack(">I", len(body)) + body
    run.send(client, message, run.frame(49, 1))
    assert (run.codes(), len(run.out("currentTime"))) == ([320], 1)
    run.send(client, *[message] * 50)
    assert run.codes() == [320] * 10
    assert run.events("disconnected") == [{"reason": "10 malformed messages"}]


def test_an_order_that_ends_too_early(session: Make) -> None:
    """Wherever it ends, the log names the field that is not there."""
    run = session("pacing: {messages_per_s: null}")
    fields = run.order()[4:-1].split(b"\0")
    missing = set()
    for count in range(1, len(fields)):
        client = run.client(count)
        body = b"\0".join(fields[:count]) + b"\0"
        run.send(client, struct.pack(">I", len(body)) + body)
        missing.add(run.events("malformed")[-1]["reason"])
        run.simulator.lost(client, run.now)
    assert len(missing) == len(fields) - 1
    assert run.out("orderStatus", "openOrder") == []


def test_a_client_that_says_nothing_or_half_of_something(session: Make) -> None:
    """It has ten seconds for the greeting, its id, and the rest of a message."""
    run = session()
    run.open()
    run.open(GREETING)
    half = run.client()
    run.send(half, b"\x00\x00")
    for _ in range(9):
        run.run(1000)
        run.send(half, b"\x00" if _ == 8 else b"")
    assert run.events("disconnected") == []
    run.run(2000)
    assert sorted(one["reason"] for one in run.events("disconnected")) == [
        "a message was not finished in time",
        "no greeting and client id in time",
        "no greeting and client id in time",
    ]


def test_a_busy_client_is_not_a_slow_one(session: Make) -> None:
    """What counts is how long one message takes, not that there is always a part of one."""
    run = session("pacing: {messages_per_s: null}")
    client = run.client()
    message = run.frame(49, 1)
    run.send(client, message[:3])
    for _ in range(30):
        run.run(1000)
        run.send(client, message[3:] + message[:3])
    assert (len(run.out("currentTime")), run.events("disconnected")) == (30, [])
    run.run(11000)
    assert run.events("disconnected") == [{"reason": "a message was not finished in time"}]


def test_a_message_before_the_client_gave_its_id(session: Make) -> None:
    """It is malformed; so is a second id."""
    run = session()
    run.open(GREETING, run.frame(61, 1), run.order())
    assert run.codes() == [320, 320]


def test_many_connections(session: Make) -> None:
    """Those over the limit are closed at once; when others have gone, there is room again."""
    run = session()
    numbers = [run.open() for _ in range(MOST_CONNECTIONS + 5)]
    assert len(run.events("disconnected")) == 5
    run.simulator.lost(numbers[0], run.now)
    run.client()
    assert len(run.out("nextValidId")) == 1


def test_account_numbers_of_others_are_not_logged_in_full(session: Make) -> None:
    """Whatever a client sends in whatever field."""
    run = session()
    client = run.client()
    run.send(client, run.order(account="U7654321"), run.order(orderRef="for DU1234567", tif="U7654321"))
    run.run()
    run.stop()
    text = json.dumps(run.log)
    assert "7654321" not in text and "1234567" not in text
    assert "U****21" in text and "DUSIM0000001" in text


@given(
    st.lists(
        st.binary(max_size=40)
        | st.lists(
            st.sampled_from(
                ["3", "4", "9", "1", "62", "76", "7", "", "0", "SPY", "STK", "BUY", "1e9", "-1", "\x1b"]
            ),
            max_size=120,
        ).map(lambda fields: _frame("".join(f"{one}\0" for one in fields).encode())),
        max_size=8,
    )
)
@settings(max_examples=60 if settings.default.derandomize else settings.default.max_examples)
def test_no_bytes_break_the_simulator(chunks: list[bytes]) -> None:
    """Whatever arrives, there is no exception, and every record of the log keeps the contract."""
    simulator = Simulator(Scenario(), 1)
    number, output = simulator.connect(1)
    log = output.observations
    for step, data in enumerate([GREETING, START, *chunks]):
        log += simulator.receive(number, data, 1000 * step).observations
    log += simulator.advance(20_000_000).observations + simulator.stop(20_000_001).observations
    assert [one["n"] for one in log] == list(range(1, len(log) + 1))
    for one in log:
        assert violations("files", "ibkr_observation", one) == []


def _frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def test_clients_on_a_real_socket() -> None:
    """Garbage, and a client that just goes away; a good one is served throughout."""
    seen: list[dict[str, Any]] = []

    async def play() -> None:
        async with Server(Scenario(), seen.append) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(GREETING + START)
            for data in (b"\xff" * 100_000, GREETING + b"\xff" * 10):
                other, bad = await asyncio.open_connection("127.0.0.1", server.port)
                bad.write(data)
                with suppress(ConnectionResetError):  # it was closed with bytes unread
                    assert len(await other.read()) < 100
                bad.close()
            _, gone = await asyncio.open_connection("127.0.0.1", server.port)
            gone.write(GREETING)
            gone.transport.abort()
            writer.write(_frame(b"49\x001\0"))
            while b"49\x001\0" not in await reader.read(65536):
                pass
            writer.close()

    asyncio.run(asyncio.wait_for(play(), 60))
    reasons = [one["fields"]["reason"] for one in seen if one["message"] == "disconnected"]
    assert reasons.count("malformed bytes") == 2
    assert [one["n"] for one in seen] == list(range(1, len(seen) + 1))


@pytest.mark.soak
def test_a_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection ends before what waits for it fills the memory."""
    monkeypatch.setattr(server_module, "UNREAD_BYTES", 64 * 1024)
    seen: list[dict[str, Any]] = []

    async def play() -> None:
        async with Server(Scenario(messages_per_s=None), seen.append) as server:
            deaf = socket.create_connection(("127.0.0.1", server.port))
            deaf.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(deaf, GREETING + START)
            try:
                for _ in range(2000):
                    await loop.sock_sendall(deaf, _frame(b"76\x001\x001\0\0\x000\0") * 10)
                    await asyncio.sleep(0)
            except OSError:
                pass
            deaf.close()

    asyncio.run(asyncio.wait_for(play(), 120))
    reasons = [one["fields"]["reason"] for one in seen if one["message"] == "disconnected"]
    assert reasons == ["does not read what it is sent"]
