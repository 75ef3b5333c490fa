"""OSCAL 1.1.3: a decision as assessment results, and what is open in it as a plan of action and milestones.

Reference: https://pages.nist.gov/OSCAL/reference/. Each collector's evidence is an observation, each rule a
control objective with a finding, each open or waived violation a risk with its remedy and deadline. What
OSCAL has no name for is a property under gate's own namespace. Identifiers are version 5 UUIDs of what a
decision is a function of (input, policies, time), so equal decisions are equal documents.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid5

from ....evidence.base.numbers import counted
from ....evidence.base.times import format_utc, parse_rfc3339
from ...decision.document import Check, CheckStatus, Decision, EvidenceSummary, Violation, Waived
from ...ledger.interface import Entry
from ...terminal.figures import comparison, printable
from ..findings import place_text
from ..interface import Screen
from ..json_format import render_json

VERSION: Final = "1.1.3"
NAMESPACE: Final = "urn:gate:oscal"
_IDS: Final = UUID("9e3d2a53-6c0b-5d0e-8f3d-3f1b6a9a7c41")
_RISK: Final = "http://csrc.nist.gov/ns/oscal/unknown"

Json = dict[str, Any]


def render_results(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The assessment results."""
    return render_json({"assessment-results": _Document(decision, entry).results()})


def render_plan(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The plan of action and milestones."""
    return render_json({"plan-of-action-and-milestones": _Document(decision, entry).plan()})


class _Document:
    def __init__(self, decision: Decision, entry: Entry | None) -> None:
        self.decision = decision
        self.entry = entry
        parts = (decision.input_digest, decision.policy.digest, decision.effective_time, decision.stage)
        self.digest = sha256("\0".join((*parts, decision.gate_version)).encode()).hexdigest()
        self.id = functools.cache(self._id)
        self._observed = {one.id for one in decision.evidence}
        self.origin = {"actors": [{"type": "tool", "actor-uuid": self.id("tool")}]}
        self.open = [*decision.violations, *decision.waived]

    def _id(self, *name: str) -> str:
        """The UUID of the part of that name."""
        return str(uuid5(_IDS, "\0".join((self.digest, *name))))

    def _observations(self, collectors: Iterable[str]) -> list[Json]:
        """The observations of collectors, of those that there are."""
        known = (name for name in dict.fromkeys(collectors) if name in self._observed)
        return [{"observation-uuid": self.id("observation", name)} for name in known]

    def results(self) -> Json:
        decision = self.decision
        controls = [{"control-id": _token(check.code)} for check in decision.checks]
        result = {
            "uuid": self.id("result"),
            "title": _line(f"{decision.stage}: {decision.verdict}"),
            "description": "What gate decided from the evidence, by the rules of the policy bundle.",
            "start": decision.effective_time,
            "end": decision.effective_time,
            "props": list(self._about()),
            "local-definitions": {"components": [self._system()], "assessment-assets": self._assets()},
            "reviewed-controls": {"control-selections": [{"include-controls": controls}]},
            "attestations": list(self._attestations()),
            "observations": [self._observation(one) for one in decision.evidence],
            "risks": [self._risk(number, one) for number, one in enumerate(self.open)],
            "findings": [self._finding(check) for check in decision.checks],
        }
        return {
            "uuid": self.id("assessment-results"),
            "metadata": self._metadata("Assessment results"),
            "import-ap": {"href": f"#{self.id('policy')}"},
            "results": [_without_empty(result)],
            "back-matter": {"resources": [self._policy()]},
        }

    def plan(self) -> Json:
        decision = self.decision
        document = {
            "uuid": self.id("plan"),
            "metadata": self._metadata("Plan of action and milestones"),
            "system-id": {"id": _line(decision.workspace)},
            "local-definitions": {"components": [self._system()], "assessment-assets": self._assets()},
            "observations": [self._observation(one) for one in decision.evidence],
            "risks": [self._risk(number, one) for number, one in enumerate(self.open)],
            "poam-items": list(self._items()) or [self._nothing()],
            "back-matter": {"resources": [self._policy()]},
        }
        return _without_empty(document)

    def _metadata(self, what: str) -> Json:
        decision = self.decision
        people = dict.fromkeys(_line(one.principal) for one in decision.signatures if one.principal)
        head = {
            "title": _line(f"{what}: {decision.workspace}, {decision.stage}"),
            "last-modified": decision.effective_time,
            "version": self.digest[:16],
            "oscal-version": VERSION,
            "roles": [{"id": _token(one.role), "title": _line(one.role)} for one in decision.signatures],
            "parties": [{"uuid": self.id("party", name), "type": "person", "name": name} for name in people],
        }
        return _without_empty(head)

    def _about(self) -> Iterator[Json]:
        decision, subject = self.decision, self.decision.subject
        yield _prop("verdict", decision.verdict.value)
        for name, stage in decision.stages.items():
            yield _prop("stage-verdict", stage.verdict.value, class_=name)
        if decision.action:
            yield _prop("action", decision.action)
        yield _prop("sources-sha256", subject.digest)
        if subject.commit:
            yield _prop("commit", subject.commit)
        yield _prop("input-sha256", decision.input_digest)
        if self.entry is not None:
            yield _prop("ledger-entry", str(self.entry.index))
            yield _prop("ledger-leaf-sha256", self.entry.digest)
        for weakening in decision.weakenings:
            yield _prop("weakening", weakening.msg, class_=weakening.code)

    def _system(self) -> Json:
        decision, subject = self.decision, self.decision.subject
        sources = f"{counted(subject.files, 'source file')}, sha256:{subject.digest}"
        return {
            "uuid": self.id("system"), "type": "this-system", "title": _line(decision.workspace),
            "description": sources, "status": {"state": "under-development"},
        }  # fmt: skip

    def _assets(self) -> Json:
        decision = self.decision
        engine = f"{decision.engine.name} {decision.engine.version}"
        tool = {
            "uuid": self.id("tool"), "type": "software", "title": "gate",
            "description": _line(f"gate {decision.gate_version}, {engine}"),
            "status": {"state": "operational"},
        }  # fmt: skip
        platform = {"uuid": self.id("platform"), "uses-components": [{"component-uuid": self.id("tool")}]}
        return {"components": [tool], "assessment-platforms": [platform]}

    def _policy(self) -> Json:
        policy = self.decision.policy
        return {
            "uuid": self.id("policy"),
            "title": _line(f"The policy bundle {policy.name} {policy.version}"),
            "description": "The rules that judged stand in place of an assessment plan.",
            "props": [_prop("sha256", policy.digest)],
        }

    def _attestations(self) -> Iterator[Json]:
        for one in self.decision.signatures:
            if one.principal is None:
                continue
            party = {"role-id": _token(one.role), "party-uuids": [self.id("party", _line(one.principal))]}
            prose = f"Approved by {one.principal} with key {one.key} at {one.signed_at}."
            part = {"name": "sign-off", "ns": NAMESPACE, "title": _line(one.role), "prose": _line(prose)}
            yield {"responsible-parties": [party], "parts": [part]}

    def _observation(self, one: EvidenceSummary) -> Json:
        told = [
            f"{problem.kind}: {problem.reason}" + (f" ({problem.path})" if problem.path else "")
            for problem in one.problems
        ]
        looked = [
            f"{scope.understood} of {scope.looked_at} {scope.unit}" for scope in one.scopes if scope.looked_at
        ]
        description = "; ".join([*looked, *told]) or "observed"
        files = [
            {"href": quote(printable(file.path)), "description": _line(file.path),
             "props": [_prop("sha256", file.sha256), _prop("bytes", str(file.size))]}
            for file in one.files
        ]  # fmt: skip
        found = {
            "uuid": self.id("observation", one.id),
            "title": _line(one.id),
            "description": _line(description),
            "props": [_prop("collector", one.collector), _prop("evidence-sha256", one.digest)],
            "methods": ["EXAMINE"],
            "types": ["control-objective"],
            "origins": [self.origin],
            "relevant-evidence": files,
            "collected": _time(one.observed_at, self.decision.effective_time),
        }
        return _without_empty(found)

    def _finding(self, check: Check) -> Json:
        concerned = [n for n, one in enumerate(self.open) if one.code == check.code]
        holds = check.status in (CheckStatus.HOLDS, CheckStatus.WARNS)
        reason = "pass" if holds else "fail" if check.status is CheckStatus.VIOLATED else "other"
        logic = "; ".join(comparison(operand) for operand in check.operands)
        found = {
            "uuid": self.id("finding", check.code),
            "title": _line(check.title),
            "description": _line(logic or check.status.value),
            "props": [
                _prop("status", check.status.value),
                _prop("severity", check.severity.value),
                *(_prop("control", control) for control in check.controls),
            ],
            "target": {
                "type": "objective-id",
                "target-id": _token(check.code),
                "status": {"state": "satisfied" if holds else "not-satisfied", "reason": reason},
            },
            "related-observations": self._observations(fact.collector for fact in check.facts),
            "related-risks": [{"risk-uuid": self.id("risk", str(number))} for number in concerned],
        }
        return _without_empty(found)

    def _risk(self, number: int, one: Violation) -> Json:
        waived = isinstance(one, Waived)
        remedy = {
            "uuid": self.id("remedy", str(number)), "lifecycle": "recommendation",
            "title": "What to do", "description": _line(one.solution),
        }  # fmt: skip
        facet = {"name": "severity", "system": _RISK, "value": one.severity.value}
        risk: Json = {
            "uuid": self.id("risk", str(number)),
            "title": _line(one.code),
            "description": _line(one.msg),
            "statement": _line(f"The rule {one.code} does not hold ({one.severity})."),
            "props": [_prop("place", place_text(place)) for place in one.places],
            "status": "deviation-approved" if waived else "open",
            "origins": [self.origin],
            "characterizations": [{"origin": self.origin, "facets": [facet]}],
            "remediations": [remedy],
            "related-observations": self._observations(one.evidence),
        }
        if (due := self._due(one)) is not None:
            risk["deadline"] = due
        if isinstance(one, Waived):
            agreed = f"Waived by {one.approver} ({one.waiver}, {one.reference}): {one.reason}"
            factor = {"uuid": self.id("waiver", str(number)), "description": _line(agreed)}
            risk["mitigating-factors"] = [factor]
        return _without_empty(risk)

    def _due(self, one: Violation) -> str | None:
        if isinstance(one, Waived):
            return _time(one.effective_until, None)
        due = (_time(c.due, None) for c in self.decision.conditions if c.code == one.code)
        return min(filter(None, due), default=None)

    def _items(self) -> Iterator[Json]:
        for number, one in enumerate(self.open):
            yield {
                "uuid": self.id("item", str(number)),
                "title": _line(f"{one.code}: {one.msg}"),
                "description": _line(one.solution),
                "related-risks": [{"risk-uuid": self.id("risk", str(number))}],
            }
        told = {one.code for one in self.open}
        for number, condition in enumerate(self.decision.conditions):
            if condition.code not in told:
                due = [_prop("due", condition.due), _prop("owner", condition.owner)]
                yield {
                    "uuid": self.id("condition", str(number)),
                    "title": _line(f"{condition.code}: {condition.id}"),
                    "description": _line(condition.msg),
                    "props": due,
                }

    def _nothing(self) -> Json:
        return {
            "uuid": self.id("nothing"),
            "title": "Nothing is open",
            "description": "Every rule that was judged holds; OSCAL demands at least one item.",
        }


def _prop(name: str, value: str, class_: str | None = None) -> Json:
    prop = {"name": name, "ns": NAMESPACE, "value": _line(value)}
    return prop if class_ is None else prop | {"class": _token(class_)}


def _line(text: str) -> str:
    """Text as OSCAL's strings are: one line, not empty, no white space around it."""
    return printable(text).strip() or "-"


def _token(text: str) -> str:
    """Text as OSCAL's tokens are: letters, digits, ``.``, ``-``, ``_``, no digit first."""
    made = re.sub(r"[^\w.\-]", "-", printable(text))
    return made if made[:1].isalpha() or made.startswith("_") else f"_{made}"


def _time(text: str | None, otherwise: str | None) -> str | None:
    """An RFC 3339 time or a date in UTC, as OSCAL's pattern knows few zones."""
    try:
        return format_utc(parse_rfc3339(text if text is not None and "T" in text else f"{text}T23:59:59Z"))
    except ValueError:
        return otherwise


def _without_empty(value: Json) -> Json:
    """The object without lists that are empty, which OSCAL does not permit."""
    return {name: item for name, item in value.items() if item not in ([], {})}
