"""How long all formats of one decision take beyond the start of the program.

The decision is that about all stages of the first example, which fails nearly everything: reports are long.
Each run is a new process, so importing the formats counts; the quickest of RUNS (7 unless given) is shown.
All formats together: at most 150 ms of processor time. The time of the start itself shows how quick the
machine is.
"""

from __future__ import annotations

import json
import os
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


def main() -> None:
    """Print the time and size of each format, and of all together."""
    context = open_context(ROOT / "examples" / "algo-trade", operator=ROOT / "examples" / "operator.yaml")
    moment = Time(context.config.effective_time or "", "operator")
    decision = service.evaluate(context, "all", moment).decision
    runs: list[dict[str, tuple[float, int]]] = []
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "decision.json"
        path.write_text(json.dumps(decision.to_json()))
        for _ in range(RUNS):
            command = [sys.executable, "-c", RENDER, str(path)]
            done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
            runs.append(json.loads(done.stdout))
    best = min(runs, key=lambda run: sum(took for took, _ in run.values()))
    start, _ = best.pop("start")
    for name, (took, size) in best.items():
        print(f"{name:<16}{took:>8.1f} ms{size:>10,} bytes")
    total = sum(took for took, _ in best.values())
    print(f"{'start':<16}{start:>8.1f} ms")
    met = "met" if total <= MOST_MS else "MISSED"
    print(f"{'all formats':<16}{total:>8.1f} ms = {total / start:.2f} × start; target of {MOST_MS} ms: {met}")


if __name__ == "__main__":
    main()
