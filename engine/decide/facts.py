"""All facts as the verdict rules see them: those of collectors, and those about the evidence itself. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ...evidence.base.contracts import source_of
from ...evidence.base.errors import masked
from ...evidence.base.records import lookup
from ...evidence.base.times import parse_rfc3339
from ...evidence.collecting.interface import Evidence, Origin, Problem, ProblemKind, Scope
from ..decision.document import Subject
from .model import Rule

NOT_MEASURED = "it was not measured"
UNWAIVABLE = {
    ProblemKind.REJECTED: "rejected evidence",
    ProblemKind.MISSING: "missing evidence",
    ProblemKind.UNKNOWN: "a rule that cannot be told",
}
"""What no waiver permits, in words, by why the evidence decides nothing; what weighs most comes first."""

Problems = Mapping[str, tuple[Problem, ...]]
"""By fact, why a rule cannot rely on it."""


class Facts(Struct, frozen=True):
    """By collector: what was measured, why the rest was not, and how much was looked at.

    ``values`` are the facts as the policies see them, ``files`` the number of files, and of outputs of
    commands, that evidence came from.
    """

    values: Mapping[str, Mapping[str, Any]]
    problems: Mapping[str, tuple[Problem, ...]]
    files: Mapping[str, int]
    scopes: Mapping[str, tuple[Scope, ...]] = field(default_factory=dict)

    def value(self, fact: str) -> Any:
        """The value of a dotted fact name, None where it was not measured."""
        return lookup(self.values, fact)

    def about(self, fact: str) -> tuple[Problem, ...]:
        """The problems of the fact, of what it is a part of, and of its parts."""
        collector, _, name = fact.partition(".")
        return tuple(
            p for p in self.problems.get(collector, ()) if _within(name, p.fact) or _within(p.fact, name)
        )

    def scope(self, fact: str) -> Scope | None:
        """How much was looked at for the fact; the narrowest statement that covers it."""
        collector, _, name = fact.partition(".")
        covering = [scope for scope in self.scopes.get(collector, ()) if _within(name, scope.fact)]
        return max(covering, key=lambda scope: len(scope.fact), default=None)

    def problems_of(self, fact: str) -> tuple[Problem, ...]:
        """Why a rule that needs the fact cannot rely on it; at least one problem where the fact is null.

        An empty list or object, and whatever nothing was looked at for, is unknown rather than good.
        """
        found = self.about(fact)
        value = self.value(fact)
        if value is None:
            covering = tuple(p for p in found if _within(fact.partition(".")[2], p.fact))
            return covering or found or (Problem(fact.partition(".")[2], NOT_MEASURED, ""),)
        if found:
            return found
        scope = self.scope(fact)
        if scope is not None and scope.looked_at == 0:
            reason = f"{source_of(fact)} looked at no {scope.unit}"
        elif scope is None and value in ([], {}, ()):
            reason = f"{fact} is empty, and nothing says how much was looked at"
        else:
            return ()
        remedy = f"check where evidence.{source_of(fact)} in gate.yaml looks"
        return (Problem(fact.partition(".")[2], reason, remedy, ProblemKind.UNKNOWN),)

    def problems_for(self, rule: Rule) -> Problems:
        """Why the rule cannot rely on its facts; those without a problem are left out."""
        found = {fact: self.problems_of(fact) for fact in rule.facts}
        for fact in rule.optional_facts:
            if problems := tuple(p for p in self.about(fact) if p.kind is not ProblemKind.MISSING):
                found[fact] = problems
        return {fact: problems for fact, problems in found.items() if problems}

    def decisive(self, rule: Rule, problems: Problems) -> Problems:
        """Of `problems_for`, those because of which the rule does not hold, whatever the policies answer.

        A fact that was measured, and of which only a part cannot be told, is not among them.
        """
        return {
            fact: found
            for fact, found in problems.items()
            if any(problem.kind is not ProblemKind.UNKNOWN for problem in found)
            or (fact in rule.facts and self.value(fact) is None)
        }


def worst_of(problems: Problems) -> ProblemKind:
    """What evidence with these problems is: rejected, or else missing, or else unknown."""
    kinds = {problem.kind for found in problems.values() for problem in found}
    return next(kind for kind in UNWAIVABLE if kind in kinds)


def _within(inner: str, outer: str) -> bool:
    return outer == "" or inner == outer or inner.startswith(f"{outer}.")


SOURCES = ("same", "same_commit", "unstated", "dirty", "other")
"""How evidence relates to what is judged, best first.

* ``same``: it states the digest of the judged sources, or their commit, and that nothing was changed since.
* ``same_commit``: it states the commit, and not whether there were changes.
* ``unstated``: it does not say what it was made from.
* ``dirty``: the commit, where it is stated, is the subject's, but the work tree differs or differed.
* ``other``: it was made from other sources.
"""


def provenance(
    evidence: Mapping[str, Evidence],
    subject: Subject,
    now_s: int,
    max_age_s: Mapping[str, int],
    modified: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """Facts about the evidence by collector, as ``contracts/facts/provenance.schema.json`` describes them.

    Args:
        max_age_s: by collector, how old its evidence may be by the operator's settings, in seconds.
        modified: files that the commit checked out has with other bytes, as names are stored.
    """
    return {
        name: _about(item, subject, now_s, max_age_s.get(name), modified)
        for name, item in sorted(evidence.items())
    }


def problems(evidence: Mapping[str, Evidence], about: Mapping[str, Mapping[str, Any]]) -> tuple[Problem, ...]:
    """Why it cannot be told what evidence was made from; evidence that came from nothing is missing.

    Args:
        evidence: what was collected.
        about: the facts about it, as :func:`provenance` gives them.
    """
    found: list[Problem] = []
    for name, item in evidence.items():
        fact = f"{name}.sources"
        if not item.files and not item.attachments:
            found += [replace(one, fact=fact) for one in item.problems if one.fact == ""]
        elif about[name]["sources"] == "unstated":
            reason = f"the evidence of {name} does not state what it was made from"
            found.append(
                Problem(
                    fact,
                    reason,
                    "make it again, then state that at once: gate provenance FILE",
                    ProblemKind.UNKNOWN,
                )
            )
    return tuple(found)


def _about(
    evidence: Evidence, subject: Subject, now_s: int, max_age_s: int | None, modified: Collection[str]
) -> dict[str, Any]:
    observed_at_s = None if evidence.observed_at is None else parse_rfc3339(evidence.observed_at)
    age_s = None if observed_at_s is None else now_s - observed_at_s
    related = [_related(origin, subject) for origin in evidence.origins]
    return {
        "observed_at_s": observed_at_s,
        "age_s": age_s,
        "max_age_s": max_age_s,
        "fresh": None if max_age_s is None else age_s is not None and 0 <= age_s <= max_age_s,
        "sources": max(related, key=SOURCES.index, default="unstated"),
        "statements": len(related),
        "commits": sorted({origin.commit for origin in evidence.origins if origin.commit is not None}),
        "tool": evidence.tool,
        "format": evidence.format,
        "provider": evidence.provider,
        "files": len(evidence.files),
        "uncommitted": [
            path for file in evidence.files if modified and (path := masked(file.path)) in modified
        ],
    }


def _related(origin: Origin, subject: Subject) -> str:
    if origin.digest is not None:
        return "same" if origin.digest == subject.digest else "other"
    if origin.commit is None:
        return "dirty" if origin.dirty else "unstated"
    if origin.commit != subject.commit:
        return "other"
    if origin.dirty or subject.dirty:
        return "dirty"
    return "same_commit" if origin.dirty is None else "same"
