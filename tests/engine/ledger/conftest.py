"""Ledgers in every storage, with a way past gate to what the storage keeps: that is what an attacker has.

Another storage takes part in the conformance suite by a class here and its name in `STORAGES`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gate.engine.ledger import open_ledger, open_reader, verify_ledger
from gate.engine.ledger.findings import Verification
from gate.engine.ledger.interface import CHECKPOINT, HISTORY, LOG, VERIFIER
from gate.engine.ledger.postgres.address import parse
from gate.engine.ledger.postgres.schema import prepare
from gate.engine.ledger.reader import LedgerReader
from gate.engine.ledger.receipts import Receipts
from gate.engine.ledger.writer import Ledger
from gate.evidence.base.canonical import canonical
from gate.evidence.signing.keys import LogKey

from .postgres_server import Server, running

KEY = LogKey.from_seed(bytes(range(32)))
ORIGIN = "gate-ledger/test"


class Place(ABC):
    """One ledger at a URL."""

    def __init__(self, url: str, config: Path) -> None:
        self.url, self.config = url, config

    def receipts(self) -> Receipts:
        """The user's receipts of it."""
        return Receipts(self.config, self.url)

    def open(self, key: LogKey = KEY, **options: Any) -> Ledger:
        """Open it as gate does, with the user's receipts."""
        return open_ledger(self.url, key, **{"config_dir": self.config, "origin": ORIGIN, **options})

    def read(self) -> LedgerReader:
        return open_reader(self.url)

    def verify(self, **options: Any) -> Verification:
        return verify_ledger(self.url, **options)

    def record(self, numbers: Sequence[int], start: int = 0, **options: Any) -> None:
        """Append one statement per number, each sealed."""
        with self.open(**options) as ledger:
            for minute, number in enumerate(numbers, start):
                ledger.append([self.statement(number)])
                ledger.seal(f"2025-11-07T12:{minute:02}:00Z")

    @staticmethod
    def statement(number: int = 0, **predicate: Any) -> bytes:
        return canonical(
            {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [{"name": "subject", "digest": {"sha256": "0" * 64}}],
                "predicateType": "https://example.com/decision/v1",
                "predicate": {"number": number, **predicate},
            }
        )

    @abstractmethod
    def another(self, name: str) -> Place:
        """A second ledger in the same kind of storage, without the user's receipts."""

    def store(self) -> str:
        """The URL of an evidence store that lies elsewhere."""
        return self.another("elsewhere").url

    @abstractmethod
    def lines(self) -> list[bytes]:
        """Its lines, without line feeds."""

    @abstractmethod
    def rewrite(self, lines: list[bytes]) -> None:
        """Put other lines in their place."""

    @abstractmethod
    def note(self, size: int | None = None) -> bytes:
        """The latest checkpoint, or the one of that size."""

    @abstractmethod
    def set_note(self, size: int | None, note: bytes | None) -> None:
        """Put another note in its place; None removes it."""

    @abstractmethod
    def set_verifier(self, line: bytes | None) -> None:
        """Put another verifier key in its place; None removes it."""

    @abstractmethod
    def set_hint(self, hint: bytes | None) -> None:
        """Put another hint in its place; None removes it."""

    @abstractmethod
    def set_blob(self, digest: str, data: bytes | None) -> None:
        """Put other bytes in the place of a blob; None removes it."""


class Files(Place):
    def __init__(self, path: Path, config: Path) -> None:
        super().__init__(f"file:{path}", config)
        self.path = path

    def another(self, name: str) -> Place:
        return Files(self.path.with_name(name), self.config.with_name("config-of-another"))

    def lines(self) -> list[bytes]:
        return (self.path / LOG).read_bytes().splitlines()

    def rewrite(self, lines: list[bytes]) -> None:
        (self.path / LOG).write_bytes(b"".join(line + b"\n" for line in lines))

    def _note(self, size: int | None) -> Path:
        return self.path / (CHECKPOINT if size is None else f"{HISTORY}/{size}")

    def note(self, size: int | None = None) -> bytes:
        return self._note(size).read_bytes()

    def set_note(self, size: int | None, note: bytes | None) -> None:
        put(self._note(size), note)

    def set_verifier(self, line: bytes | None) -> None:
        put(self.path / VERIFIER, line)

    def set_hint(self, hint: bytes | None) -> None:
        put(self.path / "state", hint)

    def set_blob(self, digest: str, data: bytes | None) -> None:
        put(self.path / "evidence" / "sha256" / digest[:2] / digest, data)


def put(path: Path, data: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if data is not None:
        path.write_bytes(data)


class Memory(Place):
    def __init__(self, url: str, config: Path, plugin: Any) -> None:
        super().__init__(url, config)
        self._plugin = plugin

    @property
    def _kept(self) -> Any:
        return self._plugin.WORLD[self.url]

    def another(self, name: str) -> Place:
        return Memory(f"{self.url}-{name}", self.config.with_name("config-of-another"), self._plugin)

    def lines(self) -> list[bytes]:
        return list(self._kept.lines)

    def rewrite(self, lines: list[bytes]) -> None:
        self._kept.lines[:] = lines

    def note(self, size: int | None = None) -> bytes:
        return bytes(self._kept.notes[size])

    def set_note(self, size: int | None, note: bytes | None) -> None:
        set_item(self._kept.notes, size, note)

    def set_verifier(self, line: bytes | None) -> None:
        self._kept.verifier = line

    def set_hint(self, hint: bytes | None) -> None:
        self._kept.hint = hint

    def set_blob(self, digest: str, data: bytes | None) -> None:
        set_item(self._kept.blobs, digest, data)


def set_item(items: dict[Any, bytes], key: Any, data: bytes | None) -> None:
    items.pop(key, None)
    if data is not None:
        items[key] = data


class Postgres(Place):
    """A log in a database, whose owner is the attacker."""

    def __init__(self, server: Server, log: str, config: Path) -> None:
        super().__init__(server.url(log), config)
        self.server, self.log = server, log

    def another(self, name: str) -> Place:
        return Postgres(self.server, f"{self.log}-{name}", self.config.with_name("config-of-another"))

    def store(self) -> str:
        return f"file:{self.config.with_name('elsewhere')}"

    def run(self, query: str, *values: Any) -> list[Any]:
        return self.server.run(
            query.replace("LOG", "(SELECT log FROM gate_ledger.logs WHERE name = %s)"), self.log, *values
        )

    def lines(self) -> list[bytes]:
        found = self.run("SELECT line FROM gate_ledger.lines WHERE log = LOG ORDER BY number")
        return [line for (line,) in found]

    def rewrite(self, lines: list[bytes]) -> None:
        self.run("DELETE FROM gate_ledger.lines WHERE log = LOG")
        ends = 0
        for number, line in enumerate(lines):
            ends += len(line) + 1
            self.run("INSERT INTO gate_ledger.lines VALUES (LOG, %s, %s, %s)", number, ends, line)

    def note(self, size: int | None = None) -> bytes:
        if size is None:
            query = "SELECT note FROM gate_ledger.published WHERE log = LOG ORDER BY place DESC LIMIT 1"
            return bytes(self.run(query)[0][0])
        return bytes(
            self.run("SELECT note FROM gate_ledger.checkpoints WHERE log = LOG AND size = %s", size)[0][0]
        )

    def set_note(self, size: int | None, note: bytes | None) -> None:
        if size is None:
            self.run("DELETE FROM gate_ledger.published WHERE log = LOG")
            if note is not None:
                self.run("INSERT INTO gate_ledger.published (log, note) VALUES (LOG, %s)", note)
            return
        self.run("DELETE FROM gate_ledger.checkpoints WHERE log = LOG AND size = %s", size)
        if note is not None:
            self.run("INSERT INTO gate_ledger.checkpoints VALUES (LOG, %s, %s)", size, note)

    def set_verifier(self, line: bytes | None) -> None:
        self.run("DELETE FROM gate_ledger.verifiers WHERE log = LOG")
        if line is not None:
            self.run("INSERT INTO gate_ledger.verifiers VALUES (LOG, %s)", line)

    def set_hint(self, hint: bytes | None) -> None:
        self.run("DELETE FROM gate_ledger.hints WHERE log = LOG")
        if hint is not None:
            self.run("INSERT INTO gate_ledger.hints VALUES (LOG, %s)", hint)

    def set_blob(self, digest: str, data: bytes | None) -> None:
        self.run("DELETE FROM gate_ledger.evidence WHERE log = LOG AND digest = %s", digest)
        if data is not None:
            self.run("INSERT INTO gate_ledger.evidence VALUES (LOG, %s, %s)", digest, data)


STORAGES = ["file", "memory", "postgresql"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of this run, prepared for ledgers."""
    with running() as server:
        prepare(parse(server.url()))
        yield server


@pytest.fixture(params=STORAGES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a ledger can be begun, in each storage."""
    config = tmp_path / "config"
    if request.param == "file":
        return Files(tmp_path / "work" / "ledger", config)
    if request.param == "postgresql":
        return Postgres(request.getfixturevalue("postgres"), uuid4().hex, config)
    return Memory(f"memory:{tmp_path}", config, request.getfixturevalue("memory_plugin"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attacks over the database take a quarter of a second each, and find nothing that others do not."""
    for item in items:
        if item.path.name == "test_conformance_attacks.py" and "[postgresql" in item.name:
            item.add_marker(pytest.mark.soak)
