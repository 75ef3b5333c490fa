"""The byte level of the TWS socket protocol: the greeting, then frames of NUL-terminated fields.

A client greets with ``API\\0`` and a frame ``v<lowest>..<highest>`` (optionally followed by a space and
options). Every frame has a 4-byte big-endian length before it. What a client sends is not trusted: whatever
is too long, unfinished or not in this form is malformed, and nothing beyond one frame is ever held.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

FRAME_BYTES = 64 * 1024
"""Longest frame that is read. An order with every field has about 1 KiB."""

_GREETING = b"API\0"
_VERSIONS = re.compile(rb"v(\d{1,5})\.\.(\d{1,5})(?: [\x20-\x7e]{0,200})?")


class Malformed(Exception):
    """Bytes or fields that are not in the form of the protocol; the text says what, without quoting them."""


class Framer:
    """Splits what one client sends into its frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._greeted = False

    @property
    def unfinished(self) -> bool:
        """Whether a part of a frame has arrived."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Each frame that is complete with these bytes, the greeting's first.

        Raises Malformed: no greeting, or a frame longer than FRAME_BYTES.
        """
        self._buffer += data
        if not self._greeted:
            start = bytes(self._buffer[: len(_GREETING)])
            if start != _GREETING[: len(start)]:
                raise Malformed("the connection does not begin with the greeting API")
            if len(start) < len(_GREETING):
                return
            del self._buffer[: len(_GREETING)]
            self._greeted = True
        while len(self._buffer) >= 4:
            (length,) = struct.unpack_from(">I", self._buffer)
            if length > FRAME_BYTES:
                raise Malformed(f"a frame of {length} bytes; at most {FRAME_BYTES} are read")
            if len(self._buffer) < 4 + length:
                return
            frame = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            yield frame


def versions(frame: bytes) -> tuple[int, int]:
    """Lowest and highest protocol version that the greeting offers. Raises Malformed: it names none."""
    found = _VERSIONS.fullmatch(frame)
    if found is None:
        raise Malformed("the greeting names no versions, such as v157..178")
    return int(found[1]), int(found[2])


def fields_of(frame: bytes) -> list[str]:
    """The fields of a frame. Raises Malformed: the last one is not ended, or it is not UTF-8."""
    if not frame.endswith(b"\0"):
        raise Malformed("a message whose last field is not ended")
    try:
        return frame[:-1].decode().split("\0")
    except UnicodeDecodeError as error:
        raise Malformed("a message that is not UTF-8") from error


def frame_of(fields: Iterable[str]) -> bytes:
    """One frame with these fields."""
    body = ("\0".join(fields) + "\0").encode()
    return struct.pack(">I", len(body)) + body
