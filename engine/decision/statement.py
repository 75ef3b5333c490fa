"""A decision as a ledger line: a SLSA Verification Summary in an in-toto Statement.

Formats: in-toto Statement v1 (https://in-toto.io/Statement/v1) and SLSA VSA v1
(https://slsa.dev/verification_summary/v1). The VSA knows only PASSED and FAILED, so everything that is not a
PASS is FAILED there; our own answer, and the digests of the full decision and of its input, stand under one
extension field. No clock is read: equal decisions are equal lines.
"""

from __future__ import annotations

from typing import Any

from ...evidence.base.canonical import canonical
from ...evidence.base.errors import LedgerError
from ...evidence.signing.intoto import STATEMENT_TYPE
from .document import Decision, Verdict

PREDICATE = "https://slsa.dev/verification_summary/v1"
EXTENSION = "urn:gate:decision:v1"
MAX_CODES = 200


def statement(decision: Decision, decision_digest: str) -> bytes:
    """The canonical bytes of the statement about a decision document.

    Args:
        decision_digest: SHA-256 of its canonical bytes, under which the evidence store keeps it.
    """
    subject, policy = decision.subject, decision.policy
    subjects: list[dict[str, Any]] = [{"name": "source", "digest": {"sha256": subject.digest}}]
    if subject.commit is not None:
        subjects.append({"name": "commit", "digest": {"gitCommit": subject.commit}})
    passed = decision.verdict is Verdict.PASS
    codes = sorted({violation.code for violation in decision.violations})
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": subjects,
            "predicateType": PREDICATE,
            "predicate": {
                "verifier": {
                    "id": "urn:gate:verifier",
                    "version": {"gate": decision.gate_version, decision.engine.name: decision.engine.version},
                },
                "timeVerified": decision.effective_time,
                "resourceUri": f"urn:gate:workspace:{decision.workspace}",
                "policy": {
                    "uri": f"urn:gate:policy:{policy.name}:{policy.version}",
                    "digest": {"sha256": policy.digest},
                },
                "inputAttestations": [
                    {"uri": f"urn:gate:evidence:{item.id}", "digest": {"sha256": item.digest}}
                    for item in decision.evidence
                ],
                "verificationResult": "PASSED" if passed else "FAILED",
                "verifiedLevels": [f"GATE_{decision.stage.upper()}"] if passed else [],
                EXTENSION: {
                    "stage": decision.stage,
                    "verdict": decision.verdict.value,
                    "action": decision.action,
                    "decision": {"sha256": decision_digest},
                    "input": {"sha256": decision.input_digest},
                    "stages": {name: stage.verdict.value for name, stage in decision.stages.items()},
                    "violations": codes[:MAX_CODES],
                    "conditions": len(decision.conditions),
                    "waived": sorted({waived.code for waived in decision.waived})[:MAX_CODES],
                    "anchors": list(decision.trust.anchors),
                    "weakenings": sorted({item.code for item in decision.weakenings}),
                },
            },
        }
    )


def summary(payload: dict[str, Any]) -> dict[str, Any] | None:
    """Our extension of a line's statement, None when the line is not a decision of ours.

    Raises LedgerError: it claims to be one but lacks the fields.
    """
    predicate = payload.get("predicate")
    if payload.get("predicateType") != PREDICATE or not isinstance(predicate, dict):
        return None
    extension = predicate.get(EXTENSION)
    if extension is None:
        return None
    wanted = {"stage", "verdict", "decision", "input", "stages"}
    if not isinstance(extension, dict) or not wanted <= extension.keys():
        raise LedgerError("a decision's line lacks fields", remedy="run `gate ledger verify`")
    return extension
