"""One authenticated file in a directory of the user's own, written by this user's gate or taken for absent.

Nothing in here raises for what is wrong with the file, the directory or the key: a cache is never needed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from ...base.atomic import write_at

KEY_FILE: Final = "cache-key"
"""Name of the key in the configuration directory, beside the log's key."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Largest file read or written."""

MOST_FILES: Final = 64
"""Files kept in the directory; the oldest go when there are more."""

_FOLDER: Final = "evidence"
_MAGIC: Final = b"gate cache 1\n"
_KEY_BYTES: Final = 32
_MAC_BYTES: Final = 32
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Store:
    """The file of one subject.

    Args:
        cache_dir: the directory of all such files; made when something is saved.
        config_dir: where the key is; a new one is made when something is saved.
        subject: what the file is about; only a file about this is accepted.
    """

    def __init__(self, cache_dir: Path, config_dir: Path, subject: bytes) -> None:
        self._folder = cache_dir / _FOLDER
        self._config_dir = config_dir
        self._subject = hashlib.sha256(subject).digest()
        self._name = self._subject.hex()[:32] + ".json"

    @property
    def path(self) -> Path:
        """Where the file is, or would be."""
        return self._folder / self._name

    def load(self) -> Any:
        """What was saved last; None if there is nothing that can be trusted."""
        import orjson

        try:
            with _directory(self._config_dir, 0o022) as config:
                key = _read(config, KEY_FILE, _KEY_BYTES)
            with _directory(self._folder, 0o077) as folder:
                data = _read(folder, self._name, MOST_BYTES)
        except OSError:
            return None
        if len(key) != _KEY_BYTES or not data.startswith(_MAGIC):
            return None
        body = memoryview(data)[len(_MAGIC) + _MAC_BYTES :]
        stated = data[len(_MAGIC) : len(_MAGIC) + _MAC_BYTES]
        if not hmac.compare_digest(stated, self._mac(key, body)):
            return None
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:  # written by us, so it never is
            return None

    def save(self, value: Any) -> bool:
        """Replace the file by one with this JSON-like value; whether that was possible."""
        import orjson

        try:
            body = orjson.dumps(value)
        except TypeError:  # a number or a text that JSON cannot carry
            return False
        if len(_MAGIC) + _MAC_BYTES + len(body) > MOST_BYTES:
            return False
        try:
            self._config_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _directory(self._config_dir, 0o022) as config:
                key = _key(config)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _directory(self._folder, 0o077) as folder:
                _make_room(folder, self._name)
                data = b"".join((_MAGIC, self._mac(key, body), body))
                write_at(folder, self._name, data, mode=0o600, durable=False)
        except OSError:
            return False
        return True

    def _mac(self, key: bytes, body: bytes | memoryview) -> bytes:
        code = hmac.new(key, _MAGIC + self._subject, hashlib.sha256)
        code.update(body)
        return code.digest()


@contextmanager
def _directory(path: Path, closed_to: int) -> Iterator[int]:
    """The open directory, if it is ours and has none of these permission bits; raises OSError otherwise."""
    fd = os.open(path, _READ | os.O_DIRECTORY)
    try:
        _check(os.fstat(fd), closed_to)
        yield fd
    finally:
        os.close(fd)


def _check(state: os.stat_result, closed_to: int) -> None:
    if state.st_uid != os.geteuid() or state.st_mode & closed_to:
        raise PermissionError("others have access to it")


def _read(directory: int, name: str, most: int) -> bytes:
    """The content of a private regular file of ours; raises OSError for any other."""
    with os.fdopen(os.open(name, _READ, dir_fd=directory), "rb") as stream:
        state = os.fstat(stream.fileno())
        _check(state, 0o077)
        if not stat.S_ISREG(state.st_mode) or state.st_size > most:
            raise OSError("not a file of ours")
        return stream.read(most + 1)


def _key(directory: int) -> bytes:
    """The key, made when there is none; of two processes that make one, both get the first."""
    with suppress(FileNotFoundError):
        key = _read(directory, KEY_FILE, _KEY_BYTES)
        if len(key) != _KEY_BYTES:
            raise OSError("not a key")
        return key
    key = os.urandom(_KEY_BYTES)
    with suppress(FileExistsError):
        write_at(directory, KEY_FILE, key, mode=0o600, durable=False, replace=False)
    return _read(directory, KEY_FILE, _KEY_BYTES)


def _make_room(directory: int, name: str) -> None:
    """Before a new file comes: remove the oldest ones, and what was half written when a process was ended."""
    names = os.listdir(directory)
    if name in names or len(names) < MOST_FILES:
        return
    ages = []
    for other in names:
        with suppress(FileNotFoundError):
            state = os.stat(other, dir_fd=directory, follow_symlinks=False)
            ages.append((state.st_mtime_ns, other))
    for _, oldest in sorted(ages)[: len(names) - MOST_FILES + 1]:
        with suppress(FileNotFoundError):
            os.unlink(oldest, dir_fd=directory)
