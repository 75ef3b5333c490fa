"""Findings about files as SARIF 2.1.0.

Format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ... import __version__

HOME = "https://example.com/compliance-gate/"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def document(
    program: str,
    rules: Mapping[str, str | dict[str, Any]],
    results: Sequence[dict[str, Any]],
    problems: Sequence[str] = (),
    remarks: Sequence[dict[str, Any]] = (),
    version: str = __version__,
    **more: Any,
) -> dict[str, Any]:
    """One run of a program.

    Args:
        program: what messages call it, such as ``gate policy check``.
        rules: id → what holds when a rule finds nothing, or the rule's whole descriptor but for its id.
        results: each with its ``ruleId``.
        problems: what could not be looked at.
        remarks: further notifications, after which the run still counts as complete.
        version: the program's.
        more: further properties of the run, ``properties`` for one.
    """
    driver = {
        "name": program,
        "version": version,
        "informationUri": HOME,
        "rules": [
            {"id": name, **(about if isinstance(about, dict) else {"shortDescription": {"text": about}})}
            for name, about in rules.items()
        ],
    }
    notes = [{"level": "error", "message": {"text": text}} for text in problems]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": [*notes, *remarks]}],
        "results": list(results),
        **more,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def location(path: str, line: int | None, column: int | None = None) -> dict[str, Any]:
    """A place in a file, of which the line and the column may not be known."""
    found: dict[str, Any] = {"artifactLocation": {"uri": quote(path)}}
    if line is not None:
        found["region"] = {"startLine": line, **({} if column is None else {"startColumn": column})}
    return {"physicalLocation": found}
