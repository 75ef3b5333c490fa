"""Words that writers of JUnit XML have for how a test case or a suite ended, in attributes of theirs."""

from __future__ import annotations

from collections.abc import Mapping

from ...base.errors import EvidenceError

RANKS = {"failed": 0, "errors": 1, "skipped": 2, "passed": 3}
"""The lower one decides where a case says two."""

_STATUS = frozenset({"status", "result", "outcome", "success"})
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


def stated_outcome(attributes: Mapping[str, str], path: str, place: str) -> str:
    """The worst outcome that attributes state in so many words; empty when none does.

    Args:
        attributes: of a test case or a suite; one in a namespace has it and a ``}`` before its name.
        path: the file, for messages.
        place: where in it, for messages.

    Raises:
        EvidenceError: one states something that is not known.
    """
    worst = ""
    for name, value in attributes.items():
        plain = name.rpartition("}")[2].lower()
        if plain not in _STATUS or not value.strip():
            continue
        outcome = _WORDS.get(value.translate(_BLANKS).lower())
        if outcome is None:
            raise EvidenceError(
                f"the {plain} is {value[:40]!r}, which is not known: it might be a failure",
                path=path,
                place=place,
                remedy="write the report with a word like passed, failed, error or skipped",
            )
        if not worst or RANKS[outcome] < RANKS[worst]:
            worst = outcome
    return worst
