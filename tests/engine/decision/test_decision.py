"""The decision document: complete, stable, and in keeping with its contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from msgspec import structs

from gate.engine.decide.decide import Outputs, decide
from gate.engine.decide.model import Plan
from gate.engine.decide.plan import make_plan
from gate.engine.decide.recorded import Authors, Recorded, Setup, Time
from gate.engine.decision.document import (
    Alteration,
    Decision,
    EngineId,
    Notice,
    PolicyId,
    Subject,
    Trust,
    TrustRef,
    Verdict,
    Weakening,
)
from gate.engine.entries.statement import EXTENSION, PREDICATE, statement, summary
from gate.engine.policy.interface import Bundle
from gate.engine.service import Judged
from gate.evidence.base.canonical import canonical, manifest_bytes, sha256_hex
from gate.evidence.base.contracts import load_schema, violations
from gate.evidence.base.errors import LedgerError
from gate.evidence.collecting.interface import Evidence, Problem
from gate.evidence.reading.workspace import FileRead
from gate.evidence.signing.intoto import STATEMENT_TYPE

NOW = "2025-11-07T12:00:00Z"
TIME = Time(NOW, "flag")
DIGEST = "d" * 64
POLICY = "b" * 64
EVIDENCE = sha256_hex(manifest_bytes({"a": "f" * 64}))
"""What a sign-off binds to: every collector of the tests read one file of that name."""
Load = Callable[..., Bundle]
Examples = Callable[[str, str], Judged]


def signoff(role: str = "cto", **changes: Any) -> dict[str, Any]:
    """A sign-off of stage2 as the collector reports it."""
    return {
        "path": f"signoffs/{role}.json", "role": role, "name": "Ann", "principal": "ann@example.com",
        "key": "SHA256:k", "stage": "stage2", "verdict": "approve", "signed_at": NOW, "signed_at_s": 1,
        "subject": DIGEST, "evidence": EVIDENCE, "signature": "valid", "role_authorised": True,
        "policy": {"version": "1.2.3", "digest": POLICY}, "commit": None, "conditions": [], **changes,
    }  # fmt: skip


def evidence(**facts: Any) -> dict[str, Evidence]:
    """Evidence of a few collectors."""
    return {
        name: Evidence(
            name, "1", value, (Problem("x", "none", "make it"),), (FileRead("a", "f" * 64, 3),), None
        )
        for name, value in facts.items()
    }


def build(
    load: Load,
    line: int | None,
    found: int,
    waivers: Any = (),
    signoffs: Any = (),
    stage: str = "stage2",
) -> Decision:
    """The decision about the small bundle's two stages with these figures."""
    bundle = load()
    plan: Plan = make_plan(bundle)
    collected = evidence(
        coverage={"line_ppm": line},
        artifacts={"found_ppm": found},
        signoffs={"signoffs": list(signoffs)},
        waivers={"waivers": list(waivers)},
    )

    def output(name: str, value: int | None) -> dict[str, Any]:
        holds = value is not None and value >= 800_000
        operand = {
            "name": "amount",
            "op": "≥",
            "actual": value,
            "expected": 800_000,
            "unit": "ppm",
            "holds": holds,
        }
        bad = {
            "code": f"{name}.amount",
            "msg": "There is too little",
            **{k: operand[k] for k in ("op", "actual", "expected", "unit")},
            "operand": "amount",
        }
        return {
            "check_amount": {"holds": holds, "operands": [operand]},
            "deny_amount": [] if holds else [bad],
        }

    outputs = {"gate.stage1": output("stage1", line), "gate.stage2": output("stage2", found)}
    setup = Setup(
        workspace="demo", stage=stage, gate_version="1", time=TIME,
        subject=Subject("c" * 40, True, DIGEST, "dev@example.com", ("src",), 2),
        authors=(Authors(None, ("dev@example.com",)),),
        policy=PolicyId(bundle.name, bundle.version, POLICY), odd_sources=(), uncommitted=(),
        settings_digest=None, allowed_signers="trust/allowed_signers", revoked_keys=None,
        roles=("risk_officer", "cto"), depends_on={}, max_age_s={},
        trust=Trust(DIGEST, TrustRef("main", "d" * 40), {"roles": "operator"}, (Alteration("x", "added x"),)),
        weakenings=(Weakening("policy_override", "set"),), notices=(Notice("x", "a remark"),),
    )  # fmt: skip
    recorded = Recorded(setup, collected)
    return decide(plan, bundle, recorded, Outputs(EngineId("regorus", "1"), outputs), TIME)


def waiver(**changes: Any) -> dict[str, Any]:
    """A valid waiver for stage1.amount as the collector reports it."""
    return {
        "path": "waivers/w.json", "id": "W-1", "code": "stage1.amount", "term": None, "stages": ["stage1"],
        "reason": "known", "reference": "RISK-7", "author": "dev@x", "approver_principal": "cto@x",
        "approver_role": "cto", "subject": None, "effective_on": NOW, "effective_on_s": TIME.seconds,
        "effective_until": "2026-12-01T00:00:00Z", "effective_until_s": TIME.seconds + 390 * 86_400,
        "key": "SHA256:x", "signature": "valid", "role_authorised": True, "key_valid_from_s": None,
        "key_valid_until_s": None, "problem": None, **changes,
    }  # fmt: skip


def check(decision: Decision) -> dict[str, Any]:
    """The document, once it keeps the contract in both libraries, can be signed, and reads back the same."""
    document = decision.to_json()
    canonical(document)
    assert Decision.from_json(json.loads(json.dumps(document))) == decision
    complete = json.loads(json.dumps({**document, "ledger": None}))
    assert violations("", "decision", complete) == []
    jsonschema.Draft202012Validator(load_schema("", "decision")).validate(complete)
    return document


@pytest.mark.parametrize(
    ("line", "found", "verdict", "next_"),
    [
        (800_000, 900_000, "PASS", "GO"),
        (800_000, 1, "FAIL", "STOP"),
        (1, 900_000, "FAIL", "STOP"),
        (None, 900_000, "FAIL", "STOP"),
    ],
)
def test_documents_keep_their_contract(
    load: Load, line: int | None, found: int, verdict: str, next_: str
) -> None:
    """Every kind of outcome gives a document of the documented shape."""
    made = check(build(load, line, found))
    assert (made["verdict"], made["action"], made["stage"]) == (verdict, next_, "stage2")
    assert made["subject"]["digest"] == DIGEST
    assert made["policy"] == {"name": "small", "version": "1.2.3", "digest": load().digest}
    assert [c["code"] for c in made["checks"]] == ["stage1.amount", "stage2.amount"]
    assert made["checks"][0]["facts"] == [
        {"name": "coverage.line_ppm", "value": line, "collector": "coverage"}
    ]
    assert [e["id"] for e in made["evidence"]] == ["artifacts", "coverage", "signoffs", "waivers"]
    assert made["evidence"][0]["files"] == [{"path": "a", "sha256": "f" * 64, "size": 3}]
    assert [item["code"] for item in made["weakenings"]] == ["policy_override", "effective_time"]
    assert made["warnings"] == [{"code": "x", "msg": "a remark", "level": "warning"}]
    assert made["engine"] == {"name": "regorus", "version": "1"}


def test_a_stage_that_was_not_judged_is_not_in_the_document(load: Load) -> None:
    """A decision about the first stage says nothing of the second."""
    made = check(build(load, 800_000, 1, stage="stage1"))
    assert made["verdict"] == "PASS"
    assert made["action"] is None
    assert list(made["stages"]) == ["stage1"]
    assert made["stages"]["stage1"]["figures"] == {"amount": {"value": 800_000, "unit": "ppm", "scope": None}}


def test_waived_violations_are_in_the_document(load: Load) -> None:
    """A waiver is shown with what it covers, who approved it and until when."""
    made = check(build(load, 1, 900_000, [waiver()]))
    assert made["verdict"] == "CONDITIONAL"
    assert [v["code"] for v in made["violations"]] == ["stage2.dependency"]
    (waived,) = made["waived"]
    assert (waived["code"], waived["waiver"], waived["approver"]) == ("stage1.amount", "W-1", "cto@x")
    assert {c["code"] for c in made["conditions"]} == {"stage1.amount", "stage2.dependency"}


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": "stage1"}, {"verdict": "reject"}, {"verdict": "conditional"}, {"signature": "invalid"},
        {"role_authorised": False}, {"subject": "0" * 64}, {"evidence": "0" * 64}, {"role": "auditor"},
        {"policy": {"version": "1.2.3", "digest": "e" * 64}},
        {"conditions": [{"text": "x", "owner": "y", "due": "2025-12-01"}]},
    ],
)  # fmt: skip
def test_signatures_are_exact(load: Load, changes: dict[str, Any]) -> None:
    """Only a valid approval of this stage, content and policy by a role of the workspace is listed."""
    empty = {"name": None, "principal": None, "key": None, "signed_at": None}
    good = build(load, 800_000, 900_000, signoffs=[signoff()]).to_json()["signatures"]
    assert good == [
        {"role": "cto", "name": "Ann", "principal": "ann@example.com", "key": "SHA256:k", "signed_at": NOW},
        {"role": "risk_officer", **empty},
    ]
    made = check(build(load, 800_000, 900_000, signoffs=[signoff(**changes)]))
    assert made["signatures"] == [{"role": "cto", **empty}, {"role": "risk_officer", **empty}]


def test_the_latest_approval_is_listed(load: Load) -> None:
    """Of several approvals in a role the latest counts."""
    made = build(
        load,
        800_000,
        900_000,
        signoffs=[signoff(name="new", signed_at_s=9), signoff(name="old", signed_at_s=1)],
    )
    assert made.signatures[0].name == "new"


@pytest.mark.parametrize(
    ("example", "stage", "verdict"),
    [("algo-trade", "stage1", "FAIL"), ("algo-trade", "all", "FAIL"), ("ready", "stage8", "PASS")],
)
def test_real_decisions_keep_their_contract(
    judged_examples: Examples, example: str, stage: str, verdict: str
) -> None:
    """The examples' decisions have the documented shape, and the input's digest is that of the input."""
    judged = judged_examples(example, stage)
    made = check(judged.decision)
    assert made["verdict"] == verdict
    assert made["input_digest"] == sha256_hex(canonical(judged.recorded.to_json(judged.context.plan)))
    assert made["effective_time_source"] == "operator"
    codes = [violation["code"] for violation in made["violations"]]
    assert codes == sorted(codes, key=codes.index)
    shown = {e["id"] for e in made["evidence"]}
    assert {fact["collector"] for c in made["checks"] for fact in c["facts"]} <= shown


# --- as a line of the ledger -----------------------------------------------------------------------------


def test_a_decision_becomes_a_verification_summary(load: Load) -> None:
    """The line is an in-toto Statement with a SLSA VSA that any verifier understands."""
    made = build(load, 800_000, 900_000)
    line = json.loads(statement(made, "9" * 64, "8" * 64))
    assert (line["_type"], line["predicateType"]) == (STATEMENT_TYPE, PREDICATE)
    assert line["subject"] == [
        {"name": "source", "digest": {"sha256": DIGEST}},
        {"name": "commit", "digest": {"gitCommit": "c" * 40}},
    ]
    predicate = line["predicate"]
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["verifiedLevels"] == ["GATE_STAGE2"]
    assert predicate["timeVerified"] == NOW
    assert predicate["policy"]["uri"] == "urn:gate:policy:small:1.2.3"
    assert [a["uri"] for a in predicate["inputAttestations"]][:2] == [
        "urn:gate:evidence:artifacts",
        "urn:gate:evidence:coverage",
    ]
    own = summary(line)
    assert own is not None
    assert (own.decision, own.bundle) == ("9" * 64, "8" * 64)
    assert own.stages == {"stage1": "PASS", "stage2": "PASS"}
    assert own.weakenings == ["effective_time", "policy_override"]


def test_everything_but_pass_is_failed_for_others(load: Load) -> None:
    """CONDITIONAL is FAILED in the VSA's vocabulary, with our own answer beside it."""
    for made, own in (
        (build(load, 1, 900_000, [waiver()]), "CONDITIONAL"),
        (build(load, 1, 900_000), "FAIL"),
    ):
        predicate = json.loads(statement(made, "9" * 64, "8" * 64))["predicate"]
        assert predicate["verificationResult"] == "FAILED"
        assert predicate["verifiedLevels"] == []
        assert predicate[EXTENSION]["verdict"] == own
        assert predicate[EXTENSION]["waived"] == (["stage1.amount"] if own == Verdict.CONDITIONAL else [])


def test_without_a_commit_only_the_digest_is_a_subject(load: Load) -> None:
    """A folder without git has one subject; equal decisions are equal bytes; codes are listed once."""
    made = build(load, 1, 1)
    subject = structs.replace(made.subject, commit=None)
    made = structs.replace(made, subject=subject, violations=made.violations * 2)
    line = json.loads(statement(made, "9" * 64, "8" * 64))
    assert [s["name"] for s in line["subject"]] == ["source"]
    assert line["predicate"][EXTENSION]["violations"] == [
        "stage1.amount",
        "stage2.amount",
        "stage2.dependency",
    ]
    assert statement(made, "9" * 64, "8" * 64) == statement(
        Decision.from_json(made.to_json()), "9" * 64, "8" * 64
    )


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"predicateType": "other", "predicate": {EXTENSION: {}}},
        {"predicateType": PREDICATE},
        {"predicateType": PREDICATE, "predicate": []},
        {"predicateType": PREDICATE, "predicate": {"verifier": 1}},
    ],
)
def test_other_lines_are_not_decisions(payload: dict[str, Any]) -> None:
    """Lines of other kinds are passed over."""
    assert summary(payload) is None


@pytest.mark.parametrize("extension", [{}, [], "x", {"stage": "stage1", "verdict": "PASS"}])
def test_a_decision_without_its_fields_is_damage(extension: Any) -> None:
    """A line that claims to be a decision and lacks the fields is a ledger error."""
    with pytest.raises(LedgerError) as caught:
        summary({"predicateType": PREDICATE, "predicate": {EXTENSION: extension}})
    assert caught.value.what.startswith("a decision's line breaks its contract: ")
    assert caught.value.remedy == "run `gate ledger verify`"


def test_a_decision_is_frozen() -> None:
    """What a decision binds cannot be changed afterwards."""
    subject = Subject(None, None, DIGEST, None, (), 0)
    with pytest.raises(AttributeError):
        subject.digest = "x"  # type: ignore[misc]
