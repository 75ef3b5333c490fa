"""A ledger's lines, checkpoints and evidence in tables.

Append: a procedure in the server takes the log's advisory lock, finds the end and adds the lines. It
commits without waiting for the disk, so that the lock is held for as long as memory takes; a second, empty
commit then waits for the disk, shared by the server with everybody who waits. A server writes its log of
changes in order: what is on disk has everything before it, so no line survives a crash without those before
it. Publish is one transaction that waits for the disk. Locks end with the connection, and the connection with
the process.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate
from typing import Any, BinaryIO, Final

from ....evidence.base.errors import EnvironmentProblem, LedgerError
from ....evidence.signing.dsse import MAX_LINE_BYTES
from ....evidence.signing.keys import VerifierKey
from ...store.interface import in_parts
from ..interface import CHECKPOINT, HISTORY, LOG, VERIFIER, damaged
from ..note import MAX_NOTE_BYTES, Checkpoint
from ..reader import absent
from .address import Address
from .database import Database
from .schema import VERSION

_SEAL: Final = 0x67617466
"""The first half of the key of the advisory lock for sealing; the log's number is the second."""
_CUT_BACK: Final = "GL001"
"""What `append` in the database answers when sealed lines are missing."""
_ROWS: Final = 512
"""How many lines are fetched at a time: at most 32 MiB."""


class PostgresStorage:
    """One log in a database."""

    def __init__(self, database: Database, address: Address, *, write: bool) -> None:
        """Raises NoLedger: there is none, and it is not to be written; EnvironmentProblem: the tables are of
        another version.
        """
        self.name = address.name
        self._database = database
        self._log_name = address.log
        self._number: int | None = None
        self.blobs = PostgresBlobs(self)
        found = self.one("SELECT max(version) FROM migrations", everywhere=True)
        if found != VERSION:
            raise EnvironmentProblem(
                f"the tables are of version {found}, and this gate knows {VERSION}",
                path=self.name,
                remedy="upgrade gate"
                if (found or 0) > VERSION
                else f"run: gate ledger prepare {shlex.quote(address.url)}",
            )
        if self.log() is None and not write:
            raise absent(self.name)

    def log(self) -> int | None:
        """The log's number in the database; None when there is no such log yet."""
        if self._number is None:
            found = self.one("SELECT log FROM logs WHERE name = %s", self._log_name, everywhere=True)
            self._number = None if found is None else int(found)
        return self._number

    def one(self, query: str, *values: object, everywhere: bool = False) -> Any:
        """The first column of the first row for this log; None when there is none."""
        rows = self.rows(query, *values, everywhere=everywhere)
        return rows[0][0] if rows else None

    def rows(self, query: str, *values: object, everywhere: bool = False) -> list[tuple[Any, ...]]:
        """All rows for this log, whose number is the first value of the query unless it is `everywhere`."""
        if not everywhere:
            if self.log() is None:
                return []
            values = (self.log(), *values)
        with self._database.use("reading the ledger") as connection:
            return connection.execute(query, values, binary=True).fetchall()

    def change(self, query: str, *values: object) -> None:
        """Execute one statement for this log, durable when it returns."""
        with self._database.use("writing to the ledger") as connection:
            connection.execute(query, (self._begun(), *values))

    def verifier(self) -> bytes | None:
        """The verifier key's line."""
        return self._short("SELECT line FROM verifiers WHERE log = %s", place=VERIFIER)

    def note(self, size: int | None = None) -> bytes | None:
        """The latest checkpoint, or the one of that size."""
        if size is None:
            latest = "SELECT note FROM published WHERE log = %s ORDER BY place DESC LIMIT 1"
            return self._short(latest, place=CHECKPOINT)
        query = "SELECT note FROM checkpoints WHERE log = %s AND size = %s"
        return self._short(query, size, place=f"{HISTORY}/{size}")

    def kept(self, size: int, kind: str) -> bytes | None:
        """What was kept last about the checkpoint of that size."""
        query = (
            "SELECT data FROM vouched WHERE log = %s AND size = %s AND kind = %s ORDER BY place DESC LIMIT 1"
        )
        return self._short(query, size, kind, place=f"{HISTORY}/{size}.{kind}")

    def sizes(self) -> list[int]:
        """The sizes of all checkpoints."""
        return [size for (size,) in self.rows("SELECT size FROM checkpoints WHERE log = %s ORDER BY size")]

    def lines(self, after: Checkpoint | None = None) -> Iterator[bytes]:
        """The lines that are there now, from the first that the checkpoint does not cover on.

        Raises LedgerError for a line that is missing between others.
        """
        number = after.size if after else 0
        last = self.one("SELECT max(number) FROM lines WHERE log = %s")
        query = (
            "SELECT number, substring(line FOR %s) FROM lines"
            " WHERE log = %s AND number BETWEEN %s AND %s ORDER BY number LIMIT %s"
        )
        while last is not None and number <= last:
            found = self.rows(query, MAX_LINE_BYTES + 1, self.log(), number, last, _ROWS, everywhere=True)
            for at, line in found:
                if at != number:
                    break
                yield line
                number += 1
            if not found or found[-1][0] != number - 1:
                what = "a line of the log is missing, and later ones are there"
                raise damaged(f"{self.name}/{LOG}", what, line=number + 1)

    def covers(self, checkpoint: Checkpoint) -> bool:
        """Whether the last line that the checkpoint covers ends where the checkpoint says."""
        if checkpoint.size == 0:
            return checkpoint.log_bytes == 0
        ends = self.one("SELECT ends FROM lines WHERE log = %s AND number = %s", checkpoint.size - 1)
        return bool(ends == checkpoint.log_bytes)

    def faults(self) -> Iterator[LedgerError]:
        """Lines before the first one, and ends that do not follow from the lines."""
        query = (
            "SELECT number FROM (SELECT number, ends, octet_length(line) AS bytes,"
            " lag(ends, 1, 0::bigint) OVER (ORDER BY number) AS before FROM lines WHERE log = %s) AS found"
            " WHERE number < 0 OR ends <> before + bytes + 1 ORDER BY number LIMIT 20"
        )
        for (number,) in self.rows(query):
            yield damaged(
                f"{self.name}/{LOG}", "a line does not stand where the ledger says", line=number + 1
            )

    def unfinished(self) -> int:
        """Nothing is ever half there."""
        return 0

    def begin(self, verifier: VerifierKey) -> None:
        """Add the log and its key, unless they are there."""
        with self._database.use("beginning the ledger") as connection, connection.transaction():
            connection.execute(
                "INSERT INTO logs (name) VALUES (%s) ON CONFLICT DO NOTHING", (self._log_name,)
            )
        log = self._begun()
        with self._database.use("beginning the ledger") as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_SEAL, log))
            found = connection.execute(
                "SELECT EXISTS (SELECT FROM verifiers WHERE log = %(log)s), EXISTS (SELECT FROM lines WHERE"
                " log = %(log)s) OR EXISTS (SELECT FROM published WHERE log = %(log)s)"
                " OR EXISTS (SELECT FROM checkpoints WHERE log = %(log)s)",
                {"log": log},
            ).fetchone()
            known, used = found or (False, False)
            if used and not known:
                what = "the ledger has entries or checkpoints, but not the key that they are checked with"
                raise damaged(f"{self.name}/{VERIFIER}", what)
            if not known:
                connection.execute("INSERT INTO verifiers VALUES (%s, %s)", (log, f"{verifier}\n".encode()))

    def append(self, lines: Sequence[bytes], sealed: Checkpoint | None) -> int:
        """Add lines and wait for the disk, in one round trip."""
        log, ends = self._begun(), list(accumulate(len(line) + 1 for line in lines))
        with self._database.use("appending to the log") as connection:
            try:
                added = connection.execute(
                    "CALL append(%s, %b::bytea[], %b::bigint[], %s, NULL)",
                    (log, list(lines), ends, sealed.size if sealed else 0),
                )
                return int(str((added.fetchone() or (0,))[0]))
            except self._database.refusals as error:
                if error.sqlstate != _CUT_BACK:
                    raise
                place = f"{self.name}/{LOG}"
                raise damaged(place, str(error.diag.message_primary)) from None

    @contextmanager
    def sealing(self) -> Iterator[None]:
        """Hold the log's lock for sealing, for as long as this connection lasts."""
        log = self._begun()
        with self._database.use("waiting for other writers") as connection:
            connection.execute("SELECT pg_advisory_lock(%s, %s)", (_SEAL, log))
        self._database.pinned = True
        try:
            yield
        finally:
            self._database.pinned = False
            with suppress(EnvironmentProblem), self._database.use("ending the seal") as connection:
                connection.execute("SELECT pg_advisory_unlock(%s, %s)", (_SEAL, log))

    def hint(self) -> bytes | None:
        """The hint of the last seal."""
        return self._short("SELECT data FROM hints WHERE log = %s", place="state")

    def publish(self, checkpoint: Checkpoint, hint: bytes) -> None:
        """Put history, latest checkpoint and hint in place, as one; durable when it returns."""
        log = self._begun()
        with self._database.use("publishing a checkpoint") as connection, connection.transaction():
            connection.execute(
                "INSERT INTO checkpoints VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (log, checkpoint.size, checkpoint.note),
            )
            connection.execute("INSERT INTO published (log, note) VALUES (%s, %s)", (log, checkpoint.note))
            connection.execute(
                "INSERT INTO hints VALUES (%s, %s) ON CONFLICT (log) DO UPDATE SET data = EXCLUDED.data",
                (log, hint),
            )

    def keep(self, size: int, kind: str, data: bytes) -> None:
        """Add what was said about a checkpoint; the last one counts."""
        self.change("INSERT INTO vouched (log, size, kind, data) VALUES (%s, %s, %s, %s)", size, kind, data)

    def close(self) -> None:
        """Give up the connection."""
        self._database.close()

    def _begun(self) -> int:
        log = self.log()
        if log is None:
            raise absent(self.name)
        return log

    def _short(self, query: str, *values: object, place: str) -> bytes | None:
        """A value of at most `MAX_NOTE_BYTES`. Raises LedgerError for a larger one."""
        value: bytes | None = self.one(query, *values)
        if value is not None and len(value) > MAX_NOTE_BYTES:
            raise damaged(f"{self.name}/{place}", f"this is larger than {MAX_NOTE_BYTES} bytes")
        return value


class PostgresBlobs:
    """The evidence of one log; its connection is the storage's."""

    def __init__(self, storage: PostgresStorage) -> None:
        self.name = f"{storage.name}/evidence"
        self._storage = storage

    def write(self, digest: str, data: bytes) -> None:
        """Keep a blob, unless it is there."""
        self._storage.change("INSERT INTO evidence VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", digest, data)

    def open(self, digest: str) -> BinaryIO | None:
        """The blob as a stream; None when there is none."""
        size = self._storage.one(
            "SELECT octet_length(data) FROM evidence WHERE log = %s AND digest = %s", digest
        )
        if size is None:
            return None
        log = self._storage.log()
        query = "SELECT substring(data FROM %s FOR %s) FROM evidence WHERE log = %s AND digest = %s"

        def fetch(start: int, length: int) -> bytes:
            if start >= size:  # the end is known without asking
                return b""
            return self._storage.one(query, start + 1, length, log, digest, everywhere=True) or b""

        return in_parts(fetch)

    def digests(self) -> Iterator[str]:
        """The names of all blobs, sorted."""
        for (digest,) in self._storage.rows("SELECT digest FROM evidence WHERE log = %s ORDER BY digest"):
            yield digest

    def close(self) -> None:
        """The connection is closed with the storage."""
