"""Receipts: the last checkpoint of each ledger that this user has seen, kept outside the ledger.

A ledger alone cannot show that its end was cut off or that the holder of its key wrote it anew. A receipt in
the user's configuration directory can: whatever the ledger says later must extend what the receipt says. One
file per log and key, `receipts/<identity>.json`, holding the signed checkpoint itself, so that it proves a
fork to others.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from ...evidence.base.canonical import canonical
from ...evidence.base.errors import LedgerError
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import SignatureError
from ..store.access import Folder, os_errors
from .note import MAX_NOTE_BYTES, Checkpoint

RECEIPT_TYPE: Final = "gate.ledger-receipt/v1"
_DIRECTORY: Final = "receipts"


def receipt_path(config_dir: Path, key: VerifierKey) -> Path:
    """Where the receipt of this log and key is kept."""
    return config_dir / _DIRECTORY / f"{key.identity.hex()}.json"


def load_receipt(config_dir: Path, key: VerifierKey) -> Checkpoint | None:
    """The last checkpoint of this log that was remembered; None when there is none.

    Raises LedgerError when the receipt is not what `save_receipt` wrote.
    """
    import orjson

    path = receipt_path(config_dir, key)
    folder = Folder.open(config_dir)
    if folder is None:
        return None
    with closing(folder):
        data = folder.read(f"{_DIRECTORY}/{path.name}", 2 * MAX_NOTE_BYTES)
    if data is None:
        return None
    try:
        checkpoint = Checkpoint.open(orjson.loads(data)["note"].encode(), key)
        intact = data == _written(checkpoint, key)
    except (orjson.JSONDecodeError, SignatureError, KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise LedgerError(
            "the receipt for this ledger was changed or is broken",
            path=str(path),
            remedy="restore it from a backup; deleting it gives up what it would have shown",
        )
    return checkpoint


def save_receipt(config_dir: Path, key: VerifierKey, checkpoint: Checkpoint) -> None:
    """Remember `checkpoint`, in place of an earlier one.

    Raises EnvironmentProblem when it cannot be written.
    """
    with os_errors("making the configuration directory", config_dir):
        config_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Folder.open(config_dir, create=True)
    assert folder is not None  # noqa: S101 - narrows the type: create=True never gives None
    with closing(folder):
        name = f"{_DIRECTORY}/{receipt_path(config_dir, key).name}"
        folder.write(name, _written(checkpoint, key), mode=0o600)


def _written(checkpoint: Checkpoint, key: VerifierKey) -> bytes:
    return canonical(
        {
            "key": str(key),
            "note": checkpoint.note.decode(),
            "origin": checkpoint.origin,
            "root": checkpoint.root_hex,
            "size": checkpoint.size,
            "type": RECEIPT_TYPE,
        }
    )
