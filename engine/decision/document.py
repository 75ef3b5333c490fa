"""The decision as a typed, frozen document: what gets recorded, signed, reported and read back.

``contracts/decision.schema.json`` describes its JSON. Lists have a stable order, so equal decisions
are equal bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import field

from ...evidence.base.contracts import violations
from ...evidence.base.records import JsonRecord, from_json, to_json
from ...evidence.collecting.interface import Problem, ProblemKind, Scope
from .consistency import inconsistencies
from .exhibit import Exhibit

TYPE = "gate.decision/v2"


class Verdict(StrEnum):
    """The answer about a stage, and of a decision."""

    PASS = "PASS"  # noqa: S105 - an answer, not a password
    FAIL = "FAIL"
    CONDITIONAL = "CONDITIONAL"


class Severity(StrEnum):
    """How much a violated rule weighs, heaviest first."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"

    @property
    def rank(self) -> int:
        """0 for the heaviest."""
        return ("CRITICAL", "HIGH", "MEDIUM", "LOW").index(self.value)

    @property
    def blocks(self) -> bool:
        """Whether one violation of this severity makes the verdict FAIL."""
        return self in (Severity.CRITICAL, Severity.HIGH)


class CheckStatus(StrEnum):
    """What became of one rule."""

    HOLDS = "holds"
    VIOLATED = "violated"
    MISSING = "missing evidence"
    UNKNOWN = "cannot be told"
    WAIVED = "waived"
    CONDITIONAL = "conditional"
    PENDING = "not yet binding"
    LEFT_OUT = "not in profile"
    EXCEPTED = "excepted"
    WARNS = "warns"


class Place(JsonRecord, frozen=True):
    """Where something is: a file, and a line or a JSON pointer in it where one is known."""

    path: str
    line: int | None = None
    pointer: str | None = None

    @classmethod
    def of(cls, path: str, place: str | None) -> Place:
        """From a path and a place as errors give it: ``line 3, column 7`` or ``/a/0``."""
        line = re.match(r"line (\d+)", place or "")
        pointer = place if place is not None and place.startswith("/") else None
        return cls(path, int(line[1]) if line else None, pointer)


class Subject(JsonRecord, frozen=True):
    """What is judged: SHA-256 of the ``sha256sum`` manifest of its sources; the git commit's full id."""

    commit: str | None
    dirty: bool | None
    digest: str
    author: str | None
    sources: tuple[str, ...]
    files: int


class PolicyId(JsonRecord, frozen=True):
    """The bundle that judged: name, version, and SHA-256 of its manifest of files."""

    name: str
    version: str
    digest: str


class Profile(JsonRecord, frozen=True):
    """A selection of the bundle's rules, by collection."""

    name: str
    title: str
    collections: tuple[str, ...]


class Override(JsonRecord, frozen=True):
    """A parameter that the settings replace: its value in the bundle, the one in force, and why."""

    name: str
    unit: str
    bundle: Any
    value: Any
    rationale: str


class EngineId(JsonRecord, frozen=True):
    """The policy engine that answered."""

    name: str
    version: str


class Figure(JsonRecord, frozen=True):
    """A headline figure with its unit, and how much was looked at for it."""

    value: int | str | bool | None
    unit: str
    scope: Scope | None = None


class StageDecision(JsonRecord, frozen=True):
    """The verdict about one stage.

    Attributes:
        has_evidence: whether anything was found of what the stage rests on; the verdict never asks.
        evidence_digest: what a sign-off of the stage binds to.
        exhibits: by the name of a fact, the table of it that the bundle shows in reports.
    """

    title: str
    question: str
    verdict: Verdict
    has_evidence: bool
    depends_on: tuple[str, ...]
    figures: dict[str, Figure]
    evidence_digest: str
    exhibits: dict[str, Exhibit] = field(default_factory=dict)


class Operand(JsonRecord, frozen=True):
    """One comparison of a rule: ``actual op expected``, with the terms that break it where it is a list."""

    name: str
    op: str
    actual: Any
    expected: Any
    unit: str
    holds: bool
    terms: tuple[str, ...] = ()


class FactValue(JsonRecord, frozen=True):
    """A fact that a rule needs, as it was measured; of lists and objects only how many entries they have."""

    name: str
    value: int | str | bool | None
    collector: str


class Check(JsonRecord, frozen=True):
    """One rule with the values it compared and the facts it needs.

    Attributes:
        effective_on: before it, the rule only warns.
        risk: what may happen where it does not hold.
        problems: why its facts decide nothing, where it has no other answer; with what to do.
    """

    code: str
    stage: str
    title: str
    severity: Severity
    status: CheckStatus
    operands: tuple[Operand, ...]
    facts: tuple[FactValue, ...]
    solution: str
    owner: str
    controls: tuple[str, ...]
    effective_on: str | None = None
    risk: str | None = None
    problems: tuple[Problem, ...] = ()


class Violation(JsonRecord, frozen=True):
    """One way in which one rule did not hold.

    Attributes:
        raised_from: the rule's own severity where absent evidence weighs more than that.
        term: the member of a list that breaks the rule, as a waiver names it.
        operand, op, expected, actual, unit: the comparison that failed.
        problem: why the evidence decides nothing; None where it was measured and does not hold.
        evidence: collectors; their files are in the decision's ``evidence``.
    """

    code: str
    msg: str
    severity: Severity
    raised_from: Severity | None
    stage: str
    term: str | None
    operand: str | None
    op: str | None
    expected: Any
    actual: Any
    unit: str | None
    problem: ProblemKind | None
    places: tuple[Place, ...]
    evidence: tuple[str, ...]
    solution: str

    @property
    def key(self) -> tuple[int, str, str, str, str]:
        """Sort key: heaviest first, then by code and term."""
        return (self.severity.rank, self.code, self.term or "", self.operand or "", self.msg)


class Condition(JsonRecord, frozen=True):
    """What must still be done when the verdict is CONDITIONAL.

    Attributes:
        due: an RFC 3339 time, or a date; when it has passed, the condition becomes a violation.
        id: its name: of the sign-off's condition, the waiver, or what it is about.
        closed_by: the code of a rule that then holds, or ``signoff``: an unconditional approval.
    """

    code: str
    msg: str
    stage: str
    owner: str
    due: str
    id: str
    closed_by: str


class Waived(Violation, frozen=True):
    """A violation under a valid waiver: still visible, never a PASS."""

    waiver: str
    reason: str
    reference: str
    approver: str
    effective_until: str


class Notice(JsonRecord, frozen=True):
    """A remark beside the verdict; the level ``error`` is a mistake that somebody has to correct."""

    code: str
    msg: str
    level: str = "warning"


class Weakening(JsonRecord, frozen=True):
    """Something that makes the decision say less than it would by default."""

    code: str
    msg: str


class TrustRef(JsonRecord, frozen=True):
    """A branch, tag or commit whose settings, policies and signers were taken, and its commit's full id."""

    name: str
    commit: str


class Alteration(JsonRecord, frozen=True):
    """A setting, signer or policy file that the judged change alters, compared with the trust ref."""

    name: str
    text: str


class Trust(JsonRecord, frozen=True):
    """Whose settings, policies and signers applied.

    Attributes:
        operator: SHA-256 of the operator's file, None without one.
        ref: the commit that settings, policies and signers are from, None without one.
        settings: by setting, where its value is from: ``operator``, ``trust_ref``, ``flag``, ``judged`` (the
            judged change itself) or ``default``.
        alterations: what the judged change alters of what it is judged by.
    """

    operator: str | None
    ref: TrustRef | None
    settings: dict[str, str]
    alterations: tuple[Alteration, ...]

    @property
    def anchors(self) -> tuple[str, ...]:
        """What the judged change cannot alter: ``operator``, ``trust_ref``, both or nothing."""
        return (*(["operator"] if self.operator else []), *(["trust_ref"] if self.ref else []))


class Signature(JsonRecord, frozen=True):
    """The latest valid approval in a role; all but the role is None where there is none."""

    role: str
    name: str | None = None
    principal: str | None = None
    key: str | None = None
    signed_at: str | None = None


class FileDigest(JsonRecord, frozen=True):
    """A file that was read, its SHA-256 and its size in bytes."""

    path: str
    sha256: str
    size: int


class EvidenceSummary(JsonRecord, frozen=True):
    """One collector's evidence: what it was made from, and what is wrong with it."""

    id: str
    collector: str
    digest: str
    provider: str | None
    observed_at: str | None
    tool: str | None
    sources: str
    files: tuple[FileDigest, ...]
    problems: tuple[Problem, ...]
    scopes: tuple[Scope, ...]


class Decision(JsonRecord, frozen=True):
    """A judged stage (or ``all``) with everything it rests on. See the contract for each field."""

    type: str
    workspace: str
    stage: str
    verdict: Verdict
    action: str | None
    effective_time: str
    effective_time_source: str
    gate_version: str
    subject: Subject
    policy: PolicyId
    engine: EngineId
    trust: Trust
    stages: dict[str, StageDecision]
    checks: tuple[Check, ...]
    violations: tuple[Violation, ...]
    conditions: tuple[Condition, ...]
    waived: tuple[Waived, ...]
    warnings: tuple[Notice, ...]
    signatures: tuple[Signature, ...]
    weakenings: tuple[Weakening, ...]
    evidence: tuple[EvidenceSummary, ...]
    settings_digest: str | None
    input_digest: str
    profile: Profile | None = None
    overrides: tuple[Override, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document, without its place in the ledger."""
        document: dict[str, Any] = to_json(self)
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Decision:
        """The decision of a document that ``to_json`` gave.

        Raises ValueError: it breaks the contract or contradicts itself; the message says where.
        """
        if broken := violations("", "decision", document) or [*inconsistencies(document)]:
            raise ValueError(f"{broken[0][0] or '/'}: {broken[0][1]}")
        # names are sorted in what is stored; rules are in the policies' order
        names = dict.fromkeys([*(check["stage"] for check in document["checks"]), *document["stages"]])
        return from_json(cls, {**document, "stages": {name: document["stages"][name] for name in names}})
