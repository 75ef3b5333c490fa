"""How long all formats of one decision take beyond the start of the program.

The decision is that about all stages of the first example, which fails nearly everything: reports are long.
Each run is a new process, so importing the formats counts; the least time of RUNS (7 unless given) is shown.
All formats together: at most 150 ms of processor time. The time of the start itself shows how quick the
machine is. gate is measured as it is installed, from a wheel, whose template of the audit report is compiled;
then HTML once more from the checkout, where it is not.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time

ROOT = Path(__file__).resolve().parent.parent
RUNS = int(os.environ.get("RUNS", "7"))
MOST_MS = 150

RENDER = """
import json, sys, time
import gate.cli, gate.engine.commands.judge
from gate.engine.decision.reading import read_decision
from gate.engine.report import registry
from gate.engine.terminal.lines import Screen
from pathlib import Path
decision = read_decision(Path(sys.argv[1]))
took = {"start": (time.process_time() * 1000, 0)}
for name in registry.names():
    if name == "pdf":  # an extra, whose library takes its own time
        continue
    begin = time.process_time()
    size = len(registry.load(name).render(decision, None, Screen()))
    took[name] = ((time.process_time() - begin) * 1000, size)
print(json.dumps(took))
"""


def installed(folder: Path) -> Path:
    """A directory with gate as its wheel installs it."""
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index")
    tree = folder / "tree"  # what setuptools leaves behind stays there
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode().split("\0")  # fmt: skip
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    site = folder / "site"
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--target", site, tree], check=True)
    return site


def measure(path: Path, cwd: Path, site: Path | None = None) -> dict[str, tuple[float, int]]:
    """By format, the least processor time of all runs in milliseconds, and bytes."""
    runs: list[dict[str, tuple[float, int]]] = []
    environment = os.environ | ({} if site is None else {"PYTHONPATH": str(site)})
    for _ in range(RUNS):
        command = [sys.executable, "-c", RENDER, str(path)]
        done = subprocess.run(command, capture_output=True, check=True, cwd=cwd, env=environment)
        runs.append(json.loads(done.stdout))
    return {name: min(run[name] for run in runs) for name in runs[0]}


def main() -> None:
    """Print the time and size of each format, and of all together."""
    context = open_context(ROOT / "examples" / "algo-trade", operator=ROOT / "examples" / "operator.yaml")
    moment = Time(context.config.effective_time or "", "operator")
    decision = service.evaluate(context, "all", moment).decision
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "decision.json"
        path.write_text(json.dumps(decision.to_json()))
        best = measure(path, Path(work), installed(Path(work)))
        tree = measure(path, ROOT)
    start, _ = best.pop("start")
    for name, (took, size) in best.items():
        print(f"{name:<16}{took:>8.1f} ms{size:>10,} bytes")
    total = sum(took for took, _ in best.values())
    print(f"{'start':<16}{start:>8.1f} ms")
    share, other = best["html"][0] / start, tree["html"][0] / tree["start"][0]
    print(f"html: {share:.2f} × start from a wheel, {other:.2f} × start from a checkout")
    met = "met" if total <= MOST_MS else "MISSED"
    print(f"{'all formats':<16}{total:>8.1f} ms = {total / start:.2f} × start; target of {MOST_MS} ms: {met}")


if __name__ == "__main__":
    main()
