"""Collecting off the main thread: the same evidence, the same errors and the same time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gate.evidence.base.errors import ConfigError, EvidenceError
from gate.evidence.base.limits import Limits
from gate.evidence.collecting.interface import Evidence, Observation, Options
from gate.evidence.collecting.runner import collect
from gate.evidence.reading.workspace import View, Workspace

FACTS = {"file": "a", "switches": [], "verified_at_s": 1}


class Scripted:
    """A collector that does what a test says."""

    id: ClassVar[str] = "kill_switch"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any) -> None:
        self.action: Callable[[View], object] = options

    def collect(self, view: View) -> Observation:
        """Do it."""
        self.action(view)
        return Observation(dict(FACTS))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Callable[..., dict[str, Evidence]]:
    """Collect in another thread."""

    def run(action: Callable[[View], object], seconds: float = 3600) -> dict[str, Evidence]:
        workspace = Workspace(tmp_path, Limits(collector_seconds=seconds))
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(collect, workspace, [Scripted(action)]).result()

    return run


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Set when the test is over, so that no thread waits on."""
    event = threading.Event()
    yield event
    event.set()


def test_a_collector_that_hangs_is_given_up(
    elsewhere: Callable[..., dict[str, Evidence]], released: threading.Event
) -> None:
    """It would wait forever; the error names it and the setting."""
    with pytest.raises(EvidenceError) as caught:
        elsewhere(lambda view: released.wait(), 0.01)
    assert caught.value.what == "the collector 'kill_switch' took longer than 0.01 s and was ended"
    assert "limits.collector_seconds" in str(caught.value.remedy)


def test_a_collector_in_time_gives_its_evidence(elsewhere: Callable[..., dict[str, Evidence]]) -> None:
    """A thread of its own changes nothing."""
    assert elsewhere(lambda view: None)["kill_switch"].facts == FACTS


@pytest.mark.parametrize(
    "error",
    [ConfigError("wrong option"), EvidenceError("malformed"), ZeroDivisionError("ours"), TimeoutError("its")],
)
def test_errors_arrive_as_they_are(elsewhere: Callable[..., dict[str, Evidence]], error: Exception) -> None:
    """A user's mistake stays that, and ours keeps its class; a collector's own timeout is not the limit's."""

    def fail(view: View) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        elsewhere(fail)
    assert str(caught.value) == str(error)
