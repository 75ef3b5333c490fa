"""Ledgers in PostgreSQL: grants, crashes, many writers, a server that hangs, and moving there and back."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from gate.engine.ledger import open_ledger, open_reader, verify_ledger
from gate.engine.ledger.interface import NoLedger
from gate.engine.ledger.migrate import migrate
from gate.engine.ledger.postgres import database
from gate.engine.ledger.postgres.address import parse
from gate.engine.ledger.postgres.schema import prepare
from gate.evidence.base.errors import ConfigError, EnvironmentProblem, GateError, LedgerError
from gate.evidence.signing.keys import LogKey

from .conftest import KEY, ORIGIN, Place
from .postgres_server import Server, running

STATEMENT = Place.statement


@pytest.fixture
def url(postgres: Server) -> str:
    """A log of the test's own."""
    return postgres.url(uuid4().hex)


@pytest.fixture(scope="module")
def own() -> Any:
    """A server of this module's own, which its tests may crash."""
    with running() as server:
        prepare(parse(server.url()))
        yield server


def record(url: str, *numbers: int, key: LogKey = KEY) -> None:
    with open_ledger(url, key, origin=ORIGIN) as ledger:
        for number in numbers:
            digest = ledger.evidence.put(f"evidence {number}".encode())
            ledger.append([STATEMENT(number, evidence=[digest])])
        ledger.seal("2025-11-07T12:00:00Z")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgresql://u:secret@h/db", "password does not belong"),
        ("postgresql://u@h/db?password=secret", "password does not belong"),
        ("postgresql://u@h/db?sslkey=%2Fkey", "password does not belong"),
        ("postgresql://u@h", "names no database"),
        ("postgresql://u@h/a/b", "names no database"),
        ("postgresql://u@h/db?log=", "name of a log"),
        ("postgresql://u@h/db?log=a&log=b", "name of a log"),
        ("postgresql://u@h/db?log=%00", "name of a log"),
        ("postgresql://u@h/db?nonsense", "cannot be read"),
        ("postgresql://[::1/db", "cannot be read"),
        ("postgresql://u@h/\udcff", "cannot be read"),
    ],
)
def test_a_wrong_url_is_refused_without_showing_a_secret(url: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        open_reader(url)
    assert "secret" not in caught.value.diagnostics()


def test_an_unknown_setting_of_libpq_and_a_dead_server_are_one_error(tmp_path: Path) -> None:
    for url in ("postgresql://u@/db?nonsense=1", f"postgresql://u@/db?host={tmp_path}"):
        with pytest.raises(EnvironmentProblem, match="connecting failed") as caught:
            open_reader(url)
        assert caught.value.remedy


@pytest.mark.parametrize("url", ["s3://bucket/db", "ledger/db", "mysql://u@h/db"])
def test_only_a_database_of_postgresql_is_prepared(gate: Any, url: str) -> None:
    """Another place would be taken for the name of a host."""
    done = gate("ledger", "prepare", url)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("configuration error: the URL is not of a PostgreSQL database")


def test_many_logs_of_one_database_know_nothing_of_each_other(postgres: Server) -> None:
    one, two = (postgres.url(uuid4().hex) for _ in range(2))
    record(one, 1, 2)
    record(two, 3, key=LogKey.from_seed(bytes(32)))
    for url, size in ((one, 2), (two, 1)):
        report = verify_ledger(url, evidence_of=lambda statement: statement["predicate"]["evidence"])
        assert (report.ok, report.size) == (True, size)
    with pytest.raises(NoLedger):
        open_reader(postgres.url(uuid4().hex))


def test_a_database_that_was_not_prepared_says_so(postgres: Server) -> None:
    """The command that is given can be run as it is: with the user, host and parameters of the URL."""
    postgres.run("CREATE DATABASE bare")
    url = postgres.url(database="bare")
    with pytest.raises(EnvironmentProblem, match="not prepared") as caught:
        open_reader(url)
    assert shlex.split(str(caught.value.remedy)) == ["run:", "gate", "ledger", "prepare", url]


def test_a_role_that_is_missing_is_to_be_created(postgres: Server) -> None:
    with pytest.raises(EnvironmentProblem, match="nobody_here") as caught:
        prepare(parse(postgres.url()), writers=("nobody_here",))
    assert "create the role" in str(caught.value.remedy)


def test_tables_are_made_once_and_newer_ones_are_left_alone(postgres: Server) -> None:
    address = parse(postgres.url())
    done = prepare(address)
    assert (done.before, "?" in done.name) == (1, False)
    postgres.run("INSERT INTO gate_ledger.migrations VALUES (99)")
    try:
        for use in (prepare, lambda _: open_reader(postgres.url()), lambda _: record(postgres.url(), 1)):
            with pytest.raises(EnvironmentProblem, match="of version 99"):
                use(address)
    finally:
        postgres.run("DELETE FROM gate_ledger.migrations WHERE version = 99")


def test_the_writers_role_cannot_change_or_remove_and_the_readers_cannot_add(postgres: Server) -> None:
    import psycopg

    for role in ("ci", "auditor"):
        postgres.run(f"CREATE ROLE {role} LOGIN")
    prepare(parse(postgres.url()), ("ci",), ("auditor",))
    log = uuid4().hex
    record(postgres.url(log, "ci"), 1, 2)
    record(postgres.url(log, "ci"), 3)
    assert verify_ledger(postgres.url(log, "auditor")).size == 3
    with pytest.raises(EnvironmentProblem, match="not allowed") as caught:
        record(postgres.url(log, "auditor"), 4)
    assert "--writer" in str(caught.value.remedy)
    tables = ("lines", "checkpoints", "published", "verifiers", "vouched", "evidence", "logs", "migrations")
    for user in ("ci", "gate"):  # the owner is stopped by the triggers
        with psycopg.connect(f"host={postgres.folder} user={user} dbname=postgres", autocommit=True) as raw:
            for table in tables:
                for query in ("DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET log = log"):
                    other = {"migrations": "version = 0", "logs": "name = name"}.get(table, "log = log")
                    query = query.replace("log = log", other)
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        raw.execute(query.format(f"gate_ledger.{table}"))
    assert verify_ledger(postgres.url(log)).ok


def test_a_ledger_goes_to_the_database_and_back_and_stays_the_same_bytes(url: str, tmp_path: Path) -> None:
    first, back = tmp_path / "first", tmp_path / "back"
    record(str(first), 1, 2, 3)
    moved = migrate(f"file:{first}", url)
    assert (moved.lines, moved.new, moved.checkpoints, moved.blobs) == (3, 3, 1, 3)
    record(str(first), 4)
    again = migrate(f"file:{first}", url)  # what was added meanwhile
    assert (again.lines, again.new, again.checkpoints) == (4, 1, 2)
    assert migrate(url, f"file:{back}").sha256 == again.sha256
    for name in ("log.intoto.jsonl", "checkpoint", "checkpoints/4", "trust/log.vkey"):
        assert (back / name).read_bytes() == (first / name).read_bytes()
    record(url, 5)  # it goes on in the database
    assert verify_ledger(url).size == 5
    with pytest.raises(LedgerError, match="has entries that the source lacks"):
        migrate(f"file:{first}", url)


@pytest.mark.parametrize("kind", ["files", "database"])
def test_two_copies_at_once_add_every_line_once(url: str, kind: str, tmp_path: Path) -> None:
    """What is there twice could never be taken out of an append-only table again."""
    source, target = f"file:{tmp_path / 'one'}", f"file:{tmp_path / 'two'}" if kind == "files" else url
    record(source, *range(8))
    with ThreadPoolExecutor(4) as pool:
        moved = [future.result() for future in [pool.submit(migrate, source, target) for _ in range(4)]]
    assert [one.lines for one in moved] == [8] * 4 and sum(one.new for one in moved) == 8


def test_another_ledger_is_not_written_over(postgres: Server, tmp_path: Path) -> None:
    one, two, three = tmp_path / "one", tmp_path / "two", tmp_path / "three"
    record(str(one), 1)
    record(str(two), 2)
    record(str(three), 1, key=LogKey.from_seed(bytes(32)))
    before = (two / "log.intoto.jsonl").read_bytes()
    with pytest.raises(LedgerError, match="has another line"):
        migrate(f"file:{one}", f"file:{two}")
    with pytest.raises(LedgerError, match="another ledger is there"):
        migrate(f"file:{one}", f"file:{three}")
    with pytest.raises(GateError, match="onto itself"):
        migrate(f"file:{one}", f"file:{one}")
    assert (two / "log.intoto.jsonl").read_bytes() == before


def test_a_line_that_was_taken_out_is_named(url: str, postgres: Server) -> None:
    record(url, *range(4))
    log = parse(url).log
    postgres.run(
        "DELETE FROM gate_ledger.lines WHERE number = 1"
        " AND log = (SELECT log FROM gate_ledger.logs WHERE name = %s)",
        log,
    )
    with open_reader(url) as ledger, pytest.raises(LedgerError, match="line of the log is missing") as caught:
        list(ledger.entries())
    assert caught.value.place == "line 2"
    assert not verify_ledger(url).ok


def test_the_program_records_in_a_database(
    postgres: Server, copy_example: Any, gate: Any, operator: Any, tmp_path: Path
) -> None:
    """Named by the operator; the judged change cannot."""
    url = postgres.url(uuid4().hex)
    workspace = copy_example("ready")
    settings = operator(workspace)
    theirs = yaml.safe_load(settings.read_text())
    settings.write_text(yaml.safe_dump({**theirs, "ledger": {"location": url}}))
    options = ("--workspace", str(workspace), "--operator", str(settings))
    done = gate("evaluate", "stage1", *options)
    assert done.code == 0, done.err
    judged = workspace / "gate.yaml"
    before = judged.read_text()
    judged.write_text(yaml.safe_dump({**yaml.safe_load(before), "ledger": {"location": url}}))
    refused = gate("evaluate", "stage1", "--workspace", str(workspace))
    assert refused.code == 2
    assert "may not say which server" in refused.err
    judged.write_text(before)
    assert not (workspace / "ledger" / "log.intoto.jsonl").exists()
    shown = gate("ledger", "verify", *options)
    assert shown.code == 0, shown.out
    moved = gate("ledger", "migrate", url, str(tmp_path / "copy"), "-o", "json", *options)
    assert json.loads(moved.out)["lines"] == 1
    prepared = gate("ledger", "prepare", url, "-o", "json")
    assert json.loads(prepared.out)["after"] == 1
    missing = gate("ledger", "prepare", url, "--writer", "nobody-of-that-name")
    assert missing.code == 2
    assert "does not exist" in missing.err


def test_a_server_that_does_not_answer_is_waited_for_within_the_limit(
    own: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 1)
    monkeypatch.setattr(database, "_GRACE_SECONDS", 1)
    url = own.url(uuid4().hex)
    with open_ledger(url, KEY, origin=ORIGIN) as ledger:
        ledger.append([STATEMENT(0)])
        pids = [
            int(row[0]) for row in own.run("SELECT pid FROM pg_stat_activity WHERE application_name = 'gate'")
        ]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(EnvironmentProblem, match="did not answer for 2 seconds"):
                ledger.append([STATEMENT(1)])
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        assert ledger.append([STATEMENT(2)])  # over a new connection


def test_a_lock_that_another_process_holds_is_waited_for_within_the_limit(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 1)
    with open_ledger(url, KEY, origin=ORIGIN) as one, open_ledger(url, KEY, origin=ORIGIN) as two:
        one.append([STATEMENT(0)])
        with one._storage.sealing(), pytest.raises(EnvironmentProblem, match="longer than 1 seconds"):
            two.seal("2025-11-07T12:00:00Z")
        assert two.seal("2025-11-07T12:00:00Z").size == 1


def test_a_connection_lost_while_sealing_publishes_nothing(own: Server) -> None:
    """Its lock went with it, so another process may be sealing."""
    url = own.url(uuid4().hex)
    with open_ledger(url, KEY, origin=ORIGIN) as ledger:
        ledger.append([STATEMENT(0)])
        with pytest.raises(EnvironmentProblem), ledger._storage.sealing():
            own.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate'")
            ledger._storage.hint()
        assert ledger.checkpoint() is None
        assert ledger.seal("2025-11-07T12:00:00Z").size == 1


WRITER = """
import sys
from gate.engine.ledger import open_ledger
from gate.evidence.base.errors import EnvironmentProblem
from gate.evidence.signing.keys import LogKey
sys.path.insert(0, sys.argv[3])
from conftest_statement import statement
with open_ledger(sys.argv[1], LogKey.from_seed(bytes(range(32))), origin="gate-ledger/test") as ledger:
    for number in range(10**6):
        try:
            entry = ledger.append([statement(int(sys.argv[2]) * 10**6 + number)])[0]
        except EnvironmentProblem:
            break
        print(entry.index, entry.digest, flush=True)
"""

STATEMENT_MODULE = """
from gate.evidence.base.canonical import canonical

def statement(number):
    return canonical({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "subject", "digest": {"sha256": "0" * 64}}],
        "predicateType": "https://example.com/decision/v1",
        "predicate": {"number": number},
    })
"""


@pytest.mark.soak
@pytest.mark.parametrize("crash", ["stop", "kill"])
def test_nothing_acknowledged_is_lost_when_the_server_crashes(
    own: Server, tmp_path: Path, crash: str
) -> None:
    """Writers in processes of their own append while the server is killed and started again."""
    (tmp_path / "conftest_statement.py").write_text(STATEMENT_MODULE)
    url = own.url(uuid4().hex)
    open_ledger(url, KEY, origin=ORIGIN).close()
    acknowledged: dict[int, str] = {}
    for round_number in range(3):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, url, str(round_number * 10 + number), str(tmp_path)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(4)
        ]
        seen = threading.Barrier(len(writers) + 1)

        def follow(writer: subprocess.Popen[str], seen: threading.Barrier = seen) -> list[tuple[int, str]]:
            found = []
            assert writer.stdout is not None
            with writer.stdout:
                for line in writer.stdout:
                    index, digest = line.split()
                    found.append((int(index), digest))
                    if len(found) == 20:
                        seen.wait(60)
            return found

        with ThreadPoolExecutor(len(writers)) as pool:
            following = [pool.submit(follow, writer) for writer in writers]
            seen.wait(60)
            if crash == "stop":
                own.stop("immediate")
            else:
                own.kill()
            for one in following:
                acknowledged |= dict(one.result(60))
        assert [writer.wait(60) for writer in writers] == [0] * len(writers)
        own.restart()
    with open_ledger(url, KEY, origin=ORIGIN) as ledger:
        ledger.seal("2025-11-07T12:00:00Z")
        kept = {entry.index: entry.digest for entry in ledger.entries()}
    assert len(acknowledged) >= 240
    assert acknowledged.items() <= kept.items()
    assert verify_ledger(url).ok


@pytest.mark.soak
def test_thirty_two_writers_lose_nothing(url: str) -> None:
    open_ledger(url, KEY, origin=ORIGIN).close()

    def work(writer: int) -> list[int]:
        with open_ledger(url, KEY, origin=ORIGIN) as ledger:
            found = [ledger.append([STATEMENT(writer * 100 + one)])[0].index for one in range(8)]
            ledger.seal("2025-11-07T12:00:00Z")
            return found

    with ThreadPoolExecutor(32) as pool:
        made = sorted(index for part in pool.map(work, range(32)) for index in part)
    assert made == list(range(256))
    report = verify_ledger(url)
    assert (report.ok, report.size) == (True, 256)
