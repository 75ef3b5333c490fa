"""Orders per second through the simulated gateway: one client, each order from its placing to its last fill.

The simulator is a program of its own, without delays and limits, and with its observation log; the client is
a bare socket, so what is measured is the simulator and the loopback interface. First one order at a time,
then 20 under way at once, half of them bought and half sold.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ORDERS = 3000
LEAST_PER_S = 1000
SCENARIO = """\
format: gate.ibkr.scenario/v1
name: benchmark
pacing: {messages_per_s: null}
latency: {acknowledge: {median_us: 0}, work: {median_us: 0}, fill: {median_us: 0}}
"""


def frame(*fields: object) -> bytes:
    """A message."""
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


def order(number: int) -> bytes:
    """A market order for ten shares, with the fields of protocol version 178."""
    contract = ["", "SPY", "STK", "", "0", "", "", "SMART", "", "USD", "", "", "", ""]
    head = ["BUY" if number % 2 else "SELL", 10, "MKT", "", "", "DAY", "", "", "O", 0, "", 1, 0]
    return frame(3, number, *contract, *head, *[0] * 6, *[""] * 46, 0, *[""] * 20)


class Client:
    """A connection that counts filled orders."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(b"API\0\x00\x00\x00\x09v157..178" + frame(71, 2, 1, ""))
        self._rest = b""
        while b"simulated" not in self._rest:  # the notice after the welcome
            self._rest += self.socket.recv(65536)

    def filled(self) -> int:
        """Wait for an answer: how many orders are filled by it."""
        data = self._rest + self.socket.recv(262144)
        found = data.split(b"\0Filled\0")
        self._rest = found[-1][-8:]
        return len(found) - 1

    def one_by_one(self, first: int) -> list[float]:
        """Seconds for each order."""
        times = []
        for number in range(first, first + ORDERS):
            begun = time.perf_counter()
            self.socket.sendall(order(number))
            while not self.filled():
                pass
            times.append(time.perf_counter() - begun)
        return times

    def together(self, first: int, most: int = 20) -> float:
        """Seconds for all orders with so many under way."""
        begun = time.perf_counter()
        sent = done = 0
        while done < ORDERS:
            while sent < ORDERS and sent - done < most:
                self.socket.sendall(order(first + sent))
                sent += 1
            done += self.filled()
        return time.perf_counter() - begun


def cpu_seconds(process: int) -> float:
    """What a process has worked (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, print, and fail below the least rate."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder, "scenario.yaml")
        scenario.write_text(SCENARIO)
        command = [sys.executable, "-m", "gate", "ibkr", "simulate", "-s", str(scenario), "--port", "0"]
        command += ["--log", str(Path(folder, "log.jsonl")), "-w", folder]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ
        ) as process:
            assert process.stderr is not None
            try:
                line = process.stderr.readline()
                client = Client(int(line.partition(" as ")[0].rpartition(":")[2]))
                client.one_by_one(1)  # warm
                times = sorted(client.one_by_one(ORDERS + 1))
                seconds = client.together(2 * ORDERS + 1)
                client.socket.close()
                worked = cpu_seconds(process.pid)
            finally:
                process.send_signal(signal.SIGINT)
                process.communicate()
    rate, alone, work = ORDERS / seconds, 1 / statistics.mean(times), worked / (3 * ORDERS)
    print(f"one at a time: {alone:,.0f} orders/s, p50 {times[len(times) // 2] * 1000:.2f} ms,", end=" ")
    print(f"p99 {times[len(times) * 99 // 100] * 1000:.2f} ms")
    print(f"20 at a time: {rate:,.0f} orders/s")
    print(f"the simulator's own work: {work * 1e6:.0f} µs per order,", end=" ")
    print(f"so {1 / work:,.0f} orders/s on a core of its own (at least {LEAST_PER_S:,})")
    assert max(rate, 1 / work) >= LEAST_PER_S


if __name__ == "__main__":
    main()
