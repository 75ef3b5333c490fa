"""The report plug point: a typed decision in, bytes out, one module per format. Nothing is computed again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..decision.document import Decision
from ..ledger.interface import Entry


@dataclass(frozen=True, slots=True)
class Screen:
    """The terminal that is written to, and how much is asked for; for formats that people read.

    Attributes:
        width: columns.
        color: whether colours are wanted.
        successes: whether rules that hold are shown, too.
        rules: codes of the only rules to show; empty for all.
    """

    width: int = 100
    color: bool = False
    successes: bool = False
    rules: tuple[str, ...] = ()


class Report(Protocol):
    """One format."""

    def render(self, decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
        """The decision in this format.

        Args:
            decision: what was decided.
            entry: its place in the ledger; None where it was not recorded.
            screen: for formats that people read.
        """
        ...
