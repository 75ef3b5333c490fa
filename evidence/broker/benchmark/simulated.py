"""The simulator as a program of its own, so that it does not share the measured program's event loop."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...base.errors import EnvironmentProblem
from ...base.limits import DEFAULT
from ...process.children import scratch
from ...process.programs import Background, clean_environment
from ...reading.files import read_regular
from ...reading.yaml_reader import parse_yaml
from ..session.messages import plain
from ..simulator.scenario import FORMAT, read_scenario

_START_S = 30.0
_LISTENING = re.compile(r"^listening on 127\.0\.0\.1:([0-9]+) as ", re.MULTILINE)
_NO_DELAY = {step: {"median_us": 0} for step in ("acknowledge", "work", "fill", "cancel")}


def calm(path: Path | None, seed: int | None, *, delays: bool) -> bytes:
    """A scenario in which nothing goes wrong and no rate is limited, as the bytes of its file.

    Args:
        path: the scenario whose delays, instruments and parts of fills are taken; None for the default one.
        seed: in place of the scenario's.
        delays: whether the broker takes time.

    Raises ConfigError: the file does not describe a scenario.
    """
    document: dict[str, Any] = {"format": FORMAT, "name": "default"}
    if path is not None:
        read_scenario(path)  # whatever is wrong with it is said here
        document = parse_yaml(read_regular(path, DEFAULT.text_bytes), str(path), DEFAULT)
    left_out = ("faults", "moves", "holdings", "read_only")
    document = {name: value for name, value in document.items() if name not in left_out}
    document |= {"pacing": {"messages_per_s": None}, "cash": 1_000_000_000}
    if seed is not None:
        document["seed"] = seed
    return json.dumps(document | ({} if delays else {"latency": _NO_DELAY}), default=plain).encode()


@contextmanager
def simulated(data: bytes) -> Iterator[int]:
    """A simulated gateway that plays the scenario with these bytes: its port on 127.0.0.1.

    Raises EnvironmentProblem: it does not start.
    """
    with scratch("gate-benchmark-") as folder:
        scenario, log = folder / "scenario.yaml", folder / "log"
        scenario.write_bytes(data)  # JSON is YAML
        command = [sys.executable, "-I", "-m", __name__.partition(".")[0], "ibkr", "simulate"]
        command += ["--scenario", str(scenario), "--port", "0"]
        program = Background(command, folder, clean_environment(folder), log)
        try:
            yield _port(program, log)
        finally:
            program.end()


def _port(program: Background, log: Path) -> int:
    deadline = time.monotonic() + _START_S
    while True:
        found = _LISTENING.search(log.read_text(errors="replace"))
        if found:
            return int(found[1])
        if program.ended() or time.monotonic() > deadline:
            said = " ".join(log.read_text(errors="replace").split())[:300]
            remedy = "run it alone to see why: gate ibkr simulate --port 0"
            raise EnvironmentProblem(f"the simulator does not start: {said or 'no word'}", remedy=remedy)
        time.sleep(0.01)
