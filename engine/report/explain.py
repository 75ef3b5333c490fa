"""The tree behind a decision: verdict → rule → operand values → fact → evidence file and digest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...evidence.base.records import to_json
from ..decision.document import Decision
from ..ledger.interface import Entry
from .figures import clean, comparison, figure, for_people, shorten, weight
from .interface import Screen

MAX_FILES = 6
_MARK = {
    "holds": "✔",
    "violated": "✘",
    "missing evidence": "✘",
    "cannot be told": "?",
    "waived": "~",
    "conditional": "~",
}


def render_explanation(decision: dict[str, Any], stage: str | None = None) -> str:
    """Explain a decision document.

    Args:
        decision: the document; with ``ledger`` where it was recorded.
        stage: explain this stage of it in full; the decision's own stage when not given.
    """
    main = stage or decision["stage"]
    lines = [
        f"{decision['verdict']}  {decision['stage']} of {clean(decision['workspace'])}, "
        f"as of {decision['effective_time']}" + (f"  → {decision['action']}" if decision["action"] else "")
    ]
    place = decision.get("ledger")
    if place is not None:
        lines.append(f"  ledger entry {place['index']}, leaf {place['digest']}")
    lines.append(f"  subject sha256:{decision['subject']['digest']}")
    if decision["subject"]["commit"]:
        lines.append(f"  commit  {decision['subject']['commit']}")
    lines.append(f"  policy  {decision['policy']['name']} {decision['policy']['version']}")
    lines.append(f"          sha256:{decision['policy']['digest']}")
    for item in decision["weakenings"]:
        lines.append(f"  note: {clean(item['msg'])}")
    for name, value in decision["stages"].items():
        if stage is not None and name != stage:
            continue
        lines.append("")
        lines += _stage(decision, name, value, full=name == main or main == "all")
    for item in decision["warnings"]:
        lines.append(f"{item['level']} {clean(item['code'])}: {clean(item['msg'])}")
    return "\n".join(clean(line) for line in lines) + "\n"


def _stage(decision: dict[str, Any], name: str, stage: dict[str, Any], *, full: bool) -> Iterator[str]:
    yield f"{name}  {stage['verdict']}  {clean(stage['title'])}: {clean(stage['question'])}"
    if not stage["has_evidence"]:
        yield "  there is no evidence for it at all"
    checks = [check for check in decision["checks"] if check["stage"] == name]
    dependencies = [(other, decision["stages"][other]["verdict"]) for other in stage["depends_on"]]
    yield "  formal logic, all of:"
    for check in checks:
        operands = [comparison(operand) for operand in check["operands"]]
        if check["status"] == "missing evidence":
            operands = [_without_verdict(operand) for operand in operands]
        for operand in operands:
            yield f"    {operand}"
    for other, verdict in dependencies:
        yield f"    {other} ({verdict}) = PASS → {'true' if verdict == 'PASS' else 'false'}"
    if not (checks or dependencies):
        return
    yield f"    → {stage['verdict']}"
    for check in checks:
        if full or check["status"] != "holds":
            yield from _check(decision, check)
    for violation in decision["violations"]:
        if violation["stage"] == name and violation["code"] == f"{name}.dependency":
            yield f"  ✘ {violation['code']}  {violation['severity']}  {clean(violation['msg'])}"
            yield f"      to hold   {clean(violation['solution'])}"


def _without_verdict(operand: str) -> str:
    return operand.rpartition(" → ")[0] + " → not evaluated, evidence is missing"


def _check(decision: dict[str, Any], check: dict[str, Any]) -> Iterator[str]:
    status, severity = check["status"], _weight(decision, check)
    yield f"  {_MARK[status]} {check['code']}  {severity}  {clean(check['title'])}  [{status}]"
    missing = status == "missing evidence"
    for operand in check["operands"]:
        text = comparison(operand)
        yield f"      operand   {_without_verdict(text) if missing else text}"
    for fact in check["facts"]:
        yield f"      fact      {fact['name']} = {_raw(fact['value'])}"
    sources = {fact["collector"] for fact in check["facts"]}
    for evidence in decision["evidence"]:
        if evidence["id"] not in sources:
            continue
        yield f"      evidence  {evidence['collector']} sha256:{evidence['digest']}"
        made = _made(evidence)
        if made:
            yield f"        made    {clean(made)}"
        for file in evidence["files"][:MAX_FILES]:
            yield f"        file    {clean(file['path'])} sha256:{file['sha256']}"
        if len(evidence["files"]) > MAX_FILES:
            yield f"        file    and {len(evidence['files']) - MAX_FILES} more, in the decision's JSON"
        if not evidence["files"]:
            yield "        file    none was found"
    if status == "holds":
        return
    for violation in [*decision["violations"], *decision["waived"]]:
        if violation["code"] == check["code"]:
            term = f" [{clean(violation['term'])}]" if violation["term"] else ""
            yield f"      because   {clean(violation['msg'])}{term}"
    for need in _needs(check, missing=missing):
        yield f"      to hold   {need}"
    yield f"      to do     {clean(_solution(decision, check))}"


def _weight(decision: dict[str, Any], check: dict[str, Any]) -> str:
    """The rule's severity, or what missing evidence made of it."""
    raised = (v for v in decision["violations"] if v["code"] == check["code"] and v["raised_from"])
    return next((weight(violation) for violation in raised), str(check["severity"]))


_SOURCES = {
    "same": "from what is judged",
    "same_commit": "from this commit; whether there were changes is not stated",
    "dirty": "from this commit, with changes then or now",
    "other": "from other sources than those judged",
}


def _made(evidence: dict[str, Any]) -> str:
    """What evidence states of its making, as one line; nothing where it states nothing."""
    said = [_SOURCES[evidence["sources"]]] if evidence.get("sources") in _SOURCES else []
    said += [f"at {evidence['observed_at']}"] if evidence["observed_at"] else []
    said += [f"by {evidence['tool']}"] if evidence.get("tool") else []
    said += [f"collected by {evidence['provider']}"] if evidence.get("provider") else []
    return ", ".join(said)


def _solution(decision: dict[str, Any], check: dict[str, Any]) -> str:
    for violation in decision["violations"]:
        if violation["code"] == check["code"]:
            return str(violation["solution"])
    return str(check["solution"])


def _needs(check: dict[str, Any], *, missing: bool) -> Iterator[str]:
    for operand in check["operands"]:
        if operand["holds"] or (missing and operand["op"] in ("∅", "⊇")) or operand["expected"] is None:
            continue
        name, op, unit = clean(str(operand["name"])), operand["op"], operand["unit"]
        if op == "∅":
            yield f"{name} must be empty; fix {figure(operand['actual'], unit)}"
        elif op == "⊇":
            yield f"{name} must also have {figure(operand.get('terms') or operand['expected'], unit)}"
        else:
            now = figure(operand["actual"], unit, operand["expected"])
            yield f"{name} must be {op} {figure(operand['expected'], unit, operand['actual'])}; it is {now}"


def _raw(value: Any) -> str:
    if value is None:
        return "unmeasured"
    return shorten(clean(str(value)))


class ExplainReport:
    """The tree behind a decision."""

    def render(self, decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
        """See :class:`~gate.engine.report.interface.Report`."""
        return for_people(render_explanation({**decision.to_json(), "ledger": to_json(entry)})).encode()
