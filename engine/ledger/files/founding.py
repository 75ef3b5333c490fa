"""How a ledger begins: its name, its key and an empty log. Called with the directory locked."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from ....evidence.base.errors import LedgerError
from ....evidence.signing.keys import LogKey, VerifierKey
from ....evidence.signing.problems import SignatureError
from ..note import MAX_NOTE_BYTES
from .access import open_subdirectory, os_errors, read_file, write_file
from .reader import CHECKPOINT, HISTORY, LOG, RESTORE, TRUST, VERIFIER, open_log

_OPEN_LOG: Final = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def found_ledger(directory: int, path: Path, key: LogKey, origin: str | None, label: str) -> VerifierKey:
    """Begin a ledger in an empty directory: give it its name and key.

    Raises LedgerError when it is not empty, or the name cannot be one.
    """
    with os_errors("reading the ledger directory", path), os.scandir(directory) as entries:
        names = {entry.name for entry in entries}
    if names & {LOG, CHECKPOINT, HISTORY}:
        raise LedgerError(
            "the ledger has entries or checkpoints, but not the key that they are checked with",
            path=str(path / TRUST / VERIFIER),
            remedy=RESTORE,
        )
    try:
        verifier = key.verifier(origin if origin is not None else f"{label}/{secrets.token_hex(16)}")
    except SignatureError as problem:
        raise LedgerError(
            f"the ledger cannot be named {(origin or label)[:80]!r}: {problem.reason}",
            path=str(path),
            remedy="choose another name for the ledger's origin",
        ) from None
    trust = open_subdirectory(directory, TRUST, path, create=True)
    assert trust is not None  # noqa: S101 - narrows the type: create=True never gives None
    try:
        write_file(trust, VERIFIER, f"{verifier}\n".encode(), path / TRUST)
    finally:
        os.close(trust)
    return verifier


def open_or_make_log(directory: int, path: Path) -> int:
    """A descriptor of the log for appending; an empty log is made where nothing was sealed yet."""
    log = open_log(directory, path, _OPEN_LOG)
    if log is not None:
        return log
    if read_file(directory, CHECKPOINT, path, MAX_NOTE_BYTES) is not None:
        raise LedgerError("the log itself is missing", path=str(path / LOG), remedy=RESTORE)
    made = open_log(directory, path, _OPEN_LOG | os.O_CREAT | os.O_EXCL)
    assert made is not None  # noqa: S101 - narrows the type: O_CREAT never gives None
    with os_errors("beginning the log", path / LOG):
        os.fsync(directory)
    return made


def other_key(path: Path, verifier: VerifierKey, key: LogKey) -> LedgerError:
    """The error for a ledger that belongs to another key."""
    return LedgerError(
        f"this ledger was begun with key {verifier.fingerprint}, but yours is {key.fingerprint}",
        path=str(path / TRUST / VERIFIER),
        remedy="use the configuration directory with the first key (GATE_CONFIG_DIR), or begin a ledger "
        "of your own in another directory",
    )
