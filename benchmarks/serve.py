"""How many decisions a second `gate serve` records, how long one takes, and what replaying each costs.

* COUNT (2,000 unless given) decisions of one small rule, each judged again, posted by CLIENTS (32)
  connections at once; then half as many at half of that rate, evenly spaced: 99 % of them within 100 ms.
* Only signing, appending and sealing: what group sealing alone does, at least 500 a second.
* Decisions of the shipped bundle, each of which takes a tenth of a second of one core to judge again.
* For scale, one write and fsync of as many bytes, one after the other, on the same disk.

The load comes from a process of its own on the same machine. Processor time is shown, too: on a busy machine
it is what the work takes, and wall-clock time is not.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "engine" / "serve"))

import service as small  # noqa: E402 - found by the line above

from gate.engine import service  # noqa: E402
from gate.engine.context import open_context  # noqa: E402
from gate.engine.decide.recorded import Time  # noqa: E402
from gate.engine.entries.statement import statement  # noqa: E402
from gate.engine.ledger import open_ledger  # noqa: E402
from gate.engine.serve.writing.sealing import Sealer  # noqa: E402
from gate.engine.serve.writing.submission import Accepted  # noqa: E402
from gate.evidence.base.canonical import canonical, sha256_hex  # noqa: E402
from gate.evidence.signing.keys import LogKey  # noqa: E402

COUNT = int(os.environ.get("COUNT", "2000"))
CLIENTS = int(os.environ.get("CLIENTS", "32"))
LARGE = 40


def request(body: bytes, token: str) -> bytes:
    """The bytes of one request."""
    head = (
        "POST /api/logs/algo/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-tar\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def load(port: int, requests: Sequence[bytes], clients: int, every_s: float) -> list[float]:
    """Send all requests: the seconds that each took, from when it was to be sent."""
    rest, lock, took = iter(enumerate(requests)), threading.Lock(), list[float]()
    began = time.perf_counter()

    def client() -> None:
        with socket.create_connection(("127.0.0.1", port)) as wire:
            while True:
                with lock:
                    number, data = next(rest, (0, b""))
                if not data:
                    return
                due = began + number * every_s if every_s else time.perf_counter()
                time.sleep(max(0.0, due - time.perf_counter()))
                wire.sendall(data)
                answer = b""
                while not answer.endswith(b"}\n"):
                    piece = wire.recv(65536)
                    assert piece, answer
                    answer += piece
                assert answer.startswith(b"HTTP/1.1 201"), answer
                took.append(time.perf_counter() - due)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return [*took, time.perf_counter() - began]


def measure(
    name: str, port: int, requests: Sequence[bytes], every_s: float = 0.0, clients: int = CLIENTS
) -> float:
    """Print a line about a load from a process of its own: the rate."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        *took, seconds = pool.apply(load, (port, requests, clients, every_s))
    show(name, len(took) / seconds, took)
    return len(took) / seconds


def show(name: str, rate: float, took: list[float]) -> None:
    """Print a line."""
    took.sort()
    middle, late = 1000 * took[len(took) // 2], 1000 * took[int(len(took) * 0.99)]
    print(f"{name:<44} {rate:7.1f}/s   median {middle:7.1f} ms   99 % {late:7.1f} ms", flush=True)


def spent() -> float:
    """Processor seconds of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def recorded(work: Path) -> None:
    """Small decisions through the whole service."""
    change, issuer = small.Change(work / "change"), small.Issuer()
    limits = {"waiting": 4 * CLIENTS, "judges": 2}
    file = small.settings(work, issuer, change.policy, limits=limits)
    token = issuer.token(exp=int(time.time()) + 36000)
    made = [request(small.archive(one), token) for one in change.decisions(COUNT + COUNT // 2)]
    before = spent()
    with small.running(file, work / "config") as server:
        rate = measure("recorded, judged again (one rule)", server.port, made[:COUNT])
        measure("  at half of that rate", server.port, made[COUNT:], every_s=2 / rate)
    print(f"  {1000 * (spent() - before) / len(made):.1f} ms of processor time each, the load included")


def large(work: Path) -> None:
    """Decisions of the shipped bundle through the whole service."""
    operator = ROOT / "examples" / "operator.yaml"
    context = open_context(ROOT / "examples" / "ready", operator=operator)
    judged = service.evaluate(context, "stage8", Time(context.config.effective_time or "", "operator"))
    issuer = small.Issuer()
    change = small.Change.__new__(small.Change)
    change.judged = judged
    file = small.settings(work, issuer, judged.decision.policy.digest, limits={"judges": 2})
    made = [request(small.archive(one), issuer.token()) for one in change.decisions(LARGE, "operator")]
    with small.running(file, work / "config") as server:
        size = len(made[0]) // 1000
        measure(f"  warming up ({size} kB each)", server.port, made[:4], clients=4)
        measure("recorded, judged again (shipped, all stages)", server.port, made[4:], clients=8)


def sealed(work: Path) -> None:
    """Only appending and sealing."""
    made = []
    for one in small.Change(work / "change").decisions(COUNT):
        data = canonical(one.decision.to_json())
        made.append(Accepted(sha256_hex(data), statement(one.decision, sha256_hex(data), "0" * 64), "FAIL"))
    ledger = open_ledger(work / "ledger", LogKey.from_seed(bytes(range(32))), config_dir=work / "config")
    sealer = Sealer(ledger, lambda _: None, lambda: None, time.time, print)
    rest, lock, took = iter(made), threading.Lock(), list[float]()

    def client() -> None:
        while True:
            with lock:
                one = next(rest, None)
            if one is None:
                return
            began = time.perf_counter()
            sealer.record(one).result()
            took.append(time.perf_counter() - began)

    began, used = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, used = time.perf_counter() - began, time.process_time() - used
    sealer.close()
    show("signed, appended and sealed only", COUNT / seconds, took)
    print(f"  {1000 * used / COUNT:.2f} ms of processor time each")


def disk(work: Path) -> None:
    """One write and fsync after the other."""
    handle = os.open(work / "file", os.O_CREAT | os.O_WRONLY)
    began = time.perf_counter()
    for _ in range(100):
        os.write(handle, bytes(4096))
        os.fsync(handle)
    print(f"{'one write and fsync':<44} {100 / (time.perf_counter() - began):7.1f}/s")


if __name__ == "__main__":
    for step in (disk, sealed, recorded, large):
        with tempfile.TemporaryDirectory() as folder:
            step(Path(folder))
