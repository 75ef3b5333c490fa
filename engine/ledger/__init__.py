"""The append-only, signed log of decisions: append, seal, prove, verify. It knows no decision's meaning.

* `open_ledger`, `open_reader`, `verify_ledger` - a ledger by its URL.
* `reader`, `writer`, `verify` - what holds of every ledger, over the storage that `interface` describes.
* `files` - the storage in a directory (POSIX only: flock, directory descriptors; a local file system).
* `merkle`, `note` - RFC 6962 and C2SP checkpoints; `receipts` - what this user saw last, kept elsewhere.

Formats, the stock tools that check them, and how to write another storage: docs/ledger.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...evidence.base.limits import DEFAULT, Limits
from ..store import open_store
from ..store.urls import Schemes

if TYPE_CHECKING:
    from ...evidence.signing.keys import LogKey, VerifierKey
    from ..store.evidence import EvidenceStore
    from .interface import Connect, LedgerStorage
    from .reader import LedgerReader
    from .verify import Report
    from .writer import Ledger


def _files() -> Connect:
    from .files import connect

    return connect


LEDGERS: Final[Schemes[Connect]] = Schemes("ledger", "gate.ledgers", {"file": _files})


def open_ledger(
    url: str | Path,
    key: LogKey,
    *,
    config_dir: Path | None = None,
    origin: str | None = None,
    label: str = "gate-ledger",
    evidence: str | Path | None = None,
    limits: Limits = DEFAULT,
) -> Ledger:
    """Open the ledger at a URL for writing, and begin it when there is none; a context manager.

    Args:
        url: `file:PATH`, a path, or a URL whose scheme another distribution serves.
        key: the log key; a ledger belongs to the key it was begun with.
        config_dir: where receipts are kept; None keeps none and checks none.
        origin: name of a new log (printable ASCII, no blanks or `+`), by default the label and 128 random
            bits. Two ledgers with one name and one key are a fork, and are refused as such.
        evidence: URL of the evidence store; by default the one that lies with the ledger.

    Raises ConfigError for a scheme that nobody serves; LedgerError when the ledger was begun with another
    key, contains links, lacks sealed entries or contradicts the receipt; EnvironmentProblem when it cannot be
    used.
    """
    from .writer import Ledger, new_verifier

    name = origin if origin is not None else f"{label}/{os.urandom(16).hex()}"
    verifier = new_verifier(key, name, str(url))
    return Ledger(*_connect(url, evidence, limits, write=True), verifier, key, config_dir)


def open_reader(
    url: str | Path, *, evidence: str | Path | None = None, limits: Limits = DEFAULT
) -> LedgerReader:
    """Open an existing ledger for reading, without the private key; a context manager.

    Raises ConfigError for a scheme that nobody serves; LedgerError when there is no ledger, it contains links
    or its key is broken; EnvironmentProblem when it cannot be read.
    """
    from .reader import LedgerReader

    return LedgerReader(*_connect(url, evidence, limits, write=False))


def verify_ledger(
    url: str | Path,
    *,
    expected_key: VerifierKey | None = None,
    config_dir: Path | None = None,
    evidence_of: Callable[[dict[str, Any]], Iterable[str]] | None = None,
    evidence: str | Path | None = None,
) -> Report:
    """Check the ledger at a URL completely. Other arguments as `verify.verify`.

    Raises ConfigError for a scheme that nobody serves, LedgerError when there is no ledger at all,
    EnvironmentProblem when it cannot be read. What is wrong with a ledger is in the report.
    """
    from .verify import verify

    source, store = _connect(url, evidence, DEFAULT, write=False)
    with closing(source), store:
        return verify(source, store, expected_key, config_dir, evidence_of)


def _connect(
    url: str | Path, evidence: str | Path | None, limits: Limits, *, write: bool
) -> tuple[LedgerStorage, EvidenceStore]:
    from ..store.evidence import EvidenceStore

    connect, text = LEDGERS.find(url)
    storage = connect(text, write)
    try:
        if evidence is not None:
            return storage, open_store(evidence, limits=limits)
        return storage, EvidenceStore(storage.blobs, limits)
    except BaseException:
        storage.close()
        raise
