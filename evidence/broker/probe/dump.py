"""Account values that a program of the user dumped: ``ib.accountSummary()`` of ib_async or ib_insync.

Three forms are read: JSON (rows as objects, or as arrays in the order of ``AccountValue``), the text that
``print`` makes of the list or of its rows, and CSV with the names of the fields in its first line, as pandas
writes it. Nothing in a dump is executed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from ...base.errors import EvidenceError, UsageError
from ...base.limits import DEFAULT
from ...base.numbers import counted
from ...reading.parse import decode_text, line_and_column, parse_csv, parse_json
from ..account_id import mask
from ..port.model import AccountValue, AccountValues
from .attestation import Attestation
from .record import LIVE, UNKNOWN, Record, make_record

FIELDS = ("account", "tag", "value", "currency", "modelCode")
"""The fields of an ``AccountValue``, in their order."""

_TEXT = r"""('[^'\\\n]*'|"[^"\\\n]*")"""
_ROW = re.compile(
    rf"AccountValue\(account={_TEXT},\s*tag={_TEXT},\s*value={_TEXT},\s*currency={_TEXT}"
    rf"(?:,\s*modelCode={_TEXT})?\)"
)
_BETWEEN = re.compile(r"[\s,\[\]]*")
_ALL = "All"
"""The account of rows about all accounts together."""


def read_dump(data: bytes, path: str) -> dict[str, AccountValues]:
    """The account values in a dump, by account; rows about a model or about all accounts are left out.

    Raises EvidenceError: it is in none of the three forms, or has no account's values; with the place.
    """
    text = decode_text(data, path)
    start = text.lstrip()
    if start.startswith("AccountValue") or re.match(r"\[\s*AccountValue", start):
        rows = _of_print(text, path)
    elif start[:1] in ("[", "{"):
        rows = _of_json(parse_json(data, path, DEFAULT), path)
    else:
        rows = _of_csv(data, path)
    found: dict[str, dict[AccountValue, None]] = {}
    for account, tag, value, currency, model in rows:
        if account not in ("", _ALL) and not model:
            found.setdefault(account, {})[AccountValue(tag, value, currency)] = None
    if not found:
        _fail("it has no values of an account", path)
    return {account: AccountValues(account, tuple(values)) for account, values in found.items()}


def _of_print(text: str, path: str) -> list[list[str]]:
    rows: list[list[str]] = []
    position = _skip(text, 0)
    while position < len(text):
        match = _ROW.match(text, position)
        if match is None:
            _fail("this is no AccountValue(…) as Python prints it", path, line_and_column(text, position))
        rows.append([part[1:-1] if part else "" for part in match.groups()])
        position = _skip(text, match.end())
    return rows


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return position if match is None else match.end()


def _of_json(value: Any, path: str) -> list[list[str]]:
    if not isinstance(value, list):
        _fail("it is no array of account values", path)
    rows: list[list[str]] = []
    for number, row in enumerate(value):
        if isinstance(row, dict):
            row = [row.get(name, "" if name == "modelCode" else None) for name in FIELDS]
        if (
            not isinstance(row, list)
            or not 4 <= len(row) <= 5
            or not all(isinstance(one, str) for one in row)
        ):
            _fail(
                "this is no account value with account, tag, value and currency as text", path, f"/{number}"
            )
        rows.append([*row, ""][:5])
    return rows


def _of_csv(data: bytes, path: str) -> list[list[str]]:
    columns = FIELDS[:4]
    if not all(name.encode() in data.partition(b"\n")[0] for name in columns):
        what = "it is neither JSON, nor AccountValue(…) as Python prints it, nor CSV with the columns "
        _fail(what + ", ".join(columns), path)
    return [[row.cells.get(name, "") for name in FIELDS] for row in parse_csv(data, path, None, DEFAULT)]


def _fail(what: str, path: str, place: str | None = None) -> NoReturn:
    remedy = "write it with json.dumps([row._asdict() for row in ib.accountSummary()])"
    raise EvidenceError(what, path=path, place=place, remedy=remedy)


def choose(found: Mapping[str, AccountValues], wanted: str | None, pinned: str | None) -> AccountValues:
    """The values of the account that is wanted: the one named, else the pinned one, else the only one.

    Raises UsageError: the dump does not have it, or has several and nothing says which.
    """
    listed = ", ".join(mask(account[:32]) for account in list(found)[:5])
    if wanted is None and len(found) == 1:
        return next(iter(found.values()))
    account = wanted or pinned
    if account is None:
        raise UsageError(f"the dump has several accounts: {listed}", remedy="name one: --account ID")
    if account not in found:
        what = f"the dump has no values of {mask(account[:32])}, but of {listed}"
        raise UsageError(what, remedy="name one of them with --account, or dump the right account")
    return found[account]


def import_record(
    stated: AccountValues,
    others: int,
    observed_at: str | None,
    attestation: Attestation | None,
    where: str,
) -> Record:
    """The record that a dump gives. It does not say through which session the values were read, nor whether
    the account is a paper one: that is unknown, unless the id is one of a live account.

    Args:
        others: how many other accounts the dump has; a login for paper trading has none.

    Raises EvidenceError: the values contradict each other.
    """
    note = f"Imported from a dump of account values ({where[:200]})."
    if others:
        note += f" The dump has values of {counted(others, 'other account')}."
    kind = UNKNOWN if stated.account.startswith("D") else LIVE
    return make_record(stated, kind, observed_at, attestation=attestation, note=note, where=where)
