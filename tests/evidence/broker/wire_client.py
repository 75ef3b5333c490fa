"""A client of the gateway with a plain socket, which does what it should, but for one flaw.

Usage: ``python wire_client.py [FLAW]``, with the variables of ``gate ibkr conformance``. It imports nothing
of gate and nothing that has to be installed.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

FLAW = sys.argv[1] if len(sys.argv) > 1 else ""
ACCOUNT = os.environ["GATE_IBKR_ACCOUNT"]
TASK = os.environ["GATE_IBKR_TASK"]
REFUSALS = {"103", "200", "201", "321", "387", "434"}
DONE = {"Filled", "Cancelled", "ApiCancelled", "Inactive"}
CONTRACT = ["0", "", "STK", "", "0", "", "", "SMART", "", "USD", "", ""]


class Lost(Exception):
    """The connection has ended."""


class Client:
    """One session after the other, in one thread."""

    def __init__(self) -> None:
        self.next_id = 0
        self.quiet_until = 0.0
        self.last = 0.0
        self.states: dict[int, str] = {}
        self.refused: set[int] = set()
        self.down = self.stopped = False
        self.connect()

    def connect(self) -> None:
        address = (os.environ["GATE_IBKR_HOST"], int(os.environ["GATE_IBKR_PORT"]))
        self.socket = socket.create_connection(address, 10)
        self.buffer = b""
        versions = b"v157..178"
        self.socket.sendall(b"API\0" + struct.pack(">I", len(versions)) + versions)
        self.ready = False
        self.message()
        self.send("71", "2", os.environ["GATE_IBKR_CLIENT_ID"], "")
        self.wait(lambda: self.ready, 10)

    def reconnect(self) -> None:
        """Three tries, with 1, 2 and 4 seconds before them."""
        delays = {
            "reconnects for ever": [0.01] * 1000,
            "reconnects at once": [0.0, 0.0, 0.0],
            "never reconnects": [],
        }
        for delay in delays.get(FLAW, [1.0, 2.0, 4.0]):
            time.sleep(delay)
            try:
                self.connect()
            except (Lost, OSError):
                continue
            self.send("16", "1")  # all open orders
            self.send("7", "3", "1", os.environ["GATE_IBKR_CLIENT_ID"], "", "", "", "", "", "")
            return
        sys.exit("gave up")

    def send(self, *fields: object) -> None:
        if FLAW != "bursts" and TASK == "burst" and self.ready:
            while (rest := max(self.last + 0.025, self.quiet_until) - time.monotonic()) > 0:
                self.read(rest)
        self.last = time.monotonic()
        body = "".join(f"{field}\0" for field in fields).encode()
        try:
            self.socket.sendall(struct.pack(">I", len(body)) + body)
        except OSError as error:
            raise Lost from error

    def read(self, seconds: float) -> bool:
        """Take in one message if there is one, or comes in time."""
        if len(self.buffer) < 4 and not select.select([self.socket], [], [], seconds)[0]:
            return False
        self.message()
        return True

    def message(self) -> None:
        while len(self.buffer) < 4 or len(self.buffer) < 4 + struct.unpack(">I", self.buffer[:4])[0]:
            try:
                data = self.socket.recv(65536)
            except OSError as error:
                raise Lost from error
            if not data:
                raise Lost
            self.buffer += data
        length = struct.unpack(">I", self.buffer[:4])[0]
        fields = self.buffer[4 : 4 + length].decode().split("\0")
        self.buffer = self.buffer[4 + length :]
        match fields:
            case ["9", _, number, *_]:
                self.next_id, self.ready = max(self.next_id, int(number)), True
            case ["15", _, accounts, *_] if FLAW != "trades live" and ACCOUNT not in accounts.split(","):
                sys.exit("another account")
            case ["3", order, status, *_]:
                self.states[int(order)] = status
            case ["11", _, order, *rest] if float(rest[21]) >= 10:  # filled while there was no connection
                self.states[int(order)] = "Filled"
            case ["4", _, order, code, *_]:
                self.error(int(order), code)

    def error(self, order: int, code: str) -> None:
        if code in REFUSALS and FLAW != "ignores 201":
            self.refused.add(order)
        elif code == "100" and FLAW != "no pause":
            self.quiet_until = time.monotonic() + 1.0
        elif code == "1100":
            self.down = True
        elif code in ("1101", "1102"):
            self.down = False

    def wait(self, condition: Callable[[], bool], seconds: float = 30) -> bool:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline and not self.stopped:
            self.read(0.05)
        return condition()

    # orders

    def place(self, symbol: str, limit: str = "", quantity: int = 10, action: str = "BUY") -> int:
        order, self.next_id = self.next_id, self.next_id + 1
        if FLAW == "prints":
            sys.stdout.write(f"{action} {quantity} {symbol} {limit}\n")
            self.states[order] = "Filled"
            return order
        self.order(order, symbol, limit, quantity, action)
        return order

    def order(self, order: int, symbol: str, limit: str, quantity: int, action: str) -> None:
        contract = ["0", symbol, *CONTRACT[2:]]
        kind = "LMT" if limit else "MARKET" if FLAW == "sends MARKET" else "MKT"
        quantity = quantity * 10 if FLAW == "ten times as much" else quantity
        fields = [
            order,
            *contract,
            "",
            "",
            action,
            quantity,
            kind,
            limit,
            "",
            "DAY",
            "",
            ACCOUNT,
            "",
            "0",
            f"r{order}",
        ]
        fields += [
            "1",
            "0",
            "0",
            "0",
            "0",
            "0",
            "0",
            "0",
            *[""] * (7 + 24),
            *[""] * 11,
            "0",
            "",
            "",
            "0",
            *[""] * 8,
        ]
        self.send("3", *fields)

    def until(self, order: int, *states: str) -> str:
        """Wait for a state of the order, or its end; over a lost connection, too."""
        while True:
            try:
                limit = 1.0 if FLAW == "ignores 201" else 30
                known = self.wait(
                    lambda: order in self.refused or self.states.get(order) in {*states, *DONE}, limit
                )
                return "Inactive" if order in self.refused or not known else self.states[order]
            except Lost:
                self.reconnect()
                if FLAW == "duplicates":
                    return "again"

    def cancel(self, orders: Iterable[int]) -> None:
        listed = list(orders)
        for order in listed:
            if FLAW != "prints":
                self.send("4", "1", order, "")
        for order in listed:
            self.until(order)

    def close(self) -> None:
        self.socket.close()


def run(client: Client) -> None:
    match TASK:
        case "account":
            client.send("62", "1", "1", "All", "NetLiquidation,BuyingPower")
            client.send("61", "1")
            client.send("1", "11", "2", "0", "SPY", *CONTRACT[2:], "0", "", "0")
            client.wait(lambda: False, 0.3)
        case "orders":
            client.until(client.place("SPY"))
            order = client.place("QQQ", "1.00")
            client.until(order, "Submitted")
            client.cancel([order])
        case "reject":
            for symbol in ("SPY", "QQQ", "AAPL", "MSFT", "IWM"):
                state = client.until(client.place(symbol))
                if FLAW == "retries":
                    client.until(client.place(symbol))
                if state == "Filled" or FLAW == "ignores 201":
                    client.place(symbol, action="SELL")
                    client.wait(lambda: False, 0.05)
        case "burst":
            client.cancel([client.place("SPY", "1.00", 1) for _ in range(60)])
        case "disconnect":
            for symbol in ("SPY", "QQQ", "AAPL"):
                if client.until(client.place(symbol)) == "again":
                    client.until(client.place(symbol))
        case "shutdown":
            orders = [client.place(symbol, "1.00") for symbol in ("SPY", "QQQ")]
            client.wait(lambda: False, 60)
            client.stopped = False
            if FLAW != "leaves orders open":
                client.cancel(orders)


def main() -> None:
    client: Any = None

    def stop(*_: object) -> None:
        client.stopped = True

    signal.signal(signal.SIGTERM, stop)
    client = Client()
    try:
        run(client)
    finally:
        client.close()


if __name__ == "__main__":
    main()
