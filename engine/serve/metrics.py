"""The ledgers' figures, as `gate metrics` has them, and the service's own, in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

from ...evidence.base.errors import GateError, LedgerError
from ...evidence.base.times import parse_rfc3339
from ..decision.document import Decision
from ..monitoring.formats import prometheus
from ..monitoring.metrics import Metrics, add_ledger
from .served import Row, Served, ServedLog

_HELP: Final = {
    "gate_service_log_readable": ("gauge", "1 where the ledger could be read just now."),
    "gate_service_log_sound": ("gauge", "1 where the last verification found nothing wrong."),
    "gate_service_log_verified_timestamp_seconds": ("gauge", "When the ledger was verified last."),
    "gate_service_posts_total": ("counter", "Posted decisions, by what became of them."),
    "gate_service_requests_total": ("counter", "Answered requests, by the first digit of the status."),
}


def exposition(served: Served) -> bytes:
    """All figures. A ledger that cannot be read hides no other."""
    all_logs, rows = Metrics(""), Counter[str]()
    for log in served.logs.values():
        label = f'{{log="{log.name}"}}'
        try:
            found = _figures(log)
        except GateError:
            rows[f"gate_service_log_readable{label}"] = 0
        else:
            rows[f"gate_service_log_readable{label}"] = 1
            for name, series in found.series.items():
                all_logs.series[name] |= series
        if log.verified is not None:
            rows[f"gate_service_log_sound{label}"] = int(log.verified.ok)
            moment = parse_rfc3339(log.verified.time)
            rows[f"gate_service_log_verified_timestamp_seconds{label}"] = moment
    for (name, labels), count in sorted(served.counts.items()):
        rows[f"{name}{{{labels}}}"] = count
    own = ""
    for name, (kind, text) in _HELP.items():
        own += f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
        own += "".join(f"{row} {value}\n" for row, value in rows.items() if row.startswith(f"{name}{{"))
    return prometheus(all_logs, 0) + own.encode()


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
