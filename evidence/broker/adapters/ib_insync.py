"""``ib_insync``, its predecessor with the same interface: extra ``ib-insync``."""

from __future__ import annotations

from .library import LibraryAdapter


class IbInsync(LibraryAdapter):
    """The adapter of ib_insync."""

    name = "ib_insync"
