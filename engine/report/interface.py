"""The report plug point: a typed decision in, bytes out, one module per format. Nothing is computed again."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct

from ..decision.document import Decision
from ..ledger.interface import Entry
from ..terminal.lines import Screen

__all__ = ["PENDING", "DecisionEntry", "Report", "Screen", "StageStatus"]

PENDING = "PENDING"
"""The status of a stage that no recorded decision has judged; never a verdict."""


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

    summary: dict[str, Any]


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


class Report(Protocol):
    """One format."""

    def render(self, decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
        """The decision in this format.

        Args:
            entry: its place in the ledger; None where it was not recorded.
            screen: for formats that people read.
        """
        ...
