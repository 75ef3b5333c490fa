"""What every evidence store does, in every storage."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from gate.engine.store import open_store
from gate.evidence.base.errors import LedgerError
from gate.evidence.base.limits import Limits

from ...docker_registry import DockerRegistry
from .object_server import CREDENTIALS, Objects, running

DIGEST = hashlib.sha256(b"data").hexdigest()
Tamper = Callable[[str, bytes | None], None]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    with running(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    found = DockerRegistry(tmp_path_factory.mktemp("oci") / "registry")
    yield found
    found.stop()


@pytest.fixture(params=["file", "memory", "oci", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "s3":
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        server: Objects = request.getfixturevalue("objects")
        return server.url(uuid4().hex)
    if request.param == "oci":
        return f"oci://{request.getfixturevalue('registry').host}/evidence/{uuid4().hex}"
    if request.param == "memory":
        request.getfixturevalue("memory_plugin")
    return f"{request.param}:{tmp_path / 'store'}"


@pytest.fixture
def tamper(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Tamper]:
    """Puts other bytes in the place of a blob, behind the store's back; None removes it."""

    def change(digest: str, data: bytes | None) -> None:
        if url.startswith("memory:"):
            blobs = request.getfixturevalue("memory_plugin").WORLD[url].blobs
            blobs.pop(digest)
            if data is not None:
                blobs[digest] = data
            return
        folder = tmp_path / "store"
        if url.startswith("s3:"):
            folder = request.getfixturevalue("objects").folder / urlsplit(url).path[1:]
        path = folder / "sha256" / digest[:2] / digest
        if url.startswith("oci:"):  # where all repositories of the server share it
            path = request.getfixturevalue("registry").blobs / "sha256" / digest[:2] / digest / "data"
        path.unlink(missing_ok=True)
        touched.append(path)
        if data is not None:
            path.write_bytes(data)

    touched: list[Path] = []
    yield change
    for path in touched:
        path.unlink(missing_ok=True)


def test_what_is_put_comes_back(url: str) -> None:
    with open_store(url) as store:
        assert store.put(b"data") == DIGEST
        assert store.put(b"data") == DIGEST
        store.check(DIGEST)
    with open_store(url) as again:
        assert again.get(DIGEST) == b"data"
        assert list(again.digests()) == [DIGEST]


def test_an_empty_store_has_nothing(url: str) -> None:
    with open_store(url) as store:
        assert list(store.digests()) == []
        for use in (store.get, store.check):
            with pytest.raises(LedgerError, match="not in its store"):
                use(DIGEST)


def test_digests_come_sorted(url: str) -> None:
    with open_store(url) as store:
        for number in range(20):
            store.put(bytes([number]))
        assert list(store.digests()) == sorted(hashlib.sha256(bytes([n])).hexdigest() for n in range(20))


def test_a_changed_blob_is_found_whenever_it_is_used(url: str, tamper: Tamper) -> None:
    with open_store(url) as store:
        store.put(b"data")
        tamper(DIGEST, b"date")
        for use in (lambda: store.get(DIGEST), lambda: store.check(DIGEST), lambda: store.put(b"data")):
            with pytest.raises(LedgerError, match="no longer its name") as caught:
                use()
            assert str(caught.value.path).endswith(DIGEST)
            assert "restore the file" in str(caught.value.remedy)


def test_a_missing_blob_is_found_and_can_be_put_again(url: str, tamper: Tamper) -> None:
    with open_store(url) as store:
        store.put(b"data")
        tamper(DIGEST, None)
        with pytest.raises(LedgerError, match="not in its store"):
            store.get(DIGEST)
        store.put(b"data")
        assert store.get(DIGEST) == b"data"


@pytest.mark.parametrize("name", ["../../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_digests_are_names(url: str, name: str) -> None:
    with open_store(url) as store:
        for use in (store.get, store.check):
            with pytest.raises(LedgerError, match="not a SHA-256 digest"):
                use(name)


def test_too_large_blobs_are_refused_and_still_verified(url: str) -> None:
    """A store that was filled under wider limits can be checked, though not read, under narrow ones."""
    with open_store(url, limits=Limits(file_bytes=3)) as small, open_store(url) as store:
        with pytest.raises(LedgerError, match="larger than 3"):
            small.put(b"data")
        store.put(b"data")
        with pytest.raises(LedgerError, match="larger than 3 bytes"):
            small.get(DIGEST)
        small.check(DIGEST)
