"""``gate replay`` makes recorded decisions again, and names what comes out differently."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gate.engine import recording
from gate.engine.commands.options import config_dir
from gate.engine.context import open_context
from gate.engine.decide.recorded import Recorded
from gate.engine.decision.document import Decision
from gate.engine.entries.reading import decisions
from gate.engine.ledger import open_reader
from gate.engine.service import Judged

Gate = Callable[..., Any]


@pytest.fixture
def recorded(evaluated: Callable[..., Any], workspaces: Path, tmp_path: Path) -> Path:
    """A workspace of which nothing is left but its settings and a ledger with one decision."""
    evaluated("algo-trade", "stage1")
    root = tmp_path / "algo-trade"
    root.mkdir()
    for name in ("gate.yaml", "ledger"):
        found = workspaces / "algo-trade for stage1" / name
        (shutil.copytree if found.is_dir() else shutil.copy)(found, root / name)
    return root


def add(root: Path, change: Callable[[dict[str, Any]], Any], version: str | None = None) -> None:
    """Record the first decision again, changed, as whoever has the log key could."""
    context = open_context(root)
    with open_reader(root / "ledger") as ledger:
        [line] = decisions(ledger)
        document = json.loads(ledger.evidence.get(line.summary.decision))
        stored = json.loads(ledger.evidence.get(line.summary.input))
    shutil.rmtree(root / "ledger")
    change(document)
    if version is not None:
        document["gate_version"] = stored["setup"]["gate_version"] = version
    judged = Judged(Decision.from_json(document), Recorded.from_json(stored), context)
    recording.record(judged, config_dir(), "2025-12-05T13:00:00Z")


def test_a_decision_is_the_same_bytes_again(recorded: Path, gate: Gate) -> None:
    """By its index, its digest, and with all others; without the judged sources, and on paper as JSON."""
    one = gate("replay", "0", "-w", recorded)
    assert (one.code, one.out.split()[0]) == (0, "identical")
    everything = gate("replay", "--all", "-w", recorded, "-o", "json")
    assert everything.code == 0
    found = json.loads(everything.out)
    assert found["summary"] == {"identical": 1, "different": 0, "cannot be replayed": 0}
    assert found["decisions"][0]["difference"] is None


def test_a_difference_names_the_rule_and_the_field(recorded: Path, gate: Gate) -> None:
    """The first rule that comes out differently, where in it, and both values; exit 1."""

    def embellish(document: dict[str, Any]) -> None:
        check = next(one for one in document["checks"] if one["code"] == "stage1.artifact_coverage")
        check["operands"][0]["actual"] = 950_000

    add(recorded, embellish)
    found = gate("replay", "--all", "-w", recorded)
    assert found.code == 1
    assert "stage1.artifact_coverage" in found.out
    assert "/operands/0/actual" in found.out
    rows = json.loads(gate("replay", "0", "-w", recorded, "-o", "json").out)["decisions"]
    assert rows[0]["difference"]["recorded"] == 950_000
    assert rows[0]["difference"]["replayed"] < 800_000


def test_another_version_of_gate_is_named(recorded: Path, gate: Gate) -> None:
    """What another version decided differently is no difference, but nothing that this one can replay."""
    add(recorded, lambda document: document["checks"].pop(), version="0.0.1")
    found = gate("replay", "0", "-w", recorded)
    assert found.code == 2
    assert "made by gate 0.0.1" in found.out


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_documents_that_are_gone_or_changed(recorded: Path, gate: Gate, damage: str) -> None:
    """Exit 2, and the document's place; nothing of that is a difference."""
    for blob in (recorded / "ledger" / "evidence").rglob("*"):
        if blob.is_file() and b"gate.recorded/v1" in blob.read_bytes():
            blob.unlink() if damage == "missing" else blob.write_text("{}")
            break
    found = gate("replay", "--all", "-w", recorded)
    assert found.code == 2
    assert "cannot be replayed" in found.out and "evidence" in found.out


@pytest.mark.parametrize(
    "command",
    ["report --decision {}", "replay {}", "record export {} -o {}.tar", "report compare {} {}",
     "policy whatif stage1 --decision {} --set artifacts.found_ppm=500000"],
)  # fmt: skip
def test_every_command_takes_the_same_names_of_a_decision(recorded: Path, gate: Gate, command: str) -> None:
    """The latest one, the latest that judged a stage, and its index; others are refused in the same words."""
    for name in ("latest", "stage1", "0"):
        done = gate(*command.replace("{}", name).split(), "-w", recorded, cwd=recorded)
        assert done.code in (0, 1) and done.err == "", (name, done.err)
    odd = gate(*command.replace("{}", "lates").split(), "-w", recorded, cwd=recorded)
    assert odd.code == 2 and "'lates' is neither a stage nor a recorded decision" in odd.err
    assert "did you mean 'latest'?" in odd.err and "a ledger index or digest" in odd.err


def test_it_needs_a_decision_or_all(recorded: Path, gate: Gate) -> None:
    """Neither, both, one that is not there, and an engine that is not there."""
    for arguments in ((), ("0", "--all"), ("7",), ("stage2",), ("lates",), ("0", "--engine", "embeded")):
        found = gate("replay", *arguments, "-w", recorded)
        assert found.code == 2 and "to do" in found.err, arguments


def test_a_line_that_says_something_else(recorded: Path) -> None:
    """The ledger's line is compared, too: it cannot say PASS of a document that says FAIL."""
    from gate.engine.replay.replay import Replaying, Status, replay
    from gate.engine.replay.stored import EngineChoice, lines, own_place
    from gate.engine.spread.processes import Processes

    context = open_context(recorded)
    place = own_place(context)
    [line] = lines(place, 0, config_dir())
    other = replace(line, statement="0" * 64)
    choice = EngineChoice.of(context)
    work = Replaying(place, choice, same=True)
    [found] = replay(work, [other], Processes(1))
    assert found.status is Status.DIFFERENT
    assert found.difference is not None and found.difference.field == "the ledger's line"
