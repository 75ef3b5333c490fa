"""Where the ledgers of a fleet stand: who may go live, what blocks, what expires, how old the evidence is.

Everything is as the latest decision about the go-live stage says; what has lapsed since then is told by the
time that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from ...evidence.base.errors import EnvironmentProblem
from ...evidence.base.numbers import counted
from ...evidence.base.records import to_json
from ...evidence.base.times import format_utc, parse_rfc3339
from ..decide.conditions import DAY, due_at
from ..decision.document import Decision, Verdict
from ..entries.reading import RecordedDecision, verdicts
from ..ledger.reader import LedgerReader
from ..recording import recorded_decision
from ..report.interface import Screen
from ..report.json_format import render_json, shown
from ..report.table import VERDICT_STYLE
from ..terminal.figures import figure
from ..terminal.lines import Lines, columns, pad
from .reading import Answers, Problem
from .settings import Member

YES, CONDITIONAL, LAPSED, NO, UNKNOWN = "yes", "with conditions", "lapsed", "no", "not known"
_ELSEWHERE = ("waivers", "conditions", "problem")
"""What is listed by itself in JSON, not with each ledger."""
MAX_ROWS = 20
"""Of each list of the table; JSON has them all."""


class Due(Struct, frozen=True):
    """A waiver or condition on which a verdict rests: its rule, its name, whose it is, and until when."""

    ledger: str
    code: str
    id: str
    owner: str
    until: str
    until_s: int


class Oldest(Struct, frozen=True):
    """The oldest evidence that states when it was made."""

    id: str
    observed_at: str
    age_s: int


class Standing(Struct, frozen=True):
    """What one ledger says.

    Attributes:
        go_live: `YES`, `CONDITIONAL`, `LAPSED` (a waiver expired or a condition fell due since), `NO`, or
            `UNKNOWN` where no decision judged the stage.
        log, pinned: the log's name, and whether the fleet's settings name its key.
        decisions: how many were recorded. sealed: when the ledger was sealed last.
        verdict, since, entry, effective_time, commit, policy: of the latest decision about the stage.
        stages: latest verdicts of all stages.
        blocking: codes of the rules that block the stage.
        oldest, undated: the oldest evidence, and how many pieces do not state their age.
    """

    ledger: str
    owner: str | None
    go_live: str
    log: str
    pinned: bool
    decisions: int
    sealed: str | None
    stages: dict[str, str]
    verdict: str | None = None
    since: str | None = None
    entry: int | None = None
    effective_time: str | None = None
    commit: str | None = None
    policy: str | None = None
    blocking: tuple[str, ...] = ()
    waivers: tuple[Due, ...] = ()
    conditions: tuple[Due, ...] = ()
    oldest: Oldest | None = None
    undated: int = 0
    problem: Problem | None = None


class Overview(Struct, frozen=True):
    """All ledgers as of a time; `within_s` says how far ahead waivers and conditions are listed."""

    stage: str
    now_s: int
    within_s: int
    ledgers: tuple[Standing, ...]
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, answers: Answers[Standing], stage: str, now_s: int, within_s: int) -> Overview:
        """The answers together; a ledger that was read in part has a standing and a problem."""
        partly = [one.problem for one in answers.found if one.problem]
        return cls(stage, now_s, within_s, answers.found, (*answers.problems, *partly))

    def blocking(self) -> list[tuple[str, list[str]]]:
        """Rules that block now, and the ledgers in which they do; the most frequent first."""
        found: dict[str, list[str]] = {}
        for one in self.ledgers:
            for code in one.blocking:
                found.setdefault(code, []).append(one.ledger)
        return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))

    def due(self, dues: Callable[[Standing], tuple[Due, ...]]) -> list[Due]:
        """Those that end within the time, the first first."""
        found = [
            due for one in self.ledgers for due in dues(one) if due.until_s <= self.now_s + self.within_s
        ]
        return sorted(found, key=lambda due: (due.until_s, due.ledger, due.id))


def stand(member: Member, ledger: LedgerReader, stage: str, now_s: int) -> Standing:
    """What a ledger says about the stage. Raises LedgerError: an entry does not hold."""
    stages: dict[str, str] = {}
    latest, since, count = None, "", 0
    for one, about in verdicts(ledger):
        count += 1
        if stage in about:
            if stages.get(stage) != one.summary.stages[stage]:
                since = one.summary.time
            latest = one
        stages.update((name, one.summary.stages[name]) for name in about)
    sealed = ledger.checkpoint()
    about_log = (ledger.verifier.name, member.key is not None, count, sealed.time if sealed else None, stages)
    if latest is None:
        return Standing(member.name, member.owner, UNKNOWN, *about_log)
    row = RecordedDecision(latest, None)
    told: dict[str, Any] = {
        "verdict": Verdict(stages[stage]).value, "since": since, "entry": latest.entry.index,
        "effective_time": row.time, "commit": row.commit, "policy": row.policy,
    }  # fmt: skip
    try:
        found = recorded_decision(ledger, latest)
    except EnvironmentProblem as error:
        found = replace(row, problem=error.reason)
    if found.decision is None:
        problem = Problem(member.name, f"entry {latest.entry.index}: {found.problem}")
        return Standing(member.name, member.owner, UNKNOWN, *about_log, **told, problem=problem)
    told |= _details(member.name, found.decision, stage, now_s)
    go_live = {Verdict.FAIL: NO, Verdict.PASS: YES}.get(told["verdict"], CONDITIONAL)
    if go_live != NO and any(one.until_s <= now_s for one in (*told["waivers"], *told["conditions"])):
        go_live = LAPSED
    return Standing(member.name, member.owner, go_live, *about_log, **told)


def _details(name: str, decision: Decision, stage: str, now_s: int) -> dict[str, Any]:
    """What the verdict on the stage rests on, from the stage and everything that it depends on."""
    stages, rest = set[str](), [stage]
    while rest:
        if (one := rest.pop()) in decision.stages and one not in stages:
            stages.add(one)
            rest += decision.stages[one].depends_on
    blocking = {one.code for one in decision.violations if one.stage in stages and one.severity.blocks}
    own = {code for code in blocking if not code.endswith(".dependency")}
    dated = [(parse_rfc3339(one.observed_at), one) for one in decision.evidence if one.observed_at]
    first = min(dated, key=lambda item: (item[0], item[1].id), default=None)
    return {
        "blocking": tuple(sorted(own or blocking)),
        "waivers": tuple(
            dict.fromkeys(
                Due(
                    name, one.code, one.waiver, one.approver, one.effective_until, due_at(one.effective_until)
                )
                for one in decision.waived
                if one.stage in stages
            )
        ),
        "conditions": tuple(
            Due(name, one.code, one.id, one.owner, one.due, due_at(one.due))
            for one in decision.conditions
            if one.stage in stages
        ),
        "oldest": Oldest(first[1].id, str(first[1].observed_at), now_s - first[0]) if first else None,
        "undated": sum(one.observed_at is None for one in decision.evidence),
    }


def render_data(found: Overview, screen: Screen) -> bytes:
    """Flat lists for dashboards, each row with the ledger's name."""

    def dues(rows: list[Due]) -> list[dict[str, Any]]:
        return [{**asdict(one), "expired": one.until_s <= found.now_s} for one in rows]

    document = {
        "stage": found.stage,
        "as_of": format_utc(found.now_s),
        "within_s": found.within_s,
        "ledgers": [
            {name: value for name, value in to_json(one).items() if name not in _ELSEWHERE}
            for one in found.ledgers
        ],
        "blocking": [{"code": code, "ledgers": names} for code, names in found.blocking()],
        "waivers": dues(found.due(lambda one: one.waivers)),
        "conditions": dues(found.due(lambda one: one.conditions)),
        "problems": to_json(found.problems),
    }
    return render_json(shown(document))


def render_table(found: Overview, screen: Screen) -> bytes:
    """The ledgers by whether they may go live, then what blocks, ends soon, is old, and was not read."""
    lines = Lines(screen)
    counts = [
        f"{count} {name}"
        for name in (YES, CONDITIONAL, LAPSED, NO, UNKNOWN)
        if (count := sum(one.go_live == name for one in found.ledgers))
    ]
    unread = len(found.problems) - sum(one.problem is not None for one in found.ledgers)
    counts += [f"{unread} not read"] * bool(unread)
    lines.add(
        (f"May go live ({found.stage})", "bold"), f" as of {format_utc(found.now_s)}: {', '.join(counts)}"
    )
    width = min(max((columns(one.ledger) for one in found.ledgers), default=0), 40)
    for one in found.ledgers:
        style = VERDICT_STYLE[Verdict(one.verdict)] if one.verdict in list(Verdict) else "dim"
        answer = (f"{one.go_live:<16}", "yellow" if one.go_live in (LAPSED, UNKNOWN) else style)
        lines.add(answer, f"{pad(one.ledger, width)}  ", ", ".join(_words(one)), indent=2, hang=20)
    for title, rows in (
        ("Blocks most often", list(_blocking(found))),
        ("Waivers", list(_dues(found, lambda one: one.waivers, "expires", "expired"))),
        ("Conditions", list(_dues(found, lambda one: one.conditions, "due", "overdue since"))),
        ("Oldest evidence", list(_ages(found))),
    ):
        if rows:
            lines.add((title, "bold"))
        for text in rows[:MAX_ROWS]:
            lines.add(text, indent=2, hang=6)
        if len(rows) > MAX_ROWS:
            lines.add(f"{len(rows) - MAX_ROWS} more", indent=2)
    add_problems(lines, found.problems)
    return lines.text().encode()


def _words(one: Standing) -> Iterator[str]:
    if one.verdict is None:
        yield f"none of {counted(one.decisions, 'decision')} judged it"
    else:
        yield f"{one.verdict} since {one.since}, judged {one.effective_time}"
        yield f"commit {one.commit[:7]}" if one.commit else "no git commit"
        yield f"entry {one.entry}"
    if one.owner:
        yield f"owner {one.owner}"
    if not one.pinned:
        yield "key not pinned"


def _blocking(found: Overview) -> Iterator[str]:
    for code, names in found.blocking():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{code}  {counted(len(names), 'ledger')}: {', '.join(names[:3])}{more}"


def _dues(
    found: Overview, dues: Callable[[Standing], tuple[Due, ...]], ends: str, ended: str
) -> Iterator[str]:
    for one in found.due(dues):
        word = ended if one.until_s <= found.now_s else ends
        yield f"{word} {one.until}  {one.ledger}: {one.id} ({one.code}), {one.owner}"


def _ages(found: Overview) -> Iterator[str]:
    dated = [(one.oldest.age_s, one.ledger, one.oldest) for one in found.ledgers if one.oldest]
    for age, ledger, oldest in sorted(dated, key=lambda item: (-item[0], item[1])):
        days = figure(age // DAY * DAY, "s") if age >= DAY else figure(max(age, 0), "s")
        yield f"{days}  {ledger}: {oldest.id}, made {oldest.observed_at}"


def add_problems(lines: Lines, problems: tuple[Problem, ...]) -> None:
    """The ledgers that could not be read, and why."""
    if problems:
        lines.add(("Not read", "red"))
    for one in problems:
        lines.add((one.ledger, "red"), f": {one.reason}", indent=2, hang=6)


STATUS = {"table": render_table, "json": render_data}
