"""Recorded decisions as a Parquet file (https://parquet.apache.org): one row each, with flat, typed columns.

Names and types of the columns are a contract with whoever queries such files: `COLUMNS` only grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from itertools import islice
from typing import Any, Final

from ....evidence.base.errors import not_installed
from ...decide.conditions import due_at
from ...decision.document import Decision, Verdict
from ...entries.reading import RecordedDecision
from ...terminal.figures import printable

ROWS: Final = 500
"""Of a row group: as many decisions are in memory."""

TEXT, NUMBER, TRUTH, TIME, TEXTS = "text", "number", "truth", "time", "texts"
"""Types of columns: UTF-8, 64-bit integer, boolean, UTC time in milliseconds, list of UTF-8."""

COLUMNS: Final = {
    "log": TEXT, "entry": NUMBER, "digest": TEXT, "decision": TEXT, "effective_time": TIME,
    "stage": TEXT, "verdict": TEXT, "action": TEXT, "workspace": TEXT, "commit": TEXT, "dirty": TRUTH,
    "sources": TEXT, "author": TEXT, "policy": TEXT, "policy_version": TEXT, "policy_digest": TEXT,
    "profile": TEXT, "overrides": TEXTS, "engine": TEXT, "gate_version": TEXT, "anchors": TEXTS,
    "weakenings": TEXTS, "passed": TEXTS, "conditional": TEXTS, "failed": TEXTS, "rules": NUMBER,
    "rules_hold": NUMBER, "violated": TEXTS, "blocking": TEXTS, "waived": TEXTS, "waivers": TEXTS,
    "approvers": TEXTS, "waived_until": TIME, "conditions": NUMBER, "condition_due": TIME,
    "signed_by": TEXTS, "evidence": NUMBER, "evidence_problems": NUMBER, "evidence_oldest": TIME,
    "evidence_undated": NUMBER,
}  # fmt: skip
"""Name → type; docs/fleet.md says what each means."""


class _Sink(BytesIO):
    """A file that keeps what is written until it is taken, also when it is closed."""

    def close(self) -> None:
        """Stay open: what was written last is taken after that."""

    def take(self) -> bytes:
        data = self.getvalue()
        self.seek(0)
        self.truncate()
        return data


class Parquet:
    """Writes one file; ``rows`` counts the decisions in it, ``unread`` has those that cannot be read."""

    def __init__(self) -> None:
        """Raises EnvironmentProblem: pyarrow is not installed."""
        try:
            import pyarrow
            from pyarrow.parquet import ParquetWriter
        except ImportError as error:
            raise not_installed("writing Parquet", "parquet", error) from error
        self.rows = 0
        self.unread: list[RecordedDecision] = []
        self._arrow, self._writer = pyarrow, ParquetWriter
        types = {
            TEXT: pyarrow.string(), NUMBER: pyarrow.int64(), TRUTH: pyarrow.bool_(),
            TIME: pyarrow.timestamp("ms", "UTC"), TEXTS: pyarrow.list_(pyarrow.string()),
        }  # fmt: skip
        self._schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])

    def parts(self, log: str, decisions: Iterable[RecordedDecision]) -> Iterator[bytes]:
        """The file, a row group at a time.

        Args:
            log: the ledger's name.
        """
        sink, rest = _Sink(), iter(decisions)
        with self._writer(sink, self._schema, compression="zstd") as writer:
            while found := list(islice(rest, ROWS)):
                self.rows += len(found)
                self.unread += [one for one in found if one.problem is not None]
                rows = [_row(log, one) for one in found]
                writer.write_table(self._arrow.Table.from_pylist(rows, self._schema))
                yield sink.take()
        yield sink.take()


def _row(log: str, one: RecordedDecision) -> dict[str, Any]:
    summary, decision = one.entry.summary, one.decision
    by_verdict = {
        verdict: [name for name, given in summary.stages.items() if given == verdict] for verdict in Verdict
    }
    name, _, version = one.policy.rpartition(" " if decision else ":")
    row = {
        "log": log, "entry": one.entry.index, "digest": one.entry.entry.digest,
        "decision": summary.decision, "effective_time": one.time,
        "stage": summary.stage, "verdict": summary.verdict, "action": summary.action,
        "commit": one.commit, "policy": name, "policy_version": version,
        "policy_digest": summary.policy_digest,
        "anchors": summary.anchors, "weakenings": summary.weakenings,
        "passed": by_verdict[Verdict.PASS], "conditional": by_verdict[Verdict.CONDITIONAL],
        "failed": by_verdict[Verdict.FAIL], "violated": summary.violations,
        "waived": summary.waived, "conditions": summary.conditions,
    } | (_details(one, decision) if decision else {})  # fmt: skip
    return {key: _typed(value, COLUMNS[key]) for key, value in row.items()}


def _details(one: RecordedDecision, decision: Decision) -> dict[str, Any]:
    """What only the stored document says."""
    hold, rules = one.holds or (None, None)
    dated = [item.observed_at for item in decision.evidence if item.observed_at]
    return {
        "workspace": decision.workspace, "dirty": decision.subject.dirty,
        "sources": decision.subject.digest, "author": decision.subject.author,
        "profile": decision.profile.name if decision.profile else None,
        "overrides": [item.name for item in decision.overrides],
        "engine": f"{decision.engine.name} {decision.engine.version}",
        "gate_version": decision.gate_version, "rules": rules, "rules_hold": hold,
        "blocking": sorted({item.code for item in decision.violations if item.severity.blocks}),
        "waivers": sorted({item.waiver for item in decision.waived}),
        "approvers": sorted({item.approver for item in decision.waived}),
        "waived_until": _first(item.effective_until for item in decision.waived),
        "condition_due": _first(item.due for item in decision.conditions),
        "signed_by": [f"{role}: {person}" for role, person in one.signers()],
        "evidence": len(decision.evidence),
        "evidence_problems": sum(len(item.problems) for item in decision.evidence),
        "evidence_oldest": _first(dated), "evidence_undated": len(decision.evidence) - len(dated),
    }  # fmt: skip


def _first(times: Iterable[str]) -> int | None:
    """The earliest of times and days, of those that are any: epoch milliseconds."""
    return min((one for one in map(_moment, times) if one is not None), default=None)


def _moment(text: str) -> int | None:
    """Epoch milliseconds of a time, or of the end of a day."""
    with suppress(ValueError):
        return due_at(text) * 1000
    return None


def _typed(value: Any, kind: str) -> Any:
    """A value of the column's type, in which no text acts on what shows it."""
    if value is None or kind in (NUMBER, TRUTH):
        return value
    if kind == TIME:
        return _moment(value) if isinstance(value, str) else value
    return [printable(str(text)) for text in value] if kind == TEXTS else printable(str(value))
