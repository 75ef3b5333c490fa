"""Recorded decisions, one row each: as a table, JSON, or CSV that spreadsheets take for text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ....evidence.base.numbers import counted
from ...decision.document import Verdict
from ...entries.reading import RecordedDecision
from ...terminal.figures import figure, for_people, label, printable, scale
from ...terminal.lines import Lines, pad
from ..interface import Screen
from ..json_format import render_json
from ..table import VERDICT_STYLE

MAX_FIGURES = 4
"""Figures of a row of the table."""


def unread(rows: Iterable[RecordedDecision]) -> list[str]:
    """Those that cannot be read, each with its entry and why."""
    return [f"the decision in entry {one.entry.index} cannot be read: {one.problem}"
            for one in rows if one.problem is not None]  # fmt: skip


def _figures(row: RecordedDecision) -> Iterator[tuple[str, str]]:
    """Name and value of the key figures: of the stage asked for, or of all."""
    if row.decision is None:
        return
    stages = row.decision.stages
    own = {n: s for n, s in stages.items() if n == row.decision.stage} or stages
    for name, stage in own.items():
        for key, item in stage.figures.items() if stage.has_evidence else ():
            shown = figure(item.value, scale(key, item.unit))
            yield (label(key) if len(own) == 1 else f"{name} {label(key)}"), shown


def _table(rows: Sequence[RecordedDecision], screen: Screen) -> bytes:
    lines = Lines(screen)
    for row in rows:
        verdict = Verdict(row.entry.summary.verdict)
        commit = row.commit[:7] if row.commit else "-"
        start = f"{row.entry.index:>5}  {row.time}  {pad(commit, 7)}  "
        stage = f"{pad(row.entry.summary.stage, 6)}  "
        hang = 7  # as wide as the numbers of entries
        shown = (f"{verdict.value:<11}", VERDICT_STYLE[verdict])
        lines.add(start, shown, f"  {stage}", _about(row), hang=hang)
    if not rows:
        lines.add("no decision was recorded")
    return lines.text().encode()


def _about(row: RecordedDecision) -> str:
    if row.decision is None:
        return f"{row.policy} · cannot be read: {row.problem}"
    holds, rules = row.holds or (0, 0)
    figures = [f"{name} {value}" for name, value in _figures(row)]
    more = [f"+{counted(len(figures) - MAX_FIGURES, 'figure')}"] if len(figures) > MAX_FIGURES else []
    people = ", ".join(f"{role} {person}" for role, person in row.signers())
    signed = f"signed by {people}" if people else "not signed"
    return " · ".join([row.policy, f"{holds} of {rules} rules hold", *figures[:MAX_FIGURES], *more, signed])


def _json(rows: Sequence[RecordedDecision], screen: Screen) -> bytes:
    return render_json({"decisions": [_data(row) for row in rows]})


def _data(row: RecordedDecision) -> dict[str, Any]:
    decision, entry = row.decision, row.entry
    return {
        "entry": entry.index,
        "digest": entry.entry.digest,
        "decision": entry.summary.decision,
        "effective_time": row.time,
        "commit": row.commit,
        "dirty": decision.subject.dirty if decision else None,
        "policy": printable(row.policy),
        "policy_digest": entry.summary.policy_digest,
        "stage": entry.summary.stage,
        "verdict": entry.summary.verdict,
        "stages": entry.summary.stages,
        "rules_hold": row.holds[0] if row.holds else None,
        "rules": row.holds[1] if row.holds else None,
        "figures": None
        if decision is None
        else {
            name: {key: {"value": item.value, "unit": item.unit} for key, item in stage.figures.items()}
            for name, stage in decision.stages.items()
        },
        "signed": [
            {"role": printable(role), "principal": printable(person)} for role, person in row.signers()
        ],
        "problem": None if row.problem is None else printable(row.problem),
    }


_COLUMNS = (
    "entry", "effective_time", "commit", "policy", "policy_digest", "stage", "verdict", "rules_hold", "rules",
)  # fmt: skip


def _csv(rows: Sequence[RecordedDecision], screen: Screen) -> bytes:
    def cells() -> Iterator[Sequence[Any]]:
        yield (*_COLUMNS, "figures", "signed", "problem")
        for row in rows:
            data = _data(row)
            figures = "; ".join(f"{name}: {value}" for name, value in _figures(row))
            signed = "; ".join(f"{role}: {person}" for role, person in row.signers())
            yield (*(data[name] for name in _COLUMNS), figures, signed, data["problem"])

    return render_csv(cells())


def render_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV (RFC 4180), in which no cell is a formula and every text is on one line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[_cell(value) for value in row] for row in rows])
    return for_people(text.getvalue()).encode()


def _cell(value: Any) -> Any:
    """Text that a spreadsheet shows as it is: what begins like a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return value
    shown = printable(value)
    return f"'{shown}" if shown.lstrip()[:1] in tuple("=+-@|%") else shown


RENDERERS = {"table": _table, "json": _json, "csv": _csv}
