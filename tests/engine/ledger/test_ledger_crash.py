"""Crashes, full disks and many writers: nothing acknowledged is lost, and the ledger goes on."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gate.engine.ledger import open_ledger, verify_ledger
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import EnvironmentProblem
from gate.evidence.signing.keys import LogKey

KEY = LogKey.from_seed(bytes(range(32)))

COMMON = """
import os, signal, sys
from pathlib import Path
from gate.engine.ledger.files import storage as log_module
from gate.engine.ledger import open_ledger
from gate.evidence.base.canonical import canonical
from gate.evidence.signing.keys import LogKey

def statement(number):
    return canonical({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": "0" * 64}}],
        "predicateType": "https://example.com/decision/v1",
        "predicate": {"number": number},
    })

key = LogKey.from_seed(bytes(range(32)))
path, config = Path(sys.argv[1]), Path(sys.argv[2])
"""

# Kills itself at the n-th call that changes files; `half` lets a write get half its bytes out first.
VICTIM = (
    COMMON
    + """
at, half = int(sys.argv[3]), sys.argv[4] == "half"
calls = 0
real_write = os.write
acknowledged = os.open(sys.argv[5], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def deadly(function):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == at:
            if half and function is real_write:
                function(arguments[0], arguments[1][: len(arguments[1]) // 2])
            elif half:
                function(*arguments, **options)
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

for name in ("write", "fsync", "rename", "ftruncate", "mkdir"):
    setattr(os, name, deadly(getattr(os, name)))
log_module.datasync = deadly(log_module.datasync)
for round in range(2):
    with open_ledger(path, key, config_dir=config) as ledger:
        for entry in ledger.append([statement(round), statement(round + 100)]):
            real_write(acknowledged, f"{entry.index} {entry.digest}\\n".encode())
        sealed = ledger.seal(f"2025-11-07T12:00:0{round}Z")
        real_write(acknowledged, f"sealed {sealed.size} {sealed.root_hex}\\n".encode())
real_write(acknowledged, b"finished\\n")
"""
)

WRITER = (
    COMMON
    + """
with open_ledger(path, key, config_dir=config) as ledger:
    for number in range(15):
        for entry in ledger.append([statement(int(sys.argv[3]) * 1000 + number)]):
            print(entry.index, entry.digest)
        if number % 5 == 4:
            ledger.seal("2025-11-07T12:00:00Z")
"""
)


def statement(number: int) -> bytes:
    return canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": "0" * 64}}],
            "predicateType": "https://example.com/decision/v1",
            "predicate": {"number": number},
        }
    )


def survives(path: Path, config: Path, acknowledged: list[str]) -> None:
    """Reopen, and find everything that was acknowledged; then go on writing."""
    with open_ledger(path, KEY, config_dir=config) as ledger:
        found = [entry.digest for entry in ledger.entries()]
        for line in acknowledged:
            if line[0].isdigit():
                index, digest = line.split()
                assert found[int(index)] == digest
            elif line.startswith("sealed"):
                latest = ledger.checkpoint()
                assert latest is not None
                assert latest.size >= int(line.split()[1])
        assert ledger.append([statement(7)])[0].index == len(found)
        assert ledger.seal("2025-11-07T12:00:30Z").size == len(found) + 1
    report = verify_ledger(path, config_dir=config)
    assert report.ok, report.problems
    assert (report.unsealed, report.torn_tail_bytes) == (0, 0)


@pytest.mark.soak
@pytest.mark.parametrize("half", ["before", "half"])
def test_sigkill_at_every_point(tmp_path: Path, half: str) -> None:
    """Every call that changes a file is the last one once, either not begun or (a write) half done."""
    finished = False
    at = 0
    while not finished:
        # Three processes at a time: starting them is what takes long.
        batch = []
        for number in range(at + 1, at + 4):
            work = tmp_path / str(number)
            work.mkdir()
            arguments = [str(work / "ledger"), str(work / "config"), str(number), half, str(work / "ack")]
            batch.append((work, subprocess.Popen([sys.executable, "-c", VICTIM, *arguments])))
        at += 3
        for work, process in batch:
            code = process.wait()
            assert code in (0, -signal.SIGKILL)
            acknowledged = (work / "ack").read_text().splitlines()
            assert (code == 0) == ("finished" in acknowledged)
            finished = finished or code == 0
            survives(work / "ledger", work / "config", acknowledged)
    assert at > 15


@pytest.mark.soak
def test_eight_processes_append_and_seal_at_once(tmp_path: Path) -> None:
    path, config = tmp_path / "ledger", tmp_path / "config"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(config), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    acknowledged = [line for process in running for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in running] == [0] * 8
    assert sorted(int(line.split()[0]) for line in acknowledged) == list(range(120))
    survives(path, config, acknowledged)


ENDLESS = (
    COMMON
    + """
with open_ledger(path, key, config_dir=config) as ledger:
    for number in range(10**6):
        for entry in ledger.append([statement(int(sys.argv[3]) * 10**6 + number)]):
            print(entry.index, entry.digest, flush=True)
        if number % 3 == 2:
            print("sealed", ledger.seal("2025-11-07T12:00:00Z").size, flush=True)
"""
)


@pytest.mark.parametrize(
    "after", [1, 17, *(pytest.param(n, marks=pytest.mark.soak) for n in range(2, 60, 3))]
)
def test_sigkill_over_three_writers(tmp_path: Path, after: int) -> None:
    """All are killed at once, in the middle of what they do: nothing that they acknowledged is lost."""
    path, config = tmp_path / "ledger", tmp_path / "config"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(path), str(config), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    acknowledged = []
    for process in running:
        assert process.stdout is not None
        acknowledged += [process.stdout.readline() for _ in range(after)]
    for process in running:
        process.kill()
    for process in running:
        rest = process.communicate()[0]
        acknowledged += rest[: rest.rfind("\n") + 1].splitlines()
        assert process.returncode == -signal.SIGKILL
    survives(path, config, acknowledged)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files cannot grow beyond `size` bytes: a write gets short or fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize(
    ("room", "what"), [(0, "appending to the log failed"), (100, "the disk took 100 of")]
)
def test_a_write_that_does_not_fit_is_taken_back(tmp_path: Path, room: int, what: str) -> None:
    path = tmp_path / "ledger"
    log = path / "log.intoto.jsonl"
    with open_ledger(path, KEY) as ledger:
        ledger.append([statement(number) for number in range(20)])
        before = log.read_bytes()
        with largest_file(len(before) + room), pytest.raises(EnvironmentProblem, match=what) as caught:
            ledger.append([statement(20)])
        assert "nothing was acknowledged" in str(caught.value.remedy)
        assert log.read_bytes() == before
        assert ledger.append([statement(20)])[0].index == 20
        ledger.seal("2025-11-07T12:00:00Z")
    assert verify_ledger(path).ok


def strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


ONCE = (
    COMMON
    + """
with open_ledger(path, key, config_dir=config) as ledger:
    for entry in ledger.append([statement(int(sys.argv[3]))]):
        print(entry.index, entry.digest, flush=True)
    sealed = ledger.seal(f"2025-11-07T12:00:0{sys.argv[3]}Z")
    print("sealed", sealed.size, flush=True)
"""
)


@pytest.mark.skipif(not strace_works(), reason="strace is not installed, or may not trace here")
@pytest.mark.parametrize("fault", ["write:error=ENOSPC", "write:retval=10"])
def test_writes_to_the_log_that_fail_again_and_again(tmp_path: Path, fault: str) -> None:
    """Not at all, or short, as the kernel says it. test_ledger_faults.py has every system call fail once."""
    path, config = tmp_path / "ledger", tmp_path / "config"
    first = subprocess.run(
        [sys.executable, "-c", ONCE, str(path), str(config), "0"], check=True, capture_output=True, text=True
    )
    log = str(path / "log.intoto.jsonl")
    command = ["strace", "-f", "-o", str(tmp_path / "trace"), "-e", "trace=write", "-e", f"inject={fault}"]
    command += ["-P", log, sys.executable, "-c", ONCE, str(path), str(config), "1"]
    second = subprocess.run(command, capture_output=True, text=True)
    assert second.returncode != 0
    assert "EnvironmentProblem" in second.stderr
    survives(path, config, (first.stdout + second.stdout).splitlines())
