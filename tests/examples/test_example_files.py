"""The example workspaces are what they claim to be: valid, consistent, reproducible, and safe to copy."""

from __future__ import annotations

import copy
import csv
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
import rfc8785
import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
READY = EXAMPLES / "ready"
AUDIT = EXAMPLES / "algo-trade"
SCHEMAS = sorted((ROOT / "contracts" / "files").glob("*.schema.json"))
OURS = (
    "account_config",
    "backtest_metrics",
    "fixture",
    "kill_switch_verification",
    "mock_baseline",
    "paper_trading_log",
    "prelive_verification_log",
    "rollback_drill",
    "signoff",
    "waiver",
)
FILES = [
    ("account_config", "ACCOUNT_CONFIG.json"),
    ("backtest_metrics", "BACKTEST_METRICS.json"),
    ("kill_switch_verification", "KILL_SWITCH_VERIFICATION.json"),
    ("mock_baseline", "MOCK_BASELINE.json"),
    ("paper_trading_log", "PAPER_TRADING_LOG.json"),
    ("prelive_verification_log", "PRELIVE_VERIFICATION_LOG.json"),
    ("rollback_drill", "ROLLBACK_DRILL.json"),
]
# Every format: a place in its example, and a value that must not be accepted there ("-" removes the member).
BROKEN: list[tuple[str, str, Any]] = [
    ("account_config", "account_id", "du1234567"),
    ("account_config", "nav", "1000000"),
    ("account_config", "nav", True),
    ("account_config", "permissions/stocks", "yes"),
    ("account_config", "connection/port", 70000),
    ("account_config", "timestamp", "2025-12-05 08:30"),
    ("account_config", "positions", "-"),
    ("backtest_metrics", "sharpe", "1.4"),
    ("backtest_metrics", "strategy_id", ""),
    ("fixture", "metadata/signature", "-"),
    ("fixture", "data", "-"),
    ("kill_switch_verification", "switches/0/reaction_ms", 1.5),
    ("kill_switch_verification", "switches/0/triggered", "true"),
    ("mock_baseline", "latency_ms/p50", 0),
    ("mock_baseline", "percentile_method", "linear"),
    ("paper_trading_log", "trades/0/quantity", -5),
    ("paper_trading_log", "trades/0/status", "Filled"),
    ("paper_trading_log", "trades/0/submitted_at", "2025-12-04T14:31:00"),
    ("paper_trading_log", "trades/0/fill_price", None),
    ("paper_trading_log", "trades/1/reject_reason", None),
    ("paper_trading_log", "trades/0/latency_ms/total", -1),
    ("paper_trading_log", "events/0/type", "outage"),
    ("paper_trading_log", "equity/0/nav", 0),
    ("prelive_verification_log", "decision", "PENDING"),
    ("prelive_verification_log", "gates/stage1/status", "OK"),
    ("prelive_verification_log", "signatures", ["dana"]),
    ("rollback_drill", "total_recovery_ms", None),
    ("rollback_drill", "nav_before", 0),
    ("signoff", "stage", "stage 9"),
    ("signoff", "subject", "AB" * 32),
    ("signoff", "verdict", "conditional"),
    ("signoff", "surprise", 1),
    ("waiver", "code", "everything"),
    ("waiver", "effective_until", "-"),
    ("waiver", "stages", []),
]


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def schema(name: str) -> Any:
    return load(ROOT / "contracts" / "files" / f"{name}.schema.json")


def accepted(name: str, value: Any) -> bool:
    """Verdict of the validator that the product uses; a second implementation has to agree."""
    document = schema(name)
    product = jsonschema_rs.Draft202012Validator(document, validate_formats=False).is_valid(value)
    oracle: bool = jsonschema.Draft202012Validator(document).is_valid(value)
    assert product == oracle, f"{name}: the validators disagree"
    return product


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", OURS)
def test_a_format_is_a_valid_schema_whose_examples_validate(name: str) -> None:
    document = schema(name)
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$id"] == f"urn:gate:contract:files:{name}:1"
    assert document["description"] and document["examples"]
    assert all(accepted(name, example) for example in document["examples"])
    assert all(
        "description" in member or "description" in document.get("$defs", {}).get("time", {})
        for member in document["properties"].values()
    )


@pytest.mark.parametrize(
    ("name", "place", "value"), BROKEN, ids=[f"{n}:{p}={v!r}"[:60] for n, p, v in BROKEN]
)
def test_a_format_refuses_what_does_not_belong(name: str, place: str, value: Any) -> None:
    document = copy.deepcopy(schema(name)["examples"][0])
    *path, last = place.split("/")
    target = document
    for step in path:
        target = target[int(step)] if isinstance(target, list) else target[step]
    if value == "-":
        del target[last]
    else:
        target[last] = value
    assert not accepted(name, document)


@pytest.mark.parametrize(("name", "file"), FILES)
def test_the_ready_workspaces_files_follow_their_formats(name: str, file: str) -> None:
    assert accepted(name, load(READY / file))


@pytest.mark.parametrize("workspace", [pytest.param(AUDIT, marks=pytest.mark.soak), READY], ids=["algo-trade", "ready"])
def test_fixtures_and_seeds_are_valid_and_signed(workspace: Path) -> None:
    files = sorted((workspace / "fixtures").glob("*.json"))
    assert files
    for path in files:
        document = load(path)
        assert accepted("fixture", document)
        digest = hashlib.sha256(rfc8785.dumps(document["data"])).hexdigest()
        assert document["metadata"]["signature"] == digest
    seeds = yaml.safe_load((workspace / "fixtures" / "seeds.yaml").read_text(encoding="utf-8"))
    assert seeds == {"global": 42, "property": 100, "metamorphic": 200, "chaos": 300, "integration": 400}


@pytest.mark.parametrize("workspace", [pytest.param(AUDIT, marks=pytest.mark.soak), READY], ids=["algo-trade", "ready"])
def test_the_projects_contracts_are_valid_and_big_enough(workspace: Path) -> None:
    fields = {}
    for path in sorted((workspace / "contracts").glob("*.json")):
        document = load(path)
        jsonschema.Draft7Validator.check_schema(document)
        for example in document["examples"]:
            jsonschema.Draft7Validator(document).validate(example)
        fields[path.name.removesuffix(".schema.json")] = len(document["properties"])
    assert sorted(fields) == ["bar_event", "execution_report", "market_events", "order_intent", "orders"]
    assert fields["order_intent"] >= 20
    assert fields["execution_report"] >= 25


def test_the_metrics_file_says_what_the_log_says() -> None:
    log, mock = load(READY / "PAPER_TRADING_LOG.json"), load(READY / "MOCK_BASELINE.json")
    backtest = Decimal(str(load(READY / "BACKTEST_METRICS.json")["sharpe"]))
    trades = log["trades"]
    totals = sorted(
        Decimal(str(t["latency_ms"]["total"])) for t in trades if t["latency_ms"]["total"] is not None
    )
    median = totals[math.ceil(len(totals) * 0.50) - 1]
    start, end = (datetime.fromisoformat(log[name]) for name in ("start_time", "end_time"))
    returns = [Decimal(str(b["nav"])) / Decimal(str(a["nav"])) - 1 for a, b in pairwise(log["equity"])]
    mean = sum(returns, Decimal(0)) / len(returns)
    variance = sum(((r - mean) ** 2 for r in returns), Decimal(0)) / (len(returns) - 1)
    sharpe = mean / variance.sqrt() * Decimal(log["equity_periods_per_year"]).sqrt()
    expected = {
        "duration": Decimal((end - start).total_seconds()) / 3600,
        "total_trades": Decimal(len(trades)),
        "fill_rate": Decimal(sum(t["status"] == "FILLED" for t in trades)) / len(trades),
        "p50_latency": median,
        "p95_latency": totals[math.ceil(len(totals) * 0.95) - 1],
        "p99_latency": totals[math.ceil(len(totals) * 0.99) - 1],
        "pacing_violations": Decimal(0),
        "disconnects": Decimal(1),
        "sharpe_paper": sharpe,
        "sharpe_backtest": backtest,
        "sharpe_delta": sharpe - backtest,
        "latency_delta_vs_mock": median / Decimal(str(mock["latency_ms"]["p50"])) - 1,
    }
    with (READY / "PAPER_TRADING_METRICS.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["metric"] for row in rows] == list(expected)
    for row in rows:
        claimed = Decimal(row["value"])
        assert expected[row["metric"]].quantize(claimed, ROUND_HALF_EVEN) == claimed, row["metric"]


def test_the_paper_log_is_labelled_and_its_parts_add_up() -> None:
    log = load(READY / "PAPER_TRADING_LOG.json")
    assert log["sample"] is True and "no broker" in log["note"]
    assert 50 <= len(log["trades"]) <= 200
    assert len({trade["intent_id"] for trade in log["trades"]}) == len(log["trades"])
    for trade in log["trades"]:
        parts = trade["latency_ms"]
        if parts["total"] is not None:
            summed = sum(
                Decimal(str(parts[name])) for name in ("intent_to_submit", "submit_to_ack", "ack_to_fill")
            )
            assert summed == Decimal(str(parts["total"]))


def test_what_both_examples_have_in_common_is_identical() -> None:
    """But for what grew, and what a run of each client left."""
    runs = {"BROKER_CONFORMANCE.json", "broker_conformance"}
    grown = {
        ".gitignore",
        "PRE_LIVE_CHECKLIST.md",
        "README.md",
        "algo_trade/core/execution/IBKR_handler.py",
        "gate.yaml",
        "order_plane/broker/ibkr_exec_client.py",
        "pytest.ini",
        "tests/conftest.py",
        "tests/e2e/conformance_driver.py",
        "tests/e2e/test_order_lifecycle.py",
    }
    shared = {
        path.relative_to(AUDIT).as_posix()
        for path in AUDIT.rglob("*")
        if path.is_file() and not {"ledger", "__pycache__", ".ruff_cache", *runs} & set(path.parts)
    }
    different = {name for name in shared if (AUDIT / name).read_bytes() != (READY / name).read_bytes()}
    assert different == grown


def test_the_audited_workspace_has_five_of_the_fourteen_artifacts() -> None:
    patterns = [
        "PRE_LIVE_CHECKLIST.md",
        "IBKR_INTERFACE_MAP.md",
        "tests/e2e/ibkr_mock.py",
        "algo_trade/core/execution/IBKR_handler.py",
        "order_plane/broker/ibkr_exec_client.py",
        "contracts/*.json",
        "tests/stage6*.py",
        "tests/stage7*.py",
        "tests/stage8*.py",
        "ACCOUNT_CONFIG.json",
        "PAPER_TRADING_LOG.json",
        "GO_LIVE_DECISION_GATE.md",
        "ROLLBACK_PROCEDURE.md",
        "PRELIVE_VERIFICATION_LOG.json",
    ]
    assert sum(bool(list(AUDIT.glob(pattern))) for pattern in patterns) == 5
    assert sum(bool(list(READY.glob(pattern))) for pattern in patterns) == 14
    assert not (AUDIT / ".coverage").exists() and not (AUDIT / "signoffs").exists()


@pytest.mark.soak
@pytest.mark.parametrize("workspace", [pytest.param(AUDIT, marks=pytest.mark.soak), READY], ids=["algo-trade", "ready"])
def test_the_projects_tests_pass_where_the_folder_was_copied(workspace: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(workspace, copied, ignore=shutil.ignore_patterns("ledger", "__pycache__"))
    done = python(copied, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:randomly")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_coverage_data_belong_to_the_code_that_is_there(tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(READY, copied, ignore=shutil.ignore_patterns("ledger", "__pycache__"))
    done = python(copied, "-m", "coverage", "report", "--format=total")
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) >= 85


def test_the_sample_data_can_be_made_again() -> None:
    program = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); import _sample_data as d;"
        "print(json.dumps([d.json_files(), d.metrics_csv()]))"
    )
    done = python(READY, "-c", program, str(EXAMPLES))
    assert done.returncode == 0, done.stderr
    files, metrics = json.loads(done.stdout)
    for name, value in files.items():
        assert load(READY / name) == value, f"{name} is not what make_ready.py makes"
    assert (READY / "PAPER_TRADING_METRICS.csv").read_text(encoding="utf-8") == metrics


def test_the_sign_offs_follow_their_format_and_each_person_fills_one_role() -> None:
    documents = [load(path) for path in sorted((READY / "signoffs").glob("*.json"))]
    assert {(one["stage"], one["role"]) for one in documents} == {
        ("stage1", "risk_officer"),
        ("stage1", "cto"),
        ("stage2", "cto"),
        ("stage4", "qa_lead"),
        ("stage4", "cto"),
        ("stage8", "risk_officer"),
        ("stage8", "cto"),
        ("stage8", "lead_trader"),
    }
    assert all(accepted("signoff", one) for one in documents)
    people = {one["role"]: one["name"] for one in documents}
    assert len(set(people.values())) == len(people) == 4


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH's ssh-keygen")
def test_openssh_itself_accepts_every_signature() -> None:
    settings = yaml.safe_load((READY / "gate.yaml").read_text(encoding="utf-8"))
    manifest = READY / "signatures" / "artifacts.sha256"
    signed = [(manifest, "file", "release@example.com")]
    for path in sorted((READY / "signoffs").glob("*.json")):
        signed.append((path, "signoff@gate", settings["roles"][load(path)["role"]][0]))
    for path, namespace, principal in signed:
        command = ["ssh-keygen", "-Y", "verify", "-f", str(READY / "trust" / "allowed_signers")]
        command += [
            "-I",
            principal,
            "-n",
            namespace,
            "-s",
            f"{path}.sig",
            "-O",
            "verify-time=20251205120000Z",
        ]
        done = subprocess.run(command, input=path.read_bytes(), capture_output=True, check=False)
        assert done.returncode == 0, f"{path.name}: {done.stdout + done.stderr!r}"
    for line in manifest.read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((READY / name).read_bytes()).hexdigest() == digest, name
