"""JSON for programs: ``contracts/decision.schema.json``, two spaces, one trailing line break."""

from __future__ import annotations

from typing import Any


def render_json(document: dict[str, Any]) -> bytes:
    """Pretty-printed JSON in the document's own key order."""
    import orjson

    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
