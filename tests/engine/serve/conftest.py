"""A running service for all tests of a module, with a few recorded decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gate.engine.entries.statement import statement
from gate.engine.ledger import open_ledger
from gate.engine.serve.writing.submission import files_of
from gate.engine.service import Judged
from gate.evidence.signing.keys import LogKey

from .service import Answer, Change, Issuer, Server, archive, running, settings


@dataclass
class Desk:
    """A running service and all around it.

    Attributes:
        decisions: those that were posted, in the order of their entries.
    """

    root: Path
    config: Path
    server: Server
    issuer: Issuer
    change: Change
    decisions: list[Judged]

    def post(self, judged: Judged) -> Answer:
        """Post a decision as the right job does."""
        return self.server.post(archive(judged), self.issuer.token())


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service that takes no decisions, with three in its ledger `algo` and none in `other`."""
    root = tmp_path_factory.mktemp("serve")
    change, issuer = Change(root / "change"), Issuer()
    decisions = change.decisions(3)
    with open_ledger(root / "ledger", LogKey.from_seed(bytes(range(32)))) as ledger:
        for one in decisions:
            files, _ = files_of(one)
            digests = {name: ledger.evidence.put(data) for name, data in files.items()}
            line = statement(one.decision, digests["decision.json"], digests["policy.json"])
            ledger.append([line])
            ledger.seal("2025-12-06T00:00:00Z")
    file = settings(root, issuer, change.policy, writers=False)
    with running(file, root / "config") as server:
        yield Desk(root, root / "config", server, issuer, change, decisions)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service with three decisions in its ledger `algo` and none in `other`."""
    root = tmp_path_factory.mktemp("serve")
    change, issuer = Change(root / "change"), Issuer()
    limits = {"body_seconds": 3, "header_seconds": 3, "body_bytes": 1_000_000}
    file = settings(root, issuer, change.policy, limits=limits)
    with running(file, root / "config") as server:
        desk = Desk(root, root / "config", server, issuer, change, change.decisions(3))
        for number, one in enumerate(desk.decisions):
            answer = desk.post(one)
            assert (answer.status, answer.json["entry"]) == (201, number), answer.body
        yield desk
