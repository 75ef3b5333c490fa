"""Make every derived file of `examples/ready` again: `python examples/make_ready.py`.

In this order: sample data with fixed seeds, a real run of the example's tests (coverage data, JUnit file), throw-away
keys, and then, through `python -m gate`, sign-offs and the documents that an earlier run leaves behind. Everything but
the keys and what they sign is the same on every run. Needs `ssh-keygen`, and the packages that the example's tests need.

The private keys live in a temporary directory and are gone when this script ends.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parent
READY = EXAMPLES / "ready"
TESTS_RAN_AT = "2025-12-05T09:00:00"
EARLIER_RUN_AT = "2025-12-05T11:45:00Z"
PEOPLE = {
    "risk_officer": ("Dana Levi · דנה לוי", "dana.levi@example.com"),
    "cto": ("Amir Cohen", "amir.cohen@example.com"),
    "lead_trader": ("Noa Peretz", "noa.peretz@example.com"),
    "qa_lead": ("Yael Mizrahi", "yael.mizrahi@example.com"),
}
RELEASE = "release@example.com"  # signs the manifest of the artifacts
SIGN_OFFS = (
    ("stage1", "risk_officer", "2025-12-05T10:05:00Z"),
    ("stage1", "cto", "2025-12-05T10:10:00Z"),
    ("stage2", "cto", "2025-12-05T10:20:00Z"),
    ("stage4", "qa_lead", "2025-12-05T10:30:00Z"),
    ("stage4", "cto", "2025-12-05T10:40:00Z"),
    ("stage8", "risk_officer", "2025-12-05T11:20:00Z"),
    ("stage8", "cto", "2025-12-05T11:25:00Z"),
    ("stage8", "lead_trader", "2025-12-05T11:30:00Z"),
)
SIGNED = (
    "*.md",
    "*.json",
    "*.csv",
    "contracts/*.json",
    "algo_trade/core/execution/IBKR_handler.py",
    "order_plane/broker/ibkr_exec_client.py",
    "tests/e2e/ibkr_mock.py",
    "tests/stage*.py",
)


def run(*command: str, cwd: Path = READY, expect: tuple[int, ...] = (0,)) -> bytes:
    """Run a command and return its output; anything but an expected exit code ends the script."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "",
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=False)
    if done.returncode not in expect:
        text = done.stdout.decode() + done.stderr.decode()
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{text}")
    return done.stdout


def write_json(name: str, value: Any) -> None:
    """Write a JSON file of the example, for people to read."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # one trade or sample per line reads better than twenty lines each
    text = re.sub(r"\{\s+(\"(?:intent_id|time)\".*?)\n    \}", _one_line, text, flags=re.DOTALL)
    (READY / name).write_text(text + "\n", encoding="utf-8")


def _one_line(found: re.Match[str]) -> str:
    return "{" + re.sub(r"\s*\n\s*", " ", found[1]) + "}"


def make_data() -> None:
    """Sample data; see `_sample_data.py`."""
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(READY), str(EXAMPLES)]
    import _sample_data

    for name, value in _sample_data.json_files().items():
        write_json(name, value)
    (READY / "PAPER_TRADING_METRICS.csv").write_text(_sample_data.metrics_csv(), encoding="utf-8")


def run_tests() -> None:
    """Run the example's own tests under coverage; pin what would differ from run to run in the JUnit file."""
    python = sys.executable
    run(python, "-m", "coverage", "erase")
    run(python, "-m", "coverage", "run", "-m", "pytest", "-q", "--junitxml=junit.xml")
    junit = READY / "junit.xml"
    text = junit.read_text(encoding="utf-8")
    text = re.sub(r'timestamp="[^"]*"', f'timestamp="{TESTS_RAN_AT}+00:00"', text)
    text = re.sub(r'hostname="[^"]*"', 'hostname="localhost"', text)
    text = re.sub(r'(<testcase [^>]*)time="[^"]*"', r'\1time="0.010"', text)
    text = re.sub(r'(<testsuite [^>]*)time="[^"]*"', rf'\1time="{0.01 * text.count("<testcase "):.3f}"', text)
    junit.write_text(text + "\n", encoding="utf-8")
    print(
        run(python, "-m", "coverage", "report", "--format=total").decode().strip() + " % covered", file=sys.stderr
    )


def make_keys(folder: Path) -> None:
    """One Ed25519 key per person in `folder`, and allowed_signers, the example's and the operator's, who they are."""
    lines = []
    for principal in [*(principal for _, principal in PEOPLE.values()), RELEASE]:
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", principal, "-f", str(folder / principal))
        kind, key = (folder / f"{principal}.pub").read_text(encoding="utf-8").split()[:2]
        namespaces = "file" if principal == RELEASE else "signoff@gate,waiver@gate"
        lines.append(
            f'{principal} namespaces="{namespaces}",valid-after="20250101000000Z",'
            f'valid-before="20350101000000Z" {kind} {key}\n'
        )
    text = "# Example keys. Their private halves were thrown away; they can sign nothing any more.\n" + "".join(lines)
    for trust in (READY / "trust", EXAMPLES / "trust"):
        trust.mkdir(exist_ok=True)
        (trust / "allowed_signers").write_text(text, encoding="utf-8")


def sign(path: Path, key: Path, namespace: str) -> None:
    """Leave an SSH signature of `path` in `path`.sig."""
    path.with_name(path.name + ".sig").unlink(missing_ok=True)
    run("ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(path))


def seal(keys: Path) -> None:
    """Sign the artifacts through their manifest, and let everybody sign off what the gate prints for them."""
    signatures, signoffs = READY / "signatures", READY / "signoffs"
    for folder in (signatures, signoffs):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    paths = sorted({path for pattern in SIGNED for path in READY.glob(pattern)})
    manifest = signatures / "artifacts.sha256"
    run_sum = run("sha256sum", *(path.relative_to(READY).as_posix() for path in paths))
    manifest.write_bytes(run_sum)
    sign(manifest, keys / RELEASE, "file")
    for stage, role, time in SIGN_OFFS:
        name, principal = PEOPLE[role]
        command = ("signoff", "request", stage, "--role", role, "--name", name, "--at", time, "--workspace", str(READY))
        path = signoffs / f"{stage}-{role}.json"
        # Run outside the workspace: its `contracts` and `tests` are packages too.
        path.write_bytes(run(sys.executable, "-m", "gate", *command, cwd=keys))
        sign(path, keys / principal, "signoff@gate")


def evaluate(keys: Path, *options: str) -> dict[str, Any]:
    """The go-live decision of the example as it stands, without recording it.

    Of a copy outside of git: what is made here is not committed yet.
    """
    copy = keys / "ready"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(READY, copy)
    operator = ("--operator", str(EXAMPLES / "operator.yaml"))
    command = (
        *("evaluate", "stage8", "--workspace", str(copy), *operator, "--no-record", "--output", "json"),
        *options,
    )
    decision: dict[str, Any] = json.loads(run(sys.executable, "-m", "gate", *command, cwd=keys, expect=(0, 1, 3)))
    return decision


def forget() -> None:
    """Remove what an earlier run leaves behind: before the first one, nothing records a decision."""
    for name in ("PRELIVE_VERIFICATION_LOG.json", "GO_LIVE_DECISION_GATE.md"):
        (READY / name).unlink(missing_ok=True)


def main() -> None:
    """Make everything, and say what the gate says about it."""
    make_data()
    run_tests()
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder)
        make_keys(keys)
        forget()
        seal(keys)
        # The documents of an earlier run are written by a real earlier run, whose verdict they show.
        earlier = evaluate(
            keys,
            "--effective-time",
            EARLIER_RUN_AT,
            "--allow-past-effective-time",
            "--output",
            f"prelive={READY / 'PRELIVE_VERIFICATION_LOG.json'}",
            "--output",
            f"go-live={READY / 'GO_LIVE_DECISION_GATE.md'}",
        )
        seal(keys)
        decision = evaluate(keys)
    for title, one in (("earlier run", earlier), ("now", decision)):
        stages = ", ".join(f"{name} {stage['verdict']}" for name, stage in sorted(one["stages"].items()))
        print(f"{title}: {one['verdict']} ({stages})", file=sys.stderr)
        for violation in one["violations"]:
            print(f"  {violation['code']}: {violation['msg']}", file=sys.stderr)
    if decision["verdict"] != "PASS":
        raise SystemExit("examples/ready is not ready")


if __name__ == "__main__":
    main()
