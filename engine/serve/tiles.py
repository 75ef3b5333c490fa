"""The Merkle tree of a log as tiles, after c2sp.org/tlog-tiles, version 1. Pure.

A tile has up to 256 hashes of one level of the tree; level L of the tiles is level 8·L of the tree. What is
kept is 32 bytes for each entry, and a hash for every 256 below. Lines lie in the ledger alone.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from typing import Final

from ..ledger.merkle import HASH_BYTES, Frontier, root_of

WIDTH: Final = 256
MOST_LEVELS: Final = 63
_GROUPS: Final = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}")


class Tree:
    """All hashes of a log that tiles show."""

    def __init__(self) -> None:
        self.frontier = Frontier()
        self._levels: list[bytearray] = [bytearray()]
        self._starts = array("Q")  # where each bundle of entries begins in the log, in bytes
        self._bytes = 0

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return self.frontier.size

    def grown(self, leaves: Sequence[bytes]) -> Frontier:
        """The frontier that `extend` would lead to."""
        frontier = self.frontier.copy()
        for leaf in leaves:
            frontier.append(leaf)
        return frontier

    def extend(self, leaves: Iterable[bytes], lengths: Iterable[int]) -> None:
        """Add leaf hashes, and the lengths of their lines in bytes, without line feeds."""
        for leaf, length in zip(leaves, lengths, strict=True):
            if self.size % WIDTH == 0:
                self._starts.append(self._bytes)
            self.frontier.append(leaf)
            self._levels[0] += leaf
            self._bytes += length + 1
            level = 0
            while (count := len(self._levels[level]) // HASH_BYTES) % WIDTH == 0:
                full = self._hashes(level, count - WIDTH, WIDTH)
                if level + 1 == len(self._levels):
                    self._levels.append(bytearray())
                level += 1
                self._levels[level] += root_of(full)

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """A tile of hashes; None when the log has not so many."""
        start = index * WIDTH
        if level >= len(self._levels) or (start + width) * HASH_BYTES > len(self._levels[level]):
            return None
        return b"".join(self._hashes(level, start, width))

    def bundle(self, index: int, width: int) -> tuple[int, int] | None:
        """The first entry of a bundle, and where its line begins in the log; None when there are not so many
        entries.
        """
        first = index * WIDTH
        return None if first + width > self.size else (first, self._starts[index])

    def leaves(self, size: int) -> list[bytes]:
        """The hashes of the first `size` entries."""
        return self._hashes(0, 0, size)

    def _hashes(self, level: int, start: int, count: int) -> list[bytes]:
        data = self._levels[level]
        ends = range(start * HASH_BYTES, (start + count) * HASH_BYTES, HASH_BYTES)
        return [bytes(data[at : at + HASH_BYTES]) for at in ends]


def parse_tile(path: str) -> tuple[int | None, int, int] | None:
    """Level (None for entries), index and width of the path after ``tile/``; None where it is none.

    Only the one way of writing it that the specification allows is read.
    """
    level_text, _, rest = path.partition("/")
    number, partial, width_text = rest.partition(".p/")
    if not _GROUPS.fullmatch(number):
        return None
    index = int(number.replace("x", "").replace("/", ""))
    level = None if level_text == "entries" else _number(level_text, MOST_LEVELS)
    width = _number(width_text, WIDTH - 1) if partial else WIDTH
    if (level is None and level_text != "entries") or not width or index >= 1 << 55:
        return None
    return (level, index, width) if number == tile_number(index) else None


def tile_number(index: int) -> str:
    """An index as the specification writes it in a path: ``x001/x234/067``."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups))


def bundled(lines: Iterable[bytes]) -> bytes:
    """A bundle of entries: each with its length before it, 16 bits, big-endian."""
    return b"".join(len(line).to_bytes(2, "big") + line for line in lines)


def _number(text: str, most: int) -> int | None:
    if not text.isascii() or not text.isdecimal() or len(text) > 3 or str(int(text)) != text:
        return None
    return int(text) if int(text) <= most else None
