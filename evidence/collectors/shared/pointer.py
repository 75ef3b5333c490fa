"""JSON pointers (RFC 6901, https://www.rfc-editor.org/rfc/rfc6901) into documents of dicts and lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...base.contracts import format_pointer as format_pointer

PATTERN = r"^(/([^/~]|~[01])*)*$"
"""What every pointer matches; for the schema of ``gate.yaml``."""

_BAD_ESCAPE = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]*")
_NO_INDEX = re.compile(r"-|0[0-9]+")
_LONGEST = 1000
_INDEX_DIGITS = 18


class Absent(Exception):
    """The document has no value at the pointer; the text says why, one clause."""


class NoIndex(Exception):
    """The pointer names an array's element in a way that no element can be named (``-``, ``01``)."""


def parse_pointer(text: str) -> tuple[str, ...]:
    """The components of a pointer, unescaped; none for the whole document.

    Raises:
        ValueError: it is no JSON pointer; the message is fit for a user.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"the JSON pointer {text[:40]!r}… has more than {_LONGEST} characters")
    if not text:
        return ()
    if not text.startswith("/"):
        raise ValueError(f"the JSON pointer {text[:80]!r} does not begin with '/'")
    if _BAD_ESCAPE.search(text):
        raise ValueError(f"the JSON pointer {text[:80]!r} has a '~' that is neither '~0' nor '~1'")
    # in this order: '~01' is '~1', not '/'
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def is_index(part: str) -> bool:
    """Whether the component can name an element of an array: digits without leading zeros."""
    return _INDEX.fullmatch(part) is not None


def resolve(document: Any, parts: Sequence[str]) -> Any:
    """The value that the components lead to.

    Raises:
        Absent: there is none.
        NoIndex: a component is no index, where the document has an array.
    """
    value = document
    for count, part in enumerate(parts):
        here = format_pointer(parts[:count]) or "the document"
        if isinstance(value, dict):
            if part not in value:
                raise Absent(f"{here} has no member {part[:80]!r}")
            value = value[part]
        elif isinstance(value, list):
            if _NO_INDEX.fullmatch(part):
                raise NoIndex(f"{part[:80]!r} names no element of the array {here}")
            if not is_index(part):
                raise Absent(f"{here} is an array, which has no member {part[:80]!r}")
            if len(part) > _INDEX_DIGITS or int(part) >= len(value):
                raise Absent(f"the array {here} has only {len(value)} elements")
            value = value[int(part)]
        else:
            raise Absent(f"{here} is neither an object nor an array")
    return value
