"""Collecting where nothing can be forked: the same evidence, the same errors and the same limits."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gate.evidence.base.errors import ConfigError, GateError, InternalError
from gate.evidence.base.limits import Limits
from gate.evidence.collecting.interface import Evidence, Observation, Options, ProblemKind
from gate.evidence.collecting.runner import collect
from gate.evidence.reading.workspace import View, Workspace

FACTS = {
    "kill_switch": {"file": "a", "switches": [], "contradictions": [], "verified_at_s": 1},
    "integration_flow": {"file": "a", "stages": [], "stages_defined": 1},
}


class Scripted:
    """A collector that does what a test says, in a process that imports this module."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = Options

    def __init__(self, name: str, action: Callable[[View], object]) -> None:
        self.id = name
        self.action = action

    def collect(self, view: View) -> Observation:
        """Do it."""
        self.action(view)
        return Observation(dict(FACTS[self.id]))


def nothing(view: View) -> None:
    """Find nothing odd."""


def read(path: str, view: View) -> None:
    """Read a file."""
    view.read_json(path)


def hang(view: View) -> None:
    """Wait without end, where no signal handler of Python runs."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def grow(view: View) -> None:
    """Take memory until there is no more, slowly enough to be noticed."""
    kept = []
    while True:
        kept.append(b"x" * 2**24)
        time.sleep(0.01)


def misconfigured(view: View) -> None:
    """Find a wrong option."""
    raise ConfigError("wrong option", path="gate.yaml", place="evidence.x")


def mistaken(view: View) -> None:
    """Have a bug."""
    raise ZeroDivisionError("ours")


def killed(view: View) -> None:
    """Be killed by somebody."""
    os.kill(os.getpid(), 9)


@pytest.fixture
def thread() -> Iterator[None]:
    """A second thread, so that this process may not fork."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    yield
    done.set()
    other.join()


def run(root: Path, action: Callable[[View], Any], **limits: Any) -> dict[str, Evidence]:
    """Two collectors, the first of which does something."""
    collectors = [Scripted("kill_switch", action), Scripted("integration_flow", nothing)]
    return collect(Workspace(root, Limits(**limits)), collectors)  # type: ignore[arg-type]


@pytest.mark.usefixtures("thread")
def test_the_evidence_is_the_same(tmp_path: Path) -> None:
    """Another interpreter sees the same files."""
    (tmp_path / "a.json").write_text("{}")
    found = run(tmp_path, partial(read, "a.json"))
    assert [item.facts for item in found.values()] == list(FACTS.values())
    assert [file.path for file in found["kill_switch"].files] == ["a.json"]


@pytest.mark.soak
@pytest.mark.usefixtures("thread")
@pytest.mark.parametrize(
    ("action", "limits", "reason"),
    [
        (partial(read, "a.json"), {}, "is not JSON"),
        (hang, {"collector_seconds": 3}, "took longer than 3 s and was ended"),
        (grow, {"collector_memory_bytes": 2**28}, "needed more memory than it gets"),
    ],
)
def test_a_collector_over_its_limits_is_rejected(
    tmp_path: Path, action: Callable[[View], object], limits: dict[str, Any], reason: str
) -> None:
    """Its evidence says why; the other collector's is there."""
    (tmp_path / "a.json").write_text("{")
    found = run(tmp_path, action, **limits)
    [problem] = found["kill_switch"].problems
    assert (problem.kind, problem.fact) == (ProblemKind.REJECTED, "")
    assert found["kill_switch"].facts == {} and found["kill_switch"].version == "1"
    assert found["integration_flow"].facts == FACTS["integration_flow"]
    assert reason in problem.reason or problem.path == "a.json"


@pytest.mark.usefixtures("thread")
@pytest.mark.parametrize(
    ("action", "kind", "said"),
    [
        (misconfigured, ConfigError, "wrong option"),
        (mistaken, InternalError, "ZeroDivisionError: ours"),
        (killed, InternalError, "was ended by SIGKILL"),
    ],
)
def test_what_is_not_evidence_ends_the_run(
    tmp_path: Path, action: Callable[[View], object], kind: type[GateError], said: str
) -> None:
    """A wrong setting stays that, and a mistake of ours never looks like a finding."""
    with pytest.raises(kind) as caught:
        run(tmp_path, action)
    assert said in caught.value.what
