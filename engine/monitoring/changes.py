"""What changed between two decisions about a stage, and the message about it. Pure: no clock, no network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict

from ...evidence.base.numbers import counted
from ...evidence.base.times import parse_rfc3339
from ..decide.conditions import DAY, due_at, is_overdue
from ..decision.document import Decision
from ..entries.reading import RecordedDecision
from ..terminal.figures import printable, shorten

EXPIRING_DAYS = 30
DUE_DAYS = 7
"""A waiver and a condition are told about when no more than this is left."""
MOST = 50
"""Changes that one message lists; the rest is counted."""
_LONGEST = 200


class Change(Struct, frozen=True):
    """One change of a stage to notify about; fields that do not apply are None.

    Attributes:
        entry: the ledger entry that shows it, judged as of ``effective_time``.
        before, after: the verdicts, of the kind ``verdict``.
        rule, id, until: of a waiver or condition: what it is about, its name, and when it ends.
    """

    kind: Literal["verdict", "waiver_expiring", "condition_due", "condition_overdue"]
    stage: str
    entry: int
    effective_time: str
    commit: str | None
    before: str | None = None
    after: str | None = None
    rule: str | None = None
    id: str | None = None
    until: str | None = None

    @property
    def text(self) -> str:
        """It in one line, in which nothing acts."""
        what = {
            "verdict": f"{self.before} → {self.after}",
            "waiver_expiring": f"waiver {self.id} of {self.rule} expires on {self.until}",
            "condition_due": f"condition {self.id} of {self.rule} is due on {self.until}",
            "condition_overdue": f"condition {self.id} of {self.rule} is overdue",
        }[self.kind]
        return shorten(printable(f"{self.stage}: {what}"), _LONGEST)


class Message(Struct, frozen=True):
    """What is sent: the same bytes for the same changes, wherever they are noticed.

    Attributes:
        id: unique for these changes of this ledger.
        subject, text: for people.
        body: JSON.
    """

    id: str
    subject: str
    text: str
    body: bytes


def changes(stage: str, before: RecordedDecision | None, after: RecordedDecision) -> list[Change]:
    """What is new about a stage: another verdict, and waivers and conditions that now are about to end.

    Entries state the verdicts; what ends is told as far as the decisions can be read.
    """
    about = (stage, after.entry.index, after.time, after.commit)
    found = []
    verdicts = [str(one.entry.summary.stages[stage]) for one in (before, after) if one is not None]
    if len(set(verdicts)) > 1:
        found.append(Change("verdict", *about, before=verdicts[0], after=verdicts[1]))
    # without the day: policies may set one that moves on with each evaluation, which is no news
    known = {ending[:3] for ending in _ending(stage, before.decision if before else None)}
    for kind, rule, name, until in _ending(stage, after.decision):
        if (kind, rule, name) not in known:
            known.add((kind, rule, name))
            found.append(Change(kind, *about, rule=rule, id=name, until=until))
    return found


_Ending = tuple[Literal["waiver_expiring", "condition_due", "condition_overdue"], str, str, str | None]


def _ending(stage: str, decision: Decision | None) -> Iterator[_Ending]:
    if decision is None:
        return
    now = parse_rfc3339(decision.effective_time)
    for one in decision.waived:
        if one.stage == stage and parse_rfc3339(one.effective_until) - now <= EXPIRING_DAYS * DAY:
            yield "waiver_expiring", one.code, one.waiver, one.effective_until
    for condition in decision.conditions:
        if condition.stage == stage and due_at(condition.due) - now <= DUE_DAYS * DAY:
            yield "condition_due", condition.code, condition.id, condition.due
    for violation in decision.violations:
        if violation.stage == stage and is_overdue(violation):
            yield "condition_overdue", violation.code, violation.term or violation.code, None


def message(workspace: str, log: str, found: Sequence[Change]) -> Message:
    """The message about these changes, at least one.

    Args:
        log: what tells this ledger from all others.
    """
    shown, more = found[:MOST], len(found) - MOST
    listed = [{name: value for name, value in asdict(one).items() if value is not None} for one in shown]
    data: dict[str, Any] = {"workspace": workspace, "changes": listed, "not_listed": max(more, 0)}
    time = max(one.effective_time for one in found)
    body = json.dumps({"type": "gate.changed", "timestamp": time, "data": data}, sort_keys=True)
    lines = [f"{one.text} (ledger entry {one.entry}, as of {one.effective_time})" for one in shown]
    lines += [f"and {counted(more, 'more change')}"] if more > 0 else []
    subject = found[0].text if len(found) == 1 else counted(len(found), "change")
    return Message(
        id="msg_" + sha256(f"{log}\n{body}".encode()).hexdigest()[:32],
        subject=shorten(printable(f"gate: {workspace}: {subject}"), _LONGEST),
        text="\n".join([printable(f"gate: {workspace}"), *lines, ""]),
        body=body.encode(),
    )
