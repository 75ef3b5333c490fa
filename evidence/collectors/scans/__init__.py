"""Collector ``scans``: what security and style scanners found, out of their SARIF and pip-audit reports.

Formats and how a severity is found: :mod:`.sarif`, :mod:`.pip_audit` and ``docs/collectors/scans.md``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from msgspec.structs import replace

from ...base.times import format_utc
from ...collecting.interface import Observation, Options, Origin, Problem, ProblemKind, Scope
from ...reading.workspace import View
from ..shared.documents import read_matching
from ..shared.json_fields import shown
from ..shared.requirements import pinned
from . import pip_audit, sarif
from .sarif import SEVERITIES

_COUNTS = (
    "runs", "results", "suppressed", "suppressed_in_source", "suppressed_unlisted", "undecided", "absent",
    "incomplete",
)  # fmt: skip
_GROUPS = ("by_severity", "suppressed_by_severity")
_SARIF = (*_COUNTS, *_GROUPS)
"""Facts that every SARIF report has a part in."""
_LISTS = ("files", "reports", "findings", "tools")
_AUDITS = ("pip_audit",)
_AUDIT_COUNTS = ("dependencies", "audited", "skipped", "vulnerable", "vulnerabilities", "unrated", "unfixed")
_REPORTS = 1000
"""Runs listed one by one; all are counted."""
_PACKAGES = 10_000
"""Audited packages listed; all are counted."""

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
    version: ClassVar[str] = "4"
    Options: ClassVar[type[Options]] = ScansOptions

    def __init__(self, options: ScansOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Count the findings of every report that can be read; each other one is a problem."""
        root = view.root.as_posix()
        rejected: list[Problem] = []
        logs = read_matching(
            view, self._options.sarif, rejected, lambda path: sarif.read_log(view.read_json(path), path, root)
        )
        looked_at = len(logs) + len(rejected)
        for path, found in logs.items():
            if not found or not all(run.scanned for run in found):
                reason, remedy = (
                    "holds no scan: it has no run with results",
                    "run the scanner again, to its end",
                )
                rejected.append(Problem("", reason, remedy, ProblemKind.REJECTED, path))
        problems = [replace(one, fact=fact) for one in rejected for fact in _SARIF]
        runs = [(path, run) for path, found in logs.items() for run in found]
        audit, broken = pip_audit.Audit(), list[Problem]()

        def add(path: str) -> None:
            report = view.read_json(path)
            pip_audit.Audit().add(report, path)  # of a report that is rejected half-way nothing counts
            audit.add(report, path)

        audits = sorted(read_matching(view, self._options.pip_audit, broken, add, *_AUDITS))
        problems += broken
        for path, run in runs:
            for what, place in run.unknown[: view.limits.problems]:
                unknown = ProblemKind.UNKNOWN
                problems.append(Problem("by_severity", what, sarif.REMEDY, unknown, path=path, place=place))
        facts = _sarif_facts(runs, view.limits.problems)
        if not any(run.scanned for _, run in runs):
            facts.update(dict.fromkeys(_COUNTS))
            facts.update({group: dict.fromkeys(SEVERITIES) for group in _GROUPS})
            if not looked_at:
                reason = f"no SARIF report found (looked for {', '.join(self._options.sarif)})"
                problems += [Problem(fact, reason, _SCAN) for fact in _SARIF]
        if facts["observed_at_s"] is None:
            silent = next((path for path, run in runs if run.observed_s is None), None)
            reason = "states no time of its run" if silent else "there is no run of a scanner"
            problems.append(Problem("observed_at_s", reason, _TIME if silent else _SCAN, path=silent))
        facts["pip_audit"] = _audit_facts(audit, view.limits.problems)
        facts["files"] = sorted(logs)
        facts["pip_audit"]["files"] = audits
        if not audits:
            facts["pip_audit"].update(dict.fromkeys(_AUDIT_COUNTS))
            if not broken:
                reason = f"no pip-audit report found (looked for {', '.join(self._options.pip_audit)})"
                problems.append(Problem(*_AUDITS, reason, pip_audit.REMEDY))
        observed = facts["observed_at_s"]
        tools = [" ".join(filter(None, tool.values())) for tool in facts["tools"]]
        tools += ["pip-audit"] if audits else []
        formats = [*(["sarif 2.1.0"] if logs else []), *(["pip-audit json"] if audits else [])]
        return Observation(
            facts,
            tuple(problems),
            # pip-audit states no time, and the oldest of times that are not all known is not known
            observed_at=None if observed is None or audits else format_utc(observed),
            tool=", ".join(tools[:10]) or None,
            format=", ".join(formats) or None,
            origins=tuple(map(Origin, sorted({commit for _, run in runs for commit in run.commits}))),
            scopes=(
                *(Scope(fact, looked_at, len(logs), "SARIF reports") for fact in (*_SARIF, *_LISTS)),
                Scope("pip_audit", len(audits) + len(broken), len(audits), "pip-audit reports"),
            ),
        )


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
    tools = {(shown(run.tool), shown(run.version or "")) for _, run in runs}
    return {
        "runs": len(runs),
        "results": len(live),
        "by_severity": _severities(finding for finding, _, _ in live),
        "suppressed": len(hidden),
        "suppressed_by_severity": _severities(hidden),
        "suppressed_in_source": sum(finding.suppressed == "inSource" for finding in hidden),
        "suppressed_unlisted": sum(run.unlisted for _, run in runs),
        "undecided": sum(run.undecided for _, run in runs),
        "absent": sum(run.absent for _, run in runs),
        "incomplete": sum(report["incomplete"] for report in reports),
        "reports": reports[:_REPORTS],
        "findings": [_finding(*entry) for entry in live[:most]],
        "tools": [{"name": name, "version": version or None} for name, version in sorted(tools)[:_REPORTS]],
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
    message, quoted = finding.message, _QUOTE.search(finding.message)
    if quoted and _SECRET.search(message):  # not what it quotes: facts are kept for years
        message = f"{message[: quoted.start()]}{quoted[0]}…{quoted[0]}"
    return {
        "report": path,
        "tool": shown(run.tool),
        "rule": shown(finding.rule, identifier=True),
        "severity": finding.severity,
        "level": finding.level,
        "path": None if finding.file is None else shown(finding.file, 400),
        "line": finding.line,
        "message": shown(message),
    }


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
        "packages": [shown(one) for one in sorted(pinned(*key) for key in audit.known)[:_PACKAGES]],
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
