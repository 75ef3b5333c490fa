"""Ledgers in the service's memory: what other writers add is seen, and what does not hold is not shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gate.engine.entries.statement import statement
from gate.engine.ledger import open_ledger
from gate.engine.serve.served import ServedLog
from gate.engine.serve.settings import load_service
from gate.engine.serve.verification import verify
from gate.engine.serve.writing.submission import files_of
from gate.engine.service import Judged
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import LedgerError
from gate.evidence.signing.keys import LogKey

from .service import Change, Issuer, settings

KEY = LogKey.from_seed(bytes(range(32)))


class Shelf:
    """A served ledger that others write, and a clock."""

    def __init__(self, root: Path) -> None:
        self.root, self.now = root, 0.0
        self.change = Change(root / "change")
        file = settings(root, Issuer(), self.change.policy, writers=False)
        self.log = ServedLog(load_service(file).logs[0], root / "config", lambda: self.now)

    def write(self, *decisions: Judged, **changes: object) -> None:
        """Record decisions as another process does, with other fields in their entries."""
        with open_ledger(self.root / "ledger", KEY) as ledger:
            for one in decisions:
                digests = {name: ledger.evidence.put(data) for name, data in files_of(one)[0].items()}
                line = statement(one.decision, digests["decision.json"], digests["policy.json"])
                document = json.loads(line)
                document["predicate"]["urn:gate:decision:v1"] |= changes
                ledger.append([canonical(document)])
            ledger.seal("2025-12-06T00:00:00Z")

    def entries(self) -> list[int]:
        """What is shown a second later."""
        self.now += 1.5
        return [one.entry.index for one in self.log.rows()]


def test_what_others_record_is_seen(tmp_path: Path) -> None:
    """Within a second; a ledger that is not there yet has nothing, and is no error."""
    shelf = Shelf(tmp_path)
    one, two, three = shelf.change.decisions(3)
    assert shelf.entries() == []
    shelf.write(one, two)
    assert shelf.log.rows() == []
    assert shelf.entries() == [0, 1]
    shelf.write(three)
    assert shelf.entries() == [0, 1, 2]
    assert shelf.log.decision(shelf.log.row("2")) == three.decision
    assert verify(shelf.log, first=True).ok
    assert shelf.log.standings().stages["main"].counts == {"FAIL": 3}


def test_a_decision_that_differs_from_its_entry_is_not_shown(tmp_path: Path) -> None:
    """Lists go by entries and pages by documents: one that says something else is an error."""
    shelf = Shelf(tmp_path)
    [one] = shelf.change.decisions(1)
    shelf.write(one)
    shelf.write(one, verdict="PASS")
    assert shelf.entries() == [0, 1]
    assert shelf.log.decision(shelf.log.row("0")) == one.decision
    with pytest.raises(LedgerError, match="differs from its entry in: verdict"):
        shelf.log.decision(shelf.log.row("1"))


@pytest.mark.parametrize("how", ["edited", "cut back", "replaced", "gone", "odd"])
def test_a_ledger_that_does_not_hold_is_not_shown(tmp_path: Path, how: str) -> None:
    """Whoever asks is told, and so is the verification; what was read before stays out of sight, too."""
    shelf = Shelf(tmp_path)
    one, two, three = shelf.change.decisions(3)
    shelf.write(one, two)
    assert shelf.entries() == [0, 1]
    ledger = tmp_path / "ledger"
    older = (ledger / "checkpoint").read_bytes()
    if how == "odd":
        shelf.write(three, stages=["stage1"])
    else:
        shelf.write(three)
    log = (ledger / "log.intoto.jsonl").read_bytes()
    if how == "edited":
        lines = log.splitlines(keepends=True)
        (ledger / "log.intoto.jsonl").write_bytes(b"".join([*lines[:2], lines[0]]))
    elif how == "cut back":
        assert shelf.entries() == [0, 1, 2]
        (ledger / "log.intoto.jsonl").write_bytes(log[: len(log) // 2])
        (ledger / "checkpoint").write_bytes(older)
    elif how == "replaced":
        assert verify(shelf.log, first=True).ok  # leaves a receipt
        ledger.rename(tmp_path / "old")
        open_ledger(tmp_path / "ledger", LogKey.from_seed(bytes(32))).close()
    elif how == "gone":
        assert verify(shelf.log, first=True).ok
        ledger.rename(tmp_path / "old")
        shelf.log.close()
    for _ in range(2):
        with pytest.raises(LedgerError):
            shelf.entries()
