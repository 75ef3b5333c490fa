"""How long a whole `gate evaluate stage8` takes, as a multiple of importing what it cannot do without.

Both are whole processes, run alternately in one loop, so that a noisy machine disturbs both alike. The target
is a ratio of at most 2.5 between the medians. Recording is included; each run begins its own ledger. "Again"
is with the result cache of earlier runs, the others are without any.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOOR = "import typer, pydantic, yaml, regorus; from cryptography.hazmat.primitives.asymmetric import ed25519"
TARGET = 2.5
ROUNDS = 15


def timed(arguments: list[str], codes: set[int], env: dict[str, str], cwd: Path) -> float:
    """Wall-clock seconds of one process, which must end with one of the codes."""
    start = time.perf_counter()
    done = subprocess.run(arguments, env=env, cwd=cwd, capture_output=True, check=False)
    elapsed = time.perf_counter() - start
    if done.returncode not in codes:
        sys.exit(f"{arguments} ended with {done.returncode}:\n{done.stderr.decode()}")
    return elapsed


def main() -> None:
    """Print medians and ratios."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        env = {
            **os.environ,
            "GATE_CONFIG_DIR": str(work / "config"),
            "GATE_CACHE_DIR": str(work / "cache"),
        }
        # an installed package has its bytecode beside it: a first, untimed round writes it for this checkout
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        gate = str(Path(sys.executable).with_name("gate"))
        times: dict[str, list[float]] = {"imports": [], "help": [], "algo-trade": [], "ready": []}
        times |= {"algo-trade again": [], "ready again": []}
        for example in ("algo-trade", "ready"):
            shutil.copytree(
                ROOT / "examples" / example, work / example, ignore=shutil.ignore_patterns("ledger")
            )
        time.sleep(2.5)  # what was changed a moment ago is not remembered
        for turn in range(ROUNDS + 1):
            times["imports"].append(timed([sys.executable, "-c", FLOOR], {0}, env, work))
            times["help"].append(timed([gate, "--help"], {0}, env, work))
            for example, code in (("algo-trade", 1), ("ready", 0)):
                arguments = [gate, "evaluate", "stage8", "--workspace", example, "--output", "json"]
                times[example].append(timed([*arguments, "--no-cache"], {code}, env, work))
                times[f"{example} again"].append(timed(arguments, {code}, env, work))
            if turn == 0:
                times = {name: [] for name in times}
    floor = statistics.median(times["imports"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<17} median {median * 1000:6.1f} ms  = {median / floor:4.2f} × imports")
    worst = max(statistics.median(times[name]) / floor for name in ("algo-trade", "ready"))
    print(f"target: at most {TARGET} × imports for both examples: {'met' if worst <= TARGET else 'MISSED'}")


if __name__ == "__main__":
    main()
