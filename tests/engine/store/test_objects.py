"""What is special about evidence in object storage: URLs, credentials, and servers that fail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from gate.engine.ledger import open_ledger, verify_ledger
from gate.engine.store import objects, open_store
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import ConfigError, EnvironmentProblem, LedgerError
from gate.evidence.signing.keys import LogKey

from .object_server import CREDENTIALS, Objects, answering, locked, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    with running(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("s3://", "names no bucket"),
        ("s3:///x", "names no bucket"),
        ("s3://Bucket/x", "names no bucket"),
        ("s3://key:secret@bucket/x", "names no bucket"),
        ("s3://bucket/x?access_key_id=secret", "names no bucket"),
        ("s3://bucket/x?endpoint=https://a&endpoint=https://b", "names no bucket"),
        ("s3://bucket/x?nonsense", "cannot be read"),
        ("s3://bucket/../x", "cannot be a prefix"),
        ("s3://bucket/x//y", "cannot be a prefix"),
        ("s3://bucket/x?endpoint=http://storage.example", "over TLS"),
        ("s3://bucket/x?endpoint=ftp://127.0.0.1", "over TLS"),
        ("s3://bucket/x?endpoint=https://key:secret@storage.example", "a scheme and a host"),
    ],
)
def test_a_wrong_url_is_refused_without_showing_a_secret(url: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        open_store(url)
    assert "secret" not in caught.value.diagnostics()


def test_evidence_of_a_ledger_lies_in_the_bucket(server: Objects, tmp_path: Path) -> None:
    """As plain objects that are named by their SHA-256, which any client can fetch and check."""
    url, prefix = server.url("team/one"), server.folder / "team" / "one"
    with open_ledger(tmp_path / "ledger", LogKey.from_seed(bytes(32)), evidence=url) as ledger:
        digest = ledger.evidence.put(b"data")
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}],
            "predicateType": "https://example.com/decision/v1",
            "predicate": {"evidence": [digest]},
        }
        ledger.append([canonical(statement)])
        ledger.seal("2025-11-07T12:00:00Z")
    stored = prefix / "sha256" / digest[:2] / digest
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == digest
    report = verify_ledger(
        tmp_path / "ledger", evidence=url, evidence_of=lambda one: one["predicate"]["evidence"]
    )
    assert report.ok


def test_many_clients_put_the_same_evidence_once(server: Objects) -> None:
    url = server.url(uuid4().hex)

    def put(number: int) -> str:
        with open_store(url) as store:
            return store.put(b"the same")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(put, range(16)))) == 1
    with open_store(url) as store:
        assert len(list(store.digests())) == 1


def test_large_evidence_is_read_in_parts(server: Objects) -> None:
    data = bytes(range(256)) * 12_345
    with open_store(server.url(uuid4().hex)) as store:
        digest = store.put(data)
        assert store.get(digest) == data


def test_something_else_below_the_prefix_is_named(server: Objects) -> None:
    prefix = uuid4().hex
    with open_store(server.url(prefix)) as store:
        store.put(b"data")
        (server.folder / prefix / "sha256" / "notes.txt").write_text("x")
        with pytest.raises(LedgerError, match="does not belong") as caught:
            list(store.digests())
        assert caught.value.what == "this does not belong in the evidence store"
        assert str(caught.value.path).endswith(f"{prefix}/sha256/notes.txt")


def test_wrong_credentials_and_a_bucket_that_is_not_there(
    server: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = server.url("x").replace("evidence", "elsewhere")
    with open_store(elsewhere) as store, pytest.raises(EnvironmentProblem, match="failed"):
        store.put(b"data")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    with open_store(server.url("x")) as store, pytest.raises(EnvironmentProblem) as caught:
        store.put(b"data")
    shown = caught.value.diagnostics()
    assert "another-secret" not in shown
    assert "credentials" in shown


def test_a_server_that_is_busy_is_asked_again_and_not_for_ever() -> None:
    """503 means "slow down"."""
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    with answering(503, 503, 404) as (url, seen), open_store(url) as store:
        with pytest.raises(LedgerError, match="not in its store"):
            store.check("0" * 64)
        assert len(seen) == 3
    with answering(503) as (url, seen), open_store(url) as store:
        with pytest.raises(EnvironmentProblem, match="failed") as caught:
            store.put(b"data")
        assert len(seen) == objects._RETRIES + 1
        assert "check the bucket" in str(caught.value.remedy)


def test_nobody_listens() -> None:
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    url = "s3://evidence/x?endpoint=http://127.0.0.1:9"
    with open_store(url) as store, pytest.raises(EnvironmentProblem, match="failed"):
        store.check("0" * 64)


def test_a_bucket_with_object_lock_and_versions_keeps_one_version_of_each(tmp_path: Path) -> None:
    """However often and by however many a document is stored. What somebody else puts in its place is found,
    and the bucket still has the true one.
    """
    with locked(tmp_path) as server:
        url = server.url("team")
        again = objects.connect(url)
        with open_ledger(tmp_path / "ledger", LogKey.from_seed(bytes(32)), evidence=url) as ledger:
            digests = [ledger.evidence.put(data) for data in (b"one", b"two", b"one")]
            with ThreadPoolExecutor(4) as pool:  # without looking first whether it is there
                list(pool.map(lambda _: again.write(digests[0], b"one"), range(8)))
            ledger.seal("2025-11-07T12:00:00Z")
        (kept, version), other = sorted(server.versions(), key=lambda one: digests[0] not in one[0])
        assert [kept, other[0]] == [f"team/sha256/{one[:2]}/{one}" for one in digests[:2]]
        with open_store(url) as store:
            assert list(store.digests()) == sorted(digests[:2])
            assert verify_ledger(tmp_path / "ledger", evidence=url).ok
            assert server.call("DELETE", f"/{kept}", f"versionId={version}")[0] == 403
            assert server.call("PUT", f"/{kept}", data=b"another")[0] == 200
            with pytest.raises(LedgerError, match="was changed"):
                store.check(digests[0])
            assert server.call("GET", f"/{kept}", f"versionId={version}") == (200, "one")
