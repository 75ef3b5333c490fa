"""The recorded decisions of a fleet's ledgers, latest last: as a table, JSON, or CSV for spreadsheets."""

from __future__ import annotations

from collections import deque
from itertools import chain
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import astuple, fields

from ...evidence.base.records import to_json
from ..decision.document import Verdict
from ..entries.reading import DecisionEntry, RecordedDecision, decisions
from ..ledger.reader import LedgerReader
from ..report.interface import Screen
from ..report.json_format import render_json, shown
from ..report.several.history import render_csv
from ..report.table import VERDICT_STYLE
from ..terminal.lines import Lines, columns, pad
from .reading import Answers, Problem
from .settings import Member
from .standing import add_problems


class Row(Struct, frozen=True):
    """A recorded decision of one of the ledgers, as its entry says; how many rules, conditions, waivers."""

    ledger: str
    entry: int
    effective_time: str
    commit: str | None
    policy: str
    stage: str
    verdict: str
    violated: int
    conditions: int
    waived: int


class History(Struct, frozen=True):
    """The decisions in the order of their effective times, and the ledgers that could not be read."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, answers: Answers[list[Row]], last: int) -> History:
        """The last decisions of all answers."""
        rows = sorted(chain(*answers.found), key=attrgetter("effective_time", "ledger", "entry"))
        return cls(tuple(rows[-last:]), answers.problems)


def recent(member: Member, ledger: LedgerReader, stage: str | None, last: int) -> list[Row]:
    """The last decisions of a ledger, or of those that judged the stage. Raises LedgerError."""
    chosen = (_row(member.name, one) for one in decisions(ledger) if stage in (None, *one.summary.stages))
    return list(deque(chosen, last))


def _row(name: str, one: DecisionEntry) -> Row:
    row, summary = RecordedDecision(one, None), one.summary
    return Row(
        name, one.entry.index, row.time, row.commit, row.policy, summary.stage,
        summary.verdict, len(summary.violations or ()),
        summary.conditions or 0, len(summary.waived or ()),
    )  # fmt: skip


def _table(found: History, screen: Screen) -> bytes:
    lines = Lines(screen)
    width = min(max((columns(row.ledger) for row in found.rows), default=0), 40)
    for row in found.rows:
        counted = ((row.violated, "rules violated"), (row.conditions, "conditions"), (row.waived, "waived"))
        counts = [f"{count} {name}" for count, name in counted if count]
        about = [row.stage, *counts, (row.commit or "-")[:7], row.policy, f"entry {row.entry}"]
        verdict = (f"{row.verdict:<11}", VERDICT_STYLE[Verdict(row.verdict)])
        start = f"{row.effective_time}  {pad(row.ledger, width)}  "
        lines.add(start, verdict, f"  {' · '.join(about)}", hang=22)
    if not found.rows:
        lines.add("no decision was recorded")
    add_problems(lines, found.problems)
    return lines.text().encode()


def _json(found: History, screen: Screen) -> bytes:
    return render_json(shown({"decisions": to_json(found.rows), "problems": to_json(found.problems)}))


def _csv(found: History, screen: Screen) -> bytes:
    return render_csv([tuple(one.name for one in fields(Row)), *map(astuple, found.rows)])


HISTORY = {"table": _table, "json": _json, "csv": _csv}
