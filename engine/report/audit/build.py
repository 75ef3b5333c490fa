"""Builds the audit report from a typed decision alone. Pure: the same decision gives the same report."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from typing import Any

from ....evidence.collecting.interface import ProblemKind
from ...decide.recorded import ALL
from ...decision.document import Check, CheckStatus, Decision, Severity, Signature, Verdict
from ...ledger.interface import Entry
from ...terminal.figures import figure, label, scale
from ..findings import Finding, Findings, first
from ..interface import Screen
from ..table import overridden, trusted
from . import charts
from .model import Anomaly, Artifact, Audit, Category, Mark, Metric, Role
from .proof import MARKS, compared, gates, logic, shown
from .words import Said, Text, say

MOST_ITEMS = 30
"""Places or members shown of one anomaly; the rest is counted."""
MOST_NOTICES = 200
"""Remarks shown; all are in the decision."""
MOST_RISKS = 3
"""Rules whose risks are stated for one anomaly, the heaviest ones."""
_FOUND: dict[bool | None, Mark] = {True: Mark("good", say("yes")), False: Mark("bad", say("no"))}
_SIGNED = {
    "detached": Mark("good", say("by its own signature")),
    "manifest": Mark("good", say("by a signed manifest")),
    "signed_commit": Mark("good", say("by a signed commit")),
    "signed_tag": Mark("good", say("by a signed tag")),
    "commit": Mark("warn", say("implicit, by a commit")),
    "none": Mark("bad", say("no")),
}
_VALID = {**_FOUND, None: Mark("none", say("not applicable"))}
_STATUS = {
    "compliant": Mark("good", say("compliant")),
    "partial": Mark("warn", say("partial")),
    "non_compliant": Mark("bad", say("non-compliant")),
}
_KINDS = {
    ProblemKind.MISSING: "No evidence: {what}",
    ProblemKind.REJECTED: "Rejected evidence: {what}",
    ProblemKind.UNKNOWN: "Cannot be told: {what}",
}
_SELF_JUDGED = "self-judged: the judged change itself decided all settings"
_UNTOLD = Mark("none", say("not stated"))


def build(decision: Decision, entry: Entry | None, screen: Screen) -> Audit:
    """The report about a decision.

    Args:
        entry: its place in the ledger; None where it was not recorded.
        screen: the options by which the commands that the report proposes judge the same.
    """
    drawn, tables, found = gates(decision), charts.Tables(decision), Findings(decision)
    anomalies = tuple(_anomaly(decision, one) for one in found.all())
    counted = Counter(one.severity for one in anomalies)
    return Audit(
        decision=decision,
        entry=entry,
        title=drawn[-1].title if decision.stage == ALL else decision.stages[decision.stage].title,
        headline=_headline(decision, anomalies),
        counts=tuple((level, counted[level]) for level in Severity if counted[level]),
        identity=tuple(_identity(decision, entry)),
        weakened=tuple(
            [one.msg for one in decision.weakenings]
            + [overridden(one) for one in decision.overrides]
            + ([] if decision.trust.anchors else [_SELF_JUDGED])
        ),
        metrics=tuple(_metrics(decision)),
        gates=drawn,
        categories=_categories(tables),
        artifacts_left_out=tables.left_out("artifacts.rows"),
        anomalies=anomalies,
        waived=tuple((w.code, w.msg, f"{w.waiver}, {w.approver}: {w.reason}", w.effective_until[:10])
                     for w in decision.waived),
        conditions=tuple((one.msg, one.owner, one.due[:10]) for one in decision.conditions),
        notices=tuple(dict.fromkeys((one.level, one.msg) for one in decision.warnings))[:MOST_NOTICES],
        logic=logic(decision, drawn),
        roles=tuple(_role(decision, one, screen.arguments) for one in decision.signatures),
        next_review=tuple(_reviews(decision)),
        coverage=charts.coverage(tables),
        latency=charts.latency(tables),
        checklist=charts.checklist(tables),
        equity=charts.equity(tables),
        verify=tuple(_verify(decision, entry, screen.arguments)),
        absent_artifacts=tables.absent("artifacts.rows"),
    )  # fmt: skip


def _headline(decision: Decision, anomalies: tuple[Anomaly, ...]) -> Said:
    held = sum(check.status is CheckStatus.HOLDS for check in decision.checks)
    total, critical = len(decision.checks), sum(one.severity is Severity.CRITICAL for one in anomalies)
    unknown = sum(check.status is CheckStatus.UNKNOWN for check in decision.checks)
    if decision.verdict is Verdict.PASS and unknown:
        text = "It may proceed: {held} of {total} rules hold, and none is broken; {unknown} cannot be told."
        return say(text, held=held, total=total, unknown=unknown)
    if decision.verdict is Verdict.PASS:
        return say(
            "It may proceed: {held} of {total} rules hold, and nothing blocks it.", held=held, total=total
        )
    if decision.verdict is Verdict.CONDITIONAL:
        count = len(decision.conditions)
        return say("It may proceed only once what is open is done: {count} conditions.", count=count)
    text = "It must not proceed: {held} of {total} rules hold; {found} findings, {critical} of them critical."
    return say(text, held=held, total=total, found=len(anomalies), critical=critical)


def _identity(decision: Decision, entry: Entry | None) -> list[tuple[Said, Text]]:
    subject, policy = decision.subject, decision.policy
    commit: Text = subject.commit or say("none: no git repository")
    if subject.commit and subject.dirty:
        commit = say("{commit}, with changes that are not committed", commit=subject.commit)
    place: Text = say("not recorded")
    if entry is not None:
        place = say("entry {index} of the ledger, leaf {leaf}", index=entry.index, leaf=entry.digest)
    rows: list[tuple[Said, Text]] = [
        (say("Judged as of"), decision.effective_time),
        (say("Commit"), commit),
        (say("Sources"), say("{count} files, sha256:{digest}", count=subject.files, digest=subject.digest)),
        (say("Policies"), f"{policy.name} {policy.version}, sha256:{policy.digest}"),
        (say("Trusted"), trusted(decision.trust)),
        (say("Recorded"), place),
        (say("Input"), f"sha256:{decision.input_digest}"),
        (say("Judged by"), f"gate {decision.gate_version}, {decision.engine.name} {decision.engine.version}"),
    ]
    if decision.profile is not None:
        rows.append((say("Profile"), f"{decision.profile.name}: {decision.profile.title}"))
    return rows


def _metrics(decision: Decision) -> list[Metric]:
    """The stages' figures, each with the limit of the operand that has its name."""
    rows = []
    for name, stage in decision.stages.items():
        operands = {
            operand.name: (check, operand)
            for check in decision.checks
            if check.stage == name and check.status is not CheckStatus.LEFT_OUT
            for operand in reversed(check.operands)
        }
        for key, item in stage.figures.items():
            check, operand = operands.get(key, (None, None))
            target: Text = say("none set")
            mark = Mark("none", say("for information"))
            current = shown(item.value if stage.has_evidence else None, scale(key, item.unit))
            if check is not None and operand is not None:
                one = compared(operand)
                target = (
                    say("none") if operand.op == "∅" else say("{op} {value}", op=one.op, value=one.expected)
                )
                current = one.actual if type(operand.actual) is int else current
                mark = Mark("good", say("met")) if operand.holds else Mark("bad", say("not met"))
                if check.status in (CheckStatus.MISSING, CheckStatus.UNKNOWN):
                    mark = MARKS[check.status]
            if item.value is None or not stage.has_evidence:
                mark = Mark("bad" if operand else "none", say("not measured"))
            rows.append(Metric(name, label(key), target, current, mark, check.code if check else None))
    return rows


def _categories(tables: charts.Tables) -> tuple[Category, ...]:
    groups = defaultdict[str, list[Artifact]](list)
    for row in tables.rows("artifacts.rows"):
        groups[str(row.get("category"))].append(_artifact(row))
    return tuple(Category(name, tuple(found)) for name, found in groups.items())


def _artifact(row: dict[str, Any]) -> Artifact:
    found, share = row.get("found"), row.get("coverage_ppm")
    return Artifact(
        pattern=str(row.get("pattern")),
        places=_texts(row.get("paths")),
        found=_FOUND.get(found, _UNTOLD),
        signed=_SIGNED.get(str(row.get("signed")), _UNTOLD) if found else _VALID[None],
        valid=_VALID.get(row.get("valid"), _UNTOLD),
        problems=_texts(row.get("problems")),
        coverage=say("not measured") if share is None else figure(share, "ppm"),
        status=_STATUS.get(str(row.get("status")), _UNTOLD),
    )


def _texts(cell: Any) -> tuple[str, ...]:
    return tuple(cell) if isinstance(cell, list) else ()


def _anomaly(decision: Decision, finding: Finding) -> Anomaly:
    checks = [check for check in decision.checks if check.code in finding.codes]
    stages = list(dict.fromkeys(v.stage for v in decision.violations if v.code in finding.codes))
    title: Text = checks[0].title if len(checks) == 1 else finding.text
    items = finding.items
    if len(checks) == 1 and finding.kind is None:
        violation = next((v for v in decision.violations if v.code == finding.codes[0]), None)
        title = violation.msg if violation is not None and violation.term is None else finding.text
    elif items:
        title = say(_KINDS[finding.kind], what=items[0]) if finding.kind else items[0]
        items = items[1:]
    found = [finding.text] if finding.text and finding.text != title and finding.kind is None else []
    found += first(items, MOST_ITEMS)
    due = min((c.due[:10] for c in decision.conditions if c.code in finding.codes), default="")
    return Anomaly(
        title=title,
        severity=finding.severity,
        codes=finding.codes,
        found=tuple(found),
        risk=_risk(sorted(checks, key=lambda check: check.severity.rank)),
        consequence=_consequence(decision, stages, blocks=finding.severity.blocks),
        resolution=finding.fix,
        owners=tuple(dict.fromkeys(check.owner for check in checks)),
        due="" if decision.verdict is Verdict.FAIL else due,
    )


def _risk(checks: list[Check]) -> Text:
    """What the policies say may happen, of the heaviest rules; or what is not shown to be so."""
    stated = list(dict.fromkeys(check.risk for check in checks if check.risk))[:MOST_RISKS]
    titles = list(dict.fromkeys(check.title for check in checks))[:MOST_RISKS]
    return " ".join(stated) if stated else say("Not proven: {titles}", titles="; ".join(titles))


def _consequence(decision: Decision, stages: list[str], *, blocks: bool) -> Said:
    reached = set(stages)
    for name, stage in decision.stages.items():  # dependencies come first
        if reached & set(stage.depends_on):
            reached.add(name)
    after = ", ".join(name for name in decision.stages if name in reached and name not in stages)
    own = ", ".join(stages)
    if not blocks:
        return say("{stages}: passes only under conditions", stages=own)
    if not after:
        return say("{stages}: fails", stages=own)
    return say("{stages}: fails; nothing that depends on it passes: {after}", stages=own, after=after)


def _role(decision: Decision, signature: Signature, arguments: str) -> Role:
    needed = any(
        v.operand == "roles_not_signed" and v.term == signature.role and v.stage == decision.stage
        for v in decision.violations
    )
    mark = Mark("bad", say("required, not signed")) if needed else Mark("none", say("not signed"))
    if signature.key is not None:
        mark = Mark("good", say("signed"))
    signed = list(decision.stages)[-1] if decision.stage == ALL else decision.stage
    stage, role = shlex.quote(signed), shlex.quote(signature.role)
    file, signed_file = (shlex.quote(f"{signed}-{signature.role}.json{end}") for end in ("", ".sig"))
    return Role(
        role=signature.role,
        name=signature.name or "",
        principal=signature.principal or "",
        key=signature.key or "",
        signed_at=signature.signed_at or "",
        mark=mark,
        here=f"gate signoff {stage} --role {role}{arguments}",
        elsewhere=(
            f'gate signoff request {stage} --role {role} --name "Your Name"{arguments} -o {file}',
            f"ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n signoff@gate {file}",
            f"gate signoff import {file} {signed_file}{arguments}",
        ),
    )


def _reviews(decision: Decision) -> list[Said]:
    found = []
    due = min(((c.due[:10], c.owner, c.msg) for c in decision.conditions), default=None)
    if decision.verdict is Verdict.FAIL:
        found.append(say("When the remediation plan is done: judge {stage} again.", stage=decision.stage))
    elif due is not None:
        found.append(say("{date}: {owner} must be done with: {what}", date=due[0], owner=due[1], what=due[2]))
    for waived in decision.waived:
        date, waiver = waived.effective_until[:10], waived.waiver
        found.append(say("{date}: the waiver {waiver} ends, and {code} binds again.",
                         date=date, waiver=waiver, code=waived.code))  # fmt: skip
    found.append(
        say("At every change of sources, evidence, settings or policies: approvals bind to what was judged.")
    )
    return found


def _verify(decision: Decision, entry: Entry | None, arguments: str) -> list[tuple[Said, str]]:
    if entry is None:
        command = f"gate evaluate {shlex.quote(decision.stage)}{arguments}"
        return [(say("This decision was not recorded. To judge and record:"), command)]
    index = entry.index
    return [
        (say("Is the ledger whole, and signed by its key?"), f"gate ledger verify{arguments}"),
        (say("Does the same evidence give the same decision?"), f"gate replay {index}{arguments}"),
        (say("Why, rule by rule?"), f"gate explain {index} --show-successes{arguments}"),
        (say("A record for somebody without gate:"), f"gate record export {index}{arguments} -o record.tar"),
    ]
