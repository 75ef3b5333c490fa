"""The tree behind a decision: verdict → rule → operands → facts → evidence files → why → fix.

Rules that do not hold are shown, all of them or some by their codes where asked for. What several rules have
in common, a reason or the files of their evidence, is shown with the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...evidence.base.numbers import counted
from ..decision.document import Check, CheckStatus, Decision, EvidenceSummary, Verdict
from ..ledger.interface import Entry
from ..terminal.figures import comparison, coverage, shorten
from .findings import place_text
from .interface import Screen
from .table import SEVERITY_STYLE, VERDICT_STYLE, Page, head, overridden, trusted

MAX_FILES = 6
_SHORT = 60
"""Terms of at most so many characters stand in one line."""
_MARK = {
    CheckStatus.HOLDS: ("✔", "green"),
    CheckStatus.VIOLATED: ("✘", "red"),
    CheckStatus.MISSING: ("✘", "red"),
    CheckStatus.UNKNOWN: ("?", "yellow"),
    CheckStatus.WAIVED: ("~", "yellow"),
    CheckStatus.CONDITIONAL: ("~", "yellow"),
    CheckStatus.PENDING: ("~", "yellow"),
    CheckStatus.LEFT_OUT: ("-", "dim"),
    CheckStatus.EXCEPTED: ("~", "yellow"),
    CheckStatus.WARNS: ("~", "yellow"),
}
_SOURCES = {
    "same": "from what is judged",
    "same_commit": "from this commit; whether there were changes is not stated",
    "dirty": "from this commit, with changes then or now",
    "other": "from other sources than those judged",
}


class _Tree(Page):
    def text(self) -> str:
        self.shown: set[str] = set()
        self.seen: dict[object, str] = {}
        decision = self.decision
        left, right = head(decision)
        self.lines.add(*left)
        policy, subject, profile = decision.policy, decision.subject, decision.profile
        rows = [
            ("rules", right),
            ("as of", decision.effective_time),
            ("sources", f"{counted(subject.files, 'file')}, sha256:{subject.digest}"),
            ("commit", subject.commit),
            ("trusted", trusted(decision.trust)),
            ("policy", f"{policy.name} {policy.version}, sha256:{policy.digest}"),
        ]
        if profile is not None:
            rows.append(("profile", f"{profile.name}: {profile.title} ({', '.join(profile.collections)})"))
        for name, text in rows:
            if text:
                self._row(name, text, indent=2)
        for override in decision.overrides:
            self._row("override", overridden(override), indent=2, style="yellow")
        if self.entry is not None:
            self._row("recorded", f"ledger entry {self.entry.index}, leaf {self.entry.digest}", indent=2)
        for weakening in decision.weakenings:
            self._row("weakened", weakening.msg, indent=2, style="yellow")
        hidden = sum([self._stage(name) for name in decision.stages])
        for notice in () if self.screen.rules else decision.warnings:
            if notice.code not in self.shown:
                self.lines.add((f"{notice.level}: ", "yellow"), notice.msg, hang=4)
        if hidden and not self.screen.rules:
            holding = f"{hidden} rule{'s hold' if hidden > 1 else ' holds'}"
            self.lines.add((f"{holding}: --show-successes shows them", "dim"))
        return self.lines.text()

    def _row(self, name: str, text: str, indent: int = 6, style: str = "dim") -> None:
        self.lines.row(name, text, style, indent)

    def _stage(self, name: str) -> int:
        """Show a stage. Returns how many of its rules are not shown."""
        stage = self.decision.stages[name]
        checks = [check for check in self.decision.checks if check.stage == name]
        shown = [check for check in checks if self._is_shown(check)]
        if self.screen.rules and not shown:
            return len(checks)
        self.lines.add("")
        verdict = (stage.verdict.value, VERDICT_STYLE[stage.verdict])
        self.lines.add((name, "bold"), "  ", verdict, f"  {stage.title}: {stage.question}", hang=4)
        if not stage.has_evidence:
            self.lines.add("there is no evidence for it at all", indent=2)
        for other in stage.depends_on:
            there = self.decision.stages[other].verdict
            holds = "true" if there is Verdict.PASS else "false"
            self.lines.add(f"{other} ({there}) = PASS → {holds}", indent=2)
        for check in shown:
            self._check(check)
        return len(checks) - len(shown)

    def _is_shown(self, check: Check) -> bool:
        if self.screen.rules:
            return check.code in self.screen.rules
        return self.screen.successes or check.status is not CheckStatus.HOLDS

    def _check(self, check: Check) -> None:
        self.shown.add(check.code)
        violations = [v for v in self.decision.violations if v.code == check.code]
        raised = next((v for v in violations if v.raised_from), None)
        severity = check.severity.value
        if raised is not None:
            severity = f"{raised.severity} ({raised.raised_from} rule, raised: evidence is missing)"
        mark, style = _MARK[check.status]
        self.lines.add(
            (f"{mark} ", style), (check.code, "bold"), "  ", (severity, SEVERITY_STYLE[check.severity]),
            f"  {check.title}  [{check.status}]", indent=2, hang=6,
        )  # fmt: skip
        if check.status is CheckStatus.LEFT_OUT:
            return
        if check.effective_on is not None:
            self._row("binds", f"from {check.effective_on}")
        for operand in check.operands:
            text = comparison(operand)
            if check.status is CheckStatus.MISSING:
                text = text.rpartition(" → ")[0] + " → not evaluated, evidence is missing"
            self._row("operand", text)
        for fact in check.facts:
            value = "not measured" if fact.value is None else shorten(str(fact.value))
            self._row("fact", f"{fact.name} = {value}")
        for scope in self.findings.scopes(check):
            if looked := coverage(scope):
                self._row("looked at", looked)
        sources = {fact.collector for fact in check.facts}
        for evidence in self.decision.evidence:
            if evidence.id in sources:
                self._evidence(evidence, check.code)
        if check.status is not CheckStatus.HOLDS:
            told = [problem.remedy for problem in check.problems if problem.remedy]
            self._why(check, [v.solution for v in violations] or told)
        for notice in self.decision.warnings:
            if notice.code == check.code:
                self._row(notice.level, notice.msg, style="yellow")

    def _evidence(self, evidence: EvidenceSummary, code: str) -> None:
        earlier = self.seen.setdefault(("evidence", evidence.id), code)
        if earlier != code:
            self._row("evidence", f"{evidence.collector}, see {earlier}")
            return
        self._row("evidence", f"{evidence.collector} sha256:{evidence.digest}")
        made = [_SOURCES[evidence.sources]] if evidence.sources in _SOURCES else []
        made += [f"at {evidence.observed_at}"] if evidence.observed_at else []
        made += [f"by {evidence.tool}"] if evidence.tool else []
        made += [f"collected by {evidence.provider}"] if evidence.provider else []
        if made:
            self._row("made", ", ".join(made), indent=8)
        for file in evidence.files[:MAX_FILES]:
            self._row("file", f"{file.path} sha256:{file.sha256}", indent=8)
        more = len(evidence.files) - MAX_FILES
        if more > 0:
            self._row("file", f"+{more}, in the decision's JSON", indent=8)
        elif not evidence.files:
            self._row("file", "none was found", indent=8)

    def _why(self, check: Check, solutions: Sequence[str]) -> None:
        reasons = tuple(dict.fromkeys(self._reasons(check.code)))
        earlier = self.seen.setdefault(("why", reasons or check.code), check.code)
        if earlier != check.code:
            self._row("why", f"as {earlier}")
            return
        for reason in _folded(reasons):
            self._row("why", reason)
        for solution in dict.fromkeys(solutions or [check.solution]):
            self._row("fix", solution, style="green")

    def _reasons(self, code: str) -> Iterator[str]:
        for violation in [*self.decision.violations, *self.decision.waived]:
            if violation.code == code:
                # a term such as FILE:NAME may stand in the message with something between
                told = all(part in violation.msg for part in (violation.term or "").split(":"))
                term = "" if told else f" [{violation.term}]"
                places = [place_text(place) for place in violation.places if place.path not in violation.msg]
                yield violation.msg + term + (f" ({', '.join(places)})" if places else "")
        for condition in self.findings.conditions():
            if condition.code == code:
                yield f"condition: {condition.msg} ({condition.owner}, due {condition.due[:10]})"


def _folded(reasons: Sequence[str]) -> Iterator[str]:
    """The reasons; short ones that begin alike, each about another term, are one line."""
    groups: dict[str, list[str]] = {}
    for reason in reasons:
        about, colon, term = reason.partition(": ")
        short = colon and len(term) <= _SHORT
        groups.setdefault(about if short else reason, []).append(term if short else "")
    for about, terms in groups.items():
        yield about if terms == [""] else f"{about}: {', '.join(filter(None, terms))}"


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The tree behind a decision."""
    return _Tree(decision, entry, screen).text().encode()
