"""The files of every collector, in rounds of one of each; what a run rejects, and what it must."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

Gate = Callable[..., Any]

BY_COLLECTOR: dict[str, list[str]] = {
    "account": ["ACCOUNT_CONFIG.json"],
    "artifacts": ["signatures/artifacts.sha256"],
    "broker_conformance": ["BROKER_CONFORMANCE.json", "broker_conformance/live.jsonl"],
    "checklist": ["PRE_LIVE_CHECKLIST.md"],
    "components": ["bom.json", "sbom.spdx.json"],
    "contracts": ["contracts/bar_event.schema.json"],
    "coverage": [".coverage", "coverage.json", "coverage.xml", "coverage.lcov"],
    "fixtures": ["fixtures/seeds.yaml", "fixtures/ticks_spy.json"],
    "integration_flow": ["INTEGRATION_FLOW.md"],
    "interface_map": ["IBKR_INTERFACE_MAP.md"],
    "kill_switch": ["KILL_SWITCH_VERIFICATION.json"],
    "messages": ["messages/order_intents.jsonl", "contracts/order_intent.schema.json"],
    "paper": [
        "PAPER_TRADING_LOG.json",
        "PAPER_TRADING_METRICS.csv",
        "MOCK_BASELINE.json",
        "BACKTEST_METRICS.json",
    ],
    "risk_parameters": ["risk/a.py", "risk/b.yaml", "risk/c.toml", "risk/d.json"],
    "rollback": ["ROLLBACK_PROCEDURE.md", "ROLLBACK_DRILL.json"],
    "scale_up": ["SCALE_UP_PLAN.md"],
    "scans": ["a.sarif", "pip-audit.json"],
    "signoffs": ["signoffs/stage1-cto.json", "trust/allowed_signers"],
    "stage_tests": ["tests/stage6_account_probe.py", "tests/conftest.py"],
    "tests": ["junit.xml", "junit.xml.provenance.json"],
    "values": ["values/a.json", "values/b.yaml", "values/c.toml", "values/d.csv"],
    "waivers": ["waivers/a.json"],
}
FILES = [path for paths in BY_COLLECTOR.values() for path in paths]
SHARED = frozenset(BY_COLLECTOR["artifacts"])
"""Read by a collector that reads much of the rest, too, and reports the first that is broken."""
ROUNDS = [
    *(
        [path for path in paths if path and path not in SHARED]
        for paths in zip_longest(*BY_COLLECTOR.values())
    ),
    *([path] for path in sorted(SHARED)),
]
COVERAGE = BY_COLLECTOR["coverage"]
"""Each is read where those before it are absent."""


def kind(path: str) -> str:
    """What a file is: ``json``, ``md``, …; ``text`` for what has no name of its own."""
    known = {".coverage": "sqlite", "allowed_signers": "text", "artifacts.sha256": "text"}
    ending = path.rpartition(".")[2]
    return known.get(path.rpartition("/")[2]) or {"sarif": "json", "spdx": "json"}.get(ending, ending)


def rejections(evidence: dict[str, Any]) -> dict[str, list[str]]:
    """By file, why it was rejected, and the place; every one says what to do."""
    found: dict[str, list[str]] = {}
    for record in evidence.values():
        for problem in record["problems"]:
            if problem["kind"] == "rejected":
                assert len(problem["remedy"]) > 5 and problem["path"], problem
                said = f"{problem['reason']} @ {problem['place'] or ''}"
                assert "Traceback" not in said and "internal error" not in said
                found.setdefault(problem["path"], []).append(said)
    return found


def tree(root: Path) -> set[str]:
    """Everything that is there."""
    return {f"{folder}/{name}" for folder, *names in os.walk(root) for name in names[0] + names[1]}


def collect(gate: Gate, root: Path, *collectors: str, **more: Any) -> dict[str, list[str]]:
    """What a run rejected; it prints nothing else, exits 1 and writes nothing."""
    before = tree(root)
    run = gate("collect", *collectors, "-w", root, "-o", "json", "--no-cache", **more)
    assert (run.code, run.err) == (1, ""), (run.code, run.out[:300], run.err)
    assert tree(root) == before
    return rejections(json.loads(run.out))


def collectors(paths: list[str]) -> list[str]:
    """Those that read one of the files."""
    return [name for name, files in BY_COLLECTOR.items() if set(files) & set(paths)]


def spoil(root: Path, paths: list[str], change: Callable[[Path], None]) -> None:
    """Change the files, and take away what would be read in place of one of them."""
    for path in COVERAGE[: next((COVERAGE.index(path) for path in paths if path in COVERAGE), 0)]:
        (root / path).unlink()
    for path in paths:
        change(root / path)


def expect(found: dict[str, list[str]], paths: list[str], said: str) -> None:
    """Each file is named with what is wrong with it, and no other file is."""
    wrong = {
        path: found.get(path, "nothing")
        for path in paths
        if not any(re.search(said, reason) for reason in found.get(path, []))
    }
    assert not wrong, wrong
    # a statement about a file of other content is rejected with it
    assert found.keys() <= {*paths, *(f"{path}.provenance.json" for path in paths)}, found


def applicable(paths: list[str], kinds: Any) -> list[str]:
    """Those of the files whose format there is hostile content for."""
    return [path for path in paths if kind(path) in kinds]
