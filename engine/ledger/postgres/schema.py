"""The tables of ledgers in a database: made, brought up to date, and granted to roles."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from msgspec import Struct

from ....evidence.base.errors import EnvironmentProblem
from .address import Address
from .database import Database

VERSION: Final = 1
"""The version of the tables that this gate reads and writes: the number of the last file in migrations."""
_KEPT: Final = "logs, verifiers, lines, checkpoints, published, vouched, evidence"


class Prepared(Struct, frozen=True):
    """What was done: the version the tables had (None if there were none), and which roles were granted."""

    name: str
    before: int | None
    after: int
    granted: tuple[str, ...]


def prepare(address: Address, writers: tuple[str, ...] = (), readers: tuple[str, ...] = ()) -> Prepared:
    """Make the tables or bring them up to date, and grant roles that exist what they need.

    Raises EnvironmentProblem: psycopg is not installed, the database cannot be reached, a role does not
    exist, the connected role may not do this, or the tables are newer than this gate.
    """
    database = Database(address, write=True)
    from psycopg import sql

    try:
        with database.use("preparing the database") as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (0x67617465,))
            row = connection.execute("SELECT to_regclass('gate_ledger.migrations') IS NOT NULL").fetchone()
            before = None
            if row is not None and row[0]:
                found = connection.execute("SELECT max(version) FROM gate_ledger.migrations").fetchone()
                before = int(str(found[0])) if found else None
            if before is not None and before > VERSION:
                what = f"the tables are of version {before}, and this gate knows {VERSION}"
                raise EnvironmentProblem(what, path=address.name, remedy="upgrade gate")
            for version in range((before or 0) + 1, VERSION + 1):
                script = files(__package__) / "migrations" / f"{version}.sql"
                connection.execute(script.read_text("utf-8").encode())
            for role in dict.fromkeys((*writers, *readers)):
                to = sql.Identifier(role)
                connection.execute(sql.SQL("GRANT USAGE ON SCHEMA gate_ledger TO {}").format(to))
                connection.execute(
                    sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA gate_ledger TO {}").format(to)
                )
            for role in writers:
                to = sql.Identifier(role)
                kept = sql.SQL(_KEPT)
                connection.execute(sql.SQL("GRANT INSERT ON {} TO {}").format(kept, to))
                connection.execute(sql.SQL("GRANT INSERT, UPDATE ON hints TO {}").format(to))
        place = address.name.partition("?")[0]  # the tables are those of every log
        return Prepared(place, before, VERSION, tuple(dict.fromkeys((*writers, *readers))))
    finally:
        database.close()
