"""The decision as a document: what ``contracts/decision.schema.json`` describes and what gets signed.

Built from judged values only; lists have a stable order, so the same decision is the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...evidence.base.contracts import PROVENANCE, source_of
from ...evidence.base.errors import masked
from ...evidence.collecting.interface import Evidence
from ..decide.judge import Facts
from ..decide.model import Check, Condition, StageResult, Subject, Verdict, Violation, Waived
from ..policy.interface import Bundle

TYPE = "gate.decision/v1"


@dataclass(frozen=True, slots=True)
class Context:
    """Everything around the verdicts that the decision must bind."""

    workspace: str
    gate_version: str
    effective_time: str
    effective_time_source: str
    subject: Subject
    bundle: Bundle
    evidence: Mapping[str, Evidence]
    evidence_digest: Mapping[str, str]
    input_digest: str
    settings_digest: str | None
    roles: Sequence[str]
    weakenings: Sequence[dict[str, str]]
    notes: Sequence[dict[str, str]]


def document(
    stage: str,
    verdict: Verdict,
    action: str | None,
    results: Mapping[str, StageResult],
    facts: Facts,
    context: Context,
) -> dict[str, Any]:
    """The decision document about ``stage`` (a stage's id or ``all``), without its place in the ledger."""
    judged = list(results.values())
    violations = sorted((v for r in judged for v in r.violations), key=lambda v: v.key)
    return {
        "type": TYPE,
        "workspace": context.workspace,
        "stage": stage,
        "verdict": verdict.value,
        "action": action,
        "effective_time": context.effective_time,
        "effective_time_source": context.effective_time_source,
        "gate_version": context.gate_version,
        "subject": {
            "commit": context.subject.commit,
            "dirty": context.subject.dirty,
            "digest": context.subject.digest,
            "author": context.subject.author,
            "sources": [masked(pattern) for pattern in context.subject.sources],
            "files": context.subject.files,
        },
        "policy": {
            "name": context.bundle.name,
            "version": context.bundle.version,
            "digest": context.bundle.digest,
        },
        "stages": {name: _stage(result, context) for name, result in results.items()},
        "checks": [_check(check, facts) for result in judged for check in result.checks],
        "violations": [violation_json(violation) for violation in violations],
        "conditions": [_condition(c) for result in judged for c in result.conditions],
        "waived": [_waived(w) for result in judged for w in result.waived],
        "warnings": [*(w for result in judged for w in result.warnings), *context.notes],
        "signatures": _signatures(stage, context),
        "weakenings": list(context.weakenings),
        "evidence": [
            _evidence(context.evidence[name], facts.value(f"{PROVENANCE}.{name}.sources") or "unstated")
            for name in sorted(context.evidence)
        ],
        "settings_digest": context.settings_digest,
        "input_digest": context.input_digest,
    }


def _signatures(stage: str, context: Context) -> list[dict[str, Any]]:
    """By role, the latest valid approval without conditions of exactly this stage, subject and evidence."""
    signoffs = context.evidence["signoffs"].facts["signoffs"]
    digest = context.evidence_digest.get(stage)
    found = []
    for role in sorted(context.roles):
        bound = [
            item
            for item in signoffs
            if (item["stage"], item["role"], item["verdict"]) == (stage, role, "approve")
            and not item["conditions"]
            and item["signature"] == "valid"
            and item["role_authorised"]
            and (item["subject"], item["evidence"]) == (context.subject.digest, digest)
        ]
        latest = max(bound, key=lambda item: (item["signed_at_s"], item["path"]), default=None)
        fields = ("name", "principal", "key", "signed_at")
        found.append({"role": masked(role), **{name: latest[name] if latest else None for name in fields}})
    return found


def _stage(result: StageResult, context: Context) -> dict[str, Any]:
    stage = result.stage
    return {
        "title": stage.title,
        "question": stage.question,
        "verdict": result.verdict.value,
        "has_evidence": result.has_evidence,
        "depends_on": list(stage.depends_on),
        "figures": result.figures,
        "evidence_digest": context.evidence_digest[stage.id],
    }


def _check(check: Check, facts: Facts) -> dict[str, Any]:
    rule = check.rule
    return {
        "code": rule.code,
        "stage": rule.stage,
        "title": rule.title,
        "severity": rule.severity.value,
        "status": check.status.value,
        "operands": [dict(operand) for operand in check.operands],
        "facts": [
            {"name": fact, "value": _scalar(facts.value(fact)), "collector": source_of(fact)}
            for fact in rule.facts
        ],
        "solution": rule.solution,
        "owner": rule.owner,
        "controls": list(rule.controls),
    }


def _scalar(value: Any) -> Any:
    if isinstance(value, Mapping):
        return f"{len(value)} entries"
    if isinstance(value, (list, tuple)):
        return f"{len(value)} items"
    return value


def violation_json(violation: Violation) -> dict[str, Any]:
    """One violation as it stands in documents and reports."""
    return {
        "code": violation.code,
        "msg": violation.msg,
        "severity": violation.severity.value,
        "raised_from": violation.raised_from.value if violation.raised_from else None,
        "stage": violation.stage,
        "term": violation.term,
        "operand": violation.operand,
        "op": violation.op,
        "expected": violation.expected,
        "actual": violation.actual,
        "unit": violation.unit,
        "missing": violation.missing,
        "evidence": list(violation.evidence),
        "solution": violation.solution,
    }


def _condition(condition: Condition) -> dict[str, Any]:
    return {
        "code": condition.code,
        "msg": condition.msg,
        "stage": condition.stage,
        "owner": condition.owner,
        "due": condition.due,
    }


def _waived(waived: Waived) -> dict[str, Any]:
    return {
        **violation_json(waived.violation),
        "waiver": waived.waiver,
        "reason": waived.reason,
        "reference": waived.reference,
        "approver": waived.approver,
        "effective_until": waived.effective_until,
    }


def _evidence(evidence: Evidence, sources: str) -> dict[str, Any]:
    return {
        "id": evidence.collector,
        "collector": f"{evidence.collector}/{evidence.version}",
        "digest": evidence.digest,
        "provider": evidence.provider,
        "observed_at": evidence.observed_at,
        "tool": evidence.tool,
        "sources": sources,
        "files": [{"path": masked(f.path), "sha256": f.sha256, "size": f.size} for f in evidence.files],
        "problems": [problem.to_json() for problem in evidence.problems],
        "scopes": [scope.to_json() for scope in evidence.scopes],
    }
