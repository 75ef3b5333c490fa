"""The service is killed while decisions are posted: nothing that it acknowledged is lost."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.engine.entries import statement as statements
from gate.engine.ledger import open_reader, verify_ledger
from gate.engine.ledger.postgres.address import parse
from gate.engine.ledger.postgres.schema import prepare
from gate.evidence.base.canonical import canonical, sha256_hex

from ..ledger import postgres_server
from .service import Answer, Change, Issuer, Server, archive, running, settings

KILLS = int(os.environ.get("GATE_EXAMPLES", "0"))
CLIENTS = 6


def press(
    server: Server, bodies: list[bytes], token: str, acknowledged: dict[str, Any], stop: threading.Event
) -> None:
    """Post until the service is gone, over and over; what it acknowledges is kept by its digest."""
    while bodies and not stop.is_set():
        body = bodies.pop()
        try:
            answer = server.post(body, token)
        except (OSError, http.client.HTTPException):
            bodies.append(body)  # as a CI job does: the next attempt may find it recorded
            return
        assert answer.status in (200, 201), answer.body
        acknowledged[answer.json["decision"]] = answer.json


def run_killed(root: Path, change: Change, kills: int, each: int, seed: int) -> None:
    """Kill the service so many times in the middle of posts, then read the ledger."""
    chance, issuer = random.Random(seed), Issuer()  # noqa: S311 - when to kill is no secret
    file = settings(root, issuer, change.policy)
    token = issuer.token(exp=int(time.time()) + 36_000)
    acknowledged: dict[str, Any] = {}
    made = change.decisions(each * (kills + 1))
    left: list[bytes] = []
    for number in range(kills + 1):
        left += [archive(one) for one in made[each * number : each * (number + 1)]]
        stop = threading.Event()
        with running(file, root / "config") as server:
            before = len(acknowledged)
            threads = [
                threading.Thread(target=press, args=(server, left, token, acknowledged, stop))
                for _ in range(CLIENTS)
            ]
            for thread in threads:
                thread.start()
            if number < kills:
                while len(acknowledged) < before + 1 and any(thread.is_alive() for thread in threads):
                    time.sleep(0.005)
                time.sleep(chance.random() * 0.15)
                server.process.kill()
            for thread in threads:
                thread.join()
        report = verify_ledger(root / "ledger", config_dir=root / "config", evidence_of=statements.documents)
        assert report.ok, report.problems
    assert not left
    with open_reader(root / "ledger", config_dir=root / "config") as ledger:
        entries = [(one.index, one.digest, one.sealed) for one in ledger.entries()]
    for answer in acknowledged.values():
        assert (answer["entry"], answer["leaf"], True) in entries
    assert acknowledged.keys() == {sha256_hex(canonical(one.decision.to_json())) for one in made}


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_by_kills(tmp_path: Path) -> None:
    """SIGKILL in the middle of posts, as often as GATE_EXAMPLES says, a hundred times at most; then the same
    service goes on, and jobs post again what was not answered.
    """
    run_killed(tmp_path, Change(tmp_path / "change"), min(KILLS, 100) or 3, 40, KILLS)


@pytest.mark.soak
def test_a_database_that_crashes_is_waited_for_by_posting_again(tmp_path: Path) -> None:
    """503 and readers told so while it is gone; the same service goes on when it is back."""
    change, issuer = Change(tmp_path / "change"), Issuer()
    made = [archive(one) for one in change.decisions(12)]
    with postgres_server.running() as database:
        prepare(parse(database.url()))
        file = settings(tmp_path, issuer, change.policy)
        stated = yaml.safe_load(file.read_text())
        stated["logs"][0]["ledger"] = database.url()
        file.write_text(yaml.safe_dump(stated))
        with running(file, tmp_path / "config") as server:
            answers = [server.post(body, issuer.token()) for body in made[:4]]
            database.kill()
            refused = server.post(made[4], issuer.token())
            assert (refused.status, b"postgresql" in refused.body) == (503, False), refused.body
            time.sleep(1.1)
            assert server.ask("/api/logs/algo/decisions").status == 503
            assert server.ask("/api/logs/other/decisions").status == 200
            database.restart()

            def again(body: bytes) -> Answer:
                """Post until it is taken: each connection to the old database breaks once."""
                answer = server.post(body, issuer.token())
                for _ in range(9):
                    if answer.status != 503:
                        break
                    answer = server.post(body, issuer.token())
                return answer

            with ThreadPoolExecutor(4) as pool:
                answers += pool.map(again, made[4:])
            assert {answer.status for answer in answers} <= {200, 201}, [answer.body for answer in answers]
            time.sleep(1.1)
            assert len(server.ask("/api/logs/algo/decisions").json["decisions"]) == 12
        report = verify_ledger(database.url(), evidence_of=statements.documents)
        assert report.ok, report.problems
        with open_reader(database.url()) as ledger:
            leaves = {one.digest for one in ledger.entries() if one.sealed}
        assert {answer.json["leaf"] for answer in answers} <= leaves
