"""The values that flow through the engine: rules, stages, what was judged and what came out.

Plain frozen dataclasses: no I/O, no clock, no policy engine. Figures are scaled integers with a unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ...evidence.base.contracts import source_of


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
        return list(Severity).index(self)

    @property
    def blocks(self) -> bool:
        """Whether one violation of this severity makes the verdict FAIL."""
        return self in (Severity.CRITICAL, Severity.HIGH)


class CheckStatus(StrEnum):
    """What became of one rule."""

    HOLDS = "holds"
    VIOLATED = "violated"
    MISSING = "missing evidence"
    WAIVED = "waived"
    CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the bundle, as its METADATA describes it.

    Attributes:
        code: ``<stage>.<short_name>``, unique in the bundle.
        kind: the prefix of the Rego rule that reports violations: ``deny`` or ``violation``.
        facts: dotted names of the facts that must have been measured; the first component is the collector.
    """

    code: str
    stage: str
    short_name: str
    kind: str
    title: str
    description: str
    severity: Severity
    solution: str
    owner: str
    controls: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """One gate: its question, what it depends on and the rules that must have been evaluated."""

    id: str
    title: str
    question: str
    depends_on: tuple[str, ...]
    evidence: tuple[str, ...]
    rules: tuple[Rule, ...]
    headline: tuple[tuple[str, str], ...]
    package: str

    @property
    def collectors(self) -> frozenset[str]:
        """Ids of the collectors whose facts this stage's rules or headline need, or that it rests on."""
        return self.rests_on | {source_of(fact) for rule in self.rules for fact in rule.facts}

    @property
    def rests_on(self) -> frozenset[str]:
        """Ids of the collectors whose files are its evidence: those it names and those of its headline."""
        return frozenset(self.evidence) | {source_of(path) for _, path in self.headline}


@dataclass(frozen=True, slots=True)
class Plan:
    """All stages of a bundle in an order in which dependencies come first, and common parameters."""

    stages: dict[str, Stage]
    due_days: dict[str, int]
    waiver_roles: tuple[str, ...]
    waiver_warning_days: int
    actions: dict[str, dict[str, str]]
    on_unknown: dict[str, str] = field(default_factory=dict)

    def closure(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The wanted stages and everything they depend on, dependencies first."""
        needed: set[str] = set()
        pending = list(wanted)
        while pending:
            stage = pending.pop()
            if stage not in needed:
                needed.add(stage)
                pending.extend(self.stages[stage].depends_on)
        return tuple(stage for stage in self.stages if stage in needed)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: a content digest of the source paths always, the git commit where there is one.

    Attributes:
        digest: SHA-256 of the ``sha256sum``-style manifest of the source files.
        dirty: whether source paths differ from the commit; None without git.
        author: e-mail of the commit's author, who may not approve it; None without git.
    """

    digest: str
    commit: str | None
    dirty: bool | None
    author: str | None
    sources: tuple[str, ...]
    files: int


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which one rule did not hold.

    Attributes:
        severity: how much it weighs.
        raised_from: the rule's own severity where missing evidence weighs more than that; None otherwise.
    """

    code: str
    msg: str
    severity: Severity
    stage: str
    operand: str | None
    op: str | None
    expected: Any
    actual: Any
    unit: str | None
    term: str | None
    solution: str
    evidence: tuple[str, ...]
    missing: bool = False
    raised_from: Severity | None = None

    @property
    def key(self) -> tuple[int, str, str, str, str]:
        """Sort key: heaviest first, then by code and term."""
        return (self.severity.rank, self.code, self.term or "", self.operand or "", self.msg)


@dataclass(frozen=True, slots=True)
class Condition:
    """What must still be done when the verdict is CONDITIONAL; ``due`` is an RFC 3339 time."""

    code: str
    msg: str
    stage: str
    owner: str
    due: str


@dataclass(frozen=True, slots=True)
class Waived:
    """A violation under a valid waiver: still visible, never a PASS."""

    violation: Violation
    waiver: str
    reason: str
    reference: str
    approver: str
    effective_until: str


@dataclass(frozen=True, slots=True)
class Check:
    """One rule with the values it compared."""

    rule: Rule
    status: CheckStatus
    operands: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class StageResult:
    """Everything judged about one stage.

    Attributes:
        has_evidence: whether anything was found of what the stage rests on; the verdict never asks.
    """

    stage: Stage
    verdict: Verdict
    checks: tuple[Check, ...] = ()
    violations: tuple[Violation, ...] = ()
    waived: tuple[Waived, ...] = ()
    conditions: tuple[Condition, ...] = ()
    warnings: tuple[dict[str, str], ...] = ()
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    has_evidence: bool = True
