"""How much faster a Dask cluster of two worker processes is than one process, and what a worker needs.

* `gate policy impact` over DECISIONS (2,000 unless given) of stage 1: one process to the cluster, in TURNS,
  at least 1.8; time of each with all of them to that with half of them, at most 1.1; memory of a worker with
  its policy engines, at most 1 GiB.
* `gate ledger verify --full` over LINES (50,000 unless given): likewise, and SHA-256 of a line to all checks
  of it. Nearly all of these is the signature, so this has no target; that of the root to hashing, which has
  one, is in `ledger.py`.

Scheduler and client run on the same cores as the workers, and so does what else the machine does. So ratio
and growth are also computed from processor time: that of one process to that of the busiest of client and
workers (with its engines), which is the ratio where each has a core of its own.
"""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from impact import ROOT, edited, fill, line, workspace
from ledger import LINE, cpu, large, seconds

BOOKKEEPING = {
    "WORKER__PROFILE__ENABLED": "False",
    "WORKER__MEMORY__MONITOR_INTERVAL": "1s",
    "ADMIN__TICK__INTERVAL": "1s",
    "ADMIN__SYSTEM_MONITOR__INTERVAL": "5s",
}
"""What docs/scale.md advises for Dask's own bookkeeping."""
TURNS = int(os.environ.get("TURNS", "3"))


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """A scheduler and two workers with one thread each: the address, and the workers' process ids."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    settings = {f"DASK_DISTRIBUTED__{name}": value for name, value in BOOKKEEPING.items()}
    common: dict[str, Any] = {"cwd": folder, "env": {**os.environ, **settings}}
    common |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    python = [sys.executable, "-m"]
    options = ["--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-show"]
    started = [subprocess.Popen([*python, "distributed.cli.dask_scheduler", *options], **common)]
    options = [f"tcp://127.0.0.1:{port}", "--no-nanny", "--no-dashboard", "--nthreads", "1"]
    try:
        for _ in range(2):
            started.append(subprocess.Popen([*python, "distributed.cli.dask_worker", *options], **common))
        yield f"dask://127.0.0.1:{port}", [process.pid for process in started[1:]]
    finally:
        for process in started:
            process.kill()
            process.wait()


def gate(config: Path, *arguments: object) -> tuple[float, float]:
    """Wall-clock and processor seconds of a run of the program."""
    command = [sys.executable, "-m", "gate", *map(str, arguments), "-o", "json"]
    environment = {**os.environ, "GATE_CONFIG_DIR": str(config)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = seconds(lambda: subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def spent(pid: int) -> float:
    """Processor seconds of a process and of those that it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def highest_kib(pid: int) -> int:
    """The most memory that a process and those that it started had, as far as these are still there."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    children = [
        one for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()
    ]
    return int(found[1] if found else 0) + sum(highest_kib(int(child)) for child in children)


def compare(run: Callable[..., tuple[float, float]], url: str, workers: list[int], name: str) -> float:
    """Print how one process compares with the cluster; processor seconds of the latter's busiest process."""
    ratios, busiest, most = [], 0.0, 0
    for _ in range(TURNS):
        one, alone = run("-j", 1)
        before = [spent(pid) for pid in workers]
        (two, client), kib = watched(workers, lambda: run("--cluster", url))
        own = [spent(pid) - begun for pid, begun in zip(workers, before, strict=True)]
        busiest, most = max(client, *own), max(most, kib)
        ratios.append((one / two, alone / busiest))
        print(f"{name:<52} {one:>10.1f} s {two:>10.1f} s")
        parts = " + ".join(f"{part:.1f}" for part in (client, *own))
        print(f"{'  processor time; of client and workers':<52} {alone:>10.1f} s {parts:>17} s")
    for text, found in zip(("", " by processor time"), zip(*ratios, strict=True), strict=True):
        ratio = median(found)
        line(f"  one process to the cluster{text}", f"{ratio:.2f}", "at least 1.8", ratio >= 1.8)
    line("  memory of a worker and its engines", f"{most / 1024:.0f} MiB", "at most 1024", most <= 2**20)
    return busiest


def watched(workers: list[int], work: Callable[[], tuple[float, float]]) -> tuple[tuple[float, float], int]:
    """What the work gives, and the most memory of a worker meanwhile, in KiB."""
    over, most = threading.Event(), [0]

    def watch() -> None:
        while not over.wait(0.2):
            for pid in workers:
                try:
                    most[0] = max(most[0], highest_kib(pid))
                except (FileNotFoundError, ProcessLookupError):
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        return work(), most[0]
    finally:
        over.set()
        thread.join()


def judging(work: Path, count: int) -> Callable[..., tuple[float, float]]:
    """A ledger of so many decisions, and what judges them again."""
    folder = work / str(count)
    folder.mkdir()
    root, config = workspace(folder), folder / "config"
    fill(root, config, count)
    trust = ("--operator", ROOT / "examples" / "operator.yaml")
    asked = ("policy", "impact", edited(folder, count), "-w", root, *trust, "--fail-on", "never")
    return lambda *by: gate(config, *asked, *by)


def verifying(work: Path, count: int, url: str, workers: list[int]) -> None:
    """Print what verification of that many lines takes."""
    root, config = work / "lines", work / "config"
    root.mkdir()
    large(root / "ledger", config, count)

    def run(*by: object) -> tuple[float, float]:
        return gate(config, "ledger", "verify", "--full", "-w", root, *by)

    compare(run, url, workers, f"verify {count:,} lines: one process, two workers")
    _, checking = run("-j", 1)
    hashing = cpu(lambda: [sha256(LINE) for _ in range(count)])
    each = 1e6 * checking / count
    print(f"{'  SHA-256 of a line to all checks of it':<52} {hashing / checking:>12.4f}  {each:.0f} µs each")


def main() -> None:
    """Print figures and targets."""
    decisions, lines = (int(os.environ.get(*one)) for one in (("DECISIONS", "2000"), ("LINES", "50000")))
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as scratch:
        work = Path(scratch)
        with cluster(work) as (url, workers):
            judging(work, 16)("--cluster", url)  # the workers import gate
            each = []
            for count in (decisions // 2, decisions):
                name = f"impact over {count:,}: one process, two workers"
                each.append(compare(judging(work, count), url, workers, name) / count)
            growth = each[1] / each[0]
            line("time of one decision, all to half of them", f"{growth:.2f}", "at most 1.1", growth <= 1.1)
            verifying(work, lines, url, workers)


if __name__ == "__main__":
    main()
