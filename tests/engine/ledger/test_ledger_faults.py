"""Every system call of append and seal fails in every way that it can: nothing acknowledged is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

DRIVER = Path(__file__).with_name("faults.py")
SHARDS = 4
EVERY = max(1, 100 // settings.default.max_examples)
"""A search for few examples tries so much less of the faults, and one for a hundred all of them."""
NO_STRACE = 77


def attempt(folder: Path, step: int, first: int) -> None:
    """Try every `step`-th fault from the `first` on."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    done = subprocess.run(
        [sys.executable, DRIVER, folder, str(step), str(first)], capture_output=True, text=True, check=False
    )
    if done.returncode == NO_STRACE:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["failed"] == []
    assert found["faults"] > 600
    # which faults come together in a shard depends on how many calls a run makes: one may have no kill
    assert (
        {"finished", "EnvironmentProblem"}
        <= set(found["ends"])
        <= {"finished", "killed", "EnvironmentProblem"}
    )


def test_some_system_calls_fail(tmp_path: Path) -> None:
    """A sample over all of them, EIO, ENOSPC, EINTR and kills."""
    attempt(tmp_path, 61, 5)


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_system_call_fails(tmp_path: Path, shard: int) -> None:
    """The writer begins a ledger, or goes on after a crash; stores a document, appends, seals."""
    attempt(tmp_path, SHARDS * EVERY, shard)
