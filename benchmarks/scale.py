"""What a decision costs for as long as it is kept: bytes, and time of each command for each decision more.

* Bytes of a line, of the documents of a decision and of the policy bundle, from evaluating examples/ready.
* Processor time of commands over DECISIONS (2,000 unless given) decisions of stage 1: what a command takes
  for itself, and what each decision adds, from a run with a tenth of them. The ledger lies in a directory,
  and then in a PostgreSQL database that this program starts; what the server does is not counted.
* Time to store a document of 100 kB, in a directory and in what else there is: a database, a bucket
  (versitygw), a registry (docker-registry), all on this machine.
* Time to append entries and seal them, one and 32 at a time.
* Entries per second of 1, 8 and 32 clients that append one at a time to one log, each on disk.

There are no targets: docs/scale.md says what the numbers mean. Processor time is what a busy machine disturbs
least; rates need a quiet one.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests" / "engine" / "ledger"), str(ROOT / "tests")]
sys.path[:0] = [str(ROOT / "tests" / "engine" / "store")]

import docker_registry  # noqa: E402 - found by the lines above
import impact  # noqa: E402
import ledger as files  # noqa: E402
import object_server  # noqa: E402
import postgres  # noqa: E402
import postgres_server  # noqa: E402

from gate.engine.ledger import open_ledger  # noqa: E402
from gate.engine.ledger.postgres import connect  # noqa: E402
from gate.engine.ledger.postgres.address import parse  # noqa: E402
from gate.engine.ledger.postgres.schema import prepare  # noqa: E402
from gate.engine.store import open_store  # noqa: E402

OPERATOR = ROOT / "examples" / "operator.yaml"
DECISIONS = int(os.environ.get("DECISIONS", "2000"))
COMMANDS = {
    "verify, all signatures": ["ledger", "verify", "--full"],
    "verify, signatures by the receipt": ["ledger", "verify"],
    "prove": ["ledger", "prove", "0", "-o", "tlog-proof"],
    "export": ["ledger", "export"],
    "history": ["history"],
    "status": ["status"],
    "judge again (one process)": ["policy", "impact", "shipped", "-j", "1", "--fail-on", "never"],
}


class Place:
    """A workspace whose ledger has so many decisions, and where the operator's file says that it lies."""

    def __init__(self, work: Path, count: int) -> None:
        work.mkdir()
        self.count, self.config, self.operator = count, work / "config", OPERATOR
        self.root = impact.workspace(work)
        impact.fill(self.root, self.config, count)

    def run(self, *command: str) -> float:
        """Processor time of a command in seconds, with the processes that it starts."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        options = ["-w", str(self.root), "--operator", str(self.operator)]
        done = subprocess.run(
            [sys.executable, "-m", "gate", *command, *options],
            env={**os.environ, "GATE_CONFIG_DIR": str(self.config)},
            capture_output=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr.decode()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def move(self, url: str) -> float:
        """Copy the ledger into a database, which is then the one in use."""
        took = self.run("ledger", "migrate", str(self.root / "ledger"), url)
        settings = yaml.safe_load(self.operator.read_text())
        self.operator = self.config.parent / "operator.yaml"
        shutil.copytree(ROOT / "examples" / "trust", self.config.parent / "trust")
        self.operator.write_text(yaml.safe_dump({**settings, "ledger": {"location": url}}))
        return took


def sizes(work: Path) -> None:
    """What two real decisions leave behind."""
    root, config = work / "ready", work / "ready-config"
    shutil.copytree(ROOT / "examples" / "ready", root, ignore=shutil.ignore_patterns("ledger"))
    config.mkdir(mode=0o700)
    before: dict[Path, int] = {}
    for stage in ("stage1", "stage8"):
        subprocess.run(
            [sys.executable, "-m", "gate", "evaluate", stage, "-w", root, "--operator", OPERATOR],
            env={**os.environ, "GATE_CONFIG_DIR": str(config)},
            capture_output=True,
            check=False,
        )
        ledger = root / "ledger"
        line = (ledger / "log.intoto.jsonl").read_bytes().splitlines()[-1]
        stored = {one: one.stat().st_size for one in (ledger / "evidence").rglob("*") if one.is_file()}
        new = sorted((stored[one] for one in stored.keys() - before.keys()), reverse=True)
        before = stored
        seal = (ledger / "checkpoint").stat().st_size
        print(f"{stage}: line {len(line):,} B, checkpoint {seal} B, new documents {len(new)}:", end=" ")
        print(f"{sum(new):,} B, the largest {', '.join(f'{one:,}' for one in new[:3])} B")


def commands(kind: str, few: Place, many: Place) -> None:
    """Time of each command: for itself, and for each decision more."""
    for name, command in COMMANDS.items():
        small, large = few.run(*command), many.run(*command)
        each = max(0.0, large - small) / (many.count - few.count)
        own = max(0.0, small - each * few.count)
        print(f"{kind:<9} {name:<34} {own:>6.2f} s and {each * 1000:>8.3f} ms for each decision")


@contextmanager
def servers(work: Path) -> Iterator[dict[str, str]]:
    """The evidence stores that there are, by name."""
    os.environ.update(object_server.CREDENTIALS)
    found = {"directory": str(work / "store")}
    with ExitStack() as stack:
        try:
            (work / "s3").mkdir()
            found["bucket"] = stack.enter_context(object_server.running(work / "s3")).url("bench")
        except pytest.skip.Exception as error:
            print(f"no bucket: {error}")
        try:
            registry = docker_registry.DockerRegistry(work / "oci")
            stack.callback(registry.stop)
            found["registry"] = f"oci://{registry.host}/bench"
        except pytest.skip.Exception as error:
            print(f"no registry: {error}")
        yield found


def stores(work: Path) -> None:
    """Time to store a document that is not there yet, which includes reading it again."""
    with servers(work) as found:
        for name, url in found.items():
            with open_store(url) as store:
                report(name, store.put)


def report(name: str, put: Callable[[bytes], object], rounds: int = 30) -> None:
    """Print the median time of storing a document."""
    documents = [os.urandom(100_000) for _ in range(rounds)]
    took = statistics.median(files.seconds(partial(put, one)) for one in documents)
    print(f"{name:<9} {'store a document of 100 kB':<44} {took * 1000:>8.1f} ms")


def sealing(name: str, url: str) -> None:
    """Print the time of appending and sealing, by entry."""
    with open_ledger(url, files.KEY) as ledger:
        for together in (1, 32):

            def seal(together: int = together) -> None:
                ledger.append([files.statement(number) for number in range(together)])
                ledger.seal("2025-11-07T12:00:00Z")

            took = statistics.median(files.seconds(seal) for _ in range(15)) / together
            text = f"append and seal, {together} together"
            print(f"{name:<9} {text:<44} {took * 1000:>8.1f} ms for each entry")


def main() -> None:
    """Print everything, a line each."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as scratch:
        work = Path(scratch)
        sizes(work)
        few, many = Place(work / "few", DECISIONS // 10), Place(work / "many", DECISIONS)
        commands("directory", few, many)
        stores(work)
        sealing("directory", str(work / "sealed"))
        rates = [files.writers(work, number, 800 // number) for number in (1, 8)]
        print(f"directory entries per second of 1 and 8 writers: {rates[0]:,.0f}, {rates[1]:,.0f}")
        try:
            with postgres_server.running() as server:
                database(server, few, many)
        except pytest.skip.Exception as error:
            print(f"no database: {error}")


def database(server: postgres_server.Server, few: Place, many: Place) -> None:
    """The same in a database, and how fast it takes entries of several clients."""
    prepare(parse(server.url()))
    spent = [one.move(server.url(name)) for one, name in ((few, "few"), (many, "many"))]
    each = (spent[1] - spent[0]) / (many.count - few.count)
    print(f"database  {'migrate':<34} {'':>13}{each * 1000:>8.3f} ms for each decision")
    commands("database", few, many)
    storage = connect(server.url("many"), True)
    report("database", lambda data: storage.blobs.write(uuid4().hex * 2, data))
    storage.close()
    sealing("database", server.url("sealed"))
    for clients in (1, 8, 32):
        url = server.url(uuid4().hex)
        begun = connect(url, True)
        begun.begin(files.KEY.verifier("bench/log"))
        begun.close()

        def client(url: str = url) -> postgres.Client:
            storage = connect(url, True)
            return lambda: storage.append([files.LINE], None), storage.close

        rate = postgres.rate(clients, max(8, 400 // clients), client)
        print(f"database  entries per second of {clients} clients: {rate:,.0f}")


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"in {time.monotonic() - began:.0f} s")
