"""GO_LIVE_DECISION_GATE.md from a verification log: generated, never typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TITLES = {
    "stage1": "Artifact validation",
    "stage2": "Hierarchical breakdown",
    "stage3": "Interface mapping",
    "stage4": "Implementation",
    "stage5": "Test infrastructure",
    "stage6": "Account probe",
    "stage7": "Paper trading",
    "stage8": "Go-live decision",
}
_ADVICE = {
    "PASS": "Go live by the scale-up plan, beginning with 10 % of the capital in week 1.",
    "CONDITIONAL": "Complete the open conditions first; deploy only then.",
    "FAIL": "Do not go live. Remedy what failed and judge again.",
}


def render(log: Mapping[str, Any], people: Mapping[str, tuple[str, str]]) -> str:
    """The document for `log`, the content of a PRELIVE_VERIFICATION_LOG.json; `people` is name and principal by role."""
    failed = [name for name, gate in log["gates"].items() if gate["status"] != "PASS"]
    lines = [
        "# Go-live decision gate",
        "",
        f"Generated from `PRELIVE_VERIFICATION_LOG.json` of {log['timestamp']}. Sample data; see README.md.",
        "",
        "## Decision",
        "",
        f"**{log['decision']}**: {_ADVICE[log['decision']]}",
        "",
        "## Stage status",
        "",
        "| Stage | Question | Status |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {_TITLES[name]} | {gate['status']} |" for name, gate in sorted(log["gates"].items())]
    lines += ["", "## Metrics summary", "", "| Stage | Metric | Value |", "|---|---|---|"]
    figures = [
        (name, metric.replace("_", " "), value)
        for name, gate in sorted(log["gates"].items())
        for metric, value in gate.items()
        if metric != "status"
    ]
    lines += [f"| {name} | {metric} | {_show(value)} |" for name, metric, value in figures] or [
        "| all | figures | none, because nothing was judged |"
    ]
    lines += [
        "",
        "## Risk assessment",
        "",
        "| Risk | Likelihood | Effect | What limits it |",
        "|---|---|---|---|",
        "| The market differs from the paper session | medium | loss | 10 % of capital in week 1, three kill switches |",
        "| The connection drops with open orders | medium | stale orders | reconnection, reconciliation, rollback |",
        "| An operator points the system at the wrong account | low | loss | port, prefix and pinned account are checked |",
        "| A person who must act is away | low | late reaction | kill switches act without people |",
        "",
        "## Recommendation",
        "",
        f"{_ADVICE[log['decision']]} "
        + (f"Open stages: {', '.join(sorted(failed))}." if failed else "No stage is open."),
        "",
        "## Sign-offs",
        "",
        "| Role | Name | Signature |",
        "|---|---|---|",
    ]
    for role in ("risk_officer", "cto", "lead_trader"):
        signature = log["signatures"].get(role)
        title = role.replace("_", " ")
        lines.append(f"| {title} | {people[role][0]} | {signature or 'not signed yet'} |")
    return "\n".join(lines) + "\n"


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "not measured"
    return str(value)
