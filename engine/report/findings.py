"""Groups violations into findings, one for each thing that a reader has to fix. Pure.

Violations of one rule are one finding. A problem of the evidence is one finding too, however many rules fail
because of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ...evidence.collecting.interface import Problem, ProblemKind, Scope
from ..decide.conditions import own_id
from ..decide.facts import Facts
from ..decision.document import Check, Condition, Decision, Notice, Place, Severity, Violation, Waived
from ..terminal.figures import label, requirement, shorten, unit_of
from ..terminal.lines import middle

T = TypeVar("T", Violation, Waived, Condition, Notice)
_UNORDERED = (None, "∅", "⊇")
_WHAT = {
    ProblemKind.MISSING: "no evidence",
    ProblemKind.REJECTED: "rejected",
    ProblemKind.UNKNOWN: "cannot be told",
}


class Finding(Struct, frozen=True):
    """One problem and the rules that do not hold because of it.

    Attributes:
        severity: the heaviest of its violations.
        raised_from: the severity of that violation's rule, where absent evidence raised it.
        kind: why the evidence decides nothing; None where it was measured and does not hold.
        items: the offending places or members, each one line.
        listed: what the items are: ``where``, ``missing``, ``which``.
    """

    codes: tuple[str, ...]
    severity: Severity
    raised_from: Severity | None
    kind: ProblemKind | None
    text: str
    items: tuple[str, ...]
    listed: str
    fix: str


class Findings:
    """A decision's findings, and how much its checks looked at."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision
        self._checks = {check.code: check for check in decision.checks}
        evidence = decision.evidence
        self._facts = Facts({}, {e.id: e.problems for e in evidence}, {}, {e.id: e.scopes for e in evidence})

    def all(self) -> list[Finding]:
        """Every finding, heaviest first. A stage that only waits for another has none; see ``waiting``."""
        found: list[Finding] = []
        rules: dict[str, list[Violation]] = {}
        problems: dict[Problem, dict[str, Violation]] = {}
        for violation in self._decision.violations:
            check = self._checks.get(violation.code)
            if violation.problem is None:
                if check is not None:
                    rules.setdefault(violation.code, []).append(violation)
                continue
            for problem in check.problems if check else ():
                # each reason once, however many facts it concerns
                same = replace(problem, fact="", remedy=problem.remedy or violation.solution)
                problems.setdefault(same, {})[violation.code] = violation
            if check is None or not check.problems:
                found.append(_of_message(violation))
        # several problems with one remedy that the same rules have are one finding
        merged: dict[object, list[Problem]] = {}
        for problem, concerned in problems.items():
            key = (problem.kind, problem.remedy, *concerned)
            merged.setdefault(key, []).append(problem)
        found += [self._of_rule(violations) for violations in rules.values()]
        found += [_of_problems(same, list(problems[same[0]].values())) for same in merged.values()]
        order = list(dict.fromkeys(violation.code for violation in self._decision.violations))
        return sorted(found, key=lambda one: (one.severity.rank, order.index(one.codes[0])))

    def waiting(self) -> dict[str, list[str]]:
        """By stage that cannot pass yet, the stages that must pass first."""
        found: dict[str, list[str]] = {}
        for violation in self._decision.violations:
            waits = violation.code not in self._checks and violation.problem is None
            if waits and violation.severity.blocks:
                found.setdefault(violation.stage, []).append(violation.term or "")
        return found

    def scopes(self, check: Check) -> tuple[Scope, ...]:
        """How much was looked at for the facts that the rule needs."""
        scopes = (self._facts.scope(fact.name) for fact in check.facts)
        return tuple({(s.looked_at, s.understood, s.unit): s for s in scopes if s is not None}.values())

    def conditions(self) -> Iterator[Condition]:
        """Conditions, without those that only repeat an open or waived violation."""
        stated = {(v.code, own_id(v)) for v in self._decision.violations}
        stated |= {(w.code, w.waiver) for w in self._decision.waived}
        return (one for one in self._decision.conditions if (one.code, one.id) not in stated)

    def _of_rule(self, violations: Sequence[Violation]) -> Finding:
        first = violations[0]
        check = self._checks[first.code]
        remarks = [notice.msg for notice in self._decision.warnings if notice.code == first.code]
        compared = [v for v in violations if v.operand is not None and v.op not in _UNORDERED]
        others = [v for v in violations if v not in compared]
        texts = [self._requirement(check, v) for v in compared] + [_message(v) for v in others]
        items = [place_text(place) for v in compared for place in v.places] + [_item(v) for v in others]
        items = [item for item in items if item]
        listed = "where" if any(v.places for v in violations) else "missing" if first.op == "⊇" else "which"
        if not items:
            items, listed = _folded(remarks), "note"
        return Finding(
            (first.code,), first.severity, first.raised_from, None,
            "; ".join(dict.fromkeys(texts)), tuple(dict.fromkeys(items)), listed, first.solution,
        )  # fmt: skip

    def _requirement(self, check: Check, v: Violation) -> str:
        share = self._share(check, v.actual) if v.unit == "ppm" else ""
        text = requirement(v.operand or "", v.op or "", v.actual, v.expected, v.unit, share)
        return text.removeprefix(f"{label(check.code.rpartition('.')[2])} ")

    def _share(self, check: Check, actual: Any) -> str:
        """The share as a count (``5 of 14 artifacts``) where the fact's own scope gives it; else empty."""
        for fact in check.facts:
            scope = self._facts.scope(fact.name)
            if not isinstance(actual, int) or scope is None or fact.name.partition(".")[2] != scope.fact:
                continue
            count = -(-actual * scope.looked_at // 1_000_000)
            if scope.looked_at and count * 1_000_000 // scope.looked_at == actual:
                return f"{count} of {scope.looked_at} {unit_of(scope.looked_at, scope.unit)}"
        return ""


def _of_message(v: Violation) -> Finding:
    """Of evidence or sources that decide nothing, where no rule says more than the message."""
    return Finding((v.code,), v.severity, v.raised_from, v.problem, v.msg, (), "where", v.solution)


def _of_problems(problems: Sequence[Problem], violations: Sequence[Violation]) -> Finding:
    first, heaviest = problems[0], min(violations, key=lambda v: v.key)
    raised = heaviest.raised_from if len(violations) == 1 else None
    return Finding(
        tuple(dict.fromkeys(v.code for v in violations)), heaviest.severity, raised, first.kind,
        _WHAT[first.kind], tuple(dict.fromkeys(map(_reason, problems))), "where", first.remedy,
    )  # fmt: skip


def _reason(problem: Problem) -> str:
    if problem.path is None or (problem.path in problem.reason and problem.place is None):
        return problem.reason
    return f"{place_text(Place.of(problem.path, problem.place))} {problem.reason}"


def place_text(place: Place) -> str:
    """The place as ``path:line``, a long path shortened in the middle."""
    return exactly(replace(place, path=middle(place.path)))


def _message(violation: Violation) -> str:
    """The violation's message, without the member of a list that it ends with."""
    return violation.msg.removesuffix(f": {_member(violation)}")


def _member(violation: Violation) -> str:
    """The member of a list that breaks the rule, and what is wrong with it."""
    told = violation.actual if violation.op == "∅" and isinstance(violation.actual, str) else violation.term
    return told or ""


def _item(violation: Violation) -> str:
    """The offending place and member as one line; a path that the member begins with is not repeated."""
    member = _member(violation)
    for place in violation.places:
        for known in (f"{place.path}:{place.line}", place.path):
            member = member.removeprefix(known)
    where = ", ".join(map(place_text, violation.places))
    return shorten(f"{where} {member.lstrip(' :,')}".rstrip() if where else member)


def _folded(texts: Sequence[str]) -> list[str]:
    """Shorten similar texts: the first stays whole, the others show only the words that differ."""
    rows = [text.split() for text in texts]
    if len({len(row) for row in rows}) != 1:
        return list(texts)
    varying = [n for n, words in enumerate(zip(*rows, strict=True)) if len(set(words)) > 1]
    return [*texts[:1], *(" ".join(row[n] for n in varying) for row in rows[1:])]


def by_code(items: Iterable[T]) -> defaultdict[str, list[T]]:
    """What there is about each rule."""
    found = defaultdict[str, list[T]](list)
    for item in items:
        found[item.code].append(item)
    return found


def first(items: Sequence[str], most: int) -> list[str]:
    """The first of the items, and how many more there are."""
    return [*items[:most], *([f"+{len(items) - most}"] if len(items) > most else [])]


def few(items: Sequence[str], most: int) -> str:
    """As `first`, in a line."""
    return ", ".join(first(items, most))


def exactly(place: Place) -> str:
    """The place as ``path:line`` or path and pointer, in full."""
    return place.path + (f":{place.line}" if place.line else place.pointer or "")
