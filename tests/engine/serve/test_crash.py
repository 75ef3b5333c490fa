"""The service is killed while decisions are posted: nothing that it acknowledged is lost."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gate.engine.decision import statement as statements
from gate.engine.ledger import open_reader, verify_ledger
from gate.evidence.base.canonical import canonical, sha256_hex

from .service import Change, Issuer, Server, archive, running, settings

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
