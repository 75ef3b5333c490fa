"""The ledgers' figures, as `gate metrics` has them, and the service's own, in Prometheus' text format."""

from __future__ import annotations

from functools import partial
from typing import Final

from ...evidence.base.errors import GateError, LedgerError
from ...evidence.base.times import parse_rfc3339
from ..decision.document import Decision
from ..monitoring.formats import exposed
from ..monitoring.metrics import HELP, Labels, Metrics, add_ledger
from .served import Row, Served, ServedLog

_HELP: Final = {
    "gate_service_log_readable": "1 where the ledger could be read just now.",
    "gate_service_log_sound": "1 where the last verification found nothing wrong.",
    "gate_service_log_verified_timestamp_seconds": "When the ledger was verified last.",
    "gate_service_posts_total": "Posted decisions, by what became of them.",
    "gate_service_requests_total": "Answered requests, by the first digit of the status.",
}


def exposition(served: Served) -> bytes:
    """All figures. A ledger that cannot be read hides no other."""
    all_logs = Metrics("")
    own: dict[str, dict[Labels, int]] = {name: {} for name in _HELP}
    for log in served.logs.values():
        label = (("log", log.name),)
        try:
            found = _figures(log)
        except GateError:
            own["gate_service_log_readable"][label] = 0
        else:
            own["gate_service_log_readable"][label] = 1
            for name, series in found.series.items():
                all_logs.series[name] |= series
        if log.verified is not None:
            own["gate_service_log_sound"][label] = int(log.verified.ok)
            moment = parse_rfc3339(log.verified.time)
            own["gate_service_log_verified_timestamp_seconds"][label] = moment
    for (name, labels), count in sorted(served.counts.items()):
        own[name][labels] = count
    return exposed(all_logs.series, HELP) + exposed(own, _HELP)


def _figures(log: ServedLog) -> Metrics:
    found = Metrics(log.name)
    sealed = log.checkpoint()
    add_ledger(found, log.standings().stages, partial(_read, log), None if sealed is None else sealed[0])
    return found


def _read(log: ServedLog, row: Row) -> Decision | None:
    try:
        return log.decision(row)
    except LedgerError:
        return None
