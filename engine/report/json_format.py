"""JSON for programs: two spaces, one trailing line break, and nothing that a terminal or a log would act on.

What is signed or hashed has other bytes, those of :mod:`gate.evidence.base.canonical`.
"""

from __future__ import annotations

import re
from typing import Any

from ...evidence.base.records import to_json
from ..decision.document import Decision
from ..ledger.interface import Entry
from ..terminal.figures import printable
from .interface import Screen

_ACTIVE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
"""Control characters and line separators that JSON need not escape, and marks that turn text around."""


def escaped(text: str) -> str:
    """A JSON text of the same value, in which nothing acts on what shows it: no character, and no ``##[``,
    which is a command to GitHub's runner wherever it stands.
    """
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).replace("##[", "\\u0023#[")


def render_json(document: dict[str, Any] | list[Any]) -> bytes:
    """Pretty-printed JSON in the document's own key order."""
    import orjson

    data = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return data if data.isascii() and b"##[" not in data else escaped(data.decode()).encode()


def shown(value: Any) -> Any:
    """A JSON value in which no text acts on what shows it, and no account number is in full."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key): shown(item) for key, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list | tuple) else value


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The decision and its place in the ledger, as ``contracts/decision.schema.json`` describes it."""
    return render_json({**decision.to_json(), "ledger": to_json(entry)})
