"""A decision for GitHub: annotations of the job, and the summary of its step.

An annotation for each finding, heaviest first, at its first place: GitHub shows ten errors and ten warnings
of a step, and drops the rest. The verdict is a notice, so it takes none of these away.
"""

from __future__ import annotations

from collections.abc import Iterator

from ....evidence.base.numbers import counted
from ...decision.document import CheckStatus, Decision
from ...ledger.interface import Entry
from ...terminal.figures import printable
from ...terminal.markdown import code, heading, page, plain, table
from ...terminal.workflow import command
from ..findings import Finding, Findings, few
from ..interface import Screen
from ..table import stage_figures
from .outcomes import Places, verdict_line, waiver, weight

MAX_PLACES = 5
MAX_SUMMARY_FINDINGS = 50
"""Findings in the summary, which GitHub cuts at 1 MiB."""


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """Workflow commands that annotate the change."""
    return "".join(_annotations(decision, Places(decision, screen.folder))).encode()


def _annotations(decision: Decision, places: Places) -> Iterator[str]:
    yield command("notice", {"title": f"gate: {decision.verdict.value}"}, verdict_line(decision))
    for finding in Findings(decision).all():
        concerned = [one for one in decision.violations if one.code in finding.codes]
        yield _annotation(
            finding, list(dict.fromkeys(place for one in concerned for place in places.of(one)))
        )
    for waived in decision.waived:
        path, line = next(places.of(waived))
        yield command("notice", {"file": path, "line": line, "title": waived.code}, waiver(waived))


def _annotation(finding: Finding, found: list[tuple[str, int | None]]) -> str:
    path, line = found[0]
    others = [other + (f":{number}" if number else "") for other, number in found[1:]]
    others_too = len(finding.codes) - 1
    more = f" and {counted(others_too, 'more rule')}" if others_too else ""
    lines = [f"{finding.severity}: {_what(finding)}"]
    lines += [f"also in: {few(others, MAX_PLACES)}"] if others else []
    lines += [f"fix: {finding.fix}"]
    values = {"file": path, "line": line, "title": f"{finding.codes[0]}{more}"}
    return command(weight(finding.severity), values, "\n".join(lines))


def _what(finding: Finding) -> str:
    """What is wrong, with the first of its places or members."""
    items = few([printable(item) for item in finding.items], MAX_PLACES)
    return f"{finding.text}: {items}" if finding.text and items else finding.text or items


def render_summary(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """Markdown for ``$GITHUB_STEP_SUMMARY``: verdict, stages, findings, what weakens the decision."""
    return page(_summary(decision, entry))


_BROKEN = (CheckStatus.VIOLATED, CheckStatus.MISSING, CheckStatus.UNKNOWN)
_MARKS = {"PASS": "✅", "FAIL": "❌", "CONDITIONAL": "⚠️"}


def _summary(decision: Decision, entry: Entry | None) -> Iterator[str]:
    findings = Findings(decision)
    yield f"## {_MARKS[decision.verdict]} {plain(verdict_line(decision))}"
    yield ""
    yield from table(("Stage", "Verdict", "Figures"), _stages(decision))
    found = findings.all()
    if found:
        yield from heading(counted(len(found), "finding"), 3)
        yield from table(("Severity", "Rules", "What", "Fix"), map(_row, found[:MAX_SUMMARY_FINDINGS]))
        if len(found) > MAX_SUMMARY_FINDINGS:
            yield ""
            yield f"and {len(found) - MAX_SUMMARY_FINDINGS} more; the decision as JSON has them all"
    remarks = [f"{one.code}: {waiver(one)}" for one in decision.waived]
    remarks += [f"condition: {one.msg} ({one.owner}, due {one.due[:10]})" for one in findings.conditions()]
    remarks += [f"weakened: {one.msg}" for one in decision.weakenings]
    remarks += [f"{one.level}: {one.msg}" for one in decision.warnings if one.level == "error"]
    if remarks:
        yield ""
        yield from (f"* {plain(one)}" for one in remarks)
    subject, policy = decision.subject, decision.policy
    place = f"ledger entry {entry.index}, `{entry.digest[:16]}…`" if entry else "not recorded"
    yield ""
    yield (
        f"Judged {counted(subject.files, 'source file')} (`{subject.digest[:12]}…`) by {plain(policy.name)} "
        f"{plain(policy.version)} (`{policy.digest[:12]}…`) as of {decision.effective_time}; {place}."
    )


def _stages(decision: Decision) -> Iterator[tuple[str, ...]]:
    for name, stage in decision.stages.items():
        failed = sum(check.stage == name and check.status in _BROKEN for check in decision.checks)
        verdict = f"{_MARKS[stage.verdict]} {stage.verdict.value}" + (
            f" ({counted(failed, 'rule')})" if failed else ""
        )
        yield plain(f"{name} {stage.title}"), verdict, plain(stage_figures(decision, name))


def _row(finding: Finding) -> tuple[str, ...]:
    rules = "<br>".join(code(name) for name in finding.codes[:MAX_PLACES])
    more = len(finding.codes) - MAX_PLACES
    rules += f"<br>+{more}" if more > 0 else ""
    return finding.severity.value, rules, plain(_what(finding)), plain(finding.fix)
