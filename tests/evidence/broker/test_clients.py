"""Clients from the package registries, unmodified, against the simulator as a program of its own."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.contracts import violations

HERE = Path(__file__).resolve().parent
CLIENTS = HERE.parents[2] / "build" / "clients"
"""Environments that are made once: one for each library, as two of them install the same package."""
INSTALL = (sys.executable, "-m", "pip", "--disable-pip-version-check")
LIBRARIES = {"ib_async": "ib_async==2.1.0", "ib_insync": "ib_insync==0.9.86"}
SCENARIO = (HERE / "client_contract.py").read_text().partition('SCENARIO = """\\\n')[2].partition('"""')[0]


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether the folder has yet to be made; tests that run beside this one wait until it is.

    A folder without its last file ``complete`` is what an interrupted run left, and is removed.
    """
    CLIENTS.mkdir(parents=True, exist_ok=True)
    with (CLIENTS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = not (folder / "complete").exists()
        if missing:
            shutil.rmtree(folder, ignore_errors=True)
        yield missing
        if missing:
            (folder / "complete").touch()


def environment(library: str, name: str = "", packages: tuple[str, ...] = ()) -> Path:
    """The Python of an environment with the library and these packages alone; skips when it cannot be had."""
    if library == "ib_insync" and sys.version_info >= (3, 14):
        pytest.skip("ib_insync cannot be imported by Python 3.14")
    folder = CLIENTS / f"{name}{library}-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    with alone(folder) as missing:
        if missing:
            bare = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
            subprocess.run(bare, check=True, capture_output=True)
            command = [*INSTALL, "--python", str(python), "install", "-q", "--no-compile", LIBRARIES[library]]
            done = subprocess.run([*command, *packages], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"{library} cannot be installed: {done.stderr.strip()[-200:]}")
    return python


def node_modules() -> Path:
    """A folder with @stoqey/ib; skips when it cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = CLIENTS / "node"
    with alone(folder) as missing:
        if missing:
            folder.mkdir()
            command = ["npm", "install", "--silent", "--prefix", str(folder), "@stoqey/ib@1.6.10"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"@stoqey/ib cannot be installed: {done.stderr.strip()[-200:]}")
    return folder


@contextmanager
def simulated(folder: Path, name: str, scenario: str) -> Iterator[int]:
    """A simulator that writes its log into the folder: the port it listens on. Ctrl-C ends it in the end."""
    file = folder / f"{name}.yaml"
    file.write_text(scenario)
    (folder / "gate.yaml").write_text("subject: {sources: [source.py]}\n")
    (folder / "source.py").touch()
    command = [sys.executable, "-m", "gate", "ibkr", "simulate", "-s", str(file), "--port", "0", "-o", "json"]
    command += ["--log", str(folder / f"{name}.jsonl"), "-w", str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            yield int(line.partition(" as ")[0].rpartition(":")[2])
        finally:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (0, False), err
    assert json.loads(out)["malformed"] == 0


def observed(log: Path) -> list[dict[str, Any]]:
    """The records of a log, each of which keeps the contract."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    for record in records:
        assert violations("files", "ibkr_observation", record) == []
    return records


SEEN = {
    "accounts": ["DUSIM0000001"],
    "positions": [["AAPL", 100.0, 150.0]],
    "portfolio": [["AAPL", 19000.0]],
    "summary": {"NetLiquidation": "1019000", "BuyingPower": "2019000", "TotalCashValue": "1000000"},
    "values": "1019000",
    "details": [756733, 0.01, "SPDR S&P 500 ETF TRUST", "ARCA"],
    "nothing": [],
    "ticker": [449.99, 450.01, 450.0],
    "open": [["working", 401.0]],
    "fills": [5.0, 5.0],
    "commission": [1.0, 0.025],
    "average": 450.01,
    "what_if": [2250.0, 1.0],
    "rejected": [200, 201, 202, 387],
    "after": [["dropped", 10.0, 0.05], ["dropped", 10.0, 1.0], ["filled", 5.0, 0.025], ["filled", 5.0, 1.0]],
    "held": [["AAPL", 100.0], ["QQQ", 20.0], ["SPY", 10.0]],
    "second": "refused",
}


@pytest.mark.soak
@pytest.mark.parametrize(("library", "version"), [("ib_async", 178), ("ib_insync", 176)])
def test_python_clients_see_the_same(library: str, version: int, tmp_path: Path) -> None:
    """Account, contracts, orders, fills, errors, a drop in the middle of a fill, a read-only gateway."""
    python = environment(library)
    read_only = SCENARIO.partition("faults:")[0] + "read_only: true\n"
    with simulated(tmp_path, "full", SCENARIO) as full, simulated(tmp_path, "only", read_only) as only:
        command = [str(python), str(HERE / "client_contract.py"), library, str(full), str(only)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == SEEN | {"version": version}
    assert "Traceback" not in done.stderr  # the libraries log what they cannot decode
    records = observed(tmp_path / "full.jsonl")
    assert [one["message"] for one in records].count("fill") == 4
    assert (tmp_path / "full.jsonl.provenance.json").exists()


@pytest.mark.soak
def test_a_client_in_another_language(tmp_path: Path) -> None:
    """@stoqey/ib (TypeScript) completes the handshake, places an order and cancels it."""
    modules = node_modules()
    with simulated(tmp_path, "node", "format: gate.ibkr.scenario/v1\nname: node\n") as port:
        command = ["node", str(HERE / "client_contract.mjs"), str(port)]
        done = subprocess.run(command, cwd=modules, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "id": 1,
        "open": ["SPY", 400, 5],
        "statuses": ["PreSubmitted", "Submitted", "PendingCancel", "Cancelled"],
        "errors": [202],
    }
    observed(tmp_path / "node.jsonl")
