"""Decisions that files record are read, and held against their own stages and against each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

READY = Path(__file__).parents[3] / "examples" / "ready"

LOG = {"timestamp": "2025-12-05T11:45:00Z", "signatures": {}}


def decided(watch: Any, document: str | None, decision: str = "PASS", **stages: str) -> list[dict[str, Any]]:
    log = {**LOG, "decision": decision, "gates": {name: {"status": state} for name, state in stages.items()}}
    files = {"LOG.json": json.dumps(log)} if stages else {}
    matrix = [
        {"id": "log", "kind": "json", "pattern": "LOG.json", "contract": "prelive_verification_log"},
        {"id": "g", "kind": "markdown", "pattern": "GATE.md", "sections": {"decision": ["decision"]}},
    ]
    return list(
        watch("artifacts", files | ({"GATE.md": document} if document else {}), matrix=matrix).facts[
            "decisions"
        ]
    )


@pytest.mark.parametrize(
    ("decision", "states", "contradicts"),
    [
        ("PASS", ("PASS", "PASS"), False),
        ("FAIL", ("PASS", "PASS"), True),
        ("PASS", ("PASS", "FAIL"), True),
        ("CONDITIONAL", ("PASS", "FAIL"), True),
        ("FAIL", ("PENDING", "CONDITIONAL"), False),
        ("PASS", ("PENDING", "PASS"), True),
        ("CONDITIONAL", ("CONDITIONAL", "PASS"), False),
        ("PASS", ("CONDITIONAL", "PASS"), True),
    ],
)
def test_a_log_whose_stages_contradict_its_decision_says_so(
    watch: Any, decision: str, states: tuple[str, str], contradicts: bool
) -> None:
    (found,) = decided(watch, None, decision, stage1=states[0], stage2=states[1])
    assert found["decision"] == decision
    assert bool(found["contradictions"]) == contradicts


@pytest.mark.parametrize(
    ("document", "decision"),
    [
        ("# G\n## Decision\n\n**PASS**: Go live, unless something fails.\n", "PASS"),
        ("# G\n## Decision\n\n**FAIL**: Do not go live.\n", "FAIL"),
        ("# G\n## Decision\nNO-GO\n", "FAIL"),
        ("# G\n## Decision\nfail\n", "FAIL"),
        ("# G\n## Decision\nNot passed.\n", "FAIL"),
        ("# G\n## Decision\nPassed (5 December).\n", "PASS"),
        ("# G\n## Decision\nPASS / FAIL\n", None),
        ("# G\n## Decision\n- [ ] PASS\n- [x] FAIL\n", "FAIL"),
        ("# G\n## Decision\n☐ PASS ☐ FAIL\n", None),
        ("# G\n## Decision\nPASS\n## Recommendation\nDo not go live.\n", "FAIL"),
        ("# G\n## Decision\nOpen.\n## Recommendation\nGO_LIVE_APPROVED\n", None),
        ("# G\n## Decision\nGO_LIVE_APPROVED\n", "PASS"),
        ("# G\nDecision: Fail\n## Decision\nPASS\n", "FAIL"),
        ("# G\n## Decision\nAll gates must pass.\n", None),
        ("# G\n## Decision logic\nCONDITIONAL on the review\n", "CONDITIONAL"),
    ],
)
def test_the_decision_of_a_document_is_read(watch: Any, document: str, decision: str | None) -> None:
    assert [one["decision"] for one in decided(watch, document)] == [decision]


def test_a_document_that_says_something_else_than_the_log_contradicts_it(watch: Any) -> None:
    table = "| Stage | Status |\n|---|---|\n| stage1 | PASS |\n| Stage 2 | ❌ FAIL |\n"
    _, document = decided(watch, f"# G\n## Decision\nFAIL\n## Stages\n{table}", stage1="PASS", stage2="PASS")
    assert document["contradictions"] == [
        "the decision is FAIL, in LOG.json it is PASS",
        "stage2 is FAIL, in LOG.json it is PASS",
    ]


def test_the_decisions_of_the_ready_example_agree(watch: Any) -> None:
    names = ("PRELIVE_VERIFICATION_LOG.json", "GO_LIVE_DECISION_GATE.md")
    found = watch("artifacts", {name: (READY / name).read_bytes() for name in names}).facts["decisions"]
    assert {one["path"]: (one["decision"], one["contradictions"]) for one in found} == dict.fromkeys(
        names, ("PASS", [])
    )


def test_a_log_that_leaves_out_a_stage_before_the_last_contradicts_itself(watch: Any) -> None:
    """A log of an earlier stage alone need not have the later ones."""
    states = {f"stage{number}": "PASS" for number in range(1, 9) if number != 7}
    (found,) = decided(watch, None, **states)
    assert found["contradictions"] == ["stage8 rests on all others, and stage7 has no status"]
    del states["stage8"]
    (found,) = decided(watch, None, **states)
    assert found["contradictions"] == []


@pytest.mark.parametrize("text", ["no JSON", '{"decision": "PASS"}', None])
def test_a_log_that_cannot_be_read_leaves_the_decisions_unknown(watch: Any, text: str | None) -> None:
    """Half of a comparison is none; a time that does not exist counts, too."""
    log = {
        **LOG,
        "timestamp": "2025-02-30T11:45:00Z",
        "decision": "PASS",
        "gates": {"stage1": {"status": "PASS"}},
    }
    matrix = [{"id": "log", "kind": "json", "pattern": "LOG.json", "contract": "prelive_verification_log"}]
    evidence = watch("artifacts", {"LOG.json": text or json.dumps(log)}, matrix=matrix)
    (problem,) = [one for one in evidence.problems if one.fact == "decisions"]
    assert (problem.kind.value, problem.path) == ("rejected", "LOG.json")


def test_a_long_advice_is_read_in_time(watch: Any) -> None:
    """It took minutes when each sentence was followed to the end of the line."""
    line = "do not deploy " * 10_000
    assert decided(watch, f"## Decision\nPASS\n{'-' * 20_000}x\n## Recommendation\n{line}\n", decision="PASS")


def test_the_figures_times_and_keys_of_both_documents_are_read(watch: Any) -> None:
    key = "SHA256:" + "a" * 43
    figures = {"fill_rate": 0.9916, "trades": 120, "account": "DU1234567", "p95_latency": None}
    signatures = {"cto": key, "risk_officer": "Dana", "lead_trader": "n@x.org"}
    gates = {"stage7": {"status": "PASS", **figures}}
    log = {**LOG, "decision": "PASS", "signatures": signatures, "gates": gates}
    document = (
        "# G\n\nGenerated from the decision as of 2025-12-05T11:45:00Z; do not edit.\n"
        f"- Sources: 53 files, sha256:{'0' * 64}\n\n## Decision\n\n**PASS**\n\n## Metrics\n\n"
        "| Gate | Metric | Target | Current |\n|---|---|---|---|\n| stage7 | fill rate | x | 99.1 % |\n"
        "| stage8 | recovery | x | 56.425 s |\n| stage6 | buying power | x | 3,935,918.64 |\n"
    )
    matrix = [
        {"id": "log", "kind": "json", "pattern": "LOG.json", "contract": "prelive_verification_log"},
        {"id": "g", "kind": "markdown", "pattern": "GATE.md", "sections": {"decision": ["decision"]}},
    ]
    files = {"LOG.json": json.dumps(log), "GATE.md": document}
    first, second = watch("artifacts", files, matrix=matrix).facts["decisions"]
    assert first["stated_at_s"] == second["stated_at_s"] == 1764935100
    assert (first["sources"], second["sources"]) == (None, "0" * 64)
    assert [tuple(one.values()) for one in first["figures"]] == [
        ("stage7.fill_rate", "0.9916", 991600, 100),
        ("stage7.trades", "120", 120_000_000, 1_000_000),
        ("stage7.account", "DU****67", None, None),
    ]
    assert [tuple(one.values()) for one in second["figures"]] == [
        ("stage7.fill_rate", "99.1 %", 991000, 1000),
        ("stage8.recovery", "56.425 s", 56425_000_000, 1_000_000),
        ("stage6.buying_power", "3,935,918.64", 3935918_640_000, 10_000),
    ]
