"""What ``gate ibkr paper-session`` refuses, and that no byte of an order has left by then."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

ORDERS = {"3", "4", "58"}
"""Numbers of the messages that place or cancel orders."""
START = ("ibkr", "paper-session", "plan.yaml")


class Listener:
    """A gateway that names accounts, and keeps every message that it is sent."""

    def __init__(self, accounts: str) -> None:
        self._accounts = accounts
        self.messages: list[list[str]] = []
        self.connections = 0

    def serve(self, server: socket.socket) -> None:
        """Until the server is closed."""
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(10)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        connection.recv(4)
        self._read(connection)
        self._send(connection, "178", "20260101 00:00:00 UTC")
        while (message := self._read(connection)) is not None:
            self.messages.append(message)
            if message[0] == "71":
                self._send(connection, "15", "1", self._accounts)
                self._send(connection, "9", "1", "1")
            if message[0] == "5":
                self._send(connection, "53", "1")

    @staticmethod
    def _send(connection: socket.socket, *fields: str) -> None:
        body = "".join(f"{field}\0" for field in fields).encode()
        connection.sendall(struct.pack(">I", len(body)) + body)

    @staticmethod
    def _read(connection: socket.socket) -> list[str] | None:
        try:
            head = connection.recv(4, socket.MSG_WAITALL)
            if len(head) < 4:
                return None
            data = connection.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL)
        except OSError:
            return None
        return data.decode().split("\0")[:-1]


@contextmanager
def listening(accounts: str = "DUSIM0000042,") -> Iterator[tuple[Listener, int]]:
    """A listener and its port."""
    listener = Listener(accounts)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=listener.serve, args=(server,), daemon=True)
        thread.start()
        yield listener, server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


Gate = Callable[..., Any]
Make = Callable[..., Path]


@pytest.mark.parametrize(
    ("changes", "account", "said"),
    [
        ({"port": 7496}, "DUSIM0000042", "port 7496 is that of a live account"),
        ({"port": 4001}, "DU1234567", "port 4001 is that of a live account"),
        ({}, "DU1234567", "is not known as that of a paper account"),
        ({}, "U1234567", "not the id of a paper account"),
        ({}, None, "no account is pinned"),
        ({"host": "192.0.2.1"}, "DUSIM0000042", "neither a loopback address nor a listed host"),
        ({"host": "gateway.example.com"}, "DUSIM0000042", "neither a loopback address nor a listed host"),
    ],
)
def test_before_a_connection(
    gate: Gate, workspace_for: Make, tmp_path: Path, changes: dict[str, Any], account: str | None, said: str
) -> None:
    """Live ports, other hosts, and accounts that are not pinned or not for paper: nothing is connected."""
    with listening() as (listener, port):
        workspace_for(tmp_path, port, account, **changes)
        done = gate(*START)
    assert (done.code, done.out) == (2, "") and done.err.startswith("refused: ")
    assert said in done.err and "1234567" not in done.err
    assert listener.connections == 0
    assert not list(tmp_path.glob("PAPER*"))


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ("U1234567,", "the login manages the live account"),
        ("DUSIM0000042,U1234567,", "the login manages the live account"),
        ("DUSIM0000099,", "is pinned"),
        ("DUSIM0000042,DUSIM0000099,", "is pinned"),
        ("", "names no account"),
    ],
)
def test_before_an_order(gate: Gate, workspace_for: Make, tmp_path: Path, accounts: str, said: str) -> None:
    """A login that manages anything but the pinned account is left after the first two messages."""
    with listening(accounts) as (listener, port):
        workspace_for(tmp_path, port)
        done = gate(*START)
    assert (done.code, done.out) == (2, "") and done.err.startswith("refused: ") and said in done.err
    assert [message[0] for message in listener.messages] == ["71"]
    assert not list(tmp_path.glob("PAPER*"))


def test_both_libraries(
    gate: Gate, workspace_for: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They overwrite each other's files, so neither is trusted."""
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.9.86" if name == "ib_insync" else real(name))
    with listening() as (listener, port):
        workspace_for(tmp_path, port)
        done = gate(*START)
    assert done.code == 2 and "are both installed" in done.err
    assert listener.connections == 0


def test_a_library_that_is_not_installed(gate: Gate, workspace_for: Make, tmp_path: Path) -> None:
    """The error names what to install; the other library is never taken instead."""
    with listening() as (listener, port):
        workspace_for(tmp_path, port, library="ib_insync")
        done = gate(*START)
    assert done.code == 2 and "pip install 'compliance-gate[ib-insync]'" in done.err
    assert listener.connections == 0


def test_a_gateway_that_is_read_only(
    gate: Gate, gateway: Callable[..., Any], workspace_for: Make, tmp_path: Path
) -> None:
    """Is recognised by a question, before an order is tried."""
    one = gateway("read_only: true\n")
    workspace_for(tmp_path, one.port)
    done = gate(*START)
    assert done.code == 2 and "Read-Only API is on" in done.err
    assert not [message for message in one.messages() if str(message["id"]) in ORDERS]
    assert not list(tmp_path.glob("PAPER*"))


def test_a_second_client(
    gate: Gate, gateway: Callable[..., Any], workspace_for: Make, tmp_path: Path
) -> None:
    """A client id that is in use is refused; the other program keeps its connection."""
    one = gateway()
    workspace_for(tmp_path, one.port)
    with socket.create_connection(("127.0.0.1", one.port)) as other:
        other.sendall(b"API\0\x00\x00\x00\x09v157..178" + b"\x00\x00\x00\x0971\x002\x0061\0\0")
        while b"15\0" not in other.recv(65536):
            pass
        done = gate(*START)
    assert done.code == 2 and "another program is connected with client id 61" in done.err
    assert not [message for message in one.messages() if str(message["id"]) in ORDERS]


def test_a_symbol_that_the_broker_does_not_know(
    gate: Gate, gateway: Callable[..., Any], workspace_for: Make, tmp_path: Path
) -> None:
    """Ends the session before its first order, and names the symbol."""
    one = gateway()
    workspace_for(tmp_path, one.port, symbols=["SPY", "NOPE"])
    done = gate(*START)
    assert done.code == 2 and "NOPE" in done.err and "Traceback" not in done.err
    assert not [order for order in one.messages("placeOrder") if order["fields"].get("whatIf") != "1"]
    assert not list(tmp_path.glob("PAPER*"))


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("", 'null is not of type "object"'),
        ("[1, 2", "line 2"),
        ({"trades": 0}, "/trades"),
        ({"trades": 1001}, "/trades"),
        ({"duration_s": None}, "is a required property"),
        ({"extra": 1}, "not allowed ('extra' was"),
        ({"symbols": ["SPY", "SPY"]}, "/symbols"),
        ({"symbols": ["spy\x1b[31m"]}, "/symbols/0"),
        ({"symbols": ["A", "B", "C", "D", "E"]}, "more symbols than orders that open a position: 4"),
        ({"mix": {"market": 0, "limit": 0}}, "all weights are zero"),
        ({"quantity": {"least": 5, "most": 2}}, "the least quantity is above the most"),
        ({"equity_every_s": 2}, "too short for three samples"),
        ({"port": 0}, "/port"),
        ({"limits": {"order_value": -1}}, "/limits/order_value"),
        ({"library": "ibapi"}, "/library"),
        ({"format": "gate.ibkr.paper-session/v2"}, "/format"),
    ],
)
def test_plans_that_are_none(
    gate: Gate, workspace_for: Make, tmp_path: Path, plan: str | dict[str, Any], said: str
) -> None:
    """One clear error each, with the place."""
    workspace_for(tmp_path, 4002, **(plan if isinstance(plan, dict) else {}))
    if isinstance(plan, str):
        (tmp_path / "plan.yaml").write_text(plan)
    done = gate(*START)
    assert (done.code, done.out) == (2, "") and "plan.yaml" in done.err and said in done.err
    assert "\x1b" not in done.err and "Traceback" not in done.err


def test_plans_that_are_no_files(gate: Gate, tmp_path: Path) -> None:
    """Nothing, a directory, a link to a plan."""
    (tmp_path / "link.yaml").symlink_to(tmp_path / "plan.yaml")
    none, other = "there is no such file", "is not a regular file"
    for name, said in (("none.yaml", none), (".", other), (str(tmp_path / "link.yaml"), other)):
        done = gate("ibkr", "paper-session", name)
        assert done.code == 2 and said in done.err


def _journal(root: Path, *records: object) -> None:
    text = "".join(one if isinstance(one, str) else json.dumps(one) + "\n" for one in records)
    (root / "PAPER_TRADING_JOURNAL.jsonl").write_text(text)


def test_journals_that_are_none(gate: Gate, workspace_for: Make, tmp_path: Path) -> None:
    """Are refused with the line, before a connection; so is the journal of another plan or account."""
    session = {
        "n": 1,
        "at_us": 1,
        "record": "session",
        "format": "gate.ibkr.paper-journal/v1",
        "session_id": "s",
        "name": "x",
        "plan": "0" * 64,
        "account_id": "DUSIM0000099",
        "library": "ib_async 2.1.0",
        "equity_every_s": 1,
    }
    equity = {"n": 2, "at_us": 2, "record": "equity", "nav": 1.5}
    report = {"n": 2, "at_us": 2, "record": "report", "report": {"intent_id": "x"}, "times": {}}
    with listening() as (listener, port):
        workspace_for(tmp_path, port)
        for records, said in (
            ((), "holds no session"),
            (('{"n":1',), "holds no session"),
            (("{}\n",), "line 1"),
            (("\xff\n",), "line 1"),
            ((session, "{\n"), "line 2"),
            ((session, equity | {"n": 3}), "line 2"),
            ((session, session | {"n": 2}), "line 2"),
            ((session, equity | {"nav": -1}), "line 2"),
            ((session, report), "line 2"),
            ((session, equity), "another plan"),
        ):
            _journal(tmp_path, *records)
            done = gate(*START, "--resume")
            assert done.code == 2 and said in done.err, (records, done.err)
            assert "Traceback" not in done.err and "0000099" not in done.err
        (tmp_path / "PAPER_TRADING_JOURNAL.jsonl").unlink()
        os.mkfifo(tmp_path / "PAPER_TRADING_JOURNAL.jsonl")
        assert "is no regular file" in gate(*START, "--resume").err
        (tmp_path / "PAPER_TRADING_JOURNAL.jsonl").unlink()
        assert "there is no journal" in gate(*START, "--resume").err
        (tmp_path / "PAPER_TRADING_JOURNAL.jsonl").symlink_to(tmp_path / "elsewhere")
        assert gate(*START).code == 2 and gate(*START, "--resume").code == 2
    assert listener.connections == 0
    assert not (tmp_path / "elsewhere").exists()
