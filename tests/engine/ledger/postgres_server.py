"""A real PostgreSQL server in a folder of its own, which tests kill, stop and start again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_PLACES = "/usr/lib/postgresql/*/bin"


def program(name: str) -> str | None:
    """A program of PostgreSQL; Debian keeps those of the server out of PATH."""
    found = shutil.which(name)
    newest = sorted(Path("/").glob(f"{_PLACES[1:]}/{name}"), key=lambda path: int(path.parts[-3]))
    return found or (str(newest[-1]) if newest else None)


class Server:
    """A server that listens on a Unix socket, and on a free port of the loopback interface if asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._owner: Any = None
        self._user = (
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if not os.geteuid() else []
        )

    def create(self) -> None:
        if self._user:
            shutil.chown(self.folder, "nobody", "nogroup")
        self._command(
            "initdb", "--username=gate", "--auth=trust", "--no-sync", "--encoding=UTF8", "-D", "data"
        )
        self.start()

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder}"
        self._command("pg_ctl", "start", "--wait", "-D", "data", "-l", "log", "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash: the server keeps nothing but what it acknowledged."""
        if self._owner is not None:
            self._owner.close()
        self._command("pg_ctl", "stop", "--mode", mode, "-D", "data")

    def kill(self) -> None:
        """Kill the server process; those of its connections end by themselves."""
        os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def restart(self) -> None:
        """Start again after a crash, once the processes of the old server are gone."""
        pid = self.folder / "data" / "postmaster.pid"
        while pid.exists() and _runs(int(pid.read_text().split()[0])):
            time.sleep(0.05)
        for _ in range(100):
            try:
                self.start()
            except AssertionError:  # a process of the old server still has the shared memory
                time.sleep(0.2)
            else:
                return
        self.start()

    def url(self, log: str = "gate", user: str = "gate", database: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}&log={log}"

    def run(self, query: str, *values: Any) -> list[Any]:
        """Run a statement as the owner, who switches off what keeps rows from being changed."""
        import psycopg

        if self._owner is None or self._owner.closed:
            self._owner = psycopg.connect(f"host={self.folder} user=gate dbname=postgres", autocommit=True)
        table = query.split()[2] if query.startswith("DELETE") else "gate_ledger.hints"
        if table == "gate_ledger.hints":
            cursor = self._owner.execute(query, values)
            return cursor.fetchall() if cursor.description else []
        with self._owner.transaction():
            self._owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
            self._owner.execute(query, values)
            self._owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")
        return []

    def _command(self, name: str, *arguments: str) -> None:
        path = program(name)
        assert path is not None
        done = subprocess.run(
            [*self._user, path, *arguments],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def running() -> Iterator[Server]:
    """A new server, which is gone afterwards. Skips the test where PostgreSQL or psycopg is missing."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install compliance-gate[postgres]")
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="gate-postgres-"))
    server = Server(folder)
    try:
        server.create()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
