"""Make system calls of append and seal fail one by one, and look at what is left (test_ledger_faults.py).

``python faults.py FOLDER STEP FIRST`` counts the system calls by which entries are added and sealed, then
does the same again for every STEP-th pair of a system call and a fault, from the FIRST on. It prints a JSON
object: how many faults there are, how they ended, and what went wrong. A writer is a forked process that
strace attaches to when everything is imported, so that its first system call is one of the ledger's. What is
acknowledged to it goes to shared memory, where nothing fails.
"""

from __future__ import annotations

import collections
import ctypes
import json
import mmap
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gate.engine.ledger import open_ledger, verify_ledger
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import GateError
from gate.evidence.signing.keys import LogKey

KEY = LogKey.from_seed(bytes(range(32)))
ALL = ("error=EIO", "error=ENOSPC", "error=EINTR", "signal=SIGKILL")
FAULTS = {
    **dict.fromkeys(
        ("write", "fsync", "fdatasync", "ftruncate", "rename", "renameat", "renameat2", "unlink", "unlinkat",
         "mkdir", "mkdirat"),
        ALL,
    ),
    "openat": ALL[:3],
    **dict.fromkeys(("read", "pread64", "flock", "close"), ("error=EIO", "error=EINTR")),
    **dict.fromkeys(("fstat", "newfstatat", "getdents64", "lseek", "fcntl", "dup"), ("error=EIO",)),
}  # fmt: skip
"""System calls and how each can fail. A kill where nothing is changed is one before the next change."""
PR_SET_PTRACER, ANY = 0x59616D61, 2**64 - 1
NO_STRACE = 77


def statement(number: int) -> bytes:
    """A small in-toto statement."""
    return canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": "0" * 64}}],
            "predicateType": "https://example.com/decision/v1",
            "predicate": {"number": number},
        }
    )


def begin(work: Path, told: Callable[[str], None]) -> None:
    """Begin a ledger with one sealed entry."""
    with open_ledger(work / "ledger", KEY, config_dir=work / "config") as ledger:
        write(work, told, ledger, 1)


def go_on(work: Path, told: Callable[[str], None]) -> None:
    """Add to a ledger whose last line a crash has left unfinished."""
    with open_ledger(work / "ledger", KEY, config_dir=work / "config") as ledger:
        write(work, told, ledger, 2)


def write(work: Path, told: Callable[[str], None], ledger: object, round_number: int) -> None:
    """Store a document, add two entries, and seal them."""
    told(f"blob {ledger.evidence.put(b'x' * 10_000 + bytes([round_number]))}")  # type: ignore[attr-defined]
    for entry in ledger.append([statement(round_number), statement(round_number + 100)]):  # type: ignore[attr-defined]
        told(f"entry {entry.index} {entry.digest}")
    told(f"sealed {ledger.seal(f'2025-11-07T12:00:0{round_number}Z').size}")  # type: ignore[attr-defined]


def prepare(work: Path, act: Callable[..., None]) -> None:
    """What there is before the writer begins."""
    work.mkdir()
    if act is go_on:
        begin(work, lambda line: None)
        with (work / "ledger" / "log.intoto.jsonl").open("ab") as log:
            log.write(b'{"payload":"unfinished')


def run(work: Path, act: Callable[..., None], options: list[str]) -> tuple[str, list[str]]:
    """Let a traced process act: how it ended, and what was acknowledged to it."""
    memory = mmap.mmap(-1, 1 << 16)
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(ANY), 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        end = "finished"
        try:
            act(work, lambda line: memory.write(f"{line}\n".encode()))
        except GateError as problem:
            end = type(problem).__name__ if problem.remedy else f"{problem} without a remedy"
        except OSError:  # where nothing was changed; cli.py makes the same of it
            end = "EnvironmentProblem"
        except BaseException as problem:  # noqa: BLE001 - a crash is a result
            end = f"crashed: {problem!r}"
        memory.write(f"end {end}\n".encode())
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    tracer = subprocess.Popen(["strace", "-p", str(child), *options], stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    if b"attached" not in tracer.stderr.readline():
        os.kill(child, signal.SIGKILL)
        sys.exit(NO_STRACE)
    os.kill(child, signal.SIGCONT)
    _, status = os.waitpid(child, 0)
    tracer.communicate()
    lines = memory[:].rstrip(b"\0").decode().splitlines()
    memory.close()
    ends = [line.removeprefix("end ") for line in lines if line.startswith("end ")]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return (ends or ["killed" if killed else f"ended with {status}"])[-1], lines


def wrong(work: Path, lines: list[str]) -> list[str]:
    """What was acknowledged and is not there, and why the next writer cannot go on."""
    found = []
    with open_ledger(work / "ledger", KEY, config_dir=work / "config") as ledger:
        there = [entry.digest for entry in ledger.entries()]
        latest = ledger.checkpoint()
        for kind, *what in map(str.split, lines):
            if kind == "entry" and there[int(what[0]) : int(what[0]) + 1] != what[1:]:
                found.append(f"entry {what[0]} is lost")
            if kind == "sealed" and (latest is None or latest.size < int(what[0])):
                found.append("the seal is lost")
            if kind == "blob":
                ledger.evidence.get(what[0])
        if ledger.append([statement(7)])[0].index != len(there):
            found.append("the next entry has another index")
        ledger.seal("2025-11-07T12:00:30Z")
    report = verify_ledger(work / "ledger", config_dir=work / "config")
    found += map(str, report.problems)
    found += [f"{path.name} is left" for path in (work / "ledger").glob(".tmp-*")]
    if (report.unsealed, report.torn_tail_bytes) != (0, 0):
        found.append("the tail is not sealed")
    return found


def calls_of(folder: Path, act: Callable[..., None]) -> collections.Counter[str]:
    """How often each system call is made."""
    work = folder / "counted"
    prepare(work, act)
    end, _ = run(work, act, ["-o", str(folder / "trace")])
    assert end == "finished", end
    names = re.findall(r"^(\w+)\(", (folder / "trace").read_text(), re.MULTILINE)
    shutil.rmtree(work)
    return collections.Counter(name for name in names if name in FAULTS)


def main() -> None:
    """Try the faults and print what became of them."""
    folder, step, first = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    warm = folder / "warm"
    prepare(warm, go_on)
    go_on(warm, lambda line: None)
    faults = [
        (act, f"{name}:{fault}:when={at}")
        for act in (begin, go_on)
        for name, times in sorted(calls_of(folder, act).items())
        for at in range(1, times + 1)
        for fault in FAULTS[name]
    ]
    ends: collections.Counter[str] = collections.Counter()
    failed = []
    for act, fault in faults[first::step]:
        work = folder / "work"
        prepare(work, act)
        end, lines = run(work, act, ["-o", str(folder / "trace"), "-e", f"inject={fault}"])
        ends[end] += 1
        if end not in ("finished", "killed", "EnvironmentProblem"):
            failed.append(f"{act.__name__}, {fault}: {end}")
        try:
            failed += [f"{act.__name__}, {fault}: {what}" for what in wrong(work, lines)]
        except GateError as problem:
            failed.append(f"{act.__name__}, {fault}: the next writer: {problem}")
        shutil.rmtree(work)
    json.dump({"faults": len(faults), "ends": ends, "failed": failed}, sys.stdout)


if __name__ == "__main__":
    main()
