"""Typed reading of JSON documents whose format others define, and text of theirs made fit to be shown.

A field that we know must have the type its format gives it; fields that we do not know are left alone.
``null`` counts as absent, as many writers use it for that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from ...base.contracts import format_pointer
from ...base.errors import EvidenceError, masked
from ...base.times import parse_rfc3339

Place = tuple[str | int, ...]
"""Keys and indices that lead to a value in a JSON document."""

_KINDS: dict[type, str] = {dict: "an object", list: "an array", str: "a string"}
_PLAIN = re.compile(r"[ -~]*")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def pointer(place: Place) -> str:
    """The JSON pointer (RFC 6901) of a place; ``/`` for the whole document."""
    return format_pointer(place) or "/"


def shown(text: str, longest: int = 200, *, identifier: bool = False) -> str:
    """Foreign text as one line that cannot steer a terminal or change the reading order.

    Runs of white space become one space. Control, formatting (also bidirectional) and unassigned characters
    are written as escapes such as ``\\u202e``. Broker accounts are masked, but not in an identifier, which
    must stay what it is. Text longer than ``longest`` characters ends in an ellipsis.
    """
    line = " ".join(text[: 4 * longest].split())
    if not _PLAIN.fullmatch(line):
        line = "".join(
            f"\\u{ord(char):04x}" if unicodedata.category(char) in _HIDDEN else char for char in line
        )
    line = line if identifier else masked(line)
    cut = len(line) > longest or len(text) > 4 * longest
    return line[: longest - 1] + "…" if cut else line


def epoch(stated: Any) -> int | None:
    """Epoch seconds of an RFC 3339 time from 1970 on; None of anything else."""
    try:
        found = parse_rfc3339(stated) if isinstance(stated, str) else -1
    except ValueError:
        return None
    return found if found >= 0 else None


class Fields:
    """Reads fields of one document by name and type.

    Args:
        path: the file, for messages.
        remedy: what to do when the document is not what it should be.
    """

    def __init__(self, path: str, remedy: str) -> None:
        self.path = path
        self._remedy = remedy

    def fail(self, what: str, place: Place) -> NoReturn:
        """Refuse the document.

        Raises:
            EvidenceError: always.
        """
        raise EvidenceError(what, path=self.path, place=pointer(place), remedy=self._remedy)

    def _typed(self, kind: type, value: Any, place: Place) -> Any:
        if type(value) is not kind:
            self.fail(f"{'the value' if place else 'the document'} is not {_KINDS[kind]}", place)
        return value

    def _field(self, kind: type, owner: dict[str, Any], key: str, place: Place) -> Any:
        value = owner.get(key)
        if value is not None and type(value) is not kind:
            self._typed(kind, value, (*place, key))
        return value

    def whole(self, value: Any) -> dict[str, Any]:
        """The document itself, which must be an object.

        Raises:
            EvidenceError: it is something else; so it is for all methods below.
        """
        found: dict[str, Any] = self._typed(dict, value, ())
        return found

    def mapping(self, owner: dict[str, Any], key: str, place: Place) -> dict[str, Any]:
        """An object; empty where there is none. ``place`` is where ``owner`` is, here and below."""
        return self._field(dict, owner, key, place) or {}

    def array(self, owner: dict[str, Any], key: str, place: Place) -> list[Any]:
        """An array; empty where there is none."""
        return self._field(list, owner, key, place) or []

    def objects(
        self, owner: dict[str, Any], key: str, place: Place
    ) -> Iterator[tuple[dict[str, Any], Place]]:
        """The objects of an array, each with its place."""
        for index, item in enumerate(self.array(owner, key, place)):
            there = (*place, key, index)
            yield self._typed(dict, item, there), there

    def texts(self, owner: dict[str, Any], key: str, place: Place) -> list[str]:
        """The strings of an array."""
        return [
            self._typed(str, item, (*place, key, index))
            for index, item in enumerate(self.array(owner, key, place))
        ]

    def text(self, owner: dict[str, Any], key: str, place: Place) -> str | None:
        """A string; None where there is none."""
        found: str | None = self._field(str, owner, key, place)
        return found

    def required(self, owner: dict[str, Any], key: str, place: Place) -> str:
        """A string that must be there and hold more than white space."""
        found = self.text(owner, key, place)
        if found is None or not found.strip():
            self.fail(f"there is no {key!r}", place)
        return found

    def choice(self, owner: dict[str, Any], key: str, place: Place, known: Iterable[str]) -> str | None:
        """One of the known strings; None where there is none."""
        found = self.text(owner, key, place)
        if found is not None and found not in known:
            self.fail(f"{key} is {shown(found, 40)!r}, known are {', '.join(known)}", (*place, key))
        return found
