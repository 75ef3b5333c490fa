"""How fast a ledger in PostgreSQL takes lines, compared with a plain COPY of the same bytes.

Both run in turns against one server that this program starts, with 1, 8 and 32 clients (threads with a
connection each, all of them on one log), in blocks of LINES lines (100 unless given) of about 700 bytes; each
block is acknowledged when it is on disk. The ledger should reach 0.8 of the COPY. The second figure is
for blocks of a single line, where what counts is how many clients share one wait for the disk.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "engine" / "ledger"), str(ROOT / "benchmarks")]

from ledger import KEY, LINE  # noqa: E402 - found by the lines above
from postgres_server import running  # noqa: E402

from gate.engine.ledger.postgres import connect  # noqa: E402
from gate.engine.ledger.postgres.address import parse  # noqa: E402
from gate.engine.ledger.postgres.schema import prepare  # noqa: E402

LINES = int(os.environ.get("LINES", "100"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))


Client = tuple[Callable[[], object], Callable[[], None]]
"""Adds one block; gives up the connection."""


def rate(clients: int, blocks: int, open_client: Callable[[], Client]) -> float:
    """Blocks per second of so many clients, each of which adds so many."""
    start = threading.Barrier(clients + 1)

    def work() -> None:
        add, close = open_client()
        add()
        start.wait()
        for _ in range(blocks):
            add()
        close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return clients * blocks / (time.perf_counter() - began)


def main() -> None:
    with running() as server:
        prepare(parse(server.url()))
        conninfo = f"host={server.folder} user=gate dbname=postgres"
        with psycopg.connect(conninfo, autocommit=True) as setup:
            setup.execute("CREATE TABLE plain (line bytea NOT NULL)")
        for size in (LINES, 1):
            block = [LINE] * size

            def plain(block: list[bytes] = block) -> Client:
                connection = psycopg.connect(conninfo)

                def add() -> None:
                    query = "COPY plain FROM STDIN (FORMAT BINARY)"
                    with connection.cursor() as cursor, cursor.copy(query) as copy:
                        copy.set_types(["bytea"])
                        for line in block:
                            copy.write_row((line,))
                    connection.commit()

                return add, connection.close

            for clients in (1, 8, 32):
                ratios, rates = [], []
                for _ in range(ROUNDS):
                    url = server.url(uuid4().hex)
                    storage = connect(url, True)
                    storage.begin(KEY.verifier("bench/log"))
                    storage.close()

                    def ours(
                        url: str = url, block: list[bytes] = block
                    ) -> tuple[Callable[[], None], Callable[[], None]]:
                        storage = connect(url, True)
                        return lambda: storage.append(block, None) and None, storage.close

                    blocks = max(4, 200 // clients)
                    base, found = rate(clients, blocks, plain), rate(clients, blocks, ours)
                    ratios.append(found / base)
                    rates.append(found * size)
                ratio = statistics.median(ratios)
                print(
                    f"{clients:>2} clients, blocks of {size:>3}  {statistics.median(rates):>9.0f} lines/s"
                    f"  {ratio:.2f} of COPY, at least 0.8: {'met' if ratio >= 0.8 else 'MISSED'}"
                )


if __name__ == "__main__":
    main()
