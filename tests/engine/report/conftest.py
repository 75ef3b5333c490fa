"""Decisions of every kind, typed: real ones about the examples, and changed ones."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from gate.engine import service
from gate.engine.decision.document import (
    CheckStatus,
    Condition,
    Decision,
    Place,
    Severity,
    Verdict,
    Violation,
    Waived,
)
from gate.evidence.collecting.interface import Problem, ProblemKind

STAGES = {"failed": ("algo-trade", "stage1"), "full": ("algo-trade", "all"), "passed": ("ready", "stage8")}


@pytest.fixture(scope="session")
def judged(judged_examples: Callable[[str, str], service.Judged]) -> dict[str, Decision]:
    """Decisions about copies of the examples, outside of any repository."""
    return {name: judged_examples(example, stage).decision for name, (example, stage) in STAGES.items()}


@pytest.fixture
def failed(judged: dict[str, Decision]) -> Decision:
    """The audit's state: stage 1 fails."""
    return judged["failed"]


@pytest.fixture
def full(judged: dict[str, Decision]) -> Decision:
    """The audit's state, all stages."""
    return judged["full"]


@pytest.fixture
def passed(judged: dict[str, Decision]) -> Decision:
    """The ready example's go-live decision."""
    return judged["passed"]


def violation(code: str = "stage1.artifact_coverage", **changes: Any) -> Violation:
    """A violation of a rule of stage 1."""
    values: dict[str, Any] = {
        "code": code, "msg": "Too little", "severity": Severity.HIGH, "raised_from": None,
        "stage": code.partition(".")[0], "term": None, "operand": "amount", "op": "≥", "expected": 800_000,
        "actual": 357_142, "unit": "ppm", "problem": None, "places": (), "evidence": ("artifacts",),
        "solution": "Make more of it.",
    }  # fmt: skip
    return Violation(**{**values, **changes})


def with_status(
    decision: Decision, code: str, status: CheckStatus, problems: tuple[Problem, ...] = ()
) -> Decision:
    """The decision in which that became of the rule, because of these problems of its evidence."""
    changed = {"status": status, "problems": problems}
    checks = tuple(replace(c, **changed) if c.code == code else c for c in decision.checks)
    return replace(decision, checks=checks)


def with_evidence(decision: Decision, collector: str, **changes: Any) -> Decision:
    """The decision with other evidence of the collector."""
    evidence = tuple(replace(e, **changes) if e.id == collector else e for e in decision.evidence)
    return replace(decision, evidence=evidence)


def unknown(decision: Decision) -> Decision:
    """The decision in which what the collector saw cannot be interpreted, at two places."""
    problems = tuple(
        Problem("order_types", "passes intent.order_type through", "Name the order type.",
                ProblemKind.UNKNOWN, f"order_plane/broker/client{n}.py", f"line {48 + n}")
        for n in range(2)
    )  # fmt: skip
    code = "stage4.order_types"
    made = with_evidence(decision, "source", problems=problems)
    made = with_status(made, code, CheckStatus.UNKNOWN, problems)
    one = violation(
        code, problem=ProblemKind.UNKNOWN, operand=None, op=None, unit=None, expected=None, actual=None,
        msg="Cannot be told: passes intent.order_type through", evidence=("source",),
    )  # fmt: skip
    return replace(made, verdict=Verdict.FAIL, violations=(one,))


def rejected(decision: Decision) -> Decision:
    """The decision in which a file was rejected that two rules need."""
    path = "log/é.json"
    problem = Problem("", "is not JSON", "Correct it.", ProblemKind.REJECTED, path, "line 3, column 7")
    made = with_evidence(decision, "paper", problems=(problem,))
    found = []
    for code in ("stage7.pacing", "stage7.trade_count"):
        made = with_status(made, code, CheckStatus.MISSING, (problem,))
        one = violation(
            code, problem=ProblemKind.REJECTED, operand=None, op=None, unit=None, expected=None, actual=None,
            msg=f"Evidence was rejected: {path}: is not JSON", places=(Place(path, 3),), evidence=("paper",),
        )  # fmt: skip
        found.append(one)
    return replace(made, verdict=Verdict.FAIL, violations=tuple(found))


def waived(decision: Decision) -> Decision:
    """The decision in which a violation is under a waiver, another is open, and a condition was set."""
    base = violation("stage1.checklist_total", severity=Severity.MEDIUM)
    names = {name: getattr(base, name) for name in Violation.__struct_fields__}
    one = Waived(
        **names, waiver="W-1", reason="agreed", reference="J-1", approver="cto",
        effective_until="2025-12-31T00:00:00Z",
    )  # fmt: skip
    what = f"Waived until {one.effective_until} (W-1): {one.msg}"
    until = Condition(one.code, what, "stage1", "qa", one.effective_until, "W-1", one.code)
    open_ = violation("stage1.artifacts_valid", severity=Severity.LOW, solution="Fill it in.")
    mend = Condition(
        open_.code, "Fill it in.", "stage1", "dev", "2025-12-20T00:00:00Z", open_.code, open_.code
    )
    watch = "Watch the first day"
    sign = Condition(
        "stage1.governance_signed", watch, "stage1", "cto", "2025-12-01T00:00:00Z", "C-1", "signoff"
    )
    made = with_status(decision, one.code, CheckStatus.WAIVED)
    made = with_status(made, open_.code, CheckStatus.VIOLATED)
    made = with_status(made, sign.code, CheckStatus.CONDITIONAL)
    return replace(
        made, verdict=Verdict.CONDITIONAL, violations=(open_,), waived=(one,), conditions=(sign, mend, until)
    )


@pytest.fixture
def kinds(failed: Decision, full: Decision, passed: Decision) -> dict[str, Decision]:
    """One decision of each kind."""
    return {
        "FAIL": failed,
        "FAIL of all": full,
        "PASS": passed,
        "unknown": unknown(passed),
        "rejected": rejected(passed),
        "CONDITIONAL, waived": waived(passed),
    }


HOSTILE = "\x1b[2J\x1b]0;owned\x07\nPASS\u202e\u2028::error::DU1234567"
_FREE = {
    "msg", "title", "question", "solution", "owner", "term", "name", "path", "workspace", "reason", "author",
    "actual", "expected", "terms", "remedy", "approver", "waiver", "tool", "provider",
}  # fmt: skip


def poison(value: Any, name: str = "") -> Any:
    """A decision's JSON with hostile text wherever free text from files or bundles can stand."""
    if isinstance(value, dict):
        return {key: poison(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [poison(item, name) for item in value]
    return value + HOSTILE if isinstance(value, str) and name in _FREE else value


def poisoned(decision: Decision) -> Decision:
    """The decision with hostile text in it."""
    return Decision.from_json(poison(decision.to_json()))


@pytest.fixture
def make() -> SimpleNamespace:
    """Makers of decisions and their parts."""
    makers = (violation, with_status, with_evidence, unknown, rejected, waived, poisoned)
    return SimpleNamespace(**{maker.__name__: maker for maker in makers})
