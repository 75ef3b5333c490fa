"""The append-only, signed log of decisions: append, seal, prove, verify. It knows no decision's meaning.

* `open_ledger`, `open_reader`, `verify_ledger` - a ledger by its URL.
* `reader`, `writer`, `verify` (`findings`) - what holds of every ledger, over the storage that `interface`
  describes; `proof` - what leaves it.
* `checking` - lines and evidence by themselves, and by several processes.
* `files` - the storage in a directory (POSIX only: flock, directory descriptors; a local file system);
  `postgres` - the one in a database.
* `keychain` - which keys may sign an entry or a checkpoint, by the log's key events.
* `merkle`, `note` - RFC 6962 and C2SP checkpoints.
* Copies outside of it: `receipts` - what this user saw last; `timestamp`, `witness` - what authorities
  said about checkpoints, asked over HTTP (`posting`).

Formats, the stock tools that check them, and how to write another storage: docs/ledger.md.
"""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...evidence.base.limits import DEFAULT, Limits
from ..store import open_store
from ..store.urls import Schemes

if TYPE_CHECKING:
    from ...evidence.signing.keys import LogKey, VerifierKey
    from ..spread.interface import Spread
    from ..store.evidence import EvidenceStore
    from .findings import Verification
    from .interface import Connect, LedgerStorage
    from .keychain import Admins
    from .reader import LedgerReader
    from .receipts import Receipts
    from .writer import Ledger


LEDGERS: Final[Schemes[Connect]] = Schemes(
    "ledger", "gate.ledgers", {"file": ".files", "postgresql": ".postgres", "postgres": ".postgres"}, __name__
)


def open_ledger(
    url: str | Path,
    key: LogKey,
    *,
    config_dir: Path | None = None,
    origin: str | None = None,
    label: str = "gate-ledger",
    evidence: str | Path | None = None,
    limits: Limits = DEFAULT,
    admins: Admins | None = None,
    joins: bool = False,
) -> Ledger:
    """Open the ledger at a URL for writing, and begin it when there is none; a context manager.

    Args:
        url: `file:PATH`, a path, or a URL whose scheme another distribution serves.
        key: the log key; a ledger belongs to the key it was begun with.
        config_dir: the user's configuration directory with the receipts; None keeps none and checks none.
        origin: name of a new log (printable ASCII, no blanks or `+`), by default the label and 128 random
            bits. Two ledgers with one name and one key are a fork, and are refused as such.
        evidence: URL of the evidence store; by default the one that lies with the ledger.
        admins: the first key admins, whose key events count; None counts none.
        joins: whether the key may be one that the first entry which is appended is to admit.

    Raises ConfigError for a scheme that nobody serves; LedgerError when the ledger was begun with another
    key, contains links, lacks sealed entries or contradicts the receipt; EnvironmentProblem when it cannot be
    used.
    """
    from .writer import Ledger, new_verifier

    name = origin if origin is not None else f"{label}/{os.urandom(16).hex()}"
    verifier = new_verifier(key, name, str(url))
    receipts = _receipts(url, config_dir)
    parts = _connect(url, evidence, limits, receipts, write=True)
    return Ledger(*parts, verifier, key, receipts, admins, joins=joins)


def open_reader(
    url: str | Path,
    *,
    config_dir: Path | None = None,
    evidence: str | Path | None = None,
    limits: Limits = DEFAULT,
    admins: Admins | None = None,
) -> LedgerReader:
    """Open an existing ledger for reading, without the private key; a context manager.

    Raises ConfigError for a scheme that nobody serves; LedgerError when there is no ledger (NoLedger), it
    contains links, its key is broken or it contradicts the receipts; EnvironmentProblem when it cannot be
    read.
    """
    from .reader import LedgerReader

    receipts = _receipts(url, config_dir)
    return LedgerReader(*_connect(url, evidence, limits, receipts, write=False), receipts, admins)


def verify_ledger(
    url: str | Path,
    *,
    expected_key: VerifierKey | None = None,
    config_dir: Path | None = None,
    evidence: str | Path | None = None,
    spread: Spread | None = None,
    **options: Any,
) -> Verification:
    """Check the ledger at a URL. Other arguments as `verify.verify`.

    Args:
        spread: who checks lines and evidence, where everything is checked; None: this process.

    Raises ConfigError for a scheme that nobody serves, LedgerError when there is no ledger at all,
    EnvironmentProblem when it cannot be read. What is wrong with a ledger is in the report.
    """
    from .verify import verify

    receipts = _receipts(url, config_dir)
    source, store = _connect(url, evidence, DEFAULT, receipts, write=False)
    work = None
    if spread is not None:
        from .checking.job import Checking

        work = (Checking(partial(_connect, url, evidence, DEFAULT, None, write=False)), spread)
    with closing(source), store:
        return verify(source, store, expected_key, receipts, work=work, **options)


def _receipts(url: str | Path, config_dir: Path | None) -> Receipts | None:
    """The receipts of the ledger at a URL, by its absolute location."""
    from ..store.urls import file_path
    from .receipts import Receipts

    if config_dir is None:
        return None
    _, text = LEDGERS.find(url)
    if text.lower().startswith("file:"):
        text = f"file:{file_path(text).resolve()}"
    return Receipts(config_dir, text)


def _connect(
    url: str | Path, evidence: str | Path | None, limits: Limits, receipts: Receipts | None, *, write: bool
) -> tuple[LedgerStorage, EvidenceStore]:
    from ..store.evidence import EvidenceStore
    from .interface import NoLedger

    connect, text = LEDGERS.find(url)
    try:
        storage = connect(text, write)
    except NoLedger:
        if receipts is not None:
            receipts.check_place(lambda: None)
        raise
    try:
        if evidence is not None:
            return storage, open_store(evidence, limits=limits)
        return storage, EvidenceStore(storage.blobs, limits)
    except BaseException:
        storage.close()
        raise
