"""Times in evidence: RFC 3339 with an explicit zone, as UTC seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-](\d\d):(\d\d))", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC) - _EPOCH
_LAST = datetime.max.replace(tzinfo=UTC) - _EPOCH


@lru_cache
def parse_rfc3339(text: str) -> int:
    """Epoch seconds (fraction dropped, towards the past) of an RFC 3339 time like ``2025-11-07T12:00:00Z``.

    Raises ValueError: not RFC 3339, no zone, or no such date; the message is fit for a user.
    """
    return int(parse_rfc3339_us(text) // 1_000_000)


def parse_rfc3339_us(text: str) -> int:
    """Epoch microseconds of an RFC 3339 time; digits beyond the microsecond are dropped.

    Raises ValueError: as for :func:`parse_rfc3339`.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not an RFC 3339 time with a zone, like 2025-11-07T12:00:00Z")
    if match[1] and (int(match[1]) > 23 or int(match[2]) > 59):
        raise ValueError(f"{text!r} has an impossible zone")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise ValueError(f"{text!r} is not a real time: {error}") from error
    since = moment - _EPOCH
    if not _FIRST <= since <= _LAST:
        raise ValueError(f"{text!r} is outside the years 1 to 9999 in UTC")
    return since // timedelta(microseconds=1)


@lru_cache
def format_utc(epoch_s: int) -> str:
    """``2025-11-07T12:00:00Z`` for epoch seconds.

    Raises OverflowError: outside the years 1 to 9999; what :func:`parse_rfc3339` gives is always inside.
    """
    return (_EPOCH + timedelta(seconds=epoch_s)).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
