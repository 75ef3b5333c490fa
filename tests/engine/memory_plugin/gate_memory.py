"""Ledgers and evidence stores in memory, by URL `memory:<name>`: the plug points as another distribution uses
them.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO

from gate.engine.ledger.interface import LedgerStorage
from gate.engine.ledger.note import Checkpoint
from gate.engine.ledger.reader import absent
from gate.engine.store.interface import BlobStorage
from gate.evidence.base.errors import LedgerError
from gate.evidence.signing.keys import VerifierKey


@dataclass
class Kept:
    """What one URL holds; `notes` has the latest checkpoint under None."""

    verifier: bytes | None = None
    lines: list[bytes] = field(default_factory=list)
    notes: dict[int | None, bytes] = field(default_factory=dict)
    hint: bytes | None = None
    kept: dict[tuple[int, str], bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    appending: threading.Lock = field(default_factory=threading.Lock)
    sealing: threading.Lock = field(default_factory=threading.Lock)


WORLD: dict[str, Kept] = {}


def connect_store(url: str) -> BlobStorage:
    """The blobs of a URL."""
    return Blobs(url, WORLD.setdefault(url, Kept()))


def connect_ledger(url: str, write: bool) -> LedgerStorage:
    """The ledger of a URL."""
    if not write and url not in WORLD:
        raise absent(url)
    return Storage(url, WORLD.setdefault(url, Kept()))


class Blobs:
    def __init__(self, name: str, kept: Kept) -> None:
        self.name = name
        self._kept = kept

    def write(self, digest: str, data: bytes) -> None:
        self._kept.blobs[digest] = data

    def open(self, digest: str) -> BinaryIO | None:
        found = self._kept.blobs.get(digest)
        return None if found is None else io.BytesIO(found)

    def digests(self) -> Iterator[str]:
        yield from sorted(self._kept.blobs)

    def close(self) -> None:
        pass


class Storage:
    def __init__(self, name: str, kept: Kept) -> None:
        self.name = name
        self.blobs = Blobs(f"{name}/evidence", kept)
        self._kept = kept

    def close(self) -> None:
        pass

    def verifier(self) -> bytes | None:
        return self._kept.verifier

    def note(self, size: int | None = None) -> bytes | None:
        return self._kept.notes.get(size)

    def kept(self, size: int, kind: str) -> bytes | None:
        return self._kept.kept.get((size, kind))

    def keep(self, size: int, kind: str, data: bytes) -> None:
        self._kept.kept[size, kind] = data

    def sizes(self) -> list[int]:
        return sorted(size for size in self._kept.notes if size is not None)

    def lines(self, after: Checkpoint | None = None) -> Iterator[bytes]:
        yield from self._kept.lines[after.size if after else 0 :]

    def covers(self, checkpoint: Checkpoint) -> bool:
        covered = self._kept.lines[: checkpoint.size]
        return sum(len(line) + 1 for line in covered) == checkpoint.log_bytes

    def faults(self) -> Iterator[LedgerError]:
        yield from ()

    def unfinished(self) -> int:
        return 0

    def begin(self, verifier: VerifierKey) -> None:
        with self._kept.appending:
            if self._kept.verifier is None:
                if self._kept.lines or self._kept.notes:
                    raise LedgerError("there are entries, but no key", path=f"{self.name}/trust/log.vkey")
                self._kept.verifier = f"{verifier}\n".encode()

    def append(self, lines: Sequence[bytes], sealed: Checkpoint | None) -> int:
        with self._kept.appending:
            first = len(self._kept.lines)
            self._kept.lines += lines
        return first

    def sealing(self) -> AbstractContextManager[object]:
        return self._kept.sealing

    def hint(self) -> bytes | None:
        return self._kept.hint

    def publish(self, checkpoint: Checkpoint, hint: bytes) -> None:
        self._kept.notes[checkpoint.size] = self._kept.notes[None] = checkpoint.note
        self._kept.hint = hint
