"""GitLab's code quality report, a list of issues (https://docs.gitlab.com/ci/testing/code_quality/).

One issue for each offending place. GitLab compares fingerprints between branches, so they do not depend on
line numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from ...decision.document import Decision, Severity, Violation, Waived
from ...ledger.interface import Entry
from ..interface import Screen
from ..json_format import render_json
from .outcomes import Places, message, outcomes, waiver

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
}


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The violations as code quality issues."""
    return render_json(list(_issues(decision, Places(decision, screen.folder))))


def _issues(decision: Decision, places: Places) -> Iterator[dict[str, Any]]:
    seen = Counter[str]()
    for one in outcomes(decision):
        for violation in () if one.waits else (*one.violations, *one.waived):
            waived = isinstance(violation, Waived)
            for path, line in places.of(violation):
                same = fingerprint(violation, path)
                seen[same] += 1
                if seen[same] > 1:
                    same = sha256(f"{same} {seen[same]}".encode()).hexdigest()
                yield {
                    "description": waiver(violation) if isinstance(violation, Waived) else message(violation),
                    "check_name": one.code,
                    "fingerprint": same,
                    "severity": "info" if waived else _SEVERITIES[violation.severity],
                    "location": {"path": path, "lines": {"begin": line or 1}},
                }


def fingerprint(violation: Violation, path: str) -> str:
    """What stays the same while lines move: rule, member and operand, and the file."""
    term = re.sub(r":\d+\b", "", violation.term or "")  # members of lists may be named by their line
    parts = (violation.code, term, violation.operand or "", path)
    return sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()
