"""Work split among processes: results come in order, and a process that is killed changes nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from gate.engine.spread.pace import duration
from gate.engine.spread.processes import Processes
from gate.evidence.base.errors import EnvironmentProblem, ManyErrors, PolicyError, UsageError
from gate.evidence.base.limits import DEFAULT, Limits


@dataclass(frozen=True)
class Squares:
    """Squares numbers; what to do at 5 is up to the test."""

    at_five: Callable[[], object] = int

    @property
    def limits(self) -> Limits:
        return DEFAULT

    def sees(self) -> dict[str, str]:
        return {}

    @contextmanager
    def opened(self) -> Iterator[Callable[[int], int]]:
        yield self._square

    def _square(self, number: int) -> int:
        if number == 5:
            self.at_five()
        return number * number


def die_once(mark: Path) -> None:
    """Be killed, unless an earlier process was."""
    if not mark.exists():
        mark.touch()
        die()


def die() -> None:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(error: Exception) -> None:
    """Raise an error."""
    raise error


CHUNKS = partial(iter, range(9))


@pytest.mark.parametrize("jobs", [1, 2, 30])
def test_results_come_in_order(jobs: int) -> None:
    """Whatever the number of processes, also where there are more of them than chunks, or no chunks."""
    assert list(Processes(jobs).run(Squares(), CHUNKS)) == [number**2 for number in range(9)]
    assert list(Processes(jobs).run(Squares(), partial(iter, ()))) == []


def test_a_killed_process_is_followed_by_another(tmp_path: Path) -> None:
    """Which goes on where that ended."""
    job = Squares(partial(die_once, tmp_path / "mark"))
    assert list(Processes(3).run(job, CHUNKS)) == [number**2 for number in range(9)]
    assert (tmp_path / "mark").exists()


def test_a_chunk_that_kills_every_process_is_an_error() -> None:
    """And is not tried for ever."""
    with pytest.raises(EnvironmentProblem, match="a process that works ended"):
        list(Processes(2).run(Squares(die), CHUNKS))


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_the_work_is_raised_here(jobs: int) -> None:
    """With its kind, place and remedy."""
    error = PolicyError("wrong", path="a.rego", place="line 3", remedy="correct it")
    with pytest.raises(PolicyError) as raised:
        list(Processes(jobs).run(Squares(partial(fail, error)), CHUNKS))
    assert raised.value.diagnostics() == error.diagnostics()


def test_several_errors_come_as_one() -> None:
    """An error whose class has no other fields stands for them."""
    many = ManyErrors([UsageError("a"), UsageError("b")])
    with pytest.raises(EnvironmentProblem, match="2 errors"):
        list(Processes(2).run(Squares(partial(fail, many)), CHUNKS))


def test_what_is_left_is_said_in_two_units() -> None:
    """Seconds, minutes and hours."""
    said = [duration(seconds) for seconds in (-1, 0.4, 59.6, 3599, 90_061)]
    assert said == ["0 s", "0 s", "1 min 0 s", "59 min 59 s", "25 h 1 min"]
