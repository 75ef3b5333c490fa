"""What things are called in a broker client: a regular expression for each kind of name, all replaceable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

PATTERNS: dict[str, str] = {
    "clock": r"_?((time|monotonic|perf_counter)(_ns)?|clock|now|utcnow|loop_time)",
    "moment": r"now|at|when|t|ts|timestamp|current_time|moment",
    "wait": r"_?(sleep|wait|pause|waitFor|wait_for)",
    "send": r"placeOrder|cancelOrder|req[A-Z]\w*|sendMsg|send_msg|send_message|accountSummaryAsync",
    "connect": r"_?(connect|connectAsync|connect_async|eConnect|open_session)",
    "disconnected_event": r"disconnectedEvent|disconnected_event|on_disconnect(ed)?",
    "disconnected_handler": r"_?(disconnected|connectionClosed|connection_(closed|lost)|on_disconnect(ed)?)",
    "error_event": r"errorEvent|error_event",
    "error_handler": r"error",
    "code": r"code|errorCode|error_code|err_code|errcode",
}
"""Kind of name → regular expression for the last component of an identifier, matched in full."""

_LONGEST = 100


@dataclass(frozen=True)
class Patterns:
    """The patterns in force.

    Args:
        configured: kinds whose expression is another one.
    """

    configured: Mapping[str, str]

    @cached_property
    def _compiled(self) -> dict[str, re.Pattern[str]]:
        return {kind: re.compile(text) for kind, text in {**PATTERNS, **self.configured}.items()}

    def match(self, kind: str, name: str) -> bool:
        """Whether the name is of this kind; an overlong one is of none."""
        return len(name) <= _LONGEST and self._compiled[kind].fullmatch(name) is not None
