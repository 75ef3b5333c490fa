"""The log of a drill."""

from __future__ import annotations

import json
from collections.abc import Callable

from ...base.errors import masked
from ..port import ConnectionChanged, Event, Filled, OrderChanged

MOST_RECORDS = 100_000
"""What a drill logs at most; a drill is over in minutes."""
OWN = "drill.jsonl"


class Journal:
    """What happens in a drill, a JSON object per record; no account number is in it in full.

    Args:
        clock: microseconds since 1970.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self.now = clock
        self._lines: list[bytes] = []

    def write(self, record: str, **fields: object) -> None:
        """Add a record; beyond the limit it is dropped."""
        if len(self._lines) < MOST_RECORDS:
            text = json.dumps({"at_us": self.now(), "record": record, **fields}, default=str)
            self._lines.append(masked(text).encode())

    def take(self, event: Event) -> None:
        """Add what the broker said."""
        match event:
            case OrderChanged(report):
                facts = {"order": report.intent_id, "state": report.state, "filled": report.filled}
                self.write("order", **facts, code=report.code, text=report.text)
            case Filled(fill):
                facts = {"order": fill.intent_id, "side": fill.side, "quantity": fill.quantity}
                self.write("fill", **facts, price=fill.price, commission=fill.commission)
            case ConnectionChanged(state):
                self.write("connection", state=state, attempt=event.attempt, reason=event.reason)
            case _:
                self.write("notice", code=event.code, text=event.text, order=event.intent_id)

    def data(self) -> bytes:
        """The log as JSON Lines."""
        return b"".join(line + b"\n" for line in self._lines)
