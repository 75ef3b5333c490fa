"""One connection to PostgreSQL: opened again when it was lost, and never waited for without a limit."""

from __future__ import annotations

import logging
import math
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from ....evidence.base.errors import EnvironmentProblem, not_installed
from .address import Address

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS: Final = 10
WAIT_SECONDS: Final = 30
"""How long a lock, a statement or an answer is waited for."""
_GRACE_SECONDS: Final = 5
"""How much longer than the server we wait ourselves, so that its own message arrives first."""
_LATE: Final = "gate waited for too long"
_NOTHING: Final = "nothing was acknowledged"


class Database:
    """A connection to the database of an address; a context manager gives it, and turns its errors into ours.

    Args:
        write: whether the server must accept writes: of several hosts, the primary is taken.
    """

    def __init__(self, address: Address, *, write: bool) -> None:
        """Raises ConfigError, EnvironmentProblem as `connect`."""
        try:
            import psycopg
        except ImportError as error:
            raise not_installed("a ledger in PostgreSQL", "postgres", error) from None
        # it logs what a lost connection could not finish; the error that it raises says the same
        logging.getLogger("psycopg").setLevel(logging.CRITICAL)
        self._psycopg = psycopg
        self.refusals: type[psycopg.Error] = psycopg.errors.DatabaseError
        """What is raised when the server refuses a statement."""
        self._address = address
        self._write = write
        self._open: Any = None  # of the class that `_limited` makes
        self.pinned = False
        """Whether the connection holds a lock, so that another one cannot take its place."""
        with self.use("connecting"):
            pass

    @contextmanager
    def use(self, what: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """The connection, for statements that together take no longer than the limit; ``what`` they do, for
        messages.

        Raises EnvironmentProblem: the database cannot be reached, does not answer in time or refuses.
        """
        errors = self._psycopg.errors
        try:
            connection = self._connected()
            connection.end_s = time.monotonic() + WAIT_SECONDS + _GRACE_SECONDS
            yield connection
        except (errors.LockNotAvailable, errors.QueryCanceled):
            remedy = f"another process holds the ledger, or the server is overloaded: run again; {_NOTHING}"
            raise self._problem(f"{what} took longer than {WAIT_SECONDS} seconds", remedy) from None
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            remedy = f"run: gate ledger prepare {shlex.quote(self._address.url)}"
            raise self._problem("this database was not prepared for ledgers", remedy) from None
        except errors.InsufficientPrivilege as error:
            remedy = "grant the role what it needs with `gate ledger prepare --writer ROLE`, or --reader"
            raise self._problem(f"{what} is not allowed: {_words(error)}", remedy) from None
        except errors.UndefinedObject as error:
            remedy = "create the role first, with CREATE ROLE"
            raise self._problem(f"{what} failed: {_words(error)}", remedy) from None
        except self._psycopg.Error as error:
            reason = _words(error)
            if _LATE in reason:
                reason = f"the server did not answer for {WAIT_SECONDS + _GRACE_SECONDS} seconds"
                if self._open is not None:
                    self._open.close()
            remedy = f"check the database, then run again; {_NOTHING}"
            raise self._problem(f"{what} failed: {reason}", remedy) from None

    def close(self) -> None:
        """Give up the connection; may be called twice."""
        if self._open is not None:
            with suppress(self._psycopg.Error):
                self._open.close()
        self._open = None

    def _connected(self) -> Any:
        if self._open is not None and self._open.closed and not self.pinned:
            self._open = None  # the server was restarted, or another one took its place
        if self._open is None:
            self._open = _limited().connect(
                self._address.conninfo,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name="gate",
                target_session_attrs="read-write" if self._write else "any",
                keepalives_idle=5,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=1000 * WAIT_SECONDS,
                options=f"-c lock_timeout={WAIT_SECONDS}s -c statement_timeout={WAIT_SECONDS}s"
                f" -c idle_in_transaction_session_timeout={2 * WAIT_SECONDS}s -c search_path=gate_ledger"
                " -c client_encoding=UTF8",
            )
        return self._open

    def _problem(self, what: str, remedy: str) -> EnvironmentProblem:
        return EnvironmentProblem(what, path=self._address.name, remedy=remedy)


@cache
def _limited() -> Any:
    """The class of connections whose calls end at a given time, whether the server answers or not."""
    import psycopg

    class Limited(psycopg.Connection[tuple[object, ...]]):
        end_s = math.inf

        def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
            return super().wait(self._until_end(gen), *arguments, **options)

        def _until_end(self, gen: Any) -> Any:
            """The steps of a call; the client waits between two of them, for a tenth of a second at most."""
            try:
                state = next(gen)
                while True:
                    ready = yield state
                    if time.monotonic() > self.end_s:
                        raise psycopg.OperationalError(_LATE)
                    state = gen.send(ready)
            except StopIteration as end:
                return end.value

    return Limited


def _words(error: psycopg.Error) -> str:
    """The first line of what the server or the client said."""
    text = error.diag.message_primary or str(error)
    return next(iter(text.splitlines()), type(error).__name__)[:300]
