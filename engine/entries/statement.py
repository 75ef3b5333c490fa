"""Ledger lines as in-toto Statements: a decision is a SLSA Verification Summary; other kinds have their own.

Formats: in-toto Statement v1 (https://in-toto.io/Statement/v1) and SLSA VSA v1
(https://slsa.dev/verification_summary/v1). The VSA knows only PASSED and FAILED, so everything that is not a
PASS is FAILED there; our own answer, and the digests of the full decision and of its input, stand under one
extension field. No clock is read: equal decisions are equal lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from ...evidence.base.canonical import canonical
from ...evidence.base.contracts import violations
from ...evidence.base.errors import InternalError, LedgerError
from ...evidence.base.times import parse_rfc3339
from ...evidence.signing.intoto import STATEMENT_TYPE
from ..decision.document import Decision, Verdict

PREDICATE = "https://slsa.dev/verification_summary/v1"
EXTENSION = "urn:gate:decision:v1"
DECISION = "decision"
KINDS = {DECISION: PREDICATE} | {
    kind: f"urn:gate:{kind}:v1" for kind in ("evidence", "signoff", "waiver", "key-event", "receipt")
}
"""Kind of a ledger entry → its predicateType; `contracts/entries` has the predicates."""
MAX_CODES = 200
_DOCUMENTS = ("decision", "input", "bundle")
_STATED = (
    "stage", "verdict", "stages", "action", "violations", "conditions", "waived", "anchors", "weakenings",
)  # fmt: skip


class Summary(Struct, frozen=True):
    """What a decision's line says of it, after ``contracts/entries/decision.schema.json``.

    Attributes:
        time: as of when it was judged, RFC 3339.
        stages: the verdict of each judged stage.
        decision, input, bundle: SHA-256 of the documents in the evidence store.
        policy, policy_digest: ``name:version`` and digest of the bundle that judged.

    What is None is not stated: another version of gate wrote the line.
    """

    time: str
    stage: str
    verdict: str
    stages: dict[str, str]
    decision: str
    input: str
    bundle: str
    policy: str
    policy_digest: str
    action: str | None = None
    violations: list[str] | None = None
    conditions: int | None = None
    waived: list[str] | None = None
    anchors: list[str] | None = None
    weakenings: list[str] | None = None


def statement(decision: Decision, decision_digest: str, bundle_digest: str) -> bytes:
    """The canonical bytes of the statement about a decision document.

    Args:
        decision_digest: SHA-256 of its canonical bytes, under which the evidence store keeps it.
        bundle_digest: SHA-256 of the document with all files of the policy bundle, which it keeps, too.
    """
    document = statement_of(decision, decision_digest)
    document["predicate"][EXTENSION]["bundle"] = {"sha256": bundle_digest}
    return canonical(document)


def statement_of(decision: Decision, decision_digest: str) -> dict[str, Any]:
    """The statement as far as the decision alone says it: without the stored bundle, which has another digest
    than the bundle itself.
    """
    subject, policy = decision.subject, decision.policy
    subjects: list[dict[str, Any]] = [{"name": "source", "digest": {"sha256": subject.digest}}]
    if subject.commit is not None:
        subjects.append({"name": "commit", "digest": {"gitCommit": subject.commit}})
    passed = decision.verdict is Verdict.PASS
    codes = sorted({violation.code for violation in decision.violations})
    return {
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


def other_statement(kind: str, subject: Sequence[dict[str, Any]], predicate: dict[str, Any]) -> bytes:
    """The canonical bytes of the statement of an entry that is no decision.

    Raises InternalError: the predicate breaks the contract of its kind.
    """
    broken = violations("entries", kind, predicate, most=1)
    if broken:
        raise InternalError(f"the {kind} breaks its contract: {broken[0][1]}", place=broken[0][0])
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": list(subject),
            "predicateType": KINDS[kind],
            "predicate": predicate,
        }
    )


def kind_of(payload: dict[str, Any]) -> str | None:
    """The kind of a line's statement; None when this version knows none of that predicateType."""
    for kind, predicate in KINDS.items():
        if payload["predicateType"] == predicate:
            return kind if kind != DECISION or EXTENSION in payload.get("predicate", {}) else None
    return None


def documents(payload: dict[str, Any]) -> list[str]:
    """SHA-256 digests of what a line's statement refers to in the evidence store.

    Raises LedgerError: it is of a known kind but lacks the fields.
    """
    kind = kind_of(payload)
    if kind is None:
        return []
    if kind == DECISION:
        found = summary(payload)
        return [] if found is None else [found.decision, found.input, found.bundle]
    if violations("entries", kind, payload.get("predicate"), most=1):
        raise LedgerError(f"a line of kind {kind} breaks its contract", remedy="run `gate ledger verify`")
    return [document["sha256"] for document in payload["predicate"]["documents"]]


def summary(payload: dict[str, Any]) -> Summary | None:
    """What a line's statement says of a decision, None when the line is not a decision of ours.

    Raises LedgerError: it claims to be one but breaks the contract.
    """
    predicate = payload.get("predicate")
    if payload.get("predicateType") != PREDICATE or not isinstance(predicate, dict):
        return None
    extension = predicate.get(EXTENSION)
    if extension is None:
        return None
    broken = violations("entries", DECISION, predicate, most=1) or _unreal(predicate["timeVerified"])
    if broken:
        what = f"a decision's line breaks its contract: {broken[0][1]}"
        raise LedgerError(what, place=broken[0][0], remedy="run `gate ledger verify`")
    policy = predicate["policy"]
    return Summary(
        time=predicate["timeVerified"],
        policy=policy["uri"].removeprefix("urn:gate:policy:"),
        policy_digest=policy["digest"]["sha256"],
        **{name: extension[name]["sha256"] for name in _DOCUMENTS},
        **{name: extension.get(name) for name in _STATED},
    )


def _unreal(time: str) -> list[tuple[str, str]]:
    """As `violations`, of a time that has the right form."""
    try:
        parse_rfc3339(time)
    except ValueError as error:
        return [("/timeVerified", str(error))]
    return []
