"""The entries of a ledger with what they mean, and a decision found among them."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from ...evidence.base.errors import LedgerError, UsageError, suggestion
from ...evidence.base.numbers import counted
from ..decision.document import CheckStatus, Decision
from ..ledger.interface import Entry
from ..ledger.merkle import Frontier
from . import statement as statements

if TYPE_CHECKING:
    from ..ledger.reader import LedgerReader

PENDING: Final = "PENDING"
"""The status of a stage that no recorded decision has judged; never a verdict."""

LATEST: Final = "latest"
"""Stands for the last recorded decision."""

_DIGEST: Final = re.compile(r"[0-9a-f]{8,64}")


class StatementEntry(Struct, frozen=True):
    """An entry's place in the ledger, its statement, its kind (None where this version knows none), and why
    it does not count (its key was revoked); None where it does.
    """

    entry: Entry
    statement: dict[str, Any]
    kind: str | None
    void: str | None


class DecisionEntry(StatementEntry, frozen=True):
    """A recorded decision, and our summary in its statement."""

    summary: statements.Summary

    @property
    def index(self) -> int:
        """Of the entry."""
        return self.entry.index

    @property
    def time(self) -> str:
        """As of when it was judged, RFC 3339."""
        return self.summary.time


class StageStatus(Struct, frozen=True):
    """The latest recorded verdict about a stage; what has no decision is None.

    Attributes:
        status: its verdict, or ``PENDING``.
        entry, effective_time, commit: the ledger entry, as of when it was judged, and what was.
        current, policy_current: whether sources and policies are still those of the decision.
        evidence_current, settings_current: the same of the files read for the stage, and of gate.yaml.
        problem: why the decision cannot be read, so that nothing tells whether it is current.
    """

    stage: str
    title: str
    status: str
    entry: int | None
    effective_time: str | None
    commit: str | None
    current: bool | None
    policy_current: bool | None
    evidence_current: bool | None = None
    settings_current: bool | None = None
    problem: str | None = None


class RecordedDecision(Struct, frozen=True):
    """A decision in the ledger: its entry, and the document where that can be read.

    Attributes:
        problem: why it cannot be read. foreign: because another version of gate stored it.
    """

    entry: DecisionEntry
    decision: Decision | None
    problem: str | None = None
    foreign: bool = False

    @property
    def time(self) -> str:
        """As of when it was judged."""
        return self.entry.summary.time

    @property
    def commit(self) -> str | None:
        """The full id of the commit that was judged."""
        for subject in self.entry.statement["subject"]:
            if "gitCommit" in subject.get("digest", {}):
                return str(subject["digest"]["gitCommit"])
        return None

    @property
    def policy(self) -> str:
        """Name and version of the bundle that judged."""
        if self.decision is not None:
            return f"{self.decision.policy.name} {self.decision.policy.version}"
        return self.entry.summary.policy

    @property
    def holds(self) -> tuple[int, int] | None:
        """How many rules hold, of how many."""
        if self.decision is None:
            return None
        checks = self.decision.checks
        return sum(check.status is CheckStatus.HOLDS for check in checks), len(checks)

    def signers(self) -> Iterator[tuple[str, str]]:
        """Role and principal of the approvals that counted."""
        for one in self.decision.signatures if self.decision else ():
            if one.principal is not None:
                yield one.role, one.principal


def entries(ledger: LedgerReader) -> Iterator[StatementEntry]:
    """Every entry, oldest first; decisions as DecisionEntry, unless their key was revoked.

    Raises LedgerError: a line does not hold, or, after the last one, the sealed lines are not those of the
    checkpoint (reordered, dropped or exchanged).
    """
    latest = ledger.checkpoint()
    frontier = Frontier()
    for entry in ledger.entries():
        frontier.append(bytes.fromhex(entry.digest))
        if latest is not None and frontier.size == latest.size and frontier.root() != latest.root:
            raise LedgerError(
                f"it does not begin with the {counted(latest.size, 'entry')} sealed on {latest.time}",
                path=ledger.name,
                remedy="run `gate ledger verify`, and restore the ledger from a copy you trust",
            )
        statement = json.loads(entry.payload)
        place, kind = Entry(entry.index, entry.digest), statements.kind_of(statement)
        summary = statements.summary(statement)
        if summary is None or entry.void is not None:
            yield StatementEntry(place, statement, kind, entry.void)
        else:
            yield DecisionEntry(place, statement, kind, None, summary)


def decisions(ledger: LedgerReader) -> Iterator[DecisionEntry]:
    """Every recorded decision that counts, oldest first. Raises as `entries`."""
    return (one for one in entries(ledger) if isinstance(one, DecisionEntry))


def about(ledger: LedgerReader, stage: str | None) -> Iterator[DecisionEntry]:
    """Every decision that judged the stage, or every one for None, oldest first. Raises as `entries`."""
    return (
        one
        for one in decisions(ledger)
        if stage is None or stage == one.summary.stage or stage in one.summary.stages
    )


def verdicts(ledger: LedgerReader) -> Iterator[tuple[DecisionEntry, list[str]]]:
    """Every decision, oldest first, with the stages that it says something new about. Raises as `entries`."""
    news = News()
    for one in decisions(ledger):
        yield one, news.of(one.entry, one.summary.time, one.summary.stages)


class News:
    """Tells about which stages decisions, asked for oldest first, say something new.

    A line that is there already and older than what followed says nothing new: whoever can write the log can
    copy one without its key.
    """

    def __init__(self) -> None:
        self._latest: dict[str, str] = {}
        self._seen: set[str] = set()

    def of(self, entry: Entry, time: str, judged: Iterable[str]) -> list[str]:
        """Those of the judged stages; ``time`` is the effective time."""
        again = entry.digest in self._seen
        stages = [stage for stage in judged if not (again and time < self._latest.get(stage, ""))]
        self._latest.update(dict.fromkeys(stages, time))
        self._seen.add(entry.digest)
        return stages


def locate(ledger: LedgerReader, target: str, names: Sequence[str] = ()) -> DecisionEntry:
    """The entry of a recorded decision; the last one where it was recorded more than once.

    Args:
        target: `LATEST`, one of the names, a ledger index, or at least eight digits of the leaf digest or of
            the decision's digest.
        names: of stages, and ``all``; each stands for the last decision that judged it.

    Raises UsageError: there is no such decision, or several begin like that; LedgerError as `entries`.
    """
    index, found, void = check_target(target, names), [], None
    if target == LATEST or target in names:
        return _last(ledger, None if target == LATEST else target)
    for one in entries(ledger):
        summary = statements.summary(one.statement)
        if summary is None:
            continue
        digests = (one.entry.digest, summary.decision)
        if one.entry.index == index or (index is None and any(text.startswith(target) for text in digests)):
            void = one
            if isinstance(one, DecisionEntry):
                found.append(one)
    if not found and void is not None:
        raise UsageError(
            f"the decision in entry {void.entry.index} does not count: {void.void}",
            remedy="`gate ledger show` lists the decisions that do",
        )
    if not found:
        raise UsageError(
            f"the ledger has no decision {target!r}", remedy="`gate history` lists the recorded decisions"
        )
    if len({one.summary.decision for one in found}) > 1:
        raise UsageError(f"several decisions begin with {target!r}", remedy="give more digits")
    return found[-1]


def _last(ledger: LedgerReader, stage: str | None) -> DecisionEntry:
    found = deque(about(ledger, stage), 1)
    if not found:
        what = f"the ledger has no decision{f' about {stage}' if stage else ''}"
        raise UsageError(what, remedy="record one with `gate evaluate STAGE`")
    return found[0]


def check_target(target: str, names: Sequence[str]) -> int | None:
    """The ledger index that a target of `locate` is; None for all others. Raises UsageError: it is none."""
    if target.isdecimal() and len(target) < 8:
        return int(target)
    if target == LATEST or target in names or _DIGEST.fullmatch(target):
        return None
    what = "neither a stage nor a recorded decision" if names else "no recorded decision"
    advice = f"{suggestion(target, [LATEST, *names])}; or" if names else "give"
    raise UsageError(f"{target!r} is {what}", remedy=f"{advice} a ledger index or digest")
