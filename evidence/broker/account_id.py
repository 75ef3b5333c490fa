"""Account ids never leave the file they stand in: masking, and errors that do not quote them."""

from __future__ import annotations

import re
from typing import Any

from ..base.contracts import check_file
from ..base.errors import EvidenceError
from ..reading.workspace import View

_PREFIX = re.compile(r"DUSIM|[A-Z]{1,2}")
_LOOKS_LIKE_ID = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{0,8}[0-9]{5,}[A-Za-z0-9]*")
_SHORTEST_WITH_TAIL = 7


def mask(account_id: str) -> str:
    """The id with everything but its first two and last two characters replaced by ``*``.

    An id of fewer than seven characters keeps only its beginning, so that more is hidden than shown.
    """
    size = len(account_id)
    if size >= _SHORTEST_WITH_TAIL:
        return account_id[:2] + "*" * (size - 4) + account_id[-2:]
    shown = min(2, size // 2)
    return account_id[:shown] + "*" * (size - shown)


def prefix(account_id: str) -> str:
    """The leading letters that name the kind of account: ``DUSIM``, or at most two (``DU``, ``U``)."""
    match = _PREFIX.match(account_id)
    return match.group() if match else ""


def hide(text: str, account_id: str | None) -> str:
    """``text`` with every occurrence of the id masked."""
    return text.replace(account_id, mask(account_id)) if account_id else text


def read_json(view: View, path: str, contract: str) -> Any:
    """The JSON file, held against its contract; errors quote no value from the file.

    Raises:
        EvidenceError: malformed, or not as the contract says; with the place and what is expected there.
    """
    view.read(path)  # what is wrong with the file as such quotes nothing from it
    try:
        value = view.read_json(path)
        check_file(contract, value, path, quote=False)
    except EvidenceError as error:
        place = None if error.place is None else _redact(error.place)
        raise EvidenceError(_redact(error.what), path=error.path, place=place, remedy=error.remedy) from None
    return value


def _redact(text: str) -> str:
    return _LOOKS_LIKE_ID.sub(lambda match: mask(match.group()), text)
