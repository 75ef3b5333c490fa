"""A real OPA server, for the tests of what talks to one."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path


class OpaServer:
    """A running ``opa run --server`` on a port of the loopback."""

    def __init__(self, opa: str, folder: Path, *arguments: str, scheme: str = "http") -> None:
        self._command = [opa, "run", "--server", "--skip-version-check", "--log-level", "error", *arguments]
        self._log = folder / "opa.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.address = f"{scheme}://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it, or start it again with what its arguments name and nothing else."""
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*self._command, "--addr", f"127.0.0.1:{self.port}"],
                stdout=log, stderr=log, env={"PATH": os.defpath, "HOME": str(self._log.parent)},
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self.process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def get(self, path: str) -> str:
        """What it answers to a GET."""
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:  # noqa: S310 - ours
            text: str = answer.read().decode()
            return text
