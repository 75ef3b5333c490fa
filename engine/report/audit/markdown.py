"""The report as Markdown, and ``GO_LIVE_DECISION_GATE.md``; nothing in a decision is markup in them.

Format: CommonMark with the tables of GitHub Flavored Markdown (https://github.github.com/gfm/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ...decision.document import Decision, Verdict
from ...ledger.interface import Entry
from ...terminal.figures import for_people, printable
from ..interface import Screen
from .build import build
from .model import Audit, Chart, Curve, Mark
from .proof import VERDICTS
from .words import CODE, LANGUAGES, Said, Text, say, spoken

_SPECIAL = re.compile(r"([\\`*{}\[\]<>|~#$&!@^]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""What Markdown and GitHub's extensions of it give a meaning inside of a line."""
_LINK = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp|javascript|data)(:)|\b(www)(\.)")
"""What is made a link even without brackets."""
_START = re.compile(r"^(\s*)(?:([-+=])(?=\s|$|\2)|(\d+)([.)])(?=\s|$))")
"""What begins a list or is a line below a heading."""
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@(?=[A-Za-z0-9])")
"""What makes GitHub and GitLab notify somebody, escaped or not; a space of no width prevents it."""
MOST_FILES = 50
"""Files of one collector in the list of evidence; the rest is counted."""


def escaped(text: str) -> str:
    """Data as Markdown text of one line that renders as exactly these characters; code in it as code."""
    plain = [_plain(part) if number % 2 == 0 else code(part) for number, part in enumerate(CODE.split(text))]
    return "".join(plain)


def _plain(text: str) -> str:
    text = _SPECIAL.sub(r"\\\1", _MENTION.sub("@\u200b", printable(text)))
    text = _LINK.sub(lambda m: f"{m[1]}\\:" if m[1] else f"{m[3]}\\.", text)
    return _START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", text)


def code(text: str) -> str:
    """Data as code; with a fence longer than any in it, and without a bar that would end a table's cell."""
    text = printable(text)
    if not text.strip():
        return escaped(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


class _Page:
    """The lines of a document."""

    def __init__(self, audit: Audit, language: str) -> None:
        self.audit = audit
        self.language = language
        self.lines: list[str] = []

    def t(self, text: Text) -> str:
        return spoken(text, self.language, str, escaped, str)

    def w(self, text: str) -> str:
        return self.t(Said(text))

    def mark(self, mark: Mark) -> str:
        return f"{mark.sign} {self.t(mark.word)}"

    def add(self, *lines: str) -> None:
        self.lines += [*lines, ""]

    def heading(self, level: int, text: str) -> None:
        self.add(f"{'#' * level} {text}")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        found = list(rows)
        if not found:
            self.add(self.w("None."))
            return
        self.lines.append(f"| {' | '.join(map(self.w, head))} |")
        self.lines.append(f"|{' --- |' * len(head)}")
        self.lines += [f"| {' | '.join(cell or '–' for cell in row)} |" for row in found]
        self.lines.append("")

    def items(self, items: Iterable[str], numbered: bool = False) -> None:
        lines = [f"{number}. {item}" if numbered else f"- {item}" for number, item in enumerate(items, 1)]
        self.add(*lines or [self.w("None.")])

    def fenced(self, *commands: str) -> None:
        text = [printable(command) for command in commands]
        fence = "`" * max(
            3, 1 + max((len(run) for line in text for run in re.findall("`+", line)), default=0)
        )
        self.add(f"{fence}sh", *text, fence)

    def text(self) -> str:
        body = "\n".join(self.lines).rstrip() + "\n"
        if LANGUAGES[self.language] == "rtl":
            return f'<div dir="rtl">\n\n{body}\n</div>\n'
        return body

    def verdict(self, value: Verdict) -> str:
        return f"{VERDICTS[value].sign} {value.value}"

    def chart(self, title: str, chart: Chart | None) -> None:
        if chart is None:
            return
        self.heading(3, self.w(title))
        if chart.absent is not None:
            self.add(self.t(chart.absent))
            return
        if chart.limit_text:
            self.add(self.t(chart.limit_text))
        self.table(
            ("What", "Bar", "Figure", "Status"),
            (
                [self.t(bar.label), "█" * (bar.length // 50) or "·",
                 f"{self.t(bar.figure)} {self.t(bar.note)}", self.mark(bar.mark)]
                for bar in chart.bars
            ),
        )  # fmt: skip
        if chart.more:
            self.add(self.t(say("{count} more rows are left out.", count=chart.more)))


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The audit report as Markdown."""
    page = _Page(build(decision, entry, screen), screen.language)
    _audit(page)
    return for_people(page.text()).encode("utf-8", "backslashreplace")


def _audit(page: _Page) -> None:
    audit, t, w = page.audit, page.t, page.w
    page.heading(
        1, f"{w('Audit report')}: {page.verdict(audit.verdict)} · {t(audit.workspace)} · {t(audit.title)}"
    )
    page.add(f"**{t(audit.headline)}**")
    if audit.action:
        page.add(f"{w('What the policies ask for:')} **{code(audit.action)}**")
    page.table(("What", "Current"), ([t(name), t(value)] for name, value in audit.identity))
    if audit.weakened:
        page.heading(2, w("This decision says less than usual"))
        page.items(map(escaped, audit.weakened))
    page.heading(2, w("Gates and what they depend on"))
    page.table(
        ("Gate", "Question", "Verdict", "Rules that hold", "Depends on", "Waits for"),
        (
            [f"{code(g.id)} {t(g.title)}", t(g.question), page.verdict(g.verdict), f"{g.holding} / {g.rules}",
             ", ".join(map(code, g.depends_on)), ", ".join(map(code, g.blocked_by))]
            for g in audit.gates
        ),
    )  # fmt: skip
    page.heading(2, w("Executive table"))
    page.table(
        ("Gate", "Metric", "Target", "Current", "Status"),
        ([code(m.stage), t(m.label), t(m.target), t(m.current), page.mark(m.mark)] for m in audit.metrics),
    )
    _anomalies(page)
    page.heading(2, w("Remediation plan"))
    page.table(
        ("#", "Severity", "Action", "Owner", "Due", "Done when these rules hold"),
        (
            [str(n), w(one.severity.value), t(one.resolution), t(", ".join(one.owners)), one.due,
             ", ".join(map(code, one.codes))]
            for n, one in enumerate(audit.anomalies, 1)
        ),
    )  # fmt: skip
    page.heading(2, w("Figures"))
    page.chart("Test coverage by package", audit.coverage)
    page.chart("Latency of the paper session", audit.latency)
    if audit.equity is not None:
        page.heading(3, w("Equity and drawdown of the paper session"))
        page.add(t(audit.equity.summary if isinstance(audit.equity, Curve) else audit.equity))
    page.chart("Checklist by category", audit.checklist)
    _artifacts(page)
    _logic(page)
    _people(page)


def _anomalies(page: _Page) -> None:
    audit, t, w, number = page.audit, page.t, page.w, 0
    page.heading(2, w("Anomalies and risks"))
    for severity, found in audit.severities:
        page.heading(3, f"{w(severity.value)} ({len(found)})")
        for one in found:
            number += 1
            page.heading(4, f"{number}\\. {t(one.title)}")
            page.items(
                [
                    f"**{w('Rules')}:** {', '.join(map(code, one.codes))}",
                    *([f"**{w('Found')}:** {'; '.join(map(escaped, one.found))}"] if one.found else []),
                    f"**{w('Risk')}:** {t(one.risk)}",
                    f"**{w('Consequence')}:** {t(one.consequence)}",
                    f"**{w('Resolution')}:** {t(one.resolution)}",
                ]
            )
    if not audit.anomalies:
        page.add(w("None."))
    if audit.waived:
        page.heading(3, w("Waived violations"))
        page.table(
            ("Rule", "Violation", "Waiver", "Until"),
            ([code(rule), t(text), t(waiver), until] for rule, text, waiver, until in audit.waived),
        )
    if audit.conditions:
        page.heading(3, w("Conditions"))
        page.items(f"{t(text)} ({t(owner)}, {w('due')} {due})" for text, owner, due in audit.conditions)
    if audit.notices:
        page.heading(3, w("Remarks"))
        page.items(f"**{w(kind)}:** {t(text)}" for kind, text in audit.notices)


def _artifacts(page: _Page) -> None:
    audit, t, w = page.audit, page.t, page.w
    page.heading(2, w("Artifact inventory"))
    for category in audit.categories:
        total = len(category.artifacts)
        counted = t(say("{count} of {total} compliant", count=category.count("good"), total=total))
        page.heading(3, f"{t(category.name)}: {counted}")
        page.items(
            f"{page.mark(one.status)} {code(one.pattern)}: "
            + (", ".join(map(code, one.places)) or w("not found"))
            + "".join(f"; {escaped(problem)}" for problem in one.problems)
            for one in category.artifacts
        )
    if not audit.categories:
        page.add(t(audit.absent_artifacts))
    page.heading(2, w("Compliance matrix"))
    page.table(
        ("Artifact", "Expected", "Found", "Signed", "Valid", "Coverage", "Status"),
        (
            [code(one.pattern), w("yes"), t(one.found.word), t(one.signed.word), t(one.valid.word),
             t(one.coverage), page.mark(one.status)]
            for one in audit.artifacts
        ),
    )  # fmt: skip
    if audit.artifacts_left_out:
        page.add(t(say("{count} more rows are left out.", count=audit.artifacts_left_out)))


def _logic(page: _Page) -> None:
    audit, t, w = page.audit, page.t, page.w
    verdicts = {gate.id: gate.verdict for gate in audit.gates}
    page.heading(2, w("Formal logic and proof"))
    for one in audit.logic:
        page.heading(3, f"{code(one.gate.id)} {t(one.gate.title)}: {page.verdict(one.gate.verdict)}")
        page.items(_premises(page, [(name, verdicts[name]) for name in one.gate.depends_on]))
        page.table(
            ("Rule", "Severity", "Formal logic and proof", "Status"),
            (
                [f"{code(rule.code)} {t(rule.title)}", w(rule.severity.value),
                 "; ".join(
                     f"{t(op.name)} ({t(op.actual)}) {op.op} {t(op.expected)} → "
                     + (w("not evaluated") if op.holds is None else str(op.holds).upper())
                     for op in rule.operands
                 ), page.mark(rule.mark)]
                for rule in one.rules
            ),
        )  # fmt: skip
    page.heading(2, w("Evidence"))
    for item in audit.evidence:
        page.heading(3, f"{code(item.collector)} {code(f'sha256:{item.digest}')}")
        files = [f"{code(file.path)} {code(file.sha256)}" for file in item.files[:MOST_FILES]]
        if len(item.files) > MOST_FILES:
            files.append(t(say("and {count} more files", count=len(item.files) - MOST_FILES)))
        page.items([*(f"{w(p.kind.value)}: {t(p.reason)}" for p in item.problems[:MOST_FILES]), *files])


def _premises(page: _Page, needed: Sequence[tuple[str, Verdict]]) -> Iterator[str]:
    yield page.w("A gate passes when each of its rules holds and each gate that it depends on has passed.")
    for name, verdict in needed:
        yield f"{code(name)} ({verdict.value}) = PASS → {str(verdict is Verdict.PASS).upper()}"


def _people(page: _Page) -> None:
    audit, t, w = page.audit, page.t, page.w
    page.heading(2, w("Sign-offs"))
    _signatures(page)
    page.heading(3, w("How to sign"))
    for one in audit.roles:
        page.add(f"**{t(one.role)}**: {w('In the workspace, where your key is:')}")
        page.fenced(one.here)
    if audit.roles:
        page.add(w("On another machine:"))
        page.fenced(*audit.roles[0].elsewhere)
    page.heading(2, w("Next review"))
    page.items(map(t, audit.next_review))
    page.heading(2, w("How to verify"))
    page.add(w("This page proves nothing by itself: the ledger and the compliance record do."))
    for why, command in audit.verify:
        page.add(t(why))
        page.fenced(command)


def _signatures(page: _Page) -> None:
    t = page.t  # a blank cell below "Signature" would be taken for a template's
    page.table(
        ("Role", "Name", "Signature", "Date", "Status"),
        (
            [
                t(one.role),
                t(one.name),
                code(one.key) if one.key else page.w("not signed"),
                t(one.signed_at),
                page.mark(one.mark),
            ]
            for one in page.audit.roles
        ),
    )


def render_go_live(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """``GO_LIVE_DECISION_GATE.md``, which the collector of artifacts reads back."""
    page = _Page(build(decision, entry, screen), screen.language)
    audit, t, w = page.audit, page.t, page.w
    page.heading(1, w("Go-live decision gate"))
    made = say("Generated from the decision as of {time}; do not edit.", time=audit.as_of)
    page.add(t(made), *(f"- {t(name)}: {t(value)}" for name, value in audit.identity[1:6]))
    page.heading(2, w("Decision"))
    page.add(f"**{audit.verdict.value}**: {t(audit.headline)}")
    page.heading(2, w("Stage status"))
    page.table(
        # the status first: a title may be anything, and what reads this takes the first verdict of a row
        ("Gate", "Status", "Question"),
        ([t(gate.id), gate.verdict.value, t(gate.title)] for gate in audit.gates),
    )
    page.heading(2, w("Metrics summary"))
    page.table(
        ("Gate", "Metric", "Target", "Current", "Status"),
        ([t(m.stage), t(m.label), t(m.target), t(m.current), t(m.mark.word)] for m in audit.metrics),
    )
    page.heading(2, w("Risk assessment"))
    page.table(
        ("Severity", "Risk", "Consequence", "Resolution"),
        (
            [w(one.severity.value), t(one.title), t(one.consequence), t(one.resolution)]
            for one in audit.anomalies
        ),
    )
    remarks = [*audit.weakened, *(text for _, text in audit.notices)]
    if remarks:
        page.items(map(escaped, remarks))
    page.heading(2, w("Recommendation"))
    page.add(t(_ADVICE[audit.verdict]) + (f" ({code(audit.action)})" if audit.action else ""))
    page.heading(2, w("Sign-offs"))
    _signatures(page)
    page.heading(2, w("Next review"))
    page.items(map(t, audit.next_review))
    return for_people(page.text()).encode("utf-8", "backslashreplace")


_ADVICE = {
    Verdict.PASS: say("Go live by the scale-up plan, beginning with its first week."),
    Verdict.CONDITIONAL: say("Complete the open conditions first; deploy only then."),
    Verdict.FAIL: say("Do not go live. Correct what failed and judge again."),
}
