"""A blob elsewhere as a stream that is fetched in parts, so that memory stays bounded whatever its size."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, Final, cast

_PART: Final = 1 << 20
"""How many bytes are fetched at a time."""


class _Parts(io.RawIOBase):
    def __init__(self, fetch: Callable[[int, int], bytes]) -> None:
        self._fetch, self._at = fetch, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._fetch(self._at, len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def in_parts(fetch: Callable[[int, int], bytes]) -> BinaryIO:
    """The stream over a function that gives at most so many bytes from a position on, and none at the end."""
    return cast(BinaryIO, io.BufferedReader(_Parts(fetch), _PART))
