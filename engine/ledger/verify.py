"""Offline verification of a ledger: every line, every checkpoint, every piece of evidence.

A ledger can be consistent in itself, which says that nobody but the holder of its key wrote it; and it can
agree with copies outside of it (a receipt of this user, a key or a checkpoint that the caller brings), which
says that it is the same ledger and was not cut back. The report names these copies.

It streams: memory does not grow with the log. Findings are collected, not raised, so that one run names
everything that is wrong.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from ...evidence.base.errors import EnvironmentProblem, LedgerError
from ...evidence.base.numbers import counted
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import SignatureError
from ..spread.pace import Pace
from ..store.evidence import EvidenceStore
from .authorities.timestamp import stamped
from .authorities.witness import cosignatures
from .checking.check import EvidenceOf, LineCheck, Wrong, batches, check_evidence, parts
from .findings import MAX_FINDINGS, Authorities, Extent, Finding, Kind, Verification
from .interface import CHECKPOINT, COSIGNATURES, HISTORY, LOG, TIMESTAMP, VERIFIER, LedgerSource
from .keychain import Admins, KeyChain
from .merkle import HASH_BYTES, Frontier
from .note import CLOCK_SKEW_S, Checkpoint, check_time
from .reader import absent, read_chain, read_checkpoint, read_verifier
from .receipts import Receipt, Receipts

if TYPE_CHECKING:
    from ..spread.interface import Spread
    from .checking.job import Checking

T = TypeVar("T")


def verify(
    source: LedgerSource,
    evidence: EvidenceStore,
    expected_key: VerifierKey | None = None,
    receipts: Receipts | None = None,
    given: bytes | None = None,
    digests: Iterable[str] = (),
    evidence_of: EvidenceOf | None = None,
    scope: Extent = Extent.EVERYTHING,
    authorities: Authorities | None = None,
    admins: Admins | None = None,
    work: tuple[Checking, Spread] | None = None,
) -> Verification:
    """Check a ledger, wherever its lines, checkpoints and blobs are, and remember it when nothing is wrong.

    Args:
        expected_key: a key (with the log's name) that the ledger was begun with, or that a key event of it
            admitted; None believes the receipt for this place, and else the ledger's own.
        receipts: of the user; the one for this log is compared.
        given: the note of a checkpoint from elsewhere that the ledger must extend.
        digests: SHA-256 digests (hexadecimal) that must be in the evidence store.
        evidence_of: gives, for each Statement, such digests that it refers to.
        scope: how much is checked. Everything is when a smaller scope finds anything wrong.
        authorities: who may have stamped and cosigned checkpoints.
        admins: the first key admins, whose key events count; None counts none.
        work: who checks lines and evidence where everything is checked; None: this process.

    Raises NoLedger when there is no ledger at all, LedgerError when only what is new is to be checked and
    there is no receipt, EnvironmentProblem when it cannot be read. What is wrong with a ledger is in the
    report.
    """
    digests, authorities = set(digests), authorities or Authorities()
    check = _Checks(source, evidence_of, work, referred=set(digests))
    known = None if receipts is None else check.attempt(Kind.RECEIPT, receipts.here)

    def remembered(key: VerifierKey) -> Receipt | None:
        return None if receipts is None else check.attempt(Kind.RECEIPT, lambda: receipts.load(key, admins))

    key = check.key(expected_key or known, admins, remembered if scope is Extent.NEW else lambda _: None)
    if key is None:
        return Verification(None, None, False, problems=tuple(check.problems))
    receipt, outside = remembered(key), []
    if receipts is not None and receipt is not None:
        outside = [(f"the receipt in {receipts.path(key)}", receipt.checkpoint)]
    if scope is Extent.NEW and (receipt is None or receipt.frontier is None) and not check.problems:
        what = "there is no receipt of this ledger on this machine"
        remedy = "verify it once without --since, which leaves a receipt"
        raise LedgerError(what, path=source.name, remedy=remedy)
    other = check.given(given)
    outside += [("the given checkpoint", other)] if other else []
    latest = sealed = check.checkpoint()
    if expected_key is not None and not check.problems:
        check.pinned(expected_key, latest)
    history = check.history(latest, seen=bool(receipt))
    if latest is None and len(history) == 1 and receipt is None:
        latest = history[0]  # what a kill in the middle of the first seal leaves
    start = None
    if scope is Extent.NEW and receipt and latest and latest.size >= receipt.checkpoint.size:
        start = receipt if source.covers(latest) else None  # None: cut off before the receipt
    trusted = 0 if scope is Extent.EVERYTHING else max((one.size for _, one in outside), default=0)
    unsealed = check.log(latest, history, outside, start, trusted)
    check.evidence(evidence, everything=start is None)
    vouched = check.stamps(history, authorities) + check.cosignatures(history, authorities)
    if check.problems and scope is not Extent.EVERYTHING:
        rest = (expected_key, receipts, given, digests, evidence_of)
        return verify(source, evidence, *rest, Extent.EVERYTHING, authorities, admins)
    if receipts is not None and sealed is not None and check.covered is not None and not check.problems:
        with suppress(EnvironmentProblem, LedgerError):  # what was verified stays so without
            receipts.save(key, sealed, check.covered, check.chain)
    compared = ["the given key"] if expected_key is not None else []
    compared += [f"{name} of {one.time} (size {one.size})" for name, one in outside]
    report = check.report(key, latest, unsealed, trusted, (*compared, *vouched))
    events = None if admins is None else len(check.chain.events)
    return replace(report, pinned=bool(expected_key or known), admins=events)


@dataclass(slots=True)
class _Checks:
    """The findings so far, and the steps that add to them."""

    source: LedgerSource
    evidence_of: EvidenceOf | None
    work: tuple[Checking, Spread] | None = None
    referred: set[str] = field(default_factory=set)
    problems: list[Finding] = field(default_factory=list)
    predicates: Counter[str] = field(default_factory=Counter)
    covered: Frontier | None = None
    """The frontier at the latest checkpoint."""
    void: list[int] = field(default_factory=list)
    chain: KeyChain = field(init=False)

    def add(self, kind: Kind, text: str, path: str, line: int | None = None) -> None:
        path = path.removeprefix(f"{self.source.name}/")
        known = any((one.text, one.path, one.line) == (text, path, line) for one in self.problems)
        if len(self.problems) < MAX_FINDINGS and not known:
            self.problems.append(Finding(kind, text, path, line))

    def attempt(self, kind: Kind, step: Callable[[], T]) -> T | None:
        """What a step gives; None, and a finding, when it raises LedgerError."""
        try:
            return step()
        except LedgerError as error:
            self.add(kind, error.what, error.path or self.source.name)
            return None

    def key(
        self,
        expected: VerifierKey | None,
        admins: Admins | None,
        remembered: Callable[[VerifierKey], Receipt | None],
    ) -> VerifierKey | None:
        """The key that the log was begun with, from which `chain` leads on; None when it is unreadable.

        Args:
            remembered: gives the receipt, where only lines after it are to be read.
        """

        def faults() -> None:
            for fault in self.source.faults():
                self.add(Kind.LAYOUT, fault.what, fault.path or self.source.name)

        def stated() -> list[VerifierKey | None]:
            return [read_verifier(self.source)]

        self.attempt(Kind.LAYOUT, faults)
        found = self.attempt(Kind.KEY, stated)
        if found is None:
            if expected is not None:
                self.chain = KeyChain.begin(expected)
            return expected
        (key,) = found
        if key is None:
            raise absent(self.source.name)
        chain = self.attempt(
            Kind.LAYOUT, lambda: read_chain(self.source, key, admins, remembered(key))
        ) or KeyChain.begin(key, admins)
        if expected is None or chain.knows(expected):
            self.chain = chain
            for index, reason in chain.refused:
                self.add(Kind.KEY, f"this key event does not count: {reason}", LOG, index + 1)
            return key
        self.chain = KeyChain.begin(expected)
        text = (
            f"the ledger names {key.name} with key {key.fingerprint}, expected is {expected.name} "
            f"with key {expected.fingerprint}"
        )
        self.add(Kind.KEY, text, VERIFIER)
        return expected  # what is not signed by the pinned key is not to be believed

    def report(
        self,
        key: VerifierKey,
        latest: Checkpoint | None,
        unsealed: int,
        trusted: int,
        outside: tuple[str, ...],
    ) -> Verification:
        """What was found, once every step is done.

        Args:
            unsealed: entries after the latest checkpoint.
            trusted: entries at the beginning whose signatures a copy covers.
            outside: copies outside of the ledger that it was compared with.
        """
        return Verification(
            origin=key.name,
            key=key.fingerprint,
            pinned=False,
            keys=tuple(one.key.fingerprint for one in self.chain.signers if one.ended_by is None),
            void=tuple(self.void),
            size=latest.size if latest else 0,
            root=latest.root_hex if latest else None,
            checkpoint_time=latest.time if latest else None,
            unsealed=unsealed,
            torn_tail_bytes=self.attempt(Kind.LAYOUT, self.source.unfinished) or 0,
            checked_from=trusted,
            outside=outside,
            predicates=dict(sorted(self.predicates.items())),
            problems=tuple(self.problems),
        )

    def checkpoint(self, size: int | None = None) -> Checkpoint | None:
        found = self.attempt(Kind.CHECKPOINT, lambda: read_checkpoint(self.source, self.chain, size))
        if size is None and found is not None and self.chain.revoked(found):
            self.add(Kind.CHECKPOINT, "it was signed by a key that was revoked before its end", CHECKPOINT)
        return found

    def pinned(self, expected: VerifierKey, latest: Checkpoint | None) -> None:
        if not self.chain.knows(expected, latest.size if latest else 0):
            text = f"no checkpoint covers the key event that admits the expected {expected.fingerprint}"
            self.add(Kind.KEY, text, CHECKPOINT)

    def given(self, note: bytes | None) -> Checkpoint | None:
        try:
            return None if note is None else self.chain.open(note)
        except SignatureError as problem:
            self.add(Kind.RECEIPT, f"the given checkpoint is none of this log: {problem.reason}", CHECKPOINT)
            return None

    def history(self, latest: Checkpoint | None, *, seen: bool) -> list[Checkpoint]:
        """All checkpoints ever signed that are still there, by size."""
        found: list[Checkpoint] = []
        for size in self.attempt(Kind.LAYOUT, self.source.sizes) or ():
            one = self.checkpoint(size)
            if one is not None and one.size != size:
                self.add(Kind.CHECKPOINT, f"it covers {counted(one.size, 'entry')}", f"{HISTORY}/{size}")
            elif one is not None:
                found.append(one)
        if latest is not None and latest.note not in {one.note for one in found}:
            text = "the latest checkpoint is not in the history"
            self.add(Kind.CHECKPOINT, text, f"{HISTORY}/{latest.size}")
        if latest is None and (len(found) > 1 or seen):
            self.add(Kind.CHECKPOINT, "the checkpoint is gone, although one was signed", CHECKPOINT)
        for one, later in pairwise(found):
            if check_time(later.time) < check_time(one.time):
                text = f"signed at {later.time}, but the one before it at {one.time}"
                self.add(Kind.TIME, text, f"{HISTORY}/{later.size}")
        return found

    def stamps(self, history: list[Checkpoint], by: Authorities) -> list[str]:
        """Check all time stamps: the last one in words."""
        last: list[str] = []
        for one in history if by.anchors is not None else ():
            data, path = self.source.kept(one.size, TIMESTAMP), f"{HISTORY}/{one.size}.{TIMESTAMP}"
            if data is None:
                continue
            try:
                time = stamped(data, one.note, by.anchors or b"")
            except SignatureError as problem:
                self.add(Kind.AUTHORITY, problem.reason, path)
                continue
            if check_time(one.time) > check_time(time) + CLOCK_SKEW_S:
                self.add(Kind.TIME, f"stamped at {time}, but signed at {one.time}", path)
            last = [f"the time stamp of {time} (size {one.size})"]
        return last

    def cosignatures(self, history: list[Checkpoint], by: Authorities) -> list[str]:
        """The last checkpoint that a quorum cosigned, in words."""
        for one in reversed(history) if by.witnesses else ():
            data = self.source.kept(one.size, COSIGNATURES)
            try:
                found = cosignatures(one, data, by.witnesses) if data else {}
            except SignatureError as problem:
                self.add(Kind.AUTHORITY, problem.reason, f"{HISTORY}/{one.size}.{COSIGNATURES}")
                continue
            if len(found) >= by.quorum:
                names = ", ".join(sorted(f"{key.name} of {time}" for key, (_, time) in found.items()))
                return [f"the cosignatures by {names} (size {one.size})"]
        return []

    def log(
        self,
        latest: Checkpoint | None,
        history: list[Checkpoint],
        outside: list[tuple[str, Checkpoint]],
        start: Receipt | None,
        trusted: int,
    ) -> int:
        """Check lines, and every checkpoint against them: the number of unsealed entries.

        Args:
            outside: checkpoints kept elsewhere, by name.
            start: where to begin; None begins at the first line.
            trusted: number of lines whose signatures need no check.
        """
        signed = [(f"{HISTORY}/{one.size}", Kind.ROOT, one) for one in history]
        signed += [(CHECKPOINT, Kind.ROOT, latest)] if latest else []
        signed += [(name, Kind.RECEIPT, one) for name, one in outside]
        due: dict[int, list[tuple[str, Kind, Checkpoint]]] = {}
        for item in signed:
            due.setdefault(item[2].size, []).append(item)
        frontier, after = Frontier(), None
        if start is not None and start.frontier is not None:
            frontier, after = start.frontier.copy(), start.checkpoint
            due = {size: items for size, items in due.items() if size >= frontier.size}

        def lines() -> bool:
            length = after.log_bytes if after else 0
            self.compare(due.pop(frontier.size, []), frontier, length)
            self.covered = frontier.copy() if latest and latest.size == frontier.size else None
            pace = Pace("lines checked", latest.size - frontier.size if latest else None)
            for found in self.checked(after, frontier.size, trusted):
                pace.add(len(found["lengths"]))
                self.void += found["void"]
                self.predicates.update(found["kinds"])
                self.referred.update(found["refers"])
                leaves, findings = bytes.fromhex(found["leaves"]), deque(found["findings"])
                for place, bytes_of_line in enumerate(found["lengths"]):
                    while findings and findings[0][0] == place:
                        _, about, text, path = findings.popleft()
                        self.add(Kind(about), text, path or LOG, frontier.size + 1)
                    frontier.append(leaves[HASH_BYTES * place : HASH_BYTES * (place + 1)])
                    length += bytes_of_line + 1
                    if frontier.size in due:
                        self.compare(due.pop(frontier.size), frontier, length)
                        if latest is not None and frontier.size == latest.size:
                            self.covered = frontier.copy()
            return True

        if not self.attempt(Kind.LAYOUT, lines):
            return 0
        for name, kind, one in (item for size in sorted(due) for item in due[size]):
            text = f"{name} of {one.time} covers {counted(one.size, 'entry')}, the log has {frontier.size}"
            self.add(Kind.TRUNCATED if kind is Kind.ROOT else kind, text, LOG)
        return max(0, frontier.size - (latest.size if latest else 0))

    def checked(self, after: Checkpoint | None, start: int, trusted: int) -> Iterator[dict[str, Any]]:
        """What lines after a checkpoint are like, some at a time (`LineCheck`); the first has this index."""
        check = LineCheck(self.chain, self.evidence_of, trusted)
        found = None
        if self.work is not None and not start and not trusted:
            job, spread = self.work
            found = replace(job, check=check).lines(self.source, spread)
        if found is not None:
            yield from found
            return
        for batch in batches(self.source.lines(after)):
            yield check(batch, start)
            start += len(batch)

    def compare(self, items: list[tuple[str, Kind, Checkpoint]], frontier: Frontier, length: int) -> None:
        for name, kind, one in items:
            if one.root != frontier.root() or one.log_bytes != length:
                text = (
                    f"it does not begin with the {counted(one.size, 'entry')} that {name} of {one.time} "
                    "covers: edited, inserted, dropped, reordered or forked"
                )
                self.add(kind, text, LOG)

    def evidence(self, store: EvidenceStore, *, everything: bool) -> None:
        """Check everything that is referred to, and on demand everything that is stored."""
        if everything:
            self.attempt(Kind.EVIDENCE, lambda: self.referred.update(store.digests()))
        digests = sorted(self.referred)
        pace = Pace("pieces of evidence checked", len(digests))
        found: Iterator[Wrong]
        if self.work is not None and everything:
            job, spread = self.work
            found = job.evidence(digests, spread)
        else:
            found = (check_evidence(store, part) for part in parts(digests))
        for part, wrong in zip(parts(digests), found, strict=True):
            pace.add(len(part))
            for what, path in wrong:
                self.add(Kind.EVIDENCE, what or "", path or self.source.name)
