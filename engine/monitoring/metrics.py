"""A ledger's figures as metrics. Names and units follow Prometheus: moments as epoch seconds, never ages.

The number of series is bounded, whatever stages, waivers and conditions are called: of each list the first
are exported, and ``gate_metrics_left_out`` counts the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ...evidence.base.times import parse_rfc3339
from ..context import Context
from ..decide.conditions import due_at
from ..decision.document import Decision, Severity, Verdict
from ..entries.reading import RecordedDecision
from ..ledger.interface import NoLedger
from ..ledger.note import Checkpoint
from ..recording import recorded_by_index
from ..terminal.figures import printable, shorten
from ..workspace_ledger import reader
from . import standing

STAGES, LISTED = 50, 100
"""Most stages, and most waivers, conditions and collectors, that have series of their own."""
_LONGEST = 100

HELP = {
    "gate_stage_verdict": "1 for the latest recorded verdict of a stage.",
    "gate_stage_judged_timestamp_seconds": "Effective time of the latest decision about a stage.",
    "gate_stage_verdict_since_timestamp_seconds": "Effective time since which the verdict is the same.",
    "gate_stage_decisions_total": "Recorded decisions about a stage, by verdict.",
    "gate_stage_violations": "Violations of a stage, by severity.",
    "gate_stage_waived_violations": "Violations of a stage under waivers.",
    "gate_stage_conditions": "Open conditions of a stage.",
    "gate_waiver_expiry_timestamp_seconds": "When a waiver that is in use expires.",
    "gate_condition_due_timestamp_seconds": "When an open condition becomes a violation.",
    "gate_evidence_observed_timestamp_seconds": "When evidence was made, as far as it states that.",
    "gate_ledger_sealed_timestamp_seconds": "When the ledger was written last.",
    "gate_unreadable_decisions": "Latest decisions about stages whose documents cannot be read.",
    "gate_metrics_left_out": "Series over the limit of a metric.",
}
"""Name → meaning. Counters end in ``_total``, moments in ``_timestamp_seconds``; all else are gauges."""

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """The series by metric: labels → value, an integer. Every label is one line in which nothing acts.

    Attributes:
        unread: the decisions that cannot be read; verdicts and times are known of them, and nothing else.
    """

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self.unread: tuple[RecordedDecision, ...] = ()
        self.series: dict[str, dict[Labels, int]] = {name: {} for name in HELP}

    def add(self, metric: str, value: int, /, **labels: str) -> None:
        """Add a series, unless there is one with these labels: two would make the export unreadable."""
        stated = {"workspace": self._workspace, **labels}.items()
        shown = tuple((name, shorten(printable(text), _LONGEST)) for name, text in stated)
        self.series[metric].setdefault(shown, value)

    def add_first(
        self, metric: str, moment: Callable[[str], int], rows: Iterable[tuple[dict[str, str], str]]
    ) -> None:
        """Add those of a list that come first, without what states no time: labels and a time of each."""
        found: dict[Labels, int] = {}
        for labels, text in rows:
            with suppress(ValueError):
                found.setdefault(tuple(labels.items()), moment(text))
        for stated, value in sorted(found.items(), key=lambda row: row[1])[:LISTED]:
            self.add(metric, value, **dict(stated))
        self.add("gate_metrics_left_out", max(len(found) - LISTED, 0), metric=metric)


def collect(context: Context, config_dir: Path) -> Metrics:
    """The metrics of the workspace's ledger; without series where nothing was recorded.

    Raises LedgerError: the ledger is damaged.
    """
    into = Metrics(context.name)
    with suppress(NoLedger), reader(context, config_dir) as ledger:
        stages = standing.read(ledger).stages
        read = recorded_by_index(ledger, [one.latest for one in _newest(stages).values()])
        into.unread = tuple(one for one in read.values() if one.decision is None)
        add_ledger(into, stages, lambda line: read[line.index].decision, ledger.checkpoint())
    return into


def add_ledger(
    into: Metrics,
    stages: Mapping[str, standing.Standing[standing.L]],
    read: Callable[[standing.L], Decision | None],
    sealed: Checkpoint | None,
) -> None:
    """Add the series of a ledger.

    Args:
        stages: where its stages stand.
        read: gives the document of a decision; None where it cannot be read.
        sealed: its latest checkpoint.
    """
    into.add("gate_metrics_left_out", max(len(stages) - STAGES, 0), metric="gate_stage_verdict")
    newest = _newest(stages)
    lines = {one.latest.index: one.latest for one in newest.values()}
    known = {index: read(line) for index, line in lines.items()}
    into.add("gate_unreadable_decisions", sum(one is None for one in known.values()))
    latest = {}
    for name, one in newest.items():
        _stage(into, name, one)
        decision = known[one.latest.index]
        if decision is not None:
            latest[name] = decision
            _details(into, name, decision)
    _listed(into, latest)
    if sealed is not None:
        into.add("gate_ledger_sealed_timestamp_seconds", parse_rfc3339(sealed.time))


def _newest(stages: Mapping[str, standing.Standing[standing.L]]) -> dict[str, standing.Standing[standing.L]]:
    """The stages that were judged last, as many as have series."""
    return dict(sorted(stages.items(), key=lambda item: -item[1].latest.index)[:STAGES])


def _stage(into: Metrics, name: str, one: standing.Standing[standing.L]) -> None:
    for verdict in Verdict:
        into.add("gate_stage_verdict", int(one.verdict == verdict), stage=name, verdict=verdict.value)
        into.add("gate_stage_decisions_total", one.counts[verdict], stage=name, verdict=verdict.value)
    into.add("gate_stage_judged_timestamp_seconds", parse_rfc3339(one.latest.time), stage=name)
    into.add("gate_stage_verdict_since_timestamp_seconds", parse_rfc3339(one.since), stage=name)


def _details(into: Metrics, name: str, decision: Decision) -> None:
    weights = Counter(violation.severity for violation in decision.violations if violation.stage == name)
    for severity in Severity:
        into.add("gate_stage_violations", weights[severity], stage=name, severity=severity.value)
    into.add("gate_stage_waived_violations", sum(one.stage == name for one in decision.waived), stage=name)
    into.add("gate_stage_conditions", sum(one.stage == name for one in decision.conditions), stage=name)


def _listed(into: Metrics, latest: dict[str, Decision]) -> None:
    """What there may be any number of; evidence as the newest decision that read it saw it."""
    waivers, conditions, evidence = [], [], []
    for name, decision in latest.items():
        own = [one for one in decision.waived if one.stage == name]
        waivers += [({"stage": name, "waiver": one.waiver}, one.effective_until) for one in own]
        open_ = [one for one in decision.conditions if one.stage == name]
        conditions += [({"stage": name, "condition": one.id}, one.due) for one in open_]
        evidence += [({"collector": one.id}, one.observed_at or "") for one in decision.evidence]
    into.add_first("gate_waiver_expiry_timestamp_seconds", parse_rfc3339, waivers)
    into.add_first("gate_condition_due_timestamp_seconds", due_at, conditions)
    into.add_first("gate_evidence_observed_timestamp_seconds", parse_rfc3339, evidence)
