"""The whole way to the go-live gate against the simulated gateway, with evidence that commands made."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("ib_async")

ROOT = Path(__file__).resolve().parents[1]
ACCOUNT = "DUSIM0000001"
HOST, PORT = "127.77.12.9", "4002"
"""A loopback address of its own, so that the simulator can have the port of a Gateway for paper trading."""
AT = ("--host", HOST, "--port", PORT)
SCENARIO = {
    "format": "gate.ibkr.scenario/v1",
    "name": "journey",
    "account": ACCOUNT,
    # so long that what a busy machine adds is little beside it
    "latency": {"acknowledge": {"median_us": 20_000}, "fill": {"median_us": 50_000}},
    "instruments": [
        {"symbol": symbol, "price": price}
        for symbol, price in (("SPY", 450), ("QQQ", 380), ("AAPL", 190), ("MSFT", 370), ("IWM", 210))
    ],
}
PLAN = {
    "format": "gate.ibkr.paper-session/v1",
    "name": "journey",
    "seed": 42,
    "strategy_id": "mean-variance-v1",
    "duration_s": 30,
    "trades": 50,
    "symbols": ["SPY", "QQQ", "AAPL", "MSFT", "IWM"],
    "mix": {"market": 30, "limit": 20, "cancelled": 0},
    "equity_every_s": 15,
    "fill_timeout_ms": 5000,
    "host": HOST,
    "port": int(PORT),
}
ATTESTED = {
    "format": "gate.ibkr.attestation/v1",
    "account": ACCOUNT,
    "attested_at": "2025-12-05T08:00:00Z",
    "permissions": {"stocks": True, "options": False, "futures": False},
    "assets": ["STK"],
    "limits": {"max_order_size": 500, "max_position_value": 50000},
}
KILL_SWITCHES = """\
import json, sys
from algo_trade.core.risk.kill_switches import KillSwitches

print(json.dumps({"ready": True}), flush=True)
fed = json.loads(sys.stdin.readline())
switches = KillSwitches()
fired = switches.check(fed["day_start"], fed["equity"])
print(json.dumps({"fired": fired, "halted": switches.halted}), flush=True)
"""
ONLY_PRODUCTION = {
    "stage6.account_is_paper",
    "stage7.account_not_simulated",
    "stage7.session_length",
    "stage7.sharpe_ratio",
    "stage8.drill_not_simulated",
}
"""Rules that a minute with a simulator cannot keep; the profile leaves them out."""


def rehearsal_bundle(folder: Path) -> None:
    """The shipped policies under another name, with a profile that leaves out ``ONLY_PRODUCTION``."""
    shutil.copytree(ROOT / "policies" / "prelive", folder)
    manifest = json.loads((folder / ".manifest").read_text())
    manifest["metadata"]["name"] = "rehearsal"
    manifest["metadata"]["profiles"] = {
        "rehearsal": {"title": "Against the simulator, never for production", "collections": ["rehearsal"]}
    }
    (folder / ".manifest").write_text(json.dumps(manifest))
    groups = dict.fromkeys(ONLY_PRODUCTION, "[production]") | {"stage6.connected": "[production, rehearsal]"}
    for file in folder.rglob("*.rego"):
        text = file.read_text()
        for code, names in groups.items():
            stage, _, name = code.partition(".")
            if file.name.startswith(stage) and not file.name.endswith("_test.rego"):
                text = re.sub(
                    rf"^(#   short_name: {name}\n)", rf"\1#   collections: {names}\n", text, flags=re.M
                )
        file.write_text(text)


@contextmanager
def simulator(folder: Path, name: str, *, read_only: bool) -> Iterator[None]:
    """``gate ibkr simulate`` as a program of its own, until it is told to stop."""
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(SCENARIO | {"read_only": read_only}))
    command = [sys.executable, "-m", "gate", "ibkr", "simulate", "-s", f"{name}.yaml", *AT]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            assert process.stderr is not None
            assert b"listening" in process.stderr.readline()
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert process.returncode == 0


def list_again(root: Path) -> None:
    """Write the digests of the artifacts as they are now into the manifest that the QA lead signs.

    Without the decisions that were recorded about the evidence that was there before.
    """
    for name in ("GO_LIVE_DECISION_GATE.md", "PRELIVE_VERIFICATION_LOG.json"):
        (root / name).unlink(missing_ok=True)
    manifest = root / "signatures" / "artifacts.sha256"
    names = [line.partition("  ")[2] for line in manifest.read_text().splitlines()]
    names = [name for name in names if (root / name).exists()]
    digests = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names}
    manifest.write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))


@pytest.mark.soak
def test_the_journey(
    office: Any, gate: Callable[..., Any], program: Callable[..., Any], tmp_path: Path
) -> None:
    """Simulate, conformance, probe, paper session, drill, kill switches; then the gate, twice.

    The rehearsal's policies pass what was found and say what they left out; the shipped ones deny it.
    """
    root: Path = office.root
    settings = yaml.safe_load((root / "gate.yaml").read_text())
    del settings["effective_time"]
    settings["evidence"]["account"] = {"pinned_account": ACCOUNT}
    shipped = yaml.safe_dump(settings)
    rehearsal_bundle(root / "rehearsal")
    rehearsed = yaml.safe_dump(settings | {"policy": {"bundle": "rehearsal", "profile": "rehearsal"}})
    (root / "gate.yaml").write_text(shipped)
    (tmp_path / "attested.yaml").write_text(yaml.safe_dump(ATTESTED))
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(PLAN))
    (tmp_path / "kill_switches.py").write_text(KILL_SWITCHES)

    def run(*arguments: str | Path) -> str:
        done = program("ibkr", *arguments, "-w", root, cwd=root)
        assert done.code == 0, done.out + done.err
        return str(done.err)

    tests = [sys.executable, "-m", "coverage", "run", "-m", "pytest", "-q", "--junitxml=junit.xml"]
    subprocess.run(tests, cwd=root, check=True, capture_output=True)
    program_of = ("--", "env", f"PYTHONPATH={root}", sys.executable, "-B")
    run("conformance", "--force", *AT, *program_of, "-m", "tests.e2e.conformance_driver")
    with simulator(tmp_path, "read_only", read_only=True):
        run("probe", *AT, "--attested", tmp_path / "attested.yaml", "--ask-read-only", "--force")
    for name in ("PAPER_TRADING_LOG.json", "PAPER_TRADING_METRICS.csv"):
        (root / name).unlink()
    with simulator(tmp_path, "trading", read_only=False):
        run("benchmark", "-s", tmp_path / "trading.yaml", "--orders", "100", "--force")
        # as an operator would: a session that a busy machine disturbed is held again
        for _ in range(5):
            if "gives no Sharpe ratio" not in run("paper-session", tmp_path / "plan.yaml", "--force"):
                break
        run("rollback-drill", *AT, "--by", "Noa Peretz", "--symbol", "SPY", "--quantity", "2", "--force")
    switches = [f"--switch={name}" for name in ("KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH")]
    run(
        "kill-switches",
        "--by",
        "Noa Peretz",
        "--force",
        *switches,
        *program_of,
        tmp_path / "kill_switches.py",
    )

    list_again(root)
    office.sign_file("signatures/artifacts.sha256", "qa_lead", "file")
    (root / "gate.yaml").write_text(rehearsed)
    office.sign_everything()
    recorded = ("evaluate", "stage8", "-w", root, "--operator", office.operator(root), "-o", "json")
    decision = json.loads(gate(*recorded).out)
    found = [f"{one['code']}: {one['msg']}" for one in decision["violations"]]
    assert (found, decision["verdict"]) == ([], "PASS")
    assert decision["profile"]["name"] == "rehearsal"
    left_out = {one["code"] for one in decision["checks"] if one["status"] == "not in profile"}
    assert left_out == ONLY_PRODUCTION
    assert "profile" in {one["code"] for one in decision["weakenings"]}
    assert gate("ledger", "verify", "-w", root).code == 0

    (root / "gate.yaml").write_text(shipped)
    denied = office.judge()
    assert denied["verdict"] == "FAIL"
    assert {one["code"] for one in denied["violations"]} >= {*ONLY_PRODUCTION}
