"""Values in the attributes of JUnit XML as its many writers spell them: outcomes, counts, times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from email.utils import parsedate_to_datetime

from ...base.times import parse_rfc3339

OUTCOMES = ("passed", "failed", "errors", "skipped")
RANKS = {"failed": 0, "errors": 1, "skipped": 2, "passed": 3}
"""The lower one decides where a case says two."""

_STATUS = frozenset({"status", "state", "result", "outcome", "success"})
"""Attributes in which writers say how a case or a suite ended."""
_WORDS = {
    **dict.fromkeys(("run", "completed", "executed", "finished", "passed", "pass", "ok", "true"), "passed"),
    **dict.fromkeys(("success", "successful", "succeeded"), "passed"),
    **dict.fromkeys(("failed", "fail", "failure", "failures", "false", "notok"), "failed"),
    **dict.fromkeys(("error", "errors", "errored", "broken", "hookerror", "cleanuperror"), "errors"),
    **dict.fromkeys(("interrupted", "aborted", "panicked", "timedout", "timeout", "undefined"), "errors"),
    **dict.fromkeys(("notrun", "suppressed", "skipped", "skip", "disabled", "ignored"), "skipped"),
    **dict.fromkeys(("pending", "untested", "notexecuted"), "skipped"),
}
"""Outcome by the word for it, without blanks and in lower case: googletest has ``run`` and ``completed`` for
whatever was not disabled, CTest ``fail`` and ``notrun``, Ginkgo ``panicked`` and ``timedout``, behave
``untested``, ``undefined`` and ``hook_error``."""
_BLANKS = str.maketrans("", "", " _-")
_COUNT = re.compile(r"[0-9]{1,9}")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{0,12})?([eE]-[0-9]{1,2})?|\.[0-9]{1,12}")
_HTTP_DATE = re.compile(
    r"(?:[A-Za-z]{3}, )?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})", re.ASCII
)
_SHORT_ZONE = re.compile(r"([+-]\d\d)(\d\d)\Z", re.ASCII)


def stated_outcome(attributes: Mapping[str, str]) -> tuple[str, str]:
    """The worst outcome that attributes state in so many words, and a statement that is not known.

    Returns:
        one of `OUTCOMES`, or empty; and ``the status is 'odd'``, or empty.
    """
    worst = unknown = ""
    for name, value in attributes.items():
        plain = name.rpartition("}")[2].lower()
        if plain not in _STATUS or not value.strip():
            continue
        outcome = _WORDS.get(value.translate(_BLANKS).lower())
        if outcome is None:
            unknown = f"the {plain} is {value[:40]!r}"
        elif not worst or RANKS[outcome] < RANKS[worst]:
            worst = outcome
    return worst, unknown


def count(stated: str | None) -> int | None:
    """The count that an attribute states; None where it states none.

    Raises:
        ValueError: it is no count.
    """
    plain = (stated or "").strip().replace(",", "")
    if plain and not _COUNT.fullmatch(plain):
        raise ValueError(plain)
    return int(plain) if plain else None


def seconds(stated: str | None) -> Decimal | None:
    """A duration in seconds, thousands perhaps grouped by commas; None where none can be told."""
    plain = (stated or "").strip().replace(",", "")
    return Decimal(plain) if _SECONDS.fullmatch(plain) else None


def instant(stated: str | None) -> int | None:
    """Epoch seconds of a time with a zone, as RFC 3339 or HTTP writes it; None of any other."""
    text = (stated or "").strip()
    try:
        if _HTTP_DATE.fullmatch(text):
            epoch = int(parsedate_to_datetime(text.replace("UTC", "GMT")).timestamp())
        else:
            epoch = parse_rfc3339(_SHORT_ZONE.sub(r"\1:\2", text.replace(" ", "T", 1)))
    except (ValueError, OverflowError):
        return None
    return epoch if epoch >= 0 else None
