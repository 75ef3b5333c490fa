"""Records posted decisions: checks them, stores their documents, and has them appended and sealed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from ....evidence.base.errors import LedgerError
from ....evidence.base.times import format_utc
from ....evidence.signing.key_sources import find_log_key, given_log_key
from ....evidence.signing.keys import load_log_key
from ....evidence.signing.sshsig import ed25519_blob
from ...fleet.reading import check_key
from ...ledger import LEDGERS, open_ledger
from ...ledger.interface import EVIDENCE, Entry, NoLedger
from ...ledger.writer import Ledger
from ...store import open_store
from ...store.access import Folder, locked
from ...store.evidence import EvidenceStore
from ...store.urls import file_path
from ..served import Served, ServedLog
from .judging import Judges
from .sealing import Sealed, Sealer, Stores
from .submission import Accepted, Demands, read
from .tokens import Client, Issuers, permitted

_STORING = 16
"""Decisions whose documents are stored at a time."""


class _Log(Struct, frozen=True):
    sealer: Sealer
    stores: Stores
    keys: frozenset[bytes]


class Recorder:
    """Who may post, and what becomes of what they post. Methods may be called from any thread.

    Attributes:
        issuers: whose tokens are accepted.
        pool: threads for `record`.

    Args:
        told: is called with notices.

    Raises ConfigError: an issuer's keys cannot be used; LedgerError: the log key here does not sign one of
    the ledgers; EnvironmentProblem: a ledger cannot be written.
    """

    def __init__(self, served: Served, told: Callable[[str], Any]) -> None:
        service = served.service
        self.issuers = Issuers(service, told)
        self._served = served
        self._judges = Judges(service.limits.judges)
        # more threads than judges: most of them wait for the disk, which makes many files durable at once
        self.pool = ThreadPoolExecutor(self._judges.number + _STORING, "gate-record")
        self._logs: dict[str, _Log] = {}
        try:
            for log in served.logs.values():
                if log.log.stated.writers:
                    self._logs[log.name] = _open(log, served.config_dir, told)
        except BaseException:
            self.close()
            raise
        if self._logs:
            self._judges.start()

    def demands(self, log: ServedLog, client: Client) -> Demands:
        """What is demanded of a decision that this client posts now. Raises NotPermitted."""
        commit = permitted(log.log, client)
        stated = log.log.stated
        return Demands(
            policies=log.log.policies,
            operators=frozenset(stated.operators),
            tailored=frozenset(stated.tailored),
            workspace=stated.workspace,
            commit=commit,
            now_s=int(time.time()),
            keys=self._logs[log.name].keys,
        )

    def record(self, log: ServedLog, data: bytes, demands: Demands) -> tuple[Accepted, Future[Sealed]]:
        """Check a posted archive and store its documents; the future is done when it is sealed.

        Raises Refused: it must not be recorded; GateError: it could not be.
        """
        one = self._logs[log.name]
        accepted = self._judges.check(data, demands)
        if log.recorded(accepted.digest) is None:
            with one.stores.one() as store:
                for document in read(data).values():
                    store.put(document)
        return accepted, one.sealer.record(accepted)

    def close(self) -> None:
        """Record what waits, then end."""
        self.pool.shutdown()
        self._judges.close()
        for one in self._logs.values():
            one.sealer.close()
            one.stores.close()
        self._logs.clear()


def _open(log: ServedLog, config_dir: Path, told: Callable[[str], Any]) -> _Log:
    ledger = _opened(log, config_dir, told)
    try:
        check_key(log.member, ledger)
        if ledger.size():
            ledger.seal(format_utc(int(time.time())))  # what was appended when an earlier run ended
    except BaseException:
        ledger.close()
        raise

    def known(digest: str) -> Entry | None:
        row = log.recorded(digest)
        return None if row is None else row.entry

    keys = frozenset(ed25519_blob(one.key.public) for one in ledger.chain.signers)
    own = _own_evidence(log)
    if own is not None and (folder := Folder.open(own)) is not None:
        with closing(folder), locked(folder.handle, own):
            folder.remove_temporary()  # of an earlier run that was killed
    stores = Stores(partial(_evidence, log))
    return _Log(Sealer(ledger, known, log.changed, time.time, told), stores, keys)


def _own_evidence(log: ServedLog) -> Path | None:
    """The directory of the evidence that lies with a ledger of files; None for any other."""
    _, url = LEDGERS.find(log.member.url)
    beside = log.member.evidence is None and url.lower().startswith("file:")
    return file_path(url) / EVIDENCE if beside else None


def _evidence(log: ServedLog) -> EvidenceStore:
    """An evidence store of one's own."""
    # that of files as a store by itself: reached through the ledger, it waits for the lock of whoever seals
    place = _own_evidence(log) or log.member.evidence
    return log.open().evidence if place is None else open_store(place)


def _opened(log: ServedLog, config_dir: Path, told: Callable[[str], Any]) -> Ledger:
    """The ledger for writing, which is begun where there is none."""
    if given_log_key() is None and load_log_key(config_dir) is None:
        with suppress(NoLedger), log.reading() as found:
            raise LedgerError(
                f"this ledger was begun with key {found.verifier.fingerprint}, and there is no log key in "
                f"{config_dir}",
                path=found.name,
                remedy="use the configuration directory with its key (GATE_CONFIG_DIR)",
            )
    key, fresh = find_log_key(config_dir)
    if fresh:
        told(f"created the log key {key.fingerprint} in {config_dir}; it signs the ledgers and stays there")
    member = log.member
    return open_ledger(
        member.url,
        key,
        config_dir=config_dir,
        origin=log.log.stated.origin,
        label=f"gate.local/{log.name.lower()}",
        evidence=member.evidence,
        admins=member.admins,
    )
