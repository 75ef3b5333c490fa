"""Where each stage of a ledger stands: its latest recorded decision, the one before, and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

from msgspec import Struct, field

from ..entries.reading import DecisionEntry, verdicts
from ..ledger.reader import LedgerReader


class Dated(Protocol):
    """A recorded decision, however much of it is kept."""

    @property
    def index(self) -> int:
        """Of the ledger entry."""
        ...

    @property
    def time(self) -> str:
        """The effective time, RFC 3339."""
        ...


L = TypeVar("L", bound=Dated)


class Standing(Struct, Generic[L]):
    """What a ledger says about one stage.

    Attributes:
        latest, before: the last recorded decision about it, and the one before that.
        verdict, since: its verdict, and the effective time from which on it was this one without a break.
        marked: by index that was asked for, the last decision at or before it.
        counts: how many decisions came to each verdict.
    """

    latest: L
    verdict: str
    since: str
    before: L | None = None
    marked: dict[int, L] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


class Standings(Struct, Generic[L]):
    """All stages by name, and the index of the last decision that says something new about one."""

    stages: dict[str, Standing[L]] = field(default_factory=dict)
    last: int = -1


def read(ledger: LedgerReader, marks: Collection[int] = ()) -> Standings[DecisionEntry]:
    """Read the ledger once.

    Args:
        marks: indexes as of which the decisions are wanted, too.

    Raises LedgerError: an entry does not hold.
    """
    said = ((one, {stage: one.summary.stages[stage] for stage in stages}) for one, stages in verdicts(ledger))
    return follow(said, marks)


def follow(said: Iterable[tuple[L, Mapping[str, str]]], marks: Collection[int] = ()) -> Standings[L]:
    """The same of decisions, oldest first, each with the verdicts that are new."""
    found: Standings[L] = Standings()
    for line, stages in said:
        found.last = line.index if stages else found.last
        for stage, verdict in stages.items():
            found.stages[stage] = following(found.stages.get(stage), str(verdict), line, marks)
    return found


def following(known: Standing[L] | None, verdict: str, line: L, marks: Collection[int] = ()) -> Standing[L]:
    """Where a stage stands after the decision that follows what is known."""
    if known is None:
        known = Standing(line, verdict, line.time)
    else:
        since = known.since if verdict == known.verdict else line.time
        known.latest, known.before, known.verdict, known.since = line, known.latest, verdict, since
    known.marked |= dict.fromkeys((mark for mark in marks if line.index <= mark), line)
    known.counts[verdict] += 1
    return known
