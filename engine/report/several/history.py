"""Recorded decisions, one row each: as a table, JSON, or CSV that spreadsheets take for text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from ...decision.document import CheckStatus, Decision, Verdict
from ...terminal.figures import figure, for_people, label, printable, scale
from ...terminal.lines import Lines, pad
from ..interface import DecisionEntry, Screen
from ..json_format import render_json
from ..table import VERDICT_STYLE

MAX_FIGURES = 4
"""Figures of a row of the table."""


class Recorded(Struct, frozen=True):
    """A decision in the ledger: its entry, and the stored document where that can be read.

    Attributes:
        problem: why it cannot be read. foreign: because another version of gate stored it.
    """

    entry: DecisionEntry
    decision: Decision | None
    problem: str | None = None
    foreign: bool = False

    @property
    def time(self) -> str:
        """As of when it was judged."""
        return str(self.entry.statement["predicate"]["timeVerified"])

    @property
    def commit(self) -> str | None:
        """The full id of the commit that was judged."""
        for subject in self.entry.statement["subject"]:
            if "gitCommit" in subject.get("digest", {}):
                return str(subject["digest"]["gitCommit"])
        return None

    @property
    def policy(self) -> str:
        """Name and version of the bundle that judged."""
        if self.decision is not None:
            return f"{self.decision.policy.name} {self.decision.policy.version}"
        return str(self.entry.statement["predicate"]["policy"]["uri"]).removeprefix("urn:gate:policy:")

    @property
    def holds(self) -> tuple[int, int] | None:
        """How many rules hold, of how many."""
        if self.decision is None:
            return None
        checks = self.decision.checks
        return sum(check.status is CheckStatus.HOLDS for check in checks), len(checks)

    def figures(self) -> Iterator[tuple[str, str]]:
        """Name and value of the key figures: of the stage asked for, or of all."""
        if self.decision is None:
            return
        stages = self.decision.stages
        own = {n: s for n, s in stages.items() if n == self.decision.stage} or stages
        for name, stage in own.items():
            for key, item in stage.figures.items() if stage.has_evidence else ():
                shown = figure(item.value, scale(key, item.unit))
                yield (label(key) if len(own) == 1 else f"{name} {label(key)}"), shown

    def signers(self) -> Iterator[tuple[str, str]]:
        """Role and principal of the approvals that counted."""
        for one in self.decision.signatures if self.decision else ():
            if one.principal is not None:
                yield one.role, one.principal


def unread(rows: Iterable[Recorded]) -> list[str]:
    """Those that cannot be read, each with its entry and why."""
    return [f"the decision in entry {one.entry.entry.index} cannot be read: {one.problem}"
            for one in rows if one.problem is not None]  # fmt: skip


def _table(rows: Sequence[Recorded], screen: Screen) -> bytes:
    lines = Lines(screen)
    for row in rows:
        verdict = Verdict(row.entry.summary["verdict"])
        commit = row.commit[:7] if row.commit else "-"
        start = f"{row.entry.entry.index:>5}  {row.time}  {pad(commit, 7)}  "
        stage = f"{pad(row.entry.summary['stage'], 6)}  "
        hang = 7  # as wide as the numbers of entries
        shown = (f"{verdict.value:<11}", VERDICT_STYLE[verdict])
        lines.add(start, shown, f"  {stage}", _about(row), hang=hang)
    if not rows:
        lines.add("no decision was recorded")
    return lines.text().encode()


def _about(row: Recorded) -> str:
    if row.decision is None:
        return f"{row.policy} · cannot be read: {row.problem}"
    holds, rules = row.holds or (0, 0)
    figures = [f"{name} {value}" for name, value in row.figures()]
    more = [f"+{len(figures) - MAX_FIGURES} figures"] if len(figures) > MAX_FIGURES else []
    people = ", ".join(f"{role} {person}" for role, person in row.signers())
    signed = f"signed by {people}" if people else "not signed"
    return " · ".join([row.policy, f"{holds} of {rules} rules hold", *figures[:MAX_FIGURES], *more, signed])


def _json(rows: Sequence[Recorded], screen: Screen) -> bytes:
    return render_json({"decisions": [_data(row) for row in rows]})


def _data(row: Recorded) -> dict[str, Any]:
    decision, entry = row.decision, row.entry
    return {
        "entry": entry.entry.index,
        "digest": entry.entry.digest,
        "decision": entry.summary["decision"]["sha256"],
        "effective_time": row.time,
        "commit": row.commit,
        "dirty": decision.subject.dirty if decision else None,
        "policy": printable(row.policy),
        "policy_digest": entry.statement["predicate"]["policy"]["digest"]["sha256"],
        "stage": entry.summary["stage"],
        "verdict": entry.summary["verdict"],
        "stages": entry.summary["stages"],
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


def _csv(rows: Sequence[Recorded], screen: Screen) -> bytes:
    def cells() -> Iterator[Sequence[Any]]:
        yield (*_COLUMNS, "figures", "signed", "problem")
        for row in rows:
            data = _data(row)
            figures = "; ".join(f"{name}: {value}" for name, value in row.figures())
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
