"""``gate ibkr simulate`` and ``gate ibkr scenario`` as a user meets them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.commands.docs import find_page
from gate.evidence.base.contracts import load_schema, violations
from gate.evidence.base.limits import Limits
from gate.evidence.broker.simulator import session

Gate = Callable[..., Any]
SOURCES = "subject: {sources: ['src/**']}\n"
HEAD = "format: gate.ibkr.scenario/v1\nname: mine\n"


def test_a_scenario_is_listed(gate: Gate, tmp_path: Path) -> None:
    """The default one, and one with everything, for people and for programs."""
    assert "fault        none" in gate("ibkr", "scenario").out
    for number, example in enumerate(load_schema("files", "ibkr_scenario")["examples"]):
        (tmp_path / f"{number}.yaml").write_text(json.dumps(example))
        shown = gate("ibkr", "scenario", f"{number}.yaml")
        assert (shown.code, example["name"] in shown.out) == (0, True)
        assert (
            json.loads(gate("ibkr", "scenario", f"{number}.yaml", "-o", "json").out)["name"]
            == example["name"]
        )
    assert "drop at filling, number 3, refuse_ms 2000" in shown.out


WRONG = [
    ("{}", "is a required property"),
    ("- a", 'is not of type "object"'),
    ("a: [", "malformed YAML"),
    (HEAD + "account: DU1234567", "DU****67"),
    (HEAD + "account: DUSIM1\nspeed: 3", "speed"),
    (HEAD + "seed: 1.5", "/seed"),
    (HEAD + "faults: [{fault: explode, at: received}]", "/faults/0/fault"),
    (HEAD + "faults: [{fault: hold, at: connected}]", "happens to orders, not at 'connected'"),
    (HEAD + "faults: [{fault: delay, at: time}]", "happens to a step"),
    (HEAD + "faults: [{fault: error, at: received, symbol: NOPE}]", "there is no instrument 'NOPE'"),
    (HEAD + "faults: [{fault: drop, at: started, symbol: SPY}]", "only faults of orders"),
    (HEAD + "faults: [{fault: drop, at: filled, lost: true}]", "just received"),
    (HEAD + "instruments: [{symbol: A, price: 1}, {symbol: A, price: 2}]", "the same symbol"),
    (HEAD + "instruments: [{symbol: A, price: 0}]", "/instruments/0/price"),
    (HEAD + "instruments: [{symbol: A, price: 1, tick: 0}]", "/instruments/0/tick"),
    (HEAD + "instruments: [{symbol: A, price: 1, tick: 1}]", "the price is not above it"),
    (HEAD + "instruments: [{symbol: A, price: 1, tick: 1.0e-60}]", "the tick is below 0.000001"),
    (HEAD + "moves: [{symbol: SPY, price: 0.001, after_ms: 1}]", "/moves/0"),
    (HEAD + "holdings: [{symbol: NOPE, quantity: 1, average_cost: 1}]", "/holdings/0/symbol"),
    (HEAD + "latency: {fill: {median_us: 10, p99_us: 5}}", "p99_us is below median_us"),
    (HEAD + "latency: {fill: {median_us: 0, p99_us: 5}}", "median_us is zero"),
    (HEAD + "x: &a 1", "anchors and aliases"),
    (HEAD + "cash: .inf", "not a number"),
    (HEAD + "cash: 1e400", "outside the supported range"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_wrong_scenario_is_explained(gate: Gate, tmp_path: Path, text: str, said: str) -> None:
    """Before anything listens: the file, the place, and what to do."""
    (tmp_path / "s.yaml").write_text(text)
    for command in (("scenario", "s.yaml"), ("simulate", "-s", "s.yaml", "--port", "0", "--seconds", "0")):
        done = gate("ibkr", *command)
        assert done.code == 2 and "listening" not in done.err
        assert said in done.err and "s.yaml" in done.err


def test_a_scenario_that_cannot_be_read(gate: Gate, tmp_path: Path) -> None:
    """No file, a directory, a file that is too large."""
    (tmp_path / "large.yaml").write_text(HEAD + "#" * 1_100_000)
    files = {"no.yaml": "no such file", ".": "is not a regular file", "large.yaml": "larger than"}
    for name, said in files.items():
        done = gate("ibkr", "scenario", name)
        assert done.code == 2 and said in done.err


@pytest.mark.parametrize("host", ["8.8.8.8", "::", "192.168.1.5", "example.com", "", "127.0.0.1.example.com"])
def test_only_this_machine_can_connect(gate: Gate, host: str) -> None:
    """Every address but those of the loopback interface is refused."""
    done = gate("ibkr", "simulate", "--host", host, "--port", "0", "--seconds", "0")
    assert done.code == 2 and "no loopback address" in done.err


@pytest.mark.parametrize(
    "options",
    [["--seconds", "-1"], ["--seconds", "nan"], ["--port", "70000"], ["--seed", "-1"], ["-o", "junit"]],
)
def test_wrong_options(gate: Gate, options: list[str]) -> None:
    """Are refused."""
    assert gate("ibkr", "simulate", "--port", "0", "--seconds", "0", *options).code == 2


def test_a_port_that_is_taken(gate: Gate) -> None:
    """Is said, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = gate("ibkr", "simulate", "--port", str(port), "--seconds", "0")
    assert done.code == 2 and f"cannot listen on 127.0.0.1:{port}" in done.err and "--port" in done.err


def test_the_log_is_evidence(gate: Gate, tmp_path: Path) -> None:
    """Each record keeps the contract, the statement beside it names its digest; no file is ever replaced."""
    (tmp_path / "gate.yaml").write_text(SOURCES)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").touch()
    run = ("ibkr", "simulate", "--port", "0", "--seconds", "0", "--seed", "9", "--log", "log.jsonl")
    done = gate(*run, "-o", "json")
    assert done.code == 0 and "listening on 127.0.0.1:" in done.err
    assert json.loads(done.out)["seed"] == 9
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [one["message"] for one in records] == ["session", "end"]
    assert all(violations("files", "ibkr_observation", one) == [] for one in records)
    statement = json.loads((tmp_path / "log.jsonl.provenance.json").read_text())
    assert statement["predicate"]["buildDefinition"]["externalParameters"] == {
        "command": "gate ibkr simulate --seed 9"
    }
    before = (tmp_path / "log.jsonl").read_bytes()
    again = gate(*run)
    assert again.code == 2 and "there is such a file already" in again.err
    assert (tmp_path / "log.jsonl").read_bytes() == before
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "elsewhere")
    assert gate(*run[:-1], "link.jsonl").code == 2
    assert not (tmp_path / "elsewhere").exists()
    assert gate(*run[:-1], "no/such/log.jsonl").code == 2


def test_a_session_ends_with_ctrl_c(gate: Gate, tmp_path: Path) -> None:
    """What happened is told then, and the log is complete."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def client() -> None:
        try:
            talk()
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    def talk() -> None:
        for _ in range(1000):
            try:
                connection = socket.create_connection(("127.0.0.1", port), 10)
                break
            except ConnectionRefusedError:
                time.sleep(0.01)
        with connection:
            connection.sendall(b"API\0\x00\x00\x00\x09v157..178" + b"\x00\x00\x00\x0871\x002\x007\0\0")
            connection.sendall(b"\x00\x00\x00\x0a9999\x001\x0055\0")
            while b"Unknown message id" not in (data := connection.recv(65536)):
                assert data

    thread = threading.Thread(target=client)
    thread.start()
    done = gate("ibkr", "simulate", "--port", str(port), "--log", "log.jsonl", "-o", "json")
    thread.join()
    told = json.loads(done.out)
    assert (done.code, told["connections"], told["errors"]) == (0, 1, {"2104": 1, "505": 1})
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert records[-1]["message"] == "end"


@pytest.mark.parametrize(
    ("log", "said"),
    [("log.jsonl", "is not in the workspace"), ("w/src/log.jsonl", "one of the judged sources")],
)
def test_a_log_that_cannot_be_evidence(gate: Gate, tmp_path: Path, log: str, said: str) -> None:
    """Outside of the workspace or among the sources it has no statement, and that is said."""
    (tmp_path / "w" / "src").mkdir(parents=True)
    (tmp_path / "w" / "gate.yaml").write_text(SOURCES)
    (tmp_path / "w" / "src" / "a.py").touch()
    done = gate("ibkr", "simulate", "--port", "0", "--seconds", "0", "--log", log, "-w", "w")
    assert done.code == 0 and said in done.err and "no provenance stated" in done.err
    assert list(tmp_path.rglob("*.provenance.json")) == []


def test_a_log_that_is_full(gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends the session with an error that names it."""
    for most in (100, 250):
        monkeypatch.setattr(session, "DEFAULT", Limits(stream_bytes=most))
        done = gate("ibkr", "simulate", "--port", "0", "--seconds", "0", "--log", f"{most}.jsonl")
        assert done.code == 2 and f"has reached {most} bytes" in done.err and f"{most}.jsonl" in done.err


def test_the_example_in_the_documentation(gate: Gate, tmp_path: Path) -> None:
    """Its scenario is played, and its commands print what the page shows; the port is another one."""
    page = find_page("ibkr").read_text()
    (tmp_path / "scenario.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    examples = re.findall(r"^```console\n\$ gate (.*)\n((?:.|\n)*?)^```", page, re.MULTILINE)
    assert len(examples) == 2
    for command, shown in examples:
        done = gate(*command.replace("--port 4002", "--port 0").split())
        printed = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:4002", done.err) + done.out
        assert (done.code, printed) == (0, shown)
