"""How fast `gate policy impact` judges recorded decisions again, and how much memory that takes.

* DECISIONS (10,000 unless given) distinct decisions of stage 1, on two processes: at most 60 s.
* Memory of the largest process with all of them, half of which flip, to that with a tenth: at most 1.3.
* Time of one decision, paired with one `opa eval` of the same bundle and input, where there is an `opa`.

Processor time is shown, too: on a busy machine it is what the work takes, and wall-clock time is not.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time
from gate.engine.decision.document import Decision
from gate.engine.entries.statement import statement
from gate.engine.ledger import open_ledger
from gate.engine.policy.bundle import SHIPPED, to_document
from gate.evidence.base.canonical import canonical, sha256_hex
from gate.evidence.signing.keys import load_or_create_log_key

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = os.environ.get("EXAMPLE", "algo-trade")
THRESHOLD = "artifact_coverage_min:\n  value: 800000"
_FROM = 300_000
_PAIRS = 10


def workspace(work: Path) -> Path:
    """A copy of an example that has too few artifacts."""
    root = work / EXAMPLE
    shutil.copytree(ROOT / "examples" / EXAMPLE, root, ignore=shutil.ignore_patterns("ledger", "__pycache__"))
    return root


def fill(root: Path, config: Path, count: int) -> Decision:
    """Record that many decisions, each with a share of artifacts of its own; all of them FAIL."""
    context = open_context(root, operator=ROOT / "examples" / "operator.yaml")
    moment = Time(context.config.effective_time or "", "operator")
    judged = service.evaluate(context, "stage1", moment)
    document: dict[str, Any] = judged.recorded.to_json(context.plan)
    config.mkdir(mode=0o700)
    key, _ = load_or_create_log_key(config)
    facts = document["input"]["facts"]["artifacts"]
    bundle = to_document(context.bundle)
    made = []
    with open_ledger(context.ledger, key, config_dir=config) as ledger:
        ledger.evidence.put(bundle)
        for number in range(count):
            facts["found_ppm"] = _FROM + number
            stored = canonical(document)
            decision = replace(judged.decision, input_digest=sha256_hex(stored))
            data = canonical(decision.to_json())
            for blob in (stored, data):
                put(root, blob)
            made.append(statement(decision, sha256_hex(data), sha256_hex(bundle)))
        ledger.append(made)
        ledger.seal("2025-12-05T12:00:00Z")
    (root.parent / "input.json").write_text(json.dumps(document["input"]))
    return judged.decision


def put(root: Path, data: bytes) -> None:
    """Store evidence without waiting for the disk."""
    name = sha256_hex(data)
    folder = root / "ledger" / "evidence" / "sha256" / name[:2]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def edited(work: Path, count: int) -> Path:
    """The shipped bundle with a lower threshold, which half of the decisions reach."""
    bundle = work / "policies"
    shutil.copytree(SHIPPED, bundle, ignore=shutil.ignore_patterns("*_test.rego", "__pycache__", "*.py"))
    data = bundle / "gate" / "params" / "stage1" / "data.yaml"
    assert THRESHOLD in data.read_text()
    data.write_text(data.read_text().replace(THRESHOLD, THRESHOLD.replace("800000", str(_FROM + count // 2))))
    return bundle


def judge_again(root: Path, bundle: Path, config: Path, jobs: int) -> tuple[float, float, int, Any]:
    """Wall-clock and processor seconds, the largest process in KiB, and what the program printed."""
    options = ["-w", root, "--operator", ROOT / "examples" / "operator.yaml", "-j", jobs]
    command = ["policy", "impact", bundle, *options, "--fail-on", "never", "-o", "json"]
    code = (
        "import resource, sys; from gate.cli import main\n"
        "try: main()\n"
        "finally:\n"
        # not its own maximum as the system knows it, which is that of the process that started it
        " own = [int(row.split()[1]) for row in open('/proc/self/status') if row.startswith('VmHWM')][0]\n"
        " print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), file=sys.stderr)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, command)],
        env={**os.environ, "GATE_CONFIG_DIR": str(config)},
        capture_output=True,
        check=True,
    )
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, spent, int(done.stderr.split()[-1]), json.loads(done.stdout)


def opa_eval(work: Path, bundle: Path) -> float:
    """Seconds of one `opa eval` of stage 1 over one of the inputs."""
    began = time.perf_counter()
    command = [
        "opa",
        "eval",
        "--bundle",
        str(bundle),
        "--input",
        str(work / "input.json"),
        "data.gate.stage1",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def line(name: str, value: str, target: str, met: bool) -> None:
    """One line of the result."""
    print(f"{name:<52} {value:>12}  {target}: {'met' if met else 'MISSED'}")


def main() -> None:
    """Print figures and targets."""
    count = int(os.environ.get("DECISIONS", "10000"))
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as scratch:
        sizes = {}
        for name, size in (("few", count // 10), ("all", count)):
            work = Path(scratch) / name
            work.mkdir()
            root = workspace(work)
            fill(root, work / "config", size)
            bundle = edited(work, size)
            took, spent, largest, found = judge_again(root, bundle, work / "config", 2)
            assert (found["recorded"], found["distinct"], found["failed"]) == (size, size, []), found[
                "failed"
            ]
            sizes[name] = largest
        line(f"{count:,} decisions of stage 1 on two processes", f"{took:.1f} s", "at most 60 s", took <= 60)
        print(
            f"{'  processor time of all processes':<52} {spent:>10.1f} s  {1000 * spent / count:.1f} ms each"
        )
        print(f"{'  decisions that flip':<52} {len(found['changed']):>12,}")
        ratio = sizes["all"] / sizes["few"]
        text = f"largest process {sizes['all'] / 1024:.0f} MiB, to that of {count // 10:,}"
        line(text, f"{ratio:.2f}", "at most 1.3", ratio <= 1.3)
        if shutil.which("opa"):
            each = sorted(opa_eval(work, bundle) for _ in range(_PAIRS))[_PAIRS // 2]
            print(f"{'one `opa eval` to one decision':<52} {each / (took / count):>12.0f}  times as long")


if __name__ == "__main__":
    main()
