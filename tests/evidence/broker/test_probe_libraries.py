"""The probe through each client library as published, in an environment that has gate and that library."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .gateways import simulated
from .test_clients import CLIENTS, INSTALL, LIBRARIES, alone, environment

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = ROOT / ".ci" / "requirements" / "run.txt"


@pytest.fixture(scope="module")
def packages() -> Path:
    """A folder with what gate itself needs, to be put beside a client library; and gate."""
    folder = CLIENTS / f"gate-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    with alone(folder) as missing:
        if missing:
            command = [*INSTALL, "install", "-q", "--no-compile", "--no-deps", "--require-hashes"]
            command += ["--target", str(folder), "-r", str(REQUIREMENTS)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"gate's requirements cannot be installed: {done.stderr.strip()[-200:]}")
            (folder / "gate").symlink_to(ROOT)
    return folder


@pytest.mark.soak
def test_both_libraries_record_the_same(make_workspace: Any, packages: Path) -> None:
    """Records are equal but for the library's name, the port, the protocol version and the times."""
    pinned = "evidence: {account: {pinned_account: DUSIM0000001}}\n"
    found = {}
    for library in LIBRARIES:
        root = make_workspace(
            {"gate.yaml": f"subject: {{sources: [src]}}\n{pinned}", "src/a.py": ""}, library
        )
        python = environment(library)
        with simulated("holdings: [{symbol: AAPL, quantity: 100, average_cost: 150.125}]\n") as gateway:
            command = [
                str(python),
                "-m",
                "gate",
                "ibkr",
                "probe",
                "--port",
                str(gateway.port),
                "--ask-read-only",
            ]
            done = subprocess.run(
                [*command, "--library", library, "-w", str(root)],
                env={**os.environ, "PYTHONPATH": str(packages)},
                cwd=root,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        record = json.loads((root / "ACCOUNT_CONFIG.json").read_text())
        session = record["connection"]
        assert session.pop("client").split() == LIBRARIES[library].split("==")
        for name in ("port", "server_version"):
            del session[name]
        assert [row["operation"] for row in record.pop("latency")] == ["connect", "account_info", "positions"]
        assert record.pop("timestamp") is not None
        found[library] = record
        names = {name for _, name in gateway.received()}
        assert names == {"startApi", "reqOpenOrders", "reqAccountUpdates", "reqPositions"}
    first, second = found.values()
    assert first == second
