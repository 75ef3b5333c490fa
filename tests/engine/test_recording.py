"""Recording decisions: only what can be read again, and only where it belongs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from gate.engine import recording, service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Recorded, Time
from gate.engine.entries.reading import decisions
from gate.engine.ledger import open_reader
from gate.engine.policy import open_engine
from gate.engine.policy.bundle import from_document
from gate.engine.service import Judged
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import InternalError, LedgerError
from gate.evidence.signing.keys import load_or_create_log_key

NOW = "2025-12-05T13:00:00Z"


@pytest.fixture
def judged(copy_example: Callable[[str], Path]) -> Judged:
    """A decision about a copy of the audited example."""
    setting = open_context(copy_example("algo-trade"))
    return service.evaluate(setting, "stage1", Time("2025-11-07T12:00:00Z", "gate.yaml"))


def test_a_decision_that_breaks_its_contract_is_not_recorded(judged: Judged, tmp_path: Path) -> None:
    """What no reader would accept again never reaches the ledger."""
    wrong: Any = 3
    broken = structs.replace(judged, decision=structs.replace(judged.decision, action=wrong))
    with pytest.raises(InternalError) as caught:
        recording.record(broken, tmp_path / "config", NOW)
    assert caught.value.place == "/action"
    assert not judged.context.ledger.exists()


def test_a_ledger_belongs_to_the_key_it_was_begun_with(judged: Judged, tmp_path: Path) -> None:
    """Another user's key is refused, and the ledger stays as it was."""
    recording.record(judged, tmp_path / "one", NOW)
    log = judged.context.ledger / "log.intoto.jsonl"
    before = log.read_bytes()
    with pytest.raises(LedgerError) as caught:
        recording.record(judged, tmp_path / "two", NOW)
    assert "begun with key" in caught.value.what
    assert not (tmp_path / "two").exists()  # no key is made that would sign nothing
    load_or_create_log_key(tmp_path / "two")
    with pytest.raises(LedgerError, match="but yours is"):
        recording.record(judged, tmp_path / "two", NOW)
    assert log.read_bytes() == before


def test_equal_decisions_are_equal_lines(judged: Judged, tmp_path: Path) -> None:
    """Recording again adds a line with the same digest, whatever the clock says."""
    first, notices = recording.record(judged, tmp_path / "config", NOW)
    again, silent = recording.record(judged, tmp_path / "config", "2025-12-06T13:00:00Z")
    assert (first.index, again.index) == (0, 1)
    assert first.digest == again.digest
    assert ["SHA256:" in notice for notice in notices] == [True]
    assert silent == []


def test_a_recorded_decision_can_be_made_again(judged: Judged, tmp_path: Path) -> None:
    """From the stored documents alone, without the workspace: the same bytes, and the same input."""
    context = judged.context
    entry, _ = recording.record(judged, tmp_path / "config", NOW)
    for path in context.root.rglob("*.py"):
        path.unlink()
    decision, _ = recording.find(context, str(entry.index), tmp_path / "config")
    with open_reader(context.ledger) as ledger:
        stored = json.loads(ledger.evidence.get(decision.input_digest))
        [line] = decisions(ledger)
        bundle = from_document(ledger.evidence.get(line.summary.bundle))
    assert bundle == context.bundle
    recorded = Recorded.from_json(stored)
    with open_engine("embedded", bundle, context.config.limits) as engine:
        again = service.replay(bundle, context.plan, recorded, recorded.setup.time, engine)
    assert canonical(again.to_json()) == canonical(decision.to_json())
    assert recorded.to_json(context.plan) == stored


def test_time_decides_when_a_decision_is_made_again(judged: Judged) -> None:
    """Ages and waivers are those of the time that is asked for."""
    context = judged.context
    later = Time("2035-01-01T00:00:00Z", "flag")
    with open_engine("embedded", context.bundle, context.config.limits) as engine:
        again = service.replay(context.bundle, context.plan, judged.recorded, later, engine)
    assert again.effective_time == later.text
    assert again.input_digest == judged.decision.input_digest
