"""``ib_async``, the maintained client library: extra ``ibkr``."""

from __future__ import annotations

from .library import LibraryAdapter


class IbAsync(LibraryAdapter):
    """The adapter of ib_async."""

    name = "ib_async"
