"""The report plug point: a typed decision in, bytes out, one module per format. Nothing is computed again."""

from __future__ import annotations

from typing import Protocol

from ..decision.document import Decision
from ..ledger.interface import Entry
from ..terminal.lines import Screen

__all__ = ["Report", "Screen"]


class Report(Protocol):
    """One format."""

    def render(self, decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
        """The decision in this format.

        Args:
            entry: its place in the ledger; None where it was not recorded.
            screen: for formats that people read.
        """
        ...
