"""What a bundle says: rules, stages, and the plan of what must be evaluated. Plain frozen values."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from ...evidence.base.contracts import source_of
from ..decision.document import Override, Profile, Severity, Violation


class Rule(Struct, frozen=True):
    """One rule of the bundle, as its METADATA describes it.

    Attributes:
        code: ``<stage>.<short_name>``, unique in the bundle.
        kind: the prefix of the Rego rule that reports violations: ``deny`` or ``violation``.
        facts: dotted names of the facts that must have been measured; the first component is the collector.
        optional_facts: facts that may be unmeasured, but neither rejected nor unknown.
        effective_on_s: epoch seconds before which its violations only warn; None where it always binds.
        collections: names by which profiles select it; empty for a rule that is in every profile.
        selected: whether it is judged: without a profile, or in the profile in force.
        risk: what may happen where it does not hold, one sentence.
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
    optional_facts: tuple[str, ...] = ()
    effective_on_s: int | None = None
    collections: tuple[str, ...] = ()
    selected: bool = True
    risk: str | None = None

    @property
    def collectors(self) -> tuple[str, ...]:
        """Ids of the collectors whose facts it needs, in their order."""
        return tuple(dict.fromkeys(source_of(fact) for fact in self.facts))

    def violation(self, msg: str, **known: Any) -> Violation:
        """One way in which it does not hold, with further fields where they are known."""
        stated = {"code": self.code, "msg": msg, "severity": self.severity, "stage": self.stage}
        own = {"places": (), "evidence": self.collectors, "solution": self.solution}
        return Violation(**{**dict.fromkeys(Violation.__struct_fields__), **stated, **own, **known})


class Stage(Struct, frozen=True):
    """One gate: its question, what it depends on and the rules that must have been evaluated.

    ``conftest`` says that the rules are asked about one document at a time, and answer as Conftest's do.
    ``exhibits`` are the facts whose tables reports show, each with the columns.
    """

    id: str
    title: str
    question: str
    depends_on: tuple[str, ...]
    evidence: tuple[str, ...]
    rules: tuple[Rule, ...]
    headline: tuple[tuple[str, str], ...]
    package: str
    conftest: bool = False
    exhibits: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def collectors(self) -> frozenset[str]:
        """Ids of the collectors whose facts this stage's rules or headline need, or that it rests on."""
        return self.rests_on | {
            source_of(fact) for rule in self.rules if rule.selected for fact in rule.facts
        }

    def rule(self, name: str, title: str, severity: Severity, solution: str = "") -> Rule:
        """A rule about the stage itself, which is in no bundle."""
        return Rule(
            f"{self.id}.{name}", self.id, name, "violation", title, "", severity, solution, "", (), ()
        )

    @property
    def rests_on(self) -> frozenset[str]:
        """Ids of the collectors whose files are its evidence: those it names and those of its headline."""
        return frozenset(self.evidence) | {source_of(path) for _, path in self.headline}


class Plan(Struct, frozen=True):
    """All stages of a bundle in an order in which dependencies come first, and common parameters.

    Attributes:
        due_days: days that a condition may stay open, by severity.
        actions: what people are asked to do, by stage and outcome.
        on_unknown: by rule code, what follows when the rule cannot be told: ``fail`` (as for rules that are
            not listed), ``condition`` or ``warn``.
        never_waived: codes of rules that no waiver can be for.
        profiles: those that the bundle defines, by name.
        profile: the one in force; None where all rules are judged.
        overrides: the parameters that settings replace.
    """

    stages: dict[str, Stage]
    due_days: dict[str, int]
    waiver_roles: tuple[str, ...]
    waiver_warning_days: int
    actions: dict[str, dict[str, str]]
    on_unknown: dict[str, str] = field(default_factory=dict)
    never_waived: tuple[str, ...] = ()
    profiles: dict[str, Profile] = field(default_factory=dict)
    profile: Profile | None = None
    overrides: tuple[Override, ...] = ()

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
