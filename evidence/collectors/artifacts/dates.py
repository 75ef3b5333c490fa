"""Until when a document says that it is valid, and when it was approved: what stands before its sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ...base.errors import EvidenceError
from ...reading.markdown import parse
from ...reading.workspace import View

_DATE = r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9])"
_STATED = {
    "expires": re.compile(
        rf"\b(?:expir(?:es|ed|y)|valid)(?: (?:date|on|through|to|until))?\W{{1,9}}{_DATE}", re.I
    ),
    "approved": re.compile(
        rf"\b(?:approved|effective|issued|reviewed|signed|updated)(?: (?:at|from|on|since))?\W{{1,9}}{_DATE}",
        re.I,
    ),
}


def stated_dates(view: View, path: str) -> Iterator[dict[str, Any]]:
    """Each such date of a Markdown document: that it ``expires`` after a day, or was ``approved`` on one.

    A day that does not exist is none, and neither is one of a document that cannot be read.
    """
    try:
        document = parse(view.read_text(path), path)
    except EvidenceError:  # a problem of the row
        return
    sections = document.sections[1:2]  # the title is the first one
    for text in document.texts:
        for kind, pattern in _STATED.items():
            match = pattern.search(text.plain)
            if match is None or any(text.line >= section.line for section in sections):
                continue
            try:
                day = datetime.fromisoformat(match["day"]).replace(tzinfo=UTC)
            except ValueError:
                continue
            day += timedelta(days=kind == "expires")  # its last day is still good
            yield {"path": path, "line": text.line, "kind": kind, "at_s": int(day.timestamp())}
