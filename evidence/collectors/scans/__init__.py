"""Collector ``scans``: what security and style scanners found, out of their SARIF and pip-audit reports.

Formats and how a severity is found: :mod:`.sarif`, :mod:`.pip_audit` and ``docs/collectors/scans.md``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...base.errors import EvidenceError
from ...base.times import format_utc
from ...collecting.interface import Observation, Options, Origin, Problem, ProblemKind, Scope
from ...reading.workspace import View
from ..shared.json_fields import shown
from . import pip_audit, sarif
from .sarif import SEVERITIES

_COUNTS = ("runs", "results", "suppressed", "suppressed_in_source", "undecided", "absent", "incomplete")
_GROUPS = ("by_severity", "suppressed_by_severity")
_SARIF = (*_COUNTS, *_GROUPS)
"""Facts that every SARIF report has a part in."""
_LISTS = ("files", "reports", "findings", "tools")
_AUDITS = ("pip_audit",)
_AUDIT_COUNTS = ("dependencies", "audited", "skipped", "vulnerable", "vulnerabilities", "unrated", "unfixed")
_REPORTS = 1000
"""Runs listed one by one; all are counted."""

_SECRET = re.compile(r"passw|secret|token|credential|api.?key|private.?key", re.IGNORECASE)
_QUOTE = re.compile(r"['\"`]")
_SCAN = "run the scanner and keep its report, such as: bandit -r . -f sarif -o bandit.sarif"
_TIME = "use a scanner that states the time of its run, or write the report's provenance: gate provenance"


@dataclass(frozen=True, slots=True)
class ScansOptions(Options):
    """Options of ``evidence.scans``.

    Attributes:
        sarif: SARIF logs (paths or globs); all that exist are counted together.
        pip_audit: JSON reports of pip-audit (paths or globs).
    """

    sarif: tuple[str, ...] = field(
        default=("*.sarif", "*.sarif.json", "reports/*.sarif", "reports/*.sarif.json")
    )
    pip_audit: tuple[str, ...] = field(default=("pip-audit*.json", "reports/pip-audit*.json"))


class ScansCollector:
    """See the module."""

    id: ClassVar[str] = "scans"
    version: ClassVar[str] = "2"
    Options: ClassVar[type[Options]] = ScansOptions

    def __init__(self, options: ScansOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Count the findings of every report that can be read; each other one is a problem."""
        problems: list[Problem] = []
        logs = _matches(view, self._options.sarif, problems, _SARIF)
        audits = _matches(view, self._options.pip_audit, problems, _AUDITS)
        runs: list[tuple[str, sarif.Run]] = []
        read = 0
        for path in logs:
            try:
                found = sarif.read_log(view.read_json(path), path, view.root.as_posix())
            except EvidenceError as error:
                problems += [Problem.rejected(error, fact) for fact in _SARIF]
                continue
            read += 1
            runs += [(path, run) for run in found]
            if not found or not all(run.scanned for run in found):
                remedy, rejected = "run the scanner again, to its end", ProblemKind.REJECTED
                reason = "holds no scan: it has no run with results"
                problems += [Problem(fact, reason, remedy, rejected, path) for fact in _SARIF]
        audit = pip_audit.Audit()
        audited = 0
        for path in audits:
            try:
                report = view.read_json(path)
                pip_audit.Audit().add(report, path)  # of a report that is rejected half-way nothing counts
                audit.add(report, path)
                audited += 1
            except EvidenceError as error:
                problems.append(Problem.rejected(error, *_AUDITS))
        for path, run in runs:
            for what, place in run.unknown[: view.limits.problems]:
                unknown = ProblemKind.UNKNOWN
                problems.append(Problem("by_severity", what, sarif.REMEDY, unknown, path=path, place=place))
        facts = _sarif_facts(runs, view.limits.problems)
        if not any(run.scanned for _, run in runs):
            facts.update(dict.fromkeys(_COUNTS))
            facts.update({group: dict.fromkeys(SEVERITIES) for group in _GROUPS})
            if not logs and not any(problem.fact in _SARIF for problem in problems):
                reason = f"no SARIF report found (looked for {', '.join(self._options.sarif)})"
                problems += [Problem(fact, reason, _SCAN) for fact in _SARIF]
        if facts["observed_at_s"] is None:
            silent = next((path for path, run in runs if run.observed_s is None), None)
            reason = "states no time of its run" if silent else "there is no run of a scanner"
            problems.append(Problem("observed_at_s", reason, _TIME if silent else _SCAN, path=silent))
        facts["pip_audit"] = _audit_facts(audit, view.limits.problems)
        facts["files"] = logs
        facts["pip_audit"]["files"] = audits
        if not audited:
            facts["pip_audit"].update(dict.fromkeys(_AUDIT_COUNTS))
            if not any(problem.fact in _AUDITS for problem in problems):
                reason = f"no pip-audit report found (looked for {', '.join(self._options.pip_audit)})"
                problems.append(Problem(*_AUDITS, reason, pip_audit.REMEDY))
        observed = facts["observed_at_s"]
        formats = [*(["sarif 2.1.0"] if logs else []), *(["pip-audit json"] if audits else [])]
        return Observation(
            facts,
            tuple(problems),
            # pip-audit states no time, and the oldest of times that are not all known is not known
            observed_at=None if observed is None or audits else format_utc(observed),
            tool=_tools(facts["tools"], audits),
            format=", ".join(formats) or None,
            origins=tuple(
                Origin(commit=commit) for commit in sorted({c for _, r in runs for c in r.commits})
            ),
            scopes=(
                *(Scope(fact, len(logs), read, "SARIF reports") for fact in (*_SARIF, *_LISTS)),
                Scope("pip_audit", len(audits), audited, "pip-audit reports"),
            ),
        )


def _matches(
    view: View, patterns: Iterable[str], problems: list[Problem], touched: Iterable[str]
) -> list[str]:
    """The reports that match; one that is a link or no file is a problem."""
    found: set[str] = set()
    for pattern in patterns:
        try:
            found.update(view.glob(pattern))
        except EvidenceError as error:
            problems += [Problem.rejected(error, fact) for fact in touched]
    return sorted(found)


def _tools(tools: list[dict[str, Any]], audits: list[str]) -> str | None:
    names = [" ".join(part for part in (tool["name"], tool["version"]) if part) for tool in tools]
    return ", ".join([*names, *(["pip-audit"] if audits else [])][:10]) or None


def _severities(findings: Iterable[sarif.Finding]) -> dict[str, int]:
    counted = Counter(finding.severity for finding in findings)
    return {severity: counted[severity] for severity in SEVERITIES}


def _sarif_facts(runs: list[tuple[str, sarif.Run]], most: int) -> dict[str, Any]:
    reports = [_report(path, run) for path, run in runs]
    findings = [(finding, path, run) for path, run in runs for finding in run.findings]
    live = sorted(
        (entry for entry in findings if entry[0].suppressed is None),
        key=lambda entry: (*entry[0].order[:1], entry[2].tool, *entry[0].order[1:]),
    )
    hidden = [finding for finding, _, _ in findings if finding.suppressed is not None]
    times = [run.observed_s for _, run in runs if run.observed_s is not None]
    return {
        "runs": len(runs),
        "results": len(live),
        "by_severity": _severities(finding for finding, _, _ in live),
        "suppressed": len(hidden),
        "suppressed_by_severity": _severities(hidden),
        "suppressed_in_source": sum(finding.suppressed == "inSource" for finding in hidden),
        "undecided": sum(run.undecided for _, run in runs),
        "absent": sum(run.absent for _, run in runs),
        "incomplete": sum(report["incomplete"] for report in reports),
        "reports": reports[:_REPORTS],
        "findings": [_finding(*entry) for entry in live[:most]],
        "tools": [
            {"name": name, "version": version or None}
            for name, version in sorted({(shown(run.tool), shown(run.version or "")) for _, run in runs})[
                :_REPORTS
            ]
        ],
        "observed_at_s": min(times) if runs and len(times) == len(runs) else None,
    }


def _report(path: str, run: sarif.Run) -> dict[str, Any]:
    live = [finding for finding in run.findings if finding.suppressed is None]
    trouble = run.trouble or (None if run.scanned else "the run has no list of results")
    return {
        "path": path,
        "tool": shown(run.tool),
        "tool_version": shown(run.version) if run.version else None,
        "results": len(live) if run.scanned else None,
        "by_severity": _severities(live),
        "suppressed": len(run.findings) - len(live),
        "undecided": run.undecided,
        "other": run.other,
        "absent": run.absent,
        "incomplete": trouble is not None,
        "incomplete_because": None if trouble is None else shown(trouble),
        "commit": run.commits[0] if run.commits else None,
        "observed_at_s": run.observed_s,
    }


def _finding(finding: sarif.Finding, path: str, run: sarif.Run) -> dict[str, Any]:
    return {
        "report": path,
        "tool": shown(run.tool),
        "rule": shown(finding.rule, identifier=True),
        "severity": finding.severity,
        "level": finding.level,
        "path": None if finding.file is None else shown(finding.file, 400),
        "line": finding.line,
        "message": shown(_discreet(finding.message)),
    }


def _discreet(message: str) -> str:
    """The message up to what it quotes, when it speaks of a secret: facts are kept for years."""
    first = _QUOTE.search(message)
    if first is None or not _SECRET.search(message):
        return message
    return f"{message[: first.start()]}{first[0]}…{first[0]}"


def _audit_facts(audit: pip_audit.Audit, most: int) -> dict[str, Any]:
    found = audit.vulnerabilities()
    affected: dict[tuple[str, str], int] = Counter((name, version) for name, version, _ in found)
    return {
        "dependencies": len(audit.known) + len(audit.skipped),
        "audited": len(audit.known),
        "skipped": len(audit.skipped),
        "vulnerable": len(affected),
        "vulnerabilities": len(found),
        "unrated": len(found),
        "unfixed": sum(not one.fixed_in for _, _, one in found),
        "findings": [
            {
                "name": shown(name),
                "version": shown(version),
                "id": shown(one.stated, identifier=True),
                "aliases": [shown(alias) for alias in sorted(one.names - {one.stated})[:10]],
                "fixed_in": [shown(fixed) for fixed in sorted(one.fixed_in)[:10]],
            }
            for name, version, one in found[:most]
        ],
        "skipped_because": [
            {"name": shown(name), "version": shown(version) or None, "reason": shown(reason)}
            for (name, version), reason in sorted(audit.skipped.items())[:most]
        ],
    }
