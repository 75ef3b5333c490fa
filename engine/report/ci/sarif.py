"""The violations as SARIF 2.1.0: a result for each offending place, a rule for each rule judged.

Code scanning shows one location of a result, and drops a result without any; so each place is a result of its
own, and what is about no file is shown at its evidence or at the settings. A waived violation is suppressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...decision.document import Decision, Severity, Waived
from ...ledger.interface import Entry
from ...terminal.figures import printable
from ...terminal.sarif import HOME, document, location
from ..interface import Screen
from ..json_format import render_json
from .gitlab import fingerprint
from .outcomes import Outcome, Places, message, outcomes, verdict_line, waiver, weight

REFERENCE = f"{HOME}docs/"
PAGES = {"gate-prelive": "policies.md", "gate-release": "policies-release.md"}
"""Shipped bundle → its page of the policy reference; other bundles have theirs elsewhere."""

_PRIORITY = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The decision as one run of ``gate evaluate``."""
    found = [one for one in outcomes(decision) if not one.waits]
    rules = {one.code: _rule(decision, one) for one in found}
    results = list(_results(found, Places(decision, screen.folder)))
    made = document("gate", rules, results, remarks=list(_remarks(decision)), **_run(decision, entry))
    return render_json(made)


def help_uri(decision: Decision, code: str, severity: str) -> str | None:
    """Where the policy reference has the rule; None for bundles that are not gate's own."""
    page = PAGES.get(decision.policy.name)
    return page and f"{REFERENCE}{page}#{code.replace('.', '')}-{severity.lower()}"


def _rule(decision: Decision, one: Outcome) -> dict[str, Any]:
    check = one.check
    if check is None:  # of gate itself
        return {
            "shortDescription": {"text": one.title},
            "fullDescription": {"text": f"{one.title}."},
            "defaultConfiguration": {"level": "error"},
        }
    uri = help_uri(decision, check.code, check.severity)
    fix, title = printable(check.solution), printable(check.title)
    rule: dict[str, Any] = {
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title.rstrip('.')}. {check.severity} rule of {check.stage}."},
        "help": {"text": f"If it does not hold: {fix} Owner: {printable(check.owner)}."},
        "defaultConfiguration": {"level": weight(check.severity)},
        "properties": {
            "tags": [printable(tag) for tag in (check.stage, *check.controls)],
            "severity": check.severity.value,
            "problem.severity": _PRIORITY.get(check.severity, "recommendation"),
            "status": check.status.value,
        },
    }
    return rule if uri is None else rule | {"helpUri": uri}


def _results(found: list[Outcome], places: Places) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(found):
        for violation in (*one.violations, *one.waived):
            waived = isinstance(violation, Waived)
            for path, line in places.of(violation):
                result: dict[str, Any] = {
                    "ruleId": one.code,
                    "ruleIndex": number,
                    "level": weight(violation.severity, waived=waived),
                    "message": {"text": f"{message(violation)}. To do: {printable(violation.solution)}"},
                    "locations": [location(path, line or 1)],
                    "partialFingerprints": {"gate/v1": fingerprint(violation, path)},
                }
                if isinstance(violation, Waived):
                    accepted = {"kind": "external", "status": "accepted", "justification": waiver(violation)}
                    result["suppressions"] = [accepted]
                yield result


def _remarks(decision: Decision) -> Iterator[dict[str, Any]]:
    for notice in decision.warnings:
        yield {"level": notice.level, "message": {"text": printable(notice.msg)}}
    for weakening in decision.weakenings:
        yield {"level": "warning", "message": {"text": f"weakened: {printable(weakening.msg)}"}}


def _run(decision: Decision, entry: Entry | None) -> dict[str, Any]:
    subject, policy = decision.subject, decision.policy
    about = {
        "verdict": decision.verdict.value,
        "summary": verdict_line(decision),
        "stages": {name: stage.verdict.value for name, stage in decision.stages.items()},
        "effectiveTime": decision.effective_time,
        "sources": f"sha256:{subject.digest}",
        "commit": subject.commit,
        "policy": printable(f"{policy.name} {policy.version} sha256:{policy.digest}"),
        "ledger": None if entry is None else {"entry": entry.index, "digest": entry.digest},
    }
    return {
        "automationDetails": {"id": printable(f"gate/{decision.stage}/")},
        "columnKind": "unicodeCodePoints",
        "version": decision.gate_version,
        "properties": about,
    }
