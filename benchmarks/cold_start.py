"""How long a whole `gate evaluate stage8` takes, compared with what it cannot do without and with conftest.

Everything is a whole process, run alternately in one loop, so that a noisy machine disturbs all alike. What
counts are the medians of the ratios of runs that stand side by side:

* to the *floor*: a Python that imports what an evaluation cannot do without. At most 3 without the result
  cache of earlier runs, at most 2 with it. Recording is included; each round begins its own ledger.
* to ``conftest test`` that judges the same facts with the same rules and data: at most 1.25. It is left out
  where conftest is not found in ``build/tools`` or in ``PATH``; to install it:
  ``GOBIN=$PWD/build/tools go install github.com/open-policy-agent/conftest@v0.71.1``
* of ``gate --help`` to a Python that imports typer: at most 1.1.

Processor time, of all processes of a run together, is shown beside it: other programs disturb it less.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOOR = "import typer, pydantic, yaml, regorus; from cryptography.hazmat.primitives.asymmetric import ed25519"
ROUNDS = int(os.environ.get("ROUNDS", "15"))
TARGETS = (
    ("help", "typer", 1.1),
    ("algo-trade", "floor", 3.0),
    ("ready", "floor", 3.0),
    ("algo-trade again", "floor", 2.0),
    ("ready again", "floor", 2.0),
    ("ready", "conftest", 1.25),
)


def spent() -> float:
    """Processor time in seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(arguments: list[str], codes: set[int], env: dict[str, str], cwd: Path) -> tuple[float, float]:
    """Wall-clock and processor seconds of one process, which must end with one of the codes."""
    start, before = time.perf_counter(), spent()
    done = subprocess.run(arguments, env=env, cwd=cwd, capture_output=True, check=False)
    elapsed = time.perf_counter() - start, spent() - before
    if done.returncode not in codes:
        sys.exit(f"{arguments} ended with {done.returncode}:\n{done.stderr.decode()}")
    return elapsed


def evaluation(gate: str, example: str) -> list[str]:
    """The command that judges an example by its operator."""
    return [gate, "evaluate", "stage8", "--workspace", example, "--operator", "operator.yaml"]


def conftest(work: Path, gate: str, env: dict[str, str]) -> list[str] | None:
    """The command that judges what ``ready`` was judged by, with conftest; None where that is not there."""
    program = shutil.which(
        "conftest", path=os.pathsep.join([str(ROOT / "build" / "tools"), os.environ["PATH"]])
    )
    if program is None:
        return None
    rules = work / "rules"
    shutil.copytree(
        ROOT / "policies" / "prelive" / "gate", rules / "gate", ignore=shutil.ignore_patterns("*_test.rego")
    )
    timed([*evaluation(gate, "ready"), "--output", "json=decision.json"], {0}, env, work)
    digest = json.loads((work / "decision.json").read_text())["input_digest"]
    stored = next((work / "ready" / "ledger" / "evidence").rglob(f"*{digest[2:]}"))
    (work / "input.json").write_text(json.dumps(json.loads(stored.read_text())["input"]))
    return [
        program, "test", "--policy", str(rules), "--data", str(rules), "--all-namespaces",
        "--output", "json", "input.json",
    ]  # fmt: skip


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
        unrecorded = shutil.ignore_patterns("ledger")
        shutil.copytree(ROOT / "examples", work, ignore=unrecorded, dirs_exist_ok=True)
        time.sleep(2.5)  # what was changed a moment ago is not remembered
        runs: dict[str, tuple[list[str], set[int]]] = {
            "floor": ([sys.executable, "-c", FLOOR], {0}),
            "typer": ([sys.executable, "-c", "import typer"], {0}),
            "help": ([gate, "--help"], {0}),
        }
        for example, code in (("algo-trade", 1), ("ready", 0)):
            arguments = [*evaluation(gate, example), "--output", "json"]
            runs[example] = ([*arguments, "--no-cache"], {code})
            runs[f"{example} again"] = (arguments, {code})
        other = conftest(work, gate, env)
        if other is not None:
            runs["conftest"] = (other, {0, 1})
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for turn in range(ROUNDS + 1):
            for name, (arguments, codes) in runs.items():
                elapsed = timed(arguments, codes, env, work)
                if turn > 0:
                    times[name].append(elapsed)
    for name, values in times.items():
        wall, cpu = (statistics.median(column) * 1000 for column in zip(*values, strict=True))
        print(f"{name:<17} median {wall:7.1f} ms, processor {cpu:7.1f} ms")
    for name, base, target in TARGETS:
        if base in times:
            pairs = [(a, b) for a, b in zip(times[name], times[base], strict=True)]
            wall, cpu = (statistics.median(a[kind] / b[kind] for a, b in pairs) for kind in (0, 1))
            met = "met" if wall <= target else "MISSED"
            print(f"{name:<17} {wall:5.2f} × {base:<9} at most {target}: {met} (processor {cpu:.2f} ×)")


if __name__ == "__main__":
    main()
