"""What things are called in a broker client: a regular expression for each kind of name."""

from __future__ import annotations

import re

_PATTERNS = {
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
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_LONGEST = 100


def matches(kind: str, name: str) -> bool:
    """Whether the last component of an identifier is of this kind; an overlong one is of none."""
    return len(name) <= _LONGEST and _COMPILED[kind].fullmatch(name) is not None
