"""How long 20 MB of order intents take against their contract, beside the obvious peers on the same input.

Ours is the whole collector: digest, strict reading, validation. `check-jsonschema` and `jsonschema` get a
slice, since the whole would take them minutes; `check-jsonschema` knows no JSON Lines, so its slice is one
array. Comparisons are of bytes a second within one run, the best of three rounds.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BYTES = 20_000_000
SLICE = 4_000_000
ROUNDS = 3
CONTRACT = Path(__file__).parents[1] / "examples" / "ready" / "contracts" / "order_intent.schema.json"
FILE = "messages/order_intents.jsonl"

OURS = """
import sys, time
from pathlib import Path
from gate.evidence.collectors.messages import MessagesCollector, MessagesOptions
from gate.evidence.reading.workspace import Workspace

view = Workspace(Path(sys.argv[1])).view()
start = time.perf_counter()
facts = MessagesCollector(MessagesOptions()).collect(view).facts["sets"]["order_intents"]
took = time.perf_counter() - start
assert facts["invalid"] == 0 and facts["records"] > 1000, facts
status = Path("/proc/self/status").read_text().splitlines()
print(took, facts["records"], *(line.split()[1] for line in status if line.startswith("VmHWM")))
"""
DIGEST = """
import sys, time
from pathlib import Path
from gate.evidence.reading.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
start = time.perf_counter()
for _ in workspace.stream(sys.argv[2]):
    pass
print(time.perf_counter() - start)
"""
LOADS = """
import json, sys, time
start = time.perf_counter()
with open(sys.argv[1], "rb") as file:
    for line in file:
        json.loads(line)
print(time.perf_counter() - start)
"""
ORACLE = """
import json, sys, time
from jsonschema import validators
schema = json.load(open(sys.argv[2]))
validator = validators.validator_for(schema)(schema)
start = time.perf_counter()
with open(sys.argv[1], "rb") as file:
    for line in file:
        assert validator.is_valid(json.loads(line))
print(time.perf_counter() - start)
"""


def write(path: Path, size: int) -> int:
    """Write order intents like those of the example workspace; how many bytes it became."""
    example = json.loads(CONTRACT.read_bytes())["examples"][0]
    source = random.Random(7)  # noqa: S311 - no secret
    written = number = 0
    with path.open("w") as file:
        while written < size:
            number += 1
            price = round(source.uniform(20, 900), 2)
            limit = source.random() < 0.7
            clock = time.strftime("%H:%M:%S", time.gmtime(number))
            line = json.dumps(
                {
                    **example,
                    "intent_id": f"{source.getrandbits(64):016x}",
                    "symbol": source.choice(["SPY", "QQQ", "AAPL", "MSFT", "IWM"]),
                    "direction": source.choice(["BUY", "SELL"]),
                    "quantity": source.randint(1, 500),
                    "order_type": "LMT" if limit else "MKT",
                    "limit_price": price if limit else None,
                    "timestamp": f"2025-11-06T{clock}Z",
                    "target_weight": round(source.uniform(-0.1, 0.1), 6),
                    "reference_price": price,
                    "signal_score": source.uniform(-0.5, 0.5),
                    "correlation_id": f"rebalance-{number // 20}",
                }
            )
            file.write(line + "\n")
            written += len(line) + 1
    return written


def printed(script: str, *arguments: object) -> list[float]:
    """The numbers that a script prints, run by a fresh interpreter."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [float(number) for number in done.stdout.split()]


def seconds(*command: str) -> list[float]:
    """How long a command takes."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return [time.perf_counter() - start]


def main() -> None:
    """Print rates, ratios and memory."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        whole = root / FILE
        whole.parent.mkdir()
        (root / "contracts").mkdir()
        contract = root / "contracts" / CONTRACT.name
        contract.write_bytes(CONTRACT.read_bytes())
        size = write(whole, BYTES)
        part = root / "slice.jsonl"
        part_size = write(part, SLICE)
        array = root / "slice.json"
        array.write_text("[" + ",".join(part.read_text().splitlines()) + "]")
        items = root / "items.json"
        items.write_text(json.dumps({"type": "array", "items": json.loads(CONTRACT.read_bytes())}))

        tool = str(Path(sys.executable).with_name("check-jsonschema"))
        measures: dict[str, Callable[[], list[float]]] = {
            "ours": lambda: printed(OURS, root),
            "digest": lambda: printed(DIGEST, root, FILE),
            "sha256sum": lambda: seconds("sha256sum", str(whole)),
            "loads": lambda: printed(LOADS, whole),
            "check": lambda: seconds(tool, "--schemafile", str(items), str(array)),
            "start": lambda: seconds(tool, "--version"),
            "oracle": lambda: printed(ORACLE, part, contract),
        }
        found: dict[str, list[float]] = {}
        for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine meets all of them
            for name, measure in measures.items():
                found[name] = min(found.get(name, [float("inf")]), measure())
    took, records, memory = found["ours"]
    digest, sha256sum, loads, check, start_up, oracle = (
        found[name][0] for name in ("digest", "sha256sum", "loads", "check", "start", "oracle")
    )

    def row(name: str, rate: float, note: str = "") -> None:
        print(f"{name:34} {rate / 1e6:8.1f} MB/s   {size / took / rate:8.2f} ×   {note}".rstrip())

    print(f"{records:.0f} order intents, {size / 1e6:.0f} MB; the last figure is how much faster gate is")
    row("gate, digest and validation", size / took)
    row("json.loads per line, nothing else", size / loads)
    row("check-jsonschema", part_size / (check - start_up), f"{part_size / 1e6:.0f} MB, without its start")
    row("jsonschema", part_size / oracle, f"{part_size / 1e6:.0f} MB")
    row("sha256sum, which only hashes", size / sha256sum)
    print(f"gate's digest alone: {size / digest / 1e6:.0f} MB/s = {sha256sum / digest:.2f} × sha256sum")
    print(f"memory at most: {memory / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
