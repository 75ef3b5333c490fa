"""A decision as a Gemara evaluation log: what was found about each rule, and what follows for its control.

Each rule is a control with one assessment, under the ids of the catalog that :mod:`.catalog` makes of the
bundle. The assessment's result says what was found, the control's what the policies make of it: a waived
violation is ``Failed`` and ``Needs Review``, missing evidence ``Unknown`` and ``Failed``. The log's own
result is the verdict. The effective time stands for all times, so equal decisions are equal logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ....evidence.base.numbers import counted
from ...decision.document import Check, CheckStatus, Decision, Verdict, Violation, Waived
from ...ledger.interface import Entry
from ...terminal.figures import comparison
from ...terminal.lines import Screen
from ..explain import MAX_FILES
from ..findings import Findings, by_code, exactly
from .documents import DEPENDENCY, SUBJECT, metadata, own_id, render_yaml, requirement_id

_VERDICTS = {Verdict.PASS: "Passed", Verdict.FAIL: "Failed", Verdict.CONDITIONAL: "Needs Review"}
_FOUND = {
    CheckStatus.HOLDS: "Passed",
    CheckStatus.VIOLATED: "Failed",
    CheckStatus.WAIVED: "Failed",
    CheckStatus.MISSING: "Unknown",
    CheckStatus.UNKNOWN: "Unknown",
    CheckStatus.CONDITIONAL: "Needs Review",
    CheckStatus.PENDING: "Needs Review",
    CheckStatus.EXCEPTED: "Needs Review",
    CheckStatus.WARNS: "Needs Review",
    CheckStatus.LEFT_OUT: "Not Applicable",
}


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The evaluation log of a decision, as YAML."""
    return render_yaml(evaluation_log(decision, entry))


def evaluation_log(decision: Decision, entry: Entry | None = None) -> dict[str, Any]:
    """The decision as a Gemara ``EvaluationLog``; ``entry`` is its place in the ledger."""
    return _Log(decision).document(entry)


class _Log:
    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.violations = by_code(decision.violations)
        self.waived = by_code(decision.waived)
        self.conditions = by_code(decision.conditions)
        self.open = by_code(Findings(decision).conditions())
        self.warnings = by_code(decision.warnings)
        self.evidence = {item.id: item for item in decision.evidence}
        self.catalog = decision.policy.name
        self.recorded = f"{self.catalog}.evidence"

    def document(self, entry: Entry | None) -> dict[str, Any]:
        decision, policy, subject = self.decision, self.decision.policy, self.decision.subject
        references = [
            {
                "id": self.catalog,
                "title": f"The rules of the policy bundle {policy.name}",
                "version": policy.version,
                "description": f"Digest of the bundle: sha256:{policy.digest}",
            },
            {
                "id": self.recorded,
                "title": "What the decision was made from, by collector",
                "version": f"sha256:{decision.input_digest}",
            },
        ]
        head = metadata(
            "EvaluationLog",
            f"{decision.workspace}.{decision.stage}.{decision.input_digest[:16]}",
            " ".join(self._description(entry)),
            decision.gate_version,
            date=decision.effective_time,
            mapping_references=references,
        )
        changed = ", with changes that are not committed" if subject.dirty else ""
        target = {
            "id": decision.workspace,
            "name": decision.workspace,
            "type": "Software",
            "version": subject.commit or f"sha256:{subject.digest}",
            "description": f"{counted(subject.files, 'source file')}{changed}, sha256:{subject.digest}",
        }
        result = _VERDICTS[decision.verdict]
        return {"metadata": head, "target": target, "result": result, "evaluations": list(self._controls())}

    def _description(self, entry: Entry | None) -> Iterator[str]:
        decision = self.decision
        stages = ", ".join(f"{name} {stage.verdict}" for name, stage in decision.stages.items())
        yield f"{decision.stage}: {decision.verdict} ({stages})."
        if decision.action is not None:
            yield f"Asked for: {decision.action}."
        if entry is not None:
            yield f"Recorded as ledger entry {entry.index}, leaf {entry.digest}."
        for weakening in decision.weakenings:
            yield f"Weakened: {weakening.msg}."

    def _controls(self) -> Iterator[dict[str, Any]]:
        for name, stage in self.decision.stages.items():
            yield self._sources(name)
            if stage.depends_on:
                yield self._dependencies(name, stage.depends_on)
            yield from (self._rule(check) for check in self.decision.checks if check.stage == name)

    def _sources(self, stage: str) -> dict[str, Any]:
        id_, files = own_id(stage, "subject"), self.decision.subject.files
        broken, more = self.violations[f"{stage}.subject"], () if files else ("There is no source file.",)
        found = "Unknown" if broken or not files else "Passed"
        step = f"read {counted(files, 'source file')}"
        read = self._assessment(requirement_id(id_), SUBJECT, found, broken, stage, [step], more)
        return self._control(id_, SUBJECT, "Failed" if broken else found, [read])

    def _dependencies(self, stage: str, others: Sequence[str]) -> dict[str, Any]:
        id_, assessments = own_id(stage, "dependency"), []
        for other in others:
            verdict = self.decision.stages[other].verdict
            step = f"{other} ({verdict}) = PASS → {'true' if verdict is Verdict.PASS else 'false'}"
            broken = [one for one in self.violations[f"{stage}.dependency"] if one.term == other]
            requirement, title = requirement_id(id_, other), f"{other} passed"
            assessments.append(
                self._assessment(requirement, title, _VERDICTS[verdict], broken, stage, [step])
            )
        results = {str(assessment["result"]) for assessment in assessments}
        worst = next((one for one in ("Failed", "Needs Review") if one in results), "Passed")
        return self._control(id_, DEPENDENCY, worst, assessments)

    def _rule(self, check: Check) -> dict[str, Any]:
        code, found = check.code, _FOUND[check.status]
        broken = [*self.violations[code], *self.waived[code]]
        operands = [comparison(operand) for operand in check.operands]
        if check.status is CheckStatus.MISSING:
            operands = [f"{text.rpartition(' → ')[0]} → not evaluated" for text in operands]
        more = [f"{c.msg} (open until {c.due}, for {c.owner})" for c in self.open[code]]
        more += [notice.msg for notice in self.warnings[code]]
        assessment = self._assessment(
            requirement_id(code), check.title, found, broken, check.stage, operands or [code], more
        )
        if check.status is CheckStatus.MISSING or not operands:
            assessment["steps-executed"] = 0
        if check.status is not CheckStatus.HOLDS:
            assessment.setdefault("recommendation", check.solution)
        if evidence := list(self._evidence(check)):
            assessment["evidence"] = evidence
        if any(violation.severity.blocks for violation in self.violations[code]):
            found = "Failed"
        elif broken or self.conditions[code]:
            found = "Needs Review"
        remarks = f"{check.severity}; owner: {check.owner}; for {', '.join(check.controls)}"
        return self._control(code, check.title, found, [assessment], check.status.value, remarks)

    def _evidence(self, check: Check) -> Iterator[dict[str, Any]]:
        """What the rule needs of each collector; the digest is that of all that the collector found."""
        for source in dict.fromkeys(fact.collector for fact in check.facts):
            if (item := self.evidence.get(source)) is None:
                continue
            facts = [{"name": f.name, "value": f.value} for f in check.facts if f.collector == source]
            few = item.files if len(item.files) <= MAX_FILES else ()
            files = [{"path": file.path, "digest": f"sha256:{file.sha256}"} for file in few]
            yield {
                "id": f"{check.code}.{source}",
                "type": item.collector,
                "collected-at": self.decision.effective_time,
                "payload": {"facts": facts, "files": files},
                "source": {
                    "reference-id": self.recorded,
                    "coordinate": source,
                    "digest": f"sha256:{item.digest}",
                },
                "description": f"files read: {len(item.files)}",
            }

    def _assessment(
        self,
        requirement: str,
        title: str,
        result: str,
        broken: Sequence[Violation],
        stage: str,
        steps: list[str],
        more: Sequence[str] = (),
    ) -> dict[str, Any]:
        message = "; ".join(dict.fromkeys([*map(_message, broken), *more]))
        assessment = {
            "requirement": {"reference-id": self.catalog, "entry-id": requirement},
            "description": title,
            "result": result,
            "message": message or "It holds.",
            "applicability": [stage],
            "steps": steps,
            "steps-executed": len(steps),
            "start": self.decision.effective_time,
        }
        if broken:
            assessment["recommendation"] = "; ".join(dict.fromkeys(one.solution for one in broken))
        return assessment

    def _control(
        self,
        id_: str,
        title: str,
        result: str,
        assessments: list[dict[str, Any]],
        message: str = "",
        remarks: str = "",
    ) -> dict[str, Any]:
        entry = {"reference-id": self.catalog, "entry-id": id_}
        return {
            "name": title,
            "result": result,
            "message": message or "; ".join(dict.fromkeys(one["message"] for one in assessments)),
            "control": {**entry, "remarks": remarks} if remarks else entry,
            "assessment-logs": assessments,
        }


def _message(violation: Violation) -> str:
    """What is wrong, with the member and the places that the text does not name itself."""
    text, term = violation.msg, violation.term
    if term and term not in text:
        text = f"{text} [{term}]"
    places = [exactly(place) for place in violation.places if place.path not in text]
    if places:
        text = f"{text} ({', '.join(places)})"
    if isinstance(violation, Waived):
        by, until = violation.approver, violation.effective_until
        text = f"Waived by {by} until {until} ({violation.waiver}): {text}"
    return text
