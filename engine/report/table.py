"""The first screen: verdict, what fails with its figures and places, what to do, and what weakens it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ...evidence.base.numbers import counted
from ...evidence.collecting.interface import ProblemKind
from ..decision.document import Check, CheckStatus, Decision, Notice, Operand, Override, Trust, Verdict
from ..ledger.interface import Entry
from ..terminal.figures import coverage, figure, label, scale
from ..terminal.lines import Lines, Part, columns, pad
from .findings import Finding, Findings, few
from .interface import Screen

MAX_FINDINGS = 10
"""Findings shown in full; of the others, the rules are named."""
MAX_ITEMS = 4
MAX_NOTICES = 5

VERDICT_STYLE = {Verdict.PASS: "green", Verdict.FAIL: "alarm", Verdict.CONDITIONAL: "yellow"}
SEVERITY_STYLE = {"CRITICAL": "alarm", "HIGH": "red", "MEDIUM": "yellow", "LOW": "cyan"}
_ALSO = {
    CheckStatus.UNKNOWN: "cannot be told",
    CheckStatus.WAIVED: "waived",
    CheckStatus.CONDITIONAL: "conditional",
    CheckStatus.PENDING: "not yet binding",
    CheckStatus.LEFT_OUT: "not in profile",
    CheckStatus.EXCEPTED: "excepted",
    CheckStatus.WARNS: "with warnings",
}


def head(decision: Decision) -> tuple[list[Part], str]:
    """The first line: verdict, stage and subject, and how many rules hold."""
    subject, verdict = decision.subject, decision.verdict
    commit = f" @ {subject.commit[:7]}" if subject.commit else ", no git commit"
    left: list[Part] = [(verdict.value, VERDICT_STYLE[verdict]), "  ", (decision.stage, "bold")]
    if not decision.trust.anchors:
        left += ["  ", ("self-judged", "yellow")]
    if decision.action:
        left += [" → ", (decision.action, "bold")]
    left.append(f" · {decision.workspace}{commit}{' with changes' if subject.dirty else ''}")
    found = Counter(check.status for check in decision.checks)
    counts = [f"{found[CheckStatus.HOLDS]} of {len(decision.checks)} rules hold"]
    counts += [f"{found[status]} {words}" for status, words in _ALSO.items() if found[status]]
    return left, " · ".join(counts)


def trusted(trust: Trust) -> str:
    """Where the settings come from, as one line."""
    if not trust.anchors:
        return "the judged change itself, for all settings; see --operator and --trust-ref"
    names = {
        "operator": f"the operator ({(trust.operator or '')[:12]}…)",
        "trust_ref": f"{trust.ref.name} @ {trust.ref.commit[:7]}" if trust.ref else "",
        "judged": "the judged change",
        "flag": "a flag",
        "default": "defaults",
    }
    groups: dict[str, list[str]] = {}
    for setting, source in trust.settings.items():
        groups.setdefault(source, []).append(setting)
    parts = [f"{names[source]} for {', '.join(groups[source])}" for source in names if source in groups]
    return "; ".join(parts)


def overridden(one: Override) -> str:
    """A parameter that the settings replace, in words."""
    unit = scale(one.name, one.unit)
    old, new = figure(one.bundle, unit, one.value), figure(one.value, unit, one.bundle)
    return f"{one.name} is {new} instead of {old}: {one.rationale}"


def stage_figures(decision: Decision, name: str) -> str:
    """What was measured for a stage, in a line."""
    stage = decision.stages[name]
    found = [
        f"{label(key)} {figure(item.value, scale(key, item.unit))}"
        + (f" in {looked}" if (looked := coverage(item.scope, item.value)) else "")
        for key, item in stage.figures.items()
        if stage.has_evidence
    ]
    return ", ".join(found) or "no evidence"


class Page:
    """What pages about a decision are made from."""

    def __init__(self, decision: Decision, entry: Entry | None, screen: Screen) -> None:
        self.decision = decision
        self.entry = entry
        self.screen = screen
        self.lines = Lines(screen)
        self.findings = Findings(decision)


class _FirstScreen(Page):
    def __init__(self, decision: Decision, entry: Entry | None, screen: Screen) -> None:
        super().__init__(decision, entry, screen)
        self.found = self.findings.all()
        self.several = len(decision.stages) > 1
        self.rules = {check.code: check for check in decision.checks}

    def text(self, *, steps: bool = True) -> str:
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
        self._open(self._finding)
        if self.screen.successes:
            for check in self.decision.checks:
                if check.status is CheckStatus.HOLDS:
                    self._success(check)
        self._remarks(conditions=self.decision.verdict is not Verdict.FAIL)
        self._foot(steps)
        return self.lines.text()

    def summary(self) -> str:
        """What is open, waived and weakened, without what is in `gate explain`."""
        self._open(self._in_short)
        self._remarks(conditions=True)
        return self.lines.text()

    def _open(self, show: Callable[[Finding], object]) -> None:
        for finding in self.found[:MAX_FINDINGS]:
            show(finding)
        others = dict.fromkeys(code for one in self.found[MAX_FINDINGS:] for code in one.codes)
        if others:
            more = f"and {counted(len(self.found) - MAX_FINDINGS, 'more finding')}: "
            self.lines.add((more, "bold"), self._rules(others), hang=4)
        self._blocked()

    def name(self, code: str) -> str:
        """The rule's short name where only one stage is judged."""
        return code if self.several else code.rpartition(".")[2]

    def _stages(self) -> None:
        stages, waiting = self.decision.stages.items(), self.findings.waiting()
        own = {code.rpartition(".")[0] for finding in self.found for code in finding.codes}
        blocked = waiting.keys() - own  # they fail for nothing but the stages that they wait for
        shown = {n: stage.verdict.value + (" (blocked)" if n in blocked else "") for n, stage in stages}
        verdicts, titles = max(map(len, shown.values())), max(columns(stage.title) for _, stage in stages)
        for name, stage in stages:
            figures = stage_figures(self.decision, name)
            if not self.several:
                self.lines.add((figures, "dim"), indent=6)
                continue
            start, title = f"{pad(name, 6)}  ", pad(stage.title, titles)
            verdict = f"{shown[name]:<{verdicts}}  "
            before = columns(start + verdict + title) + 2
            hang = before if self.lines.width - before >= 40 else columns(start)
            style = VERDICT_STYLE[stage.verdict]
            self.lines.add(start, (verdict, style), f"{title}  ", (figures, "dim"), hang=hang)

    def _in_short(self, finding: Finding, most: int = 1) -> Sequence[str]:
        """The finding's first line, with so many reasons why evidence cannot be used. Returns all others."""
        mark = "?" if finding.kind is ProblemKind.UNKNOWN else "✘"
        style = SEVERITY_STYLE[finding.severity]
        name = self.name(finding.codes[0]) if len(finding.codes) == 1 else counted(len(finding.codes), "rule")
        items = finding.items
        if len(items) == 1 and finding.listed != "note":
            text, items = (f"{finding.text}: {items[0]}" if finding.text else items[0]), ()
        else:
            text = finding.text
            if finding.kind is not None and items and most:
                text += f": {few(items, most)}"
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
        return items

    def _finding(self, finding: Finding) -> None:
        items = self._in_short(finding, most=0)
        if len(finding.codes) > 1:
            self.lines.row("rules", self._rules(finding.codes))
        if items:
            self.lines.row(finding.listed, few(items, MAX_ITEMS))
        due = min(
            ((c.due[:10], c.owner) for c in self.decision.conditions if c.code in finding.codes), default=None
        )
        until = f" ({due[1]}, due {due[0]})" if due and self.decision.verdict is not Verdict.FAIL else ""
        self.lines.row("fix", finding.fix + until, "green")

    def _rules(self, codes: Iterable[str]) -> str:
        stages: dict[str, list[str]] = {}
        for code in codes:
            stage, _, name = code.rpartition(".")
            stages.setdefault(stage, []).append(name)
        return "; ".join((f"{stage}: " if self.several else "") + few(n, 6) for stage, n in stages.items())

    def _blocked(self) -> None:
        groups: dict[tuple[str, ...], list[str]] = {}
        for stage, needed in self.findings.waiting().items():
            groups.setdefault(tuple(needed), []).append(stage)
        if groups:
            texts = (
                f"{', '.join(stages)} need{'s' if len(stages) == 1 else ''} {few(needed, MAX_ITEMS)}"
                for needed, stages in groups.items()
            )
            self._remark("blocked", " · ".join(texts), "red")

    def _remark(self, name: str, text: str, style: str = "yellow") -> None:
        self.lines.add((f"{name}: ", style), text, hang=4)

    def _success(self, check: Check) -> None:
        values = ", ".join(f"{label(o.name)} {_short(o)}" for o in check.operands)
        looked = " and ".join(filter(None, map(coverage, self.findings.scopes(check))))
        text = f"{values} in {looked}" if looked else values
        first = f"✔ {check.severity:<8}  {pad(self.name(check.code), 20)}  "
        self.lines.add((first, "green"), text, hang=4)

    def _remarks(self, *, conditions: bool) -> None:
        for one in self.decision.waived:
            rule, until = f"{one.severity} {self.name(one.code)}", one.effective_until[:10]
            self._remark("waived", f"{rule} until {until} by {one.approver} ({one.waiver}): {one.msg}")
        for left in self.findings.conditions() if conditions else ():
            self._remark("condition", f"{left.msg} ({left.owner}, due {left.due[:10]})")
        # findings about evidence show no remarks of their rules
        shown = {code for finding in self.found if finding.kind is None for code in finding.codes}
        pending = {code for code, check in self.rules.items() if check.status is CheckStatus.PENDING}
        groups: dict[tuple[int, str], list[Notice]] = {}
        for notice in self.decision.warnings:
            if notice.level == "error" or notice.code not in shown:
                # each mistake is one to correct, so none is folded into another; then what is about to bind
                announced = notice.code in pending and notice.msg.startswith("binds from ")
                rank = 0 if notice.level == "error" else 1 if announced else 2
                groups.setdefault((rank, notice.msg if rank == 0 else notice.code), []).append(notice)
        ordered = sorted(groups.items(), key=lambda group: group[0][0])
        most = MAX_NOTICES + sum(rank < 2 for rank, _ in groups)
        for _, (first, *more) in ordered[:most]:
            named = first.level != "error" and first.code in self.rules and first.code not in first.msg
            about = f"{self.name(first.code)}: " if named else ""
            text = f"{about}{first.msg}" + (f" (+{len(more)})" if more else "")
            self._remark(first.level, text, "alarm" if first.level == "error" else "yellow")
        if len(ordered) > most:
            arguments = f"{self.decision.stage}{self.screen.arguments}"
            self._remark("warning", f"+{len(ordered) - most} more: gate explain {arguments}")
        for override in self.decision.overrides:
            self._remark("override", overridden(override))
        left_out = [c.code for c in self.decision.checks if c.status is CheckStatus.LEFT_OUT]
        if self.decision.profile is not None and left_out:
            self._remark(f"not in profile {self.decision.profile.name}", self._rules(left_out))
        for weakening in self.decision.weakenings:
            self._remark("weakened", weakening.msg)

    def _first(self) -> list[str]:
        """What to correct first, if anything: signatures last, as every correction voids them."""
        signed = {
            one.code for one in self.decision.checks if any(f.collector == "signoffs" for f in one.facts)
        }
        codes = [finding.codes[0] for finding in self.found]
        return sorted(codes, key=lambda code: code in signed)[:1]

    def _foot(self, steps: bool) -> None:
        decision, subject, policy = self.decision, self.decision.subject, self.decision.policy
        sources = f"{counted(subject.files, 'source file')} ({subject.digest[:12]}…)"
        judged = f"judged {sources} by {policy.name} {policy.version} ({policy.digest[:12]}…)"
        self.lines.add((f"{judged} as of {decision.effective_time}", "dim"), hang=4)
        self.lines.add((f"trusted: {trusted(decision.trust)}", "dim"), hang=4)
        place = "not recorded"
        if self.entry is not None:
            place = f"recorded: entry {self.entry.index} of the ledger, {self.entry.digest[:16]}…"
        self.lines.add((place, "dim" if self.entry else "yellow"))
        if steps:
            advice = [f"next: fix {self.name(code)}" for code in self._first()]
            advice += [f"why: gate explain {decision.stage}{self.screen.arguments}"]
            advice += [] if self.screen.successes else ["all rules: --show-successes"]
            self.lines.add((" · ".join(advice), "bold"), hang=4)


def _short(operand: Operand) -> str:
    """The operand's value; of a long list only how many entries it has."""
    value = operand.actual
    if isinstance(value, (list, tuple, dict)) and len(value) > MAX_ITEMS:
        return str(len(value))
    return figure(value, scale(operand.name, operand.unit))


def summary(decision: Decision, screen: Screen) -> str:
    """What is open, waived and weakened, for whoever signs: the first screen's findings, a line for each."""
    return _FirstScreen(decision, None, screen).summary()


def hypothetical(decision: Decision, screen: Screen) -> bytes:
    """The first screen of what nobody recorded, without commands: they would show what there is."""
    return _FirstScreen(decision, None, screen).text(steps=False).encode()


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The first screen."""
    return _FirstScreen(decision, entry, screen).text().encode()
