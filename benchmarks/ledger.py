"""How fast the ledger is, as ratios to what it cannot do without, measured in turns within one run.

* Appending a signed line to raw `write` + `fdatasync` of the same bytes, in turns: at least 0.85; and more
  entries per second with more writers, which share an `fdatasync`.
* Signing (canonical form, DSSE, envelope) to a bare Ed25519 signature: at most 1.2.
* Verifying 1,000 new entries on top of ENTRIES (10^6 unless given): under 50 ms beyond their signatures.
* Recomputing the root of everything to SHA-256 of the same bytes: at least 0.25. Reading every entry, too,
  which `gate ledger verify` does to check the evidence that they name, is bound by parsing JSON: no target.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

from gate.engine.ledger import open_ledger, open_reader, verify_ledger
from gate.engine.ledger.files import connect
from gate.engine.ledger.findings import Extent
from gate.engine.ledger.keychain import KeyChain
from gate.engine.ledger.merkle import Frontier, leaf_hash
from gate.engine.ledger.note import Checkpoint
from gate.engine.ledger.receipts import Receipts
from gate.evidence.base.canonical import canonical
from gate.evidence.signing import ed25519
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.keys import LogKey

KEY = LogKey.from_seed(bytes(32))
NEW = 1000
TIMES = ("2025-11-07T12:00:00Z", "2025-11-07T12:01:00Z")


def statement(number: int) -> bytes:
    """A statement whose line has about 700 bytes."""
    return canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "source", "digest": {"sha256": "0" * 64}}],
            "predicateType": "https://example.com/decision/v1",
            "predicate": {"number": number, "padding": "x" * 160},
        }
    )


LINE = Envelope.sign(statement(0), KEY).line()


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu(work: Callable[[], object]) -> float:
    """Processor time of a call in seconds, which other programs on the machine disturb less."""
    start = time.process_time()
    work()
    return time.process_time() - start


@contextmanager
def signatures_timed() -> Iterator[list[float]]:
    """The processor time of each check of a signature meanwhile."""
    spent: list[float] = []
    check = ed25519.verify_trusted

    def timed(public: bytes, signature: bytes, message: bytes) -> None:
        spent.append(cpu(lambda: check(public, signature, message)))

    ed25519.verify_trusted = timed
    try:
        yield spent
    finally:
        ed25519.verify_trusted = check


def append(path: str, count: int) -> None:
    """Append that many lines, each acknowledged for itself."""
    storage = connect(f"file:{path}", True)
    storage.begin(KEY.verifier("bench/log"))
    for _ in range(count):
        storage.append([LINE], None)
    storage.close()


def raw(handle: int) -> None:
    """The least that appending a line durably takes."""
    os.write(handle, LINE + b"\n")
    os.fdatasync(handle)


def writers(work: Path, number: int, count: int) -> float:
    """Entries per second of so many processes."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import ledger; "
    code += f"sys.stdin.read(1); ledger.append({str(work / f'by-{number}')!r}, {count})"
    append(str(work / f"by-{number}"), 0)
    running = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) for _ in range(number)]
    time.sleep(2)  # all have imported what they need

    def together() -> None:
        for process in running:
            assert process.stdin is not None
            process.stdin.write(b"x")
            process.stdin.flush()
        for process in running:
            process.wait()

    return number * count / seconds(together)


def large(path: Path, config: Path, size: int) -> None:
    """A sealed ledger of that many equal entries, and its receipt; one signature serves them all."""
    frontier, leaf = Frontier(), leaf_hash(LINE)
    for _ in range(size):
        frontier.append(leaf)
    storage, key = connect(f"file:{path}", True), KEY.verifier("bench/log")
    storage.begin(key)
    for _ in range(0, size, 1000):
        storage.append(list(repeat(LINE, min(1000, size))), None)
    sealed = Checkpoint(key.name, size, frontier.root(), size * (len(LINE) + 1), TIMES[0]).signed(KEY)
    storage.publish(sealed, canonical({"frontier": [one.hex() for one in frontier.hashes], "size": size}))
    Receipts(config, f"file:{path.resolve()}").save(key, sealed, frontier, KeyChain.begin(key))
    storage.close()


def line(name: str, value: str, target: str, met: bool) -> None:
    """One line of the result."""
    print(f"{name:<44} {value:>12}  {target}: {'met' if met else 'MISSED'}")


def main() -> None:
    """Print figures and targets."""
    size = int(os.environ.get("ENTRIES", "1000000"))
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as scratch:
        work = Path(scratch)
        ours, bare = 0.0, 0.0
        storage = connect(f"file:{work / 'one'}", True)
        storage.begin(KEY.verifier("bench/log"))
        handle = os.open(work / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for _ in range(3000):
            ours += seconds(lambda: storage.append([LINE], None))
            bare += seconds(lambda: raw(handle))
        ratio = bare / ours
        line("append to raw write + fdatasync", f"{ratio:.2f}", "at least 0.85", ratio >= 0.85)
        rates = [writers(work, number, 1600 // number) for number in (1, 4, 8)]
        text = " / ".join(f"{rate:,.0f}" for rate in rates)
        line("entries/s of 1 / 4 / 8 writers", text, "growing", rates[0] < rates[1] < rates[2] * 1.1)

        data = statement(1)
        pairs = [
            (
                cpu(lambda: [Envelope.sign(data, KEY).line() for _ in range(500)]),
                cpu(lambda: [KEY.sign(data) for _ in range(500)]),
            )
            for _ in range(9)
        ]
        ratio = statistics.median(ours / bare for ours, bare in pairs)
        line("sign to bare Ed25519", f"{ratio:.2f}", "at most 1.2", ratio <= 1.2)

        path, config = work / "large", work / "config"
        large(path, config, size)
        options = {"config_dir": config, "scope": Extent.COVERED}
        log = path / "log.intoto.jsonl"

        def digest() -> str:
            with log.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()

        with open_reader(path) as reader:
            turns = [(cpu(digest), cpu(reader.sealed_leaves)) for _ in range(5)]
        # other programs slow hashing and Python down unequally, and hasten neither
        ratio = min(bare for bare, _ in turns) / min(ours for _, ours in turns)
        line(f"root of {size:,} lines to SHA-256 of them", f"{ratio:.2f}", "at least 0.25", ratio >= 0.25)
        took = cpu(lambda: verify_ledger(path, **options))
        print(f"{'verify them all, signatures by the receipt':<44} {took / size * 1e6:>9.1f} µs  each")
        receipts = {one: one.read_bytes() for one in config.rglob("*.json")}
        with open_ledger(path, KEY, config_dir=config) as ledger:
            ledger.append([statement(number) for number in range(NEW)])
            ledger.seal(TIMES[1])
        beyond = []
        for _ in range(9):
            for one, content in receipts.items():
                one.write_bytes(content)
            with signatures_timed() as spent:
                whole = cpu(lambda: verify_ledger(path, config_dir=config, scope=Extent.NEW))
            assert len(spent) > NEW
            beyond.append(whole - sum(spent))
        value = min(beyond) * 1000  # other programs only add
        line(f"verify {NEW:,} new beyond signatures", f"{value:.0f} ms", "under 50 ms", value < 50)


if __name__ == "__main__":
    main()
