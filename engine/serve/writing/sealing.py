"""The thread that appends to one ledger: what waits is appended and sealed together, then acknowledged.

Nothing is acknowledged before the log and the checkpoint are durable; evidence is stored before. A decision
that was recorded before is not recorded again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final

from msgspec import Struct

from ....evidence.base.errors import EnvironmentProblem, GateError
from ....evidence.base.times import format_utc
from ...ledger.interface import Entry
from ...ledger.writer import Ledger
from ...store.evidence import EvidenceStore
from .submission import Accepted

_MOST: Final = 256
"""Decisions that are sealed together."""
_REMEMBERED: Final = 1024
"""Entries of its own that a sealer remembers before it looks which of them the ledger shows by now."""


class Sealed(Struct, frozen=True):
    """Where a decision was recorded, now or before, and how many entries were sealed then."""

    entry: Entry
    new: bool
    size: int


class _Waiting(Struct, frozen=True):
    accepted: Accepted
    done: Future[Sealed]


class Sealer:
    """A thread that appends decisions to one ledger, and seals those that wait together.

    Args:
        ledger: opened for writing; closed at the end.
        known: gives the entry of a decision document that was recorded, by its digest.
        sealed: is called after each seal, before the decisions in it are acknowledged.
        clock: epoch seconds.
        told: is called with notices, such as that the receipt could not be written.
    """

    def __init__(
        self,
        ledger: Ledger,
        known: Callable[[str], Entry | None],
        sealed: Callable[[], Any],
        clock: Callable[[], float],
        told: Callable[[str], Any],
    ) -> None:
        self._ledger = ledger
        self._known = known
        self._sealed = sealed
        self._clock = clock
        self._told = told
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._own: dict[str, Entry] = {}
        self._ended = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="gate-sealer", daemon=True)
        self._thread.start()

    def record(self, accepted: Accepted) -> Future[Sealed]:
        """Record a decision whose documents are stored; done when it is durable and sealed.

        The future raises GateError: it was not recorded.
        """
        done: Future[Sealed] = Future()
        with self._lock:
            if self._ended:
                raise EnvironmentProblem("the service is ending", remedy="post it again")
            self._queue.put(_Waiting(accepted, done))
        return done

    def close(self) -> None:
        """Record what waits, then give up the ledger."""
        with self._lock:
            self._ended = True
        self._queue.put(None)
        self._thread.join()
        self._ledger.close()

    def _run(self) -> None:
        while True:
            found = [self._queue.get()]
            while found[-1] is not None and len(found) < _MOST:
                try:
                    found.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            # from here on, nobody who stops waiting can take a decision back
            batch = [one for one in found if one is not None and one.done.set_running_or_notify_cancel()]
            try:
                self._record(batch)
            except GateError as error:
                self._fail(batch, error)
            except Exception as error:  # noqa: BLE001 - the thread lives on, and nothing is acknowledged
                self._fail(batch, EnvironmentProblem("the ledger failed; nothing was acknowledged"))
                self._told(f"the sealing thread met {type(error).__name__}: {error}")
            if found[-1] is None:
                return

    def _record(self, batch: list[_Waiting]) -> None:
        new: dict[str, Accepted] = {}
        earlier: dict[str, Entry] = {}
        for one in batch:
            digest = one.accepted.digest
            entry = self._own.get(digest) or self._known(digest)
            if entry is not None:
                earlier[digest] = entry
            else:
                new.setdefault(digest, one.accepted)
        if not batch:
            return
        made = self._ledger.append([one.statement for one in new.values()])
        entries = dict(zip(new, made, strict=True))
        self._own |= entries  # before the seal, which may fail, and is tried again with the next
        size = self._ledger.seal(format_utc(int(self._clock()))).size
        self._sealed()
        if len(self._own) > _REMEMBERED:
            self._own = {digest: entry for digest, entry in self._own.items() if not self._known(digest)}
        while self._ledger.notices:
            self._told(self._ledger.notices.pop())
        for one in batch:
            digest = one.accepted.digest
            first = new.get(digest) is one.accepted
            one.done.set_result(Sealed(earlier.get(digest) or entries[digest], first, size))

    def _fail(self, batch: list[_Waiting], error: GateError) -> None:
        for one in batch:
            if not one.done.done():
                one.done.set_exception(error)


class Stores:
    """Evidence stores of one ledger, each for one thread at a time.

    Args:
        opened: opens one more.
    """

    def __init__(self, opened: Callable[[], EvidenceStore]) -> None:
        self._opened = opened
        self._idle: queue.LifoQueue[EvidenceStore] = queue.LifoQueue()

    @contextmanager
    def one(self) -> Iterator[EvidenceStore]:
        """One of them, opened if all are in use."""
        try:
            store = self._idle.get_nowait()
        except queue.Empty:
            store = self._opened()
        try:
            yield store
        except BaseException:
            store.close()
            raise
        self._idle.put(store)

    def close(self) -> None:
        """Give up files and connections."""
        while not self._idle.empty():
            self._idle.get().close()
