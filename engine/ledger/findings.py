"""What a verification of a ledger is asked, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from ...evidence.base.errors import EnvironmentProblem
from ...evidence.signing.keys import VerifierKey
from .note import Checkpoint

MAX_FINDINGS: Final = 100
"""Findings that are listed; a log with more is not worth more lines."""


class Extent(StrEnum):
    """How much of a ledger is checked."""

    EVERYTHING = "everything"
    """Every line with its signature."""
    COVERED = "covered"
    """Every line, but signatures only of those that no receipt or given checkpoint covers."""
    NEW = "new"
    """Only lines after the receipt."""


class Kind(StrEnum):
    """What kind of thing is wrong."""

    LAYOUT = "layout"
    """A link, or something that does not belong in a ledger."""
    KEY = "key"
    """The log's key is missing, broken or not the pinned one, or a key event does not count."""
    LINE_FORM = "line_form"
    """A line is too large, or not the canonical form of an envelope and a Statement."""
    LINE_SIGNATURE = "line_signature"
    """A line was not signed by a key that may sign it."""
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
    AUTHORITY = "authority"
    """A time stamp or a cosignature does not hold."""
    EVIDENCE = "evidence"
    """A piece of evidence is missing or was changed."""


class Authorities(Struct, frozen=True):
    """Who may vouch for checkpoints.

    Attributes:
        anchors: PEM certificates that time stamps are checked with; None checks none.
        witnesses: keys of witnesses.
        quorum: how many of them are enough.
    """

    anchors: bytes | None = None
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0


class Finding(Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        kind: for programs.
        text: for people.
        path: the part of the ledger, such as `checkpoints/12`; the whole name of what lies elsewhere.
        line: line number in the log, from 1; None where it is not about a line.
    """

    kind: Kind
    text: str
    path: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}{'' if self.line is None else f', line {self.line}'}: {self.text}"


class Verification(Struct, frozen=True):
    """What a verification found.

    Attributes:
        origin: the log's name; None when its key cannot be read.
        key: fingerprint `SHA256:…` of the key that it was begun with; None likewise.
        pinned: whether the key was known beforehand, from the caller or from a receipt. Without that, a
            ledger written anew with another key looks as good as the true one.
        keys: fingerprints of the keys that may sign now.
        admins: how many key events count; None when no key admins are known, so that none does.
        void: indexes of entries that do not count, because their key was revoked from there on later.
        size: number of entries that the latest checkpoint covers.
        root: its root in hexadecimal; None before the first seal.
        checkpoint_time: its time, RFC 3339; None before the first seal.
        unsealed: number of whole entries after it, which only their own signatures protect.
        torn_tail_bytes: length of an unfinished last line that a crash left (no entry, and no finding).
        checked_from: index of the first entry whose signature was checked; a receipt or a given checkpoint
            covers those before.
        outside: the copies outside of the ledger that it was compared with, in words.
        predicates: how many entries of each predicateType were read.
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
    checked_from: int = 0
    outside: tuple[str, ...] = ()
    predicates: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()
    keys: tuple[str, ...] = ()
    admins: int | None = None
    void: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class Witnessed(Struct, frozen=True):
    """What came of asking everybody.

    Attributes:
        checkpoint: the one that was shown to them; None when nobody answered as asked.
        done: who stamped or cosigned it.
        problems: why others did not.
        enough: whether the time stamp is there, if one is configured, and the quorum of witnesses.
    """

    checkpoint: Checkpoint | None
    done: tuple[str, ...]
    problems: tuple[EnvironmentProblem, ...]
    enough: bool
