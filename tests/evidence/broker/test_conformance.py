"""``gate ibkr conformance`` as a user meets it: what it runs, writes, refuses, and ends."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.broker.conformance.sockets import WATCHED
from gate.evidence.broker.conformance.suite import CASES, TASKS

Gate = Callable[..., Any]
HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[2] / "examples"
CLIENT = HERE / "wire_client.py"
NAME = "BROKER_CONFORMANCE.json"


def clients() -> Any:
    """The neighbouring module that has the environments of client libraries."""
    spec = importlib.util.spec_from_file_location("test_clients_of_gate", HERE / "test_clients.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def suite(gate: Gate, *arguments: str | Path, cwd: Path) -> Any:
    """Run some cases, on a free port."""
    return gate("ibkr", "conformance", "--port", "0", *arguments, cwd=cwd)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose only source is empty."""
    (tmp_path / "gate.yaml").write_text("subject: {sources: [source.py]}\n")
    (tmp_path / "source.py").touch()
    return tmp_path


def write(folder: Path, text: str) -> Path:
    """A program in Python."""
    path = folder / "client.py"
    path.write_text(text)
    return path


SPEAKS = f"""
import runpy, sys
sys.argv = [{str(CLIENT)!r}]
runpy.run_path({str(CLIENT)!r}, run_name="__main__")
"""


def test_one_case_is_shown_and_nothing_written(gate: Gate, root: Path) -> None:
    """What a client that behaves does in one case, for people and for programs."""
    shown = suite(gate, "--case", "orders", "-o", "json", "--", sys.executable, CLIENT, cwd=root)
    found = json.loads(shown.out)
    assert (shown.code, [case["name"] for case in found["cases"]]) == (0, ["orders"])
    assert found["cases"][0]["exit_code"] == 0
    assert found["figures"]["operations"]["order_status"]["count"] == 3
    assert found["figures"]["order_types"] == ["LMT", "MKT"]
    assert found["figures"]["live"] is None
    assert sorted(path.name for path in root.iterdir()) == ["gate.yaml", "source.py"]


def test_the_record_is_written_once(gate: Gate, root: Path) -> None:
    """File, logs and provenance, in place of nothing; what does nothing is recorded as that."""
    program = write(root, "import os; print(os.environ['GATE_IBKR_TASK'], 'U7654321')\n")
    first = suite(gate, "--", sys.executable, "-S", program, cwd=root)
    assert first.code == 0, first.err
    assert "operation    place_order: 0" in first.out
    record = json.loads((root / NAME).read_text())
    assert [case["name"] for case in record["cases"]] == [case.name for case in CASES]
    assert len(list((root / "broker_conformance").iterdir())) == len(CASES)
    assert (root / f"{NAME}.provenance.json").exists()
    assert record["command"].startswith(Path(sys.executable).name)
    before = (root / NAME).read_bytes()
    again = suite(gate, "--", sys.executable, program, cwd=root)
    assert (again.code, "--force" in again.err) == (2, True)
    assert (root / NAME).read_bytes() == before
    judged = gate("collect", "broker_conformance", "-w", root, "-o", "json", "--no-cache")
    facts = json.loads(judged.out)["broker_conformance"]["facts"]
    assert (facts["figures_from"], facts["disagreements"]) == ("logs", [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument"),
        (("--", "no-such-program"), "there is no program 'no-such-program'"),
        (("--", "./no"), "there is no program './no'"),
        (("--case", "order", "--", "true"), "did you mean 'orders'"),
        (("--host", "192.0.2.1", "--", "true"), "no loopback address"),
        (("--seconds", "nan", "--", "true"), "--seconds"),
        (("--file", "nowhere/x.json", "--", "true"), "no such directory"),
        (("-o", "xml", "--", "true"), "there is no output format"),
    ],
)
def test_wrong_usage(gate: Gate, root: Path, arguments: tuple[str, ...], said: str) -> None:
    """One error that says what to do; no program runs."""
    shown = suite(gate, *arguments, cwd=root)
    assert (shown.code, said in shown.err, "Traceback" in shown.err) == (2, True, False), shown.err


def test_links_are_not_followed(gate: Gate, root: Path, tmp_path: Path) -> None:
    """Neither in place of the file nor of the folder of the logs, also with --force."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "broker_conformance").symlink_to(outside)
    assert suite(gate, "--force", "--", "true", cwd=root).code == 2
    (root / "broker_conformance").unlink()
    (root / NAME).symlink_to(outside / "x.json")
    assert suite(gate, "--force", "--", "true", cwd=root).code == 2
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "made", ["open(NAME, 'w').write('mine')", "os.symlink('outside', 'broker_conformance')"]
)
def test_what_the_program_puts_there_stays(gate: Gate, root: Path, made: str) -> None:
    """A record, or a link in the place of the folder of the logs, that appears while it runs."""
    (root / "outside").mkdir()
    text = f"import os\nNAME = {NAME!r}\nif os.environ['GATE_IBKR_TASK'] == 'shutdown':\n    {made}\n"
    shown = suite(gate, "--", sys.executable, "-S", write(root, text), cwd=root)
    assert (shown.code, "such a file already" in shown.err or "is no directory" in shown.err) == (2, True), (
        shown.err
    )
    assert list((root / "outside").iterdir()) == []
    if (root / NAME).exists():
        assert (root / NAME).read_text() == "mine"
    assert not (root / f"{NAME}.provenance.json").exists()


def test_a_taken_port_is_said(gate: Gate, root: Path) -> None:
    """The usual port may be a gateway's."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        shown = gate("ibkr", "conformance", "--port", port, "--case", "live", "--", "true", cwd=root)
    assert (shown.code, "cannot listen" in shown.err) == (2, True)


FOREIGN = """
import os, socket, struct
gateway = socket.create_connection((os.environ["GATE_IBKR_HOST"], int(os.environ["GATE_IBKR_PORT"])))
gateway.sendall(b"API\\0\\x00\\x00\\x00\\x09v157..178" + struct.pack(">I", 9) + b"71\\x002\\x0061\\0\\0")
while gateway.recv(4096):
    pass
"""


def test_another_client_id_ends_the_suite(gate: Gate, root: Path) -> None:
    """A log that has somebody else's messages in it says nothing about the program."""
    shown = suite(gate, "--", sys.executable, "-S", write(root, FOREIGN), cwd=root)
    assert (shown.code, "a client with the id 61 connected" in shown.err) == (2, True), shown.err
    assert "2/9" not in shown.err and not (root / NAME).exists()


def test_a_program_that_crashes_at_once_is_not_run_nine_times(gate: Gate, root: Path) -> None:
    """What it printed is shown, and nothing is written; one case alone says that it never connected."""
    program = write(root, "raise SystemExit('no module named client')\n")
    shown = suite(gate, "--", sys.executable, "-S", program, cwd=root)
    assert (shown.code, "crashed before it connected" in shown.err) == (2, True), shown.err
    assert "no module named client" in shown.err and "2/9" not in shown.err
    assert not (root / NAME).exists()
    alone = suite(gate, "--case", "live", "--", sys.executable, "-S", program, cwd=root)
    assert (alone.code, "live         never connected" in alone.out) == (0, True), alone.out


LEAVES = """
import os, pathlib, sys, time
if os.fork() == 0:
    os.setsid()
    pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(600)
while not os.path.exists(sys.argv[1]) or not open(sys.argv[1]).read():
    time.sleep(0.01)
print("U7654321 is not shown in full")
time.sleep(float(sys.argv[2]))
sys.exit(5)
"""


@pytest.mark.parametrize(("lasts", "ended"), [("600", "time"), ("0", "itself")])
def test_nothing_is_left_of_a_program(gate: Gate, root: Path, lasts: str, ended: str) -> None:
    """Whether it ends or not, also of a child in a session of its own; what it printed last is shown."""
    program = write(root, LEAVES)
    command = (sys.executable, "-S", program, root / "child", lasts)
    shown = suite(gate, "--case", "account", "--seconds", "1", "-o", "json", "--", *command, cwd=root)
    case = json.loads(shown.out)["cases"][0]
    assert (case["ended"], case["exit_code"]) == (ended, None if ended == "time" else 5)
    assert "U****21 is not shown in full" in shown.err
    with pytest.raises(ProcessLookupError):
        os.kill(int((root / "child").read_text()), 0)


@pytest.mark.skipif(not WATCHED, reason="this system does not say where a process is connected to")
def test_connections_elsewhere_are_reported(gate: Gate, root: Path) -> None:
    """One to a port of a gateway ends the program; another one is named."""
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_server(("127.0.0.77", 4001)) as live:
        addresses = [other.getsockname(), live.getsockname()]
        program = write(
            root,
            f"import socket, time\nall = []\nfor one in {addresses}:\n"
            "    all.append(socket.create_connection(one))\n    time.sleep(0.6)\ntime.sleep(60)\n",
        )
        arguments = ("--case", "account", "-o", "json", "--", sys.executable, "-S", program)
        shown = suite(gate, *arguments, cwd=root)
    case = json.loads(shown.out)["cases"][0]
    named = f"127.0.0.1:{addresses[0][1]}"
    assert (case["ended"], case["elsewhere"]) == ("elsewhere", [named, "127.0.0.77:4001"])
    assert f"the program is connected to {named}" in shown.err


def test_ctrl_c_ends_everything(root: Path) -> None:
    """Gate and the program, and nothing is written."""
    program = write(root, LEAVES)
    command = [sys.executable, "-m", "gate", "ibkr", "conformance", "--port", "0", "-w", str(root)]
    command += ["--", sys.executable, "-S", str(program), str(root / "child"), "600"]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (root / "child").exists() or not (root / "child").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, "interrupted" in err, "Traceback" in err) == (2, True, False), err
    with pytest.raises(ProcessLookupError):
        os.kill(int((root / "child").read_text()), 0)
    assert not (root / NAME).exists()


def test_the_page_has_every_case_and_task() -> None:
    """docs/conformance.md names them, and the variables."""
    page = (HERE.parents[2] / "docs" / "conformance.md").read_text()
    for case in CASES:
        assert f"| `{case.name}` | `{case.task}` |" in page
        assert all(name in page for name in case.variables("127.0.0.1", 4002))
    assert all(f"| `{task}` | " in page for task in TASKS)


@pytest.mark.soak
@pytest.mark.parametrize(("example", "library"), [("ready", "ib_async"), ("algo-trade", "ib_insync")])
def test_the_examples_clients_do_what_their_records_say(
    gate: Gate, tmp_path: Path, example: str, library: str
) -> None:
    """Run for real with their libraries, they give the committed figures, but for times."""
    python = clients().environment(library)
    root = tmp_path / example
    shutil.copytree(EXAMPLES / example, root, ignore=shutil.ignore_patterns("ledger", "__pycache__"))
    program = (python, "-m", "tests.e2e.conformance_driver")
    shown = gate("ibkr", "conformance", "--force", "--host", "127.0.0.78", "--", *program, cwd=root)
    assert shown.code == 0, shown.err
    found, committed = (json.loads((place / NAME).read_text()) for place in (root, EXAMPLES / example))
    assert [(one["name"], one["ended"], one["exit_code"]) for one in found["cases"]] == [
        (one["name"], one["ended"], one["exit_code"]) for one in committed["cases"]
    ]
    assert timeless(found["figures"]) == timeless(committed["figures"])


def timeless(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures without those that hang on the machine."""
    kept = {name: value for name, value in figures.items() if name not in ("latencies", "pacing")}
    for row in kept["reconnection"]:
        row.update(delays_us=len(row["delays_us"]), recovery_us=None)
    kept["outage"] = {**kept["outage"], "reaction": None, "tries": None}
    kept["reactions"] = [row for row in kept["reactions"] if row["code"] != 1100]
    kept["orders"] = [{**row, "count": None} for row in kept["orders"]]
    return kept


@pytest.mark.soak
def test_a_client_in_another_language(gate: Gate, root: Path) -> None:
    """@stoqey/ib (TypeScript) places, waits and cancels, stops on SIGTERM, and refuses a live account."""
    modules = clients().node_modules()
    shutil.copy(HERE / "conformance_node.mjs", modules)
    arguments = [part for name in ("orders", "shutdown", "live") for part in ("--case", name)]
    command = ("node", "conformance_node.mjs")
    shown = suite(gate, *arguments, "-w", root, "-o", "json", "--", *command, cwd=modules)
    found = json.loads(shown.out)
    assert [(case["ended"], case["exit_code"]) for case in found["cases"]] == [
        ("itself", 0),
        ("told to stop", 0),
        ("itself", 3),
    ], shown.err
    figures = found["figures"]
    assert figures["operations"]["order_status"]["count"] == 3
    assert all(row["as_asked"] for row in figures["orders"])
    assert (figures["shutdown"]["cancelled"], figures["shutdown"]["left_open"]) == (2, [])
    assert (figures["live"]["connected"], figures["live"]["orders_sent"]) == (True, 0)
