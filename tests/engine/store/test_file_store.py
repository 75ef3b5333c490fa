"""What is special about an evidence store in files: modes, links, foreign files, the disk."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.engine.store import open_store
from gate.engine.store.evidence import EvidenceStore
from gate.evidence.base.errors import EnvironmentProblem, LedgerError

DIGEST = hashlib.sha256(b"data").hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EvidenceStore]:
    with open_store(tmp_path / "store") as opened:
        yield opened


def place(tmp_path: Path, digest: str = DIGEST) -> Path:
    return tmp_path / "store" / "sha256" / digest[:2] / digest


def test_files_are_read_only_and_made_with_the_first_one(store: EvidenceStore, tmp_path: Path) -> None:
    assert list(store.digests()) == []
    assert not (tmp_path / "store").exists()
    store.put(b"data")
    assert stat.S_IMODE(place(tmp_path).stat().st_mode) == 0o444


def test_left_over_temporary_files_are_no_blobs(store: EvidenceStore, tmp_path: Path) -> None:
    store.put(b"data")
    place(tmp_path).with_name(".tmp-1").write_bytes(b"half")
    assert list(store.digests()) == [DIGEST]


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
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "sha256").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LedgerError, match="regular files and directories only") as caught:
        store.put(b"data")
    assert caught.value.path == str(tmp_path / "store" / "sha256")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("stray", ["zz", "aa/README", "ab/" + "cd" * 32])
def test_strangers_in_the_store_are_named(store: EvidenceStore, tmp_path: Path, stray: str) -> None:
    store.put(b"data")
    path = tmp_path / "store" / "sha256" / stray
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    with pytest.raises(LedgerError, match="does not belong") as caught:
        list(store.digests())
    assert caught.value.path == str(path)


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
