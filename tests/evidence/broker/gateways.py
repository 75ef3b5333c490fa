"""Gateways for tests that connect from the main thread: the simulator, and one that only keeps bytes."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gate.evidence.broker.protocol.frames import Framer, fields_of, frame_of
from gate.evidence.broker.simulator.scenario import parse_scenario
from gate.evidence.broker.simulator.server import Server

HEAD = "format: gate.ibkr.scenario/v1\nname: probe\npacing: {messages_per_s: null}\n"


@dataclass
class Simulated:
    """A simulator that listens, and what it saw."""

    port: int
    log: list[dict[str, Any]] = field(default_factory=list)

    def received(self) -> list[tuple[int, str]]:
        """Connection and name of each message from a client."""
        return [(one["connection"], one["message"]) for one in self.log if one["direction"] == "in"]


@contextmanager
def simulated(scenario: str = "") -> Iterator[Simulated]:
    """The simulator in a thread of its own."""
    ready, seen = threading.Event(), Simulated(0)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        parsed = parse_scenario((HEAD + scenario).encode(), "scenario.yaml")
        async with Server(parsed, seen.log.append) as server:
            seen.port = server.port
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(20)
        yield seen
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


class Scripted:
    """A gateway that names accounts, answers nothing else, and keeps every byte that it receives.

    It listens at a loopback address of its own, so that it can have the ports of a real one.
    """

    host = "127.77.12.8"

    def __init__(self, port: int, accounts: str = "DU1234567", *, greets: bytes | None = None) -> None:
        self.data, self.connections = b"", 0
        self._accounts, self._greets = accounts, greets
        try:
            self._listener = socket.create_server((self.host, port))
        except OSError as error:
            pytest.skip(f"cannot listen at {self.host}:{port}: {error}")
        self._listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()
        self._thread.join(20)

    def numbers(self) -> list[str]:
        """The numbers of the messages that were received on the only connection."""
        frames = list(Framer().feed(self.data))
        return [fields_of(frame)[0] for frame in frames[1:]]

    def _serve(self) -> None:
        while self._listener.fileno() != -1:
            try:
                peer, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            with peer:
                self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        answered = 0
        peer.settimeout(10)
        try:
            while piece := peer.recv(65536):
                self.data += piece
                frames = len(list(Framer().feed(self.data)))
                if answered < 1 <= frames:
                    peer.sendall(self._greets or frame_of(["176", "20251205 08:30:00 UTC"]))
                if answered < 2 <= frames:
                    peer.sendall(frame_of(["15", "1", self._accounts]) + frame_of(["9", "1", "1"]))
                answered = frames
        except OSError:
            return


def raw_client(port: int, client: int) -> socket.socket:
    """A client that has connected to the simulator with this id and been welcomed."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=10)
    peer.sendall(b"API\0" + struct.pack(">I", 9) + b"v157..178" + frame_of(["71", "2", str(client), ""]))
    received = b""
    while frame_of(["9", "1", "1"]) not in received:
        received += peer.recv(65536)
    return peer
