"""A small decision, made by hand, with every kind of outcome: what the reviewed files in ``golden`` show."""

from __future__ import annotations

from typing import Any

from gate.engine.decision.document import (
    TYPE,
    Check,
    CheckStatus,
    Condition,
    Decision,
    EngineId,
    EvidenceSummary,
    FactValue,
    Figure,
    FileDigest,
    Notice,
    Operand,
    Place,
    PolicyId,
    Severity,
    Signature,
    StageDecision,
    Subject,
    Trust,
    Verdict,
    Violation,
    Waived,
    Weakening,
)
from gate.evidence.collecting.interface import Problem, ProblemKind, Scope

ABSENT = Problem("", "PAPER.json does not exist", "Run a session.", ProblemKind.MISSING)
UNTIL = "2026-01-31T00:00:00Z"


def _check(code: str, title: str, severity: Severity, status: CheckStatus, **more: Any) -> Check:
    fact = FactValue(
        f"{more.get('collector', 'coverage')}.line_ppm", 357_142, more.get("collector", "coverage")
    )
    holds = status is CheckStatus.HOLDS
    operand = Operand("line_coverage", "≥", 357_142 if not holds else 900_000, 800_000, "ppm", holds)
    return Check(
        code, code.partition(".")[0], title, severity, status, (operand,), (fact,), "Write tests.", "qa_lead",
        ("gate:stage1", "iso27001:A.8.29"), more.get("effective_on"), problems=more.get("problems", ()),
    )  # fmt: skip


def _violation(code: str, msg: str, severity: Severity, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "code": code, "msg": msg, "severity": severity, "raised_from": None, "stage": code.partition(".")[0],
        "term": None, "operand": None, "op": None, "expected": None, "actual": None, "unit": None,
        "problem": None, "places": (), "evidence": ("coverage",), "solution": "Write tests.",
    }  # fmt: skip
    return made | more


def _checks() -> tuple[Check, ...]:
    critical, high, low = Severity.CRITICAL, Severity.HIGH, Severity.LOW
    return (
        _check("stage1.coverage", "The code is tested", critical, CheckStatus.VIOLATED),
        _check("stage1.files", "Files are there", high, CheckStatus.HOLDS),
        _check("stage1.secrets", "No secrets", high, CheckStatus.VIOLATED, collector="source"),
        _check(
            "stage1.session", "The session ran", high, CheckStatus.MISSING, collector="paper",
            problems=(ABSENT,),
        ),
        _check("stage1.points", "Points add up", low, CheckStatus.WAIVED),
        _check("stage1.signed", "It is signed", high, CheckStatus.CONDITIONAL),
        _check("stage1.later", "Not yet", low, CheckStatus.PENDING, effective_on="2026-06-01T00:00:00Z"),
        _check("stage1.other", "Of another profile", low, CheckStatus.LEFT_OUT),
        _check("stage2.flow", "The flow is there", low, CheckStatus.WARNS),
    )  # fmt: skip


def _violations() -> tuple[Violation, ...]:
    measured = {"operand": "line_coverage", "op": "≥", "expected": 800_000, "actual": 357_142, "unit": "ppm"}
    places = (Place("src/a b.py", 12), Place("src/é.py", 3), Place("config.yaml", None, "/a/0"))
    listed = {"operand": "secrets", "op": "∅", "expected": (), "unit": "list", "evidence": ("source",)}
    waits = {
        "operand": "stage1",
        "op": "=",
        "expected": "PASS",
        "actual": "FAIL",
        "solution": "Make it pass.",
    }
    return (
        Violation(**_violation("stage1.coverage", "Too few lines are tested", Severity.CRITICAL, **measured)),
        Violation(
            **_violation(
                "stage1.secrets", "A secret: src/a b.py: password", Severity.HIGH, **listed,
                term="src/a b.py: password", actual="src/a b.py: password", places=places,
                solution="Remove it: use the vault.",
            )
        ),
        Violation(
            **_violation(
                "stage1.session", "No evidence: PAPER.json does not exist", Severity.HIGH,
                raised_from=Severity.MEDIUM, problem=ProblemKind.MISSING, evidence=("paper",),
                solution="Run a session.",
            )
        ),
        Violation(**_violation("stage2.dependency", "stage1 failed", Severity.HIGH, **waits, term="stage1")),
    )  # fmt: skip


def small() -> Decision:
    """FAIL: a figure below its limit, a secret at three places, missing evidence, and a waiver."""
    stage = {"question": "Is it?", "has_evidence": True, "evidence_digest": "cc" * 32}
    waived = Waived(
        **_violation("stage1.points", "90 points of 100", Severity.LOW, places=(Place("LIST.md", 4),)),
        waiver="W-1", reason="agreed", reference="RISK-7", approver="cto", effective_until=UNTIL,
    )  # fmt: skip
    return Decision(
        type=TYPE,
        workspace="algo-trade",
        stage="stage2",
        verdict=Verdict.FAIL,
        action="REMEDIATE_AND_REVALIDATE",
        effective_time="2025-12-05T12:00:00Z",
        effective_time_source="flag",
        gate_version="0.1.0",
        subject=Subject("c0ffee" + "0" * 34, True, "aa" * 32, "dev@example.com", ("src",), 3),
        policy=PolicyId("gate-prelive", "1.1.0", "bb" * 32),
        engine=EngineId("embedded", "0.13.0"),
        trust=Trust("dd" * 32, None, {"sources": "operator"}, ()),
        stages={
            "stage1": StageDecision(
                title="Artifact validation", verdict=Verdict.FAIL, depends_on=(),
                figures={"coverage": Figure(357_142, "ppm", Scope("line_ppm", 14, 14, "files"))}, **stage,
            ),
            "stage2": StageDecision(
                title="Breakdown", verdict=Verdict.FAIL, depends_on=("stage1",),
                figures={"stages": Figure(None, "count")}, **stage,
            ),
        },
        checks=_checks(),
        violations=_violations(),
        conditions=(
            Condition("stage1.points", "Until January (W-1)", "stage1", "qa_lead", UNTIL, "C-2", "signoff"),
            Condition("stage1.signed", "Watch it", "stage1", "cto", "2025-12-20", "C-1", "signoff"),
        ),
        waived=(waived,),
        warnings=(Notice("stage2.flow", "Stage 3 is short"), Notice("waivers", "w.yaml: no YAML", "error")),
        signatures=(
            Signature("cto", "Omar", "omar@example.com", "SHA256:abc", "2025-12-04T08:00:00Z"),
            Signature("risk_officer"),
        ),
        weakenings=(Weakening("effective_time", "judged as of 2025-12-05T12:00:00Z"),),
        evidence=(
            EvidenceSummary(
                "coverage", "coverage/3", "ee" * 32, None, "2025-12-05T13:00:00+02:00", "coverage 7", "same",
                (FileDigest("coverage.json", "ff" * 32, 100),), (), (Scope("line_ppm", 14, 14, "files"),),
            ),
            EvidenceSummary("paper", "paper/2", "ab" * 32, None, None, None, "unstated", (), (ABSENT,), ()),
            EvidenceSummary("source", "source/5", "ac" * 32, None, None, None, "same", (), (), ()),
        ),
        settings_digest="ad" * 32,
        input_digest="ae" * 32,
    )  # fmt: skip
