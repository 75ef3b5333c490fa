"""What it costs to digest a tree of 50,000 files, against `sha256sum` on the same tree in the same run.

Each measurement is a whole process. The targets: as fast as `find | xargs sha256sum` when nothing is known,
and less than 300 MB of memory.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FILES = 50_000
PER_FOLDER = 100
SIZES = (200, 1_000, 4_000, 8_000)
ROUNDS = 5
MOST_BYTES = 300_000_000

OURS = """
import resource, sys, time
from pathlib import Path
begun = time.perf_counter()
from gate.evidence.collecting.cache import ResultCache
from gate.evidence.collecting.subject import find_commit, measure_sources
from gate.evidence.reading.workspace import Workspace

workspace = Workspace(Path(sys.argv[1]))
cache = ResultCache(workspace, Path(sys.argv[2]) / "cache", Path(sys.argv[2]) / "config")
sources = measure_sources(workspace, ["."], [], explicit=True)
find_commit(workspace, sources)
measured = time.perf_counter() - begun
cache.save()
print(measured, time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def make_tree(root: Path) -> None:
    """Files of a few kilobytes, as source trees have them."""
    some = random.Random(1)  # noqa: S311 - not a secret
    for folder in range(FILES // PER_FOLDER):
        directory = root / f"d{folder // 50}" / f"e{folder}"
        directory.mkdir(parents=True)
        for number in range(PER_FOLDER):
            (directory / f"f{number}.txt").write_bytes(some.randbytes(some.choice(SIZES)))


def sha256sum(root: Path) -> float:
    """Seconds that stock tools take."""
    start = time.perf_counter()
    command = "find . -type f -not -path './.git/*' -print0 | xargs -0 sha256sum > /dev/null"
    subprocess.run(["sh", "-c", command], cwd=root, check=True)
    return time.perf_counter() - start


def ours(root: Path, place: Path) -> tuple[float, float, float]:
    """Seconds until the subject is known, seconds with the cache saved, and peak memory in bytes."""
    command = [sys.executable, "-c", OURS, str(root), str(place)]
    measured, saved, peak = subprocess.run(command, check=True, capture_output=True).stdout.split()
    return float(measured), float(saved), float(peak)


def main() -> None:
    """Print ratios; they are targets outside of git, where both sides do the same."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "tree"
        make_tree(root)
        met = report("no repository", root, Path(scratch))
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
        git += ["-c", "gc.auto=0"]  # it would go on in the background
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
            subprocess.run([*git, *arguments], cwd=root, check=True, env=env)
        report("in a git repository, compared with its commit", root, Path(scratch))
        print(f"targets outside of a repository: {'met' if met else 'MISSED'}")


def report(title: str, root: Path, scratch: Path) -> bool:
    """Measure alternately, print medians, and say whether the targets are met."""
    rows: dict[str, list[float]] = {"sha256sum": [], "cold": [], "saved": [], "cached": []}
    peaks = []
    for turn in range(ROUNDS + 1):
        place = scratch / f"{title[:2]}{turn}"
        rows["sha256sum"].append(sha256sum(root))
        cold, saved, peak = ours(root, place)
        cached, _, again = ours(root, place)
        rows["cold"].append(cold)
        rows["saved"].append(saved)
        rows["cached"].append(cached)
        peaks += [peak, again]
        if turn == 0:  # the page cache was cold for whoever came first
            rows = {name: [] for name in rows}
    peer = statistics.median(rows["sha256sum"])
    print(f"{FILES} files, {title}: sha256sum {peer * 1000:.0f} ms")
    for name, what in (
        ("cold", "first run, until the subject is known"),
        ("saved", "first run, with the cache written"),
        ("cached", "second run, nothing changed"),
    ):
        median = statistics.median(rows[name])
        print(f"  {what:<40} {median * 1000:6.0f} ms = {median / peer:4.2f} × sha256sum")
    print(f"  peak memory {max(peaks) / 1e6:.0f} MB")
    return statistics.median(rows["cold"]) <= peer and max(peaks) < MOST_BYTES


if __name__ == "__main__":
    main()
