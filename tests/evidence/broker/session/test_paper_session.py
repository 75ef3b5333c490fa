"""``gate ibkr paper-session`` against the simulator, through ib_async: what it leaves is what happened."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gate.evidence.base.contracts import violations
from gate.evidence.broker.session.book import read_book
from gate.evidence.broker.session.journal import read_journal
from gate.evidence.broker.session.status import FIRST_LINE, status_line
from gate.evidence.collecting.interface import Observation, ProblemKind
from gate.evidence.collectors.paper import PaperCollector, PaperOptions
from gate.evidence.reading.workspace import Workspace

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
LOG, METRICS = "PAPER_TRADING_LOG.json", "PAPER_TRADING_METRICS.csv"
JOURNAL, INTENTS = "PAPER_TRADING_JOURNAL.jsonl", "PAPER_ORDER_INTENTS.jsonl"
REPORTS = "PAPER_EXECUTION_REPORTS.jsonl"
FAULTS = """\
fill_parts: 2
faults:
  - {fault: error, at: received, number: 2, code: 201}
  - {fault: drop, at: filling, times: 1, refuse_ms: 200}
"""


def records(root: Path, kind: str) -> list[dict[str, Any]]:
    """The journal's records of a kind; a last line that is being written is left out."""
    lines = (root / JOURNAL).read_text().split("\n")[:-1] if (root / JOURNAL).exists() else []
    return [one for one in map(json.loads, lines) if one["record"] == kind]


def observed(root: Path) -> Observation:
    """What the collector says of the session."""
    return PaperCollector(PaperOptions()).collect(Workspace(root).view())


class Played:
    """A session that has been traded once for several tests."""

    def __init__(self, root: Path, gateway: Any, done: Any) -> None:
        self.root, self.gateway, self.done = root, gateway, done
        self.log = json.loads((root / LOG).read_text()) if (root / LOG).exists() else {}

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The documents in a file of JSON Lines."""
        return [json.loads(line) for line in (self.root / name).read_text().splitlines()]


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory,
    gateway: Callable[..., Any],
    workspace_for: Callable[..., Path],
    run_gate: Callable[..., Any],
) -> Played:
    """Eight orders with partial fills, of which one is rejected, one is cut off, and one is cancelled."""
    root, one = tmp_path_factory.mktemp("played"), gateway(FAULTS)
    mix = {"market": 4, "limit": 3, "cancelled": 1}
    workspace_for(root, one.port, mix=mix, trades=8, quantity={"least": 4})
    command = ("ibkr", "paper-session", "plan.yaml", "--prometheus", "m.prom", "-o", "json")
    return Played(root, one, run_gate(command, root, {}))


def test_what_happened_is_what_is_told(played: Played) -> None:
    """The summary counts what the simulator saw; no account number is printed in full."""
    assert played.done.code == 0, played.done.err
    told = json.loads(played.done.out)
    assert told["states"]["REJECTED"] == 1 and told["states"]["CANCELED"] == 1
    assert told["disconnects"] == 1 and told["account"] == "DUSIM****42"
    assert told["fills"] == len(played.gateway.fills())
    assert "DUSIM0000042" not in played.done.out + played.done.err


def test_the_fills_are_those_of_the_simulator(
    played: Played, fills: Callable[[Path], Mapping[str, Any]]
) -> None:
    """Each execution is told once, with its order, quantity and price, and nothing stays open."""
    assert fills(played.root / REPORTS) == played.gateway.fills() != {}
    assert {one["status"] for one in played.gateway.events("order")} <= {"Filled", "Cancelled", "Inactive"}


def test_the_collector_has_nothing_to_say_about_the_form(played: Played) -> None:
    """The log does not contradict itself, and every claim of the metrics file is what the log gives."""
    found = observed(played.root)
    facts = found.facts
    assert (facts["contradictions"], facts["disagreements"]) == ([], [])
    assert not [one for one in found.problems if one.kind is ProblemKind.REJECTED]
    assert facts["order_types"] == ["LMT", "MKT"] and facts["simulated"] is True
    assert (facts["rejects"], facts["disconnects"], facts["unrecovered_disconnects"]) == (1, 1, 0)
    claimed = {"duration", "total_trades", "fill_rate", "p50_latency", "p95_latency", "p99_latency"}
    assert claimed | {"pacing_violations", "disconnects"} <= set(facts["claimed_metrics"])
    assert {one["status"] for one in facts["claimed_statuses"]} == {"INFO"}


@pytest.mark.parametrize("whose", ["gate", "the trading system"])
@pytest.mark.parametrize(("file", "contract"), [(INTENTS, "order_intent"), (REPORTS, "execution_report")])
def test_every_message_keeps_its_contract(played: Played, file: str, contract: str, whose: str) -> None:
    """That of gate, and that of the trading system in the example."""
    messages = played.lines(file)
    assert {one["event_type"] for one in messages} == {contract}
    assert len({one.get("report_id", one["intent_id"]) for one in messages}) == len(messages)
    if whose == "gate":
        assert [violations("", contract, one) for one in messages if violations("", contract, one)] == []
        return
    schema = json.loads((EXAMPLES / "ready" / "contracts" / f"{contract}.schema.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    assert [error.message for one in messages for error in validator.iter_errors(one)] == []


def test_states_follow_each_other(played: Played) -> None:
    """From SUBMITTED over partial fills to an end that nothing follows but the commission."""
    states: dict[str, list[str]] = {}
    for one in played.lines(REPORTS):
        states.setdefault(one["intent_id"], []).append(one["status"])
    assert {"SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED"} <= {
        s for one in states.values() for s in one
    }
    for one in states.values():
        assert one[0] == "SUBMITTED"
        end = next(n for n, state in enumerate(one) if state in ("FILLED", "CANCELED", "REJECTED"))
        assert set(one[end:]) == {one[end]}


def test_its_files_are_evidence(played: Played) -> None:
    """Each has a statement of what it was made from; the journal keeps its contract."""
    for name in (LOG, METRICS, JOURNAL, INTENTS, REPORTS):
        statement = json.loads((played.root / f"{name}.provenance.json").read_text())
        command = statement["predicate"]["buildDefinition"]["externalParameters"]["command"]
        assert command == "gate ibkr paper-session plan.yaml"
    for one in played.lines(JOURNAL):
        assert violations("files", "ibkr_paper_journal", one) == []


def test_metrics_for_prometheus(played: Played) -> None:
    """Every line is a comment or a sample, each name is declared once, and the figures are the session's."""
    text = (played.root / "m.prom").read_text()
    assert text.startswith(FIRST_LINE)
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert all(float(value) >= 0 for value in samples.values())
    assert samples['gate_paper_session_orders{state="REJECTED"}'] == "1"
    assert int(samples["gate_paper_session_fills_total"]) == len(played.gateway.fills())
    kinds = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(kinds) == len(set(kinds))


def test_the_line_on_a_terminal(played: Played) -> None:
    """Counters, latencies and bars; the journal alone gives it."""
    line = status_line(read_book(read_journal(played.root / JOURNAL)), 8)
    head = r"8 of 8 orders, \d filled, 1 rejected, 1 cancelled, 1 disconnect"
    assert re.fullmatch(head + r", p50 [0-9.]+ p95 [0-9.]+ ms [▁▂▃▄▅▆▇█]+", line), line


def test_nothing_is_replaced_unasked(played: Played, run_gate: Callable[..., Any]) -> None:
    """A second session stops before it connects; so does --resume, and metrics never replace another file."""
    before = {path: path.read_bytes() for path in played.root.iterdir() if path.is_file()}
    connections = len(played.gateway.events("connected"))
    (played.root / "other").write_text("mine")
    for options, said in (
        ((), "there is such a file already"),
        (("--resume",), "there is such a file already"),
        (("--force", "--prometheus", "other"), "holds no metrics of a session"),
    ):
        done = run_gate(("ibkr", "paper-session", "plan.yaml", *options), played.root, {})
        assert (done.code, done.out) == (2, "") and said in done.err
    assert {path: path.read_bytes() for path in before} == before
    assert len(played.gateway.events("connected")) == connections


def test_the_files_of_a_complete_session_can_be_written_again(
    played: Played, run_gate: Callable[..., Any], tmp_path: Path
) -> None:
    """From the journal alone, the same ones, without a connection."""
    root = tmp_path / "again"
    shutil.copytree(played.root, root)
    names = (LOG, METRICS, INTENTS, REPORTS)
    before = [(root / name).read_bytes() for name in names]
    for name in names:
        (root / name).unlink()
    connections = len(played.gateway.events("connected"))
    done = run_gate(("ibkr", "paper-session", "plan.yaml", "--resume"), root, {})
    assert done.code == 0, done.err
    assert [(root / name).read_bytes() for name in names] == before
    assert len(played.gateway.events("connected")) == connections


def test_the_paper_gate_denies_the_simulator(
    played: Played, gate: Callable[..., Any], copy_example: Callable[..., Path]
) -> None:
    """The shipped policy fails stage 7 for a simulated account, however well it traded."""
    root = copy_example("ready")
    for name in (LOG, METRICS):
        shutil.copy(played.root / name, root / name)
    command = ("evaluate", "stage7", "-w", root, "--operator", EXAMPLES / "operator.yaml", "--no-record")
    done = gate(*command, "-o", "json")
    assert done.code == 1, done.err
    found = [
        one for one in json.loads(done.out)["violations"] if one["code"] == "stage7.account_not_simulated"
    ]
    assert {(one["severity"], one["actual"]) for one in found} >= {("CRITICAL", "simulated")}


# interruptions

RESTING: dict[str, Any] = {
    "seed": 6,  # the second order rests until somebody cancels it
    "trades": 6,
    "mix": {"market": 3, "limit": 2, "cancelled": 1},
    "rest_ms": 600_000,
}


def wait_for_intents(root: Path, count: int) -> bool:
    """Whether so many are in the journal within a while, and the last one's order is acknowledged."""
    for _ in range(6000):
        intents, reports = records(root, "intent"), records(root, "report")
        if len(intents) >= count and reports and reports[-1]["report"]["status"] == "ACKNOWLEDGED":
            return True
        time.sleep(0.005)
    return False


@pytest.mark.soak
def test_ctrl_c(
    gateway: Callable[..., Any],
    workspace_for: Callable[..., Path],
    run_gate: Callable[..., Any],
    fills: Callable[[Path], Mapping[str, Any]],
    tmp_path: Path,
) -> None:
    """Cancels the order that rests and says how to go on; the rest is traded when the session goes on."""
    one = gateway("fill_parts: 2\n")
    workspace_for(tmp_path, one.port, **RESTING)

    def interrupt() -> None:
        if wait_for_intents(tmp_path, 2):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    stopped = run_gate(("ibkr", "paper-session", "plan.yaml"), tmp_path, {})
    thread.join()
    assert stopped.code == 2 and "interrupted: the session stopped after 2 of 6 orders" in stopped.err
    assert "--resume" in stopped.err and "may still be open" not in stopped.err
    assert len(one.messages("cancelOrder")) == 1 and not (tmp_path / LOG).exists()
    goes_on(one, run_gate, fills, tmp_path)


def test_kill(
    gateway: Callable[..., Any],
    workspace_for: Callable[..., Path],
    run_gate: Callable[..., Any],
    fills: Callable[[Path], Mapping[str, Any]],
    tmp_path: Path,
) -> None:
    """Nobody could cancel the order that rests: the next process does; half a line of the journal is cut."""
    one = gateway("fill_parts: 2\n")
    workspace_for(tmp_path, one.port, **RESTING)
    command = [sys.executable, "-m", "gate", "ibkr", "paper-session", "plan.yaml"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        traded = wait_for_intents(tmp_path, 2)
        process.kill()
    assert traded
    assert one.messages("cancelOrder") == []
    with (tmp_path / JOURNAL).open("ab") as stream:
        stream.write(b'{"n":99,"at_us":17')
    again = run_gate(("ibkr", "paper-session", "plan.yaml", "--force"), tmp_path, {})
    assert again.code == 2 and "there is a journal already" in again.err
    goes_on(one, run_gate, fills, tmp_path)
    assert len(one.messages("cancelOrder")) == 1


def goes_on(one: Any, run_gate: Callable[..., Any], fills: Callable[..., Any], root: Path) -> None:
    """Resume: every order was placed once, every fill is told once, and the log has no contradiction."""
    done = run_gate(("ibkr", "paper-session", "plan.yaml", "--resume"), root, {})
    assert done.code == 0, done.err
    placed = [order["fields"]["orderRef"] for order in one.messages("placeOrder")]
    placed = [reference for reference in placed if not reference.startswith("what-if")]
    assert len(placed) == len(set(placed)) == 6
    assert fills(root / REPORTS) == one.fills() != {}
    facts = observed(root).facts
    assert (facts["trades"], facts["filled"], facts["contradictions"]) == (6, 5, [])
    assert (facts["disconnects"], facts["unrecovered_disconnects"]) == (1, 0)
    assert {order["status"] for order in one.events("order")} <= {"Filled", "Cancelled"}
