"""What is served: ledgers, opened for reading, with their decisions in memory, and what verified them.

A decision is shown once a checkpoint covers it, and only after the lines gave that checkpoint's root. Every
method may be called from any thread.
"""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from ...evidence.base.errors import EnvironmentProblem, LedgerError, UsageError
from ..decision.document import Decision
from ..entries import statement as statements
from ..entries.reading import News, check_target
from ..fleet.reading import check_key
from ..fleet.settings import Member
from ..ledger import open_reader
from ..ledger.interface import RESTORE, Entry, NoLedger
from ..ledger.note import Checkpoint
from ..ledger.reader import LedgerReader
from ..monitoring.standing import Standings, follow
from ..recording import read_decision
from .settings import Log, Service
from .tiles import Tree, bundled

if TYPE_CHECKING:
    from ..monitoring.metrics import Labels
    from .verification import Verified

_LOOK_S: Final = 1.0
"""How old what is known of a ledger may be when somebody asks."""
_KEPT: Final = 64
"""Decision documents that are kept in memory."""
_AT_LENGTH: Final = threading.BoundedSemaphore(2)
_PATIENCE_S: Final = 2


class Row(Struct, frozen=True):
    """A recorded decision that counts, as its entry states it.

    Attributes:
        digest: SHA-256 of the decision document.
        time: effective time, RFC 3339.
        stages: verdict by stage.
        violations: codes of violated rules, the first two hundred.
    """

    entry: Entry
    digest: str
    time: str
    stage: str
    verdict: str
    stages: dict[str, str]
    workspace: str
    commit: str | None
    policy: str
    policy_digest: str
    violations: tuple[str, ...]
    waived: tuple[str, ...]
    conditions: int
    weakenings: tuple[str, ...]

    @property
    def index(self) -> int:
        """Index of the ledger entry."""
        return self.entry.index


class ServedLog:
    """One ledger that is served: its decisions and tiles in memory, and how its verification ended.

    Attributes:
        log: what the service file says about it.
        member: the same for the functions of `fleet`.
        verified: how the last verification ended; None before the first one.
    """

    verified: Verified | None = None

    def __init__(self, log: Log, config_dir: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.log = log
        self.member: Member = log.member
        self.name = log.name
        self.config_dir = config_dir
        self._clock = clock
        self._lock = threading.RLock()
        self._reader: LedgerReader | None = None
        self._looked: float | None = None
        self._changed = False
        self._latest: Checkpoint | None = None
        self._note: bytes | None = None
        self._events: tuple[tuple[int, bytes], ...] = ()
        self._tree = Tree()
        self._rows: list[Row] = []
        self._by_digest: dict[str, Row] = {}
        self._standings: tuple[Sequence[Row], int, Standings[Row]] | None = None
        self._decisions: OrderedDict[str, Decision] = OrderedDict()

    def rows(self) -> Sequence[Row]:
        """All decisions that a checkpoint covers, oldest first; none where there is no ledger yet.

        Raises LedgerError: the ledger does not hold; EnvironmentProblem: it cannot be reached.
        """
        self.look()
        return self._rows

    def standings(self) -> Standings[Row]:
        """Where each stage stands; remembered until there is more. Raises as `rows`."""
        rows = self.rows()
        known, count = self._standings, len(rows)
        if known is None or known[0] is not rows or known[1] != count:
            news = News()
            found = follow(
                (one, {stage: one.stages[stage] for stage in news.of(one.entry, one.time, one.stages)})
                for one in islice(rows, count)
            )
            known = self._standings = rows, count, found
        return known[2]

    def row(self, target: str) -> Row:
        """A decision by its ledger index, or by at least eight digits of its leaf digest or document digest.

        Raises UsageError: there is none, or there are several; else as `rows`.
        """
        rows = self.rows()
        index = check_target(target, ())
        if index is not None:
            at = bisect_left(rows, index, key=lambda one: one.entry.index)
            found = [one for one in rows[at : at + 1] if one.entry.index == index]
        elif target in self._by_digest:
            return self._by_digest[target]
        else:
            found = [
                one for one in rows if one.digest.startswith(target) or one.entry.digest.startswith(target)
            ]
        if not found or len({one.digest for one in found}) > 1:
            what = "several decisions begin with" if found else "the ledger has no decision"
            raise UsageError(f"{what} {target!r}", remedy="give a ledger index or more digits")
        return found[-1]

    def recorded(self, digest: str) -> Row | None:
        """The decision whose document has this digest, if it was sealed a moment ago. Raises as `rows`."""
        self.look(at_once=False)
        return self._by_digest.get(digest)

    def decision(self, row: Row) -> Decision:
        """The document of a decision.

        Raises LedgerError: it is missing, damaged, of another version or says something else than its entry.
        """
        name = row.entry.digest
        with self._lock:
            if name in self._decisions:
                self._decisions.move_to_end(name)
                return self._decisions[name]
        found = read_decision(self.document(row.digest), row.digest, row.verdict, row.stages)
        with self._lock:
            self._decisions[name] = found
            while len(self._decisions) > _KEPT:
                self._decisions.popitem(last=False)
        return found

    def document(self, digest: str) -> bytes:
        """A stored document, compared with its digest. Raises LedgerError: it is missing or damaged."""
        with self.reading() as ledger:
            return ledger.evidence.get(digest)

    @contextmanager
    def reading(self) -> Iterator[LedgerReader]:
        """The ledger, opened; for one thread at a time, so be quick.

        Raises NoLedger: there is none yet; LedgerError: it does not hold; EnvironmentProblem.
        """
        with self._lock:
            if self._reader is None:
                self._reader = self.open()
            try:
                yield self._reader
            except EnvironmentProblem:
                self.close()  # a connection that broke is made anew
                raise

    def open(self) -> LedgerReader:
        """A reader of one's own. Raises as `reading`."""
        member = self.member
        ledger = open_reader(
            member.url, config_dir=self.config_dir, evidence=member.evidence, admins=member.admins
        )
        try:
            check_key(member, ledger)
        except BaseException:
            ledger.close()
            raise
        return ledger

    def checkpoint(self) -> tuple[Checkpoint, bytes] | None:
        """The latest checkpoint, and its note with cosignatures; None before the first. Raises as `rows`."""
        self.look()
        with self._lock:
            if self._latest is None:
                return None
            with self.reading() as ledger:
                return self._latest, ledger.cosigned(self._latest)

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """A tile of hashes; None when there is none."""
        self.look()
        with self._lock:
            return self._tree.tile(level, index, width)

    def entries(self, index: int, width: int) -> bytes | None:
        """A bundle of entries; None when there is none."""
        self.look()
        with self._lock:
            found = self._tree.bundle(index, width)
            if found is None or self._latest is None:
                return None
            after = Checkpoint(self._latest.origin, found[0], b"", found[1], self._latest.time)
            with self.reading() as ledger:
                lines = [one.line for one in islice(ledger.entries(verify=False, after=after), width)]
        return bundled(lines)

    def changed(self) -> None:
        """Something was sealed just now: whoever asks next sees it."""
        self._changed = True

    def look(self, *, at_once: bool = True) -> None:
        """Read what was sealed since, unless somebody looked a moment ago. Raises as `rows`.

        Args:
            at_once: whether what this service sealed itself must be there.
        """
        with self._lock:
            recent = self._looked is not None and self._clock() - self._looked < _LOOK_S
            if recent and not (at_once and self._changed):
                return
            self._changed = False
            try:
                with self.reading() as ledger:
                    latest = ledger.checkpoint()
                    if latest is not None and latest.note != self._note:
                        self.close()  # key events may have changed whose signatures count
                        with self.reading() as again:
                            self._read(again)
            except NoLedger:
                pass
            self._looked = self._clock()

    def _read(self, ledger: LedgerReader) -> None:
        if ledger.chain.events != self._events:  # a key event may void entries that were shown
            self._events = ledger.chain.events
            self._latest, self._tree, self._rows, self._by_digest = None, Tree(), [], {}
        latest = ledger.checkpoint()
        if latest is None or latest.size < self._tree.size:
            raise self._broken(ledger, "was cut back")
        rows: list[Row] = []
        leaves: list[bytes] = []
        lengths: list[int] = []
        for one in islice(ledger.entries(after=self._latest), latest.size - self._tree.size):
            leaves.append(bytes.fromhex(one.digest))
            lengths.append(len(one.line))
            try:
                row = _row(Entry(one.index, one.digest), json.loads(one.payload))
            except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
                raise self._broken(ledger, f"has an odd decision in entry {one.index}") from error
            rows += [row] if row is not None and one.void is None else []
        if self._tree.grown(leaves).root() != latest.root:
            raise self._broken(ledger, f"does not give the root of its checkpoint of {latest.time}")
        self._tree.extend(leaves, lengths)
        self._rows += rows
        self._by_digest |= {row.digest: row for row in rows}
        self._latest, self._note = latest, latest.note

    def _broken(self, ledger: LedgerReader, what: str) -> LedgerError:
        return LedgerError(
            f"the ledger {what}", path=ledger.name, remedy=f"run `gate ledger verify`; {RESTORE}"
        )

    def close(self) -> None:
        """Give up files and connections."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
            self._reader = None


def _row(entry: Entry, statement: dict[str, Any]) -> Row | None:
    summary = statements.summary(statement)
    if summary is None:
        return None
    subject = {one["name"]: next(iter(one["digest"].values())) for one in statement["subject"]}
    return Row(
        entry=entry,
        digest=summary.decision,
        time=summary.time,
        stage=summary.stage,
        verdict=summary.verdict,
        stages=summary.stages,
        workspace=str(statement["predicate"].get("resourceUri", "")).removeprefix("urn:gate:workspace:"),
        commit=subject.get("commit"),
        policy=summary.policy,
        policy_digest=summary.policy_digest,
        violations=tuple(summary.violations or ()),
        waived=tuple(summary.waived or ()),
        conditions=summary.conditions or 0,
        weakenings=tuple(summary.weakenings or ()),
    )


class Served:
    """All ledgers that a service serves, and what it counts for its metrics.

    Attributes:
        service: the service file.
        logs: the ledgers by name, in the file's order.
        config_dir: the user's configuration directory, with receipts and the log key.
        counts: what happened how often, by metric and its labels.
    """

    def __init__(self, service: Service, config_dir: Path) -> None:
        self.service = service
        self.config_dir = config_dir
        self.logs = {one.name: ServedLog(one, config_dir) for one in service.logs}
        self.counts: Counter[tuple[str, Labels]] = Counter()

    def log(self, name: str) -> ServedLog:
        """A ledger by its name. Raises UsageError: there is none."""
        if name not in self.logs:
            raise UsageError(f"no log is called {name[:80]!r}", remedy="/api/logs lists them")
        return self.logs[name]

    def close(self) -> None:
        """Give up files and connections."""
        for one in self.logs.values():
            one.close()


@contextmanager
def at_length() -> Iterator[None]:
    """Make a report, a record or a proof, two at a time. Raises EnvironmentProblem: too many want to."""
    if not _AT_LENGTH.acquire(timeout=_PATIENCE_S):
        raise EnvironmentProblem("too many reports, records and proofs are asked for", remedy="ask again")
    try:
        yield
    finally:
        _AT_LENGTH.release()
