"""Findings about files as SARIF 2.1.0.

Format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ... import __version__

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def document(
    program: str, rules: Mapping[str, str], results: Sequence[dict[str, Any]], problems: Sequence[str] = ()
) -> dict[str, Any]:
    """One run of a program.

    Args:
        program: what messages call it, such as ``gate policy check``.
        rules: id → what holds when a rule finds nothing.
        results: each with its ``ruleId``.
        problems: what could not be looked at.
    """
    driver = {
        "name": program,
        "version": __version__,
        "rules": [{"id": name, "shortDescription": {"text": text}} for name, text in rules.items()],
    }
    notes = [{"level": "error", "message": {"text": text}} for text in problems]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": notes}],
        "results": list(results),
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def location(path: str, line: int | None, column: int | None = None) -> dict[str, Any]:
    """A place in a file, of which the line and the column may not be known."""
    found: dict[str, Any] = {"artifactLocation": {"uri": quote(path)}}
    if line is not None:
        found["region"] = {"startLine": line, **({} if column is None else {"startColumn": column})}
    return {"physicalLocation": found}
