"""Files are written as a whole: the old one or the new one, and no link is followed."""

from __future__ import annotations

import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gate.evidence.base.atomic import write_at, write_file


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files cannot grow beyond `size` bytes: a write fails in the middle, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    handle = os.open(tmp_path, os.O_RDONLY)
    yield handle
    os.close(handle)


def test_the_file_has_the_new_content_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"old")
    write_file(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"new")]


@pytest.mark.parametrize("durable", [True, False])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, durable: bool) -> None:
    write_file(tmp_path / "a", b"old")
    with largest_file(4096), pytest.raises(OSError):
        write_file(tmp_path / "a", bytes(100_000), durable=durable)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"target")
    (tmp_path / "a").symlink_to("target")
    write_file(tmp_path / "a", b"new")
    assert (tmp_path / "target").read_bytes() == b"target"
    assert (tmp_path / "a").read_bytes() == b"new"
    assert not (tmp_path / "a").is_symlink()


def test_permissions_are_those_asked_for(tmp_path: Path, directory: int) -> None:
    before = os.umask(0o022)
    try:
        write_at(directory, "a", b"", mode=0o666)
        write_at(directory, "b", b"", mode=0o400)
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"] == [0o644, 0o400]


def test_a_name_that_is_taken_is_kept_when_asked(tmp_path: Path, directory: int) -> None:
    write_at(directory, "a", b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_at(directory, "a", b"second", replace=False)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"first")]
