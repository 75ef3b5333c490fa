"""What the URL of a ledger in PostgreSQL says: the database as libpq takes it, and which log in it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from ....evidence.base.errors import ConfigError

DEFAULT_LOG: Final = "gate"
_LOG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
_SECRETS: Final = frozenset({"password", "passfile", "sslpassword", "sslkey"})


class Address(Struct, frozen=True):
    """Where a ledger is.

    Attributes:
        conninfo: the URL as libpq takes it, without what is gate's own.
        log: the name of the log in the database.
        name: the place, for messages; without user and parameters.
        url: as it was given; one with a password is refused.
    """

    conninfo: str
    log: str
    name: str
    url: str


def parse(url: str) -> Address:
    """The parts of ``postgresql://[USER@]HOST[:PORT]/DATABASE[?log=NAME&…]``.

    Raises ConfigError: it is no such URL, it names no database, or it holds a password.
    """
    try:
        url.encode()  # an argument of the command line may be no UTF-8
        parts = urlsplit(url)
        parameters = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        secret = parts.password is not None or not _SECRETS.isdisjoint(key for key, _ in parameters)
    except ValueError:
        raise ConfigError("the ledger's URL cannot be read", remedy=_FORM) from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise ConfigError("the URL is not of a PostgreSQL database", remedy=_FORM)
    if secret:
        what = "a password does not belong in the ledger's URL, which is shown and recorded"
        remedy = "put it into ~/.pgpass or a service file, or set PGPASSWORD or PGPASSFILE"
        raise ConfigError(what, remedy=remedy)
    database = parts.path.removeprefix("/")
    if not database or "/" in database or parts.fragment:
        raise ConfigError("the ledger's URL names no database", remedy=_FORM)
    logs = [value for key, value in parameters if key == "log"] or [DEFAULT_LOG]
    if len(logs) > 1 or not _LOG.fullmatch(logs[0]):
        remedy = "name one log, with letters, digits and . _ / - only, such as ?log=teams/equities"
        raise ConfigError(f"{logs[-1][:80]!r} cannot be the name of a log", remedy=remedy)
    rest = urlencode([(key, value) for key, value in parameters if key != "log"])
    conninfo = urlunsplit(("postgresql", parts.netloc, parts.path, rest, ""))
    host = parts.netloc.rpartition("@")[2]
    return Address(conninfo, logs[0], f"postgresql://{host}/{database}?log={logs[0]}", url)


_FORM: Final = "write postgresql://USER@HOST:PORT/DATABASE?log=NAME"
