"""The evidence store: files named by their digest, and everything that could be wrong with them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.engine.store.files import EvidenceStore
from gate.evidence.base.errors import EnvironmentProblem, LedgerError
from gate.evidence.base.limits import Limits

DIGEST = hashlib.sha256(b"data").hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EvidenceStore]:
    handle = os.open(tmp_path, os.O_RDONLY)
    yield EvidenceStore(handle, tmp_path)
    os.close(handle)


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[EvidenceStore]:
    """The same store, where a file may have three bytes."""
    handle = os.open(tmp_path, os.O_RDONLY)
    yield EvidenceStore(handle, tmp_path, Limits(file_bytes=3))
    os.close(handle)


def place(tmp_path: Path, digest: str = DIGEST) -> Path:
    return tmp_path / "evidence" / "sha256" / digest[:2] / digest


def test_what_is_put_comes_back_and_is_read_only(store: EvidenceStore, tmp_path: Path) -> None:
    assert store.put(b"data") == DIGEST
    assert store.put(b"data") == DIGEST
    assert store.get(DIGEST) == b"data"
    assert stat.S_IMODE(place(tmp_path).stat().st_mode) == 0o444
    assert list(store.digests()) == [DIGEST]


def test_an_empty_store_has_nothing(store: EvidenceStore) -> None:
    assert list(store.digests()) == []
    with pytest.raises(LedgerError, match="not in its store"):
        store.get(DIGEST)
    with pytest.raises(LedgerError, match="not in its store"):
        store.check(DIGEST)


def test_digests_come_sorted_without_left_over_temporary_files(store: EvidenceStore, tmp_path: Path) -> None:
    digests = sorted(store.put(bytes([number])) for number in range(20))
    place(tmp_path, digests[0]).with_name(".tmp-1").write_bytes(b"half")
    assert list(store.digests()) == digests


def test_a_changed_file_is_found_whenever_it_is_used(store: EvidenceStore, tmp_path: Path) -> None:
    store.put(b"data")
    place(tmp_path).chmod(0o644)
    place(tmp_path).write_bytes(b"date")
    for use in (lambda: store.get(DIGEST), lambda: store.check(DIGEST), lambda: store.put(b"data")):
        with pytest.raises(LedgerError, match="no longer its name") as caught:
            use()
        assert caught.value.path == str(place(tmp_path))
        assert "restore the file" in str(caught.value.remedy)


def test_links_are_refused(store: EvidenceStore, tmp_path: Path) -> None:
    store.put(b"data")
    (tmp_path / "copy").write_bytes(b"data")
    place(tmp_path).unlink()
    place(tmp_path).symlink_to(tmp_path / "copy")
    with pytest.raises(LedgerError, match="regular files and directories only"):
        store.get(DIGEST)
    place(tmp_path).unlink()
    place(tmp_path).hardlink_to(tmp_path / "copy")
    with pytest.raises(LedgerError, match="regular files and directories only"):
        store.check(DIGEST)


def test_a_linked_directory_is_refused(store: EvidenceStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "evidence").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LedgerError, match="regular files and directories only"):
        store.put(b"data")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["../../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_digests_are_names(store: EvidenceStore, name: str) -> None:
    with pytest.raises(LedgerError, match="not a SHA-256 digest"):
        store.get(name)


@pytest.mark.parametrize("stray", ["zz", "aa/README", "ab/" + "cd" * 32])
def test_strangers_in_the_store_are_named(store: EvidenceStore, tmp_path: Path, stray: str) -> None:
    store.put(b"data")
    path = tmp_path / "evidence" / "sha256" / stray
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    with pytest.raises(LedgerError, match="does not belong") as caught:
        list(store.digests())
    assert caught.value.path == str(path)


def test_too_large_evidence_is_refused(store: EvidenceStore, small_store: EvidenceStore) -> None:
    with pytest.raises(LedgerError, match="larger than 3"):
        small_store.put(b"data")
    store.put(b"data")
    with pytest.raises(LedgerError, match="larger than 3 bytes"):
        small_store.get(DIGEST)


def test_a_full_disk_leaves_nothing_behind(store: EvidenceStore, tmp_path: Path) -> None:
    """The limit on file sizes stands for the full disk: the write fails in the middle."""
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(EnvironmentProblem, match="writing to the ledger failed"):
            store.put(bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
