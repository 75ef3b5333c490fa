"""What the audit report says, whatever it is rendered as. Frozen values; a plain string is data."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from ...decision.document import Decision, EvidenceSummary, Severity, Verdict
from ...ledger.interface import Entry
from .words import Said, Text


class Mark(Struct, frozen=True):
    """A status: its tone (``good``, ``bad``, ``warn`` or ``none``) and the word for it."""

    tone: str
    word: Said

    @property
    def sign(self) -> str:
        """A sign that tells the tones apart without colour."""
        return {"good": "✔", "bad": "✘", "warn": "!", "none": "–"}[self.tone]


class Metric(Struct, frozen=True):
    """A row of the executive table."""

    stage: str
    label: str
    target: Text
    current: Text
    mark: Mark
    code: str | None


class Gate(Struct, frozen=True):
    """A stage, and its place in the drawing: the column is the longest way to it."""

    id: str
    title: str
    question: str
    verdict: Verdict
    depends_on: tuple[str, ...]
    blocked_by: tuple[str, ...]
    holding: int
    rules: int
    column: int
    row: int


class Artifact(Struct, frozen=True):
    """A row of the artifact matrix."""

    pattern: str
    places: tuple[str, ...]
    found: Mark
    signed: Mark
    valid: Mark
    problems: tuple[str, ...]
    coverage: Text
    status: Mark


class Category(Struct, frozen=True):
    """The artifacts under one heading."""

    name: str
    artifacts: tuple[Artifact, ...]

    def count(self, tone: str) -> int:
        """How many of them have that tone."""
        return Counter(one.status.tone for one in self.artifacts)[tone]


class Anomaly(Struct, frozen=True):
    """One thing to correct: what was found, what is at risk, what follows, and what resolves it."""

    title: Text
    severity: Severity
    codes: tuple[str, ...]
    found: tuple[str, ...]
    risk: Text
    consequence: Text
    resolution: str
    owners: tuple[str, ...]
    due: str


class Comparison(Struct, frozen=True):
    """An operand of a rule with its value; ``holds`` is None where it was not evaluated."""

    name: str
    actual: Text
    op: str
    expected: Text
    holds: bool | None


class Rule(Struct, frozen=True):
    """A rule with its proof: operands, facts, where the evidence is, and why it does not hold."""

    code: str
    title: str
    severity: Severity
    mark: Mark
    operands: tuple[Comparison, ...]
    facts: tuple[tuple[str, Text], ...]
    looked_at: tuple[str, ...]
    evidence: tuple[EvidenceSummary, ...]
    places: tuple[str, ...]
    reasons: tuple[str, ...]
    solutions: tuple[str, ...]
    owner: str
    controls: tuple[str, ...]
    binds: str


class StageLogic(Struct, frozen=True):
    """A stage's formal logic: it passes when all of its rules hold and all it depends on has passed."""

    gate: Gate
    rules: tuple[Rule, ...]


class Role(Struct, frozen=True):
    """A line of the sign-off table, and the commands by which this role signs."""

    role: str
    name: str
    principal: str
    key: str
    signed_at: str
    mark: Mark
    here: str
    elsewhere: tuple[str, ...]


class Bar(Struct, frozen=True):
    """A bar of a chart: its length in thousandths, and the figures beside it."""

    label: Text
    length: int
    figure: Text
    note: Text
    mark: Mark


class Chart(Struct, frozen=True):
    """Bars with a limit, in thousandths; ``absent`` says why there is nothing to draw."""

    bars: tuple[Bar, ...]
    limit: int | None
    limit_text: Text
    absent: Said | None
    more: int = 0


class Curve(Struct, frozen=True):
    """A line through samples: SVG points of equity (720 × 200) and of drawdown (720 × 80), and its labels."""

    equity: str
    drawdown: str
    highest: str
    lowest: str
    begins: str
    ends: str
    summary: Said
    deepest: str


class Audit(Struct, frozen=True):
    """The whole report.

    Attributes:
        entry: the decision's place in the ledger; None where it was not recorded.
        headline: the verdict in a sentence.
        identity: what was judged, by what, and when.
        weakened: what makes the decision say less than it would by default.
        coverage, latency, checklist: None where the decision is not about them.
        equity: the paper session's curve, or why there is none.
    """

    decision: Decision
    entry: Entry | None
    title: str
    headline: Said
    counts: tuple[tuple[Severity, int], ...]
    identity: tuple[tuple[Said, Text], ...]
    weakened: tuple[str, ...]
    metrics: tuple[Metric, ...]
    gates: tuple[Gate, ...]
    categories: tuple[Category, ...]
    artifacts_left_out: int
    anomalies: tuple[Anomaly, ...]
    waived: tuple[tuple[str, str, str, str], ...]
    conditions: tuple[tuple[str, str, str], ...]
    notices: tuple[tuple[str, str], ...]
    logic: tuple[StageLogic, ...]
    roles: tuple[Role, ...]
    next_review: tuple[Said, ...]
    coverage: Chart | None
    latency: Chart | None
    checklist: Chart | None
    equity: Curve | Said | None
    verify: tuple[tuple[Said, str], ...]
    absent_artifacts: Said

    @property
    def blockers(self) -> tuple[Anomaly, ...]:
        """The anomalies each of which makes the verdict FAIL."""
        return tuple(one for one in self.anomalies if one.severity.blocks)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All rows of the matrix."""
        return tuple(one for category in self.categories for one in category.artifacts)

    @property
    def severities(self) -> tuple[tuple[Severity, tuple[Anomaly, ...]], ...]:
        """The anomalies by severity, heaviest first; only severities that have some."""
        groups = ((level, tuple(a for a in self.anomalies if a.severity is level)) for level in Severity)
        return tuple((level, found) for level, found in groups if found)
