"""The cache's file: private, authenticated, and no cache rather than an error."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.evidence.collecting.cache import store as _cache_store
from gate.evidence.collecting.cache.store import KEY_FILE, Store

VALUE = {"some": ["facts", 1, None, "é"], "more": "x" * 100}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store about nothing in particular, where nothing is yet."""
    return make(tmp_path)


def make(place: Path, subject: bytes = b"subject") -> Store:
    return Store(place / "cache", place / "config", subject)


def test_what_is_saved_is_loaded(store: Store, tmp_path: Path) -> None:
    assert store.load() is None
    assert store.save(VALUE)
    assert store.load() == make(tmp_path).load() == VALUE
    assert make(tmp_path, b"other").load() is None
    assert store.save(None)
    assert store.load() is None


def test_everything_is_private(store: Store, tmp_path: Path) -> None:
    os.umask(0o022)
    assert store.save(VALUE)
    key = tmp_path / "config" / KEY_FILE
    assert stat.S_IMODE(store.path.stat().st_mode) == stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert len(key.read_bytes()) == 32
    assert key.read_bytes() not in store.path.read_bytes()
    assert list(key.parent.iterdir()) == [key]
    assert list(store.path.parent.iterdir()) == [store.path]


def flip(file: Path, key: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)


def truncate(file: Path, key: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def head_only(file: Path, key: Path) -> None:
    os.truncate(file, 20)


def empty(file: Path, key: Path) -> None:
    file.write_bytes(b"")


def other_version(file: Path, key: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"gate cache 1", b"gate cache 9"))


def other_key(file: Path, key: Path) -> None:
    key.write_bytes(b"k" * 32)


def no_key(file: Path, key: Path) -> None:
    key.unlink()


def link(file: Path, key: Path) -> None:
    file.rename(file.parent.parent / "moved")
    file.symlink_to(file.parent.parent / "moved")


def pipe(file: Path, key: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def readable(file: Path, key: Path) -> None:
    file.chmod(0o644)


def giant(file: Path, key: Path) -> None:
    os.truncate(file, _cache_store.MOST_BYTES + 1)


def of_another_subject(file: Path, key: Path) -> None:
    other = make(file.parent.parent.parent, b"other")
    assert other.save(VALUE)
    other.path.replace(file)


@pytest.mark.parametrize(
    "damage",
    [
        flip, truncate, head_only, empty, other_version, other_key, no_key, link, pipe, readable, giant,
        of_another_subject,
    ],
)  # fmt: skip
def test_a_damaged_file_is_none_and_is_replaced(
    store: Store, tmp_path: Path, damage: Callable[[Path, Path], None]
) -> None:
    assert store.save(VALUE)
    damage(store.path, tmp_path / "config" / KEY_FILE)
    assert store.load() is None
    assert store.save(VALUE)
    assert store.load() == VALUE
    assert not store.path.is_symlink()


@pytest.mark.parametrize("how", ["short", "link", "readable", "directory"])
def test_a_bad_key_is_no_key(store: Store, tmp_path: Path, how: str) -> None:
    """Nothing is written under it, and it is not replaced: it may be somebody's mistake."""
    assert store.save(VALUE)
    key = tmp_path / "config" / KEY_FILE
    if how == "short":
        key.write_bytes(b"short")
    elif how == "link":
        key.rename(tmp_path / "key")
        key.symlink_to(tmp_path / "key")
    elif how == "readable":
        key.chmod(0o644)
    else:
        key.unlink()
        key.mkdir()
    assert store.load() is None
    assert not store.save(VALUE)


@pytest.mark.parametrize("which", ["cache/evidence", "config"])
@pytest.mark.parametrize("how", ["file", "link", "open to others"])
def test_a_directory_that_is_not_ours_alone_is_not_used(
    store: Store, tmp_path: Path, which: str, how: str
) -> None:
    place = tmp_path / which
    place.parent.mkdir(exist_ok=True)
    (tmp_path / "target").mkdir(mode=0o700)
    if how == "file":
        place.write_text("")
    elif how == "link":
        place.symlink_to(tmp_path / "target")
    else:
        place.mkdir()
        place.chmod(0o777)
    assert not store.save(VALUE)
    assert store.load() is None
    assert not list((tmp_path / "target").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("which", ["cache/evidence", "config", "config/" + KEY_FILE, "file"])
def test_what_belongs_to_another_user_is_not_used(store: Store, tmp_path: Path, which: str) -> None:
    assert store.save(VALUE)
    os.chown(store.path if which == "file" else tmp_path / which, 65_534, 65_534)
    assert store.load() is None


def test_where_nothing_can_be_written_nothing_is(tmp_path: Path) -> None:
    blocked = Path("/proc/self/gate-cannot-write-here")
    for cache_dir, config_dir in ((blocked, tmp_path), (tmp_path, blocked)):
        store = Store(cache_dir, config_dir, b"subject")
        assert not store.save(VALUE)
        assert store.load() is None


@pytest.mark.parametrize("value", [{"a": 1 << 70}, {"a": "\udce9"}, {"a": object()}, ["x" * 1000]])
def test_what_cannot_be_written_is_not(store: Store, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cache_store, "MOST_BYTES", 500)
    assert store.save(VALUE)
    assert not store.save(value)
    assert store.load() == VALUE


def test_old_files_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cache_store, "MOST_FILES", 3)
    stores = [make(tmp_path, b"%d" % number) for number in range(6)]
    for number, store in enumerate(stores):
        for value in (number, number + 100):
            assert store.save(value)
            os.utime(store.path, ns=(number, number))
    assert [store.load() for store in stores] == [None, None, None, 103, 104, 105]


@pytest.mark.soak
def test_processes_that_write_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    """Six processes begin without even a key; all get the same one, and the last one's file stays."""
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from gate.evidence.collecting.cache.store import Store
        store = Store(Path(sys.argv[1]) / "cache", Path(sys.argv[1]) / "config", b"subject")
        for number in range(30):
            assert store.save([number, "x" * 10_000])
            found = store.load()
            assert found is not None and found[1] == "x" * 10_000, found
        """
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(6)]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert make(tmp_path).load()[0] == 29
    assert len(list((tmp_path / "cache/evidence").iterdir())) == 1
    assert len(list((tmp_path / "config").iterdir())) == 1
