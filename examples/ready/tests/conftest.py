"""Fixtures shared by every test: seeds, signed market data, and the broker mock."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import fixtures as signed
from tests.e2e.ibkr_mock import IBKRMock

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """Directory of the project."""
    return ROOT


@pytest.fixture(scope="session")
def seeds() -> dict[str, int]:
    """Seeds by kind of test, from fixtures/seeds.yaml."""
    return dict(yaml.safe_load((ROOT / "fixtures" / "seeds.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def closes() -> dict[str, list[float]]:
    """Daily closes per symbol, oldest first."""
    return dict(signed.load("daily_closes")["closes"])


@pytest.fixture(scope="session")
def returns(closes: dict[str, list[float]]) -> list[list[float]]:
    """Daily returns: one row per day, one column per symbol in alphabetical order."""
    columns = [[b / a - 1 for a, b in itertools.pairwise(c)] for _, c in sorted(closes.items())]
    return [list(row) for row in zip(*columns, strict=True)]


@pytest.fixture
def broker(seeds: dict[str, int]) -> Any:
    """A connected broker mock without faults."""
    mock = IBKRMock(seed=seeds["integration"])
    mock.connect()
    return mock


def read_json(root: Path, name: str) -> Any:
    """A JSON file of the project."""
    return json.loads((root / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def account(root: Path) -> dict[str, Any]:
    """What the probe recorded about the paper account."""
    return dict(read_json(root, "ACCOUNT_CONFIG.json"))


@pytest.fixture(scope="session")
def paper_log(root: Path) -> dict[str, Any]:
    """The log of the paper session."""
    return dict(read_json(root, "PAPER_TRADING_LOG.json"))


@pytest.fixture(scope="session")
def claims(root: Path) -> dict[str, tuple[str, str]]:
    """Value and unit by metric, as the metrics file claims them."""
    with (root / "PAPER_TRADING_METRICS.csv").open(newline="", encoding="utf-8") as file:
        return {row["metric"]: (row["value"], row["unit"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def baselines(root: Path) -> dict[str, float]:
    """Median latency of the mock (ms) and Sharpe ratio of the back-test."""
    mock, backtest = read_json(root, "MOCK_BASELINE.json"), read_json(root, "BACKTEST_METRICS.json")
    return {"mock_p50": mock["latency_ms"]["p50"], "sharpe": backtest["sharpe"]}
