"""Pages as HTML, from values alone: no clock, no network and no ledger."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final

from markupsafe import Markup
from msgspec import Struct

from ....evidence.base.errors import GateError
from ....evidence.signing.keys import VerifierKey
from ...decide.conditions import DAY, due_at
from ...decision.document import Decision, Verdict
from ...fleet.reading import Problem
from ...ledger.interface import Entry
from ...ledger.note import Checkpoint
from ...replay.impact import Impact
from ...replay.reports.flips import MOST, groups, place, told, verdicts
from ...report.audit import html as report
from ...report.audit.build import build
from ...report.audit.proof import VERDICTS
from ...report.interface import Screen
from ...report.several.chart import HEIGHT, WIDTH, drawn
from ...report.several.series import Series, figures
from ...terminal.figures import for_people, printable
from ..served import Row
from .html import Site, render
from .impacts import Listed, Result, summary
from .rows import About, Asked, Line, Page, Shelf, newest_first

CHARTED: Final = 30
"""Decisions whose figures the page of a log draws."""
_MONTHS, _RULES, _CHARTS, _LATEST, _STAGES, _WORKSPACES, _DUES, _GROUPS = 12, 10, 40, 10, 20, 100, 1000, 200
_FINDINGS: Final = 20
_SOON_S: Final = 30 * DAY


def decisions(site: Site, shelves: Mapping[str, Shelf], asked: Asked, problems: Sequence[Problem]) -> str:
    """The recorded decisions that are asked for, the latest first, of all logs by name."""
    abouts = [about for shelf in shelves.values() for about in shelf.abouts.values()]
    return render(
        "decisions.html.j2",
        site,
        section="decisions",
        asked=asked,
        logs=list(shelves),
        stages=sorted({stage for about in abouts for stage in about.stages}),
        page=Page.of(asked.matching(newest_first(shelves)), asked.page),
        recorded=sum(shelf.count for shelf in shelves.values()),
        problems=problems,
    )


Lapsed = Set[tuple[str, str, str]]
"""Log, workspace and stage whose latest verdict rests on something that has ended since."""


def logs(site: Site, shelves: Mapping[str, Shelf], gone: Lapsed, problems: Sequence[Problem]) -> str:
    """All logs by name with the latest verdict on each stage."""
    lines = []
    for name, shelf in shelves.items():
        single = len(shelf.abouts) == 1
        stages = [
            (stage if single else f"{workspace} {stage}", one.verdict, (name, workspace, stage) in gone)
            for workspace, about in sorted(shelf.abouts.items())
            for stage, one in sorted(about.stages.items())
        ]
        latest = shelf.latest[1] if shelf.latest else None
        more = max(len(stages) - _STAGES, 0)
        lines.append(
            {"name": name, "count": shelf.count, "latest": latest, "stages": stages[:_STAGES], "more": more}
        )
    return render("logs.html.j2", site, section="logs", logs=lines, problems=problems)


def log(
    site: Site,
    name: str,
    shelf: Shelf,
    workspace: str,
    charted: Sequence[tuple[Row, Decision]],
    gone: Lapsed,
    problems: Sequence[Problem],
) -> str:
    """Status, trend and history of one workspace of a log.

    Args:
        charted: the decisions whose figures are drawn, oldest first.
    """
    about = shelf.abouts.get(workspace, About())
    series = figures((row.entry.index, row.time, decided) for row, decided in charted)
    drawings = [_chart(one) for one in series if len(set(one.values)) > 1]
    months = sorted(about.months.items())[-_MONTHS:]
    return render(
        "log.html.j2",
        site,
        section="logs",
        name=name,
        workspace=workspace,
        workspaces=sorted(shelf.abouts)[:_WORKSPACES],
        stages=[
            (stage, one, (name, workspace, stage) in gone) for stage, one in sorted(about.stages.items())
        ],
        months=[(month, counts, _bars(counts)) for month, counts in months],
        rules=about.rules.most_common(_RULES),
        charts=drawings[:_CHARTS],
        charts_left=max(len(drawings) - _CHARTS, 0),
        constant=[(one.title, one.shown(one.values[0])) for one in series if len(set(one.values)) == 1],
        charted=len(charted),
        first=charted[0][0].time if charted else "",
        last=charted[-1][0].time if charted else "",
        lines=[Line(name, row) for row in reversed(about.rows[-_LATEST:])],
        recorded=shelf.count,
        problems=problems,
    )


def _bars(counts: Counter[str]) -> list[tuple[str, int, int]]:
    """Tone, place and length of the parts of a bar, in thousandths; together they are all of it."""
    parts, done, total = [], 0, counts.total()
    for verdict in (Verdict.PASS, Verdict.CONDITIONAL, Verdict.FAIL):
        begin = 1000 * done // total
        done += counts[verdict]
        parts.append((VERDICTS[verdict].tone, begin, 1000 * done // total - begin))
    return parts


def _chart(one: Series) -> Markup:
    head = Markup('<svg viewBox="0 0 {} {}" role="img" direction="ltr" aria-label="{}: {}">')
    about = f"{one.shown(one.values[0])} → {one.shown(one.values[-1])}"
    # its texts are escaped where it is drawn
    return head.format(WIDTH, HEIGHT, printable(one.title), about) + Markup("".join(drawn(one)) + "</svg>")  # noqa: S704


class Due(Struct, frozen=True):
    """A waiver or condition on which a decision rests.

    Attributes:
        resting: its stage, and those that depend on it, of those about which nothing newer was decided.
        until_s: 0 where ``until`` is no time.
    """

    log: str
    workspace: str
    entry: int
    stage: str
    waiver: bool
    id: str
    code: str
    text: str
    owner: str
    until: str
    until_s: int
    resting: frozenset[str]

    def tone(self, now_s: int) -> str:
        """How near its end is, as tones of marks say it."""
        left = self.until_s - now_s
        return "bad" if left <= 0 else "warn" if left <= _SOON_S else "none"


def dues_of(log: str, row: Row, decision: Decision) -> list[Due]:
    """The waivers and conditions of a decision; each once, although a waiver may cover many violations."""
    rows = [
        (one.stage, True, one.waiver, one.code, one.reason, one.approver, one.effective_until)
        for one in decision.waived
    ]
    rows += [(one.stage, False, one.id, one.code, one.msg, one.owner, one.due) for one in decision.conditions]
    resting = {stage: _resting(decision, stage) for stage in decision.stages}
    found = []
    for stage, waiver, name, code, text, owner, until in dict.fromkeys(rows):
        try:
            until_s = due_at(until)
        except ValueError:  # a decision of another version of gate
            until_s = 0
        by, where = resting.get(stage, frozenset((stage,))), (log, row.workspace, row.entry.index, stage)
        found.append(Due(*where, waiver, name, code, text, owner, until, until_s, by))
    return found


def _resting(decision: Decision, stage: str) -> frozenset[str]:
    """The stage, and those that depend on it."""
    found = {stage}
    for name, one in decision.stages.items():  # dependencies come first
        if found & set(one.depends_on):
            found.add(name)
    return frozenset(found)


def lapsed(site: Site, dues: Iterable[Due]) -> Lapsed:
    """Whose latest verdict rests on something that has ended."""
    return {
        (one.log, one.workspace, stage) for one in dues if one.until_s <= site.now_s for stage in one.resting
    }


def due(site: Site, dues: Iterable[Due], problems: Sequence[Problem]) -> str:
    """Waivers and conditions by the time at which they end."""
    found = sorted(dues, key=lambda one: (one.until_s, one.log, one.entry, one.id))
    return render(
        "due.html.j2",
        site,
        section="due",
        dues=found[:_DUES],
        left_out=max(len(found) - _DUES, 0),
        lapsed=sum(one.until_s <= site.now_s for one in found),
        problems=problems,
    )


def decision(
    site: Site, found: Decision, entry: Entry, log: str, before: int | None, after: int | None
) -> str:
    """The audit report about a decision, below links to the pages around it.

    Args:
        before, after: entries of the log's decisions beside this one.
    """
    above = render("above.html.j2", site, log=log, entry=entry.index, before=before, after=after)
    audit = build(found, entry, Screen(language=site.language))
    return for_people(report.page(audit, site.language, above=above))


class State(Struct, frozen=True):
    """What is known of a log's verification.

    Attributes:
        checked: when it was verified last, RFC 3339; None before.
        size: how many entries were; None where there is no ledger yet.
        findings: what is wrong.
        unknown: why it cannot be told; None where it can.
        key: the verifier key as the ledger states it; None where it cannot be read.
        pinned: whether the service file names the key.
        sealed: the latest checkpoint; None before there is one.
        latest: ledger index of the latest decision.
    """

    name: str
    checked: str | None
    size: int | None
    findings: tuple[str, ...]
    unknown: str | None
    key: VerifierKey | None
    pinned: bool
    sealed: Checkpoint | None
    latest: int | None

    @property
    def quoted_key(self) -> str:
        """The verifier key as a word for a shell."""
        return shlex.quote(str(self.key))


def verification(site: Site, states: Sequence[State], base: str) -> str:
    """The state of verification by log, and how to verify; ``base`` is the URL of this service."""
    return render(
        "verification.html.j2",
        site,
        section="verification",
        states=states,
        base=base.rstrip("/"),
        most=_FINDINGS,
    )


def impact(
    site: Site, results: Sequence[Listed], pushable: Sequence[str], base: str, *, wrong: str = ""
) -> str:
    """The results of impact that were written.

    Args:
        pushable: names of the logs for which bundles may be pushed.
        base: the URL of this service.
        wrong: why there are no results.
    """
    return render(
        "impact.html.j2",
        site,
        section="impact",
        results=results,
        pushable=pushable,
        base=base.rstrip("/"),
        wrong=wrong,
    )


def impact_result(site: Site, result: Result, found: Impact) -> str:
    """What one policy bundle changes about the recorded decisions."""
    made = groups(found.changed)
    return render(
        "impact_result.html.j2",
        site,
        section="impact",
        result=result,
        impact=found,
        summary=summary(found),
        verdicts_changed=verdicts(found.changed)[:_FINDINGS],
        lacking=list(found.lacking.items())[:_FINDINGS],
        groups=made[:_GROUPS],
        groups_left=max(len(made) - _GROUPS, 0),
        most=MOST,
        place=place,
        told=told,
    )


def problem(site: Site, error: GateError, *, unreadable: bool = False) -> str:
    """A page that says what is wrong, and what to do.

    Args:
        unreadable: whether it is there, but cannot be read now; the remedy then names what is on the machine.
    """
    title, remedy = ("This cannot be read now", None) if unreadable else ("Nothing is here", error.remedy)
    about = {"title": title, "what": error.what, "remedy": remedy, "unreadable": unreadable}
    return render("problem.html.j2", site, section="", **about)
