"""``gate ibkr kill-switches`` runs a program on both sides of each limit, and tells what it did."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gate.engine.commands.docs import find_page
from gate.evidence.base.contracts import violations
from gate.evidence.base.errors import UsageError
from gate.evidence.broker.conformance.sockets import WATCHED
from gate.evidence.broker.switches.rehearsals import SWITCHES, rehearsals

from .conftest import frame, order

Gate = Callable[..., Any]
RECORD = "KILL_SWITCH_VERIFICATION.json"
DRIVER = find_page("kill-switches").read_text().partition("```python\n")[2].partition("```")[0]
ODD = """\
say() { echo "{\\"fired\\": $1, \\"halted\\": $2}"; }
case $1 in
  dies) echo "no market data" >&2; exit 1;;
  hangs) sleep 60;;
esac
echo starting up
echo '{"ready": true}'
read -r fed
case $fed in *'"value": -0.051,'*) breached=1; fired='["KILL_PNL"]';; *) breached=; fired='[]';; esac
case $1 in
  flood) yes '{"flood": 1}';;
  deaf) sleep 60;;
  late) test $breached && sleep 0.5;;
  crashes) test $breached && { echo "no ratio of DU1234567" >&2; exit 1; };;
  never) fired='[]';;
  always) fired='["KILL_PNL"]';;
  other) fired='["MAX_DD_KILL_SWITCH", "DU1234567\\u001b[31m\\ud800"]';;
  text) fired='"KILL_PNL"';;
  orphan) (trap "" HUP TERM INT; exec sleep 600) & echo $! > pid;;
esac
say "$fired" "$(test "$1" = "trades on" && echo false || echo true)"
"""


@pytest.fixture
def exercised(gate: Gate, tmp_path: Path) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Run the command with a program of these lines in a workspace: how it ended, and what it recorded."""
    root = tmp_path / "w"
    (root / "src").mkdir(parents=True)
    (root / "gate.yaml").write_text("subject: {sources: ['src/**']}\n")
    (root / "src" / "limits.py").write_text("KILL_PNL = -0.05\n")

    def run(
        text: str,
        *arguments: str,
        options: tuple[str, ...] = (),
        interpreter: tuple[str, ...] = ("sh",),
    ) -> tuple[Any, dict[str, Any]]:
        (tmp_path / "program").write_text(text)
        program = ("--", *interpreter, "program", *arguments)
        done = gate("ibkr", "kill-switches", "-w", "w", "--by", "Noa", "--force", *options, *program)
        record = json.loads((root / RECORD).read_text()) if (root / RECORD).exists() else {}
        assert not record or violations("files", "kill_switch_verification", record) == []
        return done, record

    return run


def test_the_switches_of_the_example_hold(
    gate: Gate, copy_example: Callable[[str], Path], operator: Callable[[Path], Path]
) -> None:
    """Its own code, fed by a small driver, fires just beyond each limit and not before."""
    root = copy_example("ready")
    (root / RECORD).unlink()
    names = ("KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH")
    options = [part for name in names for part in ("--switch", name)]
    program = ("--", sys.executable, "-B", "-c", DRIVER)
    done = gate("ibkr", "kill-switches", "--by", "Noa Peretz", *options, *program, cwd=root)
    assert (done.code, "NOT VERIFIED" in done.out) == (0, False), done.err
    switches = {one["name"]: one for one in json.loads((root / RECORD).read_text())["switches"]}
    assert [switches[name]["threshold"] for name in names] == [-0.05, 0.15, 0.2]
    assert (root / f"{RECORD}.provenance.json").exists()
    facts = gate("collect", "kill_switch", "-w", root, "-o", "json")
    for one in json.loads(facts.out)["kill_switch"]["facts"]["switches"]:
        assert one["observed_side"] == {"MAX_DD_KILL_SWITCH": 1}.get(one["name"], -1)
        assert one["just_below_side"] == -one["observed_side"]
        assert max(one["observed_distance_ppm"], one["just_below_distance_ppm"]) <= 20_100
    again = gate("ibkr", "kill-switches", "--by", "x", "--switch", "KILL_PNL", *program, cwd=root)
    assert again.code == 2 and "there is such a file already" in again.err and "--force" in again.err


NOT_VERIFIED = {
    "never": "did not fire just beyond",
    "always": "fired just short of its limit",
    "other": "another switch fired: MAX_DD_KILL_SWITCH, DU****67",
    "text": "its answer is malformed",
    "crashes": "ended with exit code 1 before its switch fired (no ratio of DU****67)",
    "dies": "ended with exit code 1 before it said that it is ready (no market data)",
    "flood": "wrote more than 262144 bytes",
    "trades on": "it says that trading goes on",
}


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(one, marks=[pytest.mark.soak] * (one in ("text", "never", "crashes")))
        for one in NOT_VERIFIED
    ],
)
def test_a_switch_that_does_not_hold_is_told(exercised: Callable[..., Any], how: str) -> None:
    """It is recorded as what it is, with a reason, and the command ends with 1."""
    done, record = exercised(ODD, how)
    assert done.code == 1, done.err
    (switch,) = record["switches"]
    assert NOT_VERIFIED[how] in done.out and NOT_VERIFIED[how] in record["note"]
    assert "\x1b" not in done.out
    assert switch["triggered"] is (how in ("always", "trades on")) and switch["halted"] is (how == "always")
    told = switch.get("just_below", {}).get("triggered")
    assert told is {"always": True, "text": None, "dies": None, "flood": None}.get(how, False)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--limit", "KILL_PNL=0.05"), "no values lie on both sides"),
        (("--limit", "KILL_PNL=1_0x"), "write --limit NAME=NUMBER"),
        (("--limit", "KILL_PNL=-1e999999999"), "write --limit NAME=NUMBER"),
        (("--limit", "KILL_PNL=-1e-999999999"), "write --limit NAME=NUMBER"),
        (("--limit", "KILL_PML=-0.05"), "did you mean 'KILL_PNL'"),
        (("--switch", "PACING_KILL_SWITCH"), "--limit PACING_KILL_SWITCH=NUMBER"),
        (("--file", "../x.json"), "is not in the workspace"),
        (("--file", "w/no/x.json"), "there is no such directory"),
        (("--file", "w/src"), "is no regular file"),
        (("--seconds", "nan"), "--seconds"),
        (("--by", ""), "--by cannot be recorded"),
    ],
)
def test_wrong_options(exercised: Callable[..., Any], options: tuple[str, ...], told: str) -> None:
    """Are explained before a program is run."""
    done, record = exercised("echo ran >&2", options=options)
    assert (done.code, record) == (2, {}) and told in done.err, done.err


LIMITS = {
    "KILL_PNL": ("-0.05 -0.5 -0.0001", "0 0.05 -1 -2 -1e-9"),
    "MAX_DD_KILL_SWITCH": ("0.15 0.001 0.8", "0 -0.1 0.9 1e-9 1e6"),
    "PSR_KILL_SWITCH": ("0.2 0.5 0.97 0.01", "0 -0.2 0.99 1"),
    "PACING_KILL_SWITCH": ("10 1 2.5 999", "0 -1 1000 1e5"),
    "CONNECTION_KILL_SWITCH": ("3 1", "0 -1"),
    "REJECTION_KILL_SWITCH": ("0.2 0.05 0.3 0.5", "0 -0.2 1 1.5 1e-6"),
    "LATENCY_KILL_SWITCH": ("2 1.5 10", "0 -2 1e-9"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_values_lie_on_both_sides_of_a_limit_or_it_is_refused(name: str) -> None:
    """Whatever the limit, the value beyond it breaches it and the one short of it does not."""
    usable, refused = (map(Decimal, texts.split()) for texts in LIMITS[name])
    for limit in usable:
        short, beyond = rehearsals(name, limit)
        side = SWITCHES[name].side
        assert (beyond.observed - limit) * side > 0 >= (short.observed - limit) * side
    for limit in refused:
        with pytest.raises(UsageError, match="cannot be rehearsed"):
            rehearsals(name, limit)


@pytest.mark.parametrize(
    ("program", "told"), [("no-such-program", "there is no program"), ("./odd", "cannot be started: Exec")]
)
@pytest.mark.usefixtures("exercised")
def test_a_program_that_cannot_be_started(gate: Gate, tmp_path: Path, program: str, told: str) -> None:
    """Is an error, and nothing is recorded."""
    (tmp_path / "odd").write_bytes(b"\x7fELF")
    (tmp_path / "odd").chmod(0o755)
    done = gate("ibkr", "kill-switches", "-w", "w", "--by", "x", "--", program)
    assert done.code == 2 and told in done.err
    assert not (tmp_path / "w" / RECORD).exists()


def test_a_program_whose_name_is_no_text(gate: Gate, exercised: Callable[..., Any], tmp_path: Path) -> None:
    """It is run, and recorded with a mark in the place of what is no UTF-8."""
    exercised(ODD, "dies")
    name = os.fsdecode(b"odd\xff")
    try:
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
    except OSError:
        pytest.skip("the file system has no such names")
    (tmp_path / name).chmod(0o755)
    done = gate("ibkr", "kill-switches", "-w", "w", "--by", "Noa", "--force", "--", f"./{name}")
    assert done.code == 1, done.err
    assert "odd?" in json.loads((tmp_path / "w" / RECORD).read_text())["note"]


def test_a_slow_switch_has_its_time_recorded(exercised: Callable[..., Any]) -> None:
    """From the value until the answer, without the start; arguments may be secret and are not shown."""
    done, record = exercised(ODD, "late", "s3cret")
    assert "s3cret" not in done.err + done.out + json.dumps(record) and "sh program" in record["note"]
    assert done.code == 0 and 500 <= record["switches"][0]["reaction_ms"] < 5000


@pytest.mark.parametrize("how", [pytest.param("hangs", marks=pytest.mark.soak), "deaf"])
def test_a_program_that_hangs_is_ended(exercised: Callable[..., Any], how: str) -> None:
    """Before it is ready or after; nothing is known then."""
    begin = time.monotonic()
    done, record = exercised(ODD, how, options=("--seconds", "1"))
    assert done.code == 1 and time.monotonic() - begin < 30
    assert "just_below" not in record["switches"][0] and "within 1 s" in record["note"]


def test_nothing_of_a_program_is_left(exercised: Callable[..., Any], tmp_path: Path) -> None:
    """Not even a child that ignores signals."""
    done, _ = exercised(ODD, "orphan")
    assert done.code == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.skipif(not WATCHED, reason="this system does not say where a process is connected to")
def test_a_program_that_trades_elsewhere_is_ended(exercised: Callable[..., Any]) -> None:
    """What rehearses switches places orders: none may reach a gateway that somebody really uses."""
    with socket.create_server(("127.0.0.78", 4001)):
        text = (
            "import socket, time\nlive = socket.create_connection(('127.0.0.78', 4001))\n"
            "print('{\"ready\": true}', flush=True)\ntime.sleep(60)\n"
        )
        begin = time.monotonic()
        done, record = exercised(text, interpreter=(sys.executable, "-S"))
    assert (done.code, record) == (2, {}) and time.monotonic() - begin < 20
    assert "connected to 127.0.0.78:4001, which is not the simulated gateway" in done.err


SAW = "The simulated gateway saw the halt of PACING_KILL_SWITCH"
TRADER = """\
import json, os, select, socket, sys, time
how, frames = sys.argv[1], [bytes.fromhex(one) for one in open("frames").read().split()]
print(json.dumps({"ready": True}), flush=True)
sys.stdin.readline()
gateway = socket.create_connection((os.environ["GATE_IBKR_HOST"], int(os.environ["GATE_IBKR_PORT"])))
greeting, start, cancel_all, *orders = frames
gateway.sendall(greeting + start + cancel_all)  # as careful programs do
heard = b""
for number, order in enumerate(orders):
    gateway.sendall(order)
    time.sleep(0.02)
    while select.select([gateway], [], [], 0)[0]: heard += gateway.recv(65536)
    if heard.count(b"\\x00100\\x00") > 10 and how != "ignores":
        if how == "wire": gateway.sendall(cancel_all)
        else: print(json.dumps({"fired": ["PACING_KILL_SWITCH"], "halted": True}), flush=True)
        if how != "trades on": time.sleep(60)
"""


@pytest.mark.parametrize(
    ("how", "triggered", "halted", "told"),
    [
        pytest.param("wire", True, True, SAW, marks=pytest.mark.soak),
        pytest.param("says", True, True, SAW, marks=pytest.mark.soak),
        ("trades on", True, False, "orders left afterwards"),
        pytest.param("ignores", False, False, "did not fire just beyond its limit", marks=pytest.mark.soak),
    ],
)
def test_a_switch_that_watches_the_wire(
    exercised: Callable[..., Any], tmp_path: Path, how: str, triggered: bool, halted: bool, told: str
) -> None:
    """Ten refusals for pacing are tolerated, the eleventh is not; claims are held against the wire."""
    greeting = b"API\0\x00\x00\x00\x09v157..178"
    frames = [greeting, frame(71, 2, 11, ""), frame(58, 1, "")]
    frames += [order(orderId=number, account="DUSIM0000001") for number in range(1, 150)]
    (tmp_path / "frames").write_text("\n".join(one.hex() for one in frames))
    options = ("--switch", "PACING_KILL_SWITCH", "--limit", "PACING_KILL_SWITCH=10", "--seconds", "2")
    done, record = exercised(TRADER, how, options=options, interpreter=(sys.executable, "-S", "-E"))
    (switch,) = record["switches"]
    assert (switch["triggered"], switch["halted"], done.code) == (triggered, halted, int(not halted))
    assert (switch["observed"], switch["just_below"]) == (11, {"observed": 10, "triggered": False})
    assert told in record["note"]


@pytest.mark.soak
def test_a_trading_program_with_switches_on_the_wire(exercised: Callable[..., Any]) -> None:
    """Pacing, connections, rejections and latency, each just beyond and just short, over ib_async."""
    pytest.importorskip("ib_async")
    limits = {"PACING": "10", "CONNECTION": "3", "REJECTION": "0.2", "LATENCY": "2"}
    names = [f"{name}_KILL_SWITCH" for name in limits]
    options = [part for name in names for part in ("--switch", name)]
    options += [part for name, limit in limits.items() for part in ("--limit", f"{name}_KILL_SWITCH={limit}")]
    text = (Path(__file__).parent / "switch_trader.py").read_text()
    done, record = exercised(text, options=tuple(options), interpreter=(sys.executable,))
    assert done.code == 0, done.out
    assert [one["name"] for one in record["switches"]] == names
    assert "The program says" not in record["note"]
