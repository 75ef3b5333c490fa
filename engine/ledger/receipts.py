"""Receipts: what this user saw last of each ledger, kept outside the ledger.

A ledger alone cannot show that its end was cut off, that the holder of its key wrote it anew, or that another
ledger took its place. Files in the user's configuration directory can:

* `receipts/<identity>.json`, one per log and key: the last checkpoint, which whatever the ledger says later
  must extend. It is the signed note itself, so that it proves a fork to others.
* `receipts/places/<SHA-256 of the location>.json`: which log and key were seen there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import Struct

from ...evidence.base.canonical import canonical
from ...evidence.base.errors import LedgerError
from ...evidence.base.numbers import counted
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import SignatureError
from ..store.access import Folder, locked, os_errors
from .interface import RESTORE
from .keychain import Admins, KeyChain, NotCounted
from .merkle import Frontier
from .note import MAX_NOTE_BYTES, Checkpoint

RECEIPT_TYPE: Final = "gate.ledger-receipt/v1"
PLACE_TYPE: Final = "gate.ledger-place/v1"
_DIRECTORY: Final = "receipts"
_MAX_BYTES: Final = 16 * MAX_NOTE_BYTES
T = TypeVar("T")


class Receipt(Struct, frozen=True):
    """The last checkpoint of a log that was seen; the frontier of its tree and its keys up to there, where
    these are known.
    """

    checkpoint: Checkpoint
    frontier: Frontier | None
    chain: KeyChain | None = None


class Receipts:
    """What this user saw last of ledgers, and of the ledger at one place.

    Args:
        config_dir: the user's configuration directory.
        place: the ledger's absolute location.
    """

    def __init__(self, config_dir: Path, place: str) -> None:
        self._folder = config_dir / _DIRECTORY
        self._place = f"places/{hashlib.sha256(place.encode()).hexdigest()}.json"

    def path(self, key: VerifierKey) -> Path:
        """Where the receipt of this log and key is kept."""
        return self._folder / f"{key.identity.hex()}.json"

    def load(self, key: VerifierKey, admins: Admins | None = None) -> Receipt | None:
        """The last checkpoint of this log that was remembered; None when there is none.

        Args:
            key: that the log was begun with.
            admins: its first key admins, if they are known.

        Raises LedgerError when the receipt is not what `save` wrote, or has key events that do not count by
        these admins; EnvironmentProblem when it cannot be read.
        """
        begun = KeyChain.begin(key, admins)

        def read(data: Any) -> tuple[Receipt, bytes]:
            keys = data.get("keys")
            events = [(index, line.encode()) for index, line in keys["events"]] if keys else []
            if events and admins is None:
                raise self._uncounted("their key admins are not known here")
            try:
                chain = begun.replayed(events)
            except NotCounted as problem:
                raise self._uncounted(str(problem)) from None
            checkpoint, hashes = chain.open(data["note"].encode()), data.get("frontier")
            frontier = None if hashes is None else Frontier(checkpoint.size, map(bytes.fromhex, hashes))
            if frontier is not None and frontier.root() != checkpoint.root:
                raise ValueError("another frontier")
            # by other admins, events may count that did not when this was written
            same = keys is not None and admins is not None and keys["admins"] == admins.digest
            found = Receipt(checkpoint, frontier, chain if same else None)
            return found, _written(checkpoint, key, frontier, keys)

        return self._read(self.path(key).name, read)

    def here(self) -> VerifierKey | None:
        """The key of the ledger that was seen at this place; None when none was. Raises as `load`."""

        def read(data: Any) -> tuple[VerifierKey, bytes]:
            key = VerifierKey.parse(data["key"])
            return key, canonical({"key": str(key), "type": PLACE_TYPE})

        return self._read(self._place, read)

    def check_place(self, find: Callable[[], VerifierKey | None]) -> None:
        """Refuse another ledger, or none, where one was seen before.

        Args:
            find: gives the key of the ledger that is there now; called after the receipts are read, because
                another process may begin one meanwhile.

        Raises LedgerError when it is not the ledger that was seen.
        """
        known = self.here()
        found = find()
        if known is None or found == known:
            return
        try:
            seen = self.load(known)
        except LedgerError:  # its keys were changed; whose word that was does not matter here
            seen = None
        last = ""
        if seen is not None:
            last = f", last sealed with {counted(seen.checkpoint.size, 'entry')} on {seen.checkpoint.time}"
        what = f"{known.name} with key {known.fingerprint}{last}"
        if found is None:
            what = f"the ledger is gone: here was {what}"
        else:
            what = f"this is another ledger, {found.name} with key {found.fingerprint}: here was {what}"
        remedy = f"{RESTORE}; if you removed or replaced it yourself, delete that receipt"
        raise LedgerError(what, place=f"receipt {self._folder / self._place}", remedy=remedy)

    def save(
        self, key: VerifierKey, checkpoint: Checkpoint, frontier: Frontier | None, chain: KeyChain
    ) -> None:
        """Remember `checkpoint`, in place of an earlier one, and that its ledger is at this place.

        Raises EnvironmentProblem when it cannot be written, LedgerError for a link in its place.
        """
        with os_errors("making the configuration directory", self._folder):
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Folder.open(self._folder, create=True)
        assert folder is not None  # noqa: S101 - narrows the type: create=True never gives None
        with closing(folder), locked(folder.handle, folder.path):
            folder.remove_temporary()
            earlier = self.load(key, chain.pinned)
            if (
                earlier is None
                or earlier.frontier is None
                or earlier.checkpoint.size < checkpoint.size
                or (earlier.chain is None and chain.pinned is not None)
            ):
                # key events after the checkpoint are read again with the lines after it
                events = [[at, line.decode()] for at, line in chain.events if at < checkpoint.size]
                keys = None if chain.pinned is None else {"admins": chain.pinned.digest, "events": events}
                data = _written(checkpoint, key, frontier, keys)
                folder.write(self.path(key).name, data, mode=0o600)
            if self.here() != key:
                data = canonical({"key": str(key), "type": PLACE_TYPE})
                folder.write(self._place, data, mode=0o600)

    def _uncounted(self, why: str) -> LedgerError:
        what = f"the receipt for this ledger has key events that do not count: {why}"
        remedy = "name the key admins in the operator's file (--operator, `gate docs keys`)"
        return LedgerError(what, path=str(self._folder), remedy=remedy)

    def _read(self, name: str, read: Callable[[Any], tuple[T, bytes]]) -> T | None:
        """What a file in the directory holds, provided that it is what would be written of it."""
        import orjson

        folder = Folder.open(self._folder)
        if folder is None:
            return None
        with closing(folder):
            data = folder.read(name, _MAX_BYTES)
        if data is None:
            return None
        try:
            value, written = read(orjson.loads(data))
            if written == data:
                return value
        except (ValueError, SignatureError, KeyError, TypeError, AttributeError):
            pass
        what = "the receipt for this ledger was changed or is broken"
        remedy = "restore it from a backup; deleting it gives up what it would have shown"
        raise LedgerError(what, path=str(self._folder / name), remedy=remedy)


def _written(
    checkpoint: Checkpoint, key: VerifierKey, frontier: Frontier | None, keys: dict[str, Any] | None
) -> bytes:
    hashes = {} if frontier is None else {"frontier": [one.hex() for one in frontier.hashes]}
    return canonical(
        {
            **hashes,
            **({} if keys is None else {"keys": keys}),
            "key": str(key),
            "note": checkpoint.note.decode(),
            "origin": checkpoint.origin,
            "root": checkpoint.root_hex,
            "size": checkpoint.size,
            "type": RECEIPT_TYPE,
        }
    )
