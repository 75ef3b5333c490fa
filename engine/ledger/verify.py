"""Offline verification of a whole ledger: every line, every checkpoint, every piece of evidence.

Nothing is trusted but the public key that the caller pins (or, without one, the key that lies in the ledger,
which then proves consistency but not origin). It streams: memory does not grow with the log. Findings are
collected, not raised, so that one run names everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

from ...evidence.base.errors import LedgerError
from ...evidence.signing.intoto import parse_statement
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import Flaw, SignatureError
from ..store.evidence import EvidenceStore
from .interface import CHECKPOINT, HISTORY, LOG, VERIFIER, LedgerSource
from .merkle import Frontier, leaf_hash
from .note import Checkpoint, check_time
from .reader import check_line, read_checkpoint, read_verifier
from .receipts import load_receipt

MAX_FINDINGS: Final = 100
"""Findings that are listed; a log with more is not worth more lines."""

T = TypeVar("T")


class Kind(StrEnum):
    """What kind of thing is wrong."""

    LAYOUT = "layout"
    """A link, or something that does not belong in a ledger."""
    KEY = "key"
    """The log's key is missing, broken or not the pinned one."""
    LINE_FORM = "line_form"
    """A line is too large, or not the canonical form of an envelope and a Statement."""
    LINE_SIGNATURE = "line_signature"
    """A line was not signed by the log's key."""
    CHECKPOINT = "checkpoint"
    """A checkpoint is missing, broken or not signed by the log's key."""
    TRUNCATED = "truncated"
    """Entries that were sealed are gone."""
    ROOT = "root"
    """The entries are not those that a checkpoint covers: edited, inserted, dropped, reordered, or a fork."""
    TIME = "time"
    """Checkpoint times run backwards."""
    RECEIPT = "receipt"
    """The ledger does not extend what this user saw before."""
    EVIDENCE = "evidence"
    """A piece of evidence is missing or was changed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: its kind for programs, a text for people, and where.

    ``path`` is the part of the ledger, such as `checkpoints/12`, or the whole name of what lies elsewhere;
    ``line`` the line number in the log, from 1.
    """

    kind: Kind
    text: str
    path: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}{'' if self.line is None else f', line {self.line}'}: {self.text}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found.

    Attributes:
        origin: the log's name; None when its key cannot be read.
        key: fingerprint `SHA256:…` of its key; None likewise.
        pinned: whether the caller knew the key beforehand. Without that, a ledger written anew with another
            key looks as good as the true one.
        size: number of entries that the latest checkpoint covers.
        root: its root in hexadecimal; None before the first seal.
        checkpoint_time: its time, RFC 3339; None before the first seal.
        unsealed: number of whole entries after it, which only their own signatures protect.
        torn_tail_bytes: length of an unfinished last line that a crash left (no entry, and no finding).
        problems: what is wrong, at most `MAX_FINDINGS`.
    """

    origin: str | None
    key: str | None
    pinned: bool
    size: int = 0
    root: str | None = None
    checkpoint_time: str | None = None
    unsealed: int = 0
    torn_tail_bytes: int = 0
    problems: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(
    source: LedgerSource,
    evidence: EvidenceStore,
    expected_key: VerifierKey | None = None,
    config_dir: Path | None = None,
    evidence_of: Callable[[dict[str, Any]], Iterable[str]] | None = None,
) -> Report:
    """Check a ledger completely, wherever its lines, checkpoints and blobs are.

    Args:
        expected_key: the key (with the log's name) that the ledger must have; None believes the ledger's own.
        config_dir: where the user's receipts are; the one for this log is compared.
        evidence_of: gives, for each Statement, the SHA-256 digests (hexadecimal) that must be in the store.

    Raises LedgerError when there is no ledger at all, EnvironmentProblem when it cannot be read. What is
    wrong with a ledger is in the report.
    """
    check = _Verification(source, evidence_of)
    key = check.key(expected_key)
    if key is None:
        return Report(None, None, False, problems=tuple(check.problems))
    latest = check.checkpoint(key)
    history = check.history(key, latest)
    unsealed = check.log(key, latest, history, check.receipt(config_dir, key))
    check.evidence(evidence)
    return Report(
        origin=key.name,
        key=key.fingerprint,
        pinned=expected_key is not None,
        size=latest.size if latest else 0,
        root=latest.root_hex if latest else None,
        checkpoint_time=latest.time if latest else None,
        unsealed=unsealed,
        torn_tail_bytes=check.attempt(Kind.LAYOUT, source.unfinished) or 0,
        problems=tuple(check.problems),
    )


@dataclass(slots=True)
class _Verification:
    """The findings so far, and the steps that add to them."""

    source: LedgerSource
    evidence_of: Callable[[dict[str, Any]], Iterable[str]] | None
    referred: set[str] = field(default_factory=set)
    problems: list[Finding] = field(default_factory=list)

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

    def key(self, expected: VerifierKey | None) -> VerifierKey | None:
        """The key to check with; None when the ledger's own is unreadable."""

        def faults() -> None:
            for fault in self.source.faults():
                self.add(Kind.LAYOUT, fault.what, fault.path or self.source.name)

        def stated() -> list[VerifierKey | None]:
            return [read_verifier(self.source)]

        self.attempt(Kind.LAYOUT, faults)
        found = self.attempt(Kind.KEY, stated)
        if found is None:
            return None
        (key,) = found
        if key is None:
            self.add(Kind.KEY, "the log's verifier key is missing", VERIFIER)
            return expected
        if expected is None or key == expected:
            return key
        text = (
            f"the ledger names {key.name} with key {key.fingerprint}, expected is {expected.name} "
            f"with key {expected.fingerprint}"
        )
        self.add(Kind.KEY, text, VERIFIER)
        return expected  # what is not signed by the pinned key is not to be believed

    def checkpoint(self, key: VerifierKey, size: int | None = None) -> Checkpoint | None:
        return self.attempt(Kind.CHECKPOINT, lambda: read_checkpoint(self.source, key, size))

    def history(self, key: VerifierKey, latest: Checkpoint | None) -> list[Checkpoint]:
        """All checkpoints ever signed that are still there, by size."""
        found: list[Checkpoint] = []
        for size in self.attempt(Kind.LAYOUT, self.source.sizes) or ():
            one = self.checkpoint(key, size)
            if one is not None and one.size != size:
                self.add(Kind.CHECKPOINT, f"it covers {one.size} entries", f"{HISTORY}/{size}")
            elif one is not None:
                found.append(one)
        if latest is not None and latest.note not in {one.note for one in found}:
            text = "the latest checkpoint is not in the history"
            self.add(Kind.CHECKPOINT, text, f"{HISTORY}/{latest.size}")
        if latest is None and found:
            text = f"the checkpoint is gone, although one of {found[-1].size} entries was signed"
            self.add(Kind.CHECKPOINT, text, CHECKPOINT)
        for one, later in pairwise(found):
            if check_time(later.time) < check_time(one.time):
                text = f"signed at {later.time}, but the one before it at {one.time}"
                self.add(Kind.TIME, text, f"{HISTORY}/{later.size}")
        return found

    def receipt(self, config_dir: Path | None, key: VerifierKey) -> Checkpoint | None:
        if config_dir is None:
            return None
        return self.attempt(Kind.RECEIPT, lambda: load_receipt(config_dir, key))

    def log(
        self,
        key: VerifierKey,
        latest: Checkpoint | None,
        history: list[Checkpoint],
        receipt: Checkpoint | None,
    ) -> int:
        """Check every line, and every checkpoint against the lines: the number of unsealed entries."""
        signed = [(f"{HISTORY}/{one.size}", Kind.ROOT, one) for one in history]
        signed += [(CHECKPOINT, Kind.ROOT, latest)] if latest else []
        signed += [("the receipt of this user", Kind.RECEIPT, receipt)] if receipt else []
        due: dict[int, list[tuple[str, Kind, Checkpoint]]] = {}
        for item in signed:
            due.setdefault(item[2].size, []).append(item)
        frontier = Frontier()

        def lines() -> bool:
            length = 0
            self.compare(due.pop(0, []), frontier, length)
            for line in self.source.lines():
                self.line(line, frontier.size + 1, key)
                frontier.append(leaf_hash(line))
                length += len(line) + 1
                if frontier.size in due:
                    self.compare(due.pop(frontier.size), frontier, length)
            return True

        if not self.attempt(Kind.LAYOUT, lines):
            return 0
        for name, kind, one in (item for size in sorted(due) for item in due[size]):
            text = f"{name} of {one.time} covers {one.size} entries, the log has {frontier.size}"
            self.add(Kind.TRUNCATED if kind is Kind.ROOT else kind, text, LOG)
        return max(0, frontier.size - (latest.size if latest else 0))

    def line(self, line: bytes, number: int, key: VerifierKey) -> None:
        try:
            statement = parse_statement(check_line(line, key).payload)
        except SignatureError as problem:
            forged = problem.flaw in (Flaw.BAD_SIGNATURE, Flaw.WRONG_KEY)
            self.add(Kind.LINE_SIGNATURE if forged else Kind.LINE_FORM, problem.reason, LOG, number)
            return
        if self.evidence_of is not None:
            self.referred.update(self.evidence_of(statement))

    def compare(self, items: list[tuple[str, Kind, Checkpoint]], frontier: Frontier, length: int) -> None:
        for name, kind, one in items:
            if one.root != frontier.root() or one.log_bytes != length:
                text = (
                    f"the first {one.size} entries are not those that {name} of {one.time} covers: edited, "
                    "inserted, dropped, reordered or forked"
                )
                self.add(kind, text, LOG)

    def evidence(self, store: EvidenceStore) -> None:
        """Check everything that is stored, and everything that is referred to."""
        self.attempt(Kind.EVIDENCE, lambda: self.referred.update(store.digests()))
        for digest in sorted(self.referred):
            self.attempt(Kind.EVIDENCE, partial(store.check, digest))
