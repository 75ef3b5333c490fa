"""How many decisions a second each policy engine makes, one after the other, on the example's facts.

The embedded engine against a local OPA server over REST (the managed one, through a unix socket), for each
shipped stage, and for stage 1 with 1,000 to 4,000 rows in the artifact matrix. Rates are compared within one
run, the engines taking turns; the best of three rounds counts.
"""

from __future__ import annotations

import copy
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time, policy_input
from gate.engine.policy import open_engine
from gate.engine.policy.interface import PolicyEngine

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
ROUNDS = 3
SECONDS = 1.0
ROWS = (1_000, 2_000, 4_000)


def rate(engine: PolicyEngine, package: str, document: dict[str, Any]) -> float:
    """Questions a second."""
    engine.evaluate([package], document)
    number, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        engine.evaluate([package], document)
        number += 1
    return number / (time.perf_counter() - began)


def compared(engines: dict[str, PolicyEngine], package: str, document: dict[str, Any]) -> tuple[float, float]:
    """Best rates of the embedded engine and of OPA."""
    best = dict.fromkeys(engines, 0.0)
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            best[name] = max(best[name], rate(engine, package, document))
    return best["embedded"], best["opa"]


def main() -> int:
    """Print the rates; 1 if the embedded engine is not as fast as it should be."""
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        root = shutil.copytree(EXAMPLES / "ready", Path(folder) / "ready")
        context = open_context(root, operator=EXAMPLES / "operator.yaml")
        moment = Time("2025-12-05T12:00:00Z", "operator")
        recorded = service.evaluate(context, "stage8", moment).recorded
        document = policy_input(context.plan, recorded, moment)
        with (
            open_engine("embedded", context.bundle, context.config.limits) as embedded,
            open_engine("opa", context.bundle, context.config.limits) as opa,
        ):
            engines = {"embedded": embedded, "opa": opa}
            for stage in context.plan.stages.values():
                ours, theirs = compared(engines, stage.package, document)
                print(f"{stage.id}: embedded {ours:.0f}/s, OPA {theirs:.0f}/s: {ours / theirs:.1f} ×")
                if ours < 3 * theirs:
                    slow.append(stage.id)
            times = []
            for count in ROWS:
                large = copy.deepcopy(document)
                row = large["facts"]["artifacts"]["rows"][0]
                large["facts"]["artifacts"]["rows"] = [
                    {**row, "id": f"{row['id']} {number}", "found": number % 10 > 0}
                    for number in range(count)
                ]
                ours, theirs = compared(engines, "gate.stage1", large)
                times.append(1 / ours)
                print(f"{count} rows: embedded {ours:.1f}/s, OPA {theirs:.1f}/s: {ours / theirs:.1f} ×")
                if count == 2_000 and ours < theirs:
                    slow.append(f"{count} rows")
        growth = times[-1] / times[0]
        print(f"{ROWS[-1] // ROWS[0]} times the rows take {growth:.1f} times the time")
        if growth > 1.5 * ROWS[-1] / ROWS[0]:
            slow.append("growth")
    print("too slow: " + ", ".join(slow) if slow else "as fast as wanted")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
