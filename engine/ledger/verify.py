"""Offline verification of a whole ledger: every line, every checkpoint, every piece of evidence.

Nothing is trusted but the public key that the caller pins (or, without one, the key that lies in the ledger,
which then proves consistency but not origin). It streams: memory does not grow with the log. Findings are
collected, not raised, so that one run names everything that is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from ...evidence.base.errors import LedgerError
from ...evidence.signing.dsse import MAX_LINE_BYTES, Envelope
from ...evidence.signing.intoto import parse_statement
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import Flaw, SignatureError
from ..store.files import EvidenceStore
from .files.access import TEMPORARY, last_line_end, lines_between, locked, open_directory, open_subdirectory
from .files.reader import (
    CHECKPOINT,
    HISTORY,
    LOG,
    TRUST,
    VERIFIER,
    absent,
    check_layout,
    open_log,
    read_checkpoint,
    read_verifier,
)
from .merkle import Frontier, leaf_hash
from .note import Checkpoint, check_time
from .receipts import load_receipt

MAX_FINDINGS: Final = 100
"""Findings that are listed; a log with more is not worth more lines."""

_TIMESTAMP: Final = ".tsr"


class Kind(StrEnum):
    """What kind of thing is wrong."""

    LAYOUT = "layout"
    """A link, or something that does not belong into a ledger."""
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
    """One thing that is wrong.

    Attributes:
        kind: for programs.
        text: for people.
        path: the file, relative to the ledger directory where it lies in there.
        line: line number in the log, from 1; None where it is not about a line.
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
    path: Path,
    *,
    expected_key: VerifierKey | None = None,
    config_dir: Path | None = None,
    receipt: Checkpoint | None = None,
    evidence: Iterable[str] = (),
    evidence_of: Callable[[dict[str, Any]], Iterable[str]] | None = None,
) -> Report:
    """Check a ledger directory completely.

    Args:
        path: the ledger directory.
        expected_key: the key (with the log's name) that the ledger must have; None believes the ledger's own.
        config_dir: where the user's receipts are; the one for this log is compared.
        receipt: a checkpoint from elsewhere (verified with the log's key) that the ledger must extend.
        evidence: SHA-256 digests (hexadecimal) that must be in the evidence store.
        evidence_of: gives, for each Statement, such digests that it refers to.

    Raises LedgerError when there is no ledger at all, EnvironmentProblem when it cannot be read. What is
    wrong with a ledger is in the report.
    """
    directory = open_directory(path, create=False)
    if directory is None:
        raise absent(path)
    try:
        return _Verification(path, directory, evidence_of).run(expected_key, config_dir, receipt, evidence)
    finally:
        os.close(directory)


@dataclass(slots=True)
class _Verification:
    path: Path
    directory: int
    evidence_of: Callable[[dict[str, Any]], Iterable[str]] | None
    problems: list[Finding] = field(default_factory=list)
    wanted: set[str] = field(default_factory=set)

    def run(
        self,
        expected: VerifierKey | None,
        config_dir: Path | None,
        receipt: Checkpoint | None,
        evidence: Iterable[str],
    ) -> Report:
        key = self._key(expected)
        if key is None:
            return Report(None, None, False, problems=tuple(self.problems))
        latest = self._checkpoint(self.directory, self.path, CHECKPOINT, key)
        history = self._history(key, latest)
        witnesses = [("the receipt of this user", one) for one in self._receipt(config_dir, key)]
        if receipt is not None:
            witnesses.append(("the given receipt", receipt))
        unsealed, torn = self._log(key, latest, history, witnesses)
        self.wanted.update(evidence)
        self._evidence()
        return Report(
            origin=key.name,
            key=key.fingerprint,
            pinned=expected is not None,
            size=latest.size if latest else 0,
            root=latest.root_hex if latest else None,
            checkpoint_time=latest.time if latest else None,
            unsealed=unsealed,
            torn_tail_bytes=torn,
            problems=tuple(self.problems),
        )

    def _add(self, kind: Kind, text: str, path: Path | str, line: int | None = None) -> None:
        if len(self.problems) < MAX_FINDINGS:
            name = str(path)
            inside = f"{self.path}{os.sep}"
            self.problems.append(Finding(kind, text, name.removeprefix(inside), line))

    def _take(self, kind: Kind, error: LedgerError) -> None:
        self._add(kind, error.what, error.path or str(self.path))

    def _key(self, expected: VerifierKey | None) -> VerifierKey | None:
        kind = Kind.LAYOUT
        try:
            check_layout(self.directory, self.path)
            kind = Kind.KEY
            key = read_verifier(self.directory, self.path)
        except LedgerError as error:
            self._take(kind, error)
            return None
        where = f"{TRUST}/{VERIFIER}"
        if key is None:
            self._add(Kind.KEY, "the log's verifier key is missing", where)
            return expected
        if expected is not None and key != expected:
            self._add(
                Kind.KEY,
                f"the ledger names {key.name} with key {key.fingerprint}, expected is {expected.name} "
                f"with key {expected.fingerprint}",
                where,
            )
            return expected  # what is not signed by the pinned key is not to be believed
        return key

    def _checkpoint(self, directory: int, path: Path, name: str, key: VerifierKey) -> Checkpoint | None:
        try:
            return read_checkpoint(directory, path, key, name)
        except LedgerError as error:
            self._take(Kind.CHECKPOINT, error)
            return None

    def _history(self, key: VerifierKey, latest: Checkpoint | None) -> list[Checkpoint]:
        """All checkpoints ever signed that are still there, by size."""
        found: list[Checkpoint] = []
        try:
            directory = open_subdirectory(self.directory, HISTORY, self.path, create=False)
        except LedgerError as error:
            self._take(Kind.LAYOUT, error)
            return found
        if directory is not None:
            try:
                with os.scandir(directory) as entries:
                    names = {entry.name for entry in entries if not entry.name.startswith(TEMPORARY)}
                sizes = {name for name in names if name.isascii() and name.isdigit()}
                for name in sorted(names - sizes):
                    if not name.endswith(_TIMESTAMP):
                        self._add(Kind.LAYOUT, "this does not belong into the history", f"{HISTORY}/{name}")
                for name in sorted(sizes, key=int):
                    one = self._checkpoint(directory, self.path / HISTORY, name, key)
                    if one is not None and str(one.size) != name:
                        self._add(Kind.CHECKPOINT, f"it covers {one.size} entries", f"{HISTORY}/{name}")
                    elif one is not None:
                        found.append(one)
            finally:
                os.close(directory)
        if latest is not None and latest.note not in {one.note for one in found}:
            self._add(
                Kind.CHECKPOINT, "the latest checkpoint is not in the history", f"{HISTORY}/{latest.size}"
            )
        if latest is None and found:
            text = f"the checkpoint is gone, although one of {found[-1].size} entries was signed"
            self._add(Kind.CHECKPOINT, text, CHECKPOINT)
        for one, later in pairwise(found):
            if check_time(later.time) < check_time(one.time):
                text = f"signed at {later.time}, but the one before it at {one.time}"
                self._add(Kind.TIME, text, f"{HISTORY}/{later.size}")
        return found

    def _receipt(self, config_dir: Path | None, key: VerifierKey) -> list[Checkpoint]:
        try:
            remembered = None if config_dir is None else load_receipt(config_dir, key)
        except LedgerError as error:
            self._take(Kind.RECEIPT, error)
            return []
        return [] if remembered is None else [remembered]

    def _log(
        self,
        key: VerifierKey,
        latest: Checkpoint | None,
        history: list[Checkpoint],
        witnesses: list[tuple[str, Checkpoint]],
    ) -> tuple[int, int]:
        """Check every line and every checkpoint against the lines: (number of unsealed entries, torn
        bytes).
        """
        try:
            log = open_log(self.directory, self.path)
        except LedgerError as error:
            self._take(Kind.LAYOUT, error)
            return 0, 0
        if log is None:
            self._add(Kind.TRUNCATED, "the log itself is missing", LOG)
            return 0, 0
        signed = [(f"{HISTORY}/{one.size}", Kind.ROOT, one) for one in history]
        signed += [(CHECKPOINT, Kind.ROOT, latest)] if latest else []
        signed += [(name, Kind.RECEIPT, one) for name, one in witnesses]
        due: dict[int, list[tuple[str, Kind, Checkpoint]]] = {}
        for item in signed:
            due.setdefault(item[2].size, []).append(item)
        frontier = Frontier()
        try:
            with locked(log, self.path / LOG, shared=True):
                length = os.fstat(log).st_size
            end = last_line_end(log, 0, length)
            self._compare(due.pop(0, []), frontier, 0)
            for offset, line in lines_between(log, 0, end, MAX_LINE_BYTES):
                self._line(line, frontier.size + 1, key)
                frontier.append(leaf_hash(line))
                if frontier.size in due:
                    self._compare(due.pop(frontier.size), frontier, offset)
        finally:
            os.close(log)
        for name, kind, one in (item for size in sorted(due) for item in due[size]):
            text = f"{name} of {one.time} covers {one.size} entries, the log has {frontier.size}"
            self._add(Kind.TRUNCATED if kind is Kind.ROOT else kind, text, LOG)
        return max(0, frontier.size - (latest.size if latest else 0)), length - end

    def _line(self, line: bytes, number: int, key: VerifierKey) -> None:
        try:
            envelope = Envelope.parse(line)
            envelope.verify(key)
            statement = parse_statement(envelope.payload)
        except SignatureError as problem:
            forged = problem.flaw in (Flaw.BAD_SIGNATURE, Flaw.WRONG_KEY)
            self._add(Kind.LINE_SIGNATURE if forged else Kind.LINE_FORM, problem.reason, LOG, number)
            return
        if self.evidence_of is not None:
            self.wanted.update(self.evidence_of(statement))

    def _compare(self, items: list[tuple[str, Kind, Checkpoint]], frontier: Frontier, offset: int) -> None:
        for name, kind, one in items:
            if one.root != frontier.root() or one.log_bytes != offset:
                text = (
                    f"the first {one.size} entries are not those that {name} of {one.time} covers: edited, "
                    "inserted, dropped, reordered or forked"
                )
                self._add(kind, text, LOG)

    def _evidence(self) -> None:
        store = EvidenceStore(self.directory, self.path)
        try:
            self.wanted.update(store.digests())
        except LedgerError as error:
            self._take(Kind.EVIDENCE, error)
        for digest in sorted(self.wanted):
            try:
                store.check(digest)
            except LedgerError as error:
                self._take(Kind.EVIDENCE, error)
