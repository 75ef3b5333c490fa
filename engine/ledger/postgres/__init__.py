"""Ledgers in a PostgreSQL database (docs/scale.md, "A ledger in PostgreSQL"); needs the extra ``postgres``.

* `address` - what a URL says; `database` - one connection, its errors and time limits.
* `storage` - lines, checkpoints and evidence in tables; `schema` - the tables, made and granted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .storage import PostgresStorage


def connect(url: str, write: bool) -> PostgresStorage:
    """The ledger that a ``postgresql:`` URL names; ``write`` begins it where there is none.

    Raises ConfigError when the URL is wrong; NoLedger when there is none and it is not to be written;
    EnvironmentProblem when psycopg is not installed, or the database cannot be reached or was not prepared.
    """
    from .address import parse
    from .database import Database
    from .storage import PostgresStorage

    address = parse(url)
    database = Database(address, write=write)
    try:
        return PostgresStorage(database, address, write=write)
    except BaseException:
        database.close()
        raise
