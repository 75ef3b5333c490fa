"""Finished text as bytes."""

from __future__ import annotations

from collections.abc import Iterable

from .figures import clean, for_people


def to_bytes(lines: Iterable[str]) -> bytes:
    """The lines for people: nothing in them acts on a terminal or a CI system, no account number is shown."""
    return for_people("".join(clean(line) + "\n" for line in lines)).encode("utf-8", "backslashreplace")
