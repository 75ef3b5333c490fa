"""The first screen: verdict, what fails with its figures and places, what to do, and what weakens it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...evidence.collecting.interface import ProblemKind
from ..decision.document import Check, CheckStatus, Decision, Notice, Operand, Verdict
from ..ledger.interface import Entry
from .figures import coverage, figure, label, scale
from .findings import Finding, Findings, by_stage, few
from .interface import Screen
from .lines import Lines, Part, columns, pad

MAX_FINDINGS = 10
"""Findings shown in full; of the others, the rules are named."""
MAX_ITEMS = 4
MAX_NOTICES = 5
LABEL = 10
"""Columns of the words before places, fixes and so on."""

VERDICT_STYLE = {Verdict.PASS: "green", Verdict.FAIL: "alarm", Verdict.CONDITIONAL: "yellow"}
SEVERITY_STYLE = {"CRITICAL": "alarm", "HIGH": "red", "MEDIUM": "yellow", "LOW": "cyan"}
_ALSO = {
    CheckStatus.UNKNOWN: "cannot be told",
    CheckStatus.WAIVED: "waived",
    CheckStatus.CONDITIONAL: "conditional",
}


def head(decision: Decision) -> tuple[list[Part], str]:
    """The first line: verdict, stage and subject, and how many rules hold."""
    subject, verdict = decision.subject, decision.verdict
    commit = f" @ {subject.commit[:7]}" if subject.commit else ", no git commit"
    left: list[Part] = [(verdict.value, VERDICT_STYLE[verdict]), "  ", (decision.stage, "bold")]
    if decision.action:
        left += [" → ", (decision.action, "bold")]
    left.append(f" · {decision.workspace}{commit}{' with changes' if subject.dirty else ''}")
    found = Counter(check.status for check in decision.checks)
    counts = [f"{found[CheckStatus.HOLDS]} of {len(decision.checks)} rules hold"]
    counts += [f"{found[status]} {words}" for status, words in _ALSO.items() if found[status]]
    return left, " · ".join(counts)


class _Page:
    def __init__(self, decision: Decision, entry: Entry | None, screen: Screen) -> None:
        self.decision = decision
        self.entry = entry
        self.screen = screen
        self.lines = Lines(screen)
        self.findings = Findings(decision)
        self.several = len(decision.stages) > 1

    def text(self) -> str:
        left, right = head(self.decision)
        used = columns("".join(part if isinstance(part, str) else part[0] for part in left))
        if used + 5 + columns(right) <= self.lines.width:
            self.lines.add(*left, "     ", right)
        else:
            self.lines.add(*left, hang=6)
            self.lines.add(right, indent=6)
        self._stages()
        if self.several:
            self.lines.add("")
        found = self.findings.all()
        for finding in found[:MAX_FINDINGS]:
            self._finding(finding)
        self._others(found[MAX_FINDINGS:])
        self._blocked()
        if self.screen.successes:
            for check in self.decision.checks:
                if check.status is CheckStatus.HOLDS:
                    self._success(check)
        self._remarks(found)
        self._foot(found)
        return self.lines.text()

    def name(self, code: str) -> str:
        """The rule's short name where only one stage is judged."""
        return code if self.several else code.rpartition(".")[2]

    def _labelled(self, name: str, *parts: Part, style: str = "dim") -> None:
        self.lines.add((f"{name:<{LABEL}}", style), *parts, indent=4, hang=4 + LABEL)

    def _stages(self) -> None:
        stages, blocked = self.decision.stages.items(), self._only_blocked()
        shown = {n: stage.verdict.value + (" (blocked)" if n in blocked else "") for n, stage in stages}
        verdicts, titles = max(map(len, shown.values())), max(columns(stage.title) for _, stage in stages)
        for name, stage in stages:
            figures = ", ".join(
                f"{label(n)} {figure(item.value, scale(n, item.unit))}"
                + (f" in {coverage(item.scope)}" if item.scope else "")
                for n, item in stage.figures.items()
            )
            figures = figures if stage.has_evidence else "no evidence"
            if not self.several:
                self.lines.add((figures, "dim"), indent=6)
                continue
            start, title = f"{pad(name, 6)}  ", pad(stage.title, titles)
            verdict = f"{shown[name]:<{verdicts}}  "
            before = columns(start + verdict + title) + 2
            self.lines.add(
                start,
                (verdict, VERDICT_STYLE[stage.verdict]),
                f"{title}  ",
                (figures, "dim"),
                hang=before if self.lines.width - before >= 40 else columns(start),
            )

    def _only_blocked(self) -> set[str]:
        """Stages that fail for nothing but a stage they depend on."""
        own = {v.stage for v in self.decision.violations if not _waits(v.code)}
        stages = self.decision.stages.items()
        return {n for n, stage in stages if n not in own and stage.verdict is Verdict.FAIL}

    def _finding(self, finding: Finding) -> None:
        mark = "?" if finding.kind is ProblemKind.UNKNOWN else "✘"
        style = SEVERITY_STYLE[finding.severity]
        name = self.name(finding.codes[0]) if len(finding.codes) == 1 else f"{len(finding.codes)} rules"
        items = finding.items
        if len(items) == 1 and finding.listed != "note":
            text, items = (f"{finding.text}: {items[0]}" if finding.text else items[0]), ()
        else:
            text = finding.text
        if finding.raised_from:
            text += f" ({finding.raised_from} rule, raised: evidence is missing)"
        start = f"{mark} {finding.severity:<8}  {pad(name, 20)}  "
        room = self.lines.width - columns(start)
        first: list[Part] = [(f"{mark} {finding.severity:<8}", style), "  ", (pad(name, 20), "bold")]
        if room >= min(columns(text), 44):
            self.lines.add(*first, f"  {text}", hang=columns(start) if room >= 44 else 4)
        else:
            self.lines.add(*first)
            self.lines.add(text, indent=4)
        if len(finding.codes) > 1:
            self._labelled("rules", self._rules(finding.codes))
        if items:
            self._labelled(finding.listed, few(items, MAX_ITEMS))
        due = sorted({(c.due[:10], c.owner) for c in self.decision.conditions if c.code in finding.codes})
        until = (
            f" ({due[0][1]}, due {due[0][0]})" if due and self.decision.verdict is not Verdict.FAIL else ""
        )
        self._labelled("fix", finding.fix + until, style="green")

    def _rules(self, codes: tuple[str, ...]) -> str:
        if not self.several:
            return few([self.name(code) for code in codes], 8)
        return "; ".join(f"{stage}: {few(names, 6)}" for stage, names in by_stage(codes).items())

    def _others(self, findings: list[Finding]) -> None:
        if findings:
            codes = tuple(dict.fromkeys(code for finding in findings for code in finding.codes))
            self.lines.add((f"and {len(findings)} more: ", "bold"), self._rules(codes), hang=4)

    def _blocked(self) -> None:
        waiting: dict[str, list[str]] = {}
        for violation in self.decision.violations:
            if _waits(violation.code) and violation.severity.blocks:
                waiting.setdefault(violation.stage, []).append(violation.term or "")
        groups: dict[tuple[str, ...], list[str]] = {}
        for stage, needed in waiting.items():
            groups.setdefault(tuple(needed), []).append(stage)
        texts = (
            f"{', '.join(stages)} need{'s' if len(stages) == 1 else ''} {few(needed, MAX_ITEMS)}"
            for needed, stages in groups.items()
        )
        if groups:
            self.lines.add(("blocked: ", "red"), " · ".join(texts), hang=4)

    def _success(self, check: Check) -> None:
        values = ", ".join(
            f"{label(o.name)} {figure(o.actual, scale(o.name, o.unit))}" for o in check.operands
        )
        looked = " and ".join(map(coverage, self.findings.scopes(check)))
        text = f"{values} in {looked}" if looked else values
        first = f"✔ {check.severity:<8}  {pad(self.name(check.code), 20)}  "
        self.lines.add((first, "green"), text, hang=4)

    def _remarks(self, found: list[Finding]) -> None:
        for waived in self.decision.waived:
            until = (
                f"until {waived.effective_until[:10]} by {waived.approver} ({waived.waiver}): {waived.msg}"
            )
            self.lines.add(
                ("waived: ", "yellow"), f"{waived.severity} {self.name(waived.code)} {until}", hang=4
            )
        if self.decision.verdict is not Verdict.FAIL:
            for one in self.findings.conditions():
                self.lines.add(
                    ("condition: ", "yellow"), f"{one.msg} ({one.owner}, due {one.due[:10]})", hang=4
                )
        shown = {code for finding in found for code in finding.codes}
        notices = list(
            _together(n for n in self.decision.warnings if n.level == "error" or n.code not in shown)
        )
        for notice, more in notices[:MAX_NOTICES]:
            style = "alarm" if notice.level == "error" else "yellow"
            self.lines.add((f"{notice.level}: ", style), notice.msg + (f" (+{more})" if more else ""), hang=4)
        if len(notices) > MAX_NOTICES:
            self.lines.add(("warning: ", "yellow"), f"+{len(notices) - MAX_NOTICES} more, in -o json", hang=4)
        for weakening in self.decision.weakenings:
            self.lines.add(("weakened: ", "yellow"), weakening.msg, hang=4)

    def _foot(self, found: list[Finding]) -> None:
        decision, subject, policy = self.decision, self.decision.subject, self.decision.policy
        sources = f"{subject.files} source file{'' if subject.files == 1 else 's'} ({subject.digest[:12]}…)"
        judged = f"judged {sources} by {policy.name} {policy.version} ({policy.digest[:12]}…)"
        self.lines.add((f"{judged} as of {decision.effective_time}", "dim"), hang=4)
        if self.entry is None:
            self.lines.add(("not recorded", "yellow"))
        else:
            self.lines.add(
                (f"recorded: entry {self.entry.index} of the ledger, {self.entry.digest[:16]}…", "dim")
            )
        steps = [f"fix {self.name(found[0].codes[0])}"] if found else []
        steps = [f"next: {step}" for step in steps] + [f"why: gate explain {decision.stage}"]
        steps += [] if self.screen.successes else ["all rules: --show-successes"]
        self.lines.add((" · ".join(steps), "bold"), hang=4)


def _short(operand: Operand) -> str:
    """The value; of a long list only how many entries it has."""
    value = operand.actual
    if isinstance(value, (list, tuple, dict)) and len(value) > MAX_ITEMS:
        return str(len(value))
    return figure(value, scale(operand.name, operand.unit))


def _waits(code: str) -> bool:
    return code.endswith(".dependency")


def _together(notices: Iterator[Notice]) -> Iterator[tuple[Notice, int]]:
    """The first notice of each rule, mistakes first, and how many more the rule has."""
    groups: dict[tuple[bool, str], list[Notice]] = {}
    for notice in notices:
        groups.setdefault((notice.level != "error", notice.code), []).append(notice)
    for _, same in sorted(groups.items(), key=lambda group: group[0][0]):
        yield same[0], len(same) - 1


class TableReport:
    """The first screen."""

    def render(self, decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
        """See :class:`~gate.engine.report.interface.Report`."""
        return _Page(decision, entry, screen).text().encode()
