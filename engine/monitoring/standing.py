"""Where each stage of a ledger stands: its latest recorded decision, the one before, and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from msgspec import Struct, field

from ..entries import judged_at, verdicts
from ..ledger.reader import LedgerReader
from ..report.interface import DecisionEntry


class Line(Struct, frozen=True):
    """A recorded decision: ledger index, effective time (RFC 3339), and SHA-256 of its document."""

    index: int
    time: str
    digest: str


class Standing(Struct):
    """What a ledger says about one stage.

    Attributes:
        latest, before: the last recorded decision about it, and the one before that.
        verdict, since: its verdict, and the effective time from which on it was this one without a break.
        marked: by index that was asked for, the last decision at or before it.
        counts: how many decisions came to each verdict.
    """

    latest: Line
    verdict: str
    since: str
    before: Line | None = None
    marked: dict[int, Line] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


class Standings(Struct):
    """All stages by name, and the index of the last decision that says something new about one."""

    stages: dict[str, Standing] = field(default_factory=dict)
    last: int = -1


def read(ledger: LedgerReader, marks: Collection[int] = ()) -> Standings:
    """Read the ledger once.

    Args:
        marks: indexes as of which the decisions are wanted, too.

    Raises LedgerError: an entry does not hold.
    """
    found = Standings()
    for one, stages in verdicts(ledger):
        line = Line(one.entry.index, judged_at(one), one.summary["decision"]["sha256"])
        found.last = line.index if stages else found.last
        for stage in stages:
            found.stages[stage] = _next(found.stages.get(stage), one, stage, line, marks)
    return found


def _next(
    known: Standing | None, one: DecisionEntry, stage: str, line: Line, marks: Collection[int]
) -> Standing:
    verdict = str(one.summary["stages"][stage])
    if known is None:
        known = Standing(line, verdict, line.time)
    else:
        since = known.since if verdict == known.verdict else line.time
        known.latest, known.before, known.verdict, known.since = line, known.latest, verdict, since
    known.marked |= dict.fromkeys((mark for mark in marks if line.index <= mark), line)
    known.counts[verdict] += 1
    return known
